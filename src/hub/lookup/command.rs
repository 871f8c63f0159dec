//! `varco-hub lookup`: documents in, receipts out.

use super::control::{Ask, Told, ask};
use crate::config::Settings;
use anyhow::{Context as _, bail};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
};
use varco_audit::{case::CaseId, keys};
use varco_web::startup::Fault;

/// Gives documents to the hub that runs, in this order.
///
/// # Errors
/// At the first that it does not take.
pub fn submit(file: &Path, documents: &[PathBuf]) -> Result<(), Fault> {
    let state = Settings::load(file)?.state;
    for path in documents {
        let name = || path.display().to_string();
        let document = std::fs::read_to_string(path).with_context(name)?;
        match ask(&state, &Ask::Submit(document))? {
            Told::Taken(case, step) => print(&format!("case {case}: {step}\n"))?,
            other => return Err(refused(other).context(name()).into()),
        }
    }
    Ok(())
}

/// Prints a line for each case, or JSON.
///
/// # Errors
/// When no hub runs.
pub fn list(file: &Path, json: bool) -> Result<(), Fault> {
    let cases = match ask(&Settings::load(file)?.state, &Ask::List)? {
        Told::Cases(cases) => cases,
        other => return Err(refused(other).into()),
    };
    if json {
        return Ok(print(&(serde_json::to_string_pretty(&cases).context("JSON")? + "\n"))?);
    }
    for case in cases {
        let decided = case.decided.map_or_else(String::new, |decided| {
            let what = if decided.allowed { "allowed" } else { "refused" };
            format!("; {what} by {} {}", decided.approver, decided.at)
        });
        let answered =
            case.answered.map_or_else(String::new, |(at, outcome, _)| format!("; answered {at}: {outcome}"));
        let named = case.named.map_or_else(String::new, |at| format!("; named {at}"));
        print(&format!(
            "{} asked by {} {}{decided}{answered}{named}\n",
            case.case, case.requester, case.asked
        ))?;
    }
    Ok(())
}

/// Prints the receipt of a case, or writes it into a file that is not there yet.
///
/// # Errors
/// When the case was not allowed, or no hub runs.
pub fn receipt(file: &Path, case: CaseId, out: Option<&Path>) -> Result<(), Fault> {
    let proof = match ask(&Settings::load(file)?.state, &Ask::Receipt(case))? {
        Told::Proof(proof) => proof,
        other => return Err(refused(other).into()),
    };
    match out {
        Some(out) => Ok(keys::write_new(out, &proof, 0o644).context("the receipt")?),
        None => Ok(print(&proof)?),
    }
}

/// What was said in place of what was asked for.
pub(super) fn refused(told: Told) -> anyhow::Error {
    match told {
        Told::Refused(why) => anyhow::anyhow!(why),
        other => anyhow::anyhow!("the hub is of another version: {other:?}"),
    }
}

pub(super) fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => bail!("standard output: {error}"),
        _ => Ok(()),
    }
}
