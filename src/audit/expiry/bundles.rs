//! The bundles that are over: those of which every entry is past its class's time. A bundle holds all classes, so it goes with
//! the longest of those in it; the keys of the others were destroyed long before.

use crate::{
    leaf::{Header, Leaf},
    tlog::{
        Disk, Log,
        prune::{self, PruneError},
    },
    week::Period,
};
use jiff::Timestamp;

/// Bundles looked at in one call: an hour has few, and a call must not hold the log for long.
const AT_ONCE: u64 = 64;

/// What a call did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Over {
    /// The minimum index of the log now.
    pub minimum: u64,
    /// Files that went.
    pub files: u64,
}

/// Whether an entry is past its class's time. What is no leaf is never over: somebody must look.
pub fn over(entry: &[u8], now: Timestamp) -> bool {
    Leaf::read(entry).is_ok_and(|leaf| ends(&leaf.header) <= now)
}

/// A leaf that was sealed to the key of another week than its own, because there was none, is kept as long as the later one.
fn ends(header: &Header) -> Timestamp {
    let own = header.class.ends(Period::of(header.class.length(), header.at));
    header.period.map_or(own, |period| own.max(header.class.ends(period)))
}

/// Removes the bundles that are over at `now`, a time that was confirmed (`time.rs`), and are below `acknowledged`, the size
/// that is elsewhere too. Hashes stay.
///
/// # Errors
/// When the log is damaged, or the disk fails; the next call goes on.
pub fn prune_log<D: Disk>(log: &mut Log<D>, now: Timestamp, acknowledged: u64) -> Result<Over, PruneError> {
    let from = log.minimum();
    let minimum =
        prune::due(&mut log.tiles()?, (from, acknowledged), AT_ONCE, |entry| over(entry, now))?.max(from);
    Ok(Over { minimum, files: log.prune(minimum, now)? })
}
