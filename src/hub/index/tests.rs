//! One set of rules, run on both stores; and what is the server's own.

pub(crate) mod server;

use super::{follow::bring, *};
use jiff::{SignedDuration, Timestamp};
use server::Cluster;
use std::{fmt::Debug, fs, path::PathBuf, sync::Arc, time::Duration};
use varco_audit::{
    class::Class,
    index::{Gone, IndexError, Marked, Portion, Span},
    tag::{Tag, TagKey},
    tlog::{Hash, Log, NoteKey},
};

const ORIGIN: &str = "hub.example.it/log/library";

fn at(minute: u64) -> Timestamp {
    let begin: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    begin + SignedDuration::from_mins(minute.try_into().unwrap())
}

fn tag(number: u64) -> Tag {
    TagKey::new(&[7]).tag([198, 18, 0, 3].into(), 1024 + 512 * number as u16)
}

/// A leaf a minute: tags, a key of tags now and then, heartbeats, marks of cases.
fn leaf(sequence: u64) -> Vec<u8> {
    let (class, period, mark, body) = match sequence % 4 {
        0 if sequence.is_multiple_of(1000) => ("R2b", "2026-W47", "tagkey".to_owned(), &b"\x04"[..]),
        1 => ("R2b", "2026-W47", tag(sequence % 5).to_string(), &b"\x05"[..]),
        2 => ("R2a", "2026-W47", "-".to_owned(), &b"\x05"[..]),
        _ => ("R6", "-", "-".to_owned(), &b"{}"[..]),
    };
    let header = format!("varco-leaf/1 {class} library {sequence} {} {period} {mark}\n", at(sequence));
    [header.as_bytes(), body, &sequence.to_be_bytes()].concat()
}

/// A log in a folder that goes with the value.
struct Kept {
    folder: PathBuf,
}

