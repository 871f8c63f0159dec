//! The authority that issues the lab's cards, with what it says of them: revocation lists and OCSP answers made by
//! `openssl`, served by a web server that runs small programs (busybox).

use super::{
    authority::{Authority, pair},
    card::{Card, PIN, Signer},
};
use crate::ca;
use anyhow::{Result, bail, ensure};
use openssl::{
    pkcs12::Pkcs12,
    pkey::{PKey, Private},
    x509::{X509, X509Crl},
};
use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// An authority's folder. `web` in it is what its web server serves, `cards` the cards.
#[derive(Debug, Clone)]
pub struct Certifier {
    folder: PathBuf,
}

impl Certifier {
    /// Makes issuers, all cards, revocation lists and OCSP answers. `url` is the address of its web server and
    /// `elsewhere` of one that does not answer as it should, both without a slash at the end.
    ///
    /// # Errors
    /// When the folder cannot be written, or `openssl` is missing.
    pub fn make(folder: &Path, url: &str, elsewhere: &str) -> Result<Self> {
        let certifier = Self::open(folder);
        fs::create_dir_all(folder.join("web/cgi-bin"))?;
        fs::create_dir_all(folder.join("cards"))?;
        let issuer = Authority::make(folder, "issuer", "Ente emittente di prova", ca::new_key()?)?;
        let rogue = Authority::make(folder, "rogue", "Ente emittente di prova", ca::new_curve_key()?)?;
        let withdrawn = Authority::make(folder, "withdrawn", "Ente ritirato di prova", ca::new_curve_key()?)?;
        issuer.responder(folder, "responder")?;
        rogue.responder(folder, "stranger")?;
        let key = ca::new_key()?;
        let (mut known, mut listed) = (String::new(), String::new());
        for card in Card::ALL.iter().filter(|card| **card != Card::None) {
            let signer = match card.signer() {
                Signer::Issuer => &issuer,
                Signer::Rogue => &rogue,
                Signer::Withdrawn => &withdrawn,
            };
            let certificate = signer.card(&card.content(url, elsewhere), &key)?;
            certifier.save(*card, &certificate, &key)?;
            if *card != Card::UnknownToOcsp {
                known += &line(&certificate, card.is_revoked())?;
            }
            if *card == Card::RevokedByList {
                listed += &line(&certificate, true)?;
            }
        }
        certifier.answers(&known)?;
        certifier.list(&listed)?;
        Ok(certifier)
    }

