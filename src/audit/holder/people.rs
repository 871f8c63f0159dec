//! Whose signatures count: a folder of `<name>.pub`.

use super::Holder;
use crate::{
    keys::{self, KeyError},
    seal::Role,
};
use std::path::Path;

/// The holders that are known.
#[derive(Debug, Clone, Default)]
pub struct People(Vec<Holder>);

impl People {
    /// Reads every `<name>.pub` of a folder.
    ///
    /// # Errors
    /// When the folder cannot be read, a file is no holder's or another's than its name says, one person is there twice,
    /// or a role has nobody.
    pub fn read(folder: &Path) -> Result<Self, KeyError> {
        let failed = |error| KeyError::File(folder.to_owned(), error);
        let mut people = Self::default();
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).map_err(failed)?.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "pub")) {
            let holder = Holder::read(path)?;
            if path.file_stem().is_none_or(|stem| stem != holder.name.as_str()) {
                return Err(KeyError::NotAKey(path.clone()));
            }
            people.0.push(holder);
        }
        people.check()?;
        Ok(people)
    }

    /// These holders.
    ///
    /// # Errors
    /// When one person is there twice, or a role has nobody.
    pub fn of(holders: &[Holder]) -> Result<Self, KeyError> {
        let people = Self(holders.to_vec());
        people.check()?;
        Ok(people)
    }

    /// Each of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Holder> {
        self.0.iter()
    }

    /// The holder of this name.
    pub fn get(&self, name: &str) -> Option<&Holder> {
        self.0.iter().find(|holder| holder.name == name)
    }

    /// Writes each into a folder, where who is there already stays; how many were not there yet.
    ///
    /// # Errors
    /// When the folder cannot be written, or somebody else of the same name is there.
    pub fn write(&self, folder: &Path, mode: u32) -> Result<usize, KeyError> {
        keys::make_folder(folder, mode)?;
        let mut written = 0;
        for holder in &self.0 {
            let path = folder.join(format!("{}.pub", holder.name));
            match keys::read(&path)? {
                Some(there) if there == holder.line() => {}
                Some(_) => return Err(KeyError::There(path)),
                None => {
                    keys::write_new(&path, &holder.line(), 0o644)?;
                    written += 1;
                }
            }
        }
        Ok(written)
    }

    fn check(&self) -> Result<(), KeyError> {
        for role in Role::ALL {
            if !self.0.iter().any(|holder| holder.role == role) {
                let problem = format!("no holder is {role}; give two persons, one for each role");
                return Err(KeyError::Asked(problem));
            }
        }
        for (n, one) in self.0.iter().enumerate() {
            if self.0[..n].iter().any(|other| other.is(one)) {
                let problem = format!("{} is given twice; one person holds one role", one.name);
                return Err(KeyError::Asked(problem));
            }
        }
        Ok(())
    }
}
