//! The witness: a request in, an answer out, and what is known of each log between.

use crate::{
    config::Logs,
    kept::{Evidence, Kept, KeptError},
};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};
use varco_audit::tlog::{
    Checkpoint, Cosignature, CosignerKey, Disk, Folder, Signed, VerifierKey,
    add_checkpoint::{Request, Verdict, decide},
};

/// What a log is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The signature lines.
    Cosigned(String),
    /// The body is no request.
    Malformed,
    /// No log of this origin is witnessed here.
    UnknownLog,
    /// No key that is trusted for this log has signed.
    NotSigned,
    /// The old size is above the checkpoint's.
    OldAbove,
    /// This size is known here, not the old size of the request.
    OtherSize(u64),
    /// Another root is known for this size.
    Forked,
    /// The proof does not hold.
    Unproven,
    /// The disk failed; nothing was signed.
    Failed,
}

/// A log and who may sign for it.
#[derive(Debug)]
struct Watched {
    keys: Vec<VerifierKey>,
    kept: Mutex<Kept>,
}

/// A witness of several logs.
#[derive(Debug)]
pub struct Witness<D = Folder> {
    disk: D,
    key: CosignerKey,
    logs: BTreeMap<String, Watched>,
    failing: AtomicBool,
}

impl<D: Disk> Witness<D> {
    /// Reads what is known of each log.
    ///
    /// # Errors
    /// When the disk fails, or a file is damaged.
    pub fn open(disk: D, key: CosignerKey, logs: Logs) -> Result<Self, KeptError> {
        let mut watched = BTreeMap::new();
        for (origin, keys) in logs {
            let kept = Kept::open(&disk, &origin, key.verifier())?;
            if kept.forks(&disk)? > 0 {
                tracing::error!(alarm = "log-forked", %origin, "it has signed two trees: see its forks in the state folder");
            }
            watched.insert(origin, Watched { keys, kept: Mutex::new(kept) });
        }
        Ok(Self { disk, key, logs: watched, failing: AtomicBool::new(false) })
    }

    /// Whether the last attempt to note a checkpoint failed.
    pub fn is_failing(&self) -> bool {
        self.failing.load(SeqCst)
    }

    /// Gives the disk back.
    pub fn into_disk(self) -> D {
        self.disk
    }

    /// Answers `add-checkpoint`: in the order of C2SP tlog-witness. What is signed is durable before this returns. Waits
    /// for the disk, and for other requests of the same log.
    pub fn add_checkpoint(&self, body: &[u8], now: Timestamp) -> Answer {
        let Some(request) = Request::parse(body) else { return Answer::Malformed };
        let origin = &request.checkpoint.origin;
        let Some(log) = self.logs.get(origin) else { return Answer::UnknownLog };
        let Ok(signed) = Signed::verify_of(request.octets, origin, &log.keys) else {
            return Answer::NotSigned;
        };
        let answer = self.cosign(&mut log.lock(), &log.keys, &request, &signed, now);
        let failed = answer.is_err();
        if let Err(error) = &answer {
            tracing::error!(alarm = "witness-state", %origin, %error, "nothing is signed");
        }
        if self.failing.swap(failed, SeqCst) && !failed {
            tracing::info!("the state is written again");
        }
        answer.unwrap_or(Answer::Failed)
    }

    /// From the comparison to the durable note nobody else comes between: the lock is held.
    fn cosign(
        &self,
        kept: &mut Kept,
        keys: &[VerifierKey],
        request: &Request<'_>,
        signed: &Signed,
        now: Timestamp,
    ) -> Result<Answer, KeptError> {
        let known = kept.known(&self.disk, self.key.verifier())?;
        let is_known = (known.size, known.root) == (signed.size, signed.root);
        match decide(known, request.old, &request.proof, signed) {
            Verdict::OldAbove => return Ok(Answer::OldAbove),
            Verdict::Forked => {
                let known = known.size;
                self.tell(kept, Evidence::Fork, keys, request);
                // Which of the two is right is not for the witness to say; whoever asks with another old size hears ours.
                return Ok(if request.old == known { Answer::Forked } else { Answer::OtherSize(known) });
            }
            Verdict::OtherSize(size) => return Ok(Answer::OtherSize(size)),
            Verdict::Unproven => {
                self.tell(kept, Evidence::Unproven, keys, request);
                return Ok(Answer::Unproven);
            }
            Verdict::Cosign => {}
        }
        let line = Cosignature::sign(signed, &self.key, now).map_err(|error| ("checkpoint", error))?;
        // What is known already is durable: whoever sends it again and again writes nothing here.
        if !is_known {
            kept.note(&self.disk, signed, &(request.note.only(keys) + &line))?;
        }
        Ok(Answer::Cosigned(line))
    }

    /// Keeps the evidence, and says so when it is new.
    fn tell(&self, kept: &Kept, why: Evidence, keys: &[VerifierKey], request: &Request<'_>) {
        let Checkpoint { origin, size, .. } = &request.checkpoint;
        match kept.keep(&self.disk, why, &request.checkpoint, &request.note.only(keys)) {
            Ok(false) => {}
            Ok(true) => why.say(origin, *size),
            Err(error) => {
                tracing::error!(alarm = "log-forked", %origin, size, %error, ?why, "evidence is not kept")
            }
        }
    }
}

impl Evidence {
    fn say(self, origin: &str, size: u64) {
        match self {
            Self::Fork => {
                tracing::error!(
                    alarm = "log-forked",
                    origin,
                    size,
                    "the log has signed two trees of one size"
                );
            }
            Self::Unproven => {
                tracing::warn!(origin, size, "a signed checkpoint came with a proof that does not hold");
            }
        }
    }
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
