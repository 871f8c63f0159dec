//! No order of events and failures breaks the law of order. The world checks it at every step: nobody is admitted
//! before the start is durable, no slot has two holders or skips its quarantine, no end is recorded while the kernel
//! still holds the pass, no generation goes back. At the end everything that was started has ended. No shares are tried
//! before that is on record, none stay in force that were not confirmed, and at the end site, record and line agree.

use super::{
    super::{
        shares::{Attempt, SharesAsk},
        *,
    },
    line::shares,
    world::{Disk, Fate, World, device, id, rules},
};
use proptest::prelude::*;
use varco_policy::{Rate, Size};

#[derive(Debug, Clone, Copy)]
enum Step {
    LogIn(u8),
    LogInAs(u8, u8),
    Swap(u8, u8),
    LogOut(u8),
    Expel(u8),
    Wait(u16),
    Enforce(Fate),
    Disk(Disk),
    Connect,
    Busy,
    Move(u8, u32),
    Rate(u8, u64),
    RestartEnforcer,
    RestartGateway,
    Plan,
    TryShares(u64, u32),
    ConfirmShares,
    TakeBackShares,
    Refuse(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..5).prop_map(Step::LogIn),
        3 => (0u8..5, 0u8..2).prop_map(|(device, person)| Step::LogInAs(device, person)),
        1 => (0u8..5, 0u8..5).prop_map(|(a, b)| Step::Swap(a, b)),
        2 => (0u8..5).prop_map(Step::LogOut),
        1 => (0u8..40).prop_map(Step::Expel),
        3 => (0u16..2400).prop_map(Step::Wait),
        8 => Just(Step::Enforce(Fate::Done)),
        1 => prop_oneof![Just(Fate::LostBefore), Just(Fate::LostAfter), Just(Fate::Refused)].prop_map(Step::Enforce),
        2 => Just(Step::Disk(Disk::Good)),
        1 => prop_oneof![Just(Disk::FailedNotPersisted), Just(Disk::FailedPersisted)].prop_map(Step::Disk),
        2 => Just(Step::Connect),
        2 => Just(Step::Busy),
        2 => (0u8..5, 0u32..4_000_000).prop_map(|(device, bytes)| Step::Move(device, bytes)),
        1 => (0u8..40, 1u64..9).prop_map(|(pass, mbit)| Step::Rate(pass, mbit)),
        1 => Just(Step::RestartEnforcer),
        1 => Just(Step::RestartGateway),
        1 => Just(Step::Plan),
        3 => (90u64..95, 1u32..600).prop_map(|(guest, seconds)| Step::TryShares(guest, seconds)),
        2 => Just(Step::ConfirmShares),
        1 => Just(Step::TakeBackShares),
        1 => any::<bool>().prop_map(Step::Refuse),
        2 => (0u16..90).prop_map(Step::Wait),
    ]
}

fn take(world: &mut World, step: Step) {
    match step {
        Step::LogIn(n) => {
            world.log_in(device(n));
        }
        Step::LogInAs(n, who) => {
            world.log_in_as(device(n), 100 + who);
        }
        Step::Swap(a, b) => {
            world.log_in(varco_policy::Device { mac: device(b).mac, ..device(a) });
        }
        Step::LogOut(n) => world.log_out(device(n)),
        Step::Expel(n) => world.expel(id(n.into())),
        Step::Wait(seconds) => world.wait(seconds.into()),
        Step::Enforce(fate) => world.enforce(fate),
        Step::Disk(disk) => world.disk = disk,
        Step::Connect => world.connect(),
        Step::Busy => world.up_packets += 1,
        Step::Move(n, bytes) => {
            if let Some(moved) = world.bytes.get_mut(&device(n)) {
                *moved += u64::from(bytes);
            }
        }
        Step::Rate(n, mbit) => {
            world.rate(id(n.into()), Some(Rate::from_bits(mbit * 1_000_000)));
        }
        Step::RestartEnforcer => world.restart_enforcer(),
        Step::RestartGateway => world.restart_gateway(),
        Step::Refuse(refuses) => world.refuses_plans = refuses,
        Step::Plan | Step::TryShares(..) | Step::ConfirmShares | Step::TakeBackShares => {
            let ask = ask(world, step);
            world.ask(ask);
        }
    }
}

fn ask(world: &World, step: Step) -> SharesAsk {
    match step {
        Step::TryShares(guest, seconds) => {
            let attempt = Attempt { from: world.line.confirmed, shares: shares(guest), seconds, by: None };
            SharesAsk::Try(attempt)
        }
        Step::ConfirmShares => SharesAsk::Confirm(None),
        Step::TakeBackShares => SharesAsk::TakeBack(None),
        _ => SharesAsk::Plan(shares(90)),
    }
}

/// The world begins at 13:46 of a Monday.
fn limited() -> Rules {
    let hours =
        "mon = ['08:00-14:10', '14:30-19:00', '20:00-24:00']\ntue = ['00:00-24:00']\nwed = ['00:00-12:00']";
    Rules {
        schedule: Schedule::new(
            jiff::tz::TimeZone::UTC,
            Some(varco_policy::config::parse("hours".as_ref(), hours).unwrap()),
        ),
        limits: Limits {
            daily_time: Some(SignedDuration::from_mins(90)),
            daily_volume: Some(Size::from_bytes(9_000_000)),
            passes_per_person: 2,
            guests: Some(4),
        },
        ..rules()
    }
}

fn all_end(mut world: World, steps: Vec<Step>) -> Result<(), TestCaseError> {
    for step in steps {
        take(&mut world, step);
    }
    world.disk = Disk::Good;
    world.connect();
    for _ in 0..4 {
        world.settle();
        world.wait(3600);
    }
    world.settle();
    let now = world.site.status().shares.map(|shares| (shares.confirmed, shares.trial));
    prop_assert_eq!(now, Some((world.line.confirmed, None)), "on record is what the site believes");
    prop_assert_eq!(world.line.in_force(), Some(world.line.confirmed), "and what is in force");
    prop_assert_eq!(world.line.trial, None, "no trial stays on record");
    prop_assert!(world.kernel.is_empty());
    prop_assert_eq!(world.site.status().slots_lent, 0);
    let (started, ended): (Vec<_>, Vec<_>) = (world.started.keys().collect(), world.ended.keys().collect());
    prop_assert_eq!(started, ended, "all that was started has ended, and nothing else");
    prop_assert_eq!(world.site.next_deadline().is_some(), true);
    prop_assert!(world.shown.is_empty(), "nobody is shown who is not online");
    prop_assert!(world.waits_for_nobody(), "everybody who asked was answered");
    Ok(())
}

proptest! {
    #[test]
    fn the_law_of_order_holds(steps in proptest::collection::vec(step(), 1..120)) {
        all_end(World::ready(), steps)?;
    }

    /// And, as the world checks at every admission: nobody comes in while it is closed or for longer than it is open,
    /// nobody holds more passes in the kernel than a person may, and no more are in than the site lets in.
    #[test]
    fn the_law_of_order_holds_with_limits(steps in proptest::collection::vec(step(), 1..120)) {
        all_end(World::ready_with(limited()), steps)?;
    }
}
