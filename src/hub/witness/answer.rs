//! What is sent to a witness and what its answer means, without any network.

use jiff::{SignedDuration, Timestamp};
use std::fmt::Write as _;
use varco_audit::tlog::{BadNote, Cosignature, Hash, Note, Signed, TileError, VerifierKey};

/// How far a witness's clock may be from ours.
const CLOCKS: SignedDuration = SignedDuration::from_mins(10);

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody answers, or not within the limits.
    #[error("it does not answer: {0}")]
    Unreachable(String),
    /// 404.
    #[error("it does not witness this log: give its keeper the log's key")]
    UnknownLog,
    /// 403.
    #[error("it trusts another key of this log: give its keeper the log's key")]
    OtherKey,
    /// It has cosigned what this log does not continue.
    #[error(
        "it has cosigned another tree than this: the log was cut back, rewritten, or restored from an old copy"
    )]
    Forked,
    /// Some other answer.
    #[error("it answered {0}")]
    Status(u16),
    /// What it says is no cosignature of its key on this checkpoint.
    #[error("its cosignature cannot be taken: {0}")]
    NotSigned(#[from] BadNote),
    /// It cosigned at an instant that is not now.
    #[error("its clock says {0}, which is not now; one of the two clocks is wrong")]
    OtherTime(Timestamp),
    /// The log's own folder.
    #[error("log: {0}")]
    Log(#[from] TileError),
}

/// What a witness answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It cosigned.
    Cosigned(Line),
    /// It knows this size, and is to be asked from there.
    Knows(u64),
}

/// A cosignature that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The signature line, with its newline.
    pub text: String,
    /// When the witness signed.
    pub at: Timestamp,
}

/// The body of `add-checkpoint`.
pub(super) fn request(old: u64, proof: &[Hash], checkpoint: &Signed) -> String {
    let mut body = format!("old {old}\n");
    for hash in proof {
        // A String takes whatever is written to it.
        let _ = writeln!(body, "{hash}");
    }
    body + "\n" + checkpoint.note()
}

/// Reads an answer. Signatures of other keys are left out.
pub(super) fn read(
    status: u16,
    kind: &str,
    body: &[u8],
    checkpoint: &Signed,
    key: &VerifierKey,
    now: Timestamp,
) -> Result<Answer, Failure> {
    match status {
        200 => cosigned(body, checkpoint, key, now).map(Answer::Cosigned),
        409 if kind == "text/x.tlog.size" => match size(body) {
            Some(size) if size <= checkpoint.size => Ok(Answer::Knows(size)),
            Some(_) => Err(Failure::Forked),
            None => Err(Failure::Status(status)),
        },
        // Another root for this size; or a proof of ours that does not lead to what it knows.
        409 | 422 => Err(Failure::Forked),
        404 => Err(Failure::UnknownLog),
        403 => Err(Failure::OtherKey),
        other => Err(Failure::Status(other)),
    }
}

fn cosigned(body: &[u8], checkpoint: &Signed, key: &VerifierKey, now: Timestamp) -> Result<Line, Failure> {
    let note = Note::parse(&[checkpoint.note().as_bytes(), body].concat())?;
    let at = Cosignature::of(&note, key)?.at;
    if now.duration_since(at).abs() > CLOCKS {
        return Err(Failure::OtherTime(at));
    }
    let alone = note.only(std::slice::from_ref(key));
    let (_, text) = alone.rsplit_once("\n\n").ok_or(BadNote::Malformed)?;
    Ok(Line { text: text.to_owned(), at })
}

fn size(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?.strip_suffix('\n')?;
    let size: u64 = text.parse().ok()?;
    (size.to_string() == text).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use varco_audit::tlog::{CosignerKey, Log, NoteKey};

    fn checkpoint() -> Signed {
        let folder = crate::testing::folder("witness-answer");
        let key = NoteKey::load_or_make(&folder.join("log.key"), "hub.example.it/log").unwrap();
        let mut log = Log::open(&folder.join("log"), "hub.example.it/log", key).unwrap();
        let signed = log.integrate(0, &[b"one".to_vec(), b"two".to_vec()]).unwrap().clone();
        std::fs::remove_dir_all(folder).unwrap();
        signed
    }

    fn cosigner() -> CosignerKey {
        let folder = crate::testing::folder("witness-key");
        let key = CosignerKey::load_or_make(&folder.join("key"), "witness.example/w").unwrap();
        std::fs::remove_dir_all(folder).unwrap();
        key
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_cosignature_is_taken_alone() {
        let (checkpoint, witness, other) = (checkpoint(), cosigner(), cosigner());
        let now = at("2026-10-25T00:30:00Z");
        let line = Cosignature::sign(&checkpoint, &witness, now).unwrap();
        let stranger = Cosignature::sign(&checkpoint, &other, now).unwrap();
        let body = format!("{stranger}{line}");
        let answer = read(200, "text/plain", body.as_bytes(), &checkpoint, witness.verifier(), now);
        assert_eq!(answer.unwrap(), Answer::Cosigned(Line { text: line.clone(), at: now }));
        for bad in [stranger.as_bytes(), b"", b"ok\n", &line.as_bytes()[..line.len() - 1]] {
            let answer = read(200, "", bad, &checkpoint, witness.verifier(), now);
            assert!(matches!(answer, Err(Failure::NotSigned(_))), "{answer:?}");
        }
        for wrong in ["2026-10-25T00:19:00Z", "2026-10-25T00:41:00Z"] {
            let answer = read(200, "", line.as_bytes(), &checkpoint, witness.verifier(), at(wrong));
            assert!(matches!(answer, Err(Failure::OtherTime(_))), "{answer:?}");
        }
    }

    #[test]
    fn a_conflict_tells_a_size_or_a_fork() {
        let (checkpoint, witness) = (checkpoint(), cosigner());
        let now = at("2026-10-25T00:30:00Z");
        let say = |status, kind, body: &str| {
            read(status, kind, body.as_bytes(), &checkpoint, witness.verifier(), now)
        };
        let size = "text/x.tlog.size";
        assert!(matches!(say(409, size, "2\n"), Ok(Answer::Knows(2))));
        assert!(matches!(say(409, size, "0\n"), Ok(Answer::Knows(0))));
        assert!(matches!(say(409, size, "3\n"), Err(Failure::Forked)));
        assert!(matches!(say(409, "text/plain", "2\n"), Err(Failure::Forked)));
        for bad in ["", "2", "02\n", "+2\n", "x\n", "2\n\n"] {
            assert!(matches!(say(409, size, bad), Err(Failure::Status(409))), "{bad}");
        }
    }

    #[test]
    fn each_status_has_its_meaning() {
        let (checkpoint, witness) = (checkpoint(), cosigner());
        let now = at("2026-10-25T00:30:00Z");
        let say = |status, kind, body: &str| {
            read(status, kind, body.as_bytes(), &checkpoint, witness.verifier(), now)
        };
        assert!(matches!(say(422, "", ""), Err(Failure::Forked)));
        assert!(matches!(say(404, "", ""), Err(Failure::UnknownLog)));
        assert!(matches!(say(403, "", ""), Err(Failure::OtherKey)));
        for status in [302, 400, 429, 500] {
            assert!(matches!(say(status, "", ""), Err(Failure::Status(s)) if s == status));
        }
    }
}
