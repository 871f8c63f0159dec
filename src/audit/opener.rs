//! Opening leaves with the keys of holders. Each layer is opened with its own key: none is put together from others.

use crate::{
    ceremony::{holder_info, sealed_words},
    class::Class,
    content::{Body, Content},
    holder::HolderKey,
    keys::{self, KeyError, KeyFolder},
    leaf::{Leaf, Mark},
    seal::{self, Private, Role, SealError},
    week::Period,
};
use std::collections::BTreeMap;

/// Why a leaf was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No holder among those given can open this layer, or the key was destroyed.
    #[error(
        "no key given opens class {class} of {period} for the {role}: it is another holder's, or destroyed"
    )]
    NoKey {
        /// The class.
        class: Class,
        /// The period.
        period: Period,
        /// The layer.
        role: Role,
    },
    /// The leaf says something that cannot be.
    #[error("leaf {0} is damaged: {1}")]
    Damaged(u64, String),
    /// A file.
    #[error(transparent)]
    Key(#[from] KeyError),
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

    /// Opens a leaf.
    ///
    /// # Errors
    /// When a key is missing or the leaf was changed.
    pub fn open(&mut self, leaf: &Leaf<'_>) -> Result<Content, OpenError> {
        let damaged = |what: &str| OpenError::Damaged(leaf.header.sequence, what.to_owned());
        // How many layers there must be is checked where the leaf is read.
        let text = match (leaf.body.split_first(), leaf.header.period) {
            (_, None) => leaf.body.to_vec(),
            (Some((_, sealed)), Some(period)) => {
                let outer = self.layer(leaf, period, Role::Requester, sealed)?;
                if leaf.header.mark == Mark::TagKey {
                    outer
                } else {
                    self.layer(leaf, period, Role::Approver, &outer)?
                }
            }
            (None, Some(_)) => return Err(damaged("it has no body")),
        };
        let content: Content = serde_json::from_slice(&text).map_err(|error| damaged(&error.to_string()))?;
        let is_key = matches!(content.body, Body::TagKey { .. });
        if content.body.class() == leaf.header.class && is_key == (leaf.header.mark == Mark::TagKey) {
            Ok(content)
        } else {
            Err(damaged("it is not what its header says"))
        }
    }

    fn layer(
        &mut self,
        leaf: &Leaf<'_>,
        period: Period,
        role: Role,
        sealed: &[u8],
    ) -> Result<Vec<u8>, OpenError> {
        let class = leaf.header.class;
        let key = self.key(class, period, role)?;
        seal::open(key, &seal::info(class, period, role), leaf.line, sealed)
            .map_err(|error| OpenError::Damaged(leaf.header.sequence, error.to_string()))
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

    fn unseal(&self, class: Class, period: Period, role: Role) -> Result<Option<Private>, KeyError> {
        for holder in self.holders.iter().filter(|holder| holder.role == role) {
            let path = self.folder.sealed_path(class, period, role, &holder.name);
            let Some(text) = keys::read(&path)? else { continue };
            let words = sealed_words(class, period, role, &holder.name);
            let not = || KeyError::NotAKey(path.clone());
            let sealed = keys::value(&text, &words).ok_or_else(not)?;
            match seal::open(&holder.key, &holder_info(role), &words, &sealed) {
                Ok(key) => return Private::from_octets(&key).map(Some).ok_or_else(not),
                // Sealed to a holder of the same name with another key.
                Err(SealError::Closed) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}
