//! What headers say, a line an entry.

use super::NotExported;
use jiff::{civil::Date, tz::TimeZone};
use std::{fmt::Write as _, ops::Range};
use varco_audit::{
    leaf::Leaf,
    tlog::{Folder, Tiles},
    verify::Problem,
};

const COLUMNS: &str = "sequence,instant,class,site,period,mark,octets\r\n";

/// The table, and the site that its entries name.
pub struct Table {
    pub text: String,
    pub site: String,
}

/// Of a range. Each entry is compared with the tree.
pub fn of(tiles: &mut Tiles<Folder>, range: Range<u64>) -> Result<Table, NotExported> {
    let mut table = Table { text: COLUMNS.to_owned(), site: String::new() };
    each(tiles, range, |leaf, octets| {
        line(&mut table.text, leaf, octets);
        if table.site.is_empty() {
            table.site.clone_from(&leaf.header.site);
        }
    })?;
    Ok(table)
}

/// From the first entry of a day to its last: a clock that went back takes what is between with it.
pub fn day(tiles: &mut Tiles<Folder>, among: Range<u64>, day: Date) -> Result<Range<u64>, NotExported> {
    let mut found: Option<Range<u64>> = None;
    let mut before = among.start;
    each(tiles, among, |leaf, _| {
        let (date, sequence) = (leaf.header.at.to_zoned(TimeZone::UTC).date(), leaf.header.sequence);
        if date == day {
            found = Some(found.take().map_or(sequence, |range| range.start)..sequence + 1);
        } else if date < day {
            before = sequence + 1;
        }
    })?;
    // None is of that day: where it would be.
    Ok(found.unwrap_or(before..before))
}

fn each(
    tiles: &mut Tiles<Folder>,
    range: Range<u64>,
    mut each: impl FnMut(&Leaf<'_>, usize),
) -> Result<(), NotExported> {
    let mut wrong = None;
    let read = tiles.leaves(range, |index, entry| match Leaf::read(entry) {
        Ok(leaf) if leaf.header.sequence == index => each(&leaf, entry.len()),
        Ok(_) => wrong = wrong.take().or(Some((index, "its header has another sequence number".to_owned()))),
        Err(error) => wrong = wrong.take().or(Some((index, error.to_string()))),
    });
    read.map_err(Problem::from)?;
    wrong.map_or(Ok(()), |(index, what)| Err(Problem::Leaf { index, what }.into()))
}

/// The words of a header have no comma, quote or line break but the site, which is quoted where it has.
fn line(table: &mut String, leaf: &Leaf<'_>, octets: usize) {
    let words: Vec<_> = leaf.line.split(' ').collect();
    let [_, class, site, sequence, at, period, mark] = words[..] else { return };
    let site = match site.contains([',', '"']) {
        true => format!("\"{}\"", site.replace('"', "\"\"")),
        false => site.to_owned(),
    };
    let empty = |word: &str| if word == "-" { String::new() } else { word.to_owned() };
    let (period, mark) = (empty(period), empty(mark));
    let _ = write!(table, "{sequence},{at},{class},{site},{period},{mark},{octets}\r\n");
}
