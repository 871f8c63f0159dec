//! `GET /shares`: the lanes now, and the form to change their shares; while something is on trial, the two ways out.

use super::{Admin, fields, now};
use crate::{
    change::changed,
    site::{
        Status,
        shares::{Back, OnTrial, SharesNow},
    },
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
    web,
};
use jiff::Timestamp;
use varco_policy::{
    ShareKey, Shares,
    share_key::Part,
    wire::{Direction, LaneUsage},
};
use varco_templates::shares::{self as pages, Ended, LaneNow, Trouble, Visit};

/// The page.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::get("/shares")]
pub async fn show(request: HttpRequest, admin: web::Data<Admin>) -> actix_web::Result<HttpResponse> {
    let status = admin.board.status();
    if admin.who(&request).is_none() {
        return admin.page(&request, StatusCode::OK, pages::sign_in);
    }
    let Some(shares) = status.shares.clone() else {
        return admin.trouble(&request, Trouble::GateDown);
    };
    let lanes = lanes(&status, &shares.trial.map_or(shares.confirmed, |trial| trial.shares));
    match shares.trial {
        Some(trial) => on_trial(&request, &admin, &shares, trial, &lanes),
        None => admin.page(&request, StatusCode::OK, |visit| confirmed(visit, &shares, &lanes)),
    }
}

fn confirmed(visit: Visit<'_>, shares: &SharesNow, lanes: &[LaneNow]) -> maud::Markup {
    let ended = shares.back.as_ref().map(|(_, why)| ended(why));
    pages::shares(visit, lanes, &fields::form(&shares.confirmed), ended)
}

fn on_trial(
    request: &HttpRequest,
    admin: &Admin,
    shares: &SharesNow,
    trial: OnTrial,
    lanes: &[LaneNow],
) -> actix_web::Result<HttpResponse> {
    let changes = changed(&shares.confirmed, &trial.shares);
    let (tried, seconds) = (fields::base(&trial.shares), left(trial.until, now()));
    let mut answer =
        admin.page(request, StatusCode::OK, |visit| pages::trial(visit, lanes, &changes, &tried, seconds))?;
    // Once, when the time is over: a page that loads itself again and again takes the focus from who uses the keyboard.
    answer.headers_mut().insert(HeaderName::from_static("refresh"), HeaderValue::from(seconds + 2));
    Ok(answer)
}

/// Whole seconds left, never less than none.
fn left(until: Timestamp, now: Timestamp) -> i64 {
    until.duration_since(now).as_secs().max(0)
}

const fn ended(why: &Back) -> Ended {
    match why {
        Back::Asked => Ended::Asked,
        Back::TimeOver => Ended::TimeOver,
        Back::EnforcerLost => Ended::EnforcerLost,
        Back::Refused(_) => Ended::Refused,
        Back::RecordsFailed => Ended::RecordsFailed,
    }
}

/// The lanes with the shares in force, which the enforcer has read back; the last measurement may be of other ones.
fn lanes(status: &Status, in_force: &Shares) -> Vec<LaneNow> {
    let measured = status.measured.iter().flat_map(|measured| &measured.lanes);
    measured.map(|usage| lane(usage, status, in_force)).collect()
}

fn lane(usage: &LaneUsage, status: &Status, in_force: &Shares) -> LaneNow {
    let same =
        |rate: &&crate::site::speeds::LaneRate| (rate.lane, rate.direction) == (usage.lane, usage.direction);
    // Whole kilobits: what moves by less is not read anyway.
    let rate = status.rates.iter().find(same).map(|rate| format!("{}kbit", rate.rate.bits() / 1000));
    let of = |part| ShareKey { lane: usage.lane, direction: usage.direction, part }.of(in_force).to_string();
    LaneNow {
        lane: usage.lane.word(),
        up: usage.direction == Direction::Up,
        guaranteed: of(Part::Guaranteed),
        ceiling: of(Part::Ceiling),
        rate,
        waiting: usage.backlog,
    }
}
