//! A text that two persons sign, a requester and an approver: a signed note (C2SP signed-note) with both their lines, the
//! requester's first.

use crate::{
    holder::{Holder, HolderError, HolderKey, People},
    seal::Role,
    tlog::Note,
};

/// A text that both have signed: nothing else makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Both {
    text: String,
    by: [Holder; 2],
}

/// Why a note is not by both.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotBoth {
    /// It is no note with two lines.
    #[error("it is no note that two persons signed")]
    Malformed,
    /// Nobody of this name is known.
    #[error("`{0}` is none of the holders known here")]
    Unknown(String),
    /// Not one of each role.
    #[error("`{0}` is not the {1}: the requester signs first, then the approver")]
    Role(String, Role),
    /// Not their signature.
    #[error("the signature of `{0}` is not by the key known here, or the text was changed")]
    Signature(String),
}

/// Signs a text, which ends in a newline, with both keys.
///
/// # Errors
/// When a token does not sign.
pub fn sign(text: &str, [requester, approver]: [&HolderKey; 2]) -> Result<String, HolderError> {
    let (first, second) = (requester.sign(text)?, approver.sign(text)?);
    let line = second.rsplit_once("\n\n").map_or("", |(_, line)| line);
    Ok(first + line)
}

impl Both {
    /// Reads a note and verifies that a requester and an approver among these people signed it, and nobody else.
    ///
    /// # Errors
    /// [`NotBoth`].
    pub fn read(octets: &[u8], people: &People) -> Result<Self, NotBoth> {
        let note = std::str::from_utf8(octets).map_err(|_| NotBoth::Malformed)?;
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NotBoth::Malformed)?;
        let lines: Vec<_> = lines.split_inclusive('\n').collect();
        let [requester, approver] = lines[..] else { return Err(NotBoth::Malformed) };
        let text = format!("{text}\n");
        let requester = signer(&text, requester, people, Role::Requester)?;
        let approver = signer(&text, approver, people, Role::Approver)?;
        Ok(Self { text, by: [requester, approver] })
    }

    /// What they signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The requester and the approver.
    pub const fn by(&self) -> &[Holder; 2] {
        &self.by
    }
}

fn signer(text: &str, line: &str, people: &People, role: Role) -> Result<Holder, NotBoth> {
    let name = line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')).ok_or(NotBoth::Malformed)?.0;
    let holder = people.get(name).ok_or_else(|| NotBoth::Unknown(name.to_owned()))?;
    if holder.role != role {
        return Err(NotBoth::Role(name.to_owned(), role));
    }
    let one = format!("{text}\n{line}");
    let note = Note::parse(one.as_bytes()).map_err(|_| NotBoth::Malformed)?;
    let signature = note.only_signature(name, holder.verifying.id(name));
    let signature = signature.filter(|signature| holder.verifying.holds(text.as_bytes(), signature));
    // One spelling only: a line that says the same otherwise was written by nobody of them.
    let written = signature.map(|signature| holder.verifying.signature_line(name, signature));
    match written {
        Some(written) if written == line => Ok(holder.clone()),
        _ => Err(NotBoth::Signature(name.to_owned())),
    }
}
