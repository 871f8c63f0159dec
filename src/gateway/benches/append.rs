//! What a gateway puts on record durably: `cargo bench -p varco-gateway --bench append`. The store and the log's thread are those of the
//! program, on the disk on which the target folder is. An *entry* is the begin or the end of a pass: three leaves, or one.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads the clock, and fails as a test does"
)]

use jiff::{SignedDuration, Timestamp};
use std::{
    net::UdpSocket,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use uuid::Uuid;
use varco_audit::{
    Clock, ceremony,
    class::Class,
    expiry::Kept,
    holder::{Holder, HolderKey},
    index::{Sqlite, fill},
    keeper::{Folder, Integrator, Progress, Running, clock::ClockWatch},
    keys::KeyFolder,
    recorder::Recorder,
    seal::Role,
    tlog::{self, Signed, Tiles},
    week::Period,
};
use varco_gateway::{site::Change, store::Store};
use varco_policy::{Device, Mac, Pass, PassId, Slot, Subject, pass::EndCause};

/// Entries that the event loop records together at most.
const ROUND: usize = 512;
/// Entries a second, when they come steadily.
const STEADY: u64 = 500;

struct Site {
    folder: PathBuf,
    store: Store,
    log: Running,
    progress: Arc<Progress>,
    open: Vec<Pass>,
    made: u64,
}

impl Site {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        keys(&folder.join("keys"));
        let recorder =
            Recorder::open(&folder.join("keys"), "library", Kept::default(), Timestamp::now()).unwrap();
        let progress = Arc::<Progress>::default();
        let store = Store::open(&folder, recorder, SignedDuration::from_mins(10)).unwrap();
        let mut store = store.with(clock(), Arc::clone(&progress));
        let at = at(&folder);
        let log = at.open().unwrap();
        store.continue_after(log.size()).unwrap();
        store.resume(Timestamp::now()).unwrap();
        let log = Integrator::new(at, &folder.join("site.db"), Some(log), Arc::clone(&progress));
        let log = log.start().unwrap();
        Self { folder, store, log, progress, open: Vec::new(), made: 0 }
    }

    /// Passes begin, and as many that were open end.
    fn changes(&mut self, count: usize) -> Vec<Change> {
        let now = Timestamp::now();
        let change = |site: &mut Self| {
            if site.made % 2 == 1 || site.open.len() > 4 * ROUND {
                let Pass { id: pass, slot, .. } = site.open.remove(0);
                return Change::Ended { pass, slot, at: now, freed: now, cause: EndCause::LoggedOut };
            }
            let pass = pass(site.made, now);
            site.open.push(pass.clone());
            Change::Started(pass)
        };
        (0..count)
            .map(|_| {
                let change = change(self);
                self.made += 1;
                change
            })
            .collect()
    }

    fn end(self) -> PathBuf {
        self.log.stop();
        self.folder
    }
}

/// A clock that a time server was asked about, as a site's is: a record is not marked for it.
fn clock() -> Arc<ClockWatch> {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let watch = ClockWatch::start(&[server.local_addr().unwrap().to_string()]).unwrap();
    let mut packet = [0; 48];
    let (_, from) = server.recv_from(&mut packet).unwrap();
    // RFC 5905: a server of the first stratum, which says back what it was asked with, and now.
    packet.copy_within(40..48, 24);
    (packet[0], packet[1]) = (0x24, 1);
    let now = Timestamp::now().as_nanosecond() as u128 + 2_208_988_800_000_000_000;
    let (seconds, parts) = (now / 1_000_000_000, ((now % 1_000_000_000) << 32) / 1_000_000_000);
    packet[32..40].copy_from_slice(&(((seconds << 32) | parts) as u64).to_be_bytes());
    packet.copy_within(32..40, 40);
    server.send_to(&packet, from).unwrap();
    while watch.error(Timestamp::now()) == Clock::Unknown {
        std::thread::sleep(Duration::from_millis(1));
    }
    watch
}

fn at(folder: &Path) -> Folder {
    let origin = "accesso.example.it/log/library".into();
    Folder { folder: folder.join("log"), origin, key: folder.join("log.key") }
}

fn keys(folder: &Path) {
    let holders = Role::ALL.map(|role| {
        let (_, given) = HolderKey::make(role.as_str(), role, folder).unwrap();
        Holder::read(&given).unwrap()
    });
    let week = Period::of(Class::R2a.length(), Timestamp::now());
    ceremony::week(&KeyFolder::at(folder), week, &holders).unwrap();
}

fn pass(n: u64, now: Timestamp) -> Pass {
    let first_port = 1024 + 512 * (n % 126) as u16;
    Pass {
        id: PassId(Uuid::new_v4()),
        subject: Subject::try_from("AzYx_7fSkq0ZJpXW1h2m5vB9nD4cE8gTrLuQoKwHiVs".to_owned()).unwrap(),
        device: Device { address: [10, 64, 0, 7].into(), mac: Mac::new([2, 0, 0, 0, 0, 7]) },
        slot: Slot { address: [198, 18, 0, 3].into(), first_port, last_port: first_port + 511 },
        since: now,
        until: now + SignedDuration::from_hours(3),
        session: None,
    }
}

