//! Disks in memory: one step of which fails, and that forget what was not synced.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io,
};
use varco_audit::tlog::{Disk, Files};

type Names = BTreeMap<String, Vec<u8>>;

/// Names count once their folder is synced; a file's content when it is written, for that waits.
#[derive(Debug, Default, Clone)]
pub struct Memory {
    now: RefCell<Names>,
    durable: RefCell<Names>,
    step: Cell<usize>,
    /// The step that fails, and whether it is done all the same.
    fails: Cell<Option<(usize, bool)>>,
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

impl Memory {
    pub fn fail(&self, after: usize, done: bool) {
        self.step.set(0);
        self.fails.set(Some((after, done)));
    }

    pub fn heal(&self) {
        self.fails.set(None);
    }

    /// How many steps there were since the last [`Self::fail`].
    pub fn steps(&self) -> usize {
        self.step.get()
    }

    /// What is there when the power is back.
    pub fn after_power_loss(&self) -> Self {
        let durable = self.durable.borrow().clone();
        Self { now: RefCell::new(durable.clone()), durable: RefCell::new(durable), ..Self::default() }
    }

    pub fn paths(&self) -> Vec<String> {
        self.now.borrow().keys().cloned().collect()
    }

    pub fn put(&self, path: &str, content: &[u8]) {
        self.now.borrow_mut().insert(path.to_owned(), content.to_vec());
    }

    fn step(&self, whole: impl FnOnce()) -> io::Result<()> {
        let step = self.step.replace(self.step.get() + 1);
        match self.fails.get().filter(|(fails, _)| *fails == step) {
            None => whole(),
            Some((_, done)) => {
                if done {
                    whole();
                }
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        Ok(())
    }
}

impl Files for Memory {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.now.borrow().get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for Memory {
    fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        self.step(|| self.put(path, content))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step(|| {
            let content = self.now.borrow_mut().remove(from).unwrap();
            self.put(to, &content);
        })
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        self.step(|| {
            let inside = |path: &String| parent(path) == folder;
            let mut durable = self.durable.borrow_mut();
            durable.retain(|path, _| !inside(path));
            durable.extend(
                self.now
                    .borrow()
                    .iter()
                    .filter(|(path, _)| inside(path))
                    .map(|(p, c)| (p.clone(), c.clone())),
            );
        })
    }

    fn make_folder(&self, _: &str) -> io::Result<()> {
        self.step(|| {})
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.step(|| drop(self.now.borrow_mut().remove(path)))
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        let below = format!("{path}/");
        self.step(|| self.now.borrow_mut().retain(|path, _| !path.starts_with(&below)))
    }

    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        let below = if path.is_empty() { String::new() } else { format!("{path}/") };
        let now = self.now.borrow();
        let names = now.keys().filter_map(|path| path.strip_prefix(&below));
        Ok(names.map(|name| name.split('/').next().unwrap_or(name).to_owned()).collect())
    }
}
