//! The folder of holds: `<case>.hold`, and `<case>.held` with the newest that both signed of it. A `.hold` without one, or its
//! `.part`, is what a stop left: nobody has signed it, and it goes with the next expiry or is made again.

use super::{Hold, Holding, Standing};
use crate::{
    both::NotBoth,
    case::CaseId,
    holder::People,
    keys::{self, KeyError},
    pack::sha256,
};
use jiff::Timestamp;
use std::{
    io,
    path::{Path, PathBuf},
};

/// A folder of holds.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// Why a hold in it cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file.
    #[error(transparent)]
    File(#[from] KeyError),
    /// What should be signed by both.
    #[error("{0}: {1}")]
    NotBoth(PathBuf, NotBoth),
    /// No hold.
    #[error("{0}: is no hold, or not the one that was signed")]
    NotAHold(PathBuf),
}

/// What is over in a folder.
#[derive(Debug, Default)]
pub struct Over {
    /// The cases.
    pub cases: Vec<CaseId>,
    /// Of which nobody can say whether they are: by whom they are signed is not known here, or they are damaged.
    pub unread: Vec<FolderError>,
}

impl Folder {
    /// The holds in this folder.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self, case: CaseId, kind: &str) -> PathBuf {
        self.0.join(format!("{case}.{kind}"))
    }

    /// The cases that there are holds of, in order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn cases(&self) -> Result<Vec<CaseId>, FolderError> {
        self.of(&["held"])
    }

    /// The cases of which a stop left secrets that nobody has signed to hold.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn cut(&self) -> Result<Vec<CaseId>, FolderError> {
        let (mut cut, signed) = (self.of(&["hold", "part"])?, self.cases()?);
        cut.retain(|case| !signed.contains(case));
        Ok(cut)
    }

    fn of(&self, kinds: &[&str]) -> Result<Vec<CaseId>, FolderError> {
        let entries = std::fs::read_dir(&self.0).map_err(|error| KeyError::File(self.0.clone(), error))?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let case = |name: String| {
            let (case, kind) = name.split_once('.')?;
            kinds.contains(&kind).then(|| case.parse::<CaseId>().ok()).flatten()
        };
        let mut cases: Vec<_> = names.filter_map(case).collect();
        cases.sort();
        cases.dedup();
        Ok(cases)
    }

    /// What both say of a hold, and who they are.
    ///
    /// # Errors
    /// When it is missing, not signed by both, or of another case.
    pub fn holding(&self, case: CaseId, people: &People) -> Result<(Holding, [String; 2]), FolderError> {
        let path = self.file(case, "held");
        let text = std::fs::read(&path).map_err(|error| KeyError::File(path.clone(), error))?;
        match Holding::read(&text, people) {
            Ok((holding, by)) if holding.case == case => Ok((holding, by)),
            Ok(_) => Err(FolderError::NotAHold(path)),
            Err(error) => Err(FolderError::NotBoth(path, error)),
        }
    }

    /// The hold that both have signed.
    ///
    /// # Errors
    /// When it is missing, or is another.
    pub fn hold(&self, holding: &Holding) -> Result<Hold, FolderError> {
        let path = self.file(holding.case, "hold");
        let text = std::fs::read_to_string(&path).map_err(|error| KeyError::File(path.clone(), error))?;
        let same = sha256(text.as_bytes()) == holding.digest;
        let to = |hold: &Hold| hold.leaves.iter().all(|held| held.holders() == holding.holders);
        let hold = Hold::parse(&text).filter(|hold| same && hold.case == holding.case && to(hold));
        hold.ok_or(FolderError::NotAHold(path))
    }

    /// Writes a new hold: its file first, so that what both signed never stands alone.
    ///
    /// # Errors
    /// When the case has one already, or the folder cannot be written.
    pub fn put(&self, hold: &Hold, signed: &str) -> Result<PathBuf, FolderError> {
        keys::make_folder(&self.0, 0o700)?;
        if self.cut()?.contains(&hold.case) {
            remove(&self.file(hold.case, "hold"))?;
        }
        keys::write_new(&self.file(hold.case, "hold"), &hold.text(), 0o600)?;
        let path = self.file(hold.case, "held");
        keys::write_new(&path, signed, 0o644)?;
        Ok(path)
    }

    /// Replaces what both say of a hold, in one step.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn replace(&self, case: CaseId, signed: &str) -> Result<PathBuf, FolderError> {
        let (new, path) = (self.file(case, "new"), self.file(case, "held"));
        remove(&new)?;
        keys::write_new(&new, signed, 0o644)?;
        std::fs::rename(&new, &path).map_err(|error| KeyError::File(path.clone(), error))?;
        keys::sync(&self.0)?;
        Ok(path)
    }

    /// The holds that are over at a time that was confirmed; among them those whose release was signed, and then cut; and at
    /// any time those that a stop left without a signature.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn over(&self, people: &People, now: Option<Timestamp>) -> Result<Over, FolderError> {
        let mut over = Over { cases: self.cut()?, unread: Vec::new() };
        for case in self.cases()? {
            match self.holding(case, people) {
                Ok((holding, _)) if now.is_some_and(|now| holding.is_over(now)) => over.cases.push(case),
                Ok(_) => {}
                Err(error) => over.unread.push(error),
            }
        }
        Ok(over)
    }

    /// Destroys a hold: the secrets first.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn destroy(&self, case: CaseId) -> Result<(), FolderError> {
        for kind in ["hold", "part", "new", "held"] {
            remove(&self.file(case, kind))?;
        }
        Ok(keys::sync(&self.0)?)
    }
}

fn remove(path: &Path) -> Result<(), FolderError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(KeyError::File(path.to_owned(), error).into())
        }
        _ => Ok(()),
    }
}

impl Standing {
    /// In words.
    pub fn words(self) -> String {
        match self {
            Self::Until(until) => format!("until {until}"),
            Self::Released => "released".to_owned(),
        }
    }
}
