//! What all documents of a case have in common: lines `key value` in one order, one signature, one spelling.

use crate::{
    case::CaseId,
    holder::{Holder, HolderError, HolderKey, People},
    seal::Role,
    tlog::Note,
};
use std::{ops::Deref, str::Split};

/// Why a document is not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadDocument {
    /// It is another document, or none.
    #[error("this is no {0} that is written as it must be")]
    NotThis(&'static str),
    /// Nobody of this name is known here.
    #[error("`{0}` is none of the holders known here")]
    Unknown(String),
    /// They have the other role.
    #[error("`{0}` is {1}; a {2} is signed by the other role")]
    Role(String, Role, &'static str),
    /// The signature is not theirs.
    #[error("it is not signed by `{0}` with the key known here, or was changed since")]
    Signature(String),
    /// It is of another case.
    #[error("it is of case {found}, not of {wanted}")]
    OtherCase {
        /// Its own.
        found: CaseId,
        /// The one that is dealt with.
        wanted: CaseId,
    },
}

/// A document of a case.
pub trait Document: Sized {
    /// The first line.
    const FORMAT: &'static str;
    /// Who signs it.
    const ROLE: Role;

    /// The name of the holder who signs it.
    fn by(&self) -> &str;
    /// The lines after the first, each with its newline.
    fn lines(&self) -> String;
    /// Reads those lines.
    fn read(lines: &mut Lines<'_>) -> Option<Self>;
    /// The case, where the document says it; the request is the case.
    fn case(&self) -> Option<CaseId>;
}

/// The lines of a document.
#[derive(Debug, Clone)]
pub struct Lines<'a>(Split<'a, char>);

impl<'a> Lines<'a> {
    /// Those of a text.
    pub fn of(text: &'a str) -> Self {
        Self(text.split('\n'))
    }

    /// The next line.
    pub fn line(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    /// The value of the next line, which must have this key.
    pub fn value(&mut self, key: &str) -> Option<&'a str> {
        value(self.0.next()?, key)
    }

    /// The value of the next line if it has this key; otherwise the line stays.
    pub fn optional(&mut self, key: &str) -> Option<&'a str> {
        let found = value(self.0.clone().next()?, key)?;
        self.0.next();
        Some(found)
    }

    /// The values of the lines that follow and have this key.
    pub fn values(&mut self, key: &str) -> Vec<&'a str> {
        std::iter::from_fn(|| self.optional(key)).collect()
    }
}

fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix(' ')
}

/// A document whose signature was verified: nothing else makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<D> {
    document: D,
    by: Holder,
    note: String,
}

impl<D: Document> Signed<D> {
    /// Signs a document.
    ///
    /// # Errors
    /// When the holder's token does not sign.
    pub fn make(document: &D, key: &HolderKey) -> Result<String, HolderError> {
        key.sign(&format!("{}\n{}", D::FORMAT, document.lines()))
    }

    /// Reads a document and verifies that a holder of the right role signed it, and nobody else.
    ///
    /// # Errors
    /// [`BadDocument`].
    pub fn read(octets: &[u8], people: &People) -> Result<Self, BadDocument> {
        let (note, document) = parse::<D>(octets).ok_or(BadDocument::NotThis(D::FORMAT))?;
        let name = document.by().to_owned();
        let by = people.get(&name).ok_or_else(|| BadDocument::Unknown(name.clone()))?.clone();
        if by.role != D::ROLE {
            return Err(BadDocument::Role(name, by.role, D::FORMAT));
        }
        let holds = |signature: &[u8]| by.verifying.holds(note.text.as_bytes(), signature);
        let signature = note.only_signature(&by.name, by.verifying.id(&by.name)).filter(|s| holds(s));
        let signature = signature.ok_or(BadDocument::Signature(name))?;
        let written = format!("{}\n{}", note.text, by.verifying.signature_line(&by.name, signature));
        if written.as_bytes() != octets {
            return Err(BadDocument::NotThis(D::FORMAT));
        }
        Ok(Self { document, by, note: written })
    }

    /// The same, of a case that is known.
    ///
    /// # Errors
    /// [`BadDocument`].
    pub fn of_case(octets: &[u8], people: &People, case: CaseId) -> Result<Self, BadDocument> {
        let signed = Self::read(octets, people)?;
        match signed.document.case() {
            Some(found) if found != case => Err(BadDocument::OtherCase { found, wanted: case }),
            _ => Ok(signed),
        }
    }

    /// The case: what the document says, or that of the request itself.
    pub fn case_id(&self) -> CaseId {
        self.document.case().unwrap_or_else(|| CaseId::of(self.note.as_bytes()))
    }

    /// Who signed.
    pub const fn holder(&self) -> &Holder {
        &self.by
    }

    /// The whole note.
    pub fn note(&self) -> &str {
        &self.note
    }
}

impl<D> Deref for Signed<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.document
    }
}

/// A document that is written as it would be written here.
fn parse<D: Document>(octets: &[u8]) -> Option<(Note, D)> {
    let note = Note::parse(octets).ok()?;
    let mut lines = Lines::of(&note.text);
    let document = (lines.line()? == D::FORMAT).then(|| D::read(&mut lines)).flatten()?;
    let written = format!("{}\n{}", D::FORMAT, document.lines());
    (written == note.text).then_some((note, document))
}
