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
use anyhow::Context;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    io::Write,
    path::{Path, PathBuf},
};
use varco_policy::config;
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

/// What of the settings is about the list.
#[derive(Deserialize)]
struct Settings {
    state: PathBuf,
    cns: Option<TrustSettings>,
}

/// Prints it on standard output.
///
/// # Errors
/// When the settings are wrong, or what the source says cannot be had or taken.
pub fn trust(file: &Path, wish: Wish, json: bool) -> Result<(), Fault> {
    let Settings { state, cns } = config::load(file)?;
    let registry = cns.context("the settings have no [cns]")?.registry(file, &state)?;
    let text = match wish {
        Wish::Show => show(&registry, app::now(), json)?,
        Wish::Preview => ask(&registry, false, json, "varco-hub trust")?,
        Wish::Accept => ask(&registry, true, json, "varco-hub trust")?,
    };
    writeln!(std::io::stdout(), "{text}").context("standard output")?;
    Ok(())
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
