//! Keeping the list current for as long as the program runs.

use super::{Registry, Signed, Source, decide::Verdict, decide::decide, fetch, pace};
use crate::app;
use jiff::{SignedDuration, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

/// How often the list in force, and a file that is the source, are looked at on the disk.
const LOOK: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 2000 });

/// What came of asking.
#[derive(Debug)]
pub struct Asked<C> {
    /// What changed, or would.
    pub changes: Vec<C>,
    /// How long the list wants to be kept.
    pub fresh_for: Option<SignedDuration>,
}

/// Why the list in force stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody answered.
    #[error("it cannot be had: {0}")]
    Unreachable(String),
    /// What was answered is not to be taken.
    #[error("it is refused: {rule}: {why}")]
    Refused {
        /// The rule that it breaks.
        rule: &'static str,
        /// What was found.
        why: String,
    },
    /// Ours: the disk.
    #[error("it cannot be kept: {0}")]
    Disk(String),
}

/// Asks until the program ends.
pub async fn watch<L: Signed>(registry: Arc<Registry<L>>) {
    let mut pause = if holds(&registry).await { first(&registry, app::now()) } else { Duration::ZERO };
    let (mut seen, mut failures) = (None, 0);
    loop {
        due(&registry, seen, failures, pause).await;
        seen = registry.source.modified();
        let fresh_for;
        (fresh_for, failures) = match registry.renew(app::now(), false).await {
            Ok(asked) => (asked.fresh_for, 0),
            Err(failure) => (None, registry.failed(&failure, app::now())),
        };
        let mut lot = [0];
        let _ = SystemRandom::new().fill(&mut lot);
        pause = pace::wait(registry.every, fresh_for, failures, lot[0]).unsigned_abs();
    }
}

/// Waits; not so long when the source is a file that is another than the one seen, or the list in force was damaged. What
/// failed already is not tried again for a list that is as bad as it was.
async fn due<L: Signed>(
    registry: &Arc<Registry<L>>,
    seen: Option<SystemTime>,
    failures: u32,
    pause: Duration,
) {
    let mut known = (failures > 0).then(|| registry.kept().look());
    let mut left = pause;
    while !left.is_zero() && registry.source.modified() == seen {
        tokio::time::sleep(left.min(LOOK)).await;
        left = left.saturating_sub(LOOK);
        let look = Some(registry.kept().look());
        if look != known && !holds(registry).await {
            return;
        }
        known = look;
    }
}

/// Whether there is a list that can be in force. A thread that may take its time: libxml2 and xmlsec work here.
async fn holds<L: Signed>(registry: &Arc<Registry<L>>) -> bool {
    let registry = Arc::clone(registry);
    let list = move || matches!(registry.kept().list(app::now()), Ok(Some(_)));
    tokio::task::spawn_blocking(list).await.unwrap_or(true)
}

/// Nothing is asked at a start that a moment ago was answered: a hub that is restarted in a loop must not burden the
/// source.
fn first<L: Signed>(registry: &Registry<L>, now: Timestamp) -> Duration {
    let status = registry.kept().status();
    let due = status.confirmed.and_then(|at| at.saturating_add(registry.every).ok());
    due.filter(|_| status.failures == 0).map_or(Duration::ZERO, |due| {
        let wait = due.duration_since(now).min(registry.every);
        if wait.is_negative() { Duration::ZERO } else { wait.unsigned_abs() }
    })
}

impl<L: Signed> Registry<L> {
    /// Asks once, and puts in force what holds; `accept` is the operator's word for a list that is older or lost more than
    /// half. Signature and validity hold for everybody.
    ///
    /// # Errors
    /// [`Failure`], with the list in force as it was.
    pub async fn renew(&self, now: Timestamp, accept: bool) -> Result<Asked<L::Change>, Failure> {
        let (octets, list) = self.ask(now).await?;
        let changes = self.judge(&list, now, accept)?;
        let kept = match &changes {
            None => self.kept().confirm(now),
            Some(_) => self.kept().take(&octets, &list, now),
        };
        kept.map_err(|e| Failure::Disk(format!("{e:#}")))?;
        let changes = changes.unwrap_or_default();
        for change in &changes {
            tracing::info!("{}: {change}", L::WORDS);
        }
        for problem in list.problems() {
            tracing::warn!(%problem, "a part of {} is not used", L::WORDS);
        }
        Ok(Asked { changes, fresh_for: list.fresh_for() })
    }

