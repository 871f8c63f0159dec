//! The cards and the labs there are, a line each.

use varco_tests::{
    cns::Card,
    lab::{Lab, process::Process},
};

/// The cards of a lab.
pub fn cards() -> String {
    Card::ALL.iter().map(|card| format!("{:<18} {}\n", card.name(), card.says())).collect()
}

/// The labs of this user.
pub fn list() -> String {
    let line = |lab: Lab| {
        let record = lab.record().ok()?;
        let up = record.holder.is_some_and(Process::lives);
        let state = if up { "up" } else { "gone" };
        Some(format!("{:<32} {state:<5} {}\n", record.plan.name, lab.folder.display()))
    };
    Lab::all().into_iter().filter_map(line).collect()
}
