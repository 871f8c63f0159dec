//! A body's key and certificate: `spid.key` and `spid.pem`, made once, and while they are being replaced the pair that
//! follows, `spid-next.key` and `spid-next.pem`.

use super::{Body, Fault, certificate};
use jiff::Timestamp;
use openssl::{
    hash::MessageDigest,
    pkey::{Id, PKey, Private},
    rsa::Rsa,
    x509::X509,
};
use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Bits of the key that we make; SPID asks 2048 or more.
const KEY_BITS: u32 = 3072;
/// Fewest bits of any RSA key, ours or a provider's.
pub(super) const LEAST_BITS: u32 = 2048;

/// The pair in use.
const NOW: &str = "spid";
/// The pair that follows.
const NEXT: &str = "spid-next";

/// The private key that signs for us, and the certificates that AgID has of us.
#[derive(Clone)]
pub struct Keys {
    private: PKey<Private>,
    certificate: X509,
    next: Option<X509>,
}

impl Keys {
    /// Reads `spid.key`, `spid.pem` and, if they are there, `spid-next.key` and `spid-next.pem` of a folder.
    ///
    /// # Errors
    /// [`Fault::Key`] when one cannot be read, is not RSA of 2048 bits or more, or they are not a pair.
    pub fn load(dir: &Path) -> Result<Self, Fault> {
        let next = if Pair::of(dir, NEXT).is_begun() { Some(Pair::of(dir, NEXT)) } else { None };
        // A switch that was cut between its two renames: the key is the new one already, its certificate not yet.
        if let Some(next) = next.as_ref().filter(|next| !next.key.exists()) {
            let (private, certificate) = Pair { key: Pair::of(dir, NOW).key, ..next.clone() }.read()?;
            return Ok(Self { private, certificate, next: None });
        }
        let (private, certificate) = Pair::of(dir, NOW).read()?;
        let next = next.map(|next| next.read()).transpose()?.map(|(_, certificate)| certificate);
        Ok(Self { private, certificate, next })
    }

    /// Makes an RSA key of 3072 bits and a self-signed certificate as Avviso SPID 29 v3 asks of a public body.
    /// The key file is readable by its owner only. Files that exist are never overwritten.
    ///
    /// # Errors
    /// [`Fault::Key`] when a file exists or cannot be written, [`Fault::Setting`] when the body has a field
    /// that a certificate cannot hold.
    pub fn make(dir: &Path, body: &Body, entity_id: &str, now: Timestamp) -> Result<Self, Fault> {
        let (private, certificate) = Pair::of(dir, NOW).make(body, entity_id, now)?;
        Ok(Self { private, certificate, next: None })
    }

    /// Makes the pair that follows; from the hub's next start its certificate is in the metadata too, and signs nothing.
    /// One whose making was cut before its certificate is made anew.
    ///
    /// # Errors
    /// As [`Self::make`].
    pub fn make_next(dir: &Path, body: &Body, entity_id: &str, now: Timestamp) -> Result<(), Fault> {
        let next = Pair::of(dir, NEXT);
        let unfinished = next.key.exists() && !next.certificate.exists();
        if unfinished {
            std::fs::remove_file(&next.key).map_err(|e| fault(&next.key, e, WRITABLE))?;
        }
        next.make(body, entity_id, now).map(drop)
    }

    /// Puts the pair that follows in the place of the one in use, which stays aside under a name made of its certificate's
    /// digest; answers with that name. Cut at any moment it can be called again, and [`Self::load`] reads one whole pair
    /// all the time.
    ///
    /// # Errors
    /// [`Fault::Key`] when there is no pair that follows, it is not whole, or a file cannot be moved.
    pub fn roll(dir: &Path) -> Result<String, Fault> {
        let (old, next) = (Pair::of(dir, NOW), Pair::of(dir, NEXT));
        if !next.is_begun() {
            return Err(fault(
                &next.certificate,
                "there is none",
                "make the pair that follows: varco-hub keys spid --next",
            ));
        }
        let digest = X509::from_pem(&read(&old.certificate, RESTORE)?)?.digest(MessageDigest::sha256())?;
        let digest: String = digest.iter().take(4).map(|octet| format!("{octet:02x}")).collect();
        let kept = format!("{NOW}-until-{digest}");
        let aside = Pair::of(dir, &kept);
        if next.key.exists() {
            next.read()?;
            keep(&old.key, &aside.key)?;
            keep(&old.certificate, &aside.certificate)?;
            sync(dir)?;
            rename(&next.key, &old.key)?;
            sync(dir)?;
        }
        rename(&next.certificate, &old.certificate)?;
        sync(dir)?;
        Ok(kept)
    }

