//! `GET /cases/{case}/sheet`: what the hub's log says of a case, to be printed and signed. Whoever opens it is on record, and
//! the sheet says in which entry. It has what the hub knows, so no address and no citizen.

use super::one;
use crate::{
    app,
    console::{
        Console, Reply, answer, block,
        logs::{self, Known},
        session::Visitor,
        views,
    },
    timestamp,
    witness::cosigned,
};
use actix_web::{
    HttpRequest,
    web::{Data, Path, ReqData},
};
use jiff::Timestamp;
use std::fs;
use varco_audit::{
    case::{CaseId, Step},
    leaf::{Leaf, Mark},
    pack::sha256,
    tlog::{Cosignature, Signed},
};
use varco_templates::console::{self as pages, Head, Sheet, SheetEntry, SiteHead, Stamp, Trouble};

/// The page.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::get("/cases/{case}/sheet")]
pub async fn show(
    request: HttpRequest,
    console: Data<Console>,
    visitor: ReqData<Visitor>,
    case: Path<String>,
) -> Reply {
    let found = read(&console, &visitor, &case).await;
    answer::page(&console, &request, found, |view, sheet| pages::sheet(view, &sheet))
}

async fn read(console: &Data<Console>, visitor: &Visitor, case: &str) -> Result<Sheet, Trouble> {
    let id: CaseId = case.parse().map_err(|_| Trouble::NotFound)?;
    let view = views::record(console, visitor, format!("/cases/{id}/sheet")).await?;
    let now = app::now();
    block(console, move |console| made(console, id, view, now)).await?.ok_or(Trouble::NotFound)
}

fn made(console: &Console, id: CaseId, view: u64, now: Timestamp) -> anyhow::Result<Option<Sheet>> {
    let Some((case, _)) = one::one(console, id)? else { return Ok(None) };
    let logs = logs::all(console);
    let Some(own) = logs.iter().find(|log| log.is_own()) else { return Ok(None) };
    let covers =
        case.steps.iter().filter_map(|step| step.entry).max().map_or(0, |last| last.saturating_add(1));
    let witnessed = console.hub.log.witnessed().filter(|signed| signed.size >= covers);
    let signed = witnessed.map_or_else(|| console.hub.log.checkpoint(), Ok)?;
    let entries = case.steps.iter().map(|step| entry(own, id, &signed, step));
    let entries = entries.collect::<anyhow::Result<_>>()?;
    let written = |at| answer::written(at, console.zone());
    let witnesses = cosigned(&signed, &console.hub.settings.log.witnesses);
    let sites = logs.iter().filter(|log| !log.is_own()).map(|log| site(console, log));
    Ok(Some(Sheet {
        made: written(now),
        view,
        entries,
        hub: head(&signed, own),
        witnesses: witnesses.into_iter().map(|(name, at)| (name, at.map(written))).collect(),
        stamp: stamp(console, own, covers),
        sites: sites.collect::<anyhow::Result<_>>()?,
        case,
    }))
}

/// An entry of the case, compared with the tree; its digest is missing while no checkpoint has it, and once it was pruned.
fn entry(own: &Known, id: CaseId, signed: &Signed, step: &pages::StepRow) -> anyhow::Result<SheetEntry> {
    let mut row = SheetEntry { step: step.step.clone(), at: step.at.clone(), ..SheetEntry::default() };
    let Some(number) = step.entry else { return Ok(row) };
    row.entry = number;
    row.covered = number < signed.size;
    let Some(octets) = own.entries(&[number])?.pop() else { return Ok(row) };
    let says = step
        .step
        .parse::<Step>()
        .is_ok_and(|step| Leaf::read(&octets).is_ok_and(|leaf| leaf.header.mark == Mark::Case(step, id)));
    anyhow::ensure!(says, "entry {number} is not {} of case {id}", step.step);
    row.digest = Some(sha256(&octets));
    Ok(row)
}

fn head(signed: &Signed, log: &Known) -> Head {
    Head {
        origin: signed.origin.clone(),
        size: signed.size,
        root: signed.root.to_string(),
        key: log.key.to_string(),
    }
}

/// The first stamp that covers the case.
fn stamp(console: &Console, own: &Known, covers: u64) -> Option<Stamp> {
    let authority = console.hub.settings.log.timestamp.as_ref()?.pinned().ok()?;
    let (size, stamp) = timestamp::covering(&own.folder, &own.key, covers, &authority)?;
    Some(Stamp { size, at: answer::written(stamp.at, console.zone()), by: stamp.by, serial: stamp.serial })
}

/// The copy of a site's log: its last checkpoint, and when the hub has acknowledged it.
fn site(console: &Console, log: &Known) -> anyhow::Result<SiteHead> {
    let mut row = SiteHead { name: log.name.clone(), ..SiteHead::default() };
    if !log.folder.join("checkpoint").try_exists()? {
        return Ok(row);
    }
    let signed = log.signed()?;
    let copied = Cosignature::verify(&signed, console.hub.mirrors.vkey()).ok();
    row.copied = copied.map(|copied| answer::written(copied.at, console.zone()));
    row.forked = fs::exists(log.folder.join("forked"))?;
    row.head = Some(head(&signed, log));
    Ok(row)
}
