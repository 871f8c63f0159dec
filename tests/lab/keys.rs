//! The lab's certificates and secrets, made anew for each lab.

use super::{plan, state::Lab};
use crate::{
    ca::Authority,
    idp::{Signer, metadata},
};
use anyhow::Result;
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt};

/// Makes the authority, one certificate for each server, the client secret that gateway and hub share, and the
/// identity provider's keys and metadata.
///
/// # Errors
/// When the folder cannot be written.
pub fn make(lab: &Lab) -> Result<()> {
    let authority = Authority::make(&lab.path("tls"))?;
    authority.leaf("portal", &[plan::PORTAL_NAME, plan::GUEST_ROUTER])?;
    authority.leaf("admin", &["admin.varco.test", plan::OFFICE_ROUTER])?;
    authority.leaf("hub", &[plan::HUB_NAME])?;
    authority.leaf("idp", &[plan::IDP_NAME])?;
    let secret = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    let mut options = fs::OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(lab.path("hub.secret"))?;
    file.write_all(secret.as_bytes())?;
    let signer = Signer::open(&lab.path("idp"))?;
    let text = metadata::write(&format!("https://{}", plan::IDP_NAME), &signer)?;
    fs::create_dir_all(lab.path("idp-metadata"))?;
    Ok(fs::write(lab.path("idp-metadata/varco-idp.xml"), text)?)
}
