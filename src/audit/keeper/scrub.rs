//! Old entries are read again from the medium and hashed, a part each hour, all within a week: what rots is found while there
//! is a copy of it elsewhere.

use crate::tlog::{Files, Log, TileError, Tiles};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Between two parts.
const EVERY: Duration = Duration::from_secs(3600);
/// In so many parts all is read.
const PARTS: u64 = 7 * 24;

/// How far it is.
#[derive(Debug, Default)]
pub struct Scrub {
    next: u64,
    last: Option<Instant>,
}

impl Scrub {
    /// How long until the next part is due.
    pub fn due_in(&self, now: Instant) -> Duration {
        self.last.map_or(EVERY, |last| EVERY.saturating_sub(now.duration_since(last)))
    }

    /// Reads the next part where it is due; `None` where it is not. The first is due an hour after the start.
    pub fn part(&mut self, log: &Log, folder: &Path, now: Instant) -> Option<Result<(), TileError>> {
        let last = *self.last.get_or_insert(now);
        if now.duration_since(last) < EVERY {
            return None;
        }
        self.last = Some(now);
        Some(self.read(log, folder))
    }

    fn read(&mut self, log: &Log, folder: &Path) -> Result<(), TileError> {
        let mut tiles = Tiles::open(Medium::of(folder), log.checkpoint())?;
        let first = log.minimum() / 256;
        let count = (tiles.bundles() - first.min(tiles.bundles())) / PARTS + 1;
        let from = self.next.max(first);
        let end = tiles.bundles().min(from + count);
        // What is damaged is told again each time its turn comes, and nothing behind it is left out.
        self.next = if end < tiles.bundles() { end } else { 0 };
        let read: Vec<_> = (from..end).map(|index| tiles.bundle(index).map(drop)).collect();
        read.into_iter().collect()
    }
}

/// A folder whose files are read from the disk, not from the kernel's memory of them.
#[derive(Debug)]
struct Medium(PathBuf);

impl Medium {
    fn of(folder: &Path) -> Self {
        Self(folder.to_owned())
    }
}

impl Files for Medium {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.0.join(path))?;
        // Where the kernel does not take the advice the file is read all the same.
        let _ = posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
        let mut octets = Vec::new();
        file.read_to_end(&mut octets)?;
        Ok(octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::NoteKey;

    #[test]
    fn all_is_read_within_a_week_and_damage_is_found() {
        let folder = std::env::temp_dir().join(format!("varco-scrub-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let key = NoteKey::load_or_make(&folder.join("log.key"), "example.it/log").unwrap();
        let place = folder.join("log");
        let mut log = Log::open(&place, "example.it/log", key).unwrap();
        let leaves: Vec<_> = (0..200_u32 * 256).map(|n| n.to_be_bytes().to_vec()).collect();
        log.integrate(0, &leaves).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test moves it on by itself")]
        let start = Instant::now();
        let mut scrub = Scrub::default();
        let week = |scrub: &mut Scrub| {
            let parts = (0..=PARTS).map(|hour| start + EVERY * u32::try_from(hour).unwrap());
            let (mut read, mut damaged) = (0, 0);
            *scrub = Scrub::default();
            for at in parts {
                match scrub.part(&log, &place, at) {
                    Some(Ok(())) => read += 1,
                    Some(Err(_)) => damaged += 1,
                    None => {}
                }
            }
            (read, damaged)
        };
        assert_eq!(week(&mut scrub), (168, 0), "the first hour is none");
        std::fs::write(place.join("tile/entries/123"), b"rotten").unwrap();
        let (read, damaged) = week(&mut scrub);
        assert!((1..3).contains(&damaged) && read > 160, "{read} {damaged}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
