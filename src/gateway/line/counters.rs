//! What the WAN interface has carried: the kernel's own counters.

use std::{fs, io, path::PathBuf, time::Duration};
use varco_policy::{IfName, Rate, wire::Capacity};

/// Over less than this a rate says nothing.
const LEAST: Duration = Duration::from_millis(100);

/// The counters of an interface.
#[derive(Debug)]
pub struct Counters {
    folder: PathBuf,
    last: Option<(Duration, [u64; 2])>,
    achieved: Capacity,
}

impl Counters {
    /// Those of interface `wan`.
    pub fn of(wan: &IfName) -> Self {
        Self::in_folder(PathBuf::from(format!("/sys/class/net/{wan}/statistics")))
    }

    pub(super) fn in_folder(folder: PathBuf) -> Self {
        let none = Rate::from_bits(0);
        Self { folder, last: None, achieved: Capacity { up: none, down: none } }
    }

    /// The rates since the last call, in bits of frames; those of the last call when it was a moment ago.
    ///
    /// # Errors
    /// When the interface is not there.
    pub fn achieved(&mut self, now: Duration) -> io::Result<Capacity> {
        let counted = [self.read("tx_bytes")?, self.read("rx_bytes")?];
        let Some((before, bytes)) = self.last else {
            self.last = Some((now, counted));
            return Ok(self.achieved);
        };
        let passed = now.saturating_sub(before);
        if passed >= LEAST {
            // An interface that was made anew counts from 0.
            let rate = |now: u64, before: u64| {
                let bits = u128::from(now.saturating_sub(before)) * 8_000_000 / passed.as_micros();
                Rate::from_bits(u64::try_from(bits).unwrap_or(u64::MAX))
            };
            self.achieved = Capacity { up: rate(counted[0], bytes[0]), down: rate(counted[1], bytes[1]) };
            self.last = Some((now, counted));
        }
        Ok(self.achieved)
    }

    fn read(&self, name: &str) -> io::Result<u64> {
        let text = fs::read_to_string(self.folder.join(name))?;
        text.trim().parse().map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::tempdir::Folder;

    #[test]
    fn rates_are_between_two_looks() {
        let folder = Folder::new();
        let mut counters = Counters::in_folder(folder.path().into());
        let mut at = |millis, up: u64, down: u64| {
            fs::write(folder.path().join("tx_bytes"), format!("{up}\n")).unwrap();
            fs::write(folder.path().join("rx_bytes"), format!("{down}\n")).unwrap();
            let achieved = counters.achieved(Duration::from_millis(millis)).unwrap();
            (achieved.up.bits(), achieved.down.bits())
        };
        assert_eq!(at(0, 1_000, 9_000), (0, 0));
        assert_eq!(at(500, 2_000, 19_000), (16_000, 160_000));
        assert_eq!(at(550, 9_000, 90_000), (16_000, 160_000), "too soon");
        assert_eq!(at(1_500, 0, 19_000), (0, 0), "made anew");
    }

    #[test]
    fn an_interface_that_is_not_there_is_an_error() {
        assert!(Counters::of(&"no-such-if".parse().unwrap()).achieved(Duration::ZERO).is_err());
        assert!(Counters::in_folder("/sys/class/net/lo/statistics".into()).achieved(Duration::ZERO).is_ok());
    }
}
