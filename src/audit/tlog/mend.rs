//! What of a log's folder is damaged, from the entries upwards, and what can be made again: tiles follow from the entries,
//! entries from nothing that is here.

use super::{
    bundle,
    checkpoint::Checkpoint,
    disk::{Disk, Files},
    hash::Hash,
    path::{FULL, Kind, Place, place},
    prune,
    stage::{Edge, Staged},
    tiles::{TileError, Tiles},
};
use std::io;

/// What is wrong with a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Tiles that are missing or not what the entries make: path and right content. Only where the entries make the
    /// checkpoint's root.
    pub tiles: Vec<(String, Vec<u8>)>,
    /// Why entries are lost: they must come from another copy.
    pub entries: Vec<String>,
}

/// Looks through a folder. The checkpoint's signature is not looked at.
///
/// # Errors
/// When the disk fails otherwise than by a file that is missing.
pub fn damage(files: &impl Files, checkpoint: &Checkpoint) -> Result<Damage, io::Error> {
    let mut found = Damage::default();
    let mut staged = Staged::begin(&Edge::default(), 0);
    let pruned = prune::minimum(files) / u64::from(FULL);
    for index in 0..checkpoint.size.div_ceil(FULL.into()) {
        let leaves = entries(files, checkpoint.size, index)?;
        if let Some(hashes) = leaves.is_none().then(|| hashes(files, index)).filter(|_| index < pruned) {
            let Some(hashes) = hashes? else { return lost(files, checkpoint) };
            staged.push_tile(hashes);
            differing(files, &mut staged, &mut found)?;
            continue;
        }
        let Some(leaves) = leaves else { return lost(files, checkpoint) };
        for leaf in &leaves {
            staged.push(leaf).map_err(io::Error::other)?;
        }
        differing(files, &mut staged, &mut found)?;
    }
    if staged.edge.root() != checkpoint.root {
        return lost(files, checkpoint);
    }
    staged.partials(&Edge::default());
    differing(files, &mut staged, &mut found)?;
    Ok(found)
}

/// Writes the tiles that are damaged. The log must not be written by another meanwhile.
///
/// # Errors
/// What the disk says.
pub fn mend(disk: &impl Disk, damage: &Damage) -> Result<(), io::Error> {
    disk.make_folder("tmp")?;
    for (path, content) in &damage.tiles {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        disk.make_folder(folder)?;
        disk.write("tmp/new", content)?;
        disk.rename("tmp/new", path)?;
        disk.sync_folder(folder)?;
    }
    Ok(())
}

/// The entries of a bundle; `None` where it is missing or breaks off.
fn entries(files: &impl Files, size: u64, index: u64) -> Result<Option<Vec<Vec<u8>>>, io::Error> {
    let Some(place) = place(size, Kind::Entries, index) else { return Ok(None) };
    let octets = match files.read(&place.path()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        octets => octets?,
    };
    let entries: Option<Vec<_>> = bundle::entries(&octets).map(|entry| entry.map(<[u8]>::to_vec)).collect();
    Ok(entries.filter(|entries| entries.len() == usize::from(place.width)))
}

/// The hashes of a bundle that was pruned, from which nothing above them can be mended but is compared; `None` where they
/// are missing or break off.
fn hashes(files: &impl Files, index: u64) -> Result<Option<Vec<Hash>>, io::Error> {
    let place = Place { kind: Kind::Level(0), index, width: FULL };
    let octets = match files.read(&place.path()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        octets => octets?,
    };
    let (hashes, rest) = octets.as_chunks::<{ Hash::LENGTH }>();
    let whole = rest.is_empty() && hashes.len() == usize::from(FULL);
    Ok(whole.then(|| hashes.iter().map(|hash| Hash(*hash)).collect()))
}

/// Takes the files staged so far, and keeps the tiles that are not so on the disk.
fn differing(files: &impl Files, staged: &mut Staged, found: &mut Damage) -> Result<(), io::Error> {
    for (path, content) in staged.files.drain(..) {
        let same = match files.read(&path) {
            Ok(octets) => octets == content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if !same {
            found.tiles.push((path, content));
        }
    }
    Ok(())
}

/// Names what the tiles say of the bundles, where the entries do not make the root.
fn lost(files: &impl Files, checkpoint: &Checkpoint) -> Result<Damage, io::Error> {
    let mut tiles = match Tiles::open(files, checkpoint) {
        Err(TileError::Disk { source, .. }) => return Err(source),
        Err(error) => return Ok(Damage { entries: vec![error.to_string()], ..Damage::default() }),
        Ok(tiles) => tiles,
    };
    let mut found = Damage::default();
    let pruned = prune::minimum(files) / u64::from(FULL);
    for index in 0..tiles.bundles() {
        let found_here = match tiles.bundle(index) {
            Err(TileError::Missing(_)) if index < pruned => tiles.hashes_of(index),
            bundle => bundle.map(drop),
        };
        match found_here {
            Err(TileError::Disk { source, .. }) => return Err(source),
            Err(error) => found.entries.push(error.to_string()),
            Ok(_) => {}
        }
    }
    Ok(found)
}
