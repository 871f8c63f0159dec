//! What a session leaves on the disk: our log of it, next to a log of its translated flows (`conntrack -E`), both of the same
//! sessions of one run.

mod flows;
mod grown;
mod site;
mod surf;

use super::{
    report::{Aim, Chapter, Figure, Unit},
    scenario::Bench,
    stats,
};
use anyhow::{Result, ensure};
use flows::{FlowLog, Flows};
use grown::Grown;
use site::Site;
use std::time::Duration;
use surf::{Session, Surf};

/// Guests that are online together, and how often each of them comes: no more sessions than an address has slots (126), since
/// each slot rests for ten minutes.
const GUESTS: u8 = 12;
const ROUNDS: u8 = 8;
/// Leaves of a session: three of its beginning, one of its end.
const LEAVES: u64 = 4;
/// Octets of one event as IPFIX has it: time, event, protocol, three addresses, three ports (RFC 8158, NAT44 session).
const IPFIX: u64 = 28;

/// Runs it.
///
/// # Errors
/// When the lab does not come up, or a flow or a leaf is missing at the end.
pub fn run(bench: &Bench, chapter: &mut Chapter) -> Result<()> {
    let (guests, rounds) = if bench.quick { (2, 1) } else { (GUESTS, ROUNDS) };
    let sessions = u64::from(guests) * u64::from(rounds);
    let session = Session::USUAL;
    let site = Site::up(&bench.programs, guests)?;
    let surf = Surf::open(&site)?;
    let (before, log) = (site.settled(0)?, FlowLog::begin(&site)?);
    for _ in 0..rounds {
        (0..guests).try_for_each(|guest| site.log_in(guest))?;
        (0..guests).try_for_each(|guest| surf.session(guest, session))?;
        // The last flows end by themselves too.
        surf.rest(Duration::from_secs(2))?;
        (0..guests).try_for_each(|guest| site.log_out(guest))?;
    }
    let (after, flows) = (site.settled(before.leaves + LEAVES * sessions)?, log.end()?);
    let made = sessions * session.flows();
    // A port that comes again at once is no new flow; each login tries one connection more.
    ensure!(
        flows.begun * 100 >= made * 99 && flows.begun == flows.ended,
        "{made} flows were made, the log has {} beginnings and {} ends",
        flows.begun,
        flows.ended
    );
    tell(chapter, &after.since(&before), &flows, sessions);
    chapter.notes.push(session.to_string());
    Ok(())
}

/// Of one session, the figures of both logs.
fn tell(chapter: &mut Chapter, grown: &Grown, flows: &Flows, sessions: u64) {
    let (ours, theirs, events) = (grown.octets(), flows.octets, flows.begun + flows.ended);
    let each = |octets: u64| octets / sessions;
    let one = |name: &str, octets| Figure::alone(name, Unit::Count, &[each(octets)], None);
    let times =
        |name: String, of: u64, aim| Figure::alone(name, Unit::Thousandths, &[stats::ratio(of, ours)], aim);
    let (asked, hundred) = (flows.begun / sessions, Some(Aim::AtLeast(100_000)));
    let connections = (flows.begun - flows.asked) / sessions;
    // Of both ends of a flow, from the mean of those that were made.
    let enough = (100 * ours * flows.begun).div_ceil(theirs * sessions);
    let pair =
        |name: &str, ours, theirs| Figure::pairs(name, Unit::Count, &[(each(ours), each(theirs))], None);
    chapter.figures.extend([
        pair("octets of a session", ours, theirs),
        one("of them entries", grown.entries),
        one("of them hashes", grown.hashes),
        one("of them the index", grown.index),
        times(format!("times fewer, {asked} flows a session"), theirs, hundred),
        times(
            format!("times fewer, {connections} flows: names asked of the router"),
            theirs - flows.octets_asked,
            hundred,
        ),
        Figure::alone("flows of a session from which it is 100 times", Unit::Count, &[enough], None),
        Figure::alone("octets of an event in the log of flows", Unit::Count, &[theirs / events], None),
        pair("octets of a session, compressed by gzip", grown.compressed(), flows.compressed),
        times(format!("times fewer than {IPFIX} octets an event (RFC 8158)"), IPFIX * events, None),
    ]);
    let other = grown.leaves - LEAVES * sessions;
    chapter.notes.push(format!(
        "{sessions} sessions, {} flows; {} leaves, {other} of them not of a session (heartbeats and the like), which are counted. \
         The log of flows is what `conntrack -E -e NEW,DESTROY -o timestamp,extended` writes of flows from the guests' public \
         address. The index grows by pages of 4,096 octets.",
        flows.begun, grown.leaves
    ));
}
