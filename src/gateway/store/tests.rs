//! The store against a real SQLite file: reopened, full, newer, in use, and killed between two commits.

mod clear;
mod faults;
mod keep_up;
pub(crate) mod keys;
mod log;
mod older;
mod refused;
mod restart;
pub(crate) mod tempdir;

use super::*;
use keys::entries;
use std::net::Ipv4Addr;
use varco_policy::{Device, Mac, PassId, Subject};

pub(super) const QUARANTINE: SignedDuration = SignedDuration::from_mins(10);

fn folder() -> tempdir::Folder {
    tempdir::Folder::new()
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

pub(super) fn pass(n: u8) -> Pass {
    let first_port = 1024 + 512 * u16::from(n);
    Pass {
        id: PassId(uuid::Uuid::from_u64_pair(0, n.into())),
        subject: Subject::try_from(format!("subject-{n}")).unwrap(),
        device: Device { address: [10, 64, 0, n].into(), mac: Mac::new([2, 0, 0, 0, 0, n]) },
        slot: Slot { address: Ipv4Addr::new(198, 18, 0, 3), first_port, last_port: first_port + 511 },
        since: at(0),
        until: at(3600),
        session: None,
    }
}

pub(super) fn end(pass: &Pass, second: i64) -> Change {
    let cause = EndCause::LoggedOut;
    Change::Ended { pass: pass.id, slot: pass.slot, at: at(second), freed: at(second), cause }
}

pub(super) fn open(folder: &Path) -> Result<Store, StoreError> {
    let mut store = Store::open(folder, keys::recorder(at(0)), QUARANTINE)?;
    store.take_over(at(0))?;
    Ok(store)
}

fn used(day: &str, minutes: i64, bytes: u64) -> Used {
    Used { day: day.parse().unwrap(), time: SignedDuration::from_mins(minutes), bytes, to: at(0) }
}

fn records(person: &Subject, used: Used, counted: Vec<(PassId, u64)>) -> Change {
    Change::Used { person: person.clone(), used, counted }
}

/// Which of these stand in one of the database's files.
fn found(folder: &Path, needles: &[Vec<u8>]) -> Vec<usize> {
    let files = ["site.db", "site.db-wal"].map(|name| std::fs::read(folder.join(name)).unwrap_or_default());
    let holds = |needle: &[u8]| files.iter().any(|file| file.windows(needle.len()).any(|w| w == needle));
    (0..needles.len()).filter(|n| holds(&needles[*n])).collect()
}
