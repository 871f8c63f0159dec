//! A copy is pruned by its keeper: it verifies, uploads go on, and so they do whatever fails meanwhile.

use crate::{
    faults::{After, Faulty, Reach, Volatile, steps_until_none_is_reached},
    kept::{Memory, asked, key_of, leaf, leaves},
    mirror::{mirror, of_leaves, ship, source},
};
use std::io;
use varco_audit::{
    class::Class,
    expiry::{Kept, Over, Profile, Terms, prune_copy},
    tlog::{Disk, Mirror, NoteKey, Signed, Tiles, proof::Proof, prune},
    verify::{Whole, verify},
};

/// Who keeps the copy, by name of another log: the hub's.
fn keeper() -> NoteKey {
    key_of("hub.example.it/log", 9)
}

/// Leaves are R2a of 2026-W47: by then all are over.
fn late() -> Terms {
    Terms::at("2028-11-16T00:00:00Z".parse().unwrap(), Kept::default())
}

fn whole(files: &Memory, what: &str) -> Whole {
    let asked = varco_audit::verify::Asked { keepers: vec![keeper().verifier().clone()], ..asked() };
    verify(files, &files.paths(), &asked).unwrap_or_else(|error| panic!("{what}: {error}"))
}

fn prune_all<D: Disk>(copy: &Mirror<D>) -> u64 {
    prune_copy(copy, &late(), &keeper()).unwrap().minimum
}

#[test]
fn old_proofs_verify_and_uploads_go_on() {
    let log = source(1000);
    let mut copy = mirror(Memory::default()).unwrap();
    ship(&mut copy, &log).unwrap();
    let path = Tiles::open(&log.0, &log.1).unwrap().inclusion(3).unwrap();
    let old = Proof { index: 3, entry: leaf(3), path, checkpoint: log.1.note().to_owned() };
    let early = Terms::at("2028-11-15T23:59:59Z".parse().unwrap(), Kept::default());
    assert_eq!(prune_copy(&copy, &early, &keeper()).unwrap(), Over { minimum: 0, files: 0 });
    assert_eq!(prune_copy(&copy, &late(), &keeper()).unwrap(), Over { minimum: 768, files: 3 });
    assert_eq!(prune_copy(&copy, &late(), &keeper()).unwrap(), Over { minimum: 768, files: 0 });
    for size in [1001, 1300] {
        assert_eq!(ship(&mut copy, &source(size)).unwrap(), size);
    }
    let mut again = mirror(copy.into_disk()).unwrap();
    assert_eq!((again.minimum(), prune_all(&again)), (768, 1280));
    assert_eq!(ship(&mut again, &source(1536)).unwrap(), 1536, "a start goes on");
    assert_eq!(prune_all(&again), 1280, "a full newest bundle stays");
    let inclusion = again.tiles().unwrap().inclusion(3).unwrap();
    let now = Proof { path: inclusion, checkpoint: source(1536).1.note().to_owned(), ..old.clone() };
    for proof in [&old, &now] {
        assert!(
            proof.verify(crate::kept::key().verifier()).unwrap().is_some(),
            "what is gone is proved still"
        );
    }
    let found = whole(&again.into_disk(), "at the end");
    assert_eq!((found.gone, found.strangers.len()), (1280, 0));
}

#[test]
fn what_both_destroyed_goes_before_its_time_and_takes_nothing_else_with_it() {
    let mut copy = mirror(Memory::default()).unwrap();
    ship(&mut copy, &source(1000)).unwrap();
    let mut terms = Terms::at("2026-12-01T00:00:00Z".parse().unwrap(), Kept::default());
    terms.destroyed.insert((Class::R2b, "2026-W47".parse().unwrap()));
    terms.destroyed.insert((Class::R2a, "2026-W46".parse().unwrap()));
    assert_eq!(prune_copy(&copy, &terms, &keeper()).unwrap().minimum, 0, "another class, another week");
    terms.destroyed.insert((Class::R2a, "2026-W47".parse().unwrap()));
    assert_eq!(prune_copy(&copy, &terms, &keeper()).unwrap().minimum, 768);
    // What is clear in a bundle holds it until its own time is over; a shorter time of the controller's lets it go.
    let beat = |n: u64| format!("varco-leaf/1 R6 library {n} 2026-11-22T10:00:00Z - -\n{{}}").into_bytes();
    let mut mixed = leaves(0..1000);
    mixed[300] = beat(300);
    let mut copy = mirror(Memory::default()).unwrap();
    ship(&mut copy, &of_leaves(&mixed)).unwrap();
    assert_eq!(prune_copy(&copy, &terms, &keeper()).unwrap().minimum, 256);
    terms.kept.set(Profile::PublicBody, "R6", "9 days").unwrap();
    assert_eq!(prune_copy(&copy, &terms, &keeper()).unwrap().minimum, 768);
    // What is no leaf is never over.
    mixed[300] = b"no leaf".to_vec();
    let mut copy = mirror(Memory::default()).unwrap();
    ship(&mut copy, &of_leaves(&mixed)).unwrap();
    assert_eq!(prune_copy(&copy, &late(), &keeper()).unwrap().minimum, 256);
}

/// A copy of 600 entries, and what its log has come to since.
struct Before {
    disk: Volatile,
    later: [(Memory, Signed); 2],
}

/// One case: it is pruned, and more comes.
fn fails_at(before: &Before, step: usize, reach: Reach, after: After) -> bool {
    let what = format!("step {step}, {reach:?}, {after:?}");
    let dies = !matches!(after, After::GoesOn | After::Restarts);
    let error = if step.is_multiple_of(2) { io::ErrorKind::StorageFull } else { io::ErrorKind::Other };
    let faulty = Faulty { fails: step, reach, dies, error, ..Faulty::whole(before.disk.clone()) };
    if let Ok(mut copy) = mirror(&faulty) {
        let _ = prune_copy(&copy, &late(), &keeper());
        if after == After::GoesOn {
            let mut tries = (0..2).map(|_| ship(&mut copy, &before.later[0]).is_ok());
            assert!(tries.any(|good| good), "{what}: uploads do not go on");
        }
    }
    let reached = faulty.step.get() > step;
    let left = faulty.disk.left(after);
    let found = whole(&left, &what);
    assert!(found.gone == 0 || prune::minimum(&left) == 512, "{what}: gone, and nothing says so");
    let mut copy = mirror(left).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(prune_all(&copy), 512, "{what}");
    assert_eq!(ship(&mut copy, &before.later[1]).unwrap_or_else(|error| panic!("{what}: {error}")), 620);
    assert_eq!(whole(&copy.into_disk(), &what).gone, 512, "{what}: a start goes on");
    reached
}

#[test]
fn whatever_fails_the_copy_verifies_and_both_go_on() {
    let mut copy = mirror(Volatile::default()).unwrap();
    ship(&mut copy, &source(600)).unwrap();
    let before = Before { disk: copy.into_disk(), later: [610, 620].map(source) };
    let steps = steps_until_none_is_reached(|step, reach, after| fails_at(&before, step, reach, after));
    assert!(steps >= 8, "{steps}: a start, the note, two bundles and their folder");
}
