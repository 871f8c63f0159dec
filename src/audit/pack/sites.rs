//! What the sites' logs prove, and whether the answer follows from it.

use super::{
    hub::Proved,
    names,
    report::{BadPack, Report},
    session::{self, Opened, sessions},
    verify::Checked,
};
use crate::{
    case::{Answer, Moment, Question, Seen, What},
    class::Class,
    content::Body,
    entry::Clock,
    tlog::{Checkpoint as Head, Cosignature, Hash, Note, Signed as Checkpoint, proof::consistent},
};
use std::{collections::BTreeSet, net::Ipv4Addr};
use varco_policy::{
    Slot,
    slot::{FIRST_PORT, SIZES},
};

/// What follows from the records of one site.
struct Site {
    checkpoint: Checkpoint,
    opened: Opened,
    clock: Clock,
}

impl Checked<'_> {
    /// Every site of the pack, and the answer from all of them.
    pub fn sites(
        &mut self,
        hub: &Checkpoint,
        question: &Question,
        answer: &Answer,
        report: &mut Report,
    ) -> Result<(), BadPack> {
        let What::Slot(moment) = &question.what else { return self.no_site(answer) };
        let mut told = Vec::new();
        for name in self.site_names() {
            let site = self.site(&name, hub, moment, report)?;
            self.searched(&name, &site, answer)?;
            if !question.is_about(&name) {
                return Err(BadPack::Differs(format!("{name} was not asked about")));
            }
            let found =
                sessions(&site.opened, moment).map_err(|error| BadPack::Answer(name.clone(), error))?;
            let lent = self.slots(&name)?;
            for (session, slot) in found {
                if !lends(&lent, &slot) {
                    return Err(BadPack::Differs(format!(
                        "{name} does not lend the slot of {}",
                        session.pass
                    )));
                }
                if !session::is_within(&session, moment, site.clock) {
                    return Err(BadPack::Differs(format!(
                        "{} was not within the time asked about",
                        session.pass
                    )));
                }
                told.push(session);
            }
            if site.clock.worse(answer.clock) != answer.clock {
                return Err(BadPack::Differs(format!("the clock of {name} was less right than it says")));
            }
        }
        told.sort_by(|one, other| (one.from, &one.site).cmp(&(other.from, &other.site)));
        match told == answer.sessions {
            true => Ok(()),
            false => Err(BadPack::Differs("it tells other sessions".to_owned())),
        }
    }

    /// An answer about anything else than a slot shows no records.
    fn no_site(&self, answer: &Answer) -> Result<(), BadPack> {
        match self.below("sites/").into_iter().next() {
            Some(name) => Err(BadPack::Stranger(name)),
            None if answer.sessions.is_empty() => Ok(()),
            None => Err(BadPack::Differs("it tells sessions, and none was asked for".to_owned())),
        }
    }

    fn site_names(&self) -> BTreeSet<String> {
        let names = self.below("sites/");
        let sites = names.iter().filter_map(|name| name.strip_prefix("sites/")?.split_once('/'));
        sites.map(|(site, _)| site.to_owned()).collect()
    }

    fn site(
        &mut self,
        name: &str,
        hub: &Checkpoint,
        moment: &Moment,
        report: &mut Report,
    ) -> Result<Site, BadPack> {
        let copied = self.copied(name, hub)?;
        let mut site = Site { checkpoint: copied, opened: Opened::new(), clock: Clock::Unknown };
        for proof in self.below(&format!("sites/{name}/records/")) {
            let Some(stem) = proof.strip_suffix(".proof") else { continue };
            let keys = self.take(&format!("{stem}.keys"))?;
            let (header, content) =
                self.record(name, &proof, &site.checkpoint)?.content(&proof, Some(keys))?;
            site.opened.insert(header.sequence, (header, content));
        }
        let mut beats = None::<Clock>;
        for proof in self.below(&format!("sites/{name}/heartbeats/")) {
            let (header, content) = self.record(name, &proof, &site.checkpoint)?.content(&proof, None)?;
            let Body::Heartbeat { clock, .. } = content.body else { return Err(BadPack::Says(proof)) };
            if !session::is_beat(header.at, moment) {
                return Err(BadPack::Says(proof));
            }
            beats = Some(beats.map_or(clock, |before| before.worse(clock)));
        }
        site.clock = beats.unwrap_or(Clock::Unknown);
        let (records, size) = (site.opened.len(), site.checkpoint.size);
        report.say(
            "site",
            format!("{name}: {records} records in its log of {size} entries, {}", site.checkpoint.origin),
        );
        Ok(site)
    }

    /// The site's checkpoint, as the hub's log has it.
    fn copied(&mut self, site: &str, hub: &Checkpoint) -> Result<Checkpoint, BadPack> {
        let name = names::copied(site);
        let (header, content) = self.hub_entry(&name, hub)?.content(&name, None)?;
        let Body::Copied { checkpoint: note } = content.body else { return Err(BadPack::Says(name)) };
        if header.class != Class::R5 {
            return Err(BadPack::Says(name));
        }
        let text = Note::parse(note.as_bytes()).ok().and_then(|note| Head::parse(&note.text));
        let origin = text.ok_or_else(|| BadPack::Says(name.clone()))?.origin;
        let key = self.keys.sites.iter().find(|key| key.name() == origin).ok_or(BadPack::Keys)?;
        Checkpoint::verify(note.as_bytes(), key).map_err(|error| BadPack::Checkpoint(name, error))
    }

    /// An entry of a site's log, under that checkpoint with the mirror's cosignature.
    fn record(&mut self, site: &str, name: &str, copied: &Checkpoint) -> Result<Proved, BadPack> {
        let key =
            self.keys.sites.iter().find(|key| key.name() == copied.origin).ok_or(BadPack::Keys)?.clone();
        let proved = Proved::read(name, self.take(name)?, &key)?;
        let leaf_site = proved.leaf(name)?.header.site;
        if proved.checkpoint.checkpoint() != copied.checkpoint() || leaf_site != site {
            return Err(BadPack::Proof(name.to_owned()));
        }
        Cosignature::verify(&proved.checkpoint, &self.keys.mirror)
            .map_err(|error| BadPack::Cosignature(name.to_owned(), error))?;
        Ok(proved)
    }

    /// What was searched for the answer is the beginning of what the hub has.
    fn searched(&mut self, name: &str, site: &Site, answer: &Answer) -> Result<(), BadPack> {
        let file = names::searched(name);
        let seen = answer.seen.iter().find(|seen| seen.site == name);
        let Some(Seen { log: Some(then), .. }) = seen else { return Err(BadPack::Proof(file)) };
        let text = std::str::from_utf8(self.take(&file)?).map_err(|_| BadPack::Member(file.clone()))?;
        let proof: Option<Vec<_>> = text.lines().map(Hash::from_base64).collect();
        let proof = proof.ok_or_else(|| BadPack::Member(file.clone()))?;
        let now = site.checkpoint.checkpoint();
        let same = then.origin == now.origin && consistent(then.size, then.root, now.size, now.root, &proof);
        if same { Ok(()) } else { Err(BadPack::Proof(file)) }
    }

    /// What the site lends: public addresses and the ports of a slot.
    fn slots(&mut self, site: &str) -> Result<Vec<(Ipv4Addr, u16)>, BadPack> {
        let file = names::slots(site);
        let lent = |line: &str| {
            let (address, ports) = line.split_once(' ')?;
            let lent: (Ipv4Addr, u16) = (address.parse().ok()?, ports.parse().ok()?);
            (format!("{} {}", lent.0, lent.1) == line && SIZES.contains(&lent.1)).then_some(lent)
        };
        let text = std::str::from_utf8(self.take(&file)?).ok();
        let slots = text.and_then(|text| text.lines().map(lent).collect());
        slots.ok_or(BadPack::Member(file))
    }
}

fn lends(lent: &[(Ipv4Addr, u16)], slot: &Slot) -> bool {
    let ports = slot.last_port.checked_sub(slot.first_port).and_then(|more| more.checked_add(1));
    let block = slot.first_port.checked_sub(FIRST_PORT);
    let is = |(address, size): &(Ipv4Addr, u16)| {
        *address == slot.address
            && ports == Some(*size)
            && block.is_some_and(|block| block.is_multiple_of(*size))
    };
    lent.iter().any(is)
}
