//! Whose keys count: those that the verifier has from elsewhere, and for what they have none of, those in the pack, which
//! is then said.

use super::archive::Members;
use crate::{
    holder::{Holder, People},
    timestamp::Authority,
    tlog::VerifierKey,
};

/// What the verifier has from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The hub's log.
    pub hub: Option<VerifierKey>,
    /// The mirror of the hub that cosigns the sites' checkpoints.
    pub mirror: Option<VerifierKey>,
    /// The sites' logs.
    pub sites: Vec<VerifierKey>,
    /// Witnesses, each of which must have cosigned the hub's checkpoint.
    pub witnesses: Vec<VerifierKey>,
    /// The officers.
    pub people: Option<People>,
    /// Whose time stamp must be there.
    pub tsa: Option<Authority>,
}

/// The keys by which a pack is verified.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The hub's log.
    pub hub: VerifierKey,
    /// The mirror.
    pub mirror: VerifierKey,
    /// The sites' logs.
    pub sites: Vec<VerifierKey>,
    /// The witnesses.
    pub witnesses: Vec<VerifierKey>,
    /// The officers.
    pub people: People,
    /// Whose keys were taken from the pack.
    pub believed: Vec<String>,
}

/// The folder of the keys in a pack.
const FOLDER: &str = "keys/";

impl Trust {
    /// Completes it with the keys in a pack; `None` where the pack has not those that are missing here.
    pub fn complete(&self, members: &Members) -> Option<Keys> {
        let mut believed = Vec::new();
        let mut one = |own: &Option<VerifierKey>, name: &str| match own {
            Some(key) => Some(key.clone()),
            None => {
                let key = line(members.get(&format!("{FOLDER}{name}.vkey"))?)?;
                believed.push(format!("{name}: {key}"));
                Some(key)
            }
        };
        let (hub, mirror) = (one(&self.hub, "hub")?, one(&self.mirror, "mirror")?);
        let mut several = |own: &[VerifierKey], folder: &str| {
            if !own.is_empty() {
                return Some(own.to_vec());
            }
            let keys = below(members, folder).map(line).collect::<Option<Vec<_>>>()?;
            believed.extend(keys.iter().map(|key| format!("{folder}: {key}")));
            Some(keys)
        };
        let sites = several(&self.sites, "sites")?;
        let witnesses = several(&self.witnesses, "witnesses")?;
        let people = match &self.people {
            Some(people) => people.clone(),
            None => {
                let holders = below(members, "holders").map(|content| {
                    let text = std::str::from_utf8(content).ok()?;
                    Holder::parse(text)
                });
                let holders = holders.collect::<Option<Vec<_>>>()?;
                believed
                    .extend(holders.iter().map(|holder| format!("holders: {}", holder.line().trim_end())));
                People::of(&holders).ok()?
            }
        };
        Some(Keys { hub, mirror, sites, witnesses, people, believed })
    }
}

fn below<'a>(members: &'a Members, folder: &str) -> impl Iterator<Item = &'a [u8]> {
    let prefix = format!("{FOLDER}{folder}/");
    members.iter().filter(move |(name, _)| name.starts_with(&prefix)).map(|(_, content)| content.as_slice())
}

fn line(content: &[u8]) -> Option<VerifierKey> {
    let text = std::str::from_utf8(content).ok()?.strip_suffix('\n')?;
    text.parse().ok().filter(|key: &VerifierKey| key.to_string() == text)
}

/// The files that give these keys away.
pub fn files(keys: &Keys) -> Members {
    let key =
        |name: String, key: &VerifierKey| (format!("{FOLDER}{name}.vkey"), format!("{key}\n").into_bytes());
    let mut members =
        Members::from([key("hub".to_owned(), &keys.hub), key("mirror".to_owned(), &keys.mirror)]);
    members.extend(keys.sites.iter().enumerate().map(|(n, site)| key(format!("sites/{n:03}"), site)));
    members.extend(keys.witnesses.iter().enumerate().map(|(n, by)| key(format!("witnesses/{n:03}"), by)));
    members.extend(
        keys.people
            .iter()
            .map(|holder| (format!("{FOLDER}holders/{}.pub", holder.name), holder.line().into_bytes())),
    );
    members
}
