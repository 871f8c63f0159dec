//! The commands that do their work and end.

use crate::{
    app, bodies,
    config::Settings,
    keys,
    login::{cns, saml},
    mirror,
    register::{entries, keys::MonthKeys, report::Report},
    registry::Registry,
    serve,
};
use anyhow::{Context, anyhow};
use std::{io::Write, path::Path};
use varco_audit::tlog::CosignerKey;
use varco_web::startup::Fault;

/// Reads and checks everything that `varco-hub run` would, but for the keys, which may not be made yet.
///
/// # Errors
/// At the first mistake.
pub fn check_config(file: &Path) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    settings.log.recorder(file, app::now())?;
    Registry::of(file, &settings)?;
    varco_web::tls::server(file, "tls", &settings.tls.certificate, &settings.tls.key)?;
    cns::listener::config(file, &settings)?;
    serve::console_tls(file, &settings)?;
    if let Some(cns) = &settings.cns {
        cns.trust().registry(file, &settings.state)?;
    }
    tracing::info!("{}: the settings are good", file.display());
    Ok(())
}

/// Makes the keys that do not exist yet.
///
/// # Errors
/// When the settings are wrong or a file cannot be written.
pub fn make_keys(file: &Path) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    let mut made: Vec<_> = keys::init(&settings.keys)?.into_iter().map(str::to_owned).collect();
    for (n, body) in settings.bodies.iter().enumerate() {
        let folder = bodies::keys_folder(&settings, body);
        if folder.join("spid.key").exists() && folder.join("spid.pem").exists() {
            continue;
        }
        keys::make_folder(&folder)?;
        saml::Keys::make(&folder, &body.body(), body.entity_id().unwrap_or_default(), app::now())
            .map_err(|fault| settings.body_fault(file, n, &fault))?;
        made.extend(
            ["spid.key", "spid.pem"].map(|name| Path::new(&body.path).join(name).display().to_string()),
        );
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

/// Compares each login of the register with its entry in the hub's log, and each entry with its login, and prints what
/// differs; nobody is named.
///
/// # Errors
/// When something differs, or register or log cannot be read.
pub fn verify_register(file: &Path) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    let database = settings.state.join("hub.db");
    let compared = entries::compare::<Fault>(&database, || settings.log.records(file, &settings))?;
    write!(std::io::stdout().lock(), "{compared}").context("standard output")?;
    if compared.is_whole() { Ok(()) } else { Err(anyhow!("the register is not what was recorded").into()) }
}

/// Prints the public halves of the log's and the mirror's keys, which are made where there are none, and the folder of each
/// gateway's copy.
///
/// # Errors
/// When the settings are wrong or a key cannot be used.
pub fn show_log_keys(file: &Path) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    let key = settings.log.at(file, &settings)?.key().context("log.key")?;
    let mirror =
        CosignerKey::load_or_make(&settings.state.join("mirror.key"), &mirror::mirror_name(&settings))
            .context("mirror.key")?;
    let mut text = format!("log {}\nmirror {}\n", key.vkey(), mirror.vkey());
    for client in settings.clients(file)? {
        if let Some(key) = &client.log_key {
            let folder = mirror::folder(&settings.state, key.name());
            text += &format!("copy {} {} {}\n", client.client_id, key.name(), folder.display());
        }
    }
    Ok(write!(std::io::stdout().lock(), "{text}").context("standard output")?)
}
