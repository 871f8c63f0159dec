//! `varco-hub providers`: who is trusted, since when, until when, and what the registry would change.

use super::{
    Registry,
    change::fingerprint,
    state::{State, ask},
};
use crate::{
    app,
    config::Settings,
    login::saml::{Provider, Providers},
};
use anyhow::Context;
use jiff::Timestamp;
use openssl::asn1::Asn1Time;
use serde::Serialize;
use std::{io::Write, path::Path};
use varco_web::startup::Fault;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Wish {
    /// What is in force.
    Show,
    /// What the registry's list of now would change; changes nothing.
    Preview,
    /// That list is put in force although it is older or lost more than half.
    Accept,
}

#[derive(Debug, Serialize)]
struct Shown {
    registry: Option<State>,
    providers: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    scheme: &'static str,
    entity_id: String,
    name: String,
    source: &'static str,
    certificates: Vec<Certificate>,
}

#[derive(Debug, Serialize)]
struct Certificate {
    sha256: String,
    not_after: String,
    expired: bool,
}

/// Prints it on standard output.
///
/// # Errors
/// When the settings are wrong, there is no registry to ask, or what it says is not to be taken.
pub fn providers(file: &Path, wish: Wish, json: bool) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    let registry = Registry::of(file, &settings)?;
    let text = match wish {
        Wish::Show => show(&settings, registry.as_ref(), app::now(), json)?,
        Wish::Preview => asked(registry.as_ref(), json, false)?,
        Wish::Accept => asked(registry.as_ref(), json, true)?,
    };
    writeln!(std::io::stdout(), "{}", text.trim_end()).context("standard output")?;
    Ok(())
}

fn asked(registry: Option<&Registry>, json: bool, accept: bool) -> anyhow::Result<String> {
    let registry = registry.context("the settings name no [providers.registry]")?;
    ask(registry, accept, json, "varco-hub providers")
}

fn show(
    settings: &Settings,
    registry: Option<&Registry>,
    now: Timestamp,
    json: bool,
) -> anyhow::Result<String> {
    let (by_hand, problems) = Providers::load(settings.providers.folders());
    problems.iter().for_each(|problem| tracing::warn!(%problem, "a provider's metadata is not used"));
    let listed = registry.and_then(|registry| registry.in_force(now));
    let listed = listed.map(|list| list.providers).unwrap_or_default();
    let mine = by_hand.iter().map(|p| {
        let both = listed.iter().any(|other| other.entity_id == p.entity_id);
        row(p, if both { "file, before the registry" } else { "file" }, now)
    });
    let theirs =
        listed.iter().filter(|p| by_hand.get(&p.entity_id).is_none()).map(|p| row(p, "registry", now));
    let shown =
        Shown { registry: registry.map(|r| State::of(r, now)), providers: mine.chain(theirs).collect() };
    if json { Ok(serde_json::to_string_pretty(&shown)?) } else { Ok(shown.text()) }
}

fn row(provider: &Provider, source: &'static str, now: Timestamp) -> Row {
    let at = Asn1Time::from_unix(now.as_second()).ok();
    let certificate = |c: &openssl::x509::X509| Certificate {
        sha256: fingerprint(c),
        not_after: c.not_after().to_string(),
        expired: at.as_ref().is_some_and(|at| c.not_after() < at),
    };
    Row {
        scheme: provider.scheme.name(),
        entity_id: provider.entity_id.clone(),
        name: provider.name.clone(),
        source,
        certificates: provider.certificates.iter().map(certificate).collect(),
    }
}

impl Shown {
    fn text(&self) -> String {
        let mut lines = Vec::new();
        lines.extend(self.registry.iter().flat_map(|state| state.lines("registry")));
        for row in &self.providers {
            lines.push(format!("{} {} ({}) from {}", row.scheme, row.entity_id, row.name, row.source));
            lines.extend(row.certificates.iter().map(|c| {
                let ended = if c.expired { ", ended" } else { "" };
                format!("  key {} until {}{ended}", c.sha256, c.not_after)
            }));
        }
        lines.join("\n")
    }
}
