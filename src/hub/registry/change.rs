//! What differs between two lists of providers, told to the operator.

use crate::login::saml::Provider;
use openssl::hash::MessageDigest;
use std::{collections::BTreeSet, fmt};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A provider that was not there.
    Added(String),
    /// A provider that is there no longer.
    Removed(String),
    /// Its addresses of login or logout are others.
    Endpoint(String),
    /// It signs with other keys.
    Key {
        /// The provider.
        provider: String,
        /// SHA-256 of the certificates that are new.
        added: Vec<String>,
        /// SHA-256 of those that went.
        removed: Vec<String>,
    },
    /// Citizens know it by another name.
    Name(String),
}

impl Change {
    /// Every difference, by entityID.
    pub fn between(before: &[Provider], after: &[Provider]) -> Vec<Self> {
        let find = |list: &'_ [Provider], id: &str| list.iter().position(|p| p.entity_id == id);
        let ids: BTreeSet<_> = before.iter().chain(after).map(|p| p.entity_id.as_str()).collect();
        let mut changes = Vec::new();
        for id in ids {
            let was = find(before, id).and_then(|i| before.get(i));
            match (was, find(after, id).and_then(|i| after.get(i))) {
                (Some(was), Some(is)) => changes.extend(Self::within(was, is)),
                (None, Some(_)) => changes.push(Self::Added(id.to_owned())),
                _ => changes.push(Self::Removed(id.to_owned())),
            }
        }
        changes
    }

    fn within(was: &Provider, is: &Provider) -> Vec<Self> {
        let mut changes = Vec::new();
        let id = || is.entity_id.clone();
        let places = |p: &Provider| {
            (p.sso_redirect.clone(), p.sso_post.clone(), p.slo_redirect.clone(), p.slo_post.clone())
        };
        if places(was) != places(is) {
            changes.push(Self::Endpoint(id()));
        }
        let [old, new] = [was, is].map(|p| p.certificates.iter().map(fingerprint).collect::<BTreeSet<_>>());
        if old != new {
            let added = new.difference(&old).cloned().collect();
            changes.push(Self::Key {
                provider: id(),
                added,
                removed: old.difference(&new).cloned().collect(),
            });
        }
        if was.name != is.name {
            changes.push(Self::Name(id()));
        }
        changes
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added(id) => write!(f, "added {id}"),
            Self::Removed(id) => write!(f, "removed {id}"),
            Self::Endpoint(id) => write!(f, "changed endpoint {id}"),
            Self::Key { provider, added, removed } => {
                write!(f, "changed key {provider}")?;
                added.iter().try_for_each(|key| write!(f, " +{key}"))?;
                removed.iter().try_for_each(|key| write!(f, " -{key}"))
            }
            Self::Name(id) => write!(f, "changed name {id}"),
        }
    }
}

/// SHA-256 of a certificate, in hexadecimal.
pub fn fingerprint(certificate: &openssl::x509::X509) -> String {
    let digest = certificate.digest(MessageDigest::sha256());
    digest.map_or_else(|e| e.to_string(), |d| d.iter().map(|b| format!("{b:02x}")).collect())
}
