//! Making a pack, with both persons there: what the answer follows from is looked up in copies of the logs, opened record by
//! record, and put together. What comes out is verified before anybody gets it.

use super::{
    archive::{self, Members},
    explain, hub, manifest, names, opened,
    report::{BadPack, Report},
    session,
    trust::{self, Keys, Trust},
    verify::verify,
};
use crate::{
    both,
    case::{Answer, Approval, BadDocument, CaseId, Moment, Request, Signed, Step, What},
    class::Class,
    content::{Body, Content},
    holder::HolderError,
    leaf::{Leaf, Mark},
    opener::{OpenError, Opener},
    seal::Role,
    tlog::{
        BadCheckpoint, Checkpoint, Files as _, Folder, Hash, Note, Signed as SignedHead, TileError, Tiles,
        VerifierKey, proof::Proof, prune,
    },
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

/// The hub's checkpoint with its witnesses' cosignatures.
const WITNESSED: &str = "checkpoint.witnessed";

/// What a pack is made of.
#[derive(Debug)]
pub struct Make<'a> {
    /// The request, as it was signed.
    pub request: &'a [u8],
    /// The approval.
    pub approval: &'a [u8],
    /// The answer.
    pub answer: &'a [u8],
    /// The hub's log, or a copy.
    pub hub: &'a Path,
    /// The sites' logs, as the hub has them.
    pub sites: &'a [SiteLog],
    /// By which keys all of it is verified.
    pub trust: &'a Trust,
    /// SHA-256 and name of programs and settings.
    pub digests: &'a [(String, String)],
    /// When.
    pub at: Timestamp,
}

