//! Opening hours and what a person may use of a day. The world begins on Monday the 12th, 13:46:40; the day is UTC's.

use super::{
    super::*,
    world::{Fate, World, device, id, person, rules},
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use varco_policy::{PassId, Rate, Size};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;

fn at(text: &str) -> Timestamp {
    format!("1970-01-{text}:00Z").parse().unwrap()
}

fn open(hours: &str) -> Rules {
    let hours = varco_policy::config::parse("hours".as_ref(), hours).unwrap();
    Rules { schedule: Schedule::new(jiff::tz::TimeZone::UTC, Some(hours)), ..rules() }
}

fn limited(limits: Limits) -> Rules {
    Rules { limits, length: SignedDuration::from_hours(4), idle: SignedDuration::from_hours(24), ..rules() }
}

fn daily_time(minutes: i64) -> Rules {
    limited(Limits { daily_time: Some(SignedDuration::from_mins(minutes)), ..Limits::default() })
}

fn daily_volume(bytes: u64) -> Rules {
    limited(Limits { daily_volume: Some(Size::from_bytes(bytes)), ..Limits::default() })
}

impl World {
    fn until(&mut self, time: &str) {
        let seconds = at(time).duration_since(self.now).as_secs();
        self.pass_time(seconds);
    }

    /// Minute by minute, as the loop would wake up.
    fn pass_time(&mut self, seconds: i64) {
        for _ in 0..seconds / MINUTE {
            self.wait(MINUTE);
            self.settle();
        }
        self.wait(seconds % MINUTE);
        self.settle();
    }

    fn moves(&mut self, n: u8, bytes: u64) {
        *self.bytes.get_mut(&device(n)).unwrap() += bytes;
        self.wait(5);
        self.settle();
    }

    fn is_in(&self, pass: PassId) -> bool {
        matches!(self.answer_of(pass), Some(Answer::Online(_))) && !self.ended.contains_key(&pass)
    }

    fn comes(&mut self, n: u8, who: u8) -> PassId {
        let pass = self.log_in_as(device(n), who);
        self.settle();
        pass
    }
}

#[test]
fn a_closed_site_lets_nobody_in_and_says_when_it_opens() {
    let mut world = World::ready_with(open("mon = ['08:00-13:00']\ntue = ['09:00-13:00']"));
    let pass = world.comes(1, 1);
    assert_eq!(world.answer_of(pass), Some(Answer::Closed { opens: Some(at("13T09:00")) }));
    assert!(world.started.is_empty());
    world.until("13T09:00");
    let pass = world.comes(1, 1);
    assert!(world.is_in(pass));
}

/// SECURITY.md S16.
#[test]
fn at_closing_time_every_pass_ends_and_the_record_says_why() {
    let mut world = World::ready_with(open("mon = ['08:00-14:00', '14:30-20:00']"));
    let passes = [world.comes(1, 1), world.comes(2, 2)];
    assert_eq!(world.shown[&device(1)].0, at("12T14:00"));
    assert_eq!(world.shown[&device(1)].1.ends, EndCause::Closed);
    world.until("12T13:59");
    assert!(world.ended.is_empty());
    world.wait(30);
    let late = world.comes(3, 3);
    assert_eq!(
        world.answer_of(late),
        Some(Answer::Closed { opens: Some(at("12T14:30")) }),
        "the last minute"
    );
    world.until("12T14:00");
    for pass in passes {
        assert_eq!(world.ended[&pass], (at("12T14:00"), EndCause::Closed));
    }
    assert!(world.kernel.is_empty());
}

#[test]
fn the_end_of_a_pass_is_its_length_where_that_comes_first() {
    let mut world = World::ready_with(open("mon = ['08:00-20:00']"));
    world.comes(1, 1);
    assert_eq!(world.shown[&device(1)].0, world.now + super::world::LENGTH);
    assert_eq!(world.shown[&device(1)].1.ends, EndCause::Expired);
}

#[test]
fn an_earlier_closing_time_holds_for_who_is_in_after_a_restart() {
    let mut world = World::ready_with(open("mon = ['08:00-20:00']"));
    let pass = world.comes(1, 1);
    world.rules = open("mon = ['08:00-14:00']");
    world.restart_gateway();
    world.connect();
    world.settle();
    assert_eq!(world.shown[&device(1)].0, at("12T14:00"));
    world.until("12T14:00");
    assert_eq!(world.ended[&pass], (at("12T14:00"), EndCause::Closed));
    assert!(world.kernel.is_empty(), "though the kernel would have kept it");
}

#[test]
fn closed_while_the_gateway_was_dead_is_recorded_as_closed() {
    let mut world = World::ready_with(open("mon = ['08:00-14:00']"));
    let pass = world.comes(1, 1);
    world.now = at("12T18:00");
    world.kernel.clear();
    world.restart_gateway();
    world.connect();
    world.settle();
    assert_eq!(world.ended[&pass], (at("12T14:00"), EndCause::Closed));
}

#[test]
fn one_device_too_many_replaces_the_oldest_and_not_before_that_has_ended() {
    let mut world = World::ready_with(limited(Limits { passes_per_person: 2, ..Limits::default() }));
    let first = world.comes(1, 1);
    world.pass_time(MINUTE);
    let second = world.comes(2, 1);
    let other = world.comes(4, 4);
    world.transcript.clear();
    let third = world.comes(3, 1);
    insta::assert_snapshot!(world.text(), @r"
    > logged in, pass 4
      hide
      record 1 leaving: Replaced
      ask expel 5: 1 devices
    > recorded 1
    > done 5
      record end of 1: Replaced
    > recorded 1
      record start of 4 on port 4096
    > recorded 1
      ask admit 6: seconds [14400]
    > done 6
      show 4
      answer 4: online
    ");
    assert_eq!(world.ended[&first].1, EndCause::Replaced);
    assert!(world.is_in(second) && world.is_in(third) && world.is_in(other));
}

#[test]
fn of_many_logins_at_once_the_newest_come_in() {
    let mut world = World::ready_with(limited(Limits { passes_per_person: 2, ..Limits::default() }));
    let passes: Vec<_> = (1..=5).map(|n| world.log_in_as(device(n), 1)).collect();
    world.settle();
    assert_eq!(passes.iter().filter(|pass| world.is_in(**pass)).count(), 2);
    assert!(world.is_in(passes[3]) && world.is_in(passes[4]));
    assert!(passes.iter().all(|pass| world.answer_of(*pass).is_some()));
}

#[test]
fn a_full_site_lets_in_only_who_takes_their_own_place() {
    let mut world = World::ready_with(limited(Limits { guests: Some(2), ..Limits::default() }));
    world.comes(1, 1);
    world.comes(2, 2);
    let third = world.comes(3, 3);
    assert_eq!(world.answer_of(third), Some(Answer::Full));
    let again = world.comes(1, 1);
    assert!(world.is_in(again));
    world.log_out(device(2));
    world.settle();
    let third = world.comes(3, 3);
    assert!(world.is_in(third));
}

/// Two devices at once are one person online: their time is not counted twice.
#[test]
fn the_time_of_a_day_is_the_persons_with_all_devices() {
    let mut world = World::ready_with(daily_time(60));
    let phone = world.comes(1, 1);
    let start = world.now;
    world.pass_time(20 * MINUTE);
    let tablet = world.comes(2, 1);
    assert_eq!(world.shown[&device(2)].0, start + SignedDuration::from_hours(1));
    world.pass_time(15 * MINUTE);
    world.log_out(device(1));
    world.settle();
    world.pass_time(5 * MINUTE);
    world.log_out(device(2));
    world.settle();
    world.pass_time(HOUR);
    let last = world.comes(3, 1);
    assert_eq!(
        world.shown[&device(3)].0,
        world.now + SignedDuration::from_mins(20),
        "nothing runs while away"
    );
    let end = world.now + SignedDuration::from_mins(20);
    world.pass_time(20 * MINUTE);
    assert_eq!(world.ended[&last], (end, EndCause::Spent));
    assert_eq!(world.ended[&phone].1, EndCause::LoggedOut);
    assert_eq!(world.ended[&tablet].1, EndCause::LoggedOut);
    let refused = world.comes(1, 1);
    assert_eq!(world.answer_of(refused), Some(Answer::Spent { anew: Some(at("13T00:00")) }));
    let neighbour = world.comes(1, 2);
    assert!(world.is_in(neighbour), "the device is not who is limited");
    world.until("13T00:00");
    let anew = world.comes(2, 1);
    assert!(world.is_in(anew));
}

#[test]
fn midnight_gives_the_day_anew_without_an_end() {
    let mut world = World::ready_with(daily_time(60));
    world.until("12T23:30");
    let pass = world.comes(1, 1);
    assert_eq!(world.shown[&device(1)].0, at("13T01:00"), "the new day's hour, from midnight on");
    world.until("13T00:59");
    assert!(world.is_in(pass));
    world.until("13T01:00");
    assert_eq!(world.ended[&pass], (at("13T01:00"), EndCause::Spent));
    assert_eq!(world.used[&person(1)].time, SignedDuration::from_hours(1));
}

/// A day that opens later than it begins: spent until then.
#[test]
fn who_has_spent_the_day_is_told_when_the_site_opens_again() {
    let hours = open("mon = ['08:00-20:00']\nwed = ['08:00-20:00']").schedule;
    let mut world = World::ready_with(Rules { schedule: hours, ..daily_time(60) });
    world.comes(1, 1);
    world.pass_time(HOUR);
    let refused = world.comes(1, 1);
    assert_eq!(world.answer_of(refused), Some(Answer::Spent { anew: Some(at("14T08:00")) }));
}

#[test]
fn the_volume_of_a_day_ends_all_passes_of_the_person() {
    let mut world = World::ready_with(daily_volume(10_000_000));
    let passes = [world.comes(1, 1), world.comes(2, 1)];
    let other = world.comes(3, 3);
    world.moves(1, 6_000_000);
    assert_eq!(world.shown[&device(2)].1.bytes, Some(4_000_000), "what is left is the person's");
    assert_eq!(world.shown[&device(3)].1.bytes, Some(10_000_000));
    world.moves(2, 4_000_000);
    for pass in passes {
        assert_eq!(world.ended[&pass].1, EndCause::Spent);
    }
    assert!(world.is_in(other));
    let refused = world.comes(1, 1);
    assert_eq!(world.answer_of(refused), Some(Answer::Spent { anew: Some(at("13T00:00")) }));
    world.until("13T00:00");
    let anew = world.comes(1, 1);
    assert!(world.is_in(anew));
    assert_eq!(world.shown[&device(1)].1.bytes, Some(10_000_000));
}

/// SECURITY.md S17: the kernel counts from 0 again when the enforcer has had to admit everybody anew.
#[test]
fn counters_that_begin_again_are_neither_lost_nor_counted_twice() {
    let mut world = World::ready_with(daily_volume(10_000_000));
    world.comes(1, 1);
    world.moves(1, 3_000_000);
    world.kernel.clear();
    world.bytes.clear();
    world.restart_enforcer();
    world.settle();
    world.moves(1, 1_000_000);
    assert_eq!(world.shown[&device(1)].1.bytes, Some(6_000_000));
    world.moves(1, 1_000_000);
    assert_eq!(world.shown[&device(1)].1.bytes, Some(5_000_000));
}

/// SECURITY.md S17.
#[test]
fn a_restart_does_not_give_the_day_anew_and_counts_nothing_twice() {
    let both = Limits {
        daily_time: Some(SignedDuration::from_hours(2)),
        daily_volume: Some(Size::from_bytes(10_000_000)),
        ..Limits::default()
    };
    let mut world = World::ready_with(limited(both));
    let pass = world.comes(1, 1);
    let end = world.now + SignedDuration::from_hours(2);
    world.moves(1, 3_000_000);
    world.pass_time(10 * MINUTE);
    // Counted by the kernel and not on record yet when the gateway dies.
    *world.bytes.get_mut(&device(1)).unwrap() += 2_000_000;
    world.restart_gateway();
    world.now += SignedDuration::from_mins(5);
    world.connect();
    world.settle();
    assert_eq!(
        world.shown[&device(1)],
        (end, Terms { ends: EndCause::Spent, spends: Some(end), bytes: Some(5_000_000) })
    );
    world.log_out(device(1));
    world.settle();
    assert!(world.ended.contains_key(&pass));
    world.restart_gateway();
    world.connect();
    world.settle();
    let back = world.comes(2, 1);
    assert!(world.is_in(back));
    assert_eq!(world.shown[&device(2)].1.bytes, Some(5_000_000));
    let left = world.shown[&device(2)].1.spends.unwrap().duration_since(world.now);
    assert_eq!(left.as_mins(), 104, "two hours without fifteen minutes and some seconds");
}

#[test]
fn who_was_out_or_whose_pass_ended_is_not_charged_for_a_dead_gateway() {
    let mut world = World::ready_with(Rules { length: SignedDuration::from_mins(30), ..daily_time(120) });
    world.comes(1, 1);
    world.comes(2, 2);
    world.pass_time(10 * MINUTE);
    // Marked as leaving, and the gateway dies before the enforcer has done it.
    world.log_out(device(1));
    world.now += SignedDuration::from_hours(2);
    world.kernel.clear();
    world.restart_gateway();
    world.connect();
    world.settle();
    world.pass_time(2 * MINUTE);
    assert_eq!(world.used[&person(1)].time, SignedDuration::from_mins(10));
    assert_eq!(world.used[&person(2)].time, SignedDuration::from_mins(30), "as long as its pass lasted");
}

/// SECURITY.md S13, S17: a router without a battery for its clock starts in the past. Nobody is cut off by hours that are
/// not now, and the day goes on when the time has come back.
#[test]
fn a_clock_that_has_lost_its_time_neither_closes_the_site_nor_begins_a_day() {
    let hours = open("mon = ['08:00-20:00']").schedule;
    let mut world = World::ready_with(Rules { schedule: hours, ..daily_time(60) });
    let pass = world.comes(1, 1);
    let end = world.now + SignedDuration::from_hours(1);
    world.pass_time(10 * MINUTE);
    let before = world.now;
    world.now = at("01T00:00");
    world.restart_gateway_after(before);
    world.connect();
    world.settle();
    assert!(world.ended.is_empty());
    world.now = before + SignedDuration::from_mins(5);
    world.up_packets += 1;
    world.wait(0);
    world.settle();
    assert!(world.is_in(pass));
    assert_eq!(world.shown[&device(1)].0, end);
    assert_eq!(world.shown[&device(1)].1.spends, Some(end));
}

#[test]
fn a_site_without_daily_limits_keeps_nothing_of_anybody() {
    let mut world = World::ready();
    world.comes(1, 1);
    world.moves(1, 1000);
    world.pass_time(2 * MINUTE);
    world.log_out(device(1));
    world.settle();
    assert!(world.used.is_empty() && !world.text().contains("used"));
}

#[test]
fn what_is_used_is_recorded_once_a_minute_and_at_the_end() {
    let mut world = World::ready_with(daily_time(60));
    world.comes(1, 1);
    world.transcript.clear();
    for _ in 0..30 {
        world.wait(4);
        world.settle();
    }
    let saved = world.transcript.iter().filter(|line| line.contains("record used")).count();
    assert_eq!(saved, 2, "in two minutes: {}", world.text());
    world.wait(7);
    world.log_out(device(1));
    world.settle();
    assert_eq!(world.used[&person(1)].time.as_secs(), 127);
}

#[test]
fn a_rate_is_recorded_then_set_and_kept_over_restarts() {
    let mut world = World::ready();
    let pass = world.comes(1, 1);
    let slow = Some(Rate::from_bits(5_000_000));
    world.transcript.clear();
    world.rate(pass, slow);
    world.settle();
    insta::assert_snapshot!(world.text(), @r"
    > rate of pass 1
      record rate of 1
    > recorded 1
      ask limit 3: 1 passes
    > done 3
      answer 2: RateSet
    ");
    assert_eq!(world.kernel_rates[&device(1)], slow);
    world.restart_gateway();
    world.connect();
    world.settle();
    world.kernel.clear();
    world.restart_enforcer();
    world.settle();
    assert_eq!(world.kernel_rates[&device(1)], slow);
    world.rate(pass, None);
    world.settle();
    assert_eq!(world.kernel_rates[&device(1)], None);
}

#[test]
fn a_rate_without_the_enforcer_comes_with_the_whole_state() {
    for fate in [Fate::LostBefore, Fate::LostAfter, Fate::Refused] {
        let mut world = World::ready();
        let pass = world.comes(1, 1);
        let slow = Some(Rate::from_bits(5_000_000));
        let ticket = world.rate(pass, slow);
        world.enforce(fate);
        world.connect();
        world.settle();
        world.wait(3);
        world.settle();
        assert_eq!(world.kernel_rates[&device(1)], slow, "{fate:?}");
        let wanted = if fate == Fate::Refused { Answer::RateSet } else { Answer::RateLater };
        assert_eq!(world.answer_of(id(ticket)), Some(wanted), "{fate:?}");
    }
    let mut world = World::ready();
    let nobody = world.rate(id(99), None);
    assert_eq!(world.answer_of(id(nobody)), Some(Answer::NoPass));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Come(u8, u8),
    Go(u8),
    Wait(i64),
    Move(u8, u64),
    RestartGateway,
    RestartEnforcer,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u8..4, 0u8..2).prop_map(|(device, who)| Step::Come(device, who)),
        2 => (0u8..4).prop_map(Step::Go),
        4 => (1i64..3 * HOUR).prop_map(Step::Wait),
        3 => (0u8..4, 0u64..3_000_000).prop_map(|(device, bytes)| Step::Move(device, bytes)),
        1 => Just(Step::RestartGateway),
        1 => Just(Step::RestartEnforcer),
    ]
}

/// What a watchman with a stopwatch writes down: per person and day, seconds in the kernel and bytes.
type Watch = BTreeMap<(varco_policy::Subject, i64), (i64, u64)>;

const DAY: i64 = 24 * HOUR;

fn watch_second(world: &World, watch: &mut Watch) {
    let day = (world.now.as_second() - 1).div_euclid(DAY);
    let mut online: Vec<_> = world.kernel.keys().filter_map(|device| world.person_of(*device)).collect();
    online.sort();
    online.dedup();
    for person in online {
        watch.entry((person, day)).or_default().0 += 1;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever a person does with their devices, over midnights and restarts: nobody has more of a day than they may,
    /// and what is on record of the last day is what the watchman saw.
    #[test]
    fn nobody_has_more_of_a_day_than_they_may(steps in proptest::collection::vec(step(), 1..40)) {
        const VOLUME: u64 = 20_000_000;
        let both = Limits {
            daily_time: Some(SignedDuration::from_hours(2)),
            daily_volume: Some(Size::from_bytes(VOLUME)),
            ..Limits::default()
        };
        let mut world = World::ready_with(limited(both));
        let mut watch = Watch::new();
        for step in steps {
            match step {
                Step::Come(n, who) => { world.comes(n, who); }
                Step::Go(n) => { world.log_out(device(n)); world.settle(); }
                Step::Wait(seconds) => for _ in 0..seconds.min(9 * HOUR) {
                    // Who is in the kernel through this second.
                    world.now += SignedDuration::from_secs(1);
                    watch_second(&world, &mut watch);
                    world.wait(0);
                    world.settle();
                },
                Step::Move(n, bytes) if world.bytes.contains_key(&device(n)) => {
                    let day = world.now.as_second().div_euclid(DAY);
                    if let Some(person) = world.person_of(device(n)) {
                        watch.entry((person, day)).or_default().1 += bytes;
                    }
                    *world.bytes.get_mut(&device(n)).unwrap() += bytes;
                    for _ in 0..5 {
                        world.now += SignedDuration::from_secs(1);
                        watch_second(&world, &mut watch);
                        world.wait(0);
                        world.settle();
                    }
                }
                Step::Move(..) => {}
                Step::RestartGateway => {
                    world.restart_gateway();
                    world.connect();
                    world.settle();
                }
                Step::RestartEnforcer => { world.restart_enforcer(); world.settle(); }
            }
        }
        for n in 0..4 {
            world.log_out(device(n));
            world.settle();
        }
        for ((person, day), (seconds, bytes)) in &watch {
            prop_assert!(*seconds <= 2 * HOUR + 2, "{person:?} was in for {seconds} s on day {day}");
            prop_assert!(*bytes < VOLUME + 3_000_000, "one measurement more at most");
        }
        let today = world.now.as_second().div_euclid(DAY);
        for (person, used) in &world.used {
            let (seconds, bytes) = watch.get(&(person.clone(), today)).copied().unwrap_or_default();
            prop_assert!((used.time.as_secs() - seconds).abs() <= 2, "{} on record, {seconds} seen", used.time);
            prop_assert!(bytes.abs_diff(used.bytes) < 3_000_000, "{} on record, {bytes} seen", used.bytes);
        }
    }
}
