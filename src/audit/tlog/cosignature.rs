//! What a witness says of a checkpoint (C2SP tlog-cosignature, Ed25519): that it saw it, when, and that it continued the
//! one it had seen before.

use super::{
    checkpoint::Signed,
    note::{BadNote, Note, VerifierKey},
};
use jiff::Timestamp;

/// A cosignature that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness.
    pub witness: String,
    /// When the witness signed, by its clock, to the second.
    pub at: Timestamp,
}

impl Cosignature {
    /// Verifies a witness's cosignature on a checkpoint.
    ///
    /// # Errors
    /// When there is none by this key, it is wrong, or the key is not a witness's (kind 0x04).
    pub fn verify(checkpoint: &Signed, witness: &VerifierKey) -> Result<Self, BadNote> {
        if !witness.is_cosigner() {
            return Err(BadNote::NotSigned(witness.name().to_owned()));
        }
        let note = Note::parse(checkpoint.note().as_bytes())?;
        let at = note.verify(witness, |octets| {
            let (seconds, signature) = octets.split_first_chunk()?;
            let seconds = u64::from_be_bytes(*seconds);
            let message = message(seconds, &note.text);
            let at = Timestamp::from_second(seconds.try_into().ok()?).ok()?;
            witness.holds(message.as_bytes(), signature).then_some(at)
        })?;
        Ok(Self { witness: witness.name().to_owned(), at })
    }
}

/// What a witness signs.
fn message(seconds: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}
