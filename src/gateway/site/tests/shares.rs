//! A change of shares: tried, confirmed, taken back; and each step when it fails.

use super::{
    super::shares::{Attempt, Back, SharesAnswer, SharesAsk},
    line::shares,
    world::{Disk, Fate, World, device},
};
use varco_audit::SharesStep::{self, Confirmed, TakenBack, Tried};
use varco_policy::Subject;

fn somebody() -> Option<Subject> {
    Some(Subject::try_from("an-admin".to_owned()).unwrap())
}

fn attempt(guest: u64) -> SharesAsk {
    SharesAsk::Try(Attempt { from: shares(100), shares: shares(guest), seconds: 60, by: somebody() })
}

/// On trial, with a guests' ceiling of 90 Mbit/s.
fn on_trial() -> World {
    let mut world = World::ready();
    let asked = world.ask(attempt(90));
    world.settle();
    assert!(matches!(told(&world, asked), Some(SharesAnswer::OnTrial(_))));
    world.transcript.clear();
    world
}

fn told(world: &World, ticket: u64) -> Option<&SharesAnswer> {
    world.told.iter().find(|(t, _)| *t == ticket).map(|(_, answer)| answer)
}

/// On record, in force, and how it got there.
fn ended(world: &mut World, guest: u64, steps: &[SharesStep]) {
    world.settle();
    assert_eq!((world.line.confirmed, world.line.trial), (shares(guest), None));
    assert_eq!(world.line.in_force(), Some(shares(guest)));
    assert_eq!(world.line.steps, steps);
    assert_eq!(world.site.status().shares.unwrap().confirmed, shares(guest));
}

fn back(world: &World) -> Option<Back> {
    world.site.status().shares.unwrap().back.map(|(_, why)| why)
}

