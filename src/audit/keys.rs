//! The folder of keys. `<keys>/<period>/<class>.<role>.pub` seals, and is all that a gateway gets;
//! `<keys>/<period>/<class>.<role>.<holder>.sealed` is the private half, sealed to one holder of that role, and stays
//! where the ceremony was. Each file is one line that says what it is, so that none does for another.

use crate::{
    class::Class,
    seal::{Pair, Public, Role, SealError},
    week::Period,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use std::{
    collections::BTreeSet,
    fs::{DirBuilder, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Why a key could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The folder or a file of it.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// A file that holds no key, or another one than its name says.
    #[error("{0}: is not the key that its name says")]
    NotAKey(PathBuf),
    /// No key of a class at all.
    #[error("{0}: no period has both keys of class {1}")]
    None(PathBuf, Class),
    /// The newest key of a class is so old that what it sealed is to be destroyed.
    #[error(
        "the newest keys of class {class} are those of {period}, and what they seal was to be kept until {until}"
    )]
    Over {
        /// The class.
        class: Class,
        /// Their period.
        period: Period,
        /// When its time was over.
        until: Timestamp,
    },
    /// What should be written is there.
    #[error("{0}: is there already")]
    There(PathBuf),
    /// What the ceremony was asked for cannot be done.
    #[error("{0}")]
    Asked(String),
    /// Sealing.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// A folder of keys.
#[derive(Debug, Clone)]
pub struct KeyFolder(PathBuf);

impl KeyFolder {
    /// The keys in this folder.
    pub fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The folder of the holders' public files ([`crate::holder::People`]).
    pub fn people(&self) -> PathBuf {
        self.0.join("holders")
    }

    /// What two of its holders signed where the controller is an authorised operator ([`crate::expiry::AuthorisedOperator`]).
    pub fn authorised_operator(&self) -> PathBuf {
        self.0.join("authorised-operator.signed")
    }

    /// Every period that has a folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn periods(&self) -> Result<BTreeSet<Period>, KeyError> {
        let entries = std::fs::read_dir(&self.0).map_err(|e| KeyError::File(self.0.clone(), e))?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter_map(|name| name.parse().ok()).collect())
    }

    /// What a class is sealed to at an instant: the newest period not after it that has both keys. Where all are
    /// later, because the clock is behind or the keys begin later, the first of them.
    ///
    /// # Errors
    /// When the folder cannot be read, holds a file that is no key, or no key of the class.
    pub fn newest(&self, class: Class, at: Timestamp) -> Result<(Period, Pair), KeyError> {
        let now = Period::of(class.length(), at);
        let all: Vec<_> = self.periods()?.into_iter().filter(|p| p.length() == class.length()).collect();
        let (past, future): (Vec<_>, Vec<_>) = all.into_iter().partition(|period| *period <= now);
        for period in past.into_iter().rev().chain(future) {
            if let Some(pair) = self.pair(class, period)? {
                return Ok((period, pair));
            }
        }
        Err(KeyError::None(self.0.clone(), class))
    }

    /// Both public halves of a class and period, if they are there.
    ///
    /// # Errors
    /// When a file cannot be read or is no key.
    pub fn pair(&self, class: Class, period: Period) -> Result<Option<Pair>, KeyError> {
        let of = |role| self.public(class, period, role);
        let both = of(Role::Requester)?.zip(of(Role::Approver)?);
        Ok(both.map(|(requester, approver)| Pair { requester, approver }))
    }

    /// One public half, if it is there.
    ///
    /// # Errors
    /// When the file cannot be read or is no key.
    pub fn public(&self, class: Class, period: Period, role: Role) -> Result<Option<Public>, KeyError> {
        let path = self.public_path(class, period, role);
        let Some(text) = read(&path)? else { return Ok(None) };
        let octets = value(&text, &public_words(class, period, role));
        let key = octets.and_then(|octets| Public::from_octets(&octets));
        key.map(Some).ok_or(KeyError::NotAKey(path))
    }

    /// Where a public half is.
    pub fn public_path(&self, class: Class, period: Period, role: Role) -> PathBuf {
        self.0.join(period.to_string()).join(format!("{class}.{role}.pub"))
    }

    /// Where a holder's private half is.
    pub fn sealed_path(&self, class: Class, period: Period, role: Role, holder: &str) -> PathBuf {
        self.0.join(period.to_string()).join(format!("{class}.{role}.{holder}.sealed"))
    }
}

