//! What the index costs and saves: `cargo bench -p varco-audit --bench index`. A log is made of a site with 2,000 sessions a day, as
//! long as its entries last; what is sealed is random octets of the right length, since nothing here opens it. The folder is made below
//! `CARGO_TARGET_TMPDIR`. `VARCO_BENCH_INDEX=1000000` says how many entries; 10^6 and 10^7 unless said. The last of all is a log of
//! 10^9 entries, of which all but the newest million have expired and were never made: of those it has the hashes that the
//! others need, and they are all of one entry.
//!
//! Beside the time on the wall it tells the processor's own (`/proc/thread-self/schedstat`), which says the same on a machine
//! that others use too.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads the clock, and fails as a test does"
)]

use jiff::{SignedDuration, Timestamp};
use signed_note::StandardSigner;
use std::{
    ops::Range,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use varco_audit::{
    Clock,
    case::Near,
    class::Class,
    index::{Span, Sqlite, fill},
    leaf::{Leaf, Mark},
    records::Records,
    tag::TagKey,
    tlog::{
        Checkpoint, Folder, Kind, Log, NoteKey, Place, Signed, Tiles, VerifierKey, leaf_hash, node_hash,
        tree_hash,
    },
    verify::{Asked, SILENCE, verify},
    week::{Length, Period},
};

const ORIGIN: &str = "hub.example.it/log/library";
/// Octets of what is sealed to two roles.
const BODY: usize = 152;
/// Leaves of a day: 2,000 sessions of four, and a heartbeat every five minutes.
const A_DAY: u64 = 8_288;
const SLOTS: u64 = 504;
/// Entries of a log of which most were never made, and how many of them were: a multiple of 256 is left.
const SIMULATED: u64 = 1_000_000_000;
const MADE: u64 = 1_000_192;
/// Questions asked.
const QUESTIONS: u64 = 300;

fn at(sequence: u64) -> Timestamp {
    let begin: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
    begin + SignedDuration::from_millis((u128::from(sequence) * 86_400_000 / u128::from(A_DAY)) as i64)
}

fn mixed(number: u64) -> u64 {
    let number = (number ^ number >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    number ^ number >> 29
}

fn slot(number: u64) -> (std::net::Ipv4Addr, u16) {
    let slot = mixed(number) % SLOTS;
    ([198, 18, 0, (slot / 126) as u8].into(), 1024 + 512 * (slot % 126) as u16)
}

/// What makes leaves, with the week's key of tags.
struct Site {
    week: Option<(Period, TagKey)>,
}

impl Site {
    fn key(period: Period) -> TagKey {
        TagKey::new(period.to_string().as_bytes())
    }

    fn leaf(&mut self, sequence: u64) -> Vec<u8> {
        let at = at(sequence);
        let period = Period::of(Length::Week, at);
        if self.week.as_ref().is_none_or(|(week, _)| *week != period) {
            self.week = Some((period, Self::key(period)));
            return sealed(sequence, &format!("R2b library {sequence} {at} {period} tagkey"), 4);
        }
        let tag = |session| {
            let (address, port) = slot(session);
            self.week.as_ref().unwrap().1.tag(address, port)
        };
        let session = sequence / 4;
        match sequence % 36 {
            35 => format!(
                "varco-leaf/1 R6 library {sequence} {at} - -\n{{\"body\":{{\"heartbeat\":{{\"open\":12}}}}}}"
            )
            .into(),
            _ => match sequence % 4 {
                0 => sealed(sequence, &format!("R2a library {sequence} {at} {period} -"), 5),
                1 => sealed(sequence, &format!("R2b library {sequence} {at} {period} {}", tag(session)), 5),
                2 => {
                    let day = Period::of(Length::Day, at);
                    sealed(sequence, &format!("R3 library {sequence} {at} {day} -"), 5)
                }
                _ => sealed(
                    sequence,
                    &format!("R2a library {sequence} {at} {period} {}", tag(session - session % 7)),
                    5,
                ),
            },
        }
    }
}

fn sealed(sequence: u64, header: &str, how: u8) -> Vec<u8> {
    let mut leaf = format!("varco-leaf/1 {header}\n").into_bytes();
    leaf.push(how);
    leaf.extend((0..BODY as u64 / 8).flat_map(|n| mixed(sequence << 8 | n).to_le_bytes()));
    leaf
}

/// How long something took.
#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    processor: Duration,
}

/// What this thread has had of a processor.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let (begin, before) = (Instant::now(), processor());
    let done = work();
    (done, Took { wall: begin.elapsed(), processor: processor().saturating_sub(before) })
}

