//! Opening hours.

use super::*;

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
    assert_eq!(world.shown[&device(1)].0, world.now + LENGTH);
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
