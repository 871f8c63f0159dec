//! The bundles that are over: those of which every entry is past its class's time, or sealed to keys that two persons have
//! destroyed. A bundle holds all classes, so it goes with the longest of those in it; the keys of the others were destroyed long
//! before.

use super::Kept;
use crate::{
    class::Class,
    leaf::{Header, Leaf},
    tlog::{
        Disk, Files, Log, Mirror, NoteKey, TileError, Tiles,
        prune::{self, PruneError},
    },
    week::Period,
};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Bundles looked at in one call: an hour has few, and a call must not hold the log for long.
const AT_ONCE: u64 = 64;

/// By what it is decided whether an entry is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// A time that was confirmed (`time.rs`).
    pub time: Timestamp,
    /// How long each class is kept.
    pub kept: Kept,
    /// Of which classes and periods the keys were destroyed, as two persons have signed.
    pub destroyed: BTreeSet<(Class, Period)>,
}

/// What a call did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Over {
    /// The minimum index of the log now.
    pub minimum: u64,
    /// Files that went.
    pub files: u64,
}

impl Terms {
    /// Those of a time, of which nothing else is known.
    pub fn at(time: Timestamp, kept: Kept) -> Self {
        Self { time, kept, destroyed: BTreeSet::new() }
    }

    /// Whether an entry is over. What is no leaf is never over: somebody must look.
    pub fn is_over(&self, entry: &[u8]) -> bool {
        let over = |header: &Header| {
            let gone = header.period.is_some_and(|period| self.destroyed.contains(&(header.class, period)));
            gone || self.ends(header) <= self.time
        };
        Leaf::read(entry).is_ok_and(|leaf| over(&leaf.header))
    }

    /// A leaf that was sealed to the key of another week than its own, because there was none, is kept as long as the later one.
    fn ends(&self, header: &Header) -> Timestamp {
        let own = self.kept.ends(header.class, Period::of(header.class.length(), header.at));
        header.period.map_or(own, |period| own.max(self.kept.ends(header.class, period)))
    }

    /// The minimum index that there may be: some bundles after `from`, and never above `limit`.
    fn minimum<F: Files>(&self, tiles: &mut Tiles<F>, from: u64, limit: u64) -> Result<u64, TileError> {
        Ok(prune::due(tiles, (from, limit), AT_ONCE, |entry| self.is_over(entry))?.max(from))
    }
}

/// Removes the bundles of a log that are over, and are below `acknowledged`, the size that is elsewhere too. Hashes stay.
///
/// # Errors
/// When the log is damaged, or the disk fails; the next call goes on.
pub fn prune_log<D: Disk>(log: &mut Log<D>, terms: &Terms, acknowledged: u64) -> Result<Over, PruneError> {
    let minimum = terms.minimum(&mut log.tiles()?, log.minimum(), acknowledged)?;
    Ok(Over { minimum, files: log.prune(minimum, terms.time)? })
}

/// Removes the bundles of a copy that are over; its keeper says so by its own key.
///
/// # Errors
/// As [`prune_log`].
pub fn prune_copy<D: Disk>(copy: &Mirror<D>, terms: &Terms, keeper: &NoteKey) -> Result<Over, PruneError> {
    let acknowledged = copy.standing().acknowledged;
    let minimum = terms.minimum(&mut copy.tiles()?, copy.minimum(), acknowledged)?;
    Ok(Over { minimum, files: copy.prune(minimum, terms.time, keeper)? })
}
