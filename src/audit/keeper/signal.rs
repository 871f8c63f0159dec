//! How the log's thread is woken: many may call, one call is as good as many.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What was asked of the thread since it looked last.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// There is something to integrate.
    pub work: bool,
    /// Somebody waits for it.
    pub urgent: bool,
    /// The program ends.
    pub stop: bool,
}

/// A bell.
#[derive(Debug, Default)]
pub struct Signal {
    asked: Mutex<Asked>,
    rung: Condvar,
}

impl Signal {
    /// Rings.
    pub fn ring(&self, change: impl FnOnce(&mut Asked)) {
        change(&mut self.lock());
        self.rung.notify_all();
    }

    /// Waits until this is so, `patience` at most, and says what was asked.
    pub fn wait(&self, patience: Duration, until: impl Fn(&Asked) -> bool) -> Asked {
        let waited = self.rung.wait_timeout_while(self.lock(), patience, |asked| !until(asked));
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Takes what was asked; that the program ends stays.
    pub fn take(&self) {
        let mut asked = self.lock();
        (asked.work, asked.urgent) = (false, false);
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
