//! `GET /integrity`: whether everything is whole. What a log says is verified from its checkpoint down to the edge of its
//! tree; that every entry is whole is the scrub's and `varco-audit verify`'s to say.

use super::{
    Console, Reply, answer, block,
    logs::{self, Known},
};
use crate::{app, timestamp, witness::cosigned};
use actix_web::{HttpRequest, web::Data};
use jiff::{SignedDuration, Timestamp};
use varco_audit::{
    class::Class,
    content::{Body, Content},
    index::{IndexError, Rows, Span, silences},
    leaf::Leaf,
};
use varco_templates::console::{self as pages, Alarm, Integrity, LogState};

/// A site that has shipped nothing for so long is an alarm.
const SHIPPED: SignedDuration = SignedDuration::from_hours(1);
/// Heartbeats come every five minutes: so long without one is an alarm.
const SILENT: SignedDuration = SignedDuration::from_mins(15);
/// How far back silences are looked for.
const WATCHED: SignedDuration = SignedDuration::from_hours(24);
/// So much later than due a timestamp is an alarm, as in `crate::timestamp`.
const GRACE: SignedDuration = SignedDuration::from_hours(24);
/// So long without its newest entries in the index is an alarm.
const INDEXED: SignedDuration = SignedDuration::from_mins(5);

/// The page.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::get("/integrity")]
pub async fn show(request: HttpRequest, console: Data<Console>) -> Reply {
    let found = block(&console, |console| Ok(state(console, app::now()))).await;
    answer::page(&console, &request, found, |view, state| pages::integrity(view, &state))
}

/// The same as a file.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/integrity.csv")]
pub async fn table(request: HttpRequest, console: Data<Console>) -> Reply {
    let found = block(&console, |console| Ok(state(console, app::now()))).await;
    answer::csv(&console, &request, found, "integrity", |lang, state| pages::integrity_table(lang, &state))
}

/// The state of every log, and of the gateways that have none here.
pub fn state(console: &Console, now: Timestamp) -> Integrity {
    let known = logs::all(console);
    let mut logs: Vec<_> = known.iter().map(|log| of(console, log, now)).collect();
    for gateway in &console.hub.settings.gateways {
        if known.iter().all(|log| log.name != gateway.client_id) {
            let alarms = vec![Alarm::NeverShipped];
            logs.push(LogState { name: gateway.client_id.clone(), alarms, ..LogState::default() });
        }
    }
    Integrity { at: answer::written(now, console.zone()), logs }
}

fn of(console: &Console, log: &Known, now: Timestamp) -> LogState {
    let moment = |at: Timestamp| answer::moment(at, now, console.zone());
    let mut state = LogState { name: log.name.clone(), hub: log.is_own(), ..LogState::default() };
    let shipped = log.written("checkpoint");
    state.checkpoint = shipped.map(moment);
    if !state.hub {
        state.shipped = shipped.map(moment);
    }
    verify(log, &mut state);
    if state.hub {
        own(console, log, now, &mut state);
    } else {
        copy(log, shipped, now, &mut state);
    }
    let asked = signs(console, log, now, &mut state).and_then(|()| indexed(console, log, now, &mut state));
    if let Err(error) = asked {
        tracing::warn!(error = format!("{error:#}"), "the console cannot ask the index");
        state.alarms.push(Alarm::NotIndexed);
    }
    state.alarms.dedup();
    state
}

/// Whether this is longer ago than it may be.
fn is_old(at: Timestamp, now: Timestamp, limit: SignedDuration) -> bool {
    now.duration_since(at) > limit
}

/// Verifies the checkpoint and the edge of its tree.
fn verify(log: &Known, state: &mut LogState) {
    match log.tiles() {
        Ok((signed, _)) => state.size = Some(signed.size),
        Err(_) if state.checkpoint.is_none() => state.alarms.push(Alarm::NeverShipped),
        Err(error) => {
            tracing::error!(log = log.name, error = format!("{error:#}"), "a log does not verify");
            state.alarms.push(Alarm::Damaged);
        }
    }
}

/// What only a copy has: the mirror keeps both heads of a log that was rewritten or cut back in `forked`.
fn copy(log: &Known, shipped: Option<Timestamp>, now: Timestamp, state: &mut LogState) {
    if log.folder.join("forked").exists() {
        state.alarms.push(Alarm::Forked);
    }
    if shipped.is_some_and(|at| is_old(at, now, SHIPPED)) {
        state.alarms.push(Alarm::NotShipped);
    }
}

/// What only the hub's own log has: witnesses, timestamps, and what its thread says of it.
fn own(console: &Console, log: &Known, now: Timestamp, state: &mut LogState) {
    let said = console.hub.log.state();
    let thread =
        [(said.failing, Alarm::NotWritten), (said.damaged, Alarm::Damaged), (said.late, Alarm::Late)];
    state.alarms.extend(thread.into_iter().filter(|(is, _)| *is).map(|(_, alarm)| alarm));
    witnesses(console, now, state);
    stamps(console, log, now, state);
}