/// A site's log.
#[derive(Debug)]
pub struct SiteLog {
    /// The site.
    pub site: String,
    /// The hub's copy.
    pub folder: PathBuf,
    /// Public addresses and the ports of a slot.
    pub slots: Vec<(Ipv4Addr, u16)>,
}

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
pub enum NoPack {
    /// A key that is needed was not given.
    #[error("give the keys of hub, mirror and sites and the holders: nothing is taken on trust here")]
    Keys,
    /// A document.
    #[error("{0}: {1}")]
    Document(&'static str, BadDocument),
    /// The officers' keys.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Signing.
    #[error(transparent)]
    Holder(#[from] HolderError),
    /// Nobody of a role is there.
    #[error("no --holder is {0}")]
    Nobody(Role),
    /// A file.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A log.
    #[error("{0}: {1}")]
    Tiles(PathBuf, TileError),
    /// A checkpoint.
    #[error("{0}: checkpoint: {1}")]
    Checkpoint(PathBuf, BadCheckpoint),
    /// A step that the hub's log does not have.
    #[error("the hub's log does not say that this case was {0}: hand it in, and copy the log again")]
    NotRecorded(Step),
    /// A site of the answer whose log was not given.
    #[error("{0}: give its log, --site {0}=FOLDER=SITE.TOML")]
    NoSite(String),
    /// A checkpoint that the hub has not recorded.
    #[error("{0}: the hub's log does not have this checkpoint of it: copy the hub's log after the site's")]
    NotCopied(String),
    /// The log is older than the answer.
    #[error("{0}: the log is older than the one that was searched: copy it again")]
    Older(String),
    /// What was made is not whole.
    #[error("what was made does not verify: {0}")]
    Bad(#[from] BadPack),
}

/// Makes a pack, and what its verification says.
///
/// # Errors
/// [`NoPack`].
pub fn make(make: &Make<'_>, opener: &mut Opener) -> Result<(Vec<u8>, Report), NoPack> {
    let keys = make.trust.complete(&Members::new()).ok_or(NoPack::Keys)?;
    let people = &keys.people;
    let request = Signed::<Request>::read(make.request, people);
    let request = request.map_err(|error| NoPack::Document(names::REQUEST, error))?;
    let approval = Signed::<Approval>::of_case(make.approval, people, request.case_id());
    approval.map_err(|error| NoPack::Document(names::APPROVAL, error))?;
    let answer = Signed::<Answer>::of_case(make.answer, people, request.case_id());
    let answer = answer.map_err(|error| NoPack::Document(names::ANSWER, error))?;
    let (text, question) = request.open(opener, Role::Approver)?;
    let mut members = trust::files(&keys);
    let mut put = |name: &str, content: &[u8]| members.insert(name.to_owned(), content.to_vec());
    put(names::REQUEST, make.request);
    put(names::APPROVAL, make.approval);
    put(names::ANSWER, make.answer);
    put(names::QUESTION, text.as_bytes());
    let digests: String = make.digests.iter().map(|(hash, name)| format!("{hash}  {name}\n")).collect();
    put(names::DIGESTS, digests.as_bytes());
    let mut log = HubLog::open(make.hub, &keys.hub, request.case_id())?;
    put(names::CHECKPOINT, log.log.note.as_bytes());
    if let Some(token) = log.timestamp()? {
        put(names::TIMESTAMP, &token);
    }
    members.extend(log.steps(opener)?);
    if let What::Slot(moment) = &question.what {
        for site in needed(&answer, make.sites)? {
            members.extend(log.copied(site, &keys)?);
            members.extend(SiteFiles::open(site, &keys)?.files(moment, &answer, opener)?);
        }
    }
    members
        .insert(names::README.to_owned(), explain::text(&request, &question, &answer, make.at).into_bytes());
    sealed(members, (request.case_id(), make.at), opener).and_then(|octets| {
        let report = verify(&octets, make.trust)?;
        Ok((octets, report))
    })
}

/// Signs the list of the files, and puts them into an archive.
fn sealed(mut members: Members, (case, at): (CaseId, Timestamp), opener: &Opener) -> Result<Vec<u8>, NoPack> {
    let holder = |role| opener.holder(role).ok_or(NoPack::Nobody(role));
    let text = manifest::text(manifest::Head { case, at }, &members);
    let signed = both::sign(&text, [holder(Role::Requester)?, holder(Role::Approver)?])?;
    members.insert(manifest::NAME.to_owned(), signed.into_bytes());
    archive::write(&members).map_err(|error| NoPack::File(names::README.into(), error))
}

/// The logs of the sites that the answer names; of all that were given where it names none.
fn needed<'a>(answer: &Answer, given: &'a [SiteLog]) -> Result<Vec<&'a SiteLog>, NoPack> {
    let named: BTreeSet<_> = answer.sessions.iter().map(|session| session.site.as_str()).collect();
    if named.is_empty() {
        return Ok(given.iter().collect());
    }
    let log = |site: &&str| {
        let found = given.iter().find(|log| log.site == *site);
        found.ok_or_else(|| NoPack::NoSite((*site).to_owned()))
    };
    named.iter().map(log).collect()
}

/// A log that proofs are made from.
struct Source {
    folder: PathBuf,
    note: String,
    tiles: Tiles<Folder>,
    minimum: u64,
}

impl Source {
    fn open(folder: &Path, name: &str, key: &VerifierKey) -> Result<Self, NoPack> {
        let files = Folder::new(folder);
        let note = files.read(name).map_err(|error| NoPack::File(folder.join(name), error))?;
        let signed = SignedHead::verify(&note, key);
        let signed = signed.map_err(|error| NoPack::Checkpoint(folder.to_owned(), error))?;
        let minimum = prune::minimum(&files);
        let tiles = Tiles::open(files, &signed).map_err(|error| NoPack::Tiles(folder.to_owned(), error))?;
        Ok(Self { folder: folder.to_owned(), note: signed.note().to_owned(), tiles, minimum })
    }

    fn failed(&self) -> impl Fn(TileError) -> NoPack + use<> {
        let folder = self.folder.clone();
        move |error| NoPack::Tiles(folder.clone(), error)
    }

    fn leaf(&mut self, index: u64) -> Result<Vec<u8>, NoPack> {
        let (mut found, failed) = (Vec::new(), self.failed());
        self.tiles.leaves(index..index + 1, |_, entry| found = entry.to_vec()).map_err(failed)?;
        Ok(found)
    }

