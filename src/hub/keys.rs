//! The hub's own keys: made once, mode 0600, never overwritten. Losing `pairwise.salt` or `register.key` gives every
//! citizen a new name towards the gateways; losing `spid.key` means registering the service again.

use crate::{login::cns::handle::HandleKey, oidc::key::SigningKey, register::seal::Sealer};
use anyhow::Context;
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};
use varco_policy::ConfigError;

const OIDC: &str = "oidc.key";
const SALT: &str = "pairwise.salt";
const REGISTER: &str = "register.key";
/// Folder of the keys that the register's months are sealed to; the dot keeps it apart from the bodies'.
pub const MONTHS: &str = "register.months";

/// Strength of the token signing key in bits; a token lives minutes.
const OIDC_BITS: u32 = 2048;

/// The keys beside the SPID pair.
#[derive(Debug)]
pub struct Keys {
    /// Signs ID tokens.
    pub oidc: SigningKey,
    /// Makes pairwise subjects.
    pub pairwise: hmac::Key,
    /// Seals the register.
    pub sealer: Sealer,
    /// Seals what a card's listener hands over.
    pub handles: HandleKey,
}

impl Keys {
    /// Reads the keys that [`init`] made.
    ///
    /// # Errors
    /// When one is missing or is not what it should be; the remedy names the command.
    pub fn load(settings: &Path, folder: &Path) -> Result<Self, ConfigError> {
        let bad = |problem: anyhow::Error| {
            let remedy = format!("run: varco-hub keys init --config {}", settings.display());
            ConfigError::new(settings, "keys", format!("{problem:#}"), remedy)
        };
        let oidc = SigningKey::load(&folder.join(OIDC)).map_err(bad)?;
        let pairwise = hmac::Key::new(hmac::HMAC_SHA256, &secret_bytes(&folder.join(SALT)).map_err(bad)?);
        let register = secret_bytes(&folder.join(REGISTER)).map_err(bad)?;
        let sealer = Sealer::new(&register, folder.join(MONTHS)).map_err(|e| bad(e.into()))?;
        let handles = HandleKey::new(&register).map_err(|e| bad(e.into()))?;
        Ok(Self { oidc, pairwise, sealer, handles })
    }
}

/// Makes the folder and each key that is not there yet; returns the names of those it made.
///
/// # Errors
/// When a file cannot be written. What exists is never touched.
pub fn init(folder: &Path) -> anyhow::Result<Vec<&'static str>> {
    make_folder(folder)?;
    let mut made = Vec::new();
    for (name, make) in
        [(OIDC, token_key as fn() -> anyhow::Result<Vec<u8>>), (SALT, random), (REGISTER, random)]
    {
        let path = folder.join(name);
        if !path.exists() {
            write_new(&path, &make()?)?;
            made.push(name);
        }
    }
    Ok(made)
}

/// Makes a folder for keys, which only its owner opens, if it is not there.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder).with_context(|| format!("making {}", folder.display()))
}

/// Writes a file that only its owner reads and that did not exist.
///
/// # Errors
/// When it exists or cannot be written.
pub fn write_new(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("making {}", path.display()))?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("writing {}", path.display()))
}

fn token_key() -> anyhow::Result<Vec<u8>> {
    Ok(openssl::rsa::Rsa::generate(OIDC_BITS)?.private_key_to_pem()?)
}

fn random() -> anyhow::Result<Vec<u8>> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("the kernel gave no random bytes"))?;
    Ok(bytes.to_vec())
}

fn secret_bytes(path: &Path) -> anyhow::Result<[u8; 32]> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    bytes.try_into().map_err(|_| anyhow::anyhow!("{}: is not 32 bytes", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn keys_are_private_and_never_overwritten() {
        let folder = crate::testing::folder("keys");
        assert_eq!(init(&folder).unwrap(), [OIDC, SALT, REGISTER]);
        let salt = std::fs::read(folder.join(SALT)).unwrap();
        assert_eq!(init(&folder).unwrap(), Vec::<&str>::new());
        assert_eq!(std::fs::read(folder.join(SALT)).unwrap(), salt);
        for name in [OIDC, SALT, REGISTER] {
            assert_eq!(std::fs::metadata(folder.join(name)).unwrap().mode() & 0o777, 0o600);
        }
        Keys::load(Path::new("hub.toml"), &folder).unwrap();
        std::fs::write(folder.join(SALT), b"short").unwrap();
        let refusal = Keys::load(Path::new("hub.toml"), &folder).unwrap_err().to_string();
        assert!(refusal.contains("pairwise.salt") && refusal.contains("keys init"), "{refusal}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
