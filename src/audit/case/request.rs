//! The request: who asks and when, in clear; what, sealed.
//!
//! The question is sealed twice, to the R4 keys of the week of both roles, and the document commits to its text, so that both open
//! the same one. It is bound to the lines above it, and those to the signature.

use super::{
    document::{Document, Lines},
    question::{Question, commitment},
};
use crate::{
    case::CaseId,
    class::Class,
    opener::{OpenError, Opener},
    seal::{self, Pair, Role, SealError},
    week::{Length, Period},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The requester.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The week to whose R4 keys the question is sealed.
    pub week: Period,
    /// SHA-256 over the question with its salt, 64 hexadecimal digits.
    pub commitment: String,
    sealed: [Vec<u8>; 2],
}

impl Request {
    /// Seals a question to both roles.
    ///
    /// # Errors
    /// When a key is none or the kernel has no randomness.
    pub fn of(
        question: &Question,
        by: &str,
        at: Timestamp,
        (week, pair): (Period, &Pair),
    ) -> Result<Self, SealError> {
        let mut salt = [0; 16];
        SystemRandom::new().fill(&mut salt).map_err(|_| SealError::NoRandomness)?;
        let text = question.text(&salt);
        let commitment = commitment(&text);
        let mut request = Self { by: by.to_owned(), at, week, commitment, sealed: Default::default() };
        let clear = request.clear();
        let sealed = |role, key| seal::seal(key, &info(week, role), &clear, text.as_bytes());
        request.sealed = [sealed(Role::Requester, &pair.requester)?, sealed(Role::Approver, &pair.approver)?];
        Ok(request)
    }

    /// Opens the question with the key of a role, and checks that it may be asked.
    ///
    /// # Errors
    /// When no holder given opens it, or it is not what the document commits to.
    pub fn question(&self, opener: &mut Opener, role: Role) -> Result<Question, OpenError> {
        self.open(opener, role).map(|(_, question)| question)
    }

    /// The same, with the salted text that the request commits to: whoever is shown it and the request sees that it was asked.
    ///
    /// # Errors
    /// As [`Self::question`].
    pub fn open(&self, opener: &mut Opener, role: Role) -> Result<(String, Question), OpenError> {
        let [requester, approver] = &self.sealed;
        let sealed = if role == Role::Requester { requester } else { approver };
        let place = (Class::R4, self.week, role);
        let text = opener.text(place, &info(self.week, role), &self.clear(), sealed)?;
        let other = || OpenError::Request("it is not the one committed to".into());
        let text = String::from_utf8(text).map_err(|_| other())?;
        let question = self.committed(&text).ok_or_else(other)?;
        question.check(self.at).map_err(|unfit| OpenError::Request(unfit.to_string()))?;
        Ok((text, question))
    }

    /// The question in a salted text, if it is the one that the request commits to.
    pub fn committed(&self, text: &str) -> Option<Question> {
        (commitment(text) == self.commitment).then(|| Question::parse(text)).flatten()
    }

    /// The lines that say nothing of the question, and that it is bound to.
    fn clear(&self) -> String {
        let Self { by, at, week, commitment, .. } = self;
        format!("by {by}\nat {at}\nweek {week}\nquestion {commitment}\n")
    }
}

fn info(week: Period, role: Role) -> String {
    format!("varco question {week} {role}")
}

impl Document for Request {
    const FORMAT: &'static str = "varco-request/1";
    const ROLE: Role = Role::Requester;

    fn by(&self) -> &str {
        &self.by
    }

    fn lines(&self) -> String {
        let [requester, approver] = self.sealed.each_ref().map(|sealed| STANDARD.encode(sealed));
        format!("{}requester {requester}\napprover {approver}\n", self.clear())
    }

    fn read(lines: &mut Lines<'_>) -> Option<Self> {
        let (by, at) = (lines.value("by")?.to_owned(), lines.value("at")?.parse().ok()?);
        let week: Period = lines.value("week")?.parse().ok()?;
        let commitment = lines.value("question")?;
        let digits = commitment.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let mut sealed = |key| STANDARD.decode(lines.value(key)?).ok();
        let sealed = [sealed("requester")?, sealed("approver")?];
        let whole = week.length() == Length::Week && digits && commitment.len() == 64;
        whole.then(|| Self { by, at, week, commitment: commitment.to_owned(), sealed })
    }

    fn case(&self) -> Option<CaseId> {
        None
    }
}
