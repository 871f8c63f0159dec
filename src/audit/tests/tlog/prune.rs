//! Entries that are over go; what was proved of them before is proved still, whatever fails meanwhile.

use crate::{
    faults::{Faulty, Reach, Volatile},
    kept::{Memory, ORIGIN, Place, asked, check, key, key_of, leaves},
    python,
};
use std::io;
use varco_audit::{
    tlog::{
        Checkpoint, Files as _, Log, Tiles, VerifierKey, damage,
        proof::Proof,
        prune::{self, PRUNED, PruneError, Pruned, prune},
    },
    verify::{Asked, Problem, verify},
};

const SIZE: u64 = 1000;

fn at() -> jiff::Timestamp {
    "2029-06-01T00:00:00Z".parse().unwrap()
}

fn log(size: u64) -> Log<Memory> {
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    log.integrate(0, &leaves(0..size)).unwrap();
    log
}

fn proof(log: &Log<Memory>, index: u64) -> Proof {
    let mut tiles = log.tiles().unwrap();
    let (mut entry, path) = (Vec::new(), tiles.inclusion(index).unwrap());
    tiles.leaves(index..index + 1, |_, leaf| entry = leaf.to_vec()).unwrap();
    Proof { index, entry, path, checkpoint: log.checkpoint().note().to_owned() }
}

#[test]
fn what_is_over_goes_and_the_rest_verifies_and_grows() {
    let mut log = log(SIZE);
    let (old, seen) = (proof(&log, 3), log.checkpoint().note().as_bytes().to_vec());
    assert_eq!(log.prune(512, at()).unwrap(), 2);
    assert_eq!((log.minimum(), log.prune(512, at()).unwrap()), (512, 0));
    log.integrate(SIZE, &leaves(SIZE..1300)).unwrap();
    assert_eq!(log.scrub(0, 9).unwrap(), 0);
    assert!(old.verify(key().verifier()).unwrap().is_some(), "a proof of before");
    // What is gone is known by its hash: the tree of before is found again, and a way to its root.
    assert_eq!(log.tiles().unwrap().inclusion(3).unwrap().len(), 11);
    let files = log.into_disk();
    let again = Log::on(files.clone(), ORIGIN, key()).unwrap();
    assert_eq!((again.size(), again.minimum()), (1300, 512));
    let whole = verify(&files, &files.paths(), &Asked { seen: vec![seen], ..asked() }).unwrap();
    assert_eq!((whole.gone, whole.strangers.len()), (512, 0));
    let checkpoint = again.checkpoint().checkpoint().clone();
    assert_eq!(damage(&files, &checkpoint).unwrap(), varco_audit::tlog::Damage::default());
}

#[test]
fn fsck_finds_what_is_damaged_beside_what_is_over() {
    let mut log = log(SIZE);
    log.prune(512, at()).unwrap();
    let checkpoint: Checkpoint = log.checkpoint().checkpoint().clone();
    let files = log.into_disk();
    let broken = |path: &str| {
        let files = files.clone();
        files.0.borrow_mut().get_mut(path).unwrap()[5] ^= 1;
        damage(&files, &checkpoint).unwrap()
    };
    assert_eq!(broken("tile/0/002").tiles[0].0, "tile/0/002", "it follows from its entries");
    assert!(!broken("tile/0/001").entries.is_empty(), "that of pruned entries follows from nothing");
    assert!(!broken("tile/entries/002").entries.is_empty());
    files.0.borrow_mut().remove("tile/entries/002");
    assert!(!damage(&files, &checkpoint).unwrap().entries.is_empty(), "not over, and gone");
}

#[test]
fn only_full_bundles_that_are_over_and_elsewhere_go() {
    let log = log(SIZE);
    let due = |from, limit, most, over: u64| {
        let mut tiles = log.tiles().unwrap();
        let sequence = |leaf: &[u8]| varco_audit::leaf::Leaf::read(leaf).unwrap().header.sequence;
        prune::due(&mut tiles, (from, limit), most, |leaf| sequence(leaf) < over).unwrap()
    };
    assert_eq!(due(0, SIZE, 99, 600), 512, "the third has entries that are not over");
    assert_eq!(due(0, SIZE, 99, 512), 512);
    assert_eq!(due(0, SIZE, 99, 511), 256);
    assert_eq!(due(0, 300, 99, SIZE), 256, "never above what is elsewhere");
    assert_eq!(due(0, SIZE, 99, SIZE), 768, "never the newest");
    assert_eq!(due(0, SIZE, 1, SIZE), 256, "some at a time");
    assert_eq!(due(256, SIZE, 1, SIZE), 512);
    assert_eq!(due(512, SIZE, 9, 0), 512, "it never goes back");
    assert_eq!(due(0, 0, 9, SIZE), 0);
    let mut full = self::log(512);
    assert_eq!(
        prune::due(&mut full.tiles().unwrap(), (0, 512), 9, |_| true).unwrap(),
        256,
        "nor a full newest"
    );
    for wrong in [300, 768, 512] {
        assert!(matches!(full.prune(wrong, at()), Err(PruneError::Asked { .. })), "{wrong}");
    }
    full.prune(256, at()).unwrap();
    assert!(matches!(full.prune(0, at()), Err(PruneError::Asked { .. })));
}

