//! Verifying a pack: every file counts, and nothing is believed that somebody's key does not sign.
//!
//! 1. The archive is spelled as only one is; its manifest lists these very files and is signed by a requester and an approver.
//! 2. Request, approval and answer are theirs, of one case, and the question is the one that the request commits to.
//! 3. The hub's log has these documents as entries, in this order, under a checkpoint that the witnesses cosigned (`hub.rs`).
//! 4. Each record is in its site's log under a checkpoint that the hub's mirror cosigned and the hub's log has as an entry, and
//!    what was searched then is the beginning of it (`sites.rs`).
//! 5. The secrets open each record, and the answer follows from what they say (`session.rs`).

use super::{
    archive::{self, Members},
    manifest, names,
    report::{BadPack, Report},
    trust::{Keys, Trust},
};
use crate::{
    both::Both,
    case::{Answer, Approval, Document, Question, Request, Signed, What},
    entry::Clock,
    timestamp::{self, Authority},
    tlog::Note,
};
use std::collections::BTreeSet;

/// A pack that is being verified: which of its files were looked at.
pub struct Checked<'a> {
    members: &'a Members,
    pub keys: Keys,
    taken: BTreeSet<String>,
}

/// Verifies a pack.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(octets: &[u8], trust: &Trust) -> Result<Report, BadPack> {
    let members = archive::read(octets).ok_or(BadPack::Archive)?;
    let keys = trust.complete(&members).ok_or(BadPack::Keys)?;
    let mut report = Report { believed: keys.believed.clone(), ..Report::default() };
    let mut checked = Checked { members: &members, keys, taken: BTreeSet::new() };
    let head = checked.manifest(&mut report)?;
    let request: Signed<Request> = checked.document(names::REQUEST)?;
    let case = request.case_id();
    if head.case != case {
        return Err(BadPack::Case(head.case));
    }
    let (approval, answer): (Signed<Approval>, Signed<Answer>) =
        (checked.document(names::APPROVAL)?, checked.document(names::ANSWER)?);
    if let Some(other) = [approval.case_id(), answer.case_id()].into_iter().find(|other| *other != case) {
        return Err(BadPack::Case(other));
    }
    let question = checked.question(&request)?;
    report.say("case", case.to_string());
    report.say("act", format!("{}, {}", question.act, question.authority));
    report.say("requested", format!("by {} at {}", request.by, request.at));
    report.say("approved", format!("by {} at {}", approval.by, approval.at));
    let checkpoint = checked.checkpoint(&mut report)?;
    checked.steps(&checkpoint, (&request, approval.note(), &answer), &mut report)?;
    checked.timestamp(trust.tsa.as_ref(), &mut report)?;
    checked.sites(&checkpoint, &question, &answer, &mut report)?;
    asked(&question, &answer, &mut report);
    checked.rest()?;
    Ok(report)
}

impl<'a> Checked<'a> {
    /// A file.
    pub fn take(&mut self, name: &str) -> Result<&'a [u8], BadPack> {
        self.take_if(name).ok_or_else(|| BadPack::Member(name.to_owned()))
    }

    /// A file that need not be there.
    pub fn take_if(&mut self, name: &str) -> Option<&'a [u8]> {
        let content = self.members.get(name)?;
        self.taken.insert(name.to_owned());
        Some(content)
    }

    /// The names of the files that begin so.
    pub fn below(&self, prefix: &str) -> Vec<String> {
        self.members.keys().filter(|name| name.starts_with(prefix)).cloned().collect()
    }

    fn manifest(&mut self, report: &mut Report) -> Result<manifest::Head, BadPack> {
        let both = Both::read(self.take(manifest::NAME)?, &self.keys.people)?;
        let head = manifest::read(both.text(), self.members).ok_or(BadPack::Manifest)?;
        let [requester, approver] = both.by();
        report.say(
            "pack",
            format!(
                "of {} files, by {} and {} at {}",
                self.members.len(),
                requester.name,
                approver.name,
                head.at
            ),
        );
        Ok(head)
    }

    fn document<D: Document>(&mut self, name: &'static str) -> Result<Signed<D>, BadPack> {
        Signed::read(self.take(name)?, &self.keys.people).map_err(|error| BadPack::Document(name, error))
    }

    fn question(&mut self, request: &Request) -> Result<Question, BadPack> {
        let text = std::str::from_utf8(self.take(names::QUESTION)?).map_err(|_| BadPack::Question)?;
        request.committed(text).ok_or(BadPack::Question)
    }

    /// The time stamp of the hub's checkpoint. Its authority's certificates are nothing that a pack could bring.
    fn timestamp(&mut self, tsa: Option<&Authority>, report: &mut Report) -> Result<(), BadPack> {
        let note = Note::parse(self.take(names::CHECKPOINT)?);
        let text = note.map_err(|_| BadPack::Member(names::CHECKPOINT.to_owned()))?.text;
        match (self.take_if(names::TIMESTAMP), tsa) {
            (Some(token), Some(tsa)) => {
                let stamp = timestamp::verify(token, text.as_bytes(), None, tsa)?;
                report.say("timestamp", format!("{} by {}", stamp.at, stamp.by));
            }
            (Some(_), None) => report.say("timestamp", "there, and not verified: give --tsa"),
            (None, Some(_)) => return Err(BadPack::Member(names::TIMESTAMP.to_owned())),
            (None, None) => report.say("timestamp", "none"),
        }
        Ok(())
    }

    /// Nothing is there that nobody looked at. What only the manifest vouches for is named here.
    fn rest(&mut self) -> Result<(), BadPack> {
        for vouched in [names::README, names::DIGESTS] {
            self.take(vouched)?;
        }
        let stranger =
            self.members.keys().find(|name| !self.taken.contains(*name) && !name.starts_with("keys/"));
        stranger.map_or(Ok(()), |name| Err(BadPack::Stranger(name.clone())))
    }
}

/// Question and answer in words.
fn asked(question: &Question, answer: &Answer, report: &mut Report) {
    if let What::Slot(moment) = &question.what {
        let (address, port, at) = (moment.address, moment.port, &moment.at);
        report.say("question", format!("{address} port {port} at {at}, within {} s", moment.tolerance));
    }
    report.say("outcome", answer.outcome.to_string());
    for told in &answer.sessions {
        let subject = told.subject.as_str();
        report.say(
            "session",
            format!(
                "{} pass {} subject {subject} from {} to {} ({})",
                told.site, told.pass, told.from, told.until, told.ended
            ),
        );
    }
    let clock = match answer.clock {
        Clock::Unknown => "nobody knew how right the clocks were".to_owned(),
        Clock::WithinMs(ms) => format!("the clocks were at most {ms} ms off, by their own estimate"),
    };
    report.say("clock", clock);
}
