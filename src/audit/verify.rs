//! Whether a log is whole: what the auditor runs over a folder that somebody else kept.

mod beside;

pub use beside::{Cosigned, Stamped, stamp, stamps};

use crate::{
    leaf::Leaf,
    silence::{Heard, Listening},
    timestamp::BadTimestamp,
    tlog::{
        BadCheckpoint, BadNote, Files, Kind, Place, Signed, TileError, Tiles, VerifierKey,
        prune::{PRUNED, Pruned},
    },
};
use jiff::{SignedDuration, Timestamp};
use std::io;

/// What is asked about a log.
#[derive(Debug)]
pub struct Asked {
    /// The log's key, which the auditor has from elsewhere than the folder.
    pub key: VerifierKey,
    /// Checkpoints of it that were seen before, here or elsewhere: it must continue each.
    pub seen: Vec<Vec<u8>>,
    /// Witnesses, each of which must have cosigned.
    pub witnesses: Vec<VerifierKey>,
    /// The site whose leaves they must be; `None`: that of the first.
    pub site: Option<String>,
    /// Entries below this have expired, and their bundles may be gone, whatever the folder's own `pruned` says.
    pub expired: u64,
    /// Who beside the log's key may say in `pruned` what is gone: the keeper of a copy.
    pub keepers: Vec<VerifierKey>,
    /// How long nothing need be heard of the program ([`SILENCE`] unless somebody says otherwise).
    pub silence: SignedDuration,
}

/// Three heartbeats.
pub const SILENCE: SignedDuration = SignedDuration::from_mins(15);

/// What was found of a log that is whole.
#[derive(Debug)]
pub struct Whole {
    /// The checkpoint.
    pub checkpoint: Signed,
    /// The site; `None` while there is no leaf.
    pub site: Option<String>,
    /// The instants of the first and the last leaf that are there.
    pub from_to: Option<(Timestamp, Timestamp)>,
    /// What the witnesses say.
    pub witnesses: Vec<Cosigned>,
    /// Sizes of the checkpoints seen before.
    pub seen: Vec<u64>,
    /// Entries that have expired and are gone; their hashes are there.
    pub gone: u64,
    /// What the instants of the leaves say.
    pub heard: Heard,
    /// Files that no checkpoint stands for: of an integration that was not finished, or of nobody.
    pub strangers: Vec<String>,
}

/// Why a log is not whole, or that could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The disk does not say.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which file.
        path: String,
        /// What the disk says.
        source: io::Error,
    },
    /// There is no checkpoint.
    #[error("checkpoint is missing")]
    NoCheckpoint,
    /// The checkpoint is not the log's.
    #[error("checkpoint: {0}")]
    NotSigned(#[from] BadCheckpoint),
    /// A checkpoint seen before is not the log's: it says nothing.
    #[error("checkpoint seen before: {0}")]
    Seen(BadCheckpoint),
    /// A witness did not cosign.
    #[error("witness: {0}")]
    Witness(BadNote),
    /// A timestamp does not hold.
    #[error("timestamp of {size} entries: {why}")]
    Timestamp {
        /// Entries of the checkpoint beside it.
        size: u64,
        /// What is wrong.
        why: BadTimestamp,
    },
    /// An authority was named, and there is no timestamp.
    #[error("there is no timestamp")]
    NoTimestamp,
    /// Nobody who may has said that entries are gone.
    #[error("pruned: {0}; give --keeper with the key of who keeps this copy, if you trust it")]
    Pruned(BadNote),
    /// Files are not what was signed.
    #[error(transparent)]
    Altered(TileError),
    /// An entry is in the tree and should not be there.
    #[error("entry {index}: {what}")]
    Leaf {
        /// Its place.
        index: u64,
        /// What is wrong.
        what: String,
    },
    /// A proof of an entry does not lead to the root of its checkpoint.
    #[error("this is no proof that the entry is in the log of its checkpoint")]
    Proof,
    /// The log was rewritten, or cut back, after a checkpoint was seen.
    #[error("the log does not continue its own checkpoint of {0} entries: it was rewritten or cut back")]
    NotContinued(u64),
}

