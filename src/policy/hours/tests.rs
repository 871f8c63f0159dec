//! Opening hours around the nights on which the clock is changed, and for any table at any instant.

use super::*;
use jiff::ToSpan;
use proptest::prelude::*;

fn rome() -> TimeZone {
    Zone::default().0
}

fn hours(text: &str) -> Hours {
    toml::from_str(text).unwrap()
}

fn schedule(text: &str) -> Schedule {
    Schedule::new(rome(), Some(hours(text)))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn open(until: &str) -> Opening {
    Opening::Open { closes: Some(at(until)) }
}

fn closed(until: &str) -> Opening {
    Opening::Closed { opens: Some(at(until)) }
}

const LIBRARY: &str =
    "mon = ['08:00-13:00', '14:00-19:30']\ntue = ['08:00-13:00']\nclosed = ['2026-12-21/2026-12-29']";

#[test]
fn a_week_with_a_lunch_break_and_quiet_days() {
    let library = schedule(LIBRARY);
    // 2026-11-23 is a Monday, at +01:00.
    assert_eq!(library.at(at("2026-11-23T06:59:59Z")), closed("2026-11-23T07:00:00Z"));
    assert_eq!(library.at(at("2026-11-23T07:00:00Z")), open("2026-11-23T12:00:00Z"));
    assert_eq!(library.at(at("2026-11-23T12:00:00Z")), closed("2026-11-23T13:00:00Z"));
    assert_eq!(library.at(at("2026-11-23T18:29:59Z")), open("2026-11-23T18:30:00Z"));
    assert_eq!(library.at(at("2026-11-24T12:00:00Z")), closed("2026-11-30T07:00:00Z"));
    assert_eq!(library.at(at("2026-12-21T09:00:00Z")), closed("2027-01-04T07:00:00Z"));
}

#[test]
fn without_a_table_and_with_a_full_one_it_never_closes() {
    let always = Opening::Open { closes: None };
    assert_eq!(Schedule::new(rome(), None).at(at("2026-11-23T06:00:00Z")), always);
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let full: String = days.iter().map(|day| format!("{day} = ['00:00-12:00', '12:00-24:00']\n")).collect();
    assert_eq!(schedule(&full).at(at("2026-11-23T06:00:00Z")), always);
}

#[test]
fn spans_that_touch_are_one_over_midnight_too() {
    let night = schedule("fri = ['22:00-24:00']\nsat = ['00:00-02:00']");
    assert_eq!(night.at(at("2026-11-27T21:30:00Z")), open("2026-11-28T01:00:00Z"));
}

/// The clock shows 02:00 to 03:00 twice: at +02:00, then at +01:00.
#[test]
fn in_october_the_doubled_hour_is_open_as_a_whole() {
    let night = schedule("sun = ['01:00-02:30', '02:45-04:00']");
    assert_eq!(
        night.at(at("2026-10-24T23:00:00Z")),
        open("2026-10-25T03:00:00Z"),
        "joined by the second 02:00"
    );
    let early = schedule("sun = ['01:00-02:30']");
    assert_eq!(early.at(at("2026-10-25T00:15:00Z")), open("2026-10-25T01:30:00Z"), "until the last 02:30");
    let late = schedule("sun = ['02:30-05:00']");
    assert_eq!(late.at(at("2026-10-25T00:15:00Z")), closed("2026-10-25T00:30:00Z"), "from the first 02:30");
    let noon = schedule("sat = ['08:00-12:00']\nsun = ['08:00-12:00']");
    assert_eq!(
        noon.at(at("2026-10-24T10:00:00Z")),
        closed("2026-10-25T07:00:00Z"),
        "21 hours later by any watch"
    );
}

/// The clock goes from 02:00 at +01:00 to 03:00 at +02:00.
#[test]
fn in_march_what_is_skipped_is_neither_open_nor_late() {
    let skipped = schedule("sun = ['02:00-03:00', '09:00-10:00']");
    assert_eq!(skipped.at(at("2027-03-28T00:59:59Z")), closed("2027-03-28T07:00:00Z"));
    let half = schedule("sun = ['02:30-03:15']");
    assert_eq!(half.at(at("2027-03-28T00:30:00Z")), closed("2027-03-28T01:00:00Z"));
    assert_eq!(half.at(at("2027-03-28T01:00:00Z")), open("2027-03-28T01:15:00Z"));
    assert_eq!(half.next_day(at("2027-03-28T00:30:00Z")), at("2027-03-28T22:00:00Z"), "a day of 23 hours");
}

fn refusal(text: &str) -> String {
    hours(text).check(Path::new("site.toml")).unwrap_err().to_string()
}

#[test]
fn a_table_that_never_opens_is_refused_with_a_remedy() {
    insta::assert_snapshot!(refusal("mon = []"), @"site.toml: hours: the site never opens: no day has hours; give a day its hours, or leave the table [hours] out: then it is always open");
    insta::assert_snapshot!(refusal("mon = ['08:00-13:00']\nclosed = ['2026-12-24/2072-01-06']"), @"site.toml: hours.closed: 2026-12-24/2072-01-06: the site does not open for a year from then on; correct the days; for no guests at all, set interfaces.guest = []");
    // A year in pieces, and then the weekday that never comes.
    assert!(
        refusal("mon = ['08:00-13:00']\nclosed = ['2027-01-01/2027-06-30', '2027-07-01/2028-01-02']")
            .contains("hours.closed: 2027-01-01")
    );
    assert!(hours(LIBRARY).check(Path::new("site.toml")).is_ok());
}

#[test]
fn spans_that_overlap_or_cannot_be_read_are_refused() {
    insta::assert_snapshot!(refusal("mon = ['08:00-13:00', '12:59-15:00']"), @"site.toml: hours.mon: 12:59-15:00 begins before 08:00-13:00 has ended; write spans in order, none inside another");
    let said = |text: &str| toml::from_str::<Hours>(text).unwrap_err().message().to_owned();
    insta::assert_snapshot!(said("mon = ['22:00-02:00']"), @r#"`22:00-02:00` ends before it begins; a span over midnight is two: "22:00-24:00" on the day, "00:00-02:00" on the next"#);
    for bad in [
        "8:00-13:00",
        "08:00",
        "08:00-24:01",
        "08:60-09:00",
        "+8:00-09:00",
        "08:00-08:00",
        "",
        "08:00 - 09:00",
    ] {
        assert!(bad.parse::<Span>().is_err(), "{bad}");
    }
    for bad in ["2026-02-30", "2026-12-25/2026-12-24", "25/12/2026", ""] {
        assert!(bad.parse::<Days>().is_err(), "{bad}");
    }
    assert_eq!("08:00-24:00".parse::<Span>().unwrap().to_string(), "08:00-24:00");
    assert_eq!("2026-12-24/2027-01-06".parse::<Days>().unwrap().to_string(), "2026-12-24/2027-01-06");
}

#[test]
fn a_zone_that_the_system_lacks_is_refused() {
    assert!(Zone::try_from("Europe/Rome".to_owned()).is_ok());
    for bad in ["Europe/Atlantis", "", "Etc/Unknown"] {
        assert!(Zone::try_from(bad.to_owned()).unwrap_err().to_string().contains("tzdata"), "{bad}");
    }
    let lacking =
        Zone(TimeZone::unknown()).check(Path::new("site.toml"), "timezone").unwrap_err().to_string();
    assert!(lacking.starts_with("site.toml: timezone: ") && lacking.contains("tzdata"), "{lacking}");
}

fn row() -> impl Strategy<Value = Vec<Span>> {
    proptest::collection::btree_set(0u16..=MIDNIGHT / 5, 0..6).prop_map(|cuts| {
        let cuts: Vec<_> = cuts.into_iter().map(|five| five * 5).collect();
        cuts.chunks_exact(2).map(|two| Span { from: two[0], to: two[1] }).collect()
    })
}

fn any_hours() -> impl Strategy<Value = Hours> {
    let days = (0i64..500, 0i64..9).prop_map(|(first, more)| {
        let first = Date::constant(2026, 9, 1).saturating_add(first.days());
        Days { first, last: first.saturating_add(more.days()) }
    });
    let closed = proptest::collection::vec(days, 0..3);
    let week = (row(), row(), row(), row(), row(), row(), row());
    (week, closed).prop_map(|((mon, tue, wed, thu, fri, sat, sun), closed)| Hours {
        mon,
        tue,
        wed,
        thu,
        fri,
        sat,
        sun,
        closed,
    })
}

/// Mostly near the two nights of the change.
fn any_instant() -> impl Strategy<Value = Timestamp> {
    let near = |text: &str| at(text).as_second() - 10_000..at(text).as_second() + 10_000;
    prop_oneof![
        at("2026-09-01T00:00:00Z").as_second()..at("2027-12-01T00:00:00Z").as_second(),
        near("2026-10-25T01:00:00Z"),
        near("2027-03-28T01:00:00Z"),
    ]
    .prop_map(|second| Timestamp::from_second(second).unwrap())
}

/// What the clock on the wall says.
fn by_the_wall(hours: &Hours, now: Timestamp) -> bool {
    let shown = rome().to_datetime(now);
    let minute = u16::try_from(i16::from(shown.hour()) * 60 + i16::from(shown.minute())).unwrap();
    hours.spans(shown.date()).iter().any(|span| (span.from..span.to).contains(&minute))
}

fn is_doubled(now: Timestamp) -> bool {
    rome().to_ambiguous_timestamp(rome().to_datetime(now)).is_ambiguous()
}

proptest! {
    #[test]
    fn open_is_what_the_clock_on_the_wall_says(hours in any_hours(), now in any_instant()) {
        let open = matches!(Schedule::new(rome(), Some(hours.clone())).at(now), Opening::Open { .. });
        let wall = by_the_wall(&hours, now);
        prop_assert!(open == wall || (open && is_doubled(now)), "open {open}, by the wall {wall}");
    }

    #[test]
    fn it_closes_and_opens_when_it_says(hours in any_hours(), now in any_instant()) {
        let schedule = Schedule::new(rome(), Some(hours));
        let is_open = |at: Timestamp| matches!(schedule.at(at), Opening::Open { .. });
        let (change, before) = match schedule.at(now) {
            Opening::Open { closes: Some(at) } => (at, true),
            Opening::Closed { opens: Some(at) } => (at, false),
            Opening::Open { closes: None } | Opening::Closed { opens: None } => return Ok(()),
        };
        prop_assert!(change > now);
        prop_assert_eq!(is_open(change - 1.second()), before);
        prop_assert_eq!(is_open(change), !before);
    }

    #[test]
    fn spans_are_read_as_they_are_written(hours in any_hours()) {
        let text = toml::to_string(&hours).unwrap();
        prop_assert_eq!(toml::from_str::<Hours>(&text).unwrap(), hours);
    }
}
