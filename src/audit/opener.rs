//! Opening leaves with the keys of holders. Each role's key gives its half of one leaf's: no role's key is ever put together.

use crate::{
    ceremony::{holder_info, sealed_words},
    class::Class,
    content::{Body, Content},
    holder::{HolderError, HolderKey},
    keys::{self, KeyError, KeyFolder},
    leaf::{Leaf, Mark},
    seal::{self, Disclosed, LeafKey, Private, Role, open_disclosed},
    week::Period,
};
use std::collections::BTreeMap;

/// Why a leaf was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No holder among those given has this role's key, or it was destroyed.
    #[error(
        "no key given opens class {class} of {period} for the {role}: it is another holder's, or destroyed"
    )]
    NoKey {
        /// The class.
        class: Class,
        /// The period.
        period: Period,
        /// The role.
        role: Role,
    },
    /// The leaf says something that cannot be.
    #[error("leaf {0} is damaged: {1}")]
    Damaged(u64, String),
    /// What a request seals is not what it must be.
    #[error("the request's question: {0}")]
    Request(String),
    /// A file, or a holder's token.
    #[error(transparent)]
    Holder(#[from] HolderError),
}

/// The holders who are there, and the keys that they opened so far.
#[derive(Debug)]
pub struct Opener {
    folder: KeyFolder,
    holders: Vec<HolderKey>,
    opened: BTreeMap<(Class, Period, Role), Private>,
}

impl Opener {
    /// These holders, and the folder with the keys sealed to them.
    pub fn new(folder: KeyFolder, holders: Vec<HolderKey>) -> Self {
        Self { folder, holders, opened: BTreeMap::new() }
    }

    /// The first of a role who is there.
    pub fn holder(&self, role: Role) -> Option<&HolderKey> {
        self.holders.iter().find(|holder| holder.role == role)
    }

    /// Opens a leaf.
    ///
    /// # Errors
    /// When a key is missing or the leaf was changed.
    pub fn open(&mut self, leaf: &Leaf<'_>) -> Result<Content, OpenError> {
        if leaf.header.period.is_none() {
            return read(leaf, leaf.body);
        }
        let disclosed = self.disclose(leaf)?;
        read(leaf, &open_disclosed(leaf, &disclosed).map_err(|error| damaged(leaf, error))?)
    }

    /// Both halves of the key of a sealed leaf, or the one of a leaf that is sealed to the requester alone. They open it.
    ///
    /// # Errors
    /// When a key is missing, the leaf was changed, or it is not sealed.
    pub fn disclose(&mut self, leaf: &Leaf<'_>) -> Result<Disclosed, OpenError> {
        let requester = self.half(leaf, Role::Requester)?;
        let two = leaf.header.mark != Mark::TagKey;
        let approver = two.then(|| self.half(leaf, Role::Approver)).transpose()?;
        let disclosed = Disclosed { requester, approver };
        open_disclosed(leaf, &disclosed).map_err(|error| damaged(leaf, error))?;
        Ok(disclosed)
    }

    /// A role's half of the key of a sealed leaf. Whether it is the right one is seen when both are there.
    ///
    /// # Errors
    /// When the role's key is missing, or the leaf is not sealed.
    pub fn half(&mut self, leaf: &Leaf<'_>, role: Role) -> Result<LeafKey, OpenError> {
        let class = leaf.header.class;
        let period = leaf.header.period.ok_or_else(|| damaged(leaf, "it is not sealed"))?;
        let with = self.key(class, period, role)?;
        let key = seal::leaf_key(with, &seal::info(class, period, role), (leaf.line, leaf.body), role);
        key.map_err(|error| damaged(leaf, error))
    }

    /// Opens a text that was sealed to the key of a class, period and role.
    ///
    /// # Errors
    /// When the key is missing or the text was changed.
    pub fn text(
        &mut self,
        (class, period, role): (Class, Period, Role),
        info: &str,
        aad: &str,
        sealed: &[u8],
    ) -> Result<Vec<u8>, OpenError> {
        let with = self.key(class, period, role)?;
        seal::open(with, info, aad, sealed).map_err(|error| OpenError::Request(error.to_string()))
    }

    fn key(&mut self, class: Class, period: Period, role: Role) -> Result<&Private, OpenError> {
        let place = (class, period, role);
        if !self.opened.contains_key(&place) {
            let key = self.unseal(class, period, role)?;
            let key = key.ok_or(OpenError::NoKey { class, period, role })?;
            self.opened.insert(place, key);
        }
        self.opened.get(&place).ok_or(OpenError::NoKey { class, period, role })
    }

    fn unseal(&self, class: Class, period: Period, role: Role) -> Result<Option<Private>, HolderError> {
        for holder in self.holders.iter().filter(|holder| holder.role == role) {
            let path = self.folder.sealed_path(class, period, role, &holder.name);
            let Some(text) = keys::read(&path)? else { continue };
            let words = sealed_words(class, period, role, &holder.name);
            let not = || KeyError::NotAKey(path.clone());
            let sealed = keys::value(&text, &words).ok_or_else(not)?;
            match holder.open(&holder_info(role), &words, &sealed) {
                Ok(key) => return Ok(Some(Private::from_octets(&key).ok_or_else(not)?)),
                // Sealed to a holder of the same name with another key.
                Err(error) if error.is_closed() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// What the text of a leaf says, whoever opened it: a content of the class that the header names.
///
/// # Errors
/// When it is not.
pub fn read(leaf: &Leaf<'_>, text: &[u8]) -> Result<Content, OpenError> {
    let content = Content::parse(text).map_err(|error| damaged(leaf, error))?;
    let is_key = matches!(content.body, Body::TagKey { .. });
    let case = match leaf.header.mark {
        Mark::Case(step, case) => Some((step, case)),
        _ => None,
    };
    let marked = is_key == (leaf.header.mark == Mark::TagKey) && content.body.case() == case;
    if content.body.class() == leaf.header.class && marked {
        Ok(content)
    } else {
        Err(damaged(leaf, "it is not what its header says"))
    }
}

fn damaged(leaf: &Leaf<'_>, what: impl ToString) -> OpenError {
    OpenError::Damaged(leaf.header.sequence, what.to_string())
}
