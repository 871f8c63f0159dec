//! `varco-hub keys spid`: a body's pair, held against the rules and replaced.

use crate::{
    app, bodies,
    config::{BodySettings, Settings},
    login::saml::{self, Finding},
};
use std::{io::Write, path::Path};
use varco_policy::ConfigError;
use varco_web::startup::Fault;

/// Prints every rule of Avviso SPID 29 for each certificate of a body, or of all, in Italian.
///
/// # Errors
/// When a rule does not hold, a pair is missing, or there is no such body.
pub fn check(file: &Path, path: Option<&str>) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    let all =
        settings.bodies.iter().enumerate().filter(|(_, body)| path.is_none_or(|path| path == body.path));
    let (mut seen, mut broken) = (false, 0_usize);
    for (n, body) in all {
        let folder = bodies::keys_folder(&settings, body);
        let keys = saml::Keys::load(&folder).map_err(|fault| settings.body_fault(file, n, &fault))?;
        for (name, certificate) in keys.certificates() {
            let findings =
                saml::examine(certificate, &body.body(), body.entity_id().unwrap_or_default(), app::now());
            broken =
                broken.saturating_add(print(&folder.join(name), body, certificate.not_after(), &findings)?);
            seen = true;
        }
    }
    match (seen, broken) {
        (false, _) => Err(no_body(file, path.unwrap_or_default()).into()),
        (true, 0) => Ok(()),
        (true, n) => {
            let remedy = "make a pair that holds them: varco-hub keys spid --next, then --roll";
            Err(ConfigError::new(file, "keys", format!("{n} rules of Avviso SPID 29 do not hold"), remedy)
                .into())
        }
    }
}

/// Makes the pair that follows.
///
/// # Errors
/// When there is one, there is no such body, or a file cannot be written.
pub fn make_next(file: &Path, path: &str) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    let (n, body) = body(&settings, file, path)?;
    let folder = bodies::keys_folder(&settings, body);
    saml::Keys::make_next(&folder, &body.body(), body.entity_id().unwrap_or_default(), app::now())
        .map_err(|fault| settings.body_fault(file, n, &fault))?;
    tracing::info!(
        "{}: made spid-next.key, spid-next.pem; restart the hub, send the metadata to AgID, then --roll",
        folder.display()
    );
    Ok(())
}

/// Puts the pair that follows in the place of the one in use.
///
/// # Errors
/// When there is none, there is no such body, or a file cannot be moved; it can be called again.
pub fn roll(file: &Path, path: &str) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    let (n, body) = body(&settings, file, path)?;
    let folder = bodies::keys_folder(&settings, body);
    let kept = saml::Keys::roll(&folder).map_err(|fault| settings.body_fault(file, n, &fault))?;
    tracing::info!("{}: the old pair is {kept}.key, {kept}.pem; restart the hub", folder.display());
    Ok(())
}

fn body<'a>(
    settings: &'a Settings,
    file: &Path,
    path: &str,
) -> Result<(usize, &'a BodySettings), ConfigError> {
    let found = settings.bodies.iter().enumerate().find(|(_, body)| body.path == path);
    found.ok_or_else(|| no_body(file, path))
}

fn no_body(file: &Path, path: &str) -> ConfigError {
    let remedy = "give the path of one with --body; without it the one without a path is meant";
    ConfigError::new(file, "body", format!("no body has the path {path:?}"), remedy)
}

/// Prints what was found of a certificate; answers how many rules it breaks.
fn print(
    file: &Path,
    body: &BodySettings,
    end: impl std::fmt::Display,
    findings: &[Finding],
) -> anyhow::Result<usize> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} ({}), scade il {end}", file.display(), body.display_name)?;
    for Finding { rule, fault } in findings {
        match fault {
            None => writeln!(out, "  sì  {rule}")?,
            Some(fault) => writeln!(out, "  NO  {rule}: {fault}")?,
        }
    }
    let broken = findings.iter().filter(|finding| finding.fault.is_some()).count();
    let of = findings.len();
    let verdict = if broken == 0 { "conforme all'Avviso SPID 29" } else { "NON conforme all'Avviso SPID 29" };
    writeln!(out, "  {verdict}: {broken} regole non rispettate su {of}")?;
    Ok(broken)
}
