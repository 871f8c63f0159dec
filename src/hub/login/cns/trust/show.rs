//! `varco-hub trust`: which list is in force, who may issue cards by it, and what the source would change.

use super::{list::TrustList, settings::TrustSettings};
use crate::{
    app,
    registry::{
        Registry, fingerprint,
        show::Wish,
        state::{State, ask},
    },
};
use jiff::Timestamp;
use serde::Serialize;
use std::path::Path;
use varco_web::startup::Fault;

#[derive(Debug, Serialize)]
struct Shown {
    list: State,
    /// Why the list in force recognises nobody now.
    problem: Option<String>,
    issuers: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    sha256: String,
    since: Timestamp,
}

/// What `varco-hub trust` prints.
///
/// # Errors
/// When the settings are wrong, or what the source says cannot be had or taken.
pub fn trust(
    file: &Path,
    settings: &TrustSettings,
    state: &Path,
    wish: Wish,
    json: bool,
) -> Result<String, Fault> {
    let registry = settings.registry(file, state)?;
    let accept = match wish {
        Wish::Show => return Ok(show(&registry, app::now(), json)?),
        Wish::Preview => false,
        Wish::Accept => true,
    };
    Ok(ask(&registry, accept, json, "varco-hub trust")?)
}

fn show(registry: &Registry<TrustList>, now: Timestamp, json: bool) -> anyhow::Result<String> {
    let (list, problem) = match registry.kept().list(now) {
        Ok(list) => (list, None),
        Err(unfit) => (None, Some(unfit.to_string())),
    };
    let issuers = list.into_iter().flat_map(|list| list.issuers.all);
    let issuers = issuers.map(|issuer| Row {
        sha256: fingerprint(&issuer.certificate),
        name: issuer.name,
        since: issuer.since,
    });
    let shown = Shown { list: State::of(registry, now), problem, issuers: issuers.collect() };
    if json { Ok(serde_json::to_string_pretty(&shown)?) } else { Ok(shown.text()) }
}

impl Shown {
    fn text(&self) -> String {
        let mut lines = self.list.lines("trust list");
        lines.extend(self.problem.as_ref().map(|problem| format!("  NOT USED: {problem}")));
        let rows = self.issuers.iter();
        lines.extend(rows.map(|row| format!("{} since {} {}", row.sha256, row.since, row.name)));
        lines.join("\n")
    }
}