#[test]
fn a_change_is_planned_recorded_tried_and_confirmed() {
    let mut world = World::ready();
    world.ask(attempt(90));
    world.settle();
    world.ask(SharesAsk::Confirm(somebody()));
    world.settle();
    insta::assert_snapshot!(world.text(), @r#"
    > asked to try
      ask plan
    > Planned(["tc: one change"])
      record shares: Tried
    > recorded 1
      ask apply 2: 0 passes, trial for 60 s
    > done 2
      answer 1: on trial
    > asked to confirm
      record shares: Confirmed
    > recorded 1
      ask apply 3: 0 passes
    > done 3
      answer 2: Confirmed
    "#);
    world.wait(600);
    ended(&mut world, 90, &[Tried, Confirmed]);
}

#[test]
fn what_nobody_confirms_is_taken_back_and_that_is_recorded() {
    let mut world = on_trial();
    world.wait(59);
    assert_eq!(world.line.in_force(), Some(shares(90)));
    world.wait(1);
    world.settle();
    insta::assert_snapshot!(world.text(), @r"
    > tick
      ask measure
    > tick
      record shares: TakenBack
    > recorded 1
    > measured
      ask apply 3: 0 passes
    > done 3
    ");
    ended(&mut world, 100, &[Tried, TakenBack]);
    assert_eq!(back(&world), Some(Back::TimeOver));
    let late = world.ask(SharesAsk::Confirm(somebody()));
    assert_eq!(told(&world, late), Some(&SharesAnswer::NoTrial));
}

#[test]
fn whoever_asks_takes_a_trial_back() {
    let mut world = on_trial();
    let asked = world.ask(SharesAsk::TakeBack(somebody()));
    assert_eq!(told(&world, asked), None, "not before the enforcer has done it");
    ended(&mut world, 100, &[Tried, TakenBack]);
    assert_eq!(told(&world, asked), Some(&SharesAnswer::TakenBack));
}

#[test]
fn one_trial_at_a_time_and_only_of_something_new() {
    let mut world = on_trial();
    let other = world.ask(attempt(80));
    assert_eq!(told(&world, other), Some(&SharesAnswer::OtherTrial));
    world.ask(SharesAsk::Confirm(None));
    world.settle();
    let old = world.ask(attempt(80));
    assert_eq!(told(&world, old), Some(&SharesAnswer::Changed), "made from shares that are no more");
    let same = Attempt { from: shares(90), shares: shares(90), seconds: 60, by: None };
    let same = world.ask(SharesAsk::Try(same));
    assert_eq!(told(&world, same), Some(&SharesAnswer::Same));
    ended(&mut world, 90, &[Tried, Confirmed]);
}

#[test]
fn what_the_site_cannot_have_is_refused_and_leaves_no_record() {
    let mut world = World::ready();
    world.refuses_plans = true;
    for ask in [SharesAsk::Plan(shares(90)), attempt(90)] {
        let asked = world.ask(ask);
        world.settle();
        let Some(SharesAnswer::Refused(why)) = told(&world, asked) else { panic!("not refused") };
        assert!(why.contains("too little for the office"));
    }
    ended(&mut world, 100, &[]);
}

#[test]
fn a_plan_changes_nothing() {
    let mut world = World::ready();
    let asked = world.ask(SharesAsk::Plan(shares(90)));
    world.settle();
    assert_eq!(told(&world, asked), Some(&SharesAnswer::Planned(vec!["tc: one change".into()])));
    ended(&mut world, 100, &[]);
}

#[test]
fn a_trial_that_is_not_on_record_does_not_begin() {
    for disk in [Disk::FailedNotPersisted, Disk::FailedPersisted] {
        let mut world = World::ready();
        let asked = world.ask(attempt(90));
        world.disk = disk;
        world.settle();
        assert_eq!(told(&world, asked), Some(&SharesAnswer::RecordsFailed));
        assert_eq!(world.line.in_force(), Some(shares(100)));
        world.disk = Disk::Good;
        world.wait(5);
        let steps: &[_] = if disk == Disk::FailedPersisted { &[Tried, TakenBack] } else { &[] };
        ended(&mut world, 100, steps);
    }
}

#[test]
fn a_confirmation_that_is_not_on_record_is_none() {
    for disk in [Disk::FailedNotPersisted, Disk::FailedPersisted] {
        let mut world = on_trial();
        world.disk = disk;
        let asked = world.ask(SharesAsk::Confirm(somebody()));
        world.settle();
        assert_eq!(told(&world, asked), Some(&SharesAnswer::RecordsFailed));
        assert_eq!(world.line.in_force(), Some(shares(100)), "back on the safe side at once");
        world.disk = Disk::Good;
        world.wait(5);
        let persisted = disk == Disk::FailedPersisted;
        let steps: &[_] = if persisted { &[Tried, Confirmed, TakenBack] } else { &[Tried, TakenBack] };
        ended(&mut world, 100, steps);
    }
}

#[test]
fn a_full_disk_does_not_keep_a_trial_in_force() {
    let mut world = on_trial();
    world.disk = Disk::FailedNotPersisted;
    world.wait(60);
    world.settle();
    assert_eq!(world.line.in_force(), Some(shares(100)));
    assert_eq!(world.line.steps, [Tried]);
    world.disk = Disk::Good;
    world.wait(5);
    ended(&mut world, 100, &[Tried, TakenBack]);
}

#[test]
fn an_enforcer_that_fails_ends_the_trial() {
    for (fate, why) in [
        (Fate::LostBefore, SharesAnswer::GateDown),
        (Fate::LostAfter, SharesAnswer::GateDown),
        (Fate::Refused, SharesAnswer::Refused("the kernel refused: no".into())),
    ] {
        let mut world = World::ready();
        let asked = world.ask(attempt(90));
        world.enforce(Fate::Done);
        world.enforce(fate);
        assert_eq!(told(&world, asked), Some(&why), "{fate:?}");
        world.connect();
        world.wait(2);
        ended(&mut world, 100, &[Tried, TakenBack]);
    }
    let mut world = on_trial();
    world.restart_enforcer();
    ended(&mut world, 100, &[Tried, TakenBack]);
    assert_eq!(back(&world), Some(Back::EnforcerLost));
}

#[test]
fn without_an_enforcer_nothing_is_tried() {
    let mut world = World::new();
    for ask in [SharesAsk::Plan(shares(90)), attempt(90)] {
        let asked = world.ask(ask);
        assert_eq!(told(&world, asked), Some(&SharesAnswer::GateDown));
    }
    let mut world = World::ready();
    let asked = world.ask(attempt(90));
    world.enforce(Fate::LostBefore);
    assert_eq!(
        told(&world, asked),
        Some(&SharesAnswer::GateDown),
        "lost while it was asked what it would do"
    );
    world.connect();
    ended(&mut world, 100, &[]);
}

#[test]
fn the_enforcers_clock_ends_a_trial() {
    let mut world = on_trial();
    world.line.restart();
    world.wait(5);
    ended(&mut world, 100, &[Tried, TakenBack]);
}

#[test]
fn what_was_confirmed_outlives_the_gateway_and_a_trial_does_not() {
    let mut world = on_trial();
    world.restart_gateway();
    world.connect();
    ended(&mut world, 100, &[Tried, TakenBack]);
    let mut world = on_trial();
    world.ask(SharesAsk::Confirm(None));
    world.restart_gateway();
    world.connect();
    ended(&mut world, 90, &[Tried, Confirmed]);
}

#[test]
fn a_confirmation_is_answered_when_the_enforcer_keeps_it_or_is_gone() {
    let mut world = on_trial();
    let asked = world.ask(SharesAsk::Confirm(None));
    assert_eq!(told(&world, asked), None);
    world.enforce(Fate::LostBefore);
    assert_eq!(told(&world, asked), Some(&SharesAnswer::Later));
    world.connect();
    ended(&mut world, 90, &[Tried, Confirmed]);
}

#[test]
fn citizens_come_and_go_during_a_trial_and_the_desired_state_carries_it() {
    let mut world = on_trial();
    world.log_in(device(1));
    world.settle();
    // The kernel differs, and all is applied anew.
    world.kernel.clear();
    world.wait(5);
    world.settle();
    assert_eq!(world.kernel.len(), 1);
    assert_eq!(world.line.in_force(), Some(shares(90)));
    assert_eq!(world.line.left(world.now), Some(55));
}
