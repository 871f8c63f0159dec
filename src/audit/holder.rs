//! Holders: persons who hold a long-term key in one role. Nobody has both roles: two persons open a record.
//!
//! `<name>.key` is the holder's own and never leaves them; `<name>.pub` is what the ceremony seals to.

use crate::{
    keys::{self, KeyError},
    seal::{Private, Public, Role},
};
use std::path::{Path, PathBuf};

/// A holder, as the ceremony knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Their name in files: lower-case letters, digits and dashes.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// What is sealed to them.
    pub key: Public,
}

/// A holder's own key.
#[derive(Debug)]
pub struct HolderKey {
    /// Their name in files.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// Their private half.
    pub key: Private,
}

impl Holder {
    /// Reads `<name>.pub`.
    ///
    /// # Errors
    /// When the file cannot be read or names no holder.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let (name, role, octets) = read(path, "varco-holder/1")?;
        let key = Public::from_octets(&octets).ok_or_else(|| KeyError::NotAKey(path.to_owned()))?;
        Ok(Self { name, role, key })
    }
}

impl HolderKey {
    /// Makes a holder's pair of files in `folder`; the paths of the private and the public one.
    ///
    /// # Errors
    /// When the name is unfit, a file is there already, or the folder cannot be written.
    pub fn make(name: &str, role: Role, folder: &Path) -> Result<(PathBuf, PathBuf), KeyError> {
        if !is_name(name) {
            let problem =
                format!("`{name}` cannot name a holder; use 1 to 32 lower-case letters, digits, dashes");
            return Err(KeyError::Asked(problem));
        }
        let private = Private::fresh()?;
        let public = private.public()?;
        let (own, given) = (folder.join(format!("{name}.key")), folder.join(format!("{name}.pub")));
        keys::make_folder(folder, 0o700)?;
        let words = |what: &str| format!("{what} {role} {name}");
        keys::write_new(&own, &keys::line(&words("varco-holder-key/1"), private.expose()), 0o600)?;
        keys::write_new(&given, &keys::line(&words("varco-holder/1"), public.octets()), 0o644)?;
        Ok((own, given))
    }

    /// Reads `<name>.key`.
    ///
    /// # Errors
    /// When the file cannot be read or is no holder's key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let (name, role, octets) = read(path, "varco-holder-key/1")?;
        let key = Private::from_octets(&octets).ok_or_else(|| KeyError::NotAKey(path.to_owned()))?;
        Ok(Self { name, role, key })
    }
}

fn read(path: &Path, format: &str) -> Result<(String, Role, Vec<u8>), KeyError> {
    let bad = || KeyError::NotAKey(path.to_owned());
    let text = std::fs::read_to_string(path).map_err(|error| KeyError::File(path.to_owned(), error))?;
    let words: Vec<_> = text.split_whitespace().collect();
    let [found, role, name, _] = words[..] else { return Err(bad()) };
    let role: Role = role.parse().map_err(|_| bad())?;
    if found != format || !is_name(name) {
        return Err(bad());
    }
    let octets = keys::value(&text, &format!("{format} {role} {name}")).ok_or_else(bad)?;
    Ok((name.to_owned(), role, octets))
}

fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&name.len()) && name.bytes().all(plain)
}
