//! What the log's core does in a second: `cargo bench -p varco-audit`. The folder is made below `CARGO_TARGET_TMPDIR`, so that
//! it is on the disk that the target folder is on.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads the clock, and fails as a test does"
)]

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use varco_audit::{
    journal::{self, Place as Next},
    keeper::{self, Integrator, Progress},
    tlog::{
        Checkpoint, CosignerKey, Files, Folder, Log, Mirror, NoteKey, Taken, Tiles,
        add_checkpoint::{self, Request},
        package::{self, Header},
    },
    verify::{Asked, SILENCE, verify},
};

const ORIGIN: &str = "hub.example.it/log/library";
/// Octets of a sealed leaf, about.
const BODY: usize = 152;

fn leaf(sequence: u64) -> Vec<u8> {
    let header = format!("varco-leaf/1 R2a library {sequence} 2026-11-22T10:00:00Z 2026-W47 -\n");
    let mut leaf = header.into_bytes();
    leaf.push(5);
    leaf.extend((0..BODY).map(|at| (sequence as usize ^ at) as u8));
    leaf
}

fn leaves(first: u64, count: u64) -> Vec<Vec<u8>> {
    (first..first + count).map(leaf).collect()
}

fn say(what: &str, count: u64, took: Duration) {
    let rate = u128::from(count) * 1_000_000_000 / took.as_nanos().max(1);
    let each = took.as_nanos() / u128::from(count.max(1)) / 1000;
    println!("{what}: {rate}/s, {each} us each");
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let done = work();
    (done, begin.elapsed())
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn open(folder: &Path) -> Log {
    let key = NoteKey::load_or_make(&folder.join("log.key"), ORIGIN).unwrap();
    Log::open(&folder.join("log"), ORIGIN, key).unwrap()
}

/// Durable entries: integrations of several sizes, one after the other.
fn integrations() {
    let folder = folder("integrations");
    let mut log = open(&folder);
    for (batch, rounds) in [(1, 300), (10, 200), (100, 100), (1000, 30)] {
        let mut slowest = Duration::ZERO;
        let ((), took) = timed(|| {
            for _ in 0..rounds {
                let first = log.size();
                let new = leaves(first, batch);
                let ((), took) = timed(|| {
                    log.integrate(first, &new).unwrap();
                });
                slowest = slowest.max(took);
            }
        });
        say(&format!("integrations of {batch} (slowest {} us)", slowest.as_micros()), rounds, took);
        say(&format!("durable entries, {batch} at a time"), rounds * batch, took);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// A log of 100,000 entries is shipped to a mirror on the same disk: making packages, proving them, writing both ends' files; no
/// network.
fn shipping() {
    let folder = folder("shipping");
    let (mut log, size) = (open(&folder), 100_000);
    log.integrate(0, &leaves(0, size)).unwrap();
    let cosigner = CosignerKey::load_or_make(&folder.join("mirror.key"), "hub.example.it/mirror").unwrap();
    let mut mirror = Mirror::open(&folder.join("copy"), log.key().verifier().clone(), cosigner).unwrap();
    let body = add_checkpoint::write(0, &[], log.checkpoint().note());
    mirror.follow(&Request::parse(body.as_bytes()).unwrap(), log.checkpoint()).unwrap();
    let ((), took) = timed(|| {
        let mut start = 0;
        while start < size {
            let header = Header { origin: ORIGIN.into(), start, end: size, ticket: Vec::new() };
            let body = package::body(&mut log.tiles().unwrap(), &header, 2 << 20).unwrap();
            let packages = Header::read(&body).unwrap().1;
            let taken = mirror.take(&header, packages, jiff::Timestamp::UNIX_EPOCH).unwrap();
            start = if matches!(taken, Taken::Whole { .. }) { size } else { mirror.standing().next };
        }
    });
    say("entries shipped", size, took);
    std::fs::remove_dir_all(folder).unwrap();
}

/// From the commit of a record in its database to the checkpoint that has it, with a record every 300 ms: what is gathered, and
/// with somebody who waits for each.
fn delay() {
    let folder = folder("delay");
    let file = folder.join("journal.db");
    let mut db = rusqlite::Connection::open(&file).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    db.pragma_update(None, "synchronous", "FULL").unwrap();
    journal::create(&db).unwrap();
    let at =
        keeper::Folder { folder: folder.join("log"), origin: ORIGIN.into(), key: folder.join("log.key") };
    let progress = std::sync::Arc::<Progress>::default();
    let running = Integrator::new(at, &file, None, progress.clone()).start().unwrap();
    for (what, urgent) in [("a record to its checkpoint", false), ("the same, waited for", true)] {
        let (mut sum, mut slowest) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..30 {
            let transaction = db.transaction().unwrap();
            let next = journal::place(&transaction).unwrap().next;
            journal::insert(&transaction, next, &leaf(next)).unwrap();
            journal::set_place(&transaction, &Next { next: next + 1, ..Next::default() }).unwrap();
            let ((), took) = timed(|| {
                progress.commit(transaction).unwrap();
                while progress.integrated() <= next {
                    if urgent {
                        progress.wait_for(next + 1, Duration::from_secs(9));
                    } else {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
            });
            (sum, slowest) = (sum + took, slowest.max(took));
            std::thread::sleep(Duration::from_millis(300));
        }
        say(&format!("{what} (slowest {} us)", slowest.as_micros()), 30, sum);
    }
    running.stop();
    std::fs::remove_dir_all(folder).unwrap();
}

fn million(size: u64) -> PathBuf {
    let folder = folder("million");
    let mut log = open(&folder);
    let ((), took) = timed(|| {
        while log.size() < size {
            let first = log.size();
            log.integrate(first, &leaves(first, 20_000)).unwrap();
        }
    });
    say("entries made and integrated, 20,000 at a time", size, took);
    folder
}

fn verification(folder: &Path, size: u64) {
    let key = NoteKey::load_or_make(&folder.join("log.key"), ORIGIN).unwrap();
    let asked = Asked {
        key: key.verifier().clone(),
        seen: Vec::new(),
        witnesses: Vec::new(),
        site: None,
        expired: 0,
        keepers: Vec::new(),
        silence: SILENCE,
    };
    let files = Folder::new(&folder.join("log"));
    let paths = files.paths().unwrap();
    let (whole, took) = timed(|| verify(&files, &paths, &asked).unwrap());
    assert_eq!(whole.checkpoint.size, size);
    say(&format!("entries verified, of {size}"), size, took);
    proofs(&files, &whole.checkpoint);
}

fn proofs(files: &impl Files, checkpoint: &Checkpoint) {
    let count = 500;
    let ((), took) = timed(|| {
        for n in 0..count {
            let index = n * 0x9e37_79b9_7f4a % checkpoint.size;
            Tiles::open(files, checkpoint).unwrap().inclusion(index).unwrap();
        }
    });
    say(&format!("inclusion proofs in {} entries, each from nothing", checkpoint.size), count, took);
}

fn python(size: u64) {
    let folder = folder("python");
    let mut log = open(&folder);
    log.integrate(0, &leaves(0, size)).unwrap();
    let vkey = log.key().vkey();
    drop(log);
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("verifier/varco_verify.py");
    let run =
        || Command::new("/usr/bin/python3").arg(program).arg(folder.join("log")).arg(vkey).output().unwrap();
    let (output, took) = timed(run);
    assert!(output.status.success());
    say(&format!("entries verified by the second verifier, of {size}"), size, took);
    std::fs::remove_dir_all(folder).unwrap();
}

fn main() {
    let size = std::env::var("VARCO_BENCH_ENTRIES").map_or(1_000_000, |entries| entries.parse().unwrap());
    integrations();
    shipping();
    delay();
    let folder = million(size);
    verification(&folder, size);
    std::fs::remove_dir_all(folder).unwrap();
    python(100_000);
}
