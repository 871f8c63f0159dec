//! The providers that are trusted now: the metadata folders and the registry's list, read again when one changes.

use super::saml::Providers;
use crate::{
    app,
    config::ProviderSettings,
    registry::{self, Registry},
};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

/// How often the folder is looked at; a new file is trusted within five seconds.
const INTERVAL: Duration = Duration::from_secs(2);

/// Name, time and size of each file: what changes when a file does.
type Look = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// The trusted providers.
#[derive(Debug)]
pub struct Trusted {
    folders: ProviderSettings,
    registry: Option<Arc<Registry>>,
    now: RwLock<Now>,
}

#[derive(Debug)]
struct Now {
    seen: Look,
    providers: Arc<Providers>,
    /// When the registry's list, or a part of it, may be relied on no longer.
    ends: Option<Timestamp>,
}

impl Trusted {
    /// Reads the folders, and the registry's list in force. What cannot be used is named in the program log; the rest
    /// stays.
    pub fn load(folders: &ProviderSettings, registry: Option<Arc<Registry>>, now: Timestamp) -> Self {
        let first = read(folders, registry.as_deref(), now);
        Self { folders: folders.clone(), registry, now: RwLock::new(first) }
    }

    /// The providers at this moment.
    pub fn current(&self) -> Arc<Providers> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).providers)
    }

    /// Reads everything again if a file changed or the list came to its end, and says whether it did.
    pub fn refresh(&self, now: Timestamp) -> bool {
        let seen = look(&self.folders, self.registry.as_deref());
        {
            let known = self.now.read().unwrap_or_else(PoisonError::into_inner);
            if known.seen == seen && known.ends.is_none_or(|end| now < end) {
                return false;
            }
        }
        let new = read(&self.folders, self.registry.as_deref(), now);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = new;
        true
    }
}

/// Refreshes for as long as the program runs.
pub async fn watch(trusted: Arc<Trusted>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        let folder = Arc::clone(&trusted);
        if actix_web::web::block(move || folder.refresh(app::now())).await.is_err() {
            return;
        }
    }
}

fn read(folders: &ProviderSettings, registry: Option<&Registry>, now: Timestamp) -> Now {
    // First looked at, then read: a file that changes between the two is read again at the next look.
    let seen = look(folders, registry);
    let (mut providers, problems) = Providers::load(folders.folders());
    for problem in problems {
        tracing::warn!(%problem, "a provider's metadata is not used");
    }
    let list = registry.and_then(|registry| registry.in_force(now));
    let ends = list.as_ref().and_then(|list| list.next_end?.saturating_add(registry::GRACE).ok());
    providers.add_listed(list.into_iter().flat_map(|list| list.providers));
    providers.rename(&folders.names);
    tracing::info!(count = providers.iter().count(), "identity providers trusted");
    Now { seen, providers: Arc::new(providers), ends }
}

fn look(folders: &ProviderSettings, registry: Option<&Registry>) -> Look {
    let files = folders.folders().filter_map(|(_, folder)| std::fs::read_dir(folder).ok());
    let files = files.flatten().flatten().map(|entry| entry.path());
    files
        .chain(registry.map(|registry| registry.kept().file()))
        .filter_map(|file| {
            let about = std::fs::metadata(&file).ok()?;
            Some((file, (about.modified().ok(), about.len())))
        })
        .collect()
}
