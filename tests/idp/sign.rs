//! Keys and signatures. Signs and verifies with Debian's `xmlsec1` program, so that the hub's library meets a
//! caller of another kind.

use super::xml::{DS, SAML, SAMLP};
use crate::ca;
use anyhow::{Context, Result, bail, ensure};
use openssl::{hash::MessageDigest, pkey::PKey, sign::Verifier, x509::X509};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// The signature algorithm, always RSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// What SPID asks for.
    Sha256,
    /// What SPID forbids.
    Sha1,
}

/// A signing key with its certificate, in a folder.
#[derive(Debug, Clone)]
pub struct Signer {
    key: PathBuf,
    certificate: PathBuf,
    stranger: PathBuf,
}

impl Signer {
    /// Opens the keys in `folder`, or makes them: the provider's own, and one that no metadata names.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        for name in ["idp", "stranger"] {
            if !folder.join(format!("{name}.pem")).exists() {
                ca::self_signed(folder, name, "Test identity provider")?;
            }
        }
        Ok(Self {
            key: folder.join("idp.key"),
            certificate: folder.join("idp.pem"),
            stranger: folder.join("stranger.key"),
        })
    }

    /// The provider's certificate as metadata carries it: base64 of DER, one line.
    ///
    /// # Errors
    /// When the certificate cannot be read.
    pub fn certificate_text(&self) -> Result<String> {
        let der = X509::from_pem(&std::fs::read(&self.certificate)?)?.to_der()?;
        Ok(openssl::base64::encode_block(&der))
    }

    /// Fills the first signature template of `xml` with the provider's own key.
    ///
    /// # Errors
    /// When `xmlsec1` is missing or refuses.
    pub fn sign(&self, xml: &str) -> Result<String> {
        self.fill(xml, &self.key)
    }

    /// Fills the first signature template of `xml` with a key that no metadata names, and that key's absence
    /// from `KeyInfo` hidden behind the provider's certificate.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn sign_as_stranger(&self, xml: &str) -> Result<String> {
        self.fill(xml, &self.stranger)
    }

    fn fill(&self, xml: &str, key: &Path) -> Result<String> {
        let pair = format!("{},{}", key.display(), self.certificate.display());
        fill(&[], &pair, xml)
    }
}

/// Fills the first signature template of `xml` with this key; `options` are of `xmlsec1`.
///
/// # Errors
/// When `xmlsec1` is missing or refuses.
pub fn with(options: &[&str], key: &Path, xml: &str) -> Result<String> {
    fill(options, &key.display().to_string(), xml)
}

fn fill(options: &[&str], key: &str, xml: &str) -> Result<String> {
    let done = xmlsec1(&[&["--sign", "--privkey-pem", key], options].concat(), xml)?;
    let text = String::from_utf8(done.stdout)?;
    let start = text.find("?>").map_or(0, |at| at + 2);
    Ok(text[start..].trim().to_owned())
}

/// An enveloped signature template for the element with this `ID`.
pub fn template(id: &str, digest: Digest) -> String {
    let (signature, hash) = match digest {
        Digest::Sha256 => {
            ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256")
        }
        Digest::Sha1 => {
            ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1")
        }
    };
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    format!(
        r##"<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{exclusive}"/><ds:SignatureMethod Algorithm="{signature}"/><ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="{DS}enveloped-signature"/><ds:Transform Algorithm="{exclusive}"/></ds:Transforms><ds:DigestMethod Algorithm="{hash}"/><ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue></ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate></ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"##
    )
}

/// Checks the enveloped signature of `xml` against each certificate (PEM); one must fit.
///
/// # Errors
/// When none fits.
pub fn verify_enveloped(xml: &str, certificates: &[String]) -> Result<()> {
    for pem in certificates {
        let file = scratch(pem)?;
        // Only the certificate from the metadata counts, never one that the message brings along.
        let path = file.display().to_string();
        let answer =
            xmlsec1(&["--verify", "--enabled-key-data", "key-name", "--pubkey-cert-pem", &path], xml);
        std::fs::remove_file(&file)?;
        if answer.is_ok() {
            return Ok(());
        }
    }
    bail!("the signature fits no certificate of the metadata")
}

/// Checks the signature of a query string (SAML bindings 3.4.4.1) against each certificate (PEM).
///
/// # Errors
/// When none fits.
pub fn verify_query(signed: &[u8], signature: &[u8], certificates: &[String]) -> Result<()> {
    for pem in certificates {
        let key =
            PKey::public_key_from_pem(&X509::from_pem(pem.as_bytes())?.public_key()?.public_key_to_pem()?)?;
        let mut verifier = Verifier::new(MessageDigest::sha256(), &key)?;
        verifier.update(signed)?;
        if verifier.verify(signature)? {
            return Ok(());
        }
    }
    bail!("the signature fits no certificate of the metadata")
}

fn scratch(content: &str) -> Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("varco-idp-{}.pem", uuid::Uuid::new_v4()));
    std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?.write_all(content.as_bytes())?;
    Ok(path)
}

fn xmlsec1(arguments: &[&str], xml: &str) -> Result<Output> {
    let names = [(SAML, "Assertion"), (SAMLP, "Response"), (SAMLP, "AuthnRequest"), (SAMLP, "LogoutRequest")];
    let mut command = Command::new("xmlsec1");
    command.args(arguments);
    for (namespace, name) in names.into_iter().chain([(SAMLP, "LogoutResponse")]) {
        command.args(["--id-attr:ID", &format!("{namespace}:{name}")]);
    }
    let mut child = command
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("start xmlsec1 (Debian package xmlsec1)")?;
    child.stdin.take().context("xmlsec1 has no input")?.write_all(xml.as_bytes())?;
    let done = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "xmlsec1: {}", said.lines().next_back().unwrap_or("failed"));
    Ok(done)
}
