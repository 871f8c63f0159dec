//! `varco-hub index rebuild`: the index made anew from the logs' folders, also while the hub runs.

use super::{
    Index,
    follow::{Places, bring, parse},
};
use crate::config::Settings;
use anyhow::Context as _;
use std::{fs, io::Write as _, path::Path};
use varco_audit::tlog::VerifierKey;
use varco_web::startup::Fault;

/// Forgets what is indexed of each log that is here, and reads all of it, its signature verified.
///
/// # Errors
/// When the settings are wrong, a log is damaged or not signed by its key, or the index fails. Then call it again.
pub fn rebuild(file: &Path) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    let index = Index::open(file, &settings.index, &settings.state)?;
    let places = Places::of(file, &settings)?;
    let keys = keys(file, &settings)?;
    for folder in places.folders() {
        let origin = one(&index, &folder, &keys).with_context(|| folder.display().to_string())?;
        writeln!(std::io::stdout().lock(), "{origin}").context("standard output")?;
    }
    Ok(())
}

fn one(index: &Index, folder: &Path, keys: &[VerifierKey]) -> anyhow::Result<String> {
    let origin = parse(&fs::read(folder.join("checkpoint"))?)?.origin;
    let key = keys.iter().find(|key| key.name() == origin);
    let key = key.with_context(|| format!("{origin}: no gateway of the settings has this log"))?;
    index.with(|rows| rows.clear(&origin))?;
    let (origin, size) = bring(index, folder, Some(key))?;
    Ok(format!("{origin}: {size} entries"))
}

/// The public keys of the logs that are here.
fn keys(file: &Path, settings: &Settings) -> Result<Vec<VerifierKey>, Fault> {
    let own = settings.log.at(file, settings)?.key().context("log.key")?;
    let gateways = settings.clients(file)?.into_iter().filter_map(|client| client.log_key);
    Ok(gateways.chain([own.verifier().clone()]).collect())
}

impl Places {
    /// Those of these settings.
    ///
    /// # Errors
    /// When the log's own place is wrong.
    pub fn of(file: &Path, settings: &Settings) -> Result<Self, Fault> {
        Ok(Self { own: settings.log.at(file, settings)?.folder, copies: settings.state.join("sites") })
    }
}
