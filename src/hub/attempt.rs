//! `varco-hub try`: a body's metadata and requests held against the rules before AgID and the federation of CIE do it, in
//! Italian, for the technician who has to mend what is missing.

mod print;
mod reach;
#[cfg(test)]
mod tests;
mod tls;

use crate::{
    app,
    bodies::Served,
    config::Settings,
    login::saml::{self, Outcome, Scheme, Verdict},
    registry::certificates,
};
use anyhow::Context;
use jiff::Timestamp;
use openssl::x509::X509;
use serde::Serialize;
use std::path::{Path, PathBuf};
use varco_policy::ConfigError;
use varco_web::startup::Fault;

/// What to look at.
#[derive(Debug)]
pub struct Wish {
    /// Addresses or files of metadata.
    pub metadata: Vec<String>,
    /// The settings whose requests are looked at too.
    pub config: Option<PathBuf>,
    /// The authorities that may vouch for the addresses, PEM, in place of the system's.
    pub ca: Option<PathBuf>,
    /// JSON in place of text.
    pub json: bool,
}

/// What came of one thing looked at.
#[derive(Debug, Serialize)]
struct Looked {
    what: String,
    outcomes: Vec<Outcome>,
}

/// Prints what came of every rule on standard output.
///
/// # Errors
/// When a rule does not hold; when the settings are wrong.
pub fn attempt(wish: &Wish) -> Result<(), Fault> {
    let now = app::now();
    let ca = wish.ca.as_deref().map(certificates).transpose().map_err(|e| anyhow::anyhow!(e))?;
    let bodies = wish.config.as_deref().map(bodies).transpose()?.unwrap_or_default();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().context("a runtime")?;
    let mut looked = Vec::new();
    for target in &wish.metadata {
        let outcomes = tokio.block_on(metadata(target, ca.as_deref(), &bodies, now));
        looked.push(Looked { what: target.clone(), outcomes });
    }
    looked.extend(bodies.iter().map(|body| requests(body, now)));
    print::all(&looked, wish.json)?;
    let missing =
        looked.iter().flat_map(|l| &l.outcomes).filter(|o| matches!(o.verdict, Verdict::Missing(_)));
    match missing.count() {
        0 => Ok(()),
        n => Err(anyhow::anyhow!("{n} regole non sono rispettate").into()),
    }
}

fn bodies(file: &Path) -> Result<Vec<Served>, ConfigError> {
    Served::all(file, &Settings::load(file)?)
}

async fn metadata(target: &str, ca: Option<&[X509]>, bodies: &[Served], now: Timestamp) -> Vec<Outcome> {
    let (mut outcomes, octets) = if target.contains("://") {
        reach::address(target, ca, now).await
    } else {
        let why = "è un file: prova l'indirizzo quando è pubblicato";
        let skipped = Outcome::skipped("il metadata si raggiunge su https", reach::RT, why);
        match std::fs::read(target) {
            Ok(octets) => (vec![skipped], Some(octets)),
            Err(e) => (vec![Outcome::of("il file si legge", reach::RT, Err(e.to_string()))], None),
        }
    };
    let Some(octets) = octets else { return outcomes };
    outcomes.extend(saml::try_metadata(&octets, now));
    outcomes.extend((!bodies.is_empty()).then(|| ours(&octets, bodies)));
    outcomes
}

/// Whether the metadata is that of a body of the settings: a copy of last year's would pass every other rule.
fn ours(octets: &[u8], bodies: &[Served]) -> Outcome {
    let all = bodies.iter().flat_map(|body| [Scheme::Spid, Scheme::Cie].map(|scheme| body.us(scheme)));
    let known = all.flatten().any(|us| saml::is_of(octets, us));
    let advice = "no: pubblica quello che serve /spid/metadata o /cie/metadata, e mandalo di nuovo ad AgID";
    let held = if known { Ok(()) } else { Err(advice.to_owned()) };
    Outcome::of("entityID e certificato sono quelli di queste impostazioni", reach::RT, held)
}

fn requests(body: &Served, now: Timestamp) -> Looked {
    let us = [Scheme::Spid, Scheme::Cie].into_iter().filter_map(|scheme| body.us(scheme));
    let outcomes = us.flat_map(|us| saml::try_requests(us, now)).collect();
    Looked { what: format!("richieste di {}", body.body.display_name), outcomes }
}