    /// Asks once, and says what would change.
    ///
    /// # Errors
    /// As [`Self::renew`].
    pub async fn preview(&self, now: Timestamp) -> Result<(Vec<L::Change>, Option<Failure>), Failure> {
        let (_, list) = self.ask(now).await?;
        let changes = self.judge(&list, now, true)?.unwrap_or_default();
        Ok((changes, self.judge(&list, now, false).err()))
    }

    async fn ask(&self, now: Timestamp) -> Result<(Vec<u8>, L), Failure> {
        let octets = fetch::fetch(self).await.map_err(|e| Failure::Unreachable(format!("{e:#}")))?;
        let signers = self.signers.clone();
        // A thread that may take its time: libxml2 and xmlsec work here.
        let verified = tokio::task::spawn_blocking(move || (L::verify(&octets, &signers, now), octets));
        let (list, octets) = verified.await.map_err(|e| Failure::Disk(e.to_string()))?;
        let list = list.map_err(|unfit| Failure::Refused { rule: unfit.rule, why: unfit.why })?;
        Ok((octets, list))
    }

    /// The changes, or `None` when it is the list in force.
    fn judge(&self, list: &L, now: Timestamp, accept: bool) -> Result<Option<Vec<L::Change>>, Failure> {
        let mut status = self.kept().status();
        // A list that was damaged on the disk is replaced, whatever is known of it.
        let in_force = self.kept().list(now).ok().flatten();
        if in_force.as_ref().is_none_or(|l| l.digest() != status.digest) {
            status.digest.clear();
        }
        // What is in force counts, whatever was written beside it.
        let known = in_force.as_ref().and_then(|l| l.age().number);
        status.number = status.number.max(known);
        match decide(&status, in_force.as_ref(), list, accept) {
            Verdict::Same => Ok(None),
            Verdict::Take(changes) => Ok(Some(changes)),
            Verdict::Refuse(rule, why) => Err(Failure::Refused { rule, why }),
        }
    }

    /// Keeps a failure in mind and tells it; how many there are in a row.
    pub(super) fn failed(&self, failure: &Failure, now: Timestamp) -> u32 {
        failure.tell::<L>();
        let status = self.kept().fail(&failure.to_string());
        let status = status.unwrap_or_else(|error| {
            Failure::Disk(format!("{error:#}")).tell::<L>();
            self.kept().status()
        });
        if self.kept().stale(&status, now) {
            alarm::<L>("stale", "nobody has confirmed it for too long");
        }
        status.failures.max(1)
    }
}

impl Failure {
    /// As an alarm where an operator has to act.
    fn tell<L: Signed>(&self) {
        let what = match self {
            Self::Unreachable(_) => return tracing::warn!("{}: {self}", L::WORDS),
            Self::Refused { .. } => "refused",
            Self::Disk(_) => "disk",
        };
        alarm::<L>(what, self);
    }
}

/// An alarm of this kind of list. The names of the alarms do not change: monitoring may look for them.
pub fn alarm<L: Signed>(what: &str, why: impl std::fmt::Display) {
    let name = format!("{}-{what}", L::NAME);
    tracing::error!(alarm = name.as_str(), "{}: {why}", L::WORDS);
}

impl Source {
    /// When the file was changed last; nothing of an address.
    fn modified(&self) -> Option<SystemTime> {
        let Self::File(path) = self else { return None };
        std::fs::metadata(path).and_then(|about| about.modified()).ok()
    }
}
