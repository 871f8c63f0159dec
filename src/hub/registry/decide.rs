//! Whether a verified list takes the place of the one in force. Pure.
//!
//! AgID's list says neither when it was made nor how long it holds (2018 to 2025), so an old one that somebody serves again
//! is known by having been in force before. What each refusal protects:
//!
//! - **older, seen before**: a provider's stolen key comes back with the list that still names it. Where what was seen before
//!   cannot be read, only the operator can tell.
//! - **shrunk**: a registry that fails, or a list cut in two by whoever makes it, must not lock most citizens out. One provider
//!   that vanishes is believed at once: that is how AgID ends a trust that was broken. A half that vanishes waits for a
//!   person (`varco-hub providers --accept`), with an alarm.

use super::{Change, kept::Status};
use crate::login::saml::{List, Provider};

/// What to do with a list.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the one in force.
    Same,
    /// It takes its place, with these differences.
    Take(Vec<Change>),
    /// It does not, unless the operator says so.
    Refuse(&'static str, String),
}

/// Judges `new` against what is in force; `accept` is the operator's word.
pub fn decide(status: &Status, now: &[Provider], new: &List, accept: bool) -> Verdict {
    if status.digest == new.digest {
        return Verdict::Same;
    }
    let changes = Change::between(now, &new.providers);
    let doubt = older(status, new).or_else(|| shrunk(now, new));
    match doubt.filter(|_| !accept) {
        Some((rule, why)) => Verdict::Refuse(rule, why),
        None => Verdict::Take(changes),
    }
}

type Doubt = Option<(&'static str, String)>;

fn older(status: &Status, new: &List) -> Doubt {
    if status.lost {
        return Some((
            "memory-lost",
            "which lists were in force before cannot be read (status.json)".to_owned(),
        ));
    }
    if status.superseded.contains(&new.digest) {
        return Some(("roll-back", "this list was in force before, and another took its place".to_owned()));
    }
    let before = |was, is| matches!((was, is), (Some(was), Some(is)) if is < was);
    if before(status.made, new.made) {
        return Some(("roll-back", "it was made before the one in force".to_owned()));
    }
    // Where neither says when it was made, the end of validity tells their order.
    let by_end = status.made.is_none() || new.made.is_none();
    (by_end && before(status.valid_until, new.valid_until))
        .then(|| ("roll-back", "its validity ends before that of the one in force".to_owned()))
}

fn shrunk(now: &[Provider], new: &List) -> Doubt {
    let stay = now.iter().filter(|was| new.providers.iter().any(|is| is.entity_id == was.entity_id)).count();
    // With two providers or fewer, one is half of them.
    let lost = now.len().saturating_sub(stay);
    (now.len() > 2 && lost.saturating_mul(2) > now.len())
        .then(|| ("shrunk", format!("{lost} of {} providers would vanish at once", now.len())))
}
