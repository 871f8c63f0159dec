//! The ceremony of the log's keys, as small as can be.

use jiff::Timestamp;
use std::path::Path;
use varco_audit::{
    ceremony,
    holder::{Holder, HolderKey},
    keys::KeyFolder,
    seal::Role,
    week::{Length, Period},
};

/// Makes the keys of this week in `folder`, and of the first of all for tests that stand there.
pub fn make(folder: &Path, now: Timestamp) {
    let holders = Role::ALL.map(|role| {
        let (_, given) = HolderKey::make(role.as_str(), role, folder).unwrap();
        Holder::read(&given).unwrap()
    });
    for week in ["1970-W01".parse().unwrap(), Period::of(Length::Week, now)] {
        ceremony::week(&KeyFolder::at(folder), week, &holders).unwrap();
    }
}