impl Problem {
    /// The exit code that tells it.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Unreadable { .. } => 1,
            Self::NoCheckpoint | Self::Altered(_) | Self::Leaf { .. } | Self::Proof => 4,
            Self::NotSigned(_) | Self::Seen(_) | Self::Witness(_) | Self::Pruned(_) => 5,
            Self::Timestamp { .. } | Self::NoTimestamp => 5,
            Self::NotContinued(_) => 6,
        }
    }
}

impl From<TileError> for Problem {
    fn from(error: TileError) -> Self {
        match error {
            TileError::Disk { path, source } => Self::Unreadable { path, source },
            error => Self::Altered(error),
        }
    }
}

/// Verifies everything: signature, every tile and entry, the leaves' sequence and site, the checkpoints seen before, the
/// witnesses, and every other file of `paths`, which are all in the folder.
///
/// # Errors
/// The first problem.
pub fn verify(files: &impl Files, paths: &[String], asked: &Asked) -> Result<Whole, Problem> {
    let mut verification = Verification::begin(files, asked)?;
    for index in 0..verification.bundles() {
        verification.bundle(index)?;
    }
    verification.end(paths)
}

/// [`verify`] in steps, for who wants to tell how far it is.
#[derive(Debug, Clone)]
pub struct Verification<'a, F> {
    asked: &'a Asked,
    checkpoint: Signed,
    witnessed: Option<Vec<u8>>,
    tiles: Tiles<F>,
    leaves: Leaves,
    expired: u64,
    gone: u64,
}

impl<'a, F: Files> Verification<'a, F> {
    /// Verifies the checkpoint and the right edge of its tree.
    ///
    /// # Errors
    /// The first problem.
    pub fn begin(files: F, asked: &'a Asked) -> Result<Self, Problem> {
        let witnessed = beside::read(&files, beside::WITNESSED)?;
        let checkpoint = checkpoint(&files, &asked.key)?;
        let expired = pruned(&files, asked)?.max(asked.expired);
        let tiles = Tiles::open(files, &checkpoint)?;
        let listening = Listening::new(asked.silence);
        let leaves = Leaves { site: asked.site.clone(), from_to: None, listening, next: 0 };
        Ok(Self { asked, checkpoint, witnessed, tiles, leaves, expired, gone: 0 })
    }

    /// How many bundles there are to verify.
    pub const fn bundles(&self) -> u64 {
        self.tiles.bundles()
    }

    /// Verifies the tiles above the next bundle, as [`Self::bundle`] does too.
    ///
    /// # Errors
    /// The first problem.
    pub fn tiles(&mut self, index: u64) -> Result<(), Problem> {
        Ok(self.tiles.hashes_of(index)?)
    }

