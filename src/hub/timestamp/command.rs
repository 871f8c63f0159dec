//! `varco-hub timestamp`: a stamp now, beside the hub that runs. An evidence pack made after it says when the case's entries
//! existed at the latest, and need not wait for the day's stamp.

use super::{kept::Kept, watch::stamp_one};
use crate::config::Settings;
use anyhow::{Context as _, bail};
use std::{io::Write as _, path::Path, sync::Arc, thread::sleep, time::Duration};
use varco_audit::tlog::{Signed, VerifierKey};
use varco_policy::ConfigError;
use varco_web::startup::Fault;

/// Between two looks at whether the witnesses have signed what is to be stamped.
const LOOK: Duration = Duration::from_millis(500);

/// Stamps the newest checkpoint, after waiting two rounds at most for a witness's cosignature on it; prints its size and the instant.
///
/// # Errors
/// When the settings are wrong or name no authority, the log is empty, or the authority does not stamp.
pub fn now(file: &Path) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    let table = settings.log.timestamp.as_ref().ok_or_else(|| {
        let remedy = "add [log.timestamp] with the address and the certificate of an authority";
        ConfigError::new(file, "log.timestamp", "there is no authority", remedy)
    })?;
    let at = Arc::new(table.asked(file)?);
    let folder = settings.log.at(file, &settings)?;
    let key = folder.key().context("log.key")?.verifier().clone();
    let rounds = settings.log.pace(file)?.every * 2;
    let wait = if settings.log.witnesses.is_empty() { Duration::ZERO } else { rounds };
    let signed = newest(&folder.folder, &key, wait)?;
    let size = signed.size;
    let kept = Kept::of(&folder.folder);
    let stamped = actix_web::rt::System::new().block_on(stamp_one(signed, &kept, &at));
    let instant = stamped.context("the log is not stamped")?;
    Ok(writeln!(std::io::stdout(), "{size} entries stamped at {instant}").context("standard output")?)
}

/// The newest checkpoint, with cosignatures where one comes in time.
fn newest(folder: &Path, key: &VerifierKey, wait: Duration) -> anyhow::Result<Signed> {
    let read = |name: &str| {
        let note =
            std::fs::read(folder.join(name)).with_context(|| folder.join(name).display().to_string())?;
        Signed::verify(&note, key).with_context(|| folder.join(name).display().to_string())
    };
    let signed = read("checkpoint")?;
    if signed.size == 0 {
        bail!("the log is empty");
    }
    for _ in 0..=wait.as_millis() / LOOK.as_millis() {
        match read("checkpoint.witnessed") {
            Ok(witnessed) if witnessed.size >= signed.size => return Ok(witnessed),
            _ if wait.is_zero() => break,
            _ => sleep(LOOK),
        }
    }
    Ok(signed)
}
