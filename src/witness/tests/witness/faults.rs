//! Each step of a request fails, done or not; the program goes on, is started again, or the power went. What was answered
//! is never taken back.

use crate::{
    disks::Memory,
    logs::TheirLog,
    rules::{LOG, at, is_cosigned, open},
};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use varco_audit::tlog::{Disk, Folder};
use varco_witness::witness::{Answer, Witness};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Restarts,
    PowerLost,
}

/// The log of a hundred entries, which the witness knows, and as it is later.
fn log_of(size: u64) -> (TheirLog, impl Fn(u64) -> TheirLog) {
    let mut log = TheirLog::new(LOG);
    log.grow(size, "entry");
    let base = log.clone();
    (log, move |size| {
        let mut later = base.clone();
        later.grow(size, "entry");
        later
    })
}

/// What the witness knows: asked with a size that nobody has.
fn known<D: Disk>(witness: &Witness<D>, log: &TheirLog) -> u64 {
    match witness.add_checkpoint(log.request(99).as_bytes(), at(9)) {
        Answer::OtherSize(size) => size,
        other => panic!("{other:?}"),
    }
}

/// One case; whether the step was reached.
fn fails_at(step: usize, done: bool, after: After) -> bool {
    let what = format!("step {step}, done {done}, {after:?}");
    let (log, later) = log_of(100);
    let (longer, longest) = (later(200), later(300));
    let disk = Memory::default();
    let witness = open(&disk, &[&log]);
    assert!(matches!(witness.add_checkpoint(log.request(0).as_bytes(), at(0)), Answer::Cosigned(_)));

    disk.fail(step, done);
    let answer = witness.add_checkpoint(longer.request(100).as_bytes(), at(1));
    let reached = disk.steps() > step;
    let signed = is_cosigned(&answer, &longer.checkpoint(""), &longer, at(1));
    assert!(signed != reached && (signed || answer == Answer::Failed), "{what}: {answer:?}");
    assert_eq!(witness.is_failing(), !signed);
    drop(witness);

    disk.heal();
    let left = if after == After::PowerLost { disk.after_power_loss() } else { disk };
    let witness = open(&left, &[&log]);
    let size = known(&witness, &longest);
    assert!(size == 200 || (size == 100 && !signed), "{what}: {size} is known, signed {signed}");
    assert!(matches!(witness.add_checkpoint(longest.request(size).as_bytes(), at(2)), Answer::Cosigned(_)));
    assert_eq!(known(&open(left.after_power_loss(), &[&log]), &longest), 300, "{what}");
    reached
}

#[test]
fn what_was_answered_is_never_taken_back() {
    for after in [After::Restarts, After::PowerLost] {
        for done in [false, true] {
            let reached = (0..20).take_while(|step| fails_at(*step, done, after)).count();
            assert_eq!(reached, 3, "write, rename, sync");
        }
    }
}

/// The same program goes on. What it signs after a step that failed stands even when the power goes at once.
#[test]
fn nothing_is_signed_upon_a_doubt() {
    for step in 0..3 {
        for done in [false, true] {
            let (log, later) = log_of(100);
            let longer = later(200);
            let disk = Memory::default();
            let witness = open(&disk, &[&log]);
            assert!(matches!(witness.add_checkpoint(log.request(0).as_bytes(), at(0)), Answer::Cosigned(_)));
            disk.fail(step, done);
            assert_eq!(witness.add_checkpoint(longer.request(100).as_bytes(), at(1)), Answer::Failed);
            disk.fail(0, false);
            let doubt = witness.add_checkpoint(longer.request(200).as_bytes(), at(2));
            assert_eq!(doubt, Answer::Failed, "it must look again, and cannot");
            disk.heal();
            let size = known(&witness, &longer);
            let answer = witness.add_checkpoint(longer.request(size).as_bytes(), at(3));
            assert!(matches!(answer, Answer::Cosigned(_)), "{answer:?}");
            assert!(!witness.is_failing());
            assert_eq!(known(&open(disk.after_power_loss(), &[&log]), &longer), 200, "{step}, {done}");
        }
    }
}

/// Many at once: whatever order they come in, what is known never goes down.
#[test]
fn requests_at_once_do_not_roll_back() {
    let folder = std::env::temp_dir().join(format!("varco-witness-race-{}", std::process::id()));
    let (log, later) = log_of(1);
    let all: Vec<_> = (1..=120).map(&later).collect();
    let witness = open(Folder::alone(&folder).unwrap(), &[&log]);
    let signed = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for lane in 0..4 {
            let (witness, all, signed) = (&witness, &all, &signed);
            scope.spawn(move || {
                let (mut old, mut size) = (0, 1 + lane);
                while size <= 120 {
                    let before = signed.load(SeqCst);
                    match witness.add_checkpoint(all[size as usize - 1].request(old).as_bytes(), at(0)) {
                        Answer::OtherSize(known) => {
                            assert!(known >= before, "{known} after {before} was signed");
                            old = known;
                            size = size.max(known);
                        }
                        Answer::Cosigned(_) => {
                            signed.fetch_max(size, SeqCst);
                            (old, size) = (size, size + 1);
                        }
                        other => panic!("{other:?}"),
                    }
                }
            });
        }
    });
    drop(witness);
    assert_eq!(signed.into_inner(), 120);
    assert_eq!(known(&open(Folder::alone(&folder).unwrap(), &[&log]), &later(130)), 120);
    std::fs::remove_dir_all(folder).unwrap();
}
