//! Round after round: the newest checkpoint to each witness that has not cosigned it yet.

use super::{
    Pace, Witness,
    answer::{Failure, Line},
    ask::ask,
    witnessed,
};
use crate::{app, log::HubLog};
use jiff::{SignedDuration, Timestamp};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::task::JoinSet;
use varco_audit::tlog::{Cosignature, Signed};

/// What is known of a witness.
#[derive(Debug, Clone)]
pub struct Standing {
    witness: Arc<Witness>,
    /// The size that it has cosigned last.
    known: u64,
    /// Its cosignature on the checkpoint of this round.
    line: Option<Line>,
    /// Since when a checkpoint waits for its cosignature; `None` while none does: a log that does not grow asks nobody.
    waits: Option<Timestamp>,
    pub(super) late: bool,
    /// What was told of its last failure, so that it is told once.
    told: Option<String>,
}

impl Standing {
    /// What is known of each witness when the hub starts.
    pub fn all(log: &HubLog, witnesses: Vec<Witness>, now: Timestamp) -> Vec<Self> {
        let signed = log.witnessed();
        let begin = |witness: Witness| {
            let last = signed
                .as_ref()
                .and_then(|signed| Some((signed.size, Cosignature::verify(signed, &witness.key).ok()?.at)));
            // What was witnessed before the start may be the newest: then the first answer says so, and nobody is late.
            let (known, since) = last.unwrap_or((0, now));
            Self {
                witness: Arc::new(witness),
                known,
                line: None,
                waits: Some(since),
                late: false,
                told: None,
            }
        };
        witnesses.into_iter().map(begin).collect()
    }

    fn cosigned(&mut self, size: u64, line: Line) {
        if self.late || self.told.take().is_some() {
            tracing::info!(witness = self.witness.key.name(), size, "it cosigns again");
        }
        (self.known, self.waits, self.late, self.line) = (size, None, false, Some(line));
    }

    /// There is another checkpoint than the one that it cosigned.
    fn waits(&mut self, now: Timestamp) {
        self.line = None;
        self.waits.get_or_insert(now);
    }

    fn failed(&mut self, failure: &Failure) {
        let why = failure.to_string();
        if self.told.as_ref() == Some(&why) {
            return;
        }
        match failure {
            Failure::Forked => {
                tracing::error!(alarm = "witness-refuses", witness = self.witness.key.name(), "{why}");
            }
            _ => tracing::warn!(witness = self.witness.key.name(), "it did not cosign: {why}"),
        }
        self.told = Some(why);
    }

    /// Whether it is too late by now; said once.
    pub(super) fn look(&mut self, now: Timestamp, late: SignedDuration) {
        let Some(since) = self.waits.filter(|since| !self.late && now.duration_since(*since) > late) else {
            return;
        };
        self.late = true;
        tracing::error!(alarm = "witness-late", witness = self.witness.key.name(), %since, "no cosignature since");
    }
}

/// Asks until the program ends.
pub async fn watch(log: Arc<HubLog>, witnesses: Vec<Witness>, pace: Pace) {
    if witnesses.is_empty() {
        return;
    }
    let (begun, now) = (log.clone(), app::now());
    let Ok(mut all) = tokio::task::spawn_blocking(move || Standing::all(&begun, witnesses, now)).await else {
        return;
    };
    let mut last = None;
    loop {
        round(&log, &mut all, &mut last, app::now()).await;
        for standing in &mut all {
            standing.look(app::now(), pace.late);
        }
        tokio::time::sleep(pace.every).await;
    }
}

/// One round; `last` is the checkpoint that was sent around before.
pub(super) async fn round(
    log: &Arc<HubLog>,
    all: &mut [Standing],
    last: &mut Option<Signed>,
    now: Timestamp,
) {
    let reader = log.clone();
    let Ok(read) = tokio::task::spawn_blocking(move || reader.checkpoint()).await else { return };
    let signed = match read {
        Ok(signed) => signed,
        Err(error) => return tracing::warn!(%error, "witnesses are not asked"),
    };
    if last.as_ref() != Some(&signed) {
        all.iter_mut().for_each(|standing| standing.waits(now));
        *last = Some(signed.clone());
    }
    if ask_all(log.folder(), all, &signed).await {
        let lines: String = all.iter().filter_map(|s| Some(s.line.as_ref()?.text.as_str())).collect();
        write(log.folder().to_owned(), signed.with(&lines)).await;
    }
}

/// Puts it in place; where the disk refuses, the next checkpoint is tried again.
async fn write(folder: PathBuf, signed: Signed) {
    let written = tokio::task::spawn_blocking(move || witnessed::write(&folder, &signed)).await;
    if let Ok(Err(error)) = written {
        tracing::error!(alarm = "log-not-written", %error, "checkpoint.witnessed");
    }
}

/// Asks those who have not cosigned it, at once; whether one more has.
async fn ask_all(folder: &Path, all: &mut [Standing], signed: &Signed) -> bool {
    let mut asked = JoinSet::new();
    for (n, standing) in all.iter().enumerate().filter(|(_, standing)| standing.line.is_none()) {
        let (witness, known) = (standing.witness.clone(), standing.known.min(signed.size));
        let (folder, signed) = (folder.to_owned(), signed.clone());
        asked.spawn(async move { (n, ask(&witness, &folder, &signed, known).await) });
    }
    let mut more = false;
    while let Some(done) = asked.join_next().await {
        let Ok((n, outcome)) = done else { continue };
        match outcome {
            Ok(line) => {
                all[n].cosigned(signed.size, line);
                more = true;
            }
            Err(failure) => all[n].failed(&failure),
        }
    }
    more
}
