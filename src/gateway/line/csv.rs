//! The minutes as comma-separated values, RFC 4180: a header, lines that end with CR LF, nothing that needs quotes.

use super::minute::{COLUMNS, Minute};
use jiff::Timestamp;
use std::fmt::Write;
use varco_policy::{
    Lane,
    wire::Direction::{Down, Up},
};

/// The header. After the columns of the table, the mean rates that follow from them.
pub fn header() -> String {
    let rates = LANES.map(|(lane, direction)| {
        let way = if direction == Up { "up" } else { "down" };
        format!("{}_{way}_bit_per_second", lane.word())
    });
    // `at` is given as text that people read.
    let rest = COLUMNS.get(1..).unwrap_or_default().join(",");
    format!("minute,{rest},{}\r\n", rates.join(","))
}

const LANES: [(Lane, varco_policy::wire::Direction); 6] = [
    (Lane::Critical, Up),
    (Lane::Critical, Down),
    (Lane::Office, Up),
    (Lane::Office, Down),
    (Lane::Guest, Up),
    (Lane::Guest, Down),
];

/// One line: `minute` in UTC (RFC 3339); what is not known is empty.
pub fn line(minute: &Minute) -> String {
    let at = i64::try_from(minute.at).ok().and_then(|at| Timestamp::from_second(at).ok()).unwrap_or_default();
    let mut line = at.to_string();
    let rates = LANES.map(|(lane, direction)| {
        let bits = u128::from(minute.bytes(lane, direction)) * 8_000;
        bits.checked_div(u128::from(minute.observed_ms)).and_then(|rate| u64::try_from(rate).ok())
    });
    for value in minute.values().into_iter().skip(1).chain(rates) {
        // Writing to a string does not fail.
        let _ = match value {
            Some(value) => write!(line, ",{value}"),
            None => write!(line, ","),
        };
    }
    line + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_the_fields_of_the_header() {
        let minute =
            Minute { at: 1_790_000_040, observed_ms: 30_000, guest_down_bytes: 3_000, ..Minute::default() };
        let (header, line) = (header(), line(&minute));
        let fields =
            |text: &str| text.strip_suffix("\r\n").unwrap().split(',').map(str::to_owned).collect::<Vec<_>>();
        let (names, values) = (fields(&header), fields(&line));
        assert_eq!(names.len(), values.len());
        let of = |name: &str| values[names.iter().position(|n| n == name).unwrap()].as_str();
        assert_eq!((of("minute"), of("guest_down_bytes")), ("2026-09-21T14:14:00Z", "3000"));
        assert_eq!((of("guest_down_bit_per_second"), of("delay_max_us")), ("800", ""));
    }

    #[test]
    fn a_rate_over_no_time_is_not_known() {
        assert!(line(&Minute::default()).ends_with(",,,,,,\r\n"));
    }
}
