//! The lab's certificates and secrets, made anew for each lab.

use super::{
    plan::{self, Plan},
    state::Lab,
    tsa,
};
use crate::{
    ca::Authority,
    cns::{Certifier, trust::List},
    idp::{Signer, metadata},
};
use anyhow::{Result, ensure};
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, process::Command};
use varco_audit::tlog::NoteKey;

/// Makes the authority, one certificate for each server, the client secret that gateway and hub share, and the
/// identity providers' keys and metadata, and the cards.
///
/// # Errors
/// When the folder cannot be written.
pub fn make(lab: &Lab, plan: &Plan) -> Result<()> {
    let authority = Authority::make(&lab.path("tls"))?;
    authority.leaf("portal", &[plan::PORTAL_NAME, plan::GUEST_ROUTER])?;
    authority.leaf("admin", &["admin.varco.test", plan::OFFICE_ROUTER])?;
    authority.leaf("hub", &[plan::HUB_NAME])?;
    authority.leaf("console", &[plan::CONSOLE_NAME])?;
    if !plan.bare {
        authority.leaf("witness", &[plan::WITNESS_NAME])?;
        tsa::make(&lab.path("tsa"))?;
    }
    if plan.cards {
        authority.leaf("cards", &[plan::CARDS_NAME])?;
        let [certifier, elsewhere] =
            [plan::CERTIFIER_NAME, plan::ELSEWHERE_NAME].map(|name| format!("http://{name}"));
        Certifier::make(&lab.path("cns"), &certifier, &elsewhere)?.publish(List::Good, 1)?;
    }
    let secret = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    let mut options = fs::OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(lab.path("hub.secret"))?;
    file.write_all(secret.as_bytes())?;
    for provider in &plan::PROVIDERS {
        fs::create_dir_all(lab.path(provider.trusted))?;
    }
    for provider in plan.providers() {
        authority.leaf(provider.program, &[provider.name])?;
        let signer = Signer::open(&lab.path(provider.program))?;
        let text = metadata::write(provider.scheme, &format!("https://{}", provider.name), &signer)?;
        fs::write(lab.path(provider.trusted).join("varco-idp.xml"), text)?;
    }
    Ok(())
}

/// The two persons who open records together, and their roles.
const OFFICERS: [(&str, &str); 2] = [("anna", "requester"), ("bruno", "approver")];

/// Holds the ceremony of the log's keys with the real program, for this week and the next: the officers' keys are in
/// `officers`, what the ceremony keeps in `ceremony`, what the gateway gets in `log-keys`.
///
/// # Errors
/// When the program fails.
pub fn log(lab: &Lab, programs: &Path) -> Result<()> {
    let path = |name: &str| lab.path(name).display().to_string();
    let (officers, ceremony, given) = (path("officers"), path("ceremony"), path("log-keys"));
    for (name, role) in OFFICERS {
        audit(programs, &["holder", "--name", name, "--role", role, "--folder", &officers])?;
    }
    let [anna, bruno] = OFFICERS.map(|(name, _)| format!("{officers}/{name}.pub"));
    let weeks = ["weeks", "--keys", &ceremony, "--weeks", "2", "--holder", &anna, "--holder", &bruno];
    audit(programs, &weeks)?;
    audit(programs, &["publish", "--keys", &ceremony, "--to", &given])
}

/// The same for one week, after [`log`]: its public halves are in `given`.
///
/// # Errors
/// When the program fails.
pub fn of_week(lab: &Lab, programs: &Path, week: &str, given: &Path) -> Result<()> {
    let path = |name: &str| lab.path(name).display().to_string();
    let (officers, ceremony, given) = (path("officers"), path("ceremony"), given.display().to_string());
    let [anna, bruno] = OFFICERS.map(|(name, _)| format!("{officers}/{name}.pub"));
    let weeks = ["weeks", "--keys", &ceremony, "--from", week, "--holder", &anna, "--holder", &bruno];
    audit(programs, &weeks)?;
    audit(programs, &["publish", "--keys", &ceremony, "--to", &given])
}

fn audit(programs: &Path, words: &[&str]) -> Result<()> {
    let done = Command::new(programs.join("varco-audit")).arg("keys").args(words).output()?;
    ensure!(done.status.success(), "varco-audit keys: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

/// What both officers together tell `varco-audit` to open the site's records; the log's key, as the site told it them.
pub fn opening(lab: &Lab) -> Vec<String> {
    let path = |name: String| lab.path(&name).display().to_string();
    let holders =
        OFFICERS.iter().flat_map(|(name, _)| ["--holder".into(), path(format!("officers/{name}.key"))]);
    let records = ["--records".into(), path("gateway/site.db".into())];
    let key = fs::read_to_string(lab.path("gateway/log.key")).ok();
    let key = key.and_then(|text| NoteKey::parse(&text.into()).ok());
    let key = key.into_iter().flat_map(|key| ["--vkey".into(), key.vkey()]);
    let keys = ["--keys".into(), path("ceremony".into())];
    records.into_iter().chain(keys).chain(key).chain(holders).collect()
}
