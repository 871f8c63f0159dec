//! Copies of the gateways' logs (C2SP tlog-mirror), in `<state>/sites/<SHA-256 of the origin, hex>/`. The answer to a whole
//! upload carries our cosignature: that is the acknowledgement, given when everything is durable and the hub's own log has an
//! entry of it (`Copied`).
//!
//! Departure from the specification: who uploads proves itself as at the token endpoint, and the copies are not served to the
//! public: they are personal data, though sealed.

pub mod add_checkpoint;
pub mod add_entries;
#[cfg(test)]
pub(crate) mod tests;

use crate::{
    config::{Client, Settings},
    log::{HubLog, HubLogError},
};
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};
use varco_audit::{
    content::Body,
    expiry::{self, Over, Terms},
    tlog::{CosignerKey, KeyError, Mirror, MirrorError, NoteKey, Signed, VerifierKey, prune::PruneError},
};
use varco_policy::ConfigError;

/// Why a copy could not be written. Nothing was acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The copy.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// What is over in it cannot go.
    #[error(transparent)]
    Prune(#[from] PruneError),
    /// The mirror's key.
    #[error("mirror.key: {0}")]
    Key(#[from] KeyError),
    /// The entry in the hub's own log.
    #[error(transparent)]
    Log(#[from] HubLogError),
}

/// Steps of one call that prunes, of 64 bundles each: a million entries.
const ROUNDS: u32 = 64;

/// What is told when entries of a log have become durable: its origin, and which.
type OnCopied = Box<dyn Fn(&str, Range<u64>) + Send + Sync>;

/// The copies, by gateway.
pub struct Mirrors {
    key: PathBuf,
    name: String,
    vkey: VerifierKey,
    copies: BTreeMap<String, Held>,
    log: Arc<HubLog>,
    on_copied: OnceLock<OnCopied>,
}

impl fmt::Debug for Mirrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mirrors").field("copies", &self.copies).finish_non_exhaustive()
    }
}

/// The copy of one gateway's log, opened when it is first asked for.
#[derive(Debug)]
struct Held {
    key: VerifierKey,
    folder: PathBuf,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    mirror: Option<Mirror>,
    /// Entries of the newest checkpoint that this program knows to be in the hub's own log.
    recorded: Option<u64>,
}

impl Mirrors {
    /// The copies of the gateways that have a `log_key`, with the mirror's key, made where there is none.
    ///
    /// # Errors
    /// When the key cannot be used or is of another name.
    pub fn open(
        file: &Path,
        settings: &Settings,
        clients: &[Client],
        log: Arc<HubLog>,
    ) -> Result<Self, ConfigError> {
        let (key, name) = (settings.state.join("mirror.key"), mirror_name(settings));
        let cosigner = CosignerKey::load_or_make(&key, &name).map_err(|problem| {
            let remedy = "restore mirror.key from its copy, or give the state folder to the hub's user alone";
            ConfigError::new(file, "state", format!("{}: {problem}", key.display()), remedy)
        })?;
        let copy = |client: &Client| {
            let key = client.log_key.clone()?;
            let folder = folder(&settings.state, key.name());
            Some((client.client_id.clone(), Held { key, folder, open: Mutex::default() }))
        };
        let copies = clients.iter().filter_map(copy).collect();
        let vkey = cosigner.verifier().clone();
        Ok(Self { key, name, vkey, copies, log, on_copied: OnceLock::new() })
    }

    /// The public half of the mirror's key.
    pub const fn vkey(&self) -> &VerifierKey {
        &self.vkey
    }

    /// What is called when entries have become durable, by the thread that answers the gateway: it should be quick. After a
    /// start it is told of all entries of a log once more. Set once; a second one is ignored.
    pub fn on_copied(&self, call: impl Fn(&str, Range<u64>) + Send + Sync + 'static) {
        let _ = self.on_copied.set(Box::new(call));
    }

    /// The key of this gateway's log and the folder of its copy.
    pub fn of(&self, client: &str) -> Option<(&VerifierKey, &Path)> {
        self.copies.get(client).map(|copy| (&copy.key, copy.folder.as_path()))
    }

    /// Every gateway whose log is copied: its client id, the log's key, the folder of the copy.
    pub fn all(&self) -> impl Iterator<Item = (&str, &VerifierKey, &Path)> {
        self.copies.iter().map(|(client, copy)| (client.as_str(), &copy.key, copy.folder.as_path()))
    }

    /// The gateway's checkpoint that we have signed last; `None` before the first.
    ///
    /// # Errors
    /// When the copy cannot be opened.
    pub fn checkpoint(&self, client: &str) -> Result<Option<Signed>, CopyError> {
        let Some(copy) = self.copies.get(client) else { return Ok(None) };
        self.with(copy, |open| Ok(open.mirror.as_ref().and_then(Mirror::checkpoint).cloned()))
    }

    /// Removes what is over of a copy, some at a time, and empties what a stop left in it; its keeper is who signs that it went.
    /// What each step did goes to `each`.
    ///
    /// # Errors
    /// When the copy is damaged or the disk fails. The next call goes on.
    pub fn prune(
        &self,
        client: &str,
        terms: &Terms,
        keeper: &NoteKey,
        mut each: impl FnMut(Over) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Some(copy) = self.copies.get(client).filter(|copy| copy.folder.is_dir()) else { return Ok(()) };
        for _ in 0..ROUNDS {
            let mut over = Over::default();
            self.with(copy, |open| {
                if let Some(mirror) = &open.mirror {
                    over = expiry::prune_copy(mirror, terms, keeper)?;
                }
                Ok(())
            })?;
            // Uploads go on between two steps.
            each(over)?;
            if over.files == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Works on a copy alone, opening it where it is not yet.
    fn with<T>(
        &self,
        copy: &Held,
        work: impl FnOnce(&mut Open) -> Result<T, CopyError>,
    ) -> Result<T, CopyError> {
        let mut open = copy.lock();
        if open.mirror.is_none() {
            let cosigner = CosignerKey::load_or_make(&self.key, &self.name)?;
            open.mirror = Some(Mirror::open(&copy.folder, copy.key.clone(), cosigner)?);
        }
        work(&mut open)
    }

    /// Puts a copied checkpoint into the hub's own log, once, and tells who wants to know.
    fn record(&self, open: &mut Open, now: Timestamp) -> Result<(), CopyError> {
        let Some(signed) = open.mirror.as_ref().and_then(Mirror::checkpoint) else { return Ok(()) };
        if open.recorded == Some(signed.size) {
            return Ok(());
        }
        let checkpoint = signed.note().to_owned();
        self.log.record(&[Body::Copied { checkpoint }], now)?;
        if let Some(call) = self.on_copied.get() {
            // What came before this program started may not have been told by the one before it.
            call(&signed.origin, open.recorded.unwrap_or(0)..signed.size);
        }
        open.recorded = Some(signed.size);
        Ok(())
    }
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the copy of a log is.
pub fn folder(state: &Path, origin: &str) -> PathBuf {
    let hash = digest(&SHA256, origin.as_bytes());
    let hex: String = hash.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
    state.join("sites").join(hex)
}

/// The name of the mirror's key.
pub fn mirror_name(settings: &Settings) -> String {
    format!("{}/mirror", settings.public_url.host_str().unwrap_or_default())
}
