//! `GET /`: the state of the site, for anybody in the office. How many passes there are is for administrators: where one
//! guest is in the building, a number is about a person.

use super::Admin;
use crate::site::Status;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use std::sync::atomic::Ordering;
use varco_policy::wire::{Direction, LaneUsage, Measured};
use varco_templates::admin::{self as pages, Kernel, LaneRow, SiteState};
use varco_web::{lang, page};

/// The state now.
#[actix_web::get("/")]
pub async fn show(request: HttpRequest, admin: web::Data<Admin>) -> HttpResponse {
    let people = admin.who(&request).is_some();
    let state = SiteState {
        people,
        line_alarm: admin.line.now().alarm,
        ..state(&admin.board.status(), admin.hub.load(Ordering::Relaxed))
    };
    page::html(&request, StatusCode::OK, pages::status(lang::of(&request), &admin.title, &state))
}

fn state(status: &Status, hub: bool) -> SiteState {
    SiteState {
        gate: status.enforcer_ready,
        records: status.recording,
        hub,
        people: false,
        passes: status.online,
        slots_lent: status.slots_lent,
        slots_total: status.slots_total,
        generation: status.generation,
        line_alarm: false,
        kernel: status.measured.as_ref().map(kernel),
    }
}

fn kernel(measured: &Measured) -> Kernel {
    let lanes = measured.lanes.iter().map(row).collect();
    Kernel { leaf: measured.leaf.clone(), healed: measured.healed, lanes }
}

fn row(lane: &LaneUsage) -> LaneRow {
    LaneRow {
        lane: lane.lane.word(),
        up: lane.direction == Direction::Up,
        ceiling: lane.ceiling.to_string(),
        bytes: lane.bytes,
        drops: lane.drops,
        backlog: lane.backlog,
    }
}
