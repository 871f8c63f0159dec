//! The body of `add-checkpoint` (C2SP tlog-witness): the size that the log believes is known here, a consistency proof, an
//! empty line, and the checkpoint.

use crate::tlog::{Checkpoint, Hash, Note};

/// More lines of proof are refused.
const PROOF_MAX: usize = 63;

/// What a log asks to have signed; nothing of it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// The size that the log believes is known here.
    pub old: u64,
    /// From there to the checkpoint.
    pub proof: Vec<Hash>,
    /// The signed checkpoint, as it came.
    pub octets: &'a [u8],
    /// The same, read.
    pub note: Note,
    /// What it says.
    pub checkpoint: Checkpoint,
}

impl<'a> Request<'a> {
    /// Reads a body; `None` when it is malformed.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let end = body.windows(2).position(|two| two == b"\n\n")?;
        let (head, octets) = (std::str::from_utf8(&body[..end]).ok()?, &body[end + 2..]);
        let mut lines = head.split('\n');
        let old = decimal(lines.next()?.strip_prefix("old ")?)?;
        let proof: Vec<_> = lines.map(Hash::from_base64).collect::<Option<_>>()?;
        let note = Note::parse(octets).ok()?;
        let checkpoint = Checkpoint::parse(&note.text)?;
        (proof.len() <= PROOF_MAX).then_some(Self { old, proof, octets, note, checkpoint })
    }
}

/// Writes a body: the size that is known there, the proof from it, the signed checkpoint.
pub fn write(old: u64, proof: &[Hash], note: &str) -> String {
    let proof: String = proof.iter().map(|hash| format!("{hash}\n")).collect();
    format!("old {old}\n{proof}\n{note}")
}

/// A number in its only spelling.
fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: &str =
        "example.com/log\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/log AAAAAAAA\n";
    const HASH: &str = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";

    fn read(head: &str) -> Option<(u64, usize)> {
        let body = format!("{head}\n{NOTE}");
        Request::parse(body.as_bytes()).map(|request| (request.old, request.proof.len()))
    }

    #[test]
    fn one_spelling_is_read() {
        assert_eq!(read("old 0\n"), Some((0, 0)));
        assert_eq!(read(&format!("old 5\n{HASH}{HASH}")), Some((5, 2)));
        let hash = Hash::from_base64(HASH.trim_end()).unwrap();
        assert_eq!(write(5, &[hash, hash], NOTE), format!("old 5\n{HASH}{HASH}\n{NOTE}"));
        assert_eq!(read(&format!("old 5\n{}", HASH.repeat(63))), Some((5, 63)));
        let bad =
            ["", "old 00\n", "old 05\n", "old +5\n", "old -1\n", "old  5\n", "old 5 \n", "Old 5\n", "5\n"];
        let bad =
            bad.into_iter().chain(["old 5\r\n", "old 18446744073709551616\n", "old 5\nx\n", "old 5\n="]);
        for head in bad.map(str::to_owned).chain([format!("old 5\n{}", HASH.repeat(64))]) {
            assert_eq!(read(&head), None, "{head}");
        }
        assert_eq!(read(&format!("old 5\n{}", HASH.replace('=', ""))), None);
    }

    #[test]
    fn what_ends_early_is_not_read() {
        let whole = format!("old 5\n{HASH}\n{NOTE}");
        assert!(Request::parse(whole.as_bytes()).is_some());
        for end in 0..whole.len() {
            assert_eq!(Request::parse(&whole.as_bytes()[..end]), None, "{end}");
        }
    }
}
