//! A mirror of another's log (C2SP tlog-mirror): it follows the log's checkpoints, takes entries that are proved to be in
//! them, and signs once everything is durable.
//!
//! ```text
//! checkpoint    the log's signed head up to which the copy is whole, with our cosignature
//! pending       the newest head that it follows, which continues every one before
//! next          "<entries>\n<root>\n": how far the copy is beyond `checkpoint`
//! forked/       heads of the log that contradict each other: evidence
//! pruned        below which entries are over and gone, by the keeper's key
//! tile/         as in every log
//! ```
//!
//! Order of a request: every package is proved to be in `pending` → bundles and tiles written, synced, read back (`tree.rs`) →
//! `next` is the commit of an upload that is not whole yet; `checkpoint`, with our cosignature, of one that is. After an error
//! the next call begins as a start does. A rewritten log cannot be followed: no proof leads from `pending` to it.

use super::{
    add_checkpoint::{Request, Verdict, decide},
    checkpoint::{BadCheckpoint, Checkpoint, Signed},
    cosignature::Cosignature,
    disk::{Disk, Folder},
    hash::{Hash, leaf_hash},
    log::LogError,
    note::{BadNote, CosignerKey, NoteKey, VerifierKey},
    package::{Header, Package},
    path::FULL,
    prune::{self, PruneError},
    tiles::{TileError, Tiles},
    tree::Tree,
};
use jiff::Timestamp;
use std::{io, ops::Range, path::Path};

/// More heads than this are not kept as evidence.
const EVIDENCE_MAX: usize = 64;

/// Why the mirror could not work. Nothing was acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The tree on the disk.
    #[error(transparent)]
    Tree(#[from] LogError),
    /// A note that is kept is not the log's any more.
    #[error("{name}: {source}")]
    Kept {
        /// Which.
        name: &'static str,
        /// What is wrong with it.
        source: BadCheckpoint,
    },
    /// A checkpoint could not be signed.
    #[error(transparent)]
    Note(#[from] BadNote),
}

impl From<io::Error> for MirrorError {
    fn from(error: io::Error) -> Self {
        Self::Tree(error.into())
    }
}

/// How far a mirror is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Entries of the checkpoint that it has signed: acknowledged.
    pub acknowledged: u64,
    /// Entries of the checkpoint that it follows.
    pub pending: u64,
    /// The first entry that it does not have.
    pub next: u64,
}

/// What became of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Everything up to the checkpoint is durable: the mirror's signature line. `new` are the entries that this
    /// acknowledges for the first time.
    Whole {
        /// With its newline.
        signature: String,
        /// Entries.
        new: Range<u64>,
    },
    /// More is to come.
    Part(Standing),
    /// It does not begin or end where it may.
    Conflict(Standing),
    /// No package was read.
    Malformed,
    /// A package is not in the checkpoint.
    Unproven,
}

/// A mirror.
#[derive(Debug)]
pub struct Mirror<D = Folder> {
    tree: Tree<D>,
    key: VerifierKey,
    cosigner: CosignerKey,
    signed: Option<Signed>,
    pending: Option<Signed>,
    /// A call failed: memory and disk may differ.
    doubtful: bool,
}

impl Mirror {
    /// Opens or makes the mirror of this log in a folder.
    ///
    /// # Errors
    /// When another program writes to it, the disk fails, or it is not what its notes stand for.
    pub fn open(folder: &Path, key: VerifierKey, cosigner: CosignerKey) -> Result<Self, MirrorError> {
        Self::on(Folder::alone(folder)?, key, cosigner)
    }
}

impl<D: Disk> Mirror<D> {
    /// As [`Mirror::open`], on any disk.
    ///
    /// # Errors
    /// As [`Mirror::open`].
    pub fn on(disk: D, key: VerifierKey, cosigner: CosignerKey) -> Result<Self, MirrorError> {
        let tree = Tree::new(disk, key.name());
        let mut mirror = Self { tree, key, cosigner, signed: None, pending: None, doubtful: true };
        mirror.recover()?;
        Ok(mirror)
    }

    /// How far it is.
    pub fn standing(&self) -> Standing {
        let size = |signed: &Option<Signed>| signed.as_ref().map_or(0, |signed| signed.size);
        let (acknowledged, pending) = (size(&self.signed), size(&self.pending));
        Standing { acknowledged, pending, next: self.tree.at.size }
    }

    /// The log's checkpoint with our cosignature; `None` before the first.
    pub const fn checkpoint(&self) -> Option<&Signed> {
        self.signed.as_ref()
    }

