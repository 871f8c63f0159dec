//! What follows from what.

use super::super::*;
use super::world::{Disk, Fate, World, device};

#[test]
fn a_start_measures_then_applies() {
    let mut world = World::new();
    world.connect();
    world.settle();
    insta::assert_snapshot!(world.text(), @r"
    > enforcer back
      ask measure
    > measured
      ask apply 1: 0 passes
    > done 1
    ");
}

#[test]
fn a_citizen_comes_and_goes() {
    let mut world = World::ready();
    world.log_in(device(1));
    world.settle();
    world.log_out(device(1));
    world.settle();
    insta::assert_snapshot!(world.text(), @r"
    > logged in, pass 1
      record start of 1 on port 1024
    > recorded 1
      ask admit 2: seconds [3600]
    > done 2
      show 1
      answer 1: online
    > log out
      hide
      record 1 leaving: LoggedOut
      ask expel 3: 1 devices
    > recorded 1
    > done 3
      record end of 1: LoggedOut
      answer 2: Ended
    > recorded 1
    ");
    assert!(world.kernel.is_empty());
}

#[test]
fn the_same_device_again_replaces_its_pass() {
    let mut world = World::ready();
    let first = world.log_in(device(1));
    world.settle();
    let second = world.log_in(device(1));
    world.settle();
    assert_eq!(world.ended[&first].1, EndCause::Replaced);
    assert!(matches!(world.answer_of(second), Some(Answer::Online(_))));
    assert_ne!(world.started[&first], world.started[&second]);
}

#[test]
fn an_address_that_changed_hands_ends_the_old_pass() {
    let mut world = World::ready();
    let first = world.log_in(device(1));
    world.settle();
    let heir = varco_policy::Device { mac: device(9).mac, ..device(1) };
    let second = world.log_in(heir);
    world.settle();
    assert_eq!(world.ended[&first].1, EndCause::Moved);
    assert!(matches!(world.answer_of(second), Some(Answer::Online(_))));
}

#[test]
fn a_record_that_fails_lets_nobody_in() {
    for disk in [Disk::FailedNotPersisted, Disk::FailedPersisted] {
        let mut world = World::ready();
        world.disk = disk;
        let first = world.log_in(device(1));
        assert_eq!(world.answer_of(first), Some(Answer::RecordsFailed));
        let second = world.log_in(device(2));
        assert_eq!(world.answer_of(second), Some(Answer::RecordsFailed));
        world.settle();
        assert!(world.kernel.is_empty());
        world.disk = Disk::Good;
        world.wait(5);
        world.settle();
        let persisted = disk == Disk::FailedPersisted;
        assert_eq!(world.started.contains_key(&first), persisted, "{disk:?}");
        assert_eq!(world.ended.contains_key(&first), persisted, "{disk:?}");
        assert_eq!(world.site.status().slots_lent, 0);
        let third = world.log_in(device(1));
        world.settle();
        assert!(matches!(world.answer_of(third), Some(Answer::Online(_))));
    }
}

#[test]
fn a_full_disk_does_not_stop_an_expulsion() {
    for disk in [Disk::FailedNotPersisted, Disk::FailedPersisted] {
        let mut world = World::ready();
        let pass = world.log_in(device(1));
        world.settle();
        world.disk = disk;
        world.expel(pass);
        world.settle();
        assert!(world.kernel.is_empty(), "cut off all the same");
        assert_eq!(world.site.status().slots_lent, 1, "the slot is not lent on before the end is durable");
        world.disk = Disk::Good;
        world.wait(5);
        world.settle();
        assert_eq!(world.ended[&pass].1, EndCause::Expelled);
        assert_eq!(world.site.status().slots_lent, 0);
    }
}

#[test]
fn without_the_enforcer_a_login_is_refused_and_nothing_recorded() {
    let mut world = World::new();
    let pass = world.log_in(device(1));
    assert_eq!(world.answer_of(pass), Some(Answer::GateDown));
    assert!(world.started.is_empty());
}

#[test]
fn an_admission_without_answer_is_taken_back() {
    for fate in [Fate::LostBefore, Fate::LostAfter, Fate::Refused] {
        let mut world = World::ready();
        let pass = world.log_in(device(1));
        world.enforce(fate);
        assert_eq!(world.answer_of(pass), Some(Answer::GateDown), "{fate:?}");
        world.connect();
        world.settle();
        world.wait(3);
        world.settle();
        assert!(world.kernel.is_empty(), "{fate:?}");
        assert_eq!(world.ended[&pass].1, EndCause::Expelled, "{fate:?}");
    }
}

#[test]
fn a_pass_ends_at_its_time_and_the_record_says_when() {
    let mut world = World::ready();
    let pass = world.log_in(device(1));
    world.settle();
    let until = world.now + super::world::LENGTH;
    for _ in 0..3599 {
        world.up_packets += 1;
        world.wait(1);
        world.settle();
    }
    assert!(world.ended.is_empty());
    world.wait(1);
    world.settle();
    assert_eq!(world.ended[&pass], (until, EndCause::Expired));
}

#[test]
fn a_pass_that_ended_while_the_gateway_was_dead_is_recorded_at_its_time() {
    let mut world = World::ready();
    let pass = world.log_in(device(1));
    world.settle();
    let until = world.now + super::world::LENGTH;
    world.now = until + SignedDuration::from_mins(20);
    world.kernel.clear();
    world.restart_gateway();
    world.connect();
    world.settle();
    assert_eq!(world.ended[&pass], (until, EndCause::Expired));
}

#[test]
fn a_silent_pass_ends_and_a_busy_one_stays() {
    let mut world = World::ready();
    let pass = world.log_in(device(1));
    world.settle();
    for _ in 0..5 {
        world.up_packets += 1;
        world.wait(300);
        world.settle();
    }
    for _ in 0..5 {
        world.wait(300);
        world.settle();
    }
    assert!(world.ended.is_empty(), "silent for 25 minutes of 30");
    world.wait(300);
    world.settle();
    assert_eq!(world.ended[&pass].1, EndCause::Idle);
}

#[test]
fn a_restart_keeps_passes_and_slots_and_the_generation_goes_on() {
    let mut world = World::ready();
    let pass = world.log_in(device(1));
    world.settle();
    let (slot, _) = world.kernel[&device(1)];
    world.restart_gateway();
    world.transcript.clear();
    world.connect();
    world.settle();
    insta::assert_snapshot!(world.text(), @r"
    > enforcer back
      ask measure
    > measured
      ask apply 3: 1 passes
    > done 3
    ");
    assert_eq!(world.kernel[&device(1)].0, slot);
    assert!(world.site.online().any(|p| p.id == pass));
}

#[test]
fn who_logged_out_does_not_come_back_with_a_restart() {
    let mut world = World::ready();
    let pass = world.log_in(device(1));
    world.settle();
    world.log_out(device(1));
    world.restart_gateway();
    world.connect();
    world.settle();
    assert!(world.kernel.is_empty());
    assert_eq!(world.ended[&pass].1, EndCause::LoggedOut);
}

#[test]
fn a_restart_of_the_enforcer_gets_the_whole_state_again() {
    let mut world = World::ready();
    world.log_in(device(1));
    world.settle();
    world.kernel.clear();
    world.transcript.clear();
    world.restart_enforcer();
    world.settle();
    insta::assert_snapshot!(world.text(), @r"
    > enforcer lost
    > enforcer back
      ask measure
    > measured
      record difference: 1 missing, 0 unknown
      ask apply 3: 1 passes
    > recorded 1
    > done 3
    ");
    assert!(world.kernel.contains_key(&device(1)));
}

#[test]
fn a_stranger_in_the_kernel_is_removed_and_the_difference_recorded() {
    let mut world = World::ready();
    let slot = varco_policy::Slot { address: [198, 18, 0, 3].into(), first_port: 64512, last_port: 65535 };
    world.kernel.insert(device(7), (slot, world.now + SignedDuration::from_hours(1)));
    world.wait(5);
    world.settle();
    insta::assert_snapshot!(world.text(), @r"
    > tick
      ask measure
    > measured
      record difference: 0 missing, 1 unknown
      ask apply 2: 0 passes
    > recorded 1
    > done 2
    ");
    assert!(world.kernel.is_empty());
}

#[test]
fn without_a_free_slot_the_old_pass_stays() {
    let mut world = World::ready();
    for n in 0..63 {
        world.log_in(device(n));
    }
    world.settle();
    assert_eq!(world.kernel.len(), 63);
    let again = world.log_in(device(1));
    let newcomer = world.log_in(device(100));
    world.settle();
    assert_eq!(world.answer_of(again), Some(Answer::NoSlot));
    assert_eq!(world.answer_of(newcomer), Some(Answer::NoSlot));
    assert!(world.kernel.contains_key(&device(1)));
}

#[test]
fn the_router_and_strangers_get_no_pass() {
    let mut world = World::ready();
    for address in [[10, 64, 0, 1], [10, 65, 0, 9], [192, 168, 0, 1]] {
        let pass = world.log_in(varco_policy::Device { address: address.into(), ..device(1) });
        assert_eq!(world.answer_of(pass), Some(Answer::NotAGuest));
    }
    assert!(world.started.is_empty());
}

/// SECURITY.md S4: what is on record is taken up, also when the guest network was changed meanwhile; the enforcer would
/// refuse the whole state for one pass that is not of this network.
#[test]
fn a_pass_of_another_network_ends_and_holds_up_nobody() {
    let mut world = World::ready();
    let pass = world.log_in(device(1));
    world.settle();
    let hosts = varco_policy::GuestHosts::new(vec!["10.65.0.0/24".parse().unwrap()], vec![]);
    let moved = Rules { hosts, ..super::world::rules() };
    let open = world.site.online().map(|pass| (pass.clone(), None)).collect();
    let pool = SlotPool::new(&[[198, 18, 0, 3].into()], 1024, super::world::QUARANTINE);
    world.site = Site::resume(moved, pool, open, world.now);
    (world.asked, world.connected, world.kernel_generation) = (None, false, None);
    world.transcript.clear();
    world.connect();
    world.settle();
    assert!(world.text().contains("ask apply 1: 0 passes"), "{}", world.text());
    assert_eq!(world.ended[&pass].1, EndCause::Expelled);
}

/// SECURITY.md P1: what the enforcer would refuse is not asked, so that nobody who logs in beside it is refused too.
#[test]
fn no_login_from_what_is_no_device() {
    let mut world = World::ready();
    let group = varco_policy::Mac::new([1, 0, 0x5e, 0, 0, 1]);
    let network = [10, 64, 0, 0].into();
    let everybody = [10, 64, 0, 255].into();
    let good = device(1);
    for bad in [
        varco_policy::Device { mac: group, ..good },
        varco_policy::Device { mac: varco_policy::Mac::new([0; 6]), ..good },
        varco_policy::Device { address: network, ..good },
        varco_policy::Device { address: everybody, ..good },
    ] {
        let pass = world.log_in(bad);
        assert_eq!(world.answer_of(pass), Some(Answer::NotAGuest));
    }
    assert!(world.started.is_empty());
}

/// SECURITY.md S2: whatever number the enforcer is at, a login goes on.
#[test]
fn numbers_of_states_end_without_an_end() {
    let mut world = World::new();
    world.kernel_generation = Some(u64::MAX - 1);
    world.connect();
    world.settle();
    assert!(world.text().contains(&format!("ask apply {}", u64::MAX)), "{}", world.text());
    world.log_in(device(1));
    assert!(world.text().contains(&format!("ask admit {}", u64::MAX)), "{}", world.text());
}

/// SECURITY.md S13: a time that is on record already does not come twice.
#[test]
fn nobody_new_while_the_clock_is_behind_the_records() {
    let mut world = World::ready();
    let early = world.log_in(device(1));
    world.settle();
    assert!(matches!(world.answer_of(early), Some(Answer::Online(_))));
    world.now -= SignedDuration::from_secs(61);
    let behind = world.log_in(device(2));
    world.settle();
    assert_eq!(world.answer_of(behind), Some(Answer::ClockWrong));
    assert!(!world.started.contains_key(&behind) && world.site.online().count() == 1);
    world.now += SignedDuration::from_secs(2);
    let stepped = world.log_in(device(2));
    world.settle();
    assert!(matches!(world.answer_of(stepped), Some(Answer::Online(_))), "a small step is a time server's");
}

/// SECURITY.md S13: the same after a restart with a clock that has lost its time.
#[test]
fn nobody_new_after_a_start_before_the_newest_record() {
    let mut world = World::new();
    let newest = world.now + SignedDuration::from_hours(1);
    let site = Site::resume(
        super::world::rules(),
        SlotPool::new(&[], 1024, SignedDuration::ZERO),
        Vec::new(),
        world.now,
    );
    world.site = site.not_before(newest);
    world.connect();
    world.settle();
    let login = world.log_in(device(1));
    assert_eq!(world.answer_of(login), Some(Answer::ClockWrong));
}
