//! What the line does now, as Prometheus metrics (text format 0.0.4). Base units: bytes, seconds. No label names anybody.

use super::live::{Counts, DELAYS, Now};
use crate::{ship::ShipState, site::Status};
use std::fmt::{Display, Write};
use varco_audit::keeper::LogState;
use varco_policy::{
    Rate,
    wire::{Direction, LaneUsage},
};

/// What the format is called in HTTP.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The metrics as text.
pub fn text(now: &Now, status: &Status, (log, shipped): (LogState, ShipState), hub: bool) -> String {
    let mut page = Page(String::new());
    lanes(&mut page, &now.lanes);
    line(&mut page, now);
    office(&mut page, &now.counts);
    delay(&mut page, &now.counts);
    passes(&mut page, now, status);
    for (name, help, well) in [
        ("varco_enforcer_up", "Whether the enforcer holds the desired state.", status.enforcer_ready),
        ("varco_recording_up", "Whether records can be written.", status.recording),
        ("varco_evidence_up", "Whether evidence can be written.", now.fault.is_none()),
        ("varco_hub_up", "Whether the hub answered when it was last asked.", hub),
    ] {
        page.one(name, "gauge", help, u8::from(well));
    }
    page.one("varco_log_entries", "gauge", "Entries of the verifiable log.", log.size);
    page.one("varco_log_waiting", "gauge", "Records that are not in the log yet.", log.waiting);
    page.one("varco_log_failing", "gauge", "Whether the log cannot be written.", u8::from(log.failing));
    page.one("varco_log_damaged", "gauge", "Whether an old entry was found damaged.", u8::from(log.damaged));
    page.one("varco_log_unshipped", "gauge", "Entries that the hub has not acknowledged.", shipped.waiting);
    page.0
}

#[derive(Debug)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let braces = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{braces} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.sample(name, &[], value);
    }
}

const fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

/// Thousandths or millionths as a decimal fraction, without a float.
fn decimal(value: u64, digits: u32) -> String {
    let one = 10_u64.pow(digits);
    format!("{}.{:0width$}", value / one, value % one, width = digits as usize)
}

fn lanes(page: &mut Page, lanes: &[LaneUsage]) {
    type Pick = fn(&LaneUsage) -> u64;
    let all: [(&str, &str, &str, Pick); 5] = [
        ("varco_lane_bytes_total", "counter", "Bytes that a lane has carried.", |lane| lane.bytes),
        ("varco_lane_dropped_packets_total", "counter", "Packets of a lane dropped.", |lane| lane.drops),
        ("varco_lane_backlog_bytes", "gauge", "Bytes of a lane waiting.", |lane| lane.backlog),
        ("varco_lane_guaranteed_bytes_per_second", "gauge", "What a lane is guaranteed.", |lane| {
            lane.guaranteed.bytes()
        }),
        ("varco_lane_ceiling_bytes_per_second", "gauge", "What a lane may reach.", |lane| {
            lane.ceiling.bytes()
        }),
    ];
    for (name, kind, help, pick) in all {
        page.head(name, kind, help);
        for lane in lanes {
            let labels = [("lane", lane.lane.word()), ("direction", way(lane.direction))];
            page.sample(name, &labels, pick(lane));
        }
    }
}

fn line(page: &mut Page, now: &Now) {
    let name = "varco_line_bytes_per_second";
    page.head(name, "gauge", "What the line is shaped to.");
    if let Some(line) = now.line {
        for (direction, rate) in [("up", line.up), ("down", line.down)] {
            page.sample(name, &[("direction", direction)], Rate::bytes(rate));
        }
    }
    let help = "Whether the line carries less than its least.";
    page.one("varco_line_alarm", "gauge", help, u8::from(now.alarm));
    let help = "Time in which it carried less than its least.";
    page.one("varco_line_alarm_seconds_total", "counter", help, decimal(now.counts.alarm_ms, 3));
}

fn office(page: &mut Page, counts: &Counts) {
    let name = "varco_office_waited_seconds_total";
    page.head(name, "counter", "Time in which the office waited for what is its own.");
    for (direction, millis) in ["up", "down"].into_iter().zip(counts.waited_ms) {
        page.sample(name, &[("direction", direction)], decimal(millis, 3));
    }
    let help = "Time in which the office filled all that is its own.";
    page.one("varco_office_full_seconds_total", "counter", help, decimal(counts.full_ms, 3));
    let help = "Time in which the queues were looked at.";
    page.one("varco_observed_seconds_total", "counter", help, decimal(counts.observed_ms, 3));
}

fn delay(page: &mut Page, counts: &Counts) {
    let name = "varco_added_delay_seconds";
    page.head(name, "histogram", "Delay added to the office by the line.");
    let bucket = format!("{name}_bucket");
    let mut sum = 0;
    for (count, bound) in counts.delays.iter().zip(DELAYS.map(Some).into_iter().chain([None])) {
        sum += count;
        let bound = bound.map_or("+Inf".to_owned(), |micros| decimal(u64::from(micros), 6));
        page.sample(&bucket, &[("le", &bound)], sum);
    }
    page.sample(&format!("{name}_sum"), &[], decimal(counts.delay_us, 6));
    page.sample(&format!("{name}_count"), &[], sum);
    page.one("varco_probes_lost_total", "counter", "Rounds of the probe that no host answered.", counts.lost);
}

fn passes(page: &mut Page, now: &Now, status: &Status) {
    page.one("varco_passes", "gauge", "Passes online.", status.online);
    page.one("varco_slots_lent", "gauge", "Slots lent.", status.slots_lent);
    page.one("varco_slots", "gauge", "Slots of the site.", status.slots_total);
    let name = "varco_passes_by_ports";
    page.head(name, "gauge", "Passes by how many eighths of their ports they use.");
    let Some(ports) = now.ports else { return };
    for (eighths, count) in ["1", "2", "3", "4", "5", "6", "7", "8"].into_iter().zip(ports.eighths) {
        page.sample(name, &[("eighths", eighths)], count);
    }
    page.one("varco_pass_ports_most", "gauge", "Most ports that one pass uses.", ports.most);
}

#[cfg(test)]
mod tests;