    /// The authority that [`Self::make`] made in `folder`.
    pub fn open(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    /// A file of the authority.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A file of a card: `pem` for its certificate, `key`, `p12` for both under the PIN.
    pub fn card(&self, card: Card, end: &str) -> PathBuf {
        self.path(&format!("cards/{card}.{end}"))
    }

    /// The certificate of `issuer` or `withdrawn`, for the trust list.
    ///
    /// # Errors
    /// When it is not there.
    pub fn issuer(&self, name: &str) -> Result<X509> {
        Ok(pair(&self.folder, name)?.0)
    }

    /// The command of the web server on this address and port.
    pub fn serve(&self, listen: &str) -> Vec<String> {
        let home = self.path("web").display().to_string();
        ["busybox", "httpd", "-f", "-p", listen, "-h", &home].map(str::to_owned).to_vec()
    }

    fn save(&self, card: Card, certificate: &X509, key: &PKey<Private>) -> Result<()> {
        ca::save(&self.path("cards"), card.name(), certificate, key)?;
        let both = Pkcs12::builder().name(card.name()).pkey(key).cert(certificate).build2(PIN)?;
        ca::write(&self.card(card, "p12"), &both.to_der()?, 0o600)
    }

    /// Programs that answer for the responder, for a stranger, and with an earlier answer.
    fn answers(&self, known: &str) -> Result<()> {
        self.index("known", known)?;
        let replayed = self.path("replayed.der");
        self.earlier(&replayed)?;
        self.program("ocsp", &self.answer("known", "responder"))?;
        self.program("stranger", &self.answer("honest", "stranger"))?;
        self.program("replayed", &format!("cat '{}'", replayed.display()))
    }

    /// An answer of a time when no card was revoked, to a question of then.
    fn earlier(&self, to: &Path) -> Result<()> {
        let honest = fs::read_to_string(self.path("known.txt"))?;
        let never = |line: &str| {
            let mut fields: Vec<_> = line.split('\t').collect();
            if let [kind, _, since, ..] = &mut *fields {
                (*kind, *since) = ("V", "");
            }
            fields.join("\t") + "\n"
        };
        self.index("honest", &honest.lines().map(never).collect::<String>())?;
        let question = self.path("replayed.question");
        let mut ask = self.openssl(&["ocsp", "-issuer", "issuer.pem", "-cert"]);
        run(ask.arg(self.card(Card::Replayed, "pem")).arg("-reqout").arg(&question))?;
        let mut answer = Command::new("sh");
        let script =
            self.answer("honest", "responder").replace("/dev/stdin", &question.display().to_string());
        run(answer.args(["-c", &script.replace("/dev/stdout", &to.display().to_string())]))
    }

    /// Answers the question on standard input, from what the index says, as this signer.
    fn answer(&self, index: &str, signer: &str) -> String {
        let at = self.folder.display();
        // The stranger claims the issuer's name and signs with a key of its own.
        format!(
            "openssl ocsp -index '{at}/{index}.txt' -CA '{at}/issuer.pem' -rsigner '{at}/{signer}.pem' \
             -rkey '{at}/{signer}.key' -nmin 5 -reqin /dev/stdin -respout /dev/stdout 2>/dev/null"
        )
    }

    fn program(&self, name: &str, line: &str) -> Result<()> {
        let head = "#!/bin/sh\nprintf 'Content-Type: application/ocsp-response\\r\\n\\r\\n'\n";
        let path = self.path(&format!("web/cgi-bin/{name}"));
        fs::write(&path, format!("{head}exec {line}\n"))?;
        Ok(fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?)
    }

    /// Writes the revocation list of the issuer, `web/issuer.crl`.
    fn list(&self, listed: &str) -> Result<()> {
        self.index("listed", listed)?;
        let at = self.folder.display();
        let settings = format!(
            "[ca]\ndefault_ca = it\n[it]\ndatabase = {at}/listed.txt\ndefault_md = sha256\n\
             crlnumber = {at}/number\ncrl_extensions = more\n[more]\nauthorityKeyIdentifier = keyid:always\n"
        );
        fs::write(self.path("openssl.cnf"), settings)?;
        fs::write(self.path("number"), "01\n")?;
        let words =
            ["ca", "-gencrl", "-config", "openssl.cnf", "-keyfile", "issuer.key", "-cert", "issuer.pem"];
        run(self.openssl(&words).args(["-crldays", "7", "-out", "issuer.crl.pem"]))?;
        let list = X509Crl::from_pem(&fs::read(self.path("issuer.crl.pem"))?)?;
        Ok(fs::write(self.path("web/issuer.crl"), list.to_der()?)?)
    }

    fn index(&self, name: &str, lines: &str) -> Result<()> {
        fs::write(self.path(&format!("{name}.txt")), lines)?;
        // One person has many cards.
        Ok(fs::write(self.path(&format!("{name}.txt.attr")), "unique_subject = no\n")?)
    }

    fn openssl(&self, words: &[&str]) -> Command {
        let mut command = Command::new("openssl");
        command.args(words).current_dir(&self.folder);
        command
    }
}

/// A line of the index that `openssl ca` and `openssl ocsp` read.
fn line(certificate: &X509, revoked: bool) -> Result<String> {
    let mut serial = certificate.serial_number().to_bn()?.to_hex_str()?.to_uppercase();
    if serial.len() % 2 == 1 {
        serial.insert(0, '0');
    }
    let (kind, since) = if revoked { ("R", "200101000000Z,keyCompromise") } else { ("V", "") };
    let mut line = String::new();
    writeln!(line, "{kind}\t491231235959Z\t{since}\t{serial}\tunknown\t/CN={serial}")?;
    Ok(line)
}

fn run(command: &mut Command) -> Result<()> {
    let Ok(done) = command.output() else { bail!("{command:?} does not start (Debian package openssl)") };
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    ensure!(done.status.success(), "{command:?}: {}", said.trim());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    fn status(certifier: &Certifier, card: Card, program: &str) -> Result<String> {
        let at = certifier.folder.display();
        let question = certifier.path("question");
        let mut ask = certifier.openssl(&["ocsp", "-issuer", "issuer.pem", "-cert"]);
        run(ask.arg(certifier.card(card, "pem")).arg("-reqout").arg(&question))?;
        let program = certifier.path(&format!("web/cgi-bin/{program}"));
        let script = format!(
            "'{}' < '{}' | sed '1,2d' > '{at}/answer'; openssl ocsp -issuer '{at}/issuer.pem' \
             -CAfile '{at}/issuer.pem' -reqin '{}' -respin '{at}/answer' -resp_text 2>&1 || true",
            program.display(),
            question.display(),
            question.display(),
        );
        let done = Command::new("sh").args(["-c", &script]).output().context("sh")?;
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }

    #[test]
    fn answers_are_what_each_card_is_for() {
        let folder = std::env::temp_dir().join(format!("varco-cards-{}", std::process::id()));
        let certifier =
            Certifier::make(&folder, "http://ente.varco.test", "http://altrove.varco.test").unwrap();
        let said = |card, program| status(&certifier, card, program).unwrap();
        let good = said(Card::Good, "ocsp");
        assert!(good.contains("Response verify OK") && good.contains("Cert Status: good"), "{good}");
        assert!(said(Card::RevokedByOcsp, "ocsp").contains("Cert Status: revoked"));
        assert!(said(Card::UnknownToOcsp, "ocsp").contains("Cert Status: unknown"));
        let stranger = said(Card::Stranger, "stranger");
        assert!(stranger.contains("Response Verify Failure"), "{stranger}");
        assert!(said(Card::Stranger, "ocsp").contains("Cert Status: revoked"));
        let replayed = said(Card::Replayed, "replayed");
        assert!(replayed.contains("Nonce Verify error"), "{replayed}");
        let list = X509Crl::from_der(&fs::read(certifier.path("web/issuer.crl")).unwrap()).unwrap();
        let key = certifier.issuer("issuer").unwrap().public_key().unwrap();
        assert!(list.verify(&key).unwrap());
        let revoked = pair(&certifier.path("cards"), "revoked-by-list").unwrap().0;
        let listed: Vec<_> =
            list.get_revoked().unwrap().iter().map(|r| r.serial_number().to_bn().unwrap()).collect();
        assert_eq!(listed, [revoked.serial_number().to_bn().unwrap()]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