fn rate(what: &str, count: u64, took: Took) {
    let rate = |time: Duration| u128::from(count) * 1_000_000_000 / time.as_nanos().max(1);
    println!("{what}: {}/s, {}/s of the processor's time", rate(took.wall), rate(took.processor));
}

fn spread(what: &str, times: &[Took]) {
    let say = |of: fn(&Took) -> Duration| {
        let mut times: Vec<_> = times.iter().map(of).collect();
        times.sort();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_micros();
        format!("median {} us, 99th percentile {} us", at(50), at(99))
    };
    println!("{what}: {}; of the processor's time {}", say(|took| took.wall), say(|took| took.processor));
}

/// A log of as many entries, of which those before the first were pruned: a multiple of 256.
fn make(folder: &Path, (first, size): (u64, u64)) -> VerifierKey {
    let key = NoteKey::load_or_make(&folder.join("log.key"), ORIGIN).unwrap();
    let vkey = key.verifier().clone();
    if first > 0 {
        simulate(&folder.join("log"), first, &folder.join("log.key"));
    }
    let mut log = Log::open(&folder.join("log"), ORIGIN, key).unwrap();
    let mut site = Site { week: None };
    let ((), took) = timed(|| {
        while log.size() < size {
            let first = log.size();
            let new: Vec<_> = (first..size.min(first + 20_000)).map(|n| site.leaf(n)).collect();
            log.integrate(first, &new).unwrap();
        }
    });
    rate(&format!("{} entries made and integrated", size - first), size - first, took);
    log.prune(first, at(size)).unwrap();
    vkey
}

/// What a log needs of entries before it goes on, which are all the same and gone: the right edge of its tree, its newest bundle,
/// and a checkpoint.
fn simulate(log: &Path, size: u64, key: &Path) {
    let write = |kind, index, width, octets: &[u8]| {
        let file = log.join(Place { kind, index, width }.path());
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, octets).unwrap();
    };
    let (mut hash, mut root) = (leaf_hash(b"entry"), None);
    write(Kind::Entries, size / 256 - 1, 256, &b"\0\x05entry".repeat(256));
    write(Kind::Level(0), size / 256 - 1, 256, &hash.0.repeat(256));
    for level in 0..8 {
        let count = size >> (8 * level);
        let width = (count % 256) as u16;
        if width > 0 {
            write(Kind::Level(level), count / 256, width, &hash.0.repeat(width.into()));
        }
        for bit in (0..8).filter(|bit| width >> bit & 1 == 1) {
            let block = tree_hash(&vec![hash; 1 << bit]);
            root = Some(root.map_or(block, |right| node_hash(&block, &right)));
        }
        hash = tree_hash(&[hash; 256]);
    }
    let checkpoint = Checkpoint { size, root: root.unwrap(), ..Checkpoint::empty(ORIGIN) };
    let secret = std::fs::read_to_string(key).unwrap();
    let mut note = signed_note::Note::new(checkpoint.text().as_bytes(), &[]).unwrap();
    note.add_sigs(&[&StandardSigner::new(secret.trim_end()).unwrap()]).unwrap();
    std::fs::write(log.join("checkpoint"), note.to_bytes()).unwrap();
}

fn open(folder: &Path, key: &VerifierKey) -> (Signed, Tiles<Folder>) {
    let log = folder.join("log");
    let signed = Signed::verify(&std::fs::read(log.join("checkpoint")).unwrap(), key).unwrap();
    let tiles = Tiles::open(Folder::new(&log), &signed).unwrap();
    (signed, tiles)
}

fn rebuild(folder: &Path, key: &VerifierKey, first: u64) -> PathBuf {
    let file = folder.join("index.db");
    let (signed, mut tiles) = open(folder, key);
    let ((), took) = timed(|| {
        let mut index = Sqlite::open(&file).unwrap();
        fill(&mut index, ORIGIN, &mut tiles, first).unwrap();
    });
    let count = signed.size - first;
    rate(&format!("entries verified and indexed, of {count}"), count, took);
    let octets = std::fs::metadata(&file).unwrap().len();
    println!("octets of index an entry, of {count}: {}.{}", octets / count, octets * 10 / count % 10);
    file
}

