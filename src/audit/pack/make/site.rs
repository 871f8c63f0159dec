//! A site's log, and its files in the pack.

use super::{NoPack, SiteLog, source::Source};
use crate::{
    case::{Answer, Moment},
    class::Class,
    content::{Body, Content},
    leaf::Leaf,
    opener::{OpenError, Opener},
    pack::{archive::Members, names, opened, session, trust::Keys},
    tlog::{BadCheckpoint, Checkpoint, Hash, Note},
};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// A site's log at its newest checkpoint.
pub(super) struct SiteFiles<'a> {
    of: &'a SiteLog,
    log: Source,
    pub head: Checkpoint,
}

impl<'a> SiteFiles<'a> {
    pub fn open(of: &'a SiteLog, keys: &Keys) -> Result<Self, NoPack> {
        let path = of.folder.join("checkpoint");
        let note = std::fs::read(&path).map_err(|error| NoPack::File(path.clone(), error))?;
        let head = Note::parse(&note).ok().and_then(|note| Checkpoint::parse(&note.text));
        let malformed = || NoPack::Checkpoint(of.folder.clone(), BadCheckpoint::Malformed);
        let head = head.ok_or_else(malformed)?;
        let key = keys.sites.iter().find(|key| key.name() == head.origin).ok_or(NoPack::Keys)?;
        let log = Source::open(&of.folder, "checkpoint", key)?;
        Ok(Self { of, log, head })
    }

    pub fn files(
        &mut self,
        moment: &Moment,
        answer: &Answer,
        opener: &mut Opener,
    ) -> Result<Members, NoPack> {
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
