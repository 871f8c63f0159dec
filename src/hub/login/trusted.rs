//! The providers that are trusted now: the metadata folder, read again when it changes.

use super::saml::Providers;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

/// How often the folder is looked at; a new file is trusted within five seconds.
const INTERVAL: Duration = Duration::from_secs(2);

/// Name, time and size of each file: what changes when a file does.
type Look = BTreeMap<OsString, (Option<SystemTime>, u64)>;

/// The trusted providers.
#[derive(Debug)]
pub struct Trusted {
    folder: PathBuf,
    now: RwLock<(Look, Arc<Providers>)>,
}

impl Trusted {
    /// Reads the folder. A file that cannot be used is named in the program log; the others stay.
    pub fn load(folder: &Path) -> Self {
        let seen = look(folder);
        let providers = read(folder);
        Self { folder: folder.to_path_buf(), now: RwLock::new((seen, providers)) }
    }

    /// The providers at this moment.
    pub fn current(&self) -> Arc<Providers> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// Reads the folder again if it changed, and says whether it did.
    pub fn refresh(&self) -> bool {
        let seen = look(&self.folder);
        if self.now.read().unwrap_or_else(PoisonError::into_inner).0 == seen {
            return false;
        }
        let providers = read(&self.folder);
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

fn read(folder: &Path) -> Arc<Providers> {
    let (providers, problems) = Providers::load(folder);
    for problem in problems {
        tracing::warn!(%problem, "a provider's metadata is not used");
    }
    tracing::info!(count = providers.iter().count(), "SPID providers trusted");
    Arc::new(providers)
}

fn look(folder: &Path) -> Look {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let about = entry.metadata().ok()?;
            Some((entry.file_name(), (about.modified().ok(), about.len())))
        })
        .collect()
}