    fn proof(&mut self, index: u64) -> Result<Proof, NoPack> {
        let (entry, failed) = (self.leaf(index)?, self.failed());
        let path = self.tiles.inclusion(index).map_err(failed)?;
        Ok(Proof { index, entry, path, checkpoint: self.note.clone() })
    }
}

/// The hub's log, and what is in it about the case and the sites.
struct HubLog {
    log: Source,
    steps: BTreeMap<Step, u64>,
    /// The entries that say which checkpoint of a site's log the hub has.
    copies: Vec<(Checkpoint, u64)>,
}

impl HubLog {
    fn open(folder: &Path, key: &VerifierKey, case: CaseId) -> Result<Self, NoPack> {
        let witnessed = folder.join(WITNESSED).exists();
        let name = if witnessed { WITNESSED } else { "checkpoint" };
        let mut log = Source::open(folder, name, key)?;
        let (mut steps, mut copies, failed) = (BTreeMap::new(), Vec::new(), log.failed());
        let all = log.minimum..log.tiles.size();
        log.tiles
            .leaves(all, |index, entry| {
                let Ok(leaf) = Leaf::read(entry) else { return };
                match leaf.header.mark {
                    Mark::Case(step, of) if of == case => drop(steps.insert(step, index)),
                    _ => copies.extend(copy(&leaf).map(|head| (head, index))),
                }
            })
            .map_err(failed)?;
        Ok(Self { log, steps, copies })
    }

    /// The time stamp of this very checkpoint, where the hub has one.
    fn timestamp(&self) -> Result<Option<Vec<u8>>, NoPack> {
        let path = self.log.folder.join(format!("timestamps/{}.tsr", self.log.tiles.size()));
        match std::fs::read(&path) {
            Ok(token) => Ok(Some(token)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(NoPack::File(path, error)),
        }
    }

    fn steps(&mut self, opener: &mut Opener) -> Result<Members, NoPack> {
        let mut members = Members::new();
        for step in hub::STEPS {
            let index = *self.steps.get(&step).ok_or(NoPack::NotRecorded(step))?;
            let proof = self.log.proof(index)?;
            let leaf = Leaf::read(&proof.entry);
            let leaf = leaf.map_err(|error| OpenError::Damaged(index, error.to_string()))?;
            let [name, keys] = names::step(step);
            members.insert(keys, opened::write(&opener.disclose(&leaf)?).into_bytes());
            members.insert(name, proof.to_string().into_bytes());
        }
        Ok(members)
    }

    fn copied(&mut self, site: &SiteLog, keys: &Keys) -> Result<Members, NoPack> {
        let head = SiteFiles::open(site, keys)?.head;
        let not = || NoPack::NotCopied(site.site.clone());
        let (_, index) = *self.copies.iter().rev().find(|(copied, _)| *copied == head).ok_or_else(not)?;
        Ok([(names::copied(&site.site), self.log.proof(index)?.to_string().into_bytes())].into())
    }
}

/// Which checkpoint an entry of the hub says it has a copy of.
fn copy(leaf: &Leaf<'_>) -> Option<Checkpoint> {
    let content: Content =
        (leaf.header.class == Class::R5).then(|| serde_json::from_slice(leaf.body).ok())??;
    let Body::Copied { checkpoint } = content.body else { return None };
    Checkpoint::parse(&Note::parse(checkpoint.as_bytes()).ok()?.text)
}

/// A site's log, and its files in the pack.
struct SiteFiles<'a> {
    of: &'a SiteLog,
    log: Source,
    head: Checkpoint,
}

impl<'a> SiteFiles<'a> {
    fn open(of: &'a SiteLog, keys: &Keys) -> Result<Self, NoPack> {
        let path = of.folder.join("checkpoint");
        let note = std::fs::read(&path).map_err(|error| NoPack::File(path.clone(), error))?;
        let head = Note::parse(&note).ok().and_then(|note| Checkpoint::parse(&note.text));
        let malformed = || NoPack::Checkpoint(of.folder.clone(), BadCheckpoint::Malformed);
        let head = head.ok_or_else(malformed)?;
        let key = keys.sites.iter().find(|key| key.name() == head.origin).ok_or(NoPack::Keys)?;
        let log = Source::open(&of.folder, "checkpoint", key)?;
        Ok(Self { of, log, head })
    }

