//! A login that the identity provider has ended takes its pass with it, and nothing else.

use super::super::*;
use super::world::{Disk, Fate, World, device};
use varco_policy::pass::Session;

fn sid(text: &str) -> Sid {
    Sid::try_from(text.to_owned()).unwrap()
}

fn by(text: &str) -> Option<Session> {
    Some(Session { sid: sid(text), at_provider: true })
}

fn answer(world: &World, question: u64) -> Option<Answer> {
    world.answers.iter().find(|(ticket, _)| *ticket == question).map(|(_, answer)| *answer)
}

#[test]
fn the_pass_of_that_login_ends_and_the_record_says_why() {
    let mut world = World::ready();
    let phone = world.log_in_by(device(1), 1, by("one"));
    let laptop = world.log_in_by(device(2), 1, by("two"));
    let other = world.log_in_by(device(3), 2, by("three"));
    world.settle();
    let question = world.provider_log_out(1, Some(sid("one")));
    world.settle();
    assert_eq!(world.ended[&phone].1, EndCause::ProviderLoggedOut);
    assert!(!world.ended.contains_key(&laptop) && !world.ended.contains_key(&other));
    assert_eq!(answer(&world, question), Some(Answer::Ended));
    assert_eq!(world.kernel.len(), 2);
    // Another person's login of the same name, or one that is not known, ends nothing.
    for (who, name) in [(2, "two"), (1, "one"), (1, "unknown")] {
        let question = world.provider_log_out(who, Some(sid(name)));
        world.settle();
        assert_eq!(answer(&world, question), Some(Answer::NoPass), "{who} {name}");
    }
    // Without a name all of the person's.
    let question = world.provider_log_out(1, None);
    world.settle();
    assert_eq!(
        (world.ended[&laptop].1, answer(&world, question)),
        (EndCause::ProviderLoggedOut, Some(Answer::Ended))
    );
    assert_eq!(world.kernel.len(), 1);
}

#[test]
fn a_restart_in_between_forgets_neither_login_nor_logout() {
    let mut world = World::ready();
    let pass = world.log_in_by(device(1), 1, by("one"));
    world.settle();
    world.restart_gateway();
    world.connect();
    world.settle();
    world.provider_log_out(1, Some(sid("one")));
    world.enforce(Fate::LostBefore);
    world.restart_gateway();
    world.connect();
    world.settle();
    world.wait(3);
    world.settle();
    assert_eq!(world.ended[&pass].1, EndCause::ProviderLoggedOut);
    assert!(world.kernel.is_empty());
}

#[test]
fn a_full_disk_or_no_enforcer_does_not_keep_it() {
    let mut world = World::ready();
    let pass = world.log_in_by(device(1), 1, by("one"));
    world.settle();
    world.disk = Disk::FailedNotPersisted;
    world.provider_log_out(1, Some(sid("one")));
    world.settle();
    assert!(world.kernel.is_empty());
    world.disk = Disk::Good;
    world.wait(5);
    world.settle();
    assert_eq!(world.ended[&pass].1, EndCause::ProviderLoggedOut);
}

#[test]
fn who_comes_with_a_login_that_has_ended_is_not_let_in() {
    let mut world = World::ready();
    world.provider_log_out(1, Some(sid("one")));
    let late = world.log_in_by(device(1), 1, by("one"));
    assert_eq!(world.answer_of(late), Some(Answer::Overtaken));
    assert!(world.started.is_empty(), "nothing is recorded");
    // On its way in already.
    let begun = world.log_in_by(device(1), 1, by("two"));
    world.provider_log_out(1, Some(sid("two")));
    world.settle();
    assert_eq!(world.answer_of(begun), Some(Answer::Overtaken));
    assert!(world.kernel.is_empty());
    // Waiting for the end of the pass that it replaces.
    world.log_in_by(device(2), 2, by("three"));
    world.settle();
    let waiting = world.log_in_by(device(2), 2, by("four"));
    world.provider_log_out(2, Some(sid("four")));
    world.settle();
    assert_eq!(world.answer_of(waiting), Some(Answer::Overtaken));
    assert!(world.kernel.is_empty() && world.waits_for_nobody());
    // A new login is welcome, and what has ended is forgotten after a while.
    let again = world.log_in_by(device(1), 1, by("five"));
    world.settle();
    assert!(matches!(world.answer_of(again), Some(Answer::Online(_))));
    world.wait(600);
    world.provider_log_out(9, Some(sid("six")));
    assert_eq!(world.site.ended.len(), 1);
}