    /// Verifies the next bundle and the tiles above it.
    ///
    /// # Errors
    /// The first problem.
    pub fn bundle(&mut self, index: u64) -> Result<(), Problem> {
        match self.tiles.bundle(index) {
            Ok(bundle) => bundle.entries().try_for_each(|leaf| self.leaves.take(leaf)),
            Err(TileError::Missing(_)) if (index + 1) * 256 <= self.expired => {
                self.tiles.hashes_of(index)?;
                self.leaves.skip(256);
                self.gone += 256;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Verifies what is beside the tree.
    ///
    /// # Errors
    /// The first problem.
    pub fn end(mut self, paths: &[String]) -> Result<Whole, Problem> {
        let Asked { seen, key, witnesses, .. } = self.asked;
        let seen = seen.iter().map(|note| continued(&mut self.tiles, note, key));
        let seen = seen.collect::<Result<_, _>>()?;
        let witnessed =
            self.witnessed.as_ref().map(|note| continues(&mut self.tiles, note, key)).transpose()?;
        beside::stamped(&mut self.tiles, paths, key)?;
        let strangers = others(&mut self.tiles, paths)?;
        let witnesses = witnesses.iter().map(|by| beside::cosigned(&self.checkpoint, witnessed.as_ref(), by));
        let witnesses = witnesses.collect::<Result<_, _>>().map_err(Problem::Witness)?;
        let Leaves { site, from_to, listening, .. } = self.leaves;
        let (gone, heard) = (self.gone, listening.end());
        Ok(Whole { checkpoint: self.checkpoint, site, from_to, witnesses, seen, gone, heard, strangers })
    }
}

/// Reads the checkpoint of a folder and verifies its signature.
///
/// # Errors
/// When there is none, it cannot be read, or is not the log's.
pub fn checkpoint(files: &impl Files, key: &VerifierKey) -> Result<Signed, Problem> {
    match files.read("checkpoint") {
        Ok(note) => Ok(Signed::verify(&note, key)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Problem::NoCheckpoint),
        Err(source) => Err(Problem::Unreadable { path: "checkpoint".to_owned(), source }),
    }
}

/// The minimum index that the log's key or a keeper's has signed; 0 where nothing was pruned.
fn pruned(files: &impl Files, asked: &Asked) -> Result<u64, Problem> {
    match files.read(PRUNED) {
        Ok(note) => {
            let keys = asked.keepers.iter().chain([&asked.key]);
            Ok(Pruned::verify(&note, asked.key.name(), keys).map_err(Problem::Pruned)?.below)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(source) => Err(Problem::Unreadable { path: PRUNED.to_owned(), source }),
    }
}

/// Compares the tree with a checkpoint that was seen before. Returns its size.
///
/// # Errors
/// When the note is not the log's or the tree does not continue it.
pub fn continued<F: Files>(tiles: &mut Tiles<F>, note: &[u8], key: &VerifierKey) -> Result<u64, Problem> {
    continues(tiles, note, key).map(|seen| seen.size)
}

fn continues<F: Files>(tiles: &mut Tiles<F>, note: &[u8], key: &VerifierKey) -> Result<Signed, Problem> {
    let seen = Signed::verify(note, key).map_err(Problem::Seen)?;
    let root = if seen.size > tiles.size() { None } else { Some(tiles.root_at(seen.size)?) };
    if root == Some(seen.root) { Ok(seen) } else { Err(Problem::NotContinued(seen.size)) }
}

/// What the headers have said so far.
#[derive(Debug, Clone)]
struct Leaves {
    site: Option<String>,
    from_to: Option<(Timestamp, Timestamp)>,
    listening: Listening,
    next: u64,
}

impl Leaves {
    fn take(&mut self, leaf: &[u8]) -> Result<(), Problem> {
        let index = self.next;
        let wrong = |what: &str| Problem::Leaf { index, what: what.to_owned() };
        let leaf = Leaf::read(leaf).map_err(|error| wrong(&error.to_string()))?;
        let header = &leaf.header;
        if header.sequence != index {
            return Err(wrong("its header has another sequence number"));
        }
        if *self.site.get_or_insert_with(|| header.site.clone()) != header.site {
            return Err(wrong("it is of another site"));
        }
        self.from_to = Some((self.from_to.map_or(header.at, |(from, _)| from), header.at));
        self.listening.take(&leaf);
        self.next += 1;
        Ok(())
    }

    fn skip(&mut self, count: u64) {
        self.listening.skip();
        self.next += count;
    }
}

/// Files that are read otherwise, or hold nothing.
const BESIDE: [&str; 6] = ["checkpoint", beside::WITNESSED, "lock", PRUNED, "pending", "next"];

/// What else is in the folder: partial tiles of earlier checkpoints are the beginning of what they became, and the rest no
/// checkpoint stands for.
fn others<F: Files>(tiles: &mut Tiles<F>, paths: &[String]) -> Result<Vec<String>, Problem> {
    let mut strangers = Vec::new();
    let of_tree = |path: &&String| !BESIDE.contains(&path.as_str()) && !beside::is_stamp(path);
    for path in paths.iter().filter(of_tree) {
        let now = Place::parse(path).and_then(|place| Some((place, tiles.width(place.kind, place.index)?)));
        match now {
            Some((place, width)) if place.width < width => match tiles.older(place) {
                // Entries that have expired leave their old partial bundles with nothing to compare.
                Err(TileError::Missing(_)) if place.kind == Kind::Entries => strangers.push(path.clone()),
                compared => compared?,
            },
            Some((place, width)) if place.width == width => {}
            _ => strangers.push(path.clone()),
        }
    }
    Ok(strangers)
}
