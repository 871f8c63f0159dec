//! The public bodies that the hub serves: each with its addresses, its keys and its names in SPID and CIE.

use crate::{
    config::{BodySettings, Settings},
    login::saml::{self, Body, Scheme, ServiceProvider},
};
use jiff::Timestamp;
use openssl::asn1::Asn1Time;
use std::path::{Path, PathBuf};
use varco_policy::ConfigError;

/// How many days before its end a certificate is warned of.
const ROLL_OVER_DAYS: i32 = 60;

/// A body as it is served.
#[derive(Debug)]
pub struct Served {
    /// The beginning of its addresses, without slashes; empty for the one body that has none.
    pub path: String,
    /// What it is.
    pub body: Body,
    /// Whether it lets cards in.
    pub cns: bool,
    spid: Option<ServiceProvider>,
    cie: Option<ServiceProvider>,
}

impl Served {
    /// Makes every body of the settings, with its keys.
    ///
    /// # Errors
    /// When a body's keys are missing or not its own.
    pub fn all(file: &Path, settings: &Settings, now: Timestamp) -> Result<Vec<Self>, ConfigError> {
        (0..).zip(&settings.bodies).map(|(n, body)| Self::open(file, settings, n, body, now)).collect()
    }

    fn open(
        file: &Path,
        settings: &Settings,
        n: usize,
        table: &BodySettings,
        now: Timestamp,
    ) -> Result<Self, ConfigError> {
        let named = |fault: saml::Fault| settings.body_fault(file, n, &fault);
        let keys = saml::Keys::load(&keys_folder(settings, table)).map_err(named)?;
        warn_of(table, &keys, now);
        let us = |scheme: Scheme| {
            let profile = table.profile(scheme)?;
            let at = |end: &str| settings.url(&format!("{}/{}/{end}", prefix(&table.path), scheme.name()));
            Some(
                ServiceProvider::new(scheme, profile, at("acs"), at("logout"), table.body(), &keys)
                    .map_err(named),
            )
        };
        let (spid, cie) = (us(Scheme::Spid).transpose()?, us(Scheme::Cie).transpose()?);
        Ok(Self { path: table.path.clone(), body: table.body(), cns: table.cns, spid, cie })
    }

    /// Who the body is towards a scheme: towards the eIDAS node as in SPID, where the body lets it in.
    pub fn us(&self, scheme: Scheme) -> Option<&ServiceProvider> {
        match scheme {
            Scheme::Spid => self.spid.as_ref(),
            Scheme::Eidas => self.spid.as_ref().filter(|spid| spid.eidas),
            Scheme::Cie => self.cie.as_ref(),
        }
    }

    /// The address of `/cns/<end>`, from the root.
    pub fn card_address(&self, end: &str) -> String {
        format!("{}/cns/{end}", prefix(&self.path))
    }

    /// The address of `/<scheme>/<end>`, from the root.
    pub fn address(&self, scheme: Scheme, end: &str) -> String {
        format!("{}/{}/{end}", prefix(&self.path), scheme.metadata().name())
    }
}

/// Says in the log what AgID would object to, and when a certificate nears its end: making a new one known takes weeks.
fn warn_of(table: &BodySettings, keys: &saml::Keys, now: Timestamp) {
    for (file, certificate) in keys.certificates() {
        let entity_id = table.entity_id().unwrap_or_default();
        let findings = saml::examine(certificate, &table.body(), entity_id, now);
        let broken = findings.iter().filter(|finding| finding.fault.is_some()).count();
        if broken > 0 && table.spid.is_some() {
            let body = &table.path;
            tracing::warn!(
                body,
                file,
                broken,
                "rules of Avviso SPID 29 do not hold: varco-hub keys spid --check"
            );
        }
        let end = certificate.not_after();
        let left = Asn1Time::from_unix(now.as_second()).and_then(|now| now.diff(end)).map(|left| left.days);
        if left.is_ok_and(|days| days < ROLL_OVER_DAYS) {
            tracing::warn!(body = table.path, file, %end, "a certificate ends: varco-hub keys spid --next");
        }
    }
}

/// Where a body's pair is: beside the hub's own keys, or in a folder of the body's path there.
pub fn keys_folder(settings: &Settings, body: &BodySettings) -> PathBuf {
    if body.path.is_empty() { settings.keys.clone() } else { settings.keys.join(&body.path) }
}

fn prefix(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("/{path}") }
}