/// The cosignatures on the newest checkpoint that is witnessed, each verified.
fn witnesses(console: &Console, now: Timestamp, state: &mut LogState) {
    let settings = &console.hub.settings.log;
    let moment = |at: Timestamp| answer::moment(at, now, console.zone());
    let known =
        console.hub.log.witnessed().map(|signed| (signed.size, cosigned(&signed, &settings.witnesses)));
    let (size, seen) = known.unwrap_or_else(|| {
        let names = settings.witnesses.iter().filter_map(|witness| witness.vkey.split('+').next());
        (0, names.map(|name| (name.to_owned(), None)).collect())
    });
    // A log that does not grow asks nobody; one that is new had no time to ask.
    let waits = state.size.is_some_and(|newest| newest > size);
    let begun = begun(console);
    let late = |at: &Option<Timestamp>| {
        waits && at.or(begun).is_some_and(|since| is_old(since, now, settings.witness_late))
    };
    if seen.iter().any(|(_, at)| late(at)) {
        state.alarms.push(Alarm::Unwitnessed);
    }
    state.witnesses = seen.into_iter().map(|(name, at)| (name, at.map(moment))).collect();
}

/// When the hub's log began.
fn begun(console: &Console) -> Option<Timestamp> {
    logs::written(&console.hub.settings.state.join("log.key"))
}

/// The newest timestamp, verified.
fn stamps(console: &Console, log: &Known, now: Timestamp, state: &mut LogState) {
    let Some(settings) = &console.hub.settings.log.timestamp else { return };
    let authority = settings.pinned().ok();
    let newest = authority.and_then(|authority| timestamp::newest(&log.folder, &log.key, &authority));
    let newest = newest.map(|(_, stamp)| stamp.at);
    let most = SignedDuration::from_hours(settings.every_hours.into()).saturating_add(GRACE);
    if newest.or(begun(console)).is_some_and(|since| is_old(since, now, most)) {
        state.alarms.push(Alarm::Unstamped);
    }
    state.stamped = newest.map(|at| answer::moment(at, now, console.zone()));
}

/// Signs of life: heartbeats, by the index.
fn signs(console: &Console, log: &Known, now: Timestamp, state: &mut LogState) -> anyhow::Result<()> {
    let first = now.saturating_sub(WATCHED).unwrap_or(Timestamp::MIN);
    let span = Span { first, last: now };
    let ask = |rows: &mut dyn Rows| {
        Ok::<_, IndexError>((rows.newest(log.origin())?, rows.of_class(log.origin(), Class::R6, span)?))
    };
    let (newest, beats) = console.hub.index.with(ask)?;
    let last = beats.last().map(|(_, at)| *at).or(newest);
    state.heartbeat = last.map(|at| answer::moment(at, now, console.zone()));
    let silent = silences(beats.into_iter().map(|(_, at)| at), now, SILENT);
    let longest = silent.iter().map(|silence| silence.to.duration_since(silence.from)).max();
    state.silence = longest.and_then(|longest| u64::try_from(longest.as_secs() / 60).ok());
    if !state.hub && (state.silence.is_some() || last.is_some_and(|at| is_old(at, now, SILENT))) {
        state.alarms.push(Alarm::Silent);
    }
    Ok(())
}

/// Whether the index follows, and what it finds of differences between kernel and records.
fn indexed(console: &Console, log: &Known, now: Timestamp, state: &mut LogState) -> anyhow::Result<()> {
    let first = now.saturating_sub(WATCHED).unwrap_or(Timestamp::MIN);
    let span = Span { first, last: now };
    let ask = |rows: &mut dyn Rows| {
        let program = if log.is_own() { Vec::new() } else { rows.of_class(log.origin(), Class::R5, span)? };
        Ok::<_, IndexError>((rows.place(log.origin())?.map_or(0, |place| place.size), program))
    };
    let (size, program) = console.hub.index.with(ask)?;
    let written = log.written("checkpoint").is_some_and(|at| is_old(at, now, INDEXED));
    if written && state.size.is_some_and(|whole| size < whole) {
        state.alarms.push(Alarm::NotIndexed);
    }
    let sequences: Vec<_> = program.into_iter().map(|(sequence, _)| sequence).collect();
    let differs = |entry: &Vec<u8>| {
        let body = Leaf::read(entry).ok().map(|leaf| serde_json::from_slice::<Content>(leaf.body));
        matches!(body, Some(Ok(Content { body: Body::Reconciled { .. }, .. })))
    };
    // A log that does not verify was told above.
    if log.entries(&sequences).is_ok_and(|entries| entries.iter().any(differs)) {
        state.alarms.push(Alarm::Differs);
    }
    Ok(())
}
