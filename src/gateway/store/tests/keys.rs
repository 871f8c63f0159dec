//! Keys made once for all tests, and what they open.

use super::tempdir::Folder;
use jiff::Timestamp;
use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};
use varco_audit::{
    Entry, ceremony,
    content::Joined,
    expiry::Kept,
    holder::{Holder, HolderKey},
    keys::KeyFolder,
    opener::Opener,
    recorder::Recorder,
    records::{Records, RecordsError},
    seal::Role,
    week::{Length, Period},
};

/// Made once and kept for later runs, since children that a test kills need them too. Of the weeks in which tests
/// play, and of this one for those that take the time from the clock.
static KEYS: LazyLock<PathBuf> = LazyLock::new(|| {
    let name = format!("varco-gateway-test-keys-3-{}-{}", nix::unistd::getuid(), this_week());
    let (kept, made) = (std::env::temp_dir().join(name), Folder::new());
    if !kept.exists() {
        make(made.path());
        // Another process may have been faster.
        let _ = std::fs::rename(made.path(), &kept);
    }
    kept
});

fn make(folder: &Path) {
    let holders = Role::ALL.map(|role| {
        let (_, given) = HolderKey::make(role.as_str(), role, folder).unwrap();
        Holder::read(&given).unwrap()
    });
    for week in ["1970-W01".parse().unwrap(), "1970-W03".parse().unwrap(), this_week()] {
        ceremony::week(&KeyFolder::at(folder), week, &holders).unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "some tests run by the clock")]
fn this_week() -> Period {
    Period::of(Length::Week, jiff::Timestamp::now())
}

pub fn folder() -> &'static Path {
    &KEYS
}

pub fn recorder(at: Timestamp) -> Recorder {
    Recorder::open(folder(), "library", Kept::default(), at).unwrap()
}

pub fn opener() -> Opener {
    let own = |role: Role| HolderKey::read(&folder().join(format!("{role}.key"))).unwrap();
    Opener::new(KeyFolder::at(folder()), Role::ALL.map(own).into())
}

/// What is on record in a state folder, as both holders together read it.
pub fn entries(folder: &Path) -> Vec<Entry> {
    let (mut entries, mut joined, mut opener) = (Vec::new(), Joined::default(), opener());
    let mut records = Records::open(Some(&folder.join("log")), Some(&folder.join("site.db"))).unwrap();
    let done: Result<(), RecordsError> = records.each(|leaf, _| {
        let content = opener.open(leaf).unwrap();
        entries.extend(joined.take(leaf.header.at, &leaf.header.site, content.body));
        Ok(())
    });
    done.unwrap();
    entries
}