impl Kept {
    fn new(size: u64) -> Self {
        let this = Self { folder: crate::testing::folder("indexed") };
        this.grow(size);
        this
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn open(&self) -> Log {
        let key = NoteKey::load_or_make(&self.folder.join("log.key"), ORIGIN).unwrap();
        Log::open(&self.log(), ORIGIN, key).unwrap()
    }

    fn grow(&self, size: u64) {
        let mut log = self.open();
        let first = log.size();
        log.integrate(first, &(first..size).map(leaf).collect::<Vec<_>>()).unwrap();
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// All that an index answers.
fn all(index: &Index) -> Vec<String> {
    let (span, mut said) = (Span::ALL, Vec::new());
    let mut say = |answer: &dyn Debug| said.push(format!("{answer:?}"));
    let classes = [Class::R2a, Class::R2b, Class::R3, Class::R4, Class::R5, Class::R6];
    index.with(|rows| {
        say(&rows.places());
        classes.iter().for_each(|class| say(&rows.of_class(ORIGIN, *class, span)));
        (0..6).for_each(|number| say(&rows.tagged(ORIGIN, &[tag(number)], span, 0..u64::MAX)));
        say(&rows.marked(ORIGIN, ""));
        say(&rows.counts(ORIGIN, span));
        say(&rows.newest(ORIGIN));
        say(&rows.gone(ORIGIN));
    });
    assert!(!said.iter().any(|answer| answer.starts_with("Err")), "{said:?}");
    said
}

fn what_came_in_portions_is_what_a_new_one_is(index: &Index) {
    let kept = Kept::new(300);
    for size in [300, 301, 512, 1100, 9000] {
        kept.grow(size);
        assert_eq!(bring(index, &kept.log(), None).unwrap(), (ORIGIN.to_owned(), size));
    }
    let grown = all(index);
    index.with(|rows| rows.clear(ORIGIN)).unwrap();
    assert_eq!(index.with(|rows| rows.place(ORIGIN)).unwrap(), None);
    bring(index, &kept.log(), None).unwrap();
    assert_eq!(all(index), grown);
    kept.open().prune(1024, at(0)).unwrap();
    bring(index, &kept.log(), None).unwrap();
    let pruned = all(index);
    assert_ne!(pruned, grown);
    let gone = index.with(|rows| rows.gone(ORIGIN)).unwrap();
    assert_eq!(gone, Some(Gone { below: 1024, before: Some(at(1024)) }));
    index.with(|rows| rows.clear(ORIGIN)).unwrap();
    bring(index, &kept.log(), None).unwrap();
    assert_eq!(all(index), pruned);
}

/// After the above: 9,000 leaves, those below 1,024 gone.
fn it_answers(index: &Index) {
    let span = Span { first: at(2000), last: at(3000) };
    let wanted: Vec<_> = (2000..=3000).filter(|n| n % 4 == 1 && [1, 3].contains(&(n % 5))).collect();
    index.with(|rows| {
        let all = 0..u64::MAX;
        assert_eq!(rows.tagged(ORIGIN, &[tag(1), tag(3)], span, all.clone()).unwrap(), wanted);
        let some: Vec<_> = wanted.iter().copied().filter(|n| (2500..2600).contains(n)).collect();
        assert_eq!(rows.tagged(ORIGIN, &[tag(1), tag(3)], span, 2500..2600).unwrap(), some);
        assert!(rows.tagged(ORIGIN, &[tag(77)], span, all.clone()).unwrap().is_empty());
        assert!(rows.has_tags(ORIGIN, span, all.clone()).unwrap());
        assert!(!rows.has_tags(ORIGIN, span, 2002..2005).unwrap());
        assert!(!rows.has_tags(ORIGIN, Span { first: at(0), last: at(1023) }, all).unwrap(), "they are gone");
        let keys = rows.marked(ORIGIN, "tagkey").unwrap();
        let key = |sequence| Marked { text: "tagkey".into(), sequence, at: at(sequence) };
        assert_eq!(keys, [2000, 3000, 4000, 5000, 6000, 7000, 8000].map(key));
        assert!(rows.marked(ORIGIN, "asked:").unwrap().is_empty());
        let beats = rows.of_class(ORIGIN, Class::R6, Span { first: at(2003), last: at(2007) }).unwrap();
        assert_eq!(beats, [2003, 2004, 2007].map(|n| (n, at(n))));
        let counted: u64 = rows.counts(ORIGIN, Span::ALL).unwrap().iter().map(|count| count.leaves).sum();
        assert_eq!(counted, 9000 - 1024);
        assert_eq!(rows.newest(ORIGIN).unwrap(), Some(at(8999)));
        assert_eq!(rows.newest("of nobody").unwrap(), None);
    });
}

fn a_gap_and_another_history_are_refused(index: &Index) {
    let portion = Portion { entries: 9001..9002, minimum: 0, rows: Vec::new(), root: Hash([0; 32]) };
    let told = index.with(|rows| rows.put(ORIGIN, &portion));
    assert!(matches!(told, Err(IndexError::Gap { size: 9000, first: 9001 })), "{told:?}");
    let other = Kept { folder: crate::testing::folder("indexed-other") };
    other.open().integrate(0, &(0..9100).map(|n| leaf(n + 9100)).collect::<Vec<_>>()).unwrap();
    let told = bring(index, &other.log(), None).unwrap_err();
    assert!(told.to_string().contains("another history of hub.example.it/log/library"), "{told}");
}

fn writers_at_once_put_each_row_once(index: impl Fn() -> Index) {
    let kept = Kept::new(9_500);
    index().with(|rows| rows.clear(ORIGIN)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let index = index();
            let log = kept.log();
            scope.spawn(move || bring(&index, &log, None).unwrap());
        }
    });
    let index = index();
    let together = all(&index);
    index.with(|rows| rows.clear(ORIGIN)).unwrap();
    bring(&index, &kept.log(), None).unwrap();
    assert_eq!(all(&index), together);
}

/// After the above: rows go when the bundles do, before anybody fills the index, and what it is then is what is made anew.
fn what_is_pruned_goes_at_once(index: &Index) {
    let kept = Kept::new(9_500);
    bring(index, &kept.log(), None).unwrap();
    for below in [2048, 2048, 4096] {
        kept.open().prune(below, at(0)).unwrap();
        crate::expiry::forget(index, ORIGIN, below).unwrap();
    }
    crate::expiry::forget(index, ORIGIN, 1024).unwrap();
    crate::expiry::forget(index, "of nobody", 1024).unwrap();
    let pruned = all(index);
    let gone = index.with(|rows| rows.gone(ORIGIN)).unwrap();
    assert_eq!(gone, Some(Gone { below: 4096, before: Some(at(4096)) }));
    let tags: Vec<_> = (0..6).map(tag).collect();
    let first = index.with(|rows| rows.tagged(ORIGIN, &tags, Span::ALL, 0..4096)).unwrap();
    assert!(first.is_empty(), "{first:?}");
    bring(index, &kept.log(), None).unwrap();
    assert_eq!(all(index), pruned, "who fills it has nothing to do");
    index.with(|rows| rows.clear(ORIGIN)).unwrap();
    bring(index, &kept.log(), None).unwrap();
    assert_eq!(all(index), pruned);
}

fn conforms(index: impl Fn() -> Index) {
    what_came_in_portions_is_what_a_new_one_is(&index());
    it_answers(&index());
    a_gap_and_another_history_are_refused(&index());
    writers_at_once_put_each_row_once(&index);
    what_is_pruned_goes_at_once(&index());
}

#[test]
fn sqlite_conforms() {
    let folder = crate::testing::folder("index-sqlite");
    let file = folder.join("hub.toml");
    conforms(|| Index::open(&file, &IndexSettings::default(), &folder).unwrap());
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(folder.join("index.db")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    fs::write(folder.join("index.db"), "no database, but longer than nothing at all").unwrap();
    let told = Index::open(&file, &IndexSettings::default(), &folder).unwrap_err();
    assert!(format!("{told:?}").contains("remove it and start"), "{told:?}");
    fs::remove_dir_all(folder).unwrap();
}

fn by_url(url: &str, ca: Option<PathBuf>) -> Index {
    let settings = IndexSettings::Postgres { url: url.into(), ca };
    Index::open(std::path::Path::new("hub.toml"), &settings, std::path::Path::new("/nonexistent")).unwrap()
}

#[test]
fn postgres_conforms_and_its_end_is_an_error_not_a_hang() {
    let mut cluster = Cluster::make();
    cluster.start();
    conforms(|| by_url(&cluster.socket_url(), None));
    let index = by_url(&cluster.socket_url(), None);
    let said = all(&index);
    cluster.restart();
    assert_eq!(all(&index), said, "the connection that ended is made anew");
    cluster.pause();
    assert!(index.with(|rows| rows.places()).is_err(), "a silent server");
    cluster.resume();
    assert_eq!(all(&index), said);
    // From the network: by TLS, with a password, and a certificate that is looked at.
    let (url, ca) = cluster.network();
    assert_eq!(all(&by_url(&url, Some(ca.clone()))), said);
    let other = cluster.stranger();
    assert!(by_url(&url, Some(other)).with(|rows| rows.places()).is_err());
    let wrong = url.replace(server::PASSWORD, "wrong");
    let told = by_url(&wrong, Some(ca)).with(|rows| rows.places()).unwrap_err();
    assert!(!format!("{told} {told:?}").contains("wrong"), "no password in what is told: {told}");
    cluster.version(3);
    assert!(matches!(
        by_url(&cluster.socket_url(), None).with(|rows| rows.places()),
        Err(IndexError::Version(3))
    ));
    cluster.stop();
    assert!(index.with(|rows| rows.places()).is_err());
}

#[test]
fn a_server_of_the_network_is_spoken_to_by_tls_only() {
    let refused = |url: &str, ca: Option<&str>| {
        let settings = IndexSettings::Postgres { url: url.into(), ca: ca.map(PathBuf::from) };
        settings.server(std::path::Path::new("hub.toml")).unwrap_err().to_string()
    };
    for (url, ca, said) in [
        ("postgresql://varco:pass@db.example.it/varco", None, "index.ca: is missing"),
        ("postgresql://varco:pass@127.0.0.1/varco", None, "index.ca: is missing"),
        ("postgresql:///varco?host=/run/postgresql&host=db.example.it", None, "index.ca: is missing"),
        (
            "postgresql:///varco?host=/run/postgresql",
            Some("/ca.pem"),
            "index.url: is a socket of this machine",
        ),
        ("postgresql:///varco", None, "index.url: names no host"),
        ("redis://127.0.0.1", None, "index.url: "),
        ("postgresql://db.example.it/varco", Some("/nonexistent.pem"), "index.ca: /nonexistent.pem: "),
    ] {
        let told = refused(url, ca);
        assert!(told.contains("hub.toml: ") && told.contains(said), "{told}");
        assert!(!told.contains("pass@"), "{told}");
    }
    let settings = IndexSettings::Postgres { url: "postgresql://u:secret@h/d".into(), ca: None };
    assert!(!format!("{settings:?}").contains("secret"));
}

#[test]
fn what_comes_into_a_folder_is_followed() {
    let (kept, state) = (Kept::new(300), crate::testing::folder("index-follow"));
    let index = Arc::new(Index::open(&state.join("hub.toml"), &IndexSettings::default(), &state).unwrap());
    let copies = state.join("sites");
    fs::create_dir_all(&copies).unwrap();
    std::os::unix::fs::symlink(kept.log(), copies.join("library")).unwrap();
    let places = follow::Places { own: state.join("log"), copies };
    let follow = follow::Follow::start(Arc::clone(&index), places).unwrap();
    let size = |wanted| {
        let there =
            || index.with(|rows| rows.place(ORIGIN)).unwrap().is_some_and(|place| place.size == wanted);
        (0..600).any(|_| {
            there() || {
                std::thread::sleep(Duration::from_millis(20));
                false
            }
        })
    };
    assert!(size(300), "at the start");
    kept.grow(700);
    follow.copied(ORIGIN, &(300..700));
    assert!(size(700), "when it is said");
    // It is said once more while it reads what came before.
    kept.grow(800);
    index.with(|_| {
        follow.copied(ORIGIN, &(700..800));
        std::thread::sleep(follow::GATHER * 2);
        kept.grow(900);
        follow.copied(ORIGIN, &(800..900));
    });
    assert!(size(900), "what is said while it works is not forgotten");
    drop(follow);
    fs::remove_dir_all(state).unwrap();
}

#[actix_web::test]
async fn the_command_makes_it_anew_and_takes_no_log_of_a_stranger() {
    let site = crate::testing::Site::make("index-rebuild");
    let hub = site.hub();
    hub.log.stop();
    let checkpoint = hub.log.checkpoint().unwrap();
    assert!(checkpoint.size > 0, "the hub has recorded its start");
    let place = || hub.index.with(|rows| rows.place(&checkpoint.origin)).unwrap();
    rebuild::rebuild(&site.file).unwrap();
    assert_eq!(place().map(|place| (place.size, place.root)), Some((checkpoint.size, checkpoint.root)));
    let stranger = Kept::new(300);
    let copies = site.folder.join("state/sites");
    fs::create_dir_all(&copies).unwrap();
    std::os::unix::fs::symlink(stranger.log(), copies.join("stranger")).unwrap();
    let told = format!("{:?}", rebuild::rebuild(&site.file).unwrap_err());
    assert!(told.contains(&format!("{ORIGIN}: no gateway of the settings has this log")), "{told}");
    assert!(place().is_some(), "what is ours is indexed all the same");
}
