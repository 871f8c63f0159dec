//! Signed notes and the keys that sign them (C2SP signed-note).

mod key;

use base64::{Engine as _, engine::general_purpose::STANDARD};
pub use key::{CosignerKey, KeyError, NoteKey, VerifierKey};

/// More signatures than this are not read; C2SP asks for 16 at least.
const SIGNATURES_MAX: usize = 64;

/// Why a note is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadNote {
    /// It does not have the form of a signed note.
    #[error("this is no signed note")]
    Malformed,
    /// No signature is by the key that is trusted.
    #[error("no signature is by {0}")]
    NotSigned(String),
    /// A signature is said to be by the key and is not.
    #[error("the signature of {0} is wrong")]
    Wrong(String),
}

/// A text and its signatures, none of them verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text, with its final newline.
    pub text: String,
    signatures: Vec<Signature>,
}

/// A signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    name: String,
    id: [u8; 4],
    octets: Vec<u8>,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// [`BadNote::Malformed`].
    pub fn parse(note: &[u8]) -> Result<Self, BadNote> {
        Self::read(note).ok_or(BadNote::Malformed)
    }

    fn read(note: &[u8]) -> Option<Self> {
        let note = std::str::from_utf8(note).ok()?;
        if note.bytes().any(|octet| octet < b' ' && octet != b'\n') {
            return None;
        }
        let (text, lines) = note.rsplit_once("\n\n")?;
        let lines: Vec<_> = lines.strip_suffix('\n')?.split('\n').collect();
        if lines.len() > SIGNATURES_MAX {
            return None;
        }
        let signatures = lines.into_iter().map(Signature::parse).collect::<Option<_>>()?;
        Some(Self { text: format!("{text}\n"), signatures })
    }

    /// What a key has signed: after its identifier. Signatures of other keys are ignored, as C2SP asks.
    ///
    /// # Errors
    /// When no signature is by this key, or one that says so is not.
    pub(super) fn verify<T>(
        &self,
        key: &VerifierKey,
        holds: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, BadNote> {
        let mine = self.signatures.iter().filter(|s| s.name == key.name() && s.id == key.id());
        let mut found = Err(BadNote::NotSigned(key.name().to_owned()));
        for signature in mine {
            found = Ok(holds(&signature.octets).ok_or_else(|| BadNote::Wrong(key.name().to_owned()))?);
        }
        found
    }

    /// The note with the first signature of each of these keys and no other: what others added is left behind.
    pub fn only(&self, keys: &[VerifierKey]) -> String {
        let of =
            |key: &VerifierKey| self.signatures.iter().find(|s| s.name == key.name() && s.id == key.id());
        let lines = keys.iter().filter_map(of).map(|s| line(&s.name, s.id, &s.octets));
        lines.fold(format!("{}\n", self.text), |note, line| note + &line)
    }

    /// The one signature that there is, if it says that it is by this key; not verified.
    pub fn only_signature(&self, name: &str, id: [u8; 4]) -> Option<&[u8]> {
        let [only] = &self.signatures[..] else { return None };
        (only.name == name && only.id == id).then_some(only.octets.as_slice())
    }

    /// Verifies the signature of a log's key (type 0x01, Ed25519 over the text).
    ///
    /// # Errors
    /// When no signature is by this key, or one that says so is not.
    pub fn signed_by(&self, key: &VerifierKey) -> Result<(), BadNote> {
        let holds = |signature: &[u8]| !key.is_cosigner() && key.holds(self.text.as_bytes(), signature);
        self.verify(key, |signature| holds(signature).then_some(()))
    }
}

impl Signature {
    fn parse(line: &str) -> Option<Self> {
        let (name, octets) = line.strip_prefix("— ")?.split_once(' ')?;
        let octets = STANDARD.decode(octets).ok()?;
        let (id, octets) = octets.split_first_chunk()?;
        (is_name(name) && !octets.is_empty()).then(|| Self {
            name: name.to_owned(),
            id: *id,
            octets: octets.to_owned(),
        })
    }
}

/// Whether a key may be called this.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// A signature line, with its newline.
pub(super) fn line(name: &str, id: [u8; 4], signature: &[u8]) -> String {
    format!("— {name} {}\n", STANDARD.encode([&id, signature].concat()))
}
