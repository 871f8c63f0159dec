//! The ceremony: the keys of coming weeks are made, the private halves sealed to the holders and to nobody else, the
//! public halves given to the gateways. Order of each pair: what opens is durable for every holder, then what seals. A
//! ceremony that was cut is called again: pairs that are whole stay as they are.

use crate::{
    class::Class,
    holder::{Holder, People},
    keys::{self, KeyError, KeyFolder},
    seal::{Private, Role},
    week::{Length, Period},
};
use std::path::{Path, PathBuf};

/// What the private half of a key is bound to in a holder's file.
pub fn sealed_words(class: Class, period: Period, role: Role, holder: &str) -> String {
    format!("varco-sealed/1 {class} {period} {role} {holder}")
}

/// `info` of the sealing to a holder.
pub fn holder_info(role: Role) -> String {
    format!("varco holder {role}")
}

/// Makes the keys of a week, those of its days included; how many pairs were made. The holders' public files are kept
/// beside them: whose signatures count in a case.
///
/// # Errors
/// When a role has no holder, somebody is given twice or the folder cannot be written.
pub fn week(folder: &KeyFolder, week: Period, holders: &[Holder]) -> Result<usize, KeyError> {
    People::of(holders)?.write(&folder.people(), 0o700)?;
    let mut made = 0;
    for class in Class::SEALED {
        let periods: Vec<_> = match class.length() {
            Length::Week => vec![week],
            Length::Day => week.days().collect(),
        };
        for period in periods {
            for role in Role::ALL {
                made += usize::from(pair(folder, class, period, role, holders)?);
            }
        }
    }
    Ok(made)
}

fn pair(
    folder: &KeyFolder,
    class: Class,
    period: Period,
    role: Role,
    holders: &[Holder],
) -> Result<bool, KeyError> {
    if folder.public(class, period, role)?.is_some() {
        return Ok(false);
    }
    keys::make_folder(&folder.path().join(period.to_string()), 0o700)?;
    let private = Private::fresh()?;
    for holder in holders.iter().filter(|holder| holder.role == role) {
        let path = folder.sealed_path(class, period, role, &holder.name);
        set_aside(folder, (class, period, role), &holder.name)?;
        let words = sealed_words(class, period, role, &holder.name);
        let sealed = holder.opening.seal(&holder_info(role), &words, private.expose())?;
        keys::write_new(&path, &keys::line(&words, &sealed), 0o600)?;
    }
    let text = keys::line(&keys::public_words(class, period, role), private.public()?.octets());
    keys::write_new(&folder.public_path(class, period, role), &text, 0o644)?;
    Ok(true)
}

/// A private half without its public one is of a ceremony that was cut, or the public half was lost and gateways have it:
/// then it opens records. So it stays, under another name, and is destroyed with the others.
fn set_aside(
    folder: &KeyFolder,
    (class, period, role): (Class, Period, Role),
    holder: &str,
) -> Result<(), KeyError> {
    let path = folder.sealed_path(class, period, role, holder);
    if !path.exists() {
        return Ok(());
    }
    let asides = (1..1000).map(|n| folder.sealed_path(class, period, role, &format!("{holder}.{n}")));
    let mut free = asides.filter(|aside| !aside.exists());
    let aside = free.next().ok_or_else(|| KeyError::There(path.clone()))?;
    std::fs::rename(&path, aside).map_err(|error| KeyError::File(path, error))
}

/// Copies the public halves into another folder: what a gateway gets. How many were not there yet.
///
/// # Errors
/// When a folder cannot be read or written, or a key there is another one.
pub fn publish(folder: &KeyFolder, to: &Path) -> Result<usize, KeyError> {
    let (target, mut copied) = (KeyFolder::at(to), 0);
    for period in folder.periods()? {
        for class in Class::SEALED {
            for role in Role::ALL {
                let Some(key) = folder.public(class, period, role)? else { continue };
                let path = target.public_path(class, period, role);
                match target.public(class, period, role)? {
                    Some(there) if there == key => continue,
                    Some(_) => return Err(KeyError::There(path)),
                    None => {}
                }
                // The gateway's own user reads them.
                keys::make_folder(&to.join(period.to_string()), 0o755)?;
                let text = keys::line(&keys::public_words(class, period, role), key.octets());
                keys::write_new(&path, &text, 0o644)?;
                copied += 1;
            }
        }
    }
    Ok(copied)
}

/// Destroys what opens a class in a period: every sealed private half. The public halves stay, so that the pair is not
/// made anew. How many were there. Copies elsewhere are their holders' to destroy.
///
/// # Errors
/// When a file cannot be removed.
pub fn destroy(folder: &KeyFolder, class: Class, period: Period) -> Result<usize, KeyError> {
    let sealed = sealed(folder, class, period)?;
    for path in &sealed {
        std::fs::remove_file(path).map_err(|error| KeyError::File(path.clone(), error))?;
    }
    keys::sync(&folder.path().join(period.to_string()))?;
    Ok(sealed.len())
}

/// The sealed private halves of a class in a period, those set aside included.
///
/// # Errors
/// When the folder cannot be read.
pub fn sealed(folder: &KeyFolder, class: Class, period: Period) -> Result<Vec<PathBuf>, KeyError> {
    let place = folder.path().join(period.to_string());
    let entries = std::fs::read_dir(&place).map_err(|error| KeyError::File(place, error))?;
    let is_of = |name: &str| name.starts_with(&format!("{class}.")) && name.ends_with(".sealed");
    let paths = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_of));
    Ok(paths.map(|entry| entry.path()).collect())
}
