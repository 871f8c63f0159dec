//! The lab's certificates and secrets, made anew for each lab.

use super::{
    plan::{self, Plan},
    state::Lab,
};
use crate::{
    ca::Authority,
    cns::{Certifier, trust::List},
    idp::{Signer, metadata},
};
use anyhow::Result;
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt};

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