    /// The private key.
    pub(super) const fn private(&self) -> &PKey<Private> {
        &self.private
    }

    /// The certificate of the key that signs.
    pub const fn certificate(&self) -> &X509 {
        &self.certificate
    }

    /// Each certificate with the name of its file: that of the key that signs, then that of the one that will.
    pub fn certificates(&self) -> impl Iterator<Item = (&'static str, &X509)> {
        std::iter::once(("spid.pem", &self.certificate))
            .chain(self.next.as_ref().map(|next| ("spid-next.pem", next)))
    }

    /// The certificate of the key that will sign, while a roll-over goes on.
    #[cfg(test)]
    pub const fn next(&self) -> Option<&X509> {
        self.next.as_ref()
    }
}

/// The two files of a pair.
#[derive(Clone)]
struct Pair {
    key: PathBuf,
    certificate: PathBuf,
}

impl Pair {
    fn of(dir: &Path, name: &str) -> Self {
        Self { key: dir.join(format!("{name}.key")), certificate: dir.join(format!("{name}.pem")) }
    }

    /// The certificate is written last, and moved last.
    fn is_begun(&self) -> bool {
        self.certificate.exists()
    }

    fn read(&self) -> Result<(PKey<Private>, X509), Fault> {
        let remedy = RESTORE;
        let private = PKey::private_key_from_pem(&read(&self.key, remedy)?)
            .map_err(|e| fault(&self.key, e, "an RSA private key in PEM is needed"))?;
        let certificate = X509::from_pem(&read(&self.certificate, remedy)?)
            .map_err(|e| fault(&self.certificate, e, "a certificate in PEM is needed"))?;
        if private.id() != Id::RSA || private.bits() < LEAST_BITS {
            return Err(fault(&self.key, "not an RSA key of 2048 bits or more", remedy));
        }
        if !certificate.public_key()?.public_eq(&private) {
            let key = self.key.file_name().unwrap_or_default().to_string_lossy();
            return Err(fault(&self.certificate, format!("not the certificate of {key}"), remedy));
        }
        Ok((private, certificate))
    }

    fn make(&self, body: &Body, entity_id: &str, now: Timestamp) -> Result<(PKey<Private>, X509), Fault> {
        body.check()?;
        super::body::is_url("body.spid.entity_id", entity_id)?;
        for file in [&self.key, &self.certificate] {
            if file.exists() {
                return Err(fault(file, "exists already", "move it away if it shall be replaced"));
            }
        }
        let private = PKey::from_rsa(Rsa::generate(KEY_BITS)?)?;
        let certificate = certificate::self_signed(&private, body, entity_id, now)?;
        write(&self.key, 0o600, &private.private_key_to_pem_pkcs8()?)?;
        write(&self.certificate, 0o644, &certificate.to_pem()?)?;
        Ok((private, certificate))
    }
}

fn fault(file: &Path, problem: impl ToString, remedy: &'static str) -> Fault {
    Fault::Key { file: file.display().to_string(), problem: problem.to_string(), remedy }
}

const RESTORE: &str = "make the pair with `varco-hub keys init`, or restore it";
const WRITABLE: &str = "give a folder that exists and can be written";

fn read(file: &Path, remedy: &'static str) -> Result<Vec<u8>, Fault> {
    std::fs::read(file).map_err(|e| fault(file, e, remedy))
}

/// Whole or not at all: written beside, then given its name, which nothing may have yet.
fn write(file: &Path, mode: u32, octets: &[u8]) -> Result<(), Fault> {
    let failed = |e: std::io::Error| fault(file, e, WRITABLE);
    let beside = file.with_extension("new");
    let _ = std::fs::remove_file(&beside);
    let mut out = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside).map_err(failed)?;
    out.write_all(octets).and_then(|()| out.sync_all()).map_err(failed)?;
    std::fs::hard_link(&beside, file).map_err(failed)?;
    std::fs::remove_file(&beside).map_err(failed)
}

/// A second name for a file; one that is there already is of the same pair, since a digest named it.
fn keep(file: &Path, aside: &Path) -> Result<(), Fault> {
    match std::fs::hard_link(file, aside) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(fault(aside, error, WRITABLE)),
        _ => Ok(()),
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), Fault> {
    std::fs::rename(from, to).map_err(|e| fault(to, e, WRITABLE))
}

fn sync(dir: &Path) -> Result<(), Fault> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| fault(dir, e, WRITABLE))
}
