//! Time and volume of a day.

use super::*;

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