/// As many entries as possible, in rounds of a size.
fn batched(round: usize, rounds: usize) {
    let mut site = Site::new("append");
    let (before, mut slowest, mut took) = (site.store.next(), Duration::ZERO, Duration::ZERO);
    for _ in 0..rounds {
        let changes = site.changes(round);
        let begin = Instant::now();
        site.store.commit(&changes, Timestamp::now()).unwrap();
        slowest = slowest.max(begin.elapsed());
        took += begin.elapsed();
    }
    let (entries, leaves) = ((round * rounds) as u64, site.store.next() - before);
    let rate = |count: u64| u128::from(count) * 1_000_000_000 / took.as_nanos().max(1);
    let each = took.as_micros() / rounds as u128;
    println!(
        "{round} at a time: {} entries/s, {} leaves/s, a commit {each} us, the slowest {} us",
        rate(entries),
        rate(leaves),
        slowest.as_micros()
    );
    std::fs::remove_dir_all(site.end()).unwrap();
}

/// Entries that come one by one at a steady pace; what has come while the last commit ran is committed together, as the
/// event loop does.
fn steady(time: Duration) {
    let mut site = Site::new("steady");
    let (pace, count) = (Duration::from_secs(1) / STEADY as u32, time.as_secs() * STEADY);
    let (mut latencies, mut marks) = (Vec::new(), Vec::new());
    let done = Arc::new(AtomicBool::new(false));
    let watcher = watch(&site.progress, &done);
    let begin = Instant::now();
    while (latencies.len() as u64) < count {
        let due = |n: usize| begin + pace * n as u32;
        let next = due(latencies.len());
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        let come = Instant::now().duration_since(begin).as_nanos() / pace.as_nanos() + 1;
        let come = (come as usize).min(count as usize) - latencies.len();
        let changes = site.changes(come.clamp(1, ROUND));
        site.store.commit(&changes, Timestamp::now()).unwrap();
        let now = Instant::now();
        let first = latencies.len();
        latencies.extend((first..first + changes.len()).map(|n| now.duration_since(due(n))));
        marks.push((site.store.next(), now));
    }
    let wanted = site.store.next();
    assert!(site.progress.wait_for(wanted, Duration::from_secs(30)), "the log follows");
    done.store(true, Relaxed);
    let seen = watcher.join().unwrap();
    tell(&format!("{STEADY} entries/s, each from its time until it is durable"), &mut latencies);
    let integrated = |(next, at): &(u64, Instant)| {
        seen.iter().find(|(size, _)| size >= next).map(|(_, when)| when.saturating_duration_since(*at))
    };
    tell(
        "and from there until it is in a signed checkpoint",
        &mut marks.iter().filter_map(integrated).collect::<Vec<_>>(),
    );
    let (sessions, folder) = (site.made / 2, site.end());
    storage(&folder, sessions);
    std::fs::remove_dir_all(folder).unwrap();
}

/// When the log had how many entries.
fn watch(progress: &Arc<Progress>, done: &Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<(u64, Instant)>> {
    let (progress, done) = (Arc::clone(progress), Arc::clone(done));
    std::thread::spawn(move || {
        let mut seen = vec![(0, Instant::now())];
        while !done.load(Relaxed) {
            let size = progress.integrated();
            if seen.last().is_none_or(|(last, _)| *last < size) {
                seen.push((size, Instant::now()));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        seen
    })
}

fn tell(what: &str, all: &mut [Duration]) {
    all.sort_unstable();
    let at = |part: usize| all[(all.len() * part / 1000).min(all.len() - 1)].as_micros();
    println!("{what}: p50 {} us, p99 {} us, p999 {} us, max {} us", at(500), at(990), at(999), at(1000));
}

/// What a session leaves on the disk: entries, hashes, and the index that is made of them.
fn storage(folder: &Path, sessions: u64) {
    let octets = |below: &str| -> u64 {
        let files = tlog::Folder::new(&folder.join("log")).paths().unwrap();
        let of = files.iter().filter(|path| path.starts_with(below));
        of.map(|path| std::fs::metadata(folder.join("log").join(path)).unwrap().len()).sum()
    };
    let at = at(folder);
    let note = std::fs::read(folder.join("log/checkpoint")).unwrap();
    let checkpoint = Signed::verify(&note, at.key().unwrap().verifier()).unwrap();
    let mut tiles = Tiles::open(tlog::Folder::new(&at.folder), &checkpoint).unwrap();
    let file = folder.join("index.db");
    let mut index = Sqlite::open(&file).unwrap();
    fill(&mut index, &at.origin, &mut tiles, 0).unwrap();
    drop(index);
    let (entries, all) = (octets("tile/entries/"), octets("tile/"));
    let index = std::fs::metadata(file).unwrap().len();
    println!(
        "a session leaves {} octets of entries, {} of hashes, {} of the index: {}",
        entries / sessions,
        (all - entries) / sessions,
        index / sessions,
        (all + index) / sessions
    );
}

fn main() {
    for (round, rounds) in [(1, 1000), (8, 300), (64, 100), (ROUND, 40)] {
        batched(round, rounds);
    }
    let seconds = std::env::var("VARCO_BENCH_SECONDS").map_or(20, |seconds| seconds.parse().unwrap());
    steady(Duration::from_secs(seconds));
}
