//! The rate of one pass.

use super::*;
use varco_policy::Rate;

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