    fn files(&mut self, moment: &Moment, answer: &Answer, opener: &mut Opener) -> Result<Members, NoPack> {
        let (site, mut members) = (self.of.site.clone(), Members::new());
        let told = answer.sessions.iter().filter(|session| session.site == site);
        for sequence in told.flat_map(|session| session.records.clone()).collect::<BTreeSet<_>>() {
            let proof = self.log.proof(sequence)?;
            let leaf = Leaf::read(&proof.entry);
            let leaf = leaf.map_err(|error| OpenError::Damaged(sequence, error.to_string()))?;
            let [name, keys] = names::record(&site, sequence);
            members.insert(keys, opened::write(&opener.disclose(&leaf)?).into_bytes());
            members.insert(name, proof.to_string().into_bytes());
        }
        for sequence in self.beats(moment)? {
            let proof = self.log.proof(sequence)?.to_string().into_bytes();
            members.insert(names::beat(&site, sequence), proof);
        }
        members.insert(names::searched(&site), self.searched(answer)?.into_bytes());
        let slots: String =
            self.of.slots.iter().map(|(address, ports)| format!("{address} {ports}\n")).collect();
        members.insert(names::slots(&site), slots.into_bytes());
        Ok(members)
    }

    /// The heartbeats near the time asked about. Where they begin is found by halves: instants hardly go back.
    fn beats(&mut self, moment: &Moment) -> Result<Vec<u64>, NoPack> {
        let (first, last) = moment.window();
        let near = |at: Timestamp| session::is_beat(at, moment);
        let (mut low, mut high) = (self.log.minimum, self.head.size);
        while low < high {
            let middle = low + (high - low) / 2;
            let entry = self.log.leaf(middle)?;
            let at = Leaf::read(&entry).map_or(Timestamp::MIN, |leaf| leaf.header.at);
            if at < first && !near(at) { low = middle + 1 } else { high = middle }
        }
        let (mut found, mut past, failed) = (Vec::new(), 0_u32, self.log.failed());
        // A clock that was set back leaves later instants before earlier ones.
        let mut index = low.saturating_sub(BEFORE).max(self.log.minimum);
        while index < self.head.size && past < PAST {
            let end = (index + CHUNK).min(self.head.size);
            let take = |sequence: u64, entry: &[u8]| {
                let Ok(leaf) = Leaf::read(entry) else { return };
                past += u32::from(leaf.header.at > last && !near(leaf.header.at));
                if leaf.header.class == Class::R6 && near(leaf.header.at) && is_heartbeat(&leaf) {
                    found.push(sequence);
                }
            };
            self.log.tiles.leaves(index..end, take).map_err(&failed)?;
            index = end;
        }
        Ok(found)
    }

    fn searched(&mut self, answer: &Answer) -> Result<String, NoPack> {
        let older = || NoPack::Older(self.of.site.clone());
        let then = answer.seen.iter().find(|seen| seen.site == self.of.site);
        let then = then.and_then(|seen| seen.log.as_ref()).ok_or_else(older)?;
        if then.size > self.head.size || then.origin != self.head.origin {
            return Err(older());
        }
        // RFC 6962 has no proof for equal trees: it is empty.
        let failed = self.log.failed();
        let proof = self.log.tiles.consistency(then.size).map_err(failed)?;
        Ok(proof.iter().map(|hash: &Hash| format!("{hash}\n")).collect())
    }
}

/// Entries looked at before the one that was found by halves, at a time, and after the time asked about.
const BEFORE: u64 = 512;
const CHUNK: u64 = 256;
const PAST: u32 = 512;

fn is_heartbeat(leaf: &Leaf<'_>) -> bool {
    let content = serde_json::from_slice::<Content>(leaf.body);
    content.is_ok_and(|content| matches!(content.body, Body::Heartbeat { .. }))
}
