//! Who may issue cards: AgID's trust list, verified, kept, renewed.
//!
//! The list is asked for and kept as the registry of SPID's providers is ([`crate::registry`]): verified whenever it is read,
//! replaced by a newer one whole or not at all. It recognises nobody after its `NextUpdate` and the grace of the settings.

mod change;
mod development;
mod list;
mod names;
mod services;
mod settings;
pub mod show;
mod signature;
mod signers;
#[cfg(test)]
mod tests;

pub use development::DEVELOPMENT;
pub use list::TrustList;
pub use settings::TrustSettings;

use super::issuers::Issuers;
use crate::{
    app,
    registry::{self, Registry, Signed},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};
use varco_policy::ConfigError;

/// How often the list in force is looked at on the disk: who accepts one by command is another process.
const INTERVAL: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 2000 });

/// Why nobody's card can be believed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoList {
    /// There was never a list that holds, or it was damaged before the hub started.
    #[error("there is no trust list")]
    None,
    /// It is longer past its end than the grace.
    #[error("the trust list ended on {since}")]
    Expired {
        /// Its `NextUpdate`.
        since: Timestamp,
    },
}

/// The issuers that are trusted now.
#[derive(Debug)]
pub struct Trust {
    registry: Arc<Registry<TrustList>>,
    grace: SignedDuration,
    now: RwLock<Now>,
}

#[derive(Debug)]
struct Now {
    seen: Option<(SystemTime, u64)>,
    issuers: Option<Arc<Issuers>>,
}

impl Trust {
    /// The list in force of the settings in `file`, kept below the folder `state`. That there is none yet is no mistake:
    /// [`watch`] asks for it.
    ///
    /// # Errors
    /// When the settings name no source or no signer that can be used.
    pub fn load(file: &Path, settings: &TrustSettings, state: &Path) -> Result<Self, ConfigError> {
        let registry = Arc::new(settings.registry(file, state)?);
        let now = RwLock::new(read(&registry));
        Ok(Self { registry, grace: settings.grace(), now })
    }

    /// Who may issue cards at `now`.
    ///
    /// # Errors
    /// When there is no list, or it is past its end and the grace.
    pub fn current(&self, now: Timestamp) -> Result<Arc<Issuers>, NoList> {
        let issuers = self.now.read().unwrap_or_else(PoisonError::into_inner).issuers.clone();
        let issuers = issuers.ok_or(NoList::None)?;
        let since = issuers.next_update;
        if since.saturating_add(self.grace).is_ok_and(|end| end <= now) {
            return Err(NoList::Expired { since });
        }
        if issuers.all.iter().all(|issuer| issuer.since <= now) {
            return Ok(issuers);
        }
        let mut known = Issuers::clone(&issuers);
        known.all.retain(|issuer| issuer.since <= now);
        Ok(Arc::new(known))
    }

    /// Reads the list in force again if it changed on the disk, and says whether it did. A file that went bad or away says
    /// nothing about the list that was verified before, which holds until its end.
    pub fn refresh(&self) -> bool {
        let seen = self.registry.kept().look();
        if self.now.read().unwrap_or_else(PoisonError::into_inner).seen == seen {
            return false;
        }
        let new = read(&self.registry);
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        if new.issuers.is_none() && now.issuers.is_some() {
            registry::alarm::<TrustList>("list", "its file is damaged or gone; the list in memory goes on");
            now.seen = new.seen;
        } else {
            *now = new;
        }
        true
    }
}

/// Asks for the list, and sees the one in force, for as long as the program runs. On an actix runtime.
pub async fn watch(trust: Arc<Trust>) {
    actix_web::rt::spawn(registry::watch(Arc::clone(&trust.registry)));
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        let again = Arc::clone(&trust);
        if actix_web::web::block(move || again.refresh()).await.is_err() {
            return;
        }
    }
}

/// First looked at, then read: a file that changes between the two is read again at the next look.
fn read(registry: &Registry<TrustList>) -> Now {
    let seen = registry.kept().look();
    // Its end is looked at when somebody asks who is recognised.
    let list = registry.kept().list(Timestamp::MIN).unwrap_or_else(|unfit| {
        registry::alarm::<TrustList>("list", format!("that in force is not used: {unfit}"));
        None
    });
    if let Some(list) = &list {
        let (number, until) = (list.issuers.number, list.issuers.next_update);
        tracing::info!(number, %until, issuers = list.issuers.all.len(), "{} is in force", TrustList::WORDS);
        if app::now() >= until {
            registry::alarm::<TrustList>("list", format!("its next update was due on {until}"));
        }
    }
    Now { seen, issuers: list.map(|list| Arc::new(list.issuers)) }
}
