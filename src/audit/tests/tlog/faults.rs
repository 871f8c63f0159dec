//! Each step of an integration fails, or is the last before the power goes; then the log is opened again.

use crate::kept::{Memory, ORIGIN, Place, asked, check, check_folder, key, leaves};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    io,
};
use varco_audit::{
    tlog::{Disk, Files, Folder, Log},
    verify::{Asked, verify},
};

/// How far the failing step comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Nothing,
    Half,
    All,
}

/// What is with the disk after the step that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It works again: the same program goes on.
    GoesOn,
    /// It works again: the program is started anew.
    Restarts,
    /// The program was killed.
    Killed,
    /// The power went: what was not synced is lost.
    PowerLost,
    /// The power went: of what was not synced some is lost and some is not.
    PowerLostHere(u64),
}

/// A disk, one step of which fails.
pub struct Faulty<D> {
    pub disk: D,
    pub step: Cell<usize>,
    pub fails: usize,
    pub reach: Reach,
    pub dies: bool,
    pub error: io::ErrorKind,
}

impl<D> Faulty<D> {
    pub fn whole(disk: D) -> Self {
        Self {
            disk,
            step: Cell::new(0),
            fails: usize::MAX,
            reach: Reach::All,
            dies: false,
            error: io::ErrorKind::Other,
        }
    }

    /// Does a step, or not: `half` is what a step leaves that breaks off.
    fn step(
        &self,
        whole: impl FnOnce(&D) -> io::Result<()>,
        half: impl FnOnce(&D) -> io::Result<()>,
    ) -> io::Result<()> {
        let step = self.step.replace(self.step.get() + 1);
        if step < self.fails {
            return whole(&self.disk);
        }
        if step > self.fails {
            return if self.dies { Err(self.error.into()) } else { whole(&self.disk) };
        }
        match self.reach {
            Reach::Nothing => Ok(()),
            Reach::Half => half(&self.disk),
            Reach::All => whole(&self.disk),
        }?;
        Err(self.error.into())
    }
}

impl<D: Disk> Files for Faulty<D> {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.disk.read(path)
    }
}

impl<D: Disk> Disk for Faulty<D> {
    fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        self.step(|disk| disk.write(path, content), |disk| disk.write(path, &content[..content.len() / 2]))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step(|disk| disk.rename(from, to), |_| Ok(()))
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        self.step(|disk| disk.sync_folder(path), |_| Ok(()))
    }

    fn make_folder(&self, path: &str) -> io::Result<()> {
        self.step(|disk| disk.make_folder(path), |_| Ok(()))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.step(|disk| disk.remove(path), |_| Ok(()))
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        self.step(|disk| disk.remove_folder(path), |_| Ok(()))
    }

    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        self.disk.names(path)
    }
}

/// Memory that forgets what was not synced: names count once their folder is synced, and so do folders.
#[derive(Debug, Default, Clone)]
pub struct Volatile {
    pub now: Memory,
    kept: RefCell<BTreeMap<String, Vec<u8>>>,
    folders: RefCell<BTreeSet<String>>,
    folders_kept: RefCell<BTreeSet<String>>,
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(parent(path)), |path| (!path.is_empty()).then(|| parent(path)))
}

impl Volatile {
    /// What is there afterwards.
    pub fn left(self, after: After) -> Memory {
        match after {
            After::PowerLost => self.after_power_loss(|_| false),
            After::PowerLostHere(seed) => self.after_power_loss(|path| {
                let hash = path
                    .bytes()
                    .fold(seed, |hash, octet| (hash ^ u64::from(octet)).wrapping_mul(0x100_0000_01b3));
                hash >> 40 & 1 == 1
            }),
            _ => self.now,
        }
    }

    /// What is there when the power is back.
    pub fn after_power_loss(&self, keeps: impl Fn(&str) -> bool) -> Memory {
        let (now, kept) = (self.now.0.borrow(), self.kept.borrow());
        let there =
            |folder: &str| folder.is_empty() || self.folders_kept.borrow().contains(folder) || keeps(folder);
        let paths: BTreeSet<_> = now.keys().chain(kept.keys()).collect();
        let files = paths.into_iter().filter(|path| above(path).all(there)).filter_map(|path| {
            let content = if keeps(path) { now.get(path) } else { kept.get(path) };
            Some((path.clone(), content?.clone()))
        });
        Memory(RefCell::new(files.collect()))
    }
}

impl Files for Volatile {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.now.read(path)
    }
}

impl Disk for Volatile {
    fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        assert!(
            self.folders.borrow().contains(parent(path)) || parent(path).is_empty(),
            "{path} has no folder"
        );
        self.now.write(path, content)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        assert!(self.folders.borrow().contains(parent(to)) || parent(to).is_empty(), "{to} has no folder");
        self.now.rename(from, to)
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        let inside = |path: &String| parent(path) == folder;
        let mut kept = self.kept.borrow_mut();
        kept.retain(|path, _| !inside(path));
        let now = self.now.0.borrow();
        kept.extend(
            now.iter()
                .filter(|(path, _)| inside(path))
                .map(|(path, content)| (path.clone(), content.clone())),
        );
        let folders = self.folders.borrow();
        self.folders_kept.borrow_mut().extend(folders.iter().filter(|path| inside(path)).cloned());
        Ok(())
    }

    fn make_folder(&self, path: &str) -> io::Result<()> {
        let mut folders = self.folders.borrow_mut();
        folders.insert(path.to_owned());
        folders.extend(above(path).map(str::to_owned));
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.now.remove(path)
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        let below = format!("{path}/");
        self.folders.borrow_mut().retain(|folder| folder != path && !folder.starts_with(&below));
        self.now.remove_folder(path)
    }

    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        self.now.names(path)
    }
}

