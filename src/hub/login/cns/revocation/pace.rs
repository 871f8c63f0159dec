//! How many questions run at once, and which hosts are left alone for a while: a dead responder must not hold every login.

use super::doubt::{Doubt, ensure};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Failures in a row after which a host is left alone, and how long.
const FAILURES: u32 = 3;
const QUIET: SignedDuration = SignedDuration::from_secs(60);
/// Most hosts remembered: more than recognised issuers have.
const HOSTS: usize = 1024;

/// Turns to ask.
#[derive(Debug)]
pub struct Pace {
    all: Arc<Semaphore>,
    each: usize,
    hosts: Mutex<HashMap<String, Host>>,
}

#[derive(Debug)]
struct Host {
    turns: Arc<Semaphore>,
    failures: u32,
    quiet: Option<Timestamp>,
}

/// A turn; over when it is dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held, not read")] [OwnedSemaphorePermit; 2]);

impl Pace {
    /// So many at once, a quarter of them at one host.
    pub fn new(parallel: usize) -> Self {
        let each = parallel.div_ceil(4);
        Self { all: Arc::new(Semaphore::new(parallel)), each, hosts: Mutex::default() }
    }

    /// Waits for a turn to ask a host.
    ///
    /// # Errors
    /// When the host failed too often just now, or no turn comes in time.
    pub async fn turn(&self, host: &str, now: Timestamp, patience: Duration) -> Result<Turn, Doubt> {
        let turns = self.awake(host, now)?;
        let both =
            async { Some([turns.acquire_owned().await.ok()?, self.all.clone().acquire_owned().await.ok()?]) };
        let both = timeout(patience, both).await.ok().flatten();
        both.map(Turn).ok_or_else(|| Doubt::new("busy", "no turn in time"))
    }

    /// The host's turns, unless it is left alone. When the quiet is over it is asked again; one more failure begins the next.
    fn awake(&self, host: &str, now: Timestamp) -> Result<Arc<Semaphore>, Doubt> {
        let mut hosts = self.hosts();
        if hosts.len() >= HOSTS && !hosts.contains_key(host) {
            hosts.clear();
        }
        let fresh = || Host { turns: Arc::new(Semaphore::new(self.each)), failures: 0, quiet: None };
        let host = hosts.entry(host.to_owned()).or_insert_with(fresh);
        ensure(host.quiet.is_none_or(|until| until <= now), "quiet", "left alone for a minute")?;
        Ok(host.turns.clone())
    }

    /// How asking ended.
    pub fn ended(&self, host: &str, well: bool, now: Timestamp) {
        let mut hosts = self.hosts();
        let Some(host) = hosts.get_mut(host) else { return };
        host.failures = if well { 0 } else { host.failures.saturating_add(1) };
        host.quiet = (host.failures >= FAILURES).then(|| now.saturating_add(QUIET).unwrap_or(Timestamp::MAX));
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_host_that_failed_three_times_is_left_alone_for_a_minute_and_others_are_not() {
        let pace = Pace::new(8);
        let quiet = |host, second| pace.awake(host, at(second)).is_err_and(|doubt| doubt.rule == "quiet");
        for second in 0..3 {
            assert!(!quiet("dead", second));
            pace.ended("dead", false, at(second));
        }
        assert!(quiet("dead", 3) && quiet("dead", 61) && !quiet("dead", 62) && !quiet("other", 3));
        pace.ended("dead", false, at(62));
        assert!(quiet("dead", 63));
        assert!(!quiet("dead", 122));
        pace.ended("dead", true, at(122));
        pace.ended("dead", false, at(123));
        assert!(!quiet("dead", 124));
    }

    #[tokio::test]
    async fn one_host_takes_a_quarter_of_the_turns() {
        let (pace, little) = (Pace::new(8), Duration::from_millis(10));
        let held = [
            pace.turn("slow", at(0), little).await.unwrap(),
            pace.turn("slow", at(0), little).await.unwrap(),
        ];
        assert_eq!(pace.turn("slow", at(0), little).await.unwrap_err().rule, "busy");
        assert!(pace.turn("other", at(0), little).await.is_ok());
        drop(held);
        assert!(pace.turn("slow", at(0), little).await.is_ok());
    }
}
