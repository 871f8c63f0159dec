//! The commands that do their work and end.

use crate::{
    app,
    config::Settings,
    keys,
    login::saml,
    register::{keys::MonthKeys, report::Report},
};
use anyhow::Context;
use std::{io::Write, path::Path};
use varco_web::startup::Fault;

/// Reads and checks everything that `varco-hub run` would, but for the keys, which may not be made yet.
///
/// # Errors
/// At the first mistake.
pub fn check_config(file: &Path) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    varco_web::tls::server(file, "tls", &settings.tls.certificate, &settings.tls.key)?;
    tracing::info!("{}: the settings are good", file.display());
    Ok(())
}

/// Makes the keys that do not exist yet.
///
/// # Errors
/// When the settings are wrong or a file cannot be written.
pub fn make_keys(file: &Path) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    let mut made = keys::init(&settings.keys)?;
    if !settings.keys.join("spid.key").exists() || !settings.keys.join("spid.pem").exists() {
        saml::Keys::make(&settings.keys, &settings.body, &settings.spid.entity_id, app::now())
            .map_err(|fault| settings.spid_fault(file, &fault))?;
        made.extend(["spid.key", "spid.pem"]);
    }
    let folder = settings.keys.display();
    if made.is_empty() {
        tracing::info!("{folder}: every key was there already");
    } else {
        tracing::info!("{folder}: made {}", made.join(", "));
    }
    Ok(())
}

/// Prints how many logins each month of the register holds and where its key is.
///
/// # Errors
/// When the settings are wrong or the register cannot be read.
pub fn show_register(file: &Path) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    let database = settings.state.join("hub.db");
    let keys = MonthKeys::new(settings.keys.join(keys::MONTHS));
    let report = Report::read(&database, &keys).with_context(|| database.display().to_string())?;
    Ok(write!(std::io::stdout().lock(), "{report}").context("standard output")?)
}