/// The words of the line of a public half.
pub fn public_words(class: Class, period: Period, role: Role) -> String {
    format!("varco-key/1 {class} {period} {role}")
}

/// A line: words, then a value.
pub fn line(words: &str, value: &[u8]) -> String {
    format!("{words} {}\n", URL_SAFE_NO_PAD.encode(value))
}

/// The value of a line that begins with these words.
pub fn value(text: &str, words: &str) -> Option<Vec<u8>> {
    let rest = text.strip_prefix(words)?.strip_prefix(' ')?;
    URL_SAFE_NO_PAD.decode(rest.trim_end_matches('\n')).ok()
}

/// A file's text; `None` where there is none.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<Option<String>, KeyError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(KeyError::File(path.to_owned(), error)),
    }
}

/// Writes a file whole or not at all, durably, and never over another. `mode` is that of the file.
///
/// # Errors
/// When it is there already, or the folder cannot be written.
pub fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), KeyError> {
    let part = path.with_extension("part");
    let written = by_link(&part, path, text, mode);
    // What is in it may be secret: it is nowhere but under its name.
    let _ = std::fs::remove_file(&part);
    written?;
    path.parent().map_or(Ok(()), sync)
}

/// Writes a new file beside, and links it: no half of it is ever there.
fn by_link(part: &Path, path: &Path, text: &str, mode: u32) -> Result<(), KeyError> {
    let failed = |error| KeyError::File(part.to_owned(), error);
    let _ = std::fs::remove_file(part);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(part).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    drop(file);
    match std::fs::hard_link(part, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(KeyError::There(path.to_owned())),
        // FAT, as on a stick, has no links: the file is made in its place, and taken away again where that fails.
        Err(_) => in_place(path, text, mode),
        Ok(()) => Ok(()),
    }
}

/// Writes a new file under its own name.
fn in_place(path: &Path, text: &str, mode: u32) -> Result<(), KeyError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = made.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => KeyError::There(path.to_owned()),
        _ => KeyError::File(path.to_owned(), error),
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        let _ = std::fs::remove_file(path);
        KeyError::File(path.to_owned(), error)
    })
}

/// Makes a folder, also above it: `mode` 0o700 where only we read, 0o755 for public halves.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(path: &Path, mode: u32) -> Result<(), KeyError> {
    let made = DirBuilder::new().recursive(true).mode(mode).create(path);
    made.map_err(|error| KeyError::File(path.to_owned(), error))
}

/// Makes what was done in a folder durable.
///
/// # Errors
/// When the disk fails.
pub fn sync(folder: &Path) -> Result<(), KeyError> {
    // The parent of a bare name is the folder that we are in.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder).and_then(|f| f.sync_all()).map_err(|error| KeyError::File(folder.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the folder that we are in too, where a name has no parent; and no secret is left beside.
    #[test]
    fn a_file_is_new_and_leaves_nothing_beside() {
        let folder = std::env::temp_dir().join(format!("varco-audit-new-{}", std::process::id()));
        make_folder(&folder, 0o700).unwrap();
        let path = folder.join("anna.key");
        write_new(&path, "first\n", 0o600).unwrap();
        assert!(matches!(write_new(&path, "second\n", 0o600), Err(KeyError::There(_))));
        assert!(matches!(write_new(&folder.join("no/anna.key"), "", 0o600), Err(KeyError::File(..))));
        let names: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!((names.len(), read(&path).unwrap().as_deref()), (1, Some("first\n")));
        std::fs::remove_dir_all(folder).unwrap();
        sync(Path::new("name").parent().unwrap()).unwrap();
    }

    /// What a medium without links does; a real one needs root to mount.
    #[test]
    fn a_file_made_in_its_place_is_never_over_another() {
        let folder = std::env::temp_dir().join(format!("varco-audit-keys-{}", std::process::id()));
        make_folder(&folder, 0o700).unwrap();
        let path = folder.join("R2a.approver.pub");
        in_place(&path, "first\n", 0o600).unwrap();
        assert!(matches!(in_place(&path, "second\n", 0o600), Err(KeyError::There(_))));
        assert_eq!(read(&path).unwrap().as_deref(), Some("first\n"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
