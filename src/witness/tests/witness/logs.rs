//! A log of others: `tlog_tiles` makes the tree and its proofs, `signed_note` signs. Nothing of ours is in it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    rand::{SecureRandom as _, SystemRandom},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use signed_note::StandardSigner;
use tlog_tiles::{Error, HashReader};

#[derive(Default, Clone)]
struct Stored(Vec<tlog_tiles::Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, Error> {
        Ok(indexes.iter().map(|index| self.0[*index as usize]).collect())
    }
}

/// A log that its keeper may also divide: a copy goes on otherwise.
#[derive(Clone)]
pub struct TheirLog {
    pub origin: String,
    pub vkey: String,
    secret: String,
    stored: Stored,
    pub size: u64,
}

impl TheirLog {
    pub fn new(origin: &str) -> Self {
        Self::called(origin, origin)
    }

    /// One whose key is called otherwise than the log.
    pub fn called(origin: &str, key: &str) -> Self {
        let (vkey, secret) = key_of(key);
        Self { origin: origin.to_owned(), vkey, secret, stored: Stored::default(), size: 0 }
    }

    /// The same log without entries, by the same key: what divides it.
    pub fn emptied(&self) -> Self {
        Self { stored: Stored::default(), size: 0, ..self.clone() }
    }

    pub fn with_another_key(&self) -> Self {
        let (vkey, secret) = key_of(&self.origin);
        Self { vkey, secret, ..self.clone() }
    }

    pub fn grow(&mut self, to: u64, content: &str) {
        for index in self.size..to {
            let leaf = format!("{content} {index}");
            let more = tlog_tiles::stored_hashes(index, leaf.as_bytes(), &self.stored).unwrap();
            self.stored.0.extend(more);
        }
        self.size = to;
    }

    pub fn checkpoint(&self, extension: &str) -> String {
        self.signed(self.size, tlog_tiles::tree_hash(self.size, &self.stored).unwrap(), extension)
    }

    /// Signs whatever it is told.
    pub fn signed(&self, size: u64, root: tlog_tiles::Hash, extension: &str) -> String {
        let head = tlog_tiles::Checkpoint::new(&self.origin, size, root, extension).unwrap();
        let mut note = signed_note::Note::new(&head.to_bytes(), &[]).unwrap();
        note.add_sigs(&[&StandardSigner::new(&self.secret).unwrap()]).unwrap();
        String::from_utf8(note.to_bytes()).unwrap()
    }

    pub fn proof(&self, old: u64) -> Vec<String> {
        if old == 0 || old == self.size {
            return Vec::new();
        }
        let proof = tlog_tiles::prove_tree(self.size, old, &self.stored).unwrap();
        proof.iter().map(ToString::to_string).collect()
    }

    /// What it sends to a witness that knows `old` entries.
    pub fn request(&self, old: u64) -> String {
        request(old, &self.proof(old), &self.checkpoint(""))
    }
}

pub fn request(old: u64, proof: &[String], note: &str) -> String {
    let proof: String = proof.iter().map(|hash| format!("{hash}\n")).collect();
    format!("old {old}\n{proof}\n{note}")
}

/// Both halves of a new key.
fn key_of(name: &str) -> (String, String) {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let public = [&[1], pair.public_key().as_ref()].concat();
    let id = signed_note::key_id(name, &public);
    let line = |key: &[u8]| format!("{name}+{id:08x}+{}", STANDARD.encode(key));
    (line(&public), format!("PRIVATE+KEY+{}", line(&[&[1], &seed[..]].concat())))
}
