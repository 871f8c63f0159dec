//! Keeping a stamp that is not older than the settings say.

use super::{
    ask::{Failure, ask},
    kept::Kept,
};
use crate::{app, config::TimestampsAsked, log::HubLog};
use jiff::{SignedDuration, Timestamp};
use std::{sync::Arc, time::Duration};
use varco_audit::tlog::{Note, Signed};

/// How often it is looked at whether one is due, and how long after a failure it is tried again.
const PAUSE: Duration = Duration::from_secs(600);
/// The first look after a start, and at a log that is still empty: witnesses have signed its checkpoint by then.
const FIRST: Duration = Duration::from_secs(5);
/// So much later than due is an alarm.
const GRACE: SignedDuration = SignedDuration::from_hours(24);

/// Asks until the program ends.
pub async fn watch(log: Arc<HubLog>, at: TimestampsAsked) {
    let (at, kept) = (Arc::new(at), Kept::of(log.folder()));
    let begun = app::now();
    let mut standing = Standing { last: newest(&kept, &at).await, begun, told: None, late: false };
    let mut pause = FIRST;
    loop {
        tokio::time::sleep(pause).await;
        pause = PAUSE;
        if standing.due(at.every, app::now()) {
            match stamp(&log, &kept, &at).await {
                Ok(Some(instant)) => standing.stamped(instant),
                Ok(None) => pause = FIRST,
                Err(failure) => standing.failed(&failure),
            }
        }
        standing.look(at.every, app::now());
    }
}

/// What is known of the stamps.
#[derive(Debug)]
struct Standing {
    last: Option<Timestamp>,
    begun: Timestamp,
    told: Option<String>,
    late: bool,
}

impl Standing {
    fn due(&self, every: SignedDuration, now: Timestamp) -> bool {
        self.last.is_none_or(|last| now.duration_since(last) >= every)
    }

    fn stamped(&mut self, at: Timestamp) {
        if self.late || self.told.is_some() {
            tracing::info!(%at, "the log is stamped again");
        }
        (self.last, self.late, self.told) = (Some(at), false, None);
    }

    fn failed(&mut self, failure: &Failure) {
        let why = failure.to_string();
        if self.told.as_ref() != Some(&why) {
            tracing::warn!("the log is not stamped: {why}");
            self.told = Some(why);
        }
    }

    fn look(&mut self, every: SignedDuration, now: Timestamp) {
        let since = self.last.unwrap_or(self.begun);
        let most = every.checked_add(GRACE).unwrap_or(SignedDuration::MAX);
        if !self.late && now.duration_since(since) > most {
            self.late = true;
            tracing::error!(alarm = "timestamp-late", %since, "the log has no timestamp since");
        }
    }
}

async fn newest(kept: &Kept, at: &Arc<TimestampsAsked>) -> Option<Timestamp> {
    let (kept, at) = (kept.clone(), at.clone());
    let read = move || kept.instant(*kept.sizes().ok()?.last()?, &at.authority);
    tokio::task::spawn_blocking(read).await.ok().flatten()
}

/// Stamps the newest checkpoint, with the witnesses' cosignatures where they are on it; `None` while the log is empty.
pub(super) async fn stamp(
    log: &Arc<HubLog>,
    kept: &Kept,
    at: &Arc<TimestampsAsked>,
) -> Result<Option<Timestamp>, Failure> {
    let reader = log.clone();
    let ours = |error: String| Failure::Ours(error);
    let signed = tokio::task::spawn_blocking(move || newest_checkpoint(&reader)).await;
    let signed =
        signed.map_err(|error| ours(error.to_string()))?.map_err(|error| ours(format!("{error:#}")))?;
    if signed.size == 0 {
        return Ok(None);
    }
    stamp_one(signed, kept, at).await.map(Some)
}

/// Stamps this checkpoint.
pub(super) async fn stamp_one(
    signed: Signed,
    kept: &Kept,
    at: &Arc<TimestampsAsked>,
) -> Result<Timestamp, Failure> {
    let ours = |error: String| Failure::Ours(error);
    let text = Note::parse(signed.note().as_bytes()).map_err(|error| ours(error.to_string()))?.text;
    let (reply, stamp) = ask(at, text.as_bytes()).await?;
    let (kept, at) = (kept.clone(), at.clone());
    let keep = move || kept.keep(&signed, &reply, &at.authority);
    let written = tokio::task::spawn_blocking(keep).await.map_err(|error| ours(error.to_string()))?;
    written.map_err(|error| ours(format!("timestamps: {error}")))?;
    Ok(stamp.at)
}

fn newest_checkpoint(log: &HubLog) -> anyhow::Result<Signed> {
    let signed = log.checkpoint()?;
    let witnessed = log.witnessed().filter(|witnessed| witnessed.size >= signed.size);
    Ok(witnessed.unwrap_or(signed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_due_after_its_time_and_late_a_day_after_that() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let every = SignedDuration::from_hours(24);
        let mut standing =
            Standing { last: None, begun: at("2026-11-01T00:00:00Z"), told: None, late: false };
        assert!(standing.due(every, at("2026-11-01T00:00:05Z")));
        standing.stamped(at("2026-11-01T00:00:05Z"));
        assert!(!standing.due(every, at("2026-11-02T00:00:04Z")));
        assert!(standing.due(every, at("2026-11-02T00:00:05Z")));
        standing.look(every, at("2026-11-03T00:00:05Z"));
        assert!(!standing.late);
        standing.look(every, at("2026-11-03T00:00:06Z"));
        assert!(standing.late);
        standing.stamped(at("2026-11-03T00:00:07Z"));
        assert!(!standing.late);
    }
}
