//! The text is read back by a small parser that takes nothing but the format.

use super::*;
use std::collections::{BTreeMap, BTreeSet};
use varco_policy::{
    Lane,
    wire::{Capacity, PortsInUse},
};

/// A sample: its name, its labels, its value in millionths.
type Sample = (String, BTreeMap<String, String>, u64);

fn is_name(text: &str) -> bool {
    text.starts_with("varco_") && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn number(text: &str) -> u64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    assert!(
        whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) && fraction.len() <= 6,
        "{text}"
    );
    whole.parse::<u64>().unwrap() * 1_000_000 + format!("{fraction:0<6}").parse::<u64>().unwrap()
}

fn labels(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split(',').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap();
        assert!(!value.contains(['"', '\\', '\n']), "{value}");
        (name.to_owned(), value.to_owned())
    });
    pairs.collect()
}

/// Every metric has HELP and TYPE before its samples, once; every line is one of the three and ends with a line feed.
fn parse(text: &str) -> Vec<Sample> {
    assert!(text.ends_with('\n'));
    let (mut helped, mut samples) = (BTreeSet::new(), Vec::new());
    let (mut name, mut kind) = (String::new(), String::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (of, help) = rest.split_once(' ').unwrap();
            assert!(is_name(of) && helped.insert(of.to_owned()) && !help.is_empty(), "{line}");
            name = of.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (of, is) = rest.split_once(' ').unwrap();
            assert!(of == name && ["counter", "gauge", "histogram"].contains(&is), "{line}");
            assert_eq!(is == "counter", of.ends_with("_total"), "{line}");
            kind = is.to_owned();
        } else {
            let (of, value) = line.rsplit_once(' ').unwrap();
            let (of, all) = match of.split_once('{') {
                Some((of, rest)) => (of, labels(rest.strip_suffix('}').unwrap())),
                None => (of, BTreeMap::new()),
            };
            let suffix = of.strip_prefix(name.as_str()).unwrap();
            let allowed = if kind == "histogram" { &["_bucket", "_sum", "_count"][..] } else { &[""][..] };
            assert!(allowed.contains(&suffix), "{line}");
            samples.push((of.to_owned(), all, number(value)));
        }
    }
    let distinct: BTreeSet<_> = samples.iter().map(|(name, labels, _)| (name, labels)).collect();
    assert_eq!(distinct.len(), samples.len(), "a sample twice");
    samples
}

fn value(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> u64 {
    let is = |(of, all, _): &&Sample| {
        of == name
            && all.len() == labels.len()
            && labels.iter().all(|(l, v)| all.get(*l).is_some_and(|a| a == v))
    };
    samples.iter().find(is).unwrap_or_else(|| panic!("{name} {labels:?}")).2
}

fn now() -> Now {
    let lane = LaneUsage {
        lane: Lane::Guest,
        direction: Direction::Down,
        bytes: 7_000_000_000,
        packets: 1,
        drops: 3,
        overlimits: 0,
        backlog: 9,
        guaranteed: Rate::from_bits(1_000_000),
        ceiling: Rate::from_bits(100_000_000),
    };
    let counts = Counts {
        waited_ms: [0, 1_500],
        delays: [1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 4],
        delay_us: 2_000_007,
        ..Counts::default()
    };
    Now {
        lanes: vec![lane],
        line: Some(Capacity { up: Rate::from_bits(8_000), down: Rate::from_bits(80_000) }),
        ports: Some(PortsInUse { eighths: [5, 0, 0, 0, 0, 0, 0, 1], most: 400 }),
        counts,
        ..Now::default()
    }
}

#[test]
fn the_text_is_what_prometheus_reads() {
    let samples = parse(&text(
        &now(),
        &Status { online: 6, enforcer_ready: true, ..Status::default() },
        Default::default(),
        false,
    ));
    let lane = [("lane", "guest"), ("direction", "down")];
    let of = |name, labels: &[(&str, &str)]| value(&samples, name, labels);
    assert_eq!(of("varco_lane_bytes_total", &lane), 7_000_000_000 * 1_000_000);
    assert_eq!(of("varco_lane_guaranteed_bytes_per_second", &lane), 125_000 * 1_000_000);
    assert_eq!(of("varco_office_waited_seconds_total", &[("direction", "down")]), 1_500_000);
    assert_eq!(of("varco_added_delay_seconds_bucket", &[("le", "0.000500")]), 1_000_000);
    assert_eq!(of("varco_added_delay_seconds_bucket", &[("le", "0.002000")]), 6_000_000);
    assert_eq!(of("varco_added_delay_seconds_bucket", &[("le", "+Inf")]), 10_000_000);
    assert_eq!(of("varco_added_delay_seconds_count", &[]), 10_000_000);
    assert_eq!(of("varco_added_delay_seconds_sum", &[]), 2_000_007);
    assert_eq!(of("varco_passes_by_ports", &[("eighths", "8")]), 1_000_000);
    let up = ["varco_enforcer_up", "varco_hub_up", "varco_evidence_up"].map(|name| of(name, &[]));
    assert_eq!(up, [1_000_000, 0, 1_000_000]);
    assert_eq!(of("varco_passes", &[]), 6_000_000);
}

#[test]
fn before_anything_is_known_it_is_good_as_well() {
    let samples = parse(&text(&Now::default(), &Status::default(), Default::default(), false));
    assert_eq!(value(&samples, "varco_passes", &[]), 0);
}

/// SECURITY.md E1: the only labels are of the house, not of persons.
#[test]
fn no_label_names_anybody() {
    let samples = parse(&text(&now(), &Status::default(), Default::default(), true));
    let labels: BTreeSet<_> =
        samples.iter().flat_map(|(_, labels, _)| labels.keys().map(String::as_str)).collect();
    assert_eq!(labels, BTreeSet::from(["direction", "eighths", "lane", "le"]));
}
