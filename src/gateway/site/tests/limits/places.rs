//! How many devices a person may have in, and how many guests a site.

use super::*;

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