    /// The tree of the checkpoint that it has signed; the empty one before the first.
    ///
    /// # Errors
    /// When its right edge cannot be read or was changed.
    pub fn tiles(&self) -> Result<Tiles<&D>, TileError> {
        let empty = Checkpoint::empty(self.key.name());
        Tiles::open(&self.tree.disk, self.signed.as_ref().map_or(&empty, |signed| signed.checkpoint()))
    }

    /// Its minimum index: entries below are over and gone.
    pub fn minimum(&self) -> u64 {
        prune::minimum(&self.tree.disk)
    }

    /// Removes the bundles below `below`, and says so in `pruned` first, by the key of who keeps this copy (`prune.rs` has the
    /// order). The newest bundle of what was signed stays, upon which uploads go on. How many files went.
    ///
    /// # Errors
    /// As [`prune::prune`].
    pub fn prune(&self, below: u64, at: Timestamp, keeper: &NoteKey) -> Result<u64, PruneError> {
        let size = self.standing().acknowledged;
        prune::prune(&self.tree.disk, (self.key.name(), size), below, at, keeper)
    }

    /// Gives the disk back.
    pub fn into_disk(self) -> D {
        self.tree.disk
    }

    /// `add-checkpoint`: follows a newer head of the log, durably, where it is proved to continue the one followed so far.
    /// One that contradicts it, or is older than it, is kept as evidence. The caller has verified `new` to be the request's.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn follow(&mut self, request: &Request<'_>, new: &Signed) -> Result<Verdict, MirrorError> {
        self.certain()?;
        let known = self.known();
        let verdict = decide(&known, request.old, &request.proof, new);
        if verdict == Verdict::Cosign && self.pending.as_ref().is_none_or(|pending| pending.size < new.size) {
            let new = new.alone(&self.key)?;
            self.doubtful = true;
            self.tree.put("pending", new.note().as_bytes())?;
            (self.pending, self.doubtful) = (Some(new), false);
        } else if self.contradicts(&verdict, new) {
            self.keep_evidence(new)?;
        }
        Ok(verdict)
    }

    /// Whether this head, which the log signed, shows that the log was rewritten or cut back.
    pub fn contradicts(&self, verdict: &Verdict, new: &Checkpoint) -> bool {
        let cut_back = new.size < self.known().size;
        matches!(verdict, Verdict::Forked | Verdict::Unproven) || cut_back
    }

    /// `add-entries`: takes what the body has of packages.
    ///
    /// # Errors
    /// When the disk fails, or what is on it is not what it must be.
    pub fn take(&mut self, header: &Header, body: &[u8], now: Timestamp) -> Result<Taken, MirrorError> {
        self.certain()?;
        let standing @ Standing { acknowledged, pending, next } = self.standing();
        let too_early = header.start < next - next % u64::from(FULL);
        let none = self.pending.is_none();
        if none || header.end != pending || header.end < acknowledged || header.start > next || too_early {
            return Ok(Taken::Conflict(standing));
        }
        let (new, read, proved) = self.read(header, body)?;
        let grown = !new.is_empty();
        if grown {
            self.store(&new, now)?;
        }
        let standing = self.standing();
        Ok(match () {
            () if !proved => Taken::Unproven,
            () if standing.next >= header.end => self.whole(acknowledged, now)?,
            () if read == 0 => Taken::Malformed,
            () => Taken::Part(standing),
        })
    }

    /// The entries of a body that are new, how many packages were read, and whether all of those were proved.
    fn read(&self, header: &Header, mut body: &[u8]) -> Result<(Vec<Vec<u8>>, usize, bool), MirrorError> {
        let root = self.known();
        let (mut new, mut packages) = (Vec::new(), 0);
        for (entries, subtree) in header.packages() {
            let Some((package, rest)) = Package::read(body, entries.end - entries.start) else { break };
            let before = self.hashes(subtree.start..entries.start)?;
            if !package.holds(&before, subtree, (root.size, root.root)) {
                return Ok((new, packages, false));
            }
            let next = self.tree.at.size + new.len() as u64;
            let known = next.saturating_sub(entries.start);
            new.extend(package.entries.into_iter().skip(known as usize));
            (body, packages) = (rest, packages + 1);
        }
        Ok((new, packages, true))
    }

    /// The hashes of entries that are here; of at most 255 before what is sent.
    fn hashes(&self, entries: Range<u64>) -> Result<Vec<Hash>, MirrorError> {
        let mut hashes = Vec::new();
        if !entries.is_empty() {
            let mut tiles = Tiles::open(&self.tree.disk, &self.tree.at).map_err(LogError::from)?;
            tiles.leaves(entries, |_, entry| hashes.push(leaf_hash(entry))).map_err(LogError::from)?;
        }
        Ok(hashes)
    }

    /// Makes proved entries durable, and the checkpoint with them where they are all.
    fn store(&mut self, new: &[Vec<u8>], now: Timestamp) -> Result<(), MirrorError> {
        self.doubtful = true;
        let grown = self.tree.grow(new)?;
        match self.pending.clone().filter(|pending| pending.size == grown.at.size) {
            Some(pending) if pending.root == grown.at.root => {
                let signed = self.cosigned(&pending, now)?;
                self.tree.commit("checkpoint", signed.note().as_bytes(), grown)?;
                self.signed = Some(signed);
            }
            // Each package was proved to be in it.
            Some(pending) => return Err(LogError::Changed(pending.size).into()),
            None => {
                let next = format!("{}\n{}\n", grown.at.size, grown.at.root);
                self.tree.commit("next", next.as_bytes(), grown)?;
            }
        }
        self.doubtful = false;
        Ok(())
    }

    /// The answer when everything is here; signs where a start found it whole and not signed.
    fn whole(&mut self, acknowledged: u64, now: Timestamp) -> Result<Taken, MirrorError> {
        let Some(pending) = self.pending.clone() else { return Ok(Taken::Malformed) };
        let signed = match self.signed.clone().filter(|signed| signed.size == pending.size) {
            Some(signed) => signed,
            None => {
                let signed = self.cosigned(&pending, now)?;
                self.doubtful = true;
                self.tree.put("checkpoint", signed.note().as_bytes())?;
                (self.signed, self.doubtful) = (Some(signed.clone()), false);
                signed
            }
        };
        let line = signed.note().trim_end_matches('\n').rsplit('\n').next().unwrap_or_default();
        Ok(Taken::Whole { signature: format!("{line}\n"), new: acknowledged..signed.size })
    }

    fn cosigned(&self, pending: &Signed, now: Timestamp) -> Result<Signed, MirrorError> {
        let line = Cosignature::sign(pending, &self.cosigner, now)?;
        let note = format!("{}{line}", pending.note());
        let kept = |source| MirrorError::Kept { name: "checkpoint", source };
        Signed::verify(note.as_bytes(), &self.key).map_err(kept)
    }

    /// The newest head that is followed; the empty one before the first.
    fn known(&self) -> Checkpoint {
        let none = || Checkpoint::empty(self.key.name());
        self.pending.as_ref().map_or_else(none, |pending| pending.checkpoint().clone())
    }

    /// Keeps two heads that contradict each other, or the older of two; each once.
    fn keep_evidence(&mut self, new: &Signed) -> Result<(), MirrorError> {
        let Some(known) = &self.pending else { return Ok(()) };
        let root: String = new.root.0[..8].iter().map(|octet| format!("{octet:02x}")).collect();
        let name = format!("{}-{root}", new.size);
        let kept = self.tree.disk.names("forked")?;
        if kept.contains(&name) || kept.len() >= EVIDENCE_MAX {
            return Ok(());
        }
        let both = format!("{}\n{}", known.note(), new.note());
        self.doubtful = true;
        self.tree.put(&format!("forked/{name}"), both.as_bytes())?;
        self.doubtful = false;
        Ok(())
    }

    fn certain(&mut self) -> Result<(), MirrorError> {
        if self.doubtful { self.recover() } else { Ok(()) }
    }

    /// What a start does, and a call after one that failed.
    fn recover(&mut self) -> Result<(), MirrorError> {
        self.doubtful = true;
        self.tree.clear()?;
        self.signed = self.kept("checkpoint")?;
        self.pending = self.kept("pending")?.or_else(|| self.signed.clone());
        let empty = Checkpoint::empty(self.key.name());
        let signed = self.signed.as_ref().map_or(empty, |signed| signed.checkpoint().clone());
        let next = self.next()?.filter(|next| next.size > signed.size);
        self.tree.take_up(next.unwrap_or(signed))?;
        self.doubtful = false;
        Ok(())
    }

    fn kept(&self, name: &'static str) -> Result<Option<Signed>, MirrorError> {
        let Some(note) = self.file(name)? else { return Ok(None) };
        let signed = Signed::verify(&note, &self.key);
        signed.map(Some).map_err(|source| MirrorError::Kept { name, source })
    }

    /// How far the copy was beyond its checkpoint; a file that says nothing is as none.
    fn next(&self) -> Result<Option<Checkpoint>, MirrorError> {
        let Some(text) = self.file("next")? else { return Ok(None) };
        let text = String::from_utf8(text).unwrap_or_default();
        Ok(Checkpoint::parse(&format!("{}\n{text}", self.key.name())))
    }

    fn file(&self, name: &str) -> Result<Option<Vec<u8>>, MirrorError> {
        match self.tree.disk.read(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => Ok(Some(read?)),
        }
    }
}
