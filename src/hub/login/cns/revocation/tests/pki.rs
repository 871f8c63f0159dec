//! Authorities, cards and responders made with `openssl`, each in a folder of its own that goes with it.

use super::super::{
    ocsp::Asked,
    question::{Authority, Question},
};
use openssl::x509::X509;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// Runs openssl, which must succeed.
pub fn openssl(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let done = Command::new("openssl").args(arguments).current_dir(folder).output().expect("openssl");
    assert!(done.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// An authority.
#[derive(Debug)]
pub struct Pki {
    pub folder: PathBuf,
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What stands in an authority's index.
pub const GOOD: &str = "7f00000000000001";
pub const REVOKED: &str = "7f00000000000002";
pub const HELD: &str = "7f00000000000003";
pub const UNKNOWN: &str = "7f00000000000004";
/// As a first octet above 127 makes it: a zero stands in front in DER.
pub const LARGE: &str = "ff00000000000000000000000000000000000005";

impl Pki {
    /// An authority of this name; two of one name have two keys.
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("varco-cns-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let pki = Self { folder: std::env::temp_dir().join(unique) };
        fs::create_dir_all(&pki.folder).unwrap();
        let subject = format!("/C=IT/O=Varco/CN={name}");
        let ca = ["keyUsage=critical,keyCertSign,cRLSign"];
        pki.certify("ca", &subject, "01", &ca, &[]);
        pki.index(&[
            format!("V\t491231235959Z\t\t{GOOD}\tunknown\t/CN=good"),
            format!("R\t491231235959Z\t261101120000Z,keyCompromise\t{REVOKED}\tunknown\t/CN=revoked"),
            format!("R\t491231235959Z\t261102120000Z,certificateHold\t{HELD}\tunknown\t/CN=held"),
            format!("R\t491231235959Z\t261103120000Z\t{}\tunknown\t/CN=large", LARGE.to_uppercase()),
        ]);
        pki
    }

    /// The lines of the database.
    pub fn index(&self, lines: &[String]) {
        let text: String = lines.iter().map(|line| format!("{}\n", line.replace("7f0", "7F0"))).collect();
        self.write("index.txt", text.as_bytes());
    }

    pub fn write(&self, file: &str, octets: &[u8]) {
        fs::write(self.folder.join(file), octets).unwrap();
    }

    pub fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.folder.join(file)).unwrap()
    }

    fn certify(&self, file: &str, subject: &str, serial: &str, extensions: &[&str], more: &[&str]) -> X509 {
        let (key, out, serial) = (format!("{file}.key"), format!("{file}.pem"), format!("0x{serial}"));
        let mut arguments =
            vec!["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        arguments.extend(["-keyout", &key, "-out", &out, "-subj", subject, "-set_serial", &serial]);
        arguments.extend(extensions.iter().flat_map(|one| ["-addext", one]));
        if !more.contains(&"-days") {
            arguments.extend(["-days", "30"]);
        }
        arguments.extend(more);
        openssl(&self.folder, &arguments);
        X509::from_pem(&self.read(&out)).unwrap()
    }

    /// A certificate of this authority, of the name and key `file`.
    pub fn issue(&self, file: &str, serial: &str, extensions: &[&str], more: &[&str]) -> X509 {
        let subject = format!("/C=IT/CN={file}");
        self.certify(
            file,
            &subject,
            serial,
            extensions,
            &[&["-CA", "ca.pem", "-CAkey", "ca.key"], more].concat(),
        )
    }

    /// The authority's key with a certificate that writes its name in another way, `other.pem`: a kind of string that
    /// is old, other capitals and spaces. What it issues has this name of the issuer.
    pub fn other_writing(&self, name: &str) {
        // T61String.
        self.write("other.cnf", b"[req]\ndistinguished_name = dn\nstring_mask = MASK:4\n[dn]\n");
        let subject = format!("/C=IT/O=VARCO/CN={name}");
        let given = ["req", "-x509", "-new", "-key", "ca.key", "-config", "other.cnf", "-subj", &subject];
        let more = ["-out", "other.pem", "-days", "30", "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        openssl(&self.folder, &[&given[..], &more].concat());
        fs::copy(self.folder.join("ca.key"), self.folder.join("other.key")).unwrap();
    }

    /// A card whose certificate names these addresses.
    pub fn card(&self, serial: &str, responder: Option<&str>, lists: &[&str]) -> X509 {
        self.issue_at(
            &format!("card-{serial}"),
            serial,
            "keyUsage = critical,digitalSignature",
            responder,
            lists,
        )
    }

    /// A certificate with these lines of extensions, that names these addresses.
    pub fn issue_at(
        &self,
        file: &str,
        serial: &str,
        lines: &str,
        responder: Option<&str>,
        lists: &[&str],
    ) -> X509 {
        let mut settings = format!("[req]\ndistinguished_name = dn\n[dn]\n[card]\n{lines}\n");
        settings.extend(responder.map(|url| format!("authorityInfoAccess = OCSP;URI:{url}\n")));
        if !lists.is_empty() {
            settings.push_str("crlDistributionPoints = point\n[point]\nfullname = @names\n[names]\n");
        }
        settings.extend(lists.iter().enumerate().map(|(n, url)| format!("URI.{n} = {url}\n")));
        let config = format!("{file}.cnf");
        self.write(&config, settings.as_bytes());
        self.issue(file, serial, &[], &["-config", &config, "-extensions", "card"])
    }

    /// A responder's certificate as it should be, and what is said differently.
    pub fn responder(&self, file: &str, extensions: &[&str]) -> X509 {
        self.issue(file, &format!("7e0000{:02x}", file.len()), extensions, &[])
    }

    pub fn certificate(&self) -> X509 {
        X509::from_pem(&self.read("ca.pem")).unwrap()
    }

    pub fn authority(&self) -> Authority {
        Authority::new(&self.certificate()).unwrap()
    }

    /// A request for a card.
    pub fn asked(&self, serial: &str) -> Asked {
        Asked::new(&self.question(serial), &self.authority()).unwrap()
    }

    pub fn question(&self, serial: &str) -> Question {
        Question::new(&self.card(serial, None, &[])).unwrap()
    }

    /// `openssl ocsp` answers a request, signed with the certificate and key of this name in the folder of `who`.
    pub fn answer(&self, request: &[u8], who: &Self, signer: &str, more: &[&str]) -> Vec<u8> {
        self.write("request.der", request);
        let signer = who.folder.join(signer);
        let certificate = signer.with_extension("pem").display().to_string();
        let key = signer.with_extension("key").display().to_string();
        let given = [
            "ocsp",
            "-index",
            "index.txt",
            "-CA",
            "ca.pem",
            "-reqin",
            "request.der",
            "-respout",
            "answer.der",
        ];
        openssl(&self.folder, &[&given[..], &["-rsigner", &certificate, "-rkey", &key], more].concat());
        self.read("answer.der")
    }

    /// `openssl ca` makes a list, with these lines of extensions; none make version 1.
    pub fn list(&self, extensions: &str, number: Option<&str>, more: &[&str]) -> Vec<u8> {
        let numbered = number.map(|_| "crlnumber = number\n").unwrap_or_default();
        self.write("number", format!("{}\n", number.unwrap_or_default()).as_bytes());
        let wanted = if extensions.is_empty() { "" } else { "crl_extensions = list\n" };
        let settings = format!(
            "[ca]\ndefault_ca = us\n[us]\ndatabase = index.txt\ndefault_md = sha256\nunique_subject = no\n{numbered}{wanted}[list]\n{extensions}\n"
        );
        self.write("ca.cnf", settings.as_bytes());
        let given = [
            "ca", "-gencrl", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-out", "list.pem",
        ];
        let days = if more.iter().any(|one| one.starts_with("-crl")) { &[][..] } else { &["-crldays", "1"] };
        openssl(&self.folder, &[&given[..], days, more].concat());
        openssl(&self.folder, &["crl", "-in", "list.pem", "-outform", "DER", "-out", "list.der"]);
        self.read("list.der")
    }

    /// A list as issuers make them.
    pub fn good_list(&self) -> Vec<u8> {
        self.list("authorityKeyIdentifier = keyid", Some("10"), &[])
    }
}

/// Replaces octets of the same number, which must be there.
pub fn swap(octets: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = octets.windows(from.len()).position(|window| window == from).expect("it is there");
    [&octets[..at], to, &octets[at + from.len()..]].concat()
}
