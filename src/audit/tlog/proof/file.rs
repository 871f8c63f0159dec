//! A proof to give away (C2SP tlog-proof): an entry, its way to the root, and the signed root.

use super::{
    super::{
        checkpoint::{BadCheckpoint, Signed},
        hash::{Hash, leaf_hash},
        note::VerifierKey,
    },
    inclusion_root,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// The proof of an entry, which is in it as its extra line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The entry's place in the log.
    pub index: u64,
    /// The entry.
    pub entry: Vec<u8>,
    /// From beside the leaf up to below the root.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}\nextra {}\nindex {}", STANDARD.encode(&self.entry), self.index)?;
        for hash in &self.path {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl Proof {
    /// Reads a proof that has its entry with it; `None` when it is none.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (proof, checkpoint) = std::str::from_utf8(text).ok()?.split_once("\n\n")?;
        let mut lines = proof.split('\n');
        let (first, extra, number) = (lines.next()?, lines.next()?, lines.next()?.strip_prefix("index ")?);
        let entry = STANDARD.decode(extra.strip_prefix("extra ")?).ok()?;
        let index: u64 = number.parse().ok()?;
        let path = lines.map(Hash::from_base64).collect::<Option<_>>()?;
        let whole = first == FIRST_LINE && index.to_string() == number;
        whole.then(|| Self { index, entry, path, checkpoint: checkpoint.to_owned() })
    }

    /// Verifies the signature and the way to the root; `None` when it leads elsewhere.
    ///
    /// # Errors
    /// When the checkpoint is not the log's.
    pub fn verify(&self, key: &VerifierKey) -> Result<Option<Signed>, BadCheckpoint> {
        let signed = Signed::verify(self.checkpoint.as_bytes(), key)?;
        let root = inclusion_root(self.index, signed.size, leaf_hash(&self.entry), &self.path);
        Ok((root == Some(signed.root)).then_some(signed))
    }
}
