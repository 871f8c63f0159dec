//! The keys that are over, by the folder of a ceremony.

use super::Kept;
use crate::{
    ceremony,
    class::Class,
    keys::{KeyError, KeyFolder},
    week::Period,
};
use jiff::Timestamp;

/// A class in a period of which something in the folder opens records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The class.
    pub class: Class,
    /// The period.
    pub period: Period,
    /// Until when it is kept.
    pub ends: Timestamp,
    /// Sealed private halves in the folder.
    pub keys: usize,
}

impl Due {
    /// Whether its time is over at this instant.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends <= now
    }
}

/// Every class and period that the folder's private halves open, in order: over or not.
///
/// # Errors
/// When the folder cannot be read.
pub fn due(folder: &KeyFolder, kept: &Kept) -> Result<Vec<Due>, KeyError> {
    let mut all = Vec::new();
    for period in folder.periods()? {
        for class in Class::SEALED.into_iter().filter(|class| class.length() == period.length()) {
            let keys = ceremony::sealed(folder, class, period)?.len();
            if keys > 0 {
                all.push(Due { class, period, ends: kept.ends(class, period), keys });
            }
        }
    }
    Ok(all)
}

/// Destroys what opens these in a folder; how many private halves each had there.
///
/// # Errors
/// When a file cannot be removed. Those before it are gone.
pub fn destroy(folder: &KeyFolder, due: &[Due]) -> Result<Vec<usize>, KeyError> {
    due.iter().map(|due| ceremony::destroy(folder, due.class, due.period)).collect()
}
