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

use super::{Age, Signed, kept::Status};

/// What to do with a list.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<C> {
    /// It is the one in force.
    Same,
    /// It takes its place, with these differences.
    Take(Vec<C>),
    /// It does not, unless the operator says so.
    Refuse(&'static str, String),
}

/// Judges `new` against what is in force; `accept` is the operator's word.
pub fn decide<L: Signed>(status: &Status, in_force: Option<&L>, new: &L, accept: bool) -> Verdict<L::Change> {
    if status.digest == new.digest() {
        return Verdict::Same;
    }
    let doubt = || older(status, new.digest(), new.age()).or_else(|| shrunk(in_force?, new));
    let doubt = new.forbidden(status).or_else(|| doubt().filter(|_| !accept));
    match doubt {
        Some((rule, why)) => Verdict::Refuse(rule, why),
        None => Verdict::Take(L::changes(in_force, new)),
    }
}

type Doubt = Option<(&'static str, String)>;

fn older(status: &Status, digest: &str, new: Age) -> Doubt {
    if status.lost {
        return Some((
            "memory-lost",
            "which lists were in force before cannot be read (status.json)".to_owned(),
        ));
    }
    if status.superseded.iter().any(|before| before == digest) {
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

fn shrunk<L: Signed>(now: &L, new: &L) -> Doubt {
    let (members, stay) = now.stay(new);
    // With two or fewer, one is half of them.
    let lost = members.saturating_sub(stay);
    (members > 2 && lost.saturating_mul(2) > members)
        .then(|| ("shrunk", format!("{lost} of {members} {} would vanish at once", L::MEMBERS)))
}