#[test]
fn nobody_but_the_log_and_its_keeper_says_what_is_gone() {
    let mut log = log(SIZE);
    log.prune(256, at()).unwrap();
    let files = log.into_disk();
    assert_eq!(check(&files).unwrap().gone, 256);
    let by_us = files.read(PRUNED).unwrap();
    let keeper = key_of("hub.example.it/log", 9);
    let copy = |by: &varco_audit::tlog::NoteKey| {
        let copy = self::log(SIZE).into_disk();
        prune(&copy, (ORIGIN, SIZE), 512, at(), by).unwrap();
        copy
    };
    let copied = copy(&keeper);
    assert!(matches!(check(&copied), Err(Problem::Pruned(_))));
    let with = |key: VerifierKey| verify(&copied, &copied.paths(), &Asked { keepers: vec![key], ..asked() });
    assert_eq!(with(keeper.verifier().clone()).unwrap().gone, 512);
    assert!(matches!(with(key_of("other", 9).verifier().clone()), Err(Problem::Pruned(_))));
    // Each octet of it counts, and it says nothing of another log.
    for place in 0..by_us.len() {
        let mut turned = by_us.clone();
        turned[place] ^= 1;
        assert!(Pruned::verify(&turned, ORIGIN, [key().verifier()]).is_err(), "{place}");
    }
    assert!(Pruned::verify(&by_us, "hub.example.it/log/museum", [key().verifier()]).is_err());
    // A checkpoint is no such note, nor the other way round.
    let checkpoint = files.read("checkpoint").unwrap();
    assert!(Pruned::verify(&checkpoint, ORIGIN, [key().verifier()]).is_err());
    assert!(varco_audit::tlog::Signed::verify(&by_us, key().verifier()).is_err());
    // A bundle that is not said to be over is missed.
    files.0.borrow_mut().remove("tile/entries/001");
    assert!(matches!(check(&files), Err(Problem::Altered(_))));
}

#[test]
fn both_verifiers_find_by_themselves_what_is_over() {
    let place = Place::new("pruned");
    let mut log = log(SIZE);
    log.prune(512, at()).unwrap();
    place.put(&log.into_disk());
    assert_eq!(python::verify(&place.log(), &[]).status.code(), Some(0));
    std::fs::remove_file(place.log().join("tile/entries/002")).unwrap();
    assert_eq!(python::verify(&place.log(), &[]).status.code(), Some(4));
    let path = place.log().join(PRUNED);
    let more = std::fs::read_to_string(&path).unwrap().replace("\n512\n", "\n768\n");
    std::fs::write(&path, more).unwrap();
    assert_eq!(python::verify(&place.log(), &[]).status.code(), Some(5));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_varco-audit"))
        .args(["verify", "--vkey", &key().vkey(), "--log"])
        .arg(place.log())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
}

/// One case: says whether the step was reached.
fn fails_at(before: &Volatile, step: usize, reach: Reach, power: Option<u64>) -> bool {
    let dies = power.is_some();
    let faulty =
        Faulty { fails: step, reach, dies, error: io::ErrorKind::Other, ..Faulty::whole(before.clone()) };
    let pruned = prune(&faulty, (ORIGIN, SIZE), 512, at(), &key()).is_ok();
    let (reached, disk) = (faulty.step.get() > step, faulty.disk);
    let left = match power {
        Some(0) => disk.after_power_loss(|_| false),
        Some(seed) => disk.after_power_loss(|path| path.len() as u64 % 2 == seed % 2 || path == PRUNED),
        None => disk.now,
    };
    let what = format!("step {step}, {reach:?}, {power:?}");
    let whole = check(&left).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(prune::minimum(&left) == 512 || !pruned || dies, "{what}");
    assert!(whole.gone == 0 || prune::minimum(&left) == 512, "{what}: gone, and nothing says so");
    let mut log = Log::on(left, ORIGIN, key()).unwrap_or_else(|error| panic!("{what}: {error}"));
    log.prune(512, at()).unwrap_or_else(|error| panic!("{what}: {error}"));
    log.integrate(SIZE, &leaves(SIZE..SIZE + 30)).unwrap();
    let left = log.into_disk();
    assert_eq!(check(&left).unwrap().gone, 512, "{what}: it goes on");
    reached
}

#[test]
fn a_stop_at_any_step_leaves_a_log_that_verifies_and_the_next_call_goes_on() {
    let mut log = Log::on(Volatile::default(), ORIGIN, key()).unwrap();
    log.integrate(0, &leaves(0..200)).unwrap();
    log.integrate(200, &leaves(200..SIZE)).unwrap();
    let before = log.into_disk();
    let mut step = 0;
    loop {
        let mut reached = false;
        for power in [None, Some(0), Some(1), Some(2)] {
            for reach in [Reach::Nothing, Reach::Half, Reach::All] {
                reached |= fails_at(&before, step, reach, power);
            }
        }
        if !reached {
            break;
        }
        step += 1;
    }
    assert!(step >= 7, "{step}: note written, renamed, synced; two bundles, their folder");
    let tiles = Tiles::open(&before.now, &Checkpoint::empty("nobody"));
    assert!(tiles.is_ok(), "the model is not what was changed");
}
