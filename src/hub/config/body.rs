//! `[[body]]`: the public bodies that the hub serves.

use super::Settings;
use crate::login::saml::{Body, Fault, Profile, Scheme};
use serde::Deserialize;
use std::path::Path;
use varco_policy::ConfigError;

/// Addresses of the hub's own, which no body may take.
const TAKEN: [&str; 11] =
    ["spid", "cie", "eidas", "cns", "card", "oidc", "login", "log", "health", "metadata", "assets"];

/// A `[[body]]` table. The fields of [`Body`] stand here once more, since serde refuses no unknown key of a table that is
/// flattened into another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BodySettings {
    /// The beginning of its addresses, without slashes: letters, digits and hyphens. Empty for one body at most.
    #[serde(default)]
    pub path: String,
    /// As [`Body::name`].
    pub name: String,
    /// As [`Body::display_name`].
    pub display_name: String,
    /// As [`Body::url`].
    pub url: String,
    /// As [`Body::ipa_code`].
    pub ipa_code: String,
    /// As [`Body::email`].
    pub email: String,
    /// As [`Body::telephone`].
    pub telephone: String,
    /// As [`Body::locality`].
    pub locality: String,
    /// As [`Body::municipality`].
    pub municipality: Option<String>,
    /// Its side of SPID.
    pub spid: Option<Profile>,
    /// Its side of CIE.
    pub cie: Option<Profile>,
    /// Whether it lets cards in: CNS, TS-CNS, CIE in a reader.
    #[serde(default)]
    pub cns: bool,
}

impl BodySettings {
    /// What it is, as metadata and certificates say it.
    pub fn body(&self) -> Body {
        Body {
            name: self.name.clone(),
            display_name: self.display_name.clone(),
            url: self.url.clone(),
            ipa_code: self.ipa_code.clone(),
            email: self.email.clone(),
            telephone: self.telephone.clone(),
            locality: self.locality.clone(),
            municipality: self.municipality.clone(),
        }
    }

    /// Its side of a scheme.
    pub const fn profile(&self, scheme: Scheme) -> Option<&Profile> {
        match scheme.metadata() {
            Scheme::Cie => self.cie.as_ref(),
            Scheme::Spid | Scheme::Eidas => self.spid.as_ref(),
        }
    }

    /// The name that its certificate holds: that in SPID, or in CIE where it is in nothing else.
    pub fn entity_id(&self) -> Option<&str> {
        self.spid.as_ref().or(self.cie.as_ref()).map(|profile| profile.entity_id.as_str())
    }
}

/// Refuses bodies that could not be told apart, or that a scheme would refuse.
pub(super) fn check(settings: &Settings, file: &Path) -> Result<(), ConfigError> {
    if settings.bodies.is_empty() {
        return Err(ConfigError::new(file, "body", "no body is listed", "add a [[body]] table"));
    }
    for (n, body) in settings.bodies.iter().enumerate() {
        path(settings, file, n)?;
        content(body).map_err(|fault| settings.body_fault(file, n, &fault))?;
        if body.entity_id().is_none() {
            let remedy = "add [body.spid], [body.cie] or both";
            return Err(ConfigError::new(file, &format!("body[{n}]"), "is in no scheme", remedy));
        }
        names(settings, file, n)?;
    }
    Ok(())
}

fn content(body: &BodySettings) -> Result<(), Fault> {
    body.body().check()?;
    let schemes = [Scheme::Spid, Scheme::Cie];
    schemes.iter().try_for_each(|scheme| body.profile(*scheme).map_or(Ok(()), |p| p.check(*scheme)))?;
    if body.cie.is_some() && body.municipality.is_none() {
        let problem = "CIE asks for it: write the Belfiore code of the town: L219".to_owned();
        return Err(Fault::Setting { key: "body.municipality".to_owned(), problem });
    }
    Ok(())
}

fn path(settings: &Settings, file: &Path, n: usize) -> Result<(), ConfigError> {
    let bad =
        |problem: String, remedy| Err(ConfigError::new(file, &format!("body[{n}].path"), problem, remedy));
    let Some(BodySettings { path, .. }) = settings.bodies.get(n) else { return Ok(()) };
    let good = path.len() <= 32
        && path.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !TAKEN.contains(&path.as_str());
    if !good {
        let remedy = "write up to 32 small letters, digits and hyphens: comune-esempio";
        return bad(format!("{path:?} is no path of a body"), remedy);
    }
    if settings.bodies.iter().take(n).any(|other| other.path == *path) {
        return bad(format!("{path:?} is listed twice"), "give each body its own; one may have none");
    }
    Ok(())
}

/// No two bodies have one name in a scheme: an answer to the one would be good at the other.
fn names(settings: &Settings, file: &Path, n: usize) -> Result<(), ConfigError> {
    for scheme in [Scheme::Spid, Scheme::Cie] {
        let name = |b: &BodySettings| b.profile(scheme).map(|p| p.entity_id.clone());
        let Some(ours) = settings.bodies.get(n).and_then(name) else { continue };
        if settings.bodies.iter().take(n).filter_map(name).any(|other| other == ours) {
            let key = format!("body[{n}].{}.entity_id", scheme.name());
            return Err(ConfigError::new(
                file,
                &key,
                format!("{ours} is another body's"),
                "give each body its own",
            ));
        }
    }
    Ok(())
}
