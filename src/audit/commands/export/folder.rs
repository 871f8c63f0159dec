//! A folder that verifies by itself:
//!
//! ```text
//! LEGGIMI.txt   what it is and how it is verified
//! entries.csv   the range as a table; `varco-audit export --log FOLDER/log` makes it again
//! vkey          the key that it was exported with: to be compared with the one that somebody else gave
//! log/          tiles as in every log: `checkpoint`, all tiles of hashes, the bundles from the range on, `pruned` where there is one
//! ```

use super::table::Table;
use anyhow::Context as _;
use std::{fs, io, ops::Range, path::Path};
use varco_audit::{
    content::{Body, Content},
    leaf::Leaf,
    tlog::{
        Checkpoint, Files as _, Folder, Kind, Note, Signed, TileError, Tiles, VerifierKey,
        prune::{self, PRUNED, Pruned},
    },
    verify::{Problem, continued},
};

const WORDS: &str = include_str!("LEGGIMI.txt");

/// Writes it, each file compared with the root first. What is to be said of it.
pub fn make(
    out: &Path,
    from: &Path,
    (head, vkey): (&Signed, &VerifierKey),
    range: &Range<u64>,
    table: &Table,
) -> anyhow::Result<Result<String, Problem>> {
    fs::create_dir(out)?;
    let files = &Folder::new(from);
    let (log, first) = (out.join("log"), range.start / 256);
    match tree(&log, from, head, first)? {
        Ok(()) => {}
        Err(problem) => return Ok(Err(problem)),
    }
    let keeper = match files.read(PRUNED) {
        Ok(note) => {
            write(&log.join(PRUNED), &note)?;
            Pruned::verify(&note, vkey.name(), [vkey]).is_err()
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error.into()),
    };
    write(&log.join("checkpoint"), head.note().as_bytes())?;
    write(&out.join("vkey"), format!("{vkey}\n").as_bytes())?;
    write(&out.join("entries.csv"), table.text.as_bytes())?;
    let missing = first * 256;
    let mut more = String::new();
    if missing > prune::minimum(files) {
        more = format!(" --expired-below {missing}");
    }
    if keeper {
        more.push_str(" --keeper \"$KEEPER\"");
    }
    let words = [
        ("{origin}", vkey.name().to_owned()),
        ("{site}", table.site.clone()),
        ("{first}", range.start.to_string()),
        ("{last}", (range.end - 1).to_string()),
        ("{end}", range.end.to_string()),
        ("{missing}", missing.to_string()),
        ("{size}", head.size.to_string()),
        ("{more}", more.clone()),
    ];
    let text = words.into_iter().fold(WORDS.to_owned(), |text, (place, words)| text.replace(place, &words));
    write(&out.join("LEGGIMI.txt"), text.as_bytes())?;
    let (entries, size) = (range.end - range.start, head.size);
    Ok(Ok(format!(
        "{entries} entries, {} to {}, in a log that ends at {size}\nvarco-audit verify --log {} --vkey KEY{more}\n",
        range.start,
        range.end - 1,
        log.display()
    )))
}

/// The tiles and bundles of a checkpoint's tree.
fn tree(log: &Path, from: &Path, head: &Signed, first: u64) -> anyhow::Result<Result<(), Problem>> {
    let mut tiles = match Tiles::open(Folder::new(from), head) {
        Ok(tiles) => tiles,
        Err(error) => return Ok(Err(error.into())),
    };
    for place in
        tiles.places().filter(|place| place.kind != Kind::Entries || place.index >= first).collect::<Vec<_>>()
    {
        let path = log.join(place.path());
        fs::create_dir_all(path.parent().context("a tile without a folder")?)?;
        match tiles.file(place) {
            Ok(octets) => write(&path, &octets)?,
            Err(error) => return Ok(Err(error.into())),
        }
    }
    Ok(Ok(()))
}

/// Of these checkpoints the one with the fewest entries that has all of the range, each compared with the tree; those of other
/// logs are left out.
pub fn oldest(
    own: Signed,
    tiles: &mut Tiles<Folder>,
    given: Vec<Vec<u8>>,
    (key, end): (&VerifierKey, u64),
) -> Result<Signed, Problem> {
    let mut head = own;
    for note in given {
        let of = Note::parse(&note).ok().and_then(|note| Checkpoint::parse(&note.text));
        if of.is_none_or(|of| of.origin != key.name() || of.size < end || of.size >= head.size) {
            continue;
        }
        continued(tiles, &note, key)?;
        head = Signed::verify(&note, key)?;
    }
    Ok(head)
}

/// The checkpoints of a log that the hub's own log says it has copied.
pub fn shipped(hub: &Path, key: &VerifierKey) -> anyhow::Result<Vec<Vec<u8>>> {
    let files = Folder::new(hub);
    let note = Note::parse(&files.read("checkpoint")?)?;
    let checkpoint = Checkpoint::parse(&note.text).context("checkpoint: it is damaged")?;
    let minimum = prune::minimum(&files);
    let (mut tiles, mut found) = (Tiles::open(files, &checkpoint)?, Vec::new());
    let read: Result<(), TileError> = tiles.leaves(minimum..checkpoint.size, |_, entry| {
        let body = Leaf::read(entry).ok().and_then(|leaf| serde_json::from_slice::<Content>(leaf.body).ok());
        if let Some(Content { body: Body::Copied { checkpoint }, .. }) = body
            && checkpoint.starts_with(&format!("{}\n", key.name()))
        {
            found.push(checkpoint.into_bytes());
        }
    });
    read?;
    Ok(found)
}

fn write(path: &Path, octets: &[u8]) -> io::Result<()> {
    fs::write(path, octets)
}
