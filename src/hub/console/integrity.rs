//! `GET /integrity`: whether everything is whole. What a log says is verified from its checkpoint down to the edge of its
//! tree; that every entry is whole is the scrub's and `varco-audit verify`'s to say.

use super::{
    Console, answer, block,
    logs::{self, Known},
};
use crate::app;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use jiff::{SignedDuration, Timestamp};
use std::fs;
use varco_audit::{
    class::Class,
    index::{IndexError, Rows, Span, silences},
};
use varco_templates::console::{self as pages, Alarm, Integrity, LogState};
use varco_web::lang;

/// A site that has shipped nothing for so long is an alarm.
const SHIPPED: SignedDuration = SignedDuration::from_hours(1);
/// Heartbeats come every five minutes: so long without one is an alarm.
const SILENT: SignedDuration = SignedDuration::from_mins(15);
/// How far back silences are looked for.
const WATCHED: SignedDuration = SignedDuration::from_hours(24);
/// So long without a witness is an alarm, where there was one.
const WITNESSED: SignedDuration = SignedDuration::from_hours(1);
/// So long without a timestamp is an alarm, where there was one.
const STAMPED: SignedDuration = SignedDuration::from_hours(48);

/// The page.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::get("/integrity")]
pub async fn show(request: HttpRequest, console: Data<Console>) -> actix_web::Result<HttpResponse> {
    match block(&console, |console| Ok(state(console, app::now()))).await {
        Ok(state) => console.page(&request, StatusCode::OK, |view| pages::integrity(view, &state)),
        Err(trouble) => console.trouble(&request, trouble),
    }
}

/// The same as a file.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/integrity.csv")]
pub async fn table(request: HttpRequest, console: Data<Console>) -> actix_web::Result<HttpResponse> {
    let lang = lang::of(&request);
    match block(&console, |console| Ok(state(console, app::now()))).await {
        Ok(state) => Ok(answer::csv("integrity", lang, &pages::integrity_table(lang, &state))),
        Err(trouble) => console.trouble(&request, trouble),
    }
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
    let old = |at: Option<Timestamp>, limit| at.is_some_and(|at| now.duration_since(at) > limit);
    if state.hub {
        own(console, log, now, &mut state);
    } else if old(shipped, SHIPPED) {
        state.alarms.push(Alarm::NotShipped);
    }
    if let Err(error) = signs(console, log, now, &mut state) {
        tracing::warn!(%error, "the console cannot ask the index");
    }
    state
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

/// What only the hub's own log has: witnesses, timestamps, and what its thread says of it.
fn own(console: &Console, log: &Known, now: Timestamp, state: &mut LogState) {
    let moment = |at: Timestamp| answer::moment(at, now, console.zone());
    let old = |at: Option<Timestamp>, limit| at.is_some_and(|at| now.duration_since(at) > limit);
    let witnessed = log.written("checkpoint.witnessed");
    let names =
        console.hub.log.witnessed().map(|signed| cosigners(signed.note(), log.origin())).unwrap_or_default();
    state.witnesses = names.into_iter().map(|name| (name, witnessed.map(moment))).collect();
    let stamped = fs::read_dir(log.folder.join("timestamps")).into_iter().flatten().flatten();
    let stamped = stamped.filter_map(|file| logs::written(&file.path())).max();
    state.stamped = stamped.map(moment);
    let said = console.hub.log.state();
    let alarms = [
        (said.late, Alarm::Late),
        (said.failing, Alarm::Damaged),
        (old(witnessed, WITNESSED), Alarm::Unwitnessed),
        (old(stamped, STAMPED), Alarm::Unstamped),
    ];
    state.alarms.extend(alarms.into_iter().filter(|(is, _)| *is).map(|(_, alarm)| alarm));
    state.alarms.dedup();
}

/// Who has signed a note beside its log.
fn cosigners(note: &str, origin: &str) -> Vec<String> {
    let names = note.lines().filter_map(|line| line.strip_prefix("\u{2014} ")?.split(' ').next());
    names.filter(|name| *name != origin).map(str::to_owned).collect()
}

/// Signs of life: heartbeats, by the index.
fn signs(console: &Console, log: &Known, now: Timestamp, state: &mut LogState) -> Result<(), IndexError> {
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
    if !state.hub && (state.silence.is_some() || last.is_some_and(|at| now.duration_since(at) > SILENT)) {
        state.alarms.push(Alarm::Silent);
    }
    Ok(())
}
