//! A mirror of another's log: what it takes, what it refuses, and what a failing disk leaves of it.

use crate::{
    faults::{After, Faulty, Reach, Volatile, steps_until_none_is_reached},
    kept::{Memory, ORIGIN, Place, asked, key, leaf, leaves},
};
use jiff::Timestamp;
use std::{io, sync::LazyLock};
use varco_audit::{
    tlog::{
        Cosignature, CosignerKey, Disk, Log, Mirror, MirrorError, Signed, Standing, Taken, Tiles,
        add_checkpoint::{self, Request, Verdict},
        package::{self, Header, Package},
    },
    verify::verify,
};

const MIRROR: &str = "accesso.example.it/mirror";

fn cosigner() -> CosignerKey {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let place = Place::new("mirror-key");
        std::fs::create_dir_all(&place.0).unwrap();
        let file = place.0.join("mirror.key");
        CosignerKey::load_or_make(&file, MIRROR).unwrap();
        std::fs::read_to_string(file).unwrap()
    });
    CosignerKey::parse(&TEXT.as_str().into()).unwrap()
}

pub fn mirror<D: Disk>(disk: D) -> Result<Mirror<D>, MirrorError> {
    Mirror::on(disk, key().verifier().clone(), cosigner())
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// A log with so many entries: its files and its head.
pub fn source(size: u64) -> (Memory, Signed) {
    of_leaves(&leaves(0..size))
}

pub fn of_leaves(leaves: &[Vec<u8>]) -> (Memory, Signed) {
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    log.integrate(0, leaves).unwrap();
    let signed = log.checkpoint().clone();
    (log.into_disk(), signed)
}

fn follow<D: Disk>(
    mirror: &mut Mirror<D>,
    (files, signed): &(Memory, Signed),
    old: u64,
) -> Result<Verdict, MirrorError> {
    let proof = if old > signed.size {
        Vec::new()
    } else {
        Tiles::open(files, signed).unwrap().consistency(old).unwrap()
    };
    let body = add_checkpoint::write(old, &proof, signed.note());
    mirror.follow(&Request::parse(body.as_bytes()).unwrap(), signed)
}

fn header(start: u64, end: u64) -> Header {
    Header { origin: ORIGIN.into(), start, end, ticket: Vec::new() }
}

/// Sends from `start` on, so many octets.
fn send<D: Disk>(
    mirror: &mut Mirror<D>,
    (files, signed): &(Memory, Signed),
    start: u64,
    most: usize,
) -> Result<Taken, MirrorError> {
    let header = header(start, signed.size);
    let body = package::body(&mut Tiles::open(files, signed).unwrap(), &header, most).unwrap();
    let (_, packages) = Header::read(&body).unwrap();
    mirror.take(&header, packages, now())
}

/// As the gateway does: follows, then sends until it is acknowledged.
pub fn ship<D: Disk>(mirror: &mut Mirror<D>, source: &(Memory, Signed)) -> Result<u64, MirrorError> {
    let followed = match follow(mirror, source, mirror.standing().pending)? {
        // It was not sure whether its last step was done.
        Verdict::OtherSize(size) => follow(mirror, source, size)?,
        verdict => verdict,
    };
    assert_eq!(followed, Verdict::Cosign);
    for _ in 0..100 {
        let next = mirror.standing().next;
        if let Taken::Whole { signature, .. } = send(mirror, source, next, 1)? {
            let note = format!("{}{signature}", source.1.note());
            let signed = Signed::verify(note.as_bytes(), key().verifier()).unwrap();
            assert_eq!(Cosignature::verify(&signed, cosigner().verifier()).unwrap().at, now());
            return Ok(signed.size);
        }
    }
    panic!("never whole")
}

fn whole(files: &Memory, end: u64, what: &str) {
    let found = verify(files, &files.paths(), &asked()).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(found.checkpoint.size, end, "{what}");
    Cosignature::verify(&found.checkpoint, cosigner().verifier()).unwrap();
}

#[test]
fn a_copy_grows_with_its_log_and_verifies_as_the_log_does() {
    let mut copy = mirror(Memory::default()).unwrap();
    for size in [1, 100, 256, 300, 1000, 1000] {
        assert_eq!(ship(&mut copy, &source(size)).unwrap(), size);
    }
    let files = copy.into_disk();
    whole(&files, 1000, "at the end");
    let log = source(1000).0;
    let tiles = |files: &Memory| {
        let all = files.paths().into_iter().filter(|path| path.starts_with("tile/") && !path.contains(".p/"));
        all.map(|path| (path.clone(), files.0.borrow()[&path].clone())).collect::<Vec<_>>()
    };
    assert_eq!(tiles(&files), tiles(&log), "octet for octet");
}

#[test]
fn an_upload_goes_on_where_it_was_cut_and_after_a_restart() {
    let (log, mut copy) = (source(1000), mirror(Memory::default()).unwrap());
    follow(&mut copy, &log, 0).unwrap();
    let part = send(&mut copy, &log, 0, 1).unwrap();
    assert_eq!(part, Taken::Part(Standing { acknowledged: 0, pending: 1000, next: 256 }));
    assert!(copy.checkpoint().is_none(), "nothing is acknowledged yet");
    let mut copy = mirror(copy.into_disk()).unwrap();
    assert_eq!(copy.standing().next, 256, "a start goes on");
    // Half of a package says nothing.
    let header = header(256, 1000);
    let body = package::body(&mut Tiles::open(&log.0, &log.1).unwrap(), &header, usize::MAX).unwrap();
    let packages = Header::read(&body).unwrap().1;
    assert_eq!(copy.take(&header, &packages[..300], now()).unwrap(), Taken::Malformed);
    let cut = copy.take(&header, &packages[..packages.len() - 1], now()).unwrap();
    assert_eq!(cut, Taken::Part(Standing { acknowledged: 0, pending: 1000, next: 768 }));
    // From before what is there, as of a client that did not hear the answer.
    assert!(matches!(send(&mut copy, &log, 768 - 1, 1).unwrap(), Taken::Conflict(_)), "too far below");
    assert!(matches!(send(&mut copy, &log, 768, 1).unwrap(), Taken::Whole { new, .. } if new == (0..1000)));
    assert!(
        matches!(send(&mut copy, &log, 1000, 1).unwrap(), Taken::Whole { new, .. } if new == (1000..1000))
    );
    whole(&copy.into_disk(), 1000, "whole");
}

#[test]
fn a_start_that_does_not_fit_is_told_where_to_begin() {
    let (log, mut copy) = (source(300), mirror(Memory::default()).unwrap());
    let told = |taken| matches!(taken, Taken::Conflict(Standing { pending: 0, next: 0, .. }));
    assert!(told(copy.take(&header(0, 0), b"", now()).unwrap()), "nothing is followed");
    follow(&mut copy, &log, 0).unwrap();
    for (start, end) in [(0, 0), (0, 299), (0, 301), (1, 300), (256, 300)] {
        let taken = copy.take(&header(start, end), b"", now()).unwrap();
        assert_eq!(
            taken,
            Taken::Conflict(Standing { acknowledged: 0, pending: 300, next: 0 }),
            "{start}..{end}"
        );
    }
    assert_eq!(copy.take(&header(0, 300), b"", now()).unwrap(), Taken::Malformed);
}

#[test]
fn what_is_not_in_the_checkpoint_is_not_taken() {
    let (log, mut copy) = (source(300), mirror(Memory::default()).unwrap());
    follow(&mut copy, &log, 0).unwrap();
    let mut tiles = Tiles::open(&log.0, &log.1).unwrap();
    let good = Package::of(&mut tiles, 0..256, 0..256).unwrap();
    let mut changes: Vec<Package> = Vec::new();
    for n in [0, 100, 255] {
        let mut other = good.clone();
        other.entries[n][5] ^= 1;
        changes.push(other);
    }
    let mut swapped = good.clone();
    swapped.entries.swap(3, 4);
    let mut unproved = good.clone();
    unproved.proof[0].0[0] ^= 1;
    let mut short = good.clone();
    short.proof.clear();
    for package in changes.into_iter().chain([swapped, unproved, short]) {
        let mut body = Vec::new();
        package.write(&mut body);
        assert_eq!(copy.take(&header(0, 300), &body, now()).unwrap(), Taken::Unproven);
        assert_eq!(copy.standing().next, 0);
    }
    // What was proved before it is kept.
    let mut body = Vec::new();
    good.write(&mut body);
    good.write(&mut body);
    assert_eq!(copy.take(&header(0, 300), &body, now()).unwrap(), Taken::Unproven);
    assert_eq!(copy.standing().next, 256);
}

#[test]
fn a_log_that_was_rewritten_or_cut_back_is_not_followed_and_that_is_kept() {
    let mut copy = mirror(Memory::default()).unwrap();
    ship(&mut copy, &source(300)).unwrap();
    let mut other = leaves(0..400);
    other[7] = leaf(999);
    let rewritten = of_leaves(&other);
    assert_eq!(follow(&mut copy, &rewritten, 300).unwrap(), Verdict::Unproven, "longer and another");
    assert_eq!(follow(&mut copy, &of_leaves(&other[..300]), 300).unwrap(), Verdict::Forked, "as long");
    assert_eq!(follow(&mut copy, &source(200), 300).unwrap(), Verdict::OldAbove, "cut back");
    assert_eq!(
        follow(&mut copy, &source(200), 200).unwrap(),
        Verdict::OtherSize(300),
        "cut back and unaware"
    );
    assert_eq!(
        follow(&mut copy, &source(350), 200).unwrap(),
        Verdict::OtherSize(300),
        "that is no contradiction"
    );
    assert_eq!(copy.standing().pending, 300);
    let files = copy.into_disk();
    let kept: Vec<_> = files.paths().into_iter().filter(|path| path.starts_with("forked/")).collect();
    assert_eq!(kept.len(), 3, "{kept:?}");
    let read = |path: &String| String::from_utf8(files.0.borrow()[path].clone()).unwrap();
    let known = source(300).1;
    assert!(kept.iter().all(|path| read(path).starts_with(known.note())), "both are there");
    assert!(kept.iter().any(|path| read(path).ends_with(rewritten.1.note())));
    let mut copy = mirror(files).unwrap();
    assert_eq!(ship(&mut copy, &source(400)).unwrap(), 400, "the true log goes on");
}

/// One case: the mirror has `before` entries, the log has come to `end`.
fn fails_at(before: u64, end: u64, step: usize, reach: Reach, after: After) -> bool {
    let what = format!("step {step}, {reach:?}, {after:?}");
    let mut copy = mirror(Volatile::default()).unwrap();
    if before > 0 {
        ship(&mut copy, &source(before)).unwrap();
    }
    let dies = !matches!(after, After::GoesOn | After::Restarts);
    let error = if step.is_multiple_of(2) { io::ErrorKind::StorageFull } else { io::ErrorKind::Other };
    let faulty = Faulty { fails: step, reach, dies, error, ..Faulty::whole(copy.into_disk()) };
    let (log, mut acknowledged) = (source(end), before);
    if let Ok(mut copy) = mirror(&faulty) {
        for _ in 0..if after == After::GoesOn { 3 } else { 1 } {
            acknowledged = ship(&mut copy, &log).unwrap_or(acknowledged);
        }
        assert!(after != After::GoesOn || acknowledged == end, "{what}: it does not go on");
    }
    let reached = faulty.step.get() > step;
    let mut copy = mirror(faulty.disk.left(after)).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(copy.standing().acknowledged >= acknowledged, "{what}");
    assert_eq!(ship(&mut copy, &log).unwrap_or_else(|error| panic!("{what}: {error}")), end);
    whole(&copy.into_disk(), end, &what);
    reached
}

#[test]
fn what_was_acknowledged_is_there_whatever_fails() {
    for (before, end, least) in [(0, 3, 8), (100, 101, 10), (250, 520, 20)] {
        let steps =
            steps_until_none_is_reached(|step, reach, after| fails_at(before, end, step, reach, after));
        assert!(steps > least, "{before} to {end}: {steps} steps");
    }
}