/// A question, from nothing to the leaves that may answer it, each compared with the root that the log signed. What the requester's key
/// does for each of them (one X25519) and the proofs for the approver are not in it.
fn ask(records: &mut Records, number: u64, sessions: &Range<u64>) -> usize {
    let session = sessions.start + mixed(number) % (sessions.end - sessions.start);
    let (address, port) = slot(session);
    let then = at(session * 4 + 1);
    // What heartbeats say of the clock.
    let around = SignedDuration::from_mins(11);
    let mut beat = None;
    for sequence in records.of_class(Class::R6, Span { first: then - around, last: then + around }).unwrap() {
        let octets = records.leaf(sequence).unwrap();
        let at = Leaf::read(&octets).unwrap().header.at;
        beat = beat.or((at > then + SignedDuration::from_millis(5)).then_some(sequence));
    }
    let mut near = Near::of((then, then), Clock::WithinMs(5), beat);
    let mut found = 0;
    for keyed in records.keyed(near.span).unwrap() {
        let octets = records.leaf(keyed.key).unwrap();
        let key = Leaf::read(&octets).unwrap().header;
        assert_eq!(key.mark, Mark::TagKey);
        // Opening it is one exchange of keys of the requester's, which is not measured here.
        let tags = Site::key(key.period.unwrap()).candidates(address, port + 7);
        for sequence in records.tagged(&keyed, &tags, near.span).unwrap() {
            let octets = records.leaf(sequence).unwrap();
            let header = Leaf::read(&octets).unwrap().header;
            if !near.takes(&header) {
                continue;
            }
            if header.class == Class::R2b {
                // The connection that the slot is lent to.
                records.leaf(sequence.saturating_sub(1)).unwrap();
            }
            found += 1;
        }
    }
    found
}

fn look_ups(folder: &Path, key: &VerifierKey, index: &Path, (first, size): (u64, u64)) {
    // Questions of the first days would ask for what was before the first entry that is there.
    let sessions = first / 4 + A_DAY..size / 4;
    let log = folder.join("log");
    let from_nothing =
        || Records::open(Some(&log), None).unwrap().signed_by(key).unwrap().indexed(index).unwrap();
    let (mut times, mut found) = (Vec::new(), 0);
    for number in 0..QUESTIONS {
        let (leaves, took) = timed(|| ask(&mut from_nothing(), number, &sessions));
        assert!(leaves > 0, "question {number} finds nothing");
        found += leaves;
        times.push(took);
    }
    println!("leaves that may answer a question: {} in the mean", found as u64 / QUESTIONS);
    spread(&format!("a look-up among {size}, from opening to verified leaves"), &times);
    let mut records = from_nothing();
    let mut once = |number| timed(|| ask(&mut records, number + 1000, &sessions)).1;
    let times: Vec<_> = (0..QUESTIONS).map(&mut once).collect();
    spread(&format!("a look-up among {size}, log and index open"), &times);
}

fn proofs(folder: &Path, key: &VerifierKey, (first, size): (u64, u64)) {
    let place = |number| first + mixed(number) % (size - first);
    let once = |number: u64| timed(|| open(folder, key).1.inclusion(place(number)).unwrap()).1;
    spread(
        &format!("an inclusion proof in {size}, from nothing"),
        &(0..QUESTIONS).map(once).collect::<Vec<_>>(),
    );
}

fn verification(folder: &Path, key: &VerifierKey, size: u64) {
    let asked = Asked {
        key: key.clone(),
        seen: Vec::new(),
        witnesses: Vec::new(),
        site: Some("library".into()),
        expired: 0,
        keepers: Vec::new(),
        silence: SILENCE,
    };
    let files = Folder::new(&folder.join("log"));
    let paths = files.paths().unwrap();
    let (whole, took) = timed(|| verify(&files, &paths, &asked).unwrap());
    assert_eq!(whole.checkpoint.size, size);
    rate(&format!("entries verified in full, of {size}"), size, took);
}

fn measure(first: u64, size: u64) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("index-{size}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let entries = (first, size);
    let key = make(&folder, entries);
    let index = rebuild(&folder, &key, first);
    look_ups(&folder, &key, &index, entries);
    proofs(&folder, &key, entries);
    if first == 0 {
        // Those that were never made have no hashes to verify.
        verification(&folder, &key, size);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

fn main() {
    let sizes = std::env::var("VARCO_BENCH_INDEX").unwrap_or_else(|_| "1000000,10000000".into());
    sizes.split(',').for_each(|size| measure(0, size.parse().unwrap()));
    measure(SIMULATED - MADE, SIMULATED);
}
