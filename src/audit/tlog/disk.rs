//! The disk as the log sees it: few operations, so that a test can fail each of them.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

/// Files that are read only: a folder, a copy, an archive. Paths are relative, with `/`.
pub trait Files {
    /// Reads a whole file.
    ///
    /// # Errors
    /// `NotFound` where there is none; whatever the disk says otherwise.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;
}

impl<F: Files> Files for &F {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        (**self).read(path)
    }
}

/// A folder that is written.
pub trait Disk: Files {
    /// Makes or replaces a file and waits until its content is on the disk (fsync). Its name need not be yet.
    ///
    /// # Errors
    /// What the disk says; the file may then hold anything.
    fn write(&self, path: &str, content: &[u8]) -> io::Result<()>;

    /// Renames a file over another, atomically.
    ///
    /// # Errors
    /// What the disk says; it may have happened or not.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Waits until the names in a folder are on the disk (fsync).
    ///
    /// # Errors
    /// What the disk says.
    fn sync_folder(&self, path: &str) -> io::Result<()>;

    /// Makes a folder and those above it, where they are not there.
    ///
    /// # Errors
    /// What the disk says.
    fn make_folder(&self, path: &str) -> io::Result<()>;

    /// Removes a file; nothing where it is not there.
    ///
    /// # Errors
    /// What the disk says.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Removes a folder and what is in it; nothing where it is not there. Nothing that is removed is needed, so that it does
    /// not matter when it comes back.
    ///
    /// # Errors
    /// What the disk says.
    fn remove_folder(&self, path: &str) -> io::Result<()>;

    /// The names in a folder; none where it is not there.
    ///
    /// # Errors
    /// What the disk says.
    fn names(&self, path: &str) -> io::Result<Vec<String>>;
}

impl<D: Disk> Disk for &D {
    fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        (**self).write(path, content)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        (**self).rename(from, to)
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        (**self).sync_folder(path)
    }

    fn make_folder(&self, path: &str) -> io::Result<()> {
        (**self).make_folder(path)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        (**self).remove(path)
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        (**self).remove_folder(path)
    }

    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        (**self).names(path)
    }
}

/// Takes a lock that is this file's. A program that is just being started holds a copy of every lock of who starts it until
/// it runs, so it is tried for a second.
///
/// # Errors
/// [`TryLockError::WouldBlock`] when another has it all that time, or what the disk says.
pub fn lock_alone(lock: &File) -> Result<(), TryLockError> {
    for _ in 0..20 {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
            taken => return taken,
        }
    }
    lock.try_lock()
}

/// A folder of this machine.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Held as long as this one writes.
    _lock: Option<File>,
}

impl Folder {
    /// For reading only.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), _lock: None }
    }

    /// Every file in it, by its path with `/`.
    ///
    /// # Errors
    /// What the disk says.
    pub fn paths(&self) -> io::Result<Vec<String>> {
        let (mut paths, mut folders) = (Vec::new(), vec![String::new()]);
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(self.root.join(&folder)) {
                // A log that grows removes the folders of partial tiles.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.is_empty() => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                let kind = if entry.file_type()?.is_dir() { &mut folders } else { &mut paths };
                kind.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }

    /// Makes the folder if it is not there and keeps other writers out: two that sign would be two logs.
    ///
    /// # Errors
    /// `WouldBlock` when another writes to it; otherwise what the disk says.
    pub fn alone(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent)?.sync_all()?;
        }
        let lock = File::options().create(true).append(true).open(root.join("lock"))?;
        lock_alone(&lock)?;
        Ok(Self { root: root.to_owned(), _lock: Some(lock) })
    }
}

impl Files for Folder {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        fs::read(self.root.join(path))
    }
}

impl Disk for Folder {
    fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        let mut file = File::create(self.root.join(path))?;
        file.write_all(content)?;
        file.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.root.join(from), self.root.join(to))
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        File::open(self.root.join(path))?.sync_all()
    }

    fn make_folder(&self, path: &str) -> io::Result<()> {
        fs::create_dir_all(self.root.join(path))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        match fs::remove_file(self.root.join(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.root.join(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.root.join(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }
}
