//! What is durable: a store that can fail before or after it has written, with the rules of the real one.

use super::*;

impl World {
    pub(super) fn record(&mut self, changes: Vec<Change>) -> Event {
        if self.disk != Disk::FailedNotPersisted {
            changes.iter().for_each(|change| self.write(change));
        }
        match self.disk {
            Disk::Good => Event::Recorded(changes),
            _ => Event::RecordFailed(changes),
        }
    }

    /// The rules of `src/gateway/store.rs`.
    fn write(&mut self, change: &Change) {
        match change {
            Change::Started(pass) => {
                if self.open.insert(pass.id, (pass.clone(), None)).is_none() {
                    self.check_slot_is_free(pass);
                    assert!(self.started.insert(pass.id, pass.slot).is_none(), "started twice");
                }
            }
            Change::Leaving { pass, cause } => {
                if let Some((_, leaving)) = self.open.get_mut(pass) {
                    *leaving = Some(*cause);
                }
            }
            Change::Ended { pass, slot, at, freed, cause } => {
                self.resting.insert(*slot, *freed);
                if let Some((was, _)) = self.open.remove(pass) {
                    assert_eq!(was.slot, *slot);
                    assert!(
                        !self.kernel.contains_key(&was.device) || self.device_has_other(&was),
                        "ended in the records, not in the kernel"
                    );
                    assert!(self.ended.insert(*pass, (*at, *cause)).is_none(), "ended twice");
                }
            }
            Change::Shares { step, shares, .. } => self.line.write(*step, *shares),
            Change::SharesTold(_) => {}
            Change::Reconciled { .. } => {}
            Change::Used { person, used, counted } => {
                self.used.insert(person.clone(), *used);
                self.counted.extend(counted.iter().copied());
            }
            Change::Day(day) => self.used.retain(|_, used| used.day >= *day),
            Change::Rated { pass, rate } => drop(self.rates.insert(*pass, *rate)),
        }
    }

    pub fn person_of(&self, device: Device) -> Option<Subject> {
        let mut open = self.open.values();
        open.find(|(pass, _)| pass.device == device).map(|(pass, _)| pass.subject.clone())
    }

    fn device_has_other(&self, ended: &Pass) -> bool {
        self.kernel.get(&ended.device).is_some_and(|(slot, _)| *slot != ended.slot)
    }

    fn check_slot_is_free(&self, pass: &Pass) {
        let others = self.open.values().filter(|(other, _)| other.id != pass.id && other.slot == pass.slot);
        assert_eq!(others.count(), 0, "a slot is lent twice");
        if let Some(freed) = self.resting.get(&pass.slot) {
            assert!(self.now.duration_since(*freed) >= QUARANTINE, "a slot did not rest");
        }
    }
}