/// What the log has acknowledged before, and the newest checkpoint that was seen.
struct Before {
    disk: Volatile,
    size: u64,
    seen: Vec<u8>,
}

fn before(steps: &[u64]) -> Before {
    let mut log = Log::on(Volatile::default(), ORIGIN, key()).unwrap();
    for size in steps {
        log.integrate(log.size(), &leaves(log.size()..*size)).unwrap();
    }
    let (size, seen) = (log.size(), log.checkpoint().note().into());
    Before { disk: log.into_disk(), size, seen }
}

/// Opens what is left, gives the leaves again as the gateway does, and verifies all.
fn all_are_there(left: Memory, before: &Before, acknowledged: u64, end: u64, what: &str) {
    let mut log = Log::on(left, ORIGIN, key()).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(log.size() >= acknowledged, "{what}: {} of {acknowledged}", log.size());
    log.integrate(0, &leaves(0..end)).unwrap_or_else(|error| panic!("{what}: {error}"));
    let files = log.into_disk();
    let asked = Asked { seen: vec![before.seen.clone()], ..asked() };
    let whole = verify(&files, &files.paths(), &asked).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(whole.checkpoint.size, end, "{what}");
}

/// One case; says whether the step was reached.
fn fails_at(before: &Before, end: u64, step: usize, reach: Reach, after: After) -> bool {
    let what = format!("step {step}, {reach:?}, {after:?}");
    let dies = !matches!(after, After::GoesOn | After::Restarts);
    let error = if step.is_multiple_of(2) { io::ErrorKind::StorageFull } else { io::ErrorKind::Other };
    let faulty = Faulty { fails: step, reach, dies, error, ..Faulty::whole(before.disk.clone()) };
    let new = leaves(before.size..end);
    let mut acknowledged = before.size;
    let opened = Log::on(&faulty, ORIGIN, key());
    if let Ok(mut log) = opened {
        for _ in 0..if after == After::GoesOn { 3 } else { 1 } {
            if log.integrate(before.size, &new).is_ok() {
                acknowledged = end;
            }
        }
        assert!(after != After::GoesOn || acknowledged == end, "{what}: it does not go on");
    }
    let reached = faulty.step.get() > step;
    let left = faulty.disk.left(after);
    all_are_there(left, before, acknowledged, end, &what);
    reached
}

/// Every step, whatever it leaves and whatever comes after it.
fn fails_everywhere(steps: &[u64], end: u64) -> usize {
    let before = before(steps);
    steps_until_none_is_reached(|step, reach, after| fails_at(&before, end, step, reach, after))
}

/// Tries each step with each outcome; how many steps there were.
pub fn steps_until_none_is_reached(fails_at: impl Fn(usize, Reach, After) -> bool) -> usize {
    let afters = [After::GoesOn, After::Restarts, After::Killed, After::PowerLost];
    let afters = afters.into_iter().chain((0..4).map(|seed| After::PowerLostHere(seed * 7919)));
    let mut step = 0;
    loop {
        let mut reached = false;
        for after in afters.clone() {
            for reach in [Reach::Nothing, Reach::Half, Reach::All] {
                reached |= fails_at(step, reach, after);
            }
        }
        if !reached {
            return step;
        }
        step += 1;
    }
}

#[test]
fn an_entry_that_was_acknowledged_is_there_whatever_fails() {
    assert!(fails_everywhere(&[100], 101) > 10);
}

#[test]
fn so_it_is_where_a_tile_becomes_full_and_the_partial_ones_go() {
    assert!(fails_everywhere(&[100, 250], 270) > 20);
}

#[test]
fn so_it_is_in_a_log_that_is_new() {
    assert!(fails_everywhere(&[], 3) > 10);
}

#[test]
fn so_it_is_with_several_tiles_at_once() {
    assert!(fails_everywhere(&[255], 513) > 20);
}

/// The same on a real folder: the same program goes on after each failure, and another opens what it leaves.
#[test]
fn so_it_is_on_a_real_folder() {
    for step in 0..60 {
        for reach in [Reach::Nothing, Reach::Half, Reach::All] {
            let place = Place::new("faults");
            let mut log = Log::open(&place.log(), ORIGIN, key()).unwrap();
            log.integrate(0, &leaves(0..250)).unwrap();
            drop(log);
            let disk = Folder::alone(&place.log()).unwrap();
            let faulty =
                Faulty { fails: step, reach, error: io::ErrorKind::StorageFull, ..Faulty::whole(disk) };
            let acknowledged = Log::on(faulty, ORIGIN, key())
                .is_ok_and(|mut log| log.integrate(250, &leaves(250..270)).is_ok());
            let mut log = Log::open(&place.log(), ORIGIN, key()).unwrap();
            assert!(log.size() == 270 || !acknowledged, "step {step}");
            log.integrate(0, &leaves(0..270)).unwrap();
            assert_eq!(check_folder(&place.log(), &asked()).unwrap().checkpoint.size, 270);
        }
    }
}

/// The model forgets what it should, or the tests above say nothing.
#[test]
fn the_model_forgets_what_was_not_synced() {
    let disk = Volatile::default();
    disk.make_folder("a/b").unwrap();
    disk.write("a/b/c", b"1").unwrap();
    assert!(disk.after_power_loss(|_| false).paths().is_empty());
    disk.sync_folder("a/b").unwrap();
    assert!(
        disk.after_power_loss(|_| false).paths().is_empty(),
        "a folder is lost whose name was not synced"
    );
    disk.sync_folder("a").unwrap();
    disk.sync_folder("").unwrap();
    assert_eq!(disk.after_power_loss(|_| false).paths(), ["a/b/c"]);
    assert!(check(&Memory::default()).is_err());
}
