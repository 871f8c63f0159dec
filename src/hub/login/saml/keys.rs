//! Our key and certificate: `spid.key` and `spid.pem`, made once.

use super::{Body, Fault, certificate};
use jiff::Timestamp;
use openssl::{
    pkey::{Id, PKey, Private},
    rsa::Rsa,
    x509::X509,
};
use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Bits of the key that we make; SPID asks 2048 or more.
const KEY_BITS: u32 = 3072;
/// Fewest bits of any RSA key, ours or a provider's.
pub(super) const LEAST_BITS: u32 = 2048;

/// The private key that signs for us and the certificate that AgID has of us.
#[derive(Clone)]
pub struct Keys {
    private: PKey<Private>,
    certificate: X509,
}

impl Keys {
    /// Reads `spid.key` and `spid.pem` of a folder.
    ///
    /// # Errors
    /// [`Fault::Key`] when one cannot be read, is not RSA of 2048 bits or more, or they are not a pair.
    pub fn load(dir: &Path) -> Result<Self, Fault> {
        let (key_file, certificate_file) = files(dir);
        let remedy = "make the pair with `varco-hub keys init`, or restore it";
        let private = PKey::private_key_from_pem(&read(&key_file, remedy)?)
            .map_err(|e| fault(&key_file, e, "an RSA private key in PEM is needed"))?;
        let certificate = X509::from_pem(&read(&certificate_file, remedy)?)
            .map_err(|e| fault(&certificate_file, e, "a certificate in PEM is needed"))?;
        if private.id() != Id::RSA || private.bits() < LEAST_BITS {
            return Err(fault(&key_file, "not an RSA key of 2048 bits or more", remedy));
        }
        if !certificate.public_key()?.public_eq(&private) {
            return Err(fault(&certificate_file, "not the certificate of spid.key", remedy));
        }
        Ok(Self { private, certificate })
    }

    /// Makes an RSA key of 3072 bits and a self-signed certificate as Avviso SPID 29 v3 asks of a public body.
    /// The key file is readable by its owner only. Files that exist are never overwritten.
    ///
    /// # Errors
    /// [`Fault::Key`] when a file exists or cannot be written, [`Fault::Setting`] when the body has a field
    /// that a certificate cannot hold.
    pub fn make(dir: &Path, body: &Body, entity_id: &str, now: Timestamp) -> Result<Self, Fault> {
        body.check()?;
        super::body::is_url("body.spid.entity_id", entity_id)?;
        let (key_file, certificate_file) = files(dir);
        for file in [&key_file, &certificate_file] {
            if file.exists() {
                return Err(fault(file, "exists already", "move it away if it shall be replaced"));
            }
        }
        let private = PKey::from_rsa(Rsa::generate(KEY_BITS)?)?;
        let certificate = certificate::self_signed(&private, body, entity_id, now)?;
        write(&key_file, 0o600, &private.private_key_to_pem_pkcs8()?)?;
        write(&certificate_file, 0o644, &certificate.to_pem()?)?;
        Ok(Self { private, certificate })
    }

    /// The private key.
    pub(super) const fn private(&self) -> &PKey<Private> {
        &self.private
    }

    /// The certificate.
    pub const fn certificate(&self) -> &X509 {
        &self.certificate
    }
}

fn files(dir: &Path) -> (PathBuf, PathBuf) {
    (dir.join("spid.key"), dir.join("spid.pem"))
}

fn fault(file: &Path, problem: impl ToString, remedy: &'static str) -> Fault {
    Fault::Key { file: file.display().to_string(), problem: problem.to_string(), remedy }
}

fn read(file: &Path, remedy: &'static str) -> Result<Vec<u8>, Fault> {
    std::fs::read(file).map_err(|e| fault(file, e, remedy))
}

fn write(file: &Path, mode: u32, octets: &[u8]) -> Result<(), Fault> {
    let failed = |e: std::io::Error| fault(file, e, "give a folder that exists and can be written");
    let mut out = OpenOptions::new().write(true).create_new(true).mode(mode).open(file).map_err(failed)?;
    out.write_all(octets).and_then(|()| out.sync_all()).map_err(failed)
}
