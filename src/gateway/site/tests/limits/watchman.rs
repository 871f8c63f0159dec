//! Any days of two persons, seen by a watchman.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

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
