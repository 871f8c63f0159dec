//! The hub's log, and which of its checkpoints a pack is made at.

use super::{
    NoPack, SiteLog,
    site::SiteFiles,
    source::{Source, signed},
};
use crate::{
    case::{CaseId, Step},
    class::Class,
    content::{Body, Content},
    leaf::{Leaf, Mark},
    opener::{OpenError, Opener},
    pack::{archive::Members, hub, names, opened, trust::Keys},
    tlog::{Checkpoint, Cosignature, Note, Signed, VerifierKey},
};
use std::{collections::BTreeMap, io, path::Path};

/// The newest checkpoint with its witnesses' cosignatures.
const WITNESSED: &str = "checkpoint.witnessed";

/// Where the entries about a case are.
#[derive(Debug, Default)]
struct Found {
    steps: BTreeMap<Step, u64>,
    /// The entries that say which checkpoint of a site's log the hub has.
    copies: Vec<(Checkpoint, u64)>,
}

/// The hub's log at the checkpoint of the pack.
pub(super) struct HubLog {
    log: Source,
    token: Option<Vec<u8>>,
    steps: BTreeMap<Step, u64>,
    /// By site.
    copied: BTreeMap<String, u64>,
}

impl HubLog {
    /// Looks the case and the sites' checkpoints up, and takes the checkpoint that vouches most for them: the newest that was
    /// stamped with the time, else the newest with cosignatures, else the newest.
    pub fn open(
        folder: &Path,
        keys: &Keys,
        case: CaseId,
        sites: &[&SiteLog],
        stamp: bool,
    ) -> Result<Self, NoPack> {
        let found = Found::read(&mut Source::open(folder, "checkpoint", &keys.hub)?, case)?;
        let step = |step| Ok((step, *found.steps.get(&step).ok_or(NoPack::NotRecorded(step))?));
        let steps = hub::STEPS.into_iter().map(step).collect::<Result<BTreeMap<_, _>, NoPack>>()?;
        let copied = sites.iter().map(|site| {
            let head = SiteFiles::open(site, keys)?.head;
            let copy = found.copies.iter().find(|(copied, _)| *copied == head);
            let (_, index) = copy.ok_or_else(|| NoPack::NotCopied(site.site.clone()))?;
            Ok((site.site.clone(), *index))
        });
        let copied = copied.collect::<Result<BTreeMap<_, _>, NoPack>>()?;
        let last = steps.values().chain(copied.values()).copied().max().unwrap_or_default();
        let (signed, token) = checkpoint(folder, keys, last, stamp)?;
        Ok(Self { log: Source::at(folder, &signed)?, token, steps, copied })
    }

    /// The checkpoint, and its time stamp where it has one.
    pub fn checkpoint(&self) -> Members {
        let token = self.token.clone().map(|token| (names::TIMESTAMP.to_owned(), token));
        let note = (names::CHECKPOINT.to_owned(), self.log.note.clone().into_bytes());
        [note].into_iter().chain(token).collect()
    }

    /// The proofs of the case's steps, and what opens them.
    pub fn steps(&mut self, opener: &mut Opener) -> Result<Members, NoPack> {
        let mut members = Members::new();
        for (step, index) in self.steps.clone() {
            let proof = self.log.proof(index)?;
            let leaf = Leaf::read(&proof.entry);
            let leaf = leaf.map_err(|error| OpenError::Damaged(index, error.to_string()))?;
            let [name, keys] = names::step(step);
            members.insert(keys, opened::write(&opener.disclose(&leaf)?).into_bytes());
            members.insert(name, proof.to_string().into_bytes());
        }
        Ok(members)
    }

    /// The proofs that the hub has recorded the sites' checkpoints.
    pub fn copied(&mut self) -> Result<Members, NoPack> {
        let mut members = Members::new();
        for (site, index) in &self.copied {
            members.insert(names::copied(site), self.log.proof(*index)?.to_string().into_bytes());
        }
        Ok(members)
    }
}

impl Found {
    fn read(log: &mut Source, case: CaseId) -> Result<Self, NoPack> {
        let (mut found, failed) = (Self::default(), log.failed());
        let all = log.minimum..log.tiles.size();
        let take = |index: u64, entry: &[u8]| {
            let Ok(leaf) = Leaf::read(entry) else { return };
            match leaf.header.mark {
                Mark::Case(step, of) if of == case => drop(found.steps.insert(step, index)),
                _ => found.copies.extend(copy(&leaf).map(|head| (head, index))),
            }
        };
        log.tiles.leaves(all, take).map_err(failed)?;
        Ok(found)
    }
}

/// The checkpoint that has this entry, with the witnesses that are asked for; with `stamp` one that was stamped.
fn checkpoint(
    folder: &Path,
    keys: &Keys,
    last: u64,
    stamp: bool,
) -> Result<(Signed, Option<Vec<u8>>), NoPack> {
    let is_good = |signed: &Signed| {
        let cosigned = |witness: &VerifierKey| Cosignature::verify(signed, witness).is_ok();
        signed.size > last && keys.witnesses.iter().all(cosigned)
    };
    for size in stamped(folder)?.into_iter().rev().take_while(|size| *size > last) {
        let name = |end: &str| format!("timestamps/{size}.{end}");
        let note = signed(folder, &name("checkpoint"), &keys.hub)?;
        if is_good(&note) {
            let path = folder.join(name("tsr"));
            let token = std::fs::read(&path).map_err(|error| NoPack::File(path, error))?;
            return Ok((note, Some(token)));
        }
    }
    if stamp {
        return Err(NoPack::NoTimestamp);
    }
    let newest = [WITNESSED, "checkpoint"].into_iter().filter(|name| folder.join(name).exists());
    for name in newest {
        let note = signed(folder, name, &keys.hub)?;
        if is_good(&note) {
            return Ok((note, None));
        }
    }
    Err(NoPack::NotWitnessed)
}

/// The sizes of the log that were stamped, upwards.
fn stamped(folder: &Path) -> Result<Vec<u64>, NoPack> {
    let path = folder.join("timestamps");
    let entries = match std::fs::read_dir(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| NoPack::File(path, error))?,
    };
    let size = |name: &std::ffi::OsStr| name.to_str()?.strip_suffix(".tsr")?.parse().ok();
    let mut sizes: Vec<u64> = entries.filter_map(|entry| size(&entry.ok()?.file_name())).collect();
    sizes.sort_unstable();
    Ok(sizes)
}

/// Which checkpoint an entry of the hub says it has a copy of.
fn copy(leaf: &Leaf<'_>) -> Option<Checkpoint> {
    let content: Content =
        (leaf.header.class == Class::R5).then(|| serde_json::from_slice(leaf.body).ok())??;
    let Body::Copied { checkpoint } = content.body else { return None };
    Checkpoint::parse(&Note::parse(checkpoint.as_bytes()).ok()?.text)
}
