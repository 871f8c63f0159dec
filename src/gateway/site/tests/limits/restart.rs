//! A day over restarts, counters that begin again, and clocks that are wrong.

use super::*;

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
