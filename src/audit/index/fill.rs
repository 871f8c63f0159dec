//! From a log folder into the index: the same way for a log that grows, for one that was interrupted, and for one made anew.

use super::{IndexError, Portion, Row, Rows};
use crate::tlog::{Files, Tiles};

/// Entries of a bundle (C2SP tlog-tiles).
const BUNDLE: u64 = 256;
/// Bundles in a portion: 8,192 entries in a transaction.
const PORTION: u64 = 32;

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled {
    /// Entries of the log that are indexed now.
    pub size: u64,
    /// How many came.
    pub new: u64,
}

/// Reads the entries that are not indexed yet, each compared with the root of the tree, and removes what is below the log's
/// minimum index (`tlog::prune::minimum`).
///
/// # Errors
/// When the log is damaged, is another than the one that was indexed, or the store fails. What was put is kept, and the next
/// call goes on from there.
pub fn fill<F: Files>(
    rows: &mut (impl Rows + ?Sized),
    origin: &str,
    tiles: &mut Tiles<F>,
    minimum: u64,
) -> Result<Filled, IndexError> {
    let mut all = step(rows, origin, tiles, minimum)?;
    while all.size < tiles.size() {
        let more = step(rows, origin, tiles, minimum)?;
        all = Filled { size: more.size, new: all.new + more.new };
    }
    Ok(all)
}

/// The next portion of [`fill`], 8,192 entries at most, for who lets others ask meanwhile.
///
/// # Errors
/// As [`fill`].
pub fn step<F: Files>(
    rows: &mut (impl Rows + ?Sized),
    origin: &str,
    tiles: &mut Tiles<F>,
    minimum: u64,
) -> Result<Filled, IndexError> {
    let place = rows.place(origin)?;
    let begin = place.as_ref().map_or(0, |place| place.size);
    if begin > tiles.size() {
        return Ok(Filled { size: begin, new: 0 });
    }
    if let Some(place) = place {
        if tiles.root_at(begin)? != place.root {
            return Err(IndexError::Other(origin.to_owned()));
        }
        if place.minimum < minimum {
            rows.forget(origin, minimum)?;
        }
    }
    if begin == tiles.size() {
        return Ok(Filled { size: begin, new: 0 });
    }
    let portion = read(tiles, begin, minimum)?;
    rows.put(origin, &portion)?;
    Ok(Filled { size: portion.entries.end, new: portion.entries.end - begin })
}

/// The next portion; its first entries may be below the minimum.
fn read<F: Files>(tiles: &mut Tiles<F>, first: u64, minimum: u64) -> Result<Portion, IndexError> {
    let mut at = first.max(minimum.min(tiles.size()));
    let end = tiles.size().min((at / BUNDLE + PORTION) * BUNDLE);
    let root = tiles.root_at(end)?;
    let mut rows = Vec::new();
    while at < end {
        let bundle = tiles.bundle(at / BUNDLE)?;
        let next = end.min((at / BUNDLE + 1) * BUNDLE);
        for (index, entry) in (at..next).zip(bundle.entries().skip((at % BUNDLE) as usize)) {
            rows.push(Row::of(index, entry)?);
        }
        at = next;
    }
    Ok(Portion { entries: first..end, minimum, rows, root })
}
