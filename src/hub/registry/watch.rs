//! Keeping the list current for as long as the program runs.

use super::{Change, Registry, decide::Verdict, decide::decide, fetch, pace};
use crate::{app, login::saml::List};
use jiff::{SignedDuration, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};
use std::{sync::Arc, time::Duration};

/// What came of asking.
#[derive(Debug)]
pub struct Asked {
    /// What changed, or would.
    pub changes: Vec<Change>,
    /// How long the list wants to be kept.
    pub fresh_for: Option<SignedDuration>,
}

/// Why the list in force stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The registry did not answer.
    #[error("the registry does not answer: {0}")]
    Unreachable(String),
    /// What it answered is not to be taken.
    #[error("the registry's list is refused: {rule}: {why}")]
    Refused {
        /// The rule that it breaks.
        rule: &'static str,
        /// What was found.
        why: String,
    },
    /// Ours: the disk.
    #[error("the registry's list cannot be kept: {0}")]
    Disk(String),
}

/// Asks until the program ends.
pub async fn watch(registry: Arc<Registry>) {
    let mut pause = first(&registry, app::now());
    loop {
        tokio::time::sleep(pause).await;
        let (fresh_for, failures) = match registry.renew(app::now(), false).await {
            Ok(asked) => (asked.fresh_for, 0),
            Err(failure) => (None, registry.failed(&failure, app::now())),
        };
        let mut lot = [0];
        let _ = SystemRandom::new().fill(&mut lot);
        pause = pace::wait(registry.every, fresh_for, failures, lot[0]).unsigned_abs();
    }
}

/// Nothing is asked at a start that a moment ago was answered: a hub that is restarted in a loop must not burden the
/// registry.
fn first(registry: &Registry, now: Timestamp) -> Duration {
    let status = registry.kept().status();
    let due = status.confirmed.and_then(|at| at.saturating_add(registry.every).ok());
    due.filter(|_| status.failures == 0).map_or(Duration::ZERO, |due| {
        let wait = due.duration_since(now).min(registry.every);
        if wait.is_negative() { Duration::ZERO } else { wait.unsigned_abs() }
    })
}

impl Registry {
    /// Asks once, and puts in force what holds; `accept` is the operator's word for a list that is older or lost more than
    /// half. Signature and validity hold for everybody.
    ///
    /// # Errors
    /// [`Failure`], with the list in force as it was.
    pub async fn renew(&self, now: Timestamp, accept: bool) -> Result<Asked, Failure> {
        let (octets, list) = self.ask(now).await?;
        let changes = self.judge(&list, now, accept)?;
        let kept = match &changes {
            None => self.kept().confirm(now),
            Some(_) => self.kept().take(&octets, &list, now),
        };
        kept.map_err(|e| Failure::Disk(format!("{e:#}")))?;
        let changes = changes.unwrap_or_default();
        for change in &changes {
            tracing::info!("the registry's providers: {change}");
        }
        for problem in &list.problems {
            tracing::warn!(%problem, "a provider of the registry is not used");
        }
        Ok(Asked { changes, fresh_for: list.fresh_for })
    }

    /// Asks once, and says what would change.
    ///
    /// # Errors
    /// As [`Self::renew`].
    pub async fn preview(&self, now: Timestamp) -> Result<(Vec<Change>, Option<Failure>), Failure> {
        let (_, list) = self.ask(now).await?;
        let changes = self.judge(&list, now, true)?.unwrap_or_default();
        Ok((changes, self.judge(&list, now, false).err()))
    }

    async fn ask(&self, now: Timestamp) -> Result<(Vec<u8>, List), Failure> {
        let octets = fetch::fetch(self).await.map_err(|e| Failure::Unreachable(format!("{e:#}")))?;
        let signers = self.signers.clone();
        // A thread that may take its time: libxml2 and xmlsec work here.
        let verified = tokio::task::spawn_blocking(move || (List::verify(&octets, &signers, now), octets));
        let (list, octets) = verified.await.map_err(|e| Failure::Disk(e.to_string()))?;
        let list = list.map_err(|unfit| Failure::Refused { rule: unfit.rule, why: unfit.why })?;
        Ok((octets, list))
    }

    /// The changes, or `None` when it is the list in force.
    fn judge(&self, list: &List, now: Timestamp, accept: bool) -> Result<Option<Vec<Change>>, Failure> {
        let mut status = self.kept().status();
        // A list that was damaged on the disk is replaced, whatever is known of it.
        let in_force = self.kept().list(now).ok().flatten();
        if in_force.as_ref().is_none_or(|l| l.digest != status.digest) {
            status.digest.clear();
        }
        let providers = in_force.map(|l| l.providers).unwrap_or_default();
        match decide(&status, &providers, list, accept) {
            Verdict::Same => Ok(None),
            Verdict::Take(changes) => Ok(Some(changes)),
            Verdict::Refuse(rule, why) => Err(Failure::Refused { rule, why }),
        }
    }

    /// Keeps a failure in mind and tells it; how many there are in a row.
    pub(super) fn failed(&self, failure: &Failure, now: Timestamp) -> u32 {
        failure.tell();
        let status = self.kept().fail(&failure.to_string());
        let status = status.unwrap_or_else(|error| {
            Failure::Disk(format!("{error:#}")).tell();
            self.kept().status()
        });
        if self.kept().stale(&status, now) {
            tracing::error!(
                alarm = "providers-stale",
                "nobody has confirmed the list of providers for too long"
            );
        }
        status.failures.max(1)
    }
}

impl Failure {
    /// As an alarm where an operator has to act. The names of the alarms do not change: monitoring may look for them.
    fn tell(&self) {
        let alarm = match self {
            Self::Unreachable(_) => return tracing::warn!("{self}"),
            Self::Refused { .. } => "providers-refused",
            Self::Disk(_) => "providers-disk",
        };
        tracing::error!(alarm, "{self}");
    }
}
