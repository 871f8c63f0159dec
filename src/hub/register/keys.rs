//! The keys of the months: `keys/register.months/2026-11.pub`, with which the hub seals, and `2026-11.key`, which opens.
//!
//! The hub reads public halves only. A month without one gets a pair from the hub; a month whose `.pub` was put there
//! before is sealed to it, and its private half need never be on this machine. Order: the private half is durable, then
//! the public one, then what is sealed to it.

use super::{
    month::Month,
    seal::{self, PublicKey, SealError},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{DirBuilder, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Why a month has no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The folder or a file of it.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// A file that holds no key.
    #[error("{0}: is not 32 bytes of a key")]
    NotAKey(PathBuf),
    /// Randomness.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What there is of a month's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Both halves are here.
    Both,
    /// The private half is elsewhere.
    Public,
    /// Nothing.
    Nothing,
}

/// The folder of keys, and the public halves read so far.
#[derive(Debug)]
pub struct MonthKeys {
    folder: PathBuf,
    known: Mutex<BTreeMap<Month, PublicKey>>,
}

impl MonthKeys {
    /// The keys in this folder, which is made with the first one.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, known: Mutex::default() }
    }

    /// What this month is sealed to; made when there is none.
    ///
    /// # Errors
    /// When a file cannot be read or written, or holds no key.
    pub fn public(&self, month: Month) -> Result<PublicKey, KeyError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.get(&month) {
            return Ok(*key);
        }
        let path = self.path(month, "pub");
        let key = match read(&path)? {
            Some(bytes) => PublicKey::from_bytes(&bytes).ok_or(KeyError::NotAKey(path))?,
            None => self.make(month)?,
        };
        known.insert(month, key);
        Ok(key)
    }

    /// What there is of a month's key.
    pub fn held(&self, month: Month) -> Held {
        match (self.path(month, "key").exists(), self.path(month, "pub").exists()) {
            (true, _) => Held::Both,
            (false, true) => Held::Public,
            (false, false) => Held::Nothing,
        }
    }

    /// The months that have a file.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn months(&self) -> Result<BTreeSet<Month>, KeyError> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
            entries => entries.map_err(|e| KeyError::File(self.folder.clone(), e))?,
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter_map(|name| name.split_once('.')?.0.parse().ok()).collect())
    }

    /// Removes both halves of a month's key, durably. Copies elsewhere are their holders' to destroy.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn destroy(&self, month: Month) -> Result<(), KeyError> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&month);
        for half in ["key", "pub"] {
            let path = self.path(month, half);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(KeyError::File(path, error)),
                _ => {}
            }
        }
        sync(&self.folder)
    }

    /// The private half of a month's key, for whoever may read the register; `None` where it is elsewhere.
    ///
    /// # Errors
    /// When the file cannot be read or holds no key.
    pub fn private(&self, month: Month) -> Result<Option<[u8; 32]>, KeyError> {
        read(&self.path(month, "key"))
    }

    /// A pair; where a private half is left from a stop between the two writes, its public half.
    fn make(&self, month: Month) -> Result<PublicKey, KeyError> {
        let file = |error| KeyError::File(self.folder.clone(), error);
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(file)?;
        let path = self.path(month, "key");
        let private = match read(&path)? {
            Some(left) => left,
            None => {
                let fresh = seal::fresh_private()?;
                write_new(&path, &fresh)?;
                fresh
            }
        };
        let public = PublicKey::of(&private).ok_or(KeyError::NotAKey(path))?;
        write_new(&self.path(month, "pub"), &public.to_bytes())?;
        tracing::info!(%month, "made the register's key of the month");
        Ok(public)
    }

    fn path(&self, month: Month, half: &str) -> PathBuf {
        self.folder.join(format!("{month}.{half}"))
    }
}

fn read(path: &Path) -> Result<Option<[u8; 32]>, KeyError> {
    match std::fs::read(path) {
        Ok(bytes) => bytes.try_into().map(Some).map_err(|_| KeyError::NotAKey(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(KeyError::File(path.to_owned(), error)),
    }
}

/// Writes a file whole or not at all, durably, and never over another: a stop of the machine leaves no half key, which
/// would close the register for the month.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let failed = |error| KeyError::File(path.to_owned(), error);
    let part = path.with_extension("part");
    let _ = std::fs::remove_file(&part);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::hard_link(&part, path).map_err(failed)?;
    std::fs::remove_file(&part).map_err(failed)?;
    path.parent().map_or(Ok(()), sync)
}

fn sync(folder: &Path) -> Result<(), KeyError> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(KeyError::File(folder.to_owned(), error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    fn month() -> Month {
        "2026-11".parse().unwrap()
    }

    #[test]
    fn a_month_has_one_key_and_it_is_private() {
        let folder = crate::testing::folder("month-keys");
        let keys = MonthKeys::new(folder.join("register"));
        assert_eq!((keys.held(month()), keys.months().unwrap().len()), (Held::Nothing, 0));
        let key = keys.public(month()).unwrap();
        assert_eq!(
            MonthKeys::new(folder.join("register")).public(month()).unwrap().to_bytes(),
            key.to_bytes()
        );
        assert_eq!((keys.held(month()), keys.months().unwrap().len()), (Held::Both, 1));
        let mode = |path: &str| std::fs::metadata(folder.join(path)).unwrap().mode() & 0o777;
        assert_eq!((mode("register"), mode("register/2026-11.key")), (0o700, 0o600));
        keys.destroy(month()).unwrap();
        assert_eq!(
            (keys.held(month()), std::fs::read_dir(folder.join("register")).unwrap().count()),
            (Held::Nothing, 0)
        );
        keys.destroy(month()).unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_stop_between_the_two_halves_loses_no_key() {
        let folder = crate::testing::folder("month-keys-stop");
        let keys = MonthKeys::new(folder.clone());
        let key = keys.public(month()).unwrap();
        std::fs::remove_file(folder.join("2026-11.pub")).unwrap();
        std::fs::write(folder.join("2026-11.part"), b"half").unwrap();
        assert_eq!(MonthKeys::new(folder.clone()).public(month()).unwrap().to_bytes(), key.to_bytes());
        std::fs::write(folder.join("2026-12.pub"), b"short").unwrap();
        let short = keys.public("2026-12".parse().unwrap());
        assert!(matches!(short, Err(KeyError::NotAKey(_))), "{short:?}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_public_half_from_elsewhere_is_enough() {
        let folder = crate::testing::folder("month-keys-public");
        let elsewhere = PublicKey::of(&seal::fresh_private().unwrap()).unwrap();
        std::fs::write(folder.join("2026-11.pub"), elsewhere.to_bytes()).unwrap();
        let keys = MonthKeys::new(folder.clone());
        assert_eq!(keys.public(month()).unwrap().to_bytes(), elsewhere.to_bytes());
        assert_eq!(keys.held(month()), Held::Public);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
