//! The providers that are trusted now: the metadata folders, read again when one changes.

use super::saml::Providers;
use crate::config::ProviderSettings;
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
    now: RwLock<(Look, Arc<Providers>)>,
}

impl Trusted {
    /// Reads the folders. A file that cannot be used is named in the program log; the others stay.
    pub fn load(folders: &ProviderSettings) -> Self {
        let seen = look(folders);
        let providers = read(folders);
        Self { folders: folders.clone(), now: RwLock::new((seen, providers)) }
    }

    /// The providers at this moment.
    pub fn current(&self) -> Arc<Providers> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// Reads the folders again if one changed, and says whether it did.
    pub fn refresh(&self) -> bool {
        let seen = look(&self.folders);
        if self.now.read().unwrap_or_else(PoisonError::into_inner).0 == seen {
            return false;
        }
        let providers = read(&self.folders);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = (seen, providers);
        true
    }
}

/// Refreshes for as long as the program runs.
pub async fn watch(trusted: Arc<Trusted>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        let folder = Arc::clone(&trusted);
        if actix_web::web::block(move || folder.refresh()).await.is_err() {
            return;
        }
    }
}

fn read(folders: &ProviderSettings) -> Arc<Providers> {
    let (providers, problems) = Providers::load(folders.folders());
    for problem in problems {
        tracing::warn!(%problem, "a provider's metadata is not used");
    }
    tracing::info!(count = providers.iter().count(), "identity providers trusted");
    Arc::new(providers)
}

fn look(folders: &ProviderSettings) -> Look {
    let all = folders.folders().filter_map(|(_, folder)| std::fs::read_dir(folder).ok());
    all.flatten()
        .flatten()
        .filter_map(|entry| {
            let about = entry.metadata().ok()?;
            Some((entry.path(), (about.modified().ok(), about.len())))
        })
        .collect()
}
