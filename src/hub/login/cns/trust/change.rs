//! What differs between two trust lists, told to the operator.

use crate::{login::cns::issuers::Issuer, registry::fingerprint};
use std::{collections::BTreeMap, fmt};

/// One difference: an issuer by the SHA-256 of its certificate, with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An issuer that was not recognised.
    Added(String, String),
    /// One that is recognised no more: withdrawn, or gone from the list.
    Removed(String, String),
    /// Its name is another.
    Name(String, String),
}

impl Change {
    /// Every difference, by fingerprint.
    pub fn between(before: &[Issuer], after: &[Issuer]) -> Vec<Self> {
        let by_key = |list: &'_ [Issuer]| -> BTreeMap<String, String> {
            list.iter().map(|issuer| (fingerprint(&issuer.certificate), issuer.name.clone())).collect()
        };
        let (was, is) = (by_key(before), by_key(after));
        let gone = was.iter().filter(|(key, _)| !is.contains_key(*key));
        let gone = gone.map(|(key, name)| Self::Removed(key.clone(), name.clone()));
        let new = is.iter().filter_map(|(key, name)| match was.get(key) {
            None => Some(Self::Added(key.clone(), name.clone())),
            Some(old) => (old != name).then(|| Self::Name(key.clone(), name.clone())),
        });
        gone.chain(new).collect()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added(key, name) => write!(f, "added {key} {name}"),
            Self::Removed(key, name) => write!(f, "removed {key} {name}"),
            Self::Name(key, name) => write!(f, "changed name {key} {name}"),
        }
    }
}
