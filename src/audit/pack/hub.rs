//! What the hub's log proves: that the case was asked, allowed and answered, in this order.

use super::{
    names, opened,
    report::{BadPack, Report},
    verify::Checked,
};
use crate::{
    case::{Answer, CaseId, Request, Signed, Step},
    content::{Body, Content},
    leaf::{HUB, Header, Leaf, Mark},
    tlog::{Cosignature, Signed as Checkpoint, VerifierKey, proof::Proof},
};

/// The steps that a pack proves.
pub const STEPS: [Step; 3] = [Step::Asked, Step::Allowed, Step::Answered];

/// An entry that is proved, and the checkpoint that it is proved by.
pub struct Proved {
    /// The entry.
    pub entry: Vec<u8>,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
}

impl Proved {
    /// Verifies a proof by the key of its log. That the entry says its own place is part of it.
    pub fn read(name: &str, octets: &[u8], key: &VerifierKey) -> Result<Self, BadPack> {
        let proof = Proof::parse(octets).filter(|proof| proof.to_string().as_bytes() == octets);
        let proof = proof.ok_or_else(|| BadPack::Member(name.to_owned()))?;
        let signed = proof.verify(key).map_err(|error| BadPack::Checkpoint(name.to_owned(), error))?;
        let checkpoint = signed.ok_or_else(|| BadPack::Proof(name.to_owned()))?;
        let proved = Self { entry: proof.entry, checkpoint };
        match proved.leaf(name)?.header.sequence == proof.index {
            true => Ok(proved),
            false => Err(BadPack::Says(name.to_owned())),
        }
    }

    /// The entry taken apart.
    pub fn leaf(&self, name: &str) -> Result<Leaf<'_>, BadPack> {
        Leaf::read(&self.entry).map_err(|error| BadPack::Leaf(name.to_owned(), error))
    }

    /// What the entry says, opened by secrets, or clear.
    pub fn content(&self, name: &str, keys: Option<&[u8]>) -> Result<(Header, Content), BadPack> {
        let leaf = self.leaf(name)?;
        let content = match (keys, leaf.header.period) {
            (None, None) => crate::opener::read(&leaf, leaf.body),
            (Some(keys), Some(_)) => {
                let keys = opened::read(keys).ok_or_else(|| BadPack::Member(name.to_owned()))?;
                opened::content(&leaf, &keys)
            }
            _ => return Err(BadPack::Member(name.to_owned())),
        };
        let content = content.map_err(|error| BadPack::Open(name.to_owned(), error))?;
        Ok((leaf.header, content))
    }
}

impl Checked<'_> {
    /// The hub's newest checkpoint, cosigned by each witness.
    pub fn checkpoint(&mut self, report: &mut Report) -> Result<Checkpoint, BadPack> {
        let name = || names::CHECKPOINT.to_owned();
        let note = self.take(names::CHECKPOINT)?;
        let signed = Checkpoint::verify(note, &self.keys.hub);
        let signed = signed.map_err(|error| BadPack::Checkpoint(name(), error))?;
        report.say("hub", format!("{} of {} entries", signed.origin, signed.size));
        for witness in &self.keys.witnesses {
            let seen = Cosignature::verify(&signed, witness);
            let seen = seen.map_err(|error| BadPack::Cosignature(name(), error))?;
            report.say("witness", format!("{} at {}", seen.witness, seen.at));
        }
        if self.keys.witnesses.is_empty() {
            report.say("witness", "none: that the hub shows everybody one log rests on the hub alone");
        }
        Ok(signed)
    }

    /// An entry of the hub's log under that checkpoint.
    pub fn hub_entry(&mut self, name: &str, checkpoint: &Checkpoint) -> Result<Proved, BadPack> {
        let proved = Proved::read(name, self.take(name)?, &self.keys.hub)?;
        let same = proved.checkpoint.note() == checkpoint.note() && proved.leaf(name)?.header.site == HUB;
        if same { Ok(proved) } else { Err(BadPack::Proof(name.to_owned())) }
    }

    /// The steps of the case.
    pub fn steps(
        &mut self,
        checkpoint: &Checkpoint,
        (request, approval, answer): (&Signed<Request>, &str, &Signed<Answer>),
        report: &mut Report,
    ) -> Result<(), BadPack> {
        let mut before = None::<(Step, u64)>;
        for step in STEPS {
            let [name, keys] = names::step(step);
            let proved = self.hub_entry(&name, checkpoint)?;
            let (header, content) = proved.content(&name, Some(self.take(&keys)?))?;
            let case = request.case_id();
            let says = header.mark == Mark::Case(step, case)
                && says(&content.body, case, (request, approval, answer));
            if !says {
                return Err(BadPack::Says(name));
            }
            if let Some((earlier, _)) = before.filter(|(_, index)| *index >= header.sequence) {
                return Err(BadPack::Order(step, earlier));
            }
            before = Some((step, header.sequence));
            report.say(
                "recorded",
                format!("{step} at {}, entry {} of the hub's log", header.at, header.sequence),
            );
        }
        Ok(())
    }
}

/// Whether an entry of the hub is about these very documents.
fn says(
    body: &Body,
    of: CaseId,
    (asked, allowed, answered): (&Signed<Request>, &str, &Signed<Answer>),
) -> bool {
    match body {
        Body::Asked { case, request, by } => *case == of && request == asked.note() && *by == asked.by,
        Body::Allowed { case, approval, .. } => *case == of && approval == allowed,
        Body::Answered { case, outcome, count, digest, .. } => {
            *case == of
                && *digest == super::manifest::hex(answered.note().as_bytes())
                && (*outcome, *count) == (answered.outcome, answered.count())
        }
        _ => false,
    }
}
