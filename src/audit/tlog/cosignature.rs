//! What a witness says of a checkpoint (C2SP tlog-cosignature, Ed25519): that it saw it, when, and that it continued the
//! one it had seen before.

use super::{
    checkpoint::Signed,
    note::{BadNote, CosignerKey, Note, VerifierKey, line},
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
    /// Cosigns: the signature line, with its newline, that goes below the checkpoint. Who signs has made sure that the
    /// checkpoint continues every other that it has signed, and has noted durably that it signs this one. `at` counts to
    /// the second; an instant before 1970 counts as its beginning.
    ///
    /// # Errors
    /// When the note cannot be read; a [`Signed`] is one that can.
    pub fn sign(checkpoint: &Signed, key: &CosignerKey, at: Timestamp) -> Result<String, BadNote> {
        let note = Note::parse(checkpoint.note().as_bytes())?;
        let seconds = u64::try_from(at.as_second()).unwrap_or(0);
        let signature = key.sign(message(seconds, &note.text).as_bytes());
        Ok(line(key.name(), key.verifier().id(), &[&seconds.to_be_bytes(), &signature[..]].concat()))
    }

    /// Verifies a witness's cosignature on a checkpoint.
    ///
    /// # Errors
    /// When there is none by this key, it is wrong, or the key is not a witness's (kind 0x04).
    pub fn verify(checkpoint: &Signed, witness: &VerifierKey) -> Result<Self, BadNote> {
        Self::of(&Note::parse(checkpoint.note().as_bytes())?, witness)
    }

    /// The same of a note whose log's key is not at hand: what a witness has noted itself.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn of(note: &Note, witness: &VerifierKey) -> Result<Self, BadNote> {
        if !witness.is_cosigner() {
            return Err(BadNote::NotSigned(witness.name().to_owned()));
        }
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
