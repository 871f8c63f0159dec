//! What of a leaf is indexed.

use super::IndexError;
use crate::{class::Class, leaf::Leaf, tag::Tag, tlog::Hash};
use jiff::{Timestamp, civil::Date};
use std::ops::Range;

/// Rows with tags lie together by spans of this many milliseconds, a week, so that what is filled now touches few pages.
pub const WEEK_MS: i64 = 7 * 24 * 3_600_000;
const HOUR_MS: i64 = 3_600_000;

/// A leaf's header, less what all leaves of its log have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its index.
    pub sequence: u64,
    /// Its class, as [`Row::class`] reads it: 10 for R1, 21 for R2a, 22 for R2b and so on.
    pub class: u8,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Days from 1970 to the end of the period whose key it is sealed to; the class says how long that is.
    pub period: Option<i32>,
    /// Its mark.
    pub noted: Noted,
}

/// A mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// None.
    Nothing,
    /// A tag, its octets as a number.
    Tag(i64),
    /// Another, as its header has it.
    Text(String),
}

impl Noted {
    /// A tag as rows have it.
    pub fn tag(tag: Tag) -> Self {
        Self::Tag(tag_number(tag))
    }
}

/// The octets of a tag as a number.
pub fn tag_number(tag: Tag) -> i64 {
    i64::from_be_bytes(tag.octets())
}

/// The next rows of a log.
#[derive(Debug, Clone)]
pub struct Portion {
    /// Which entries were read.
    pub entries: Range<u64>,
    /// The minimum index of the log: those below have no rows.
    pub minimum: u64,
    /// The others, in order.
    pub rows: Vec<Row>,
    /// The root of the tree of as many entries as end it.
    pub root: Hash,
}

/// A time from and to, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From.
    pub first: Timestamp,
    /// To.
    pub last: Timestamp,
}

impl Span {
    /// All of time.
    pub const ALL: Self = Self { first: Timestamp::MIN, last: Timestamp::MAX };

    /// In milliseconds since 1970: rows have no more, so that a row of the same millisecond is in it.
    pub fn milliseconds(self) -> (i64, i64) {
        (self.first.as_millisecond(), self.last.as_millisecond())
    }

    /// The hours that it touches, since 1970.
    pub fn hours(self) -> (i64, i64) {
        let (first, last) = self.milliseconds();
        (first.div_euclid(HOUR_MS), last.div_euclid(HOUR_MS))
    }

    /// The weeks it touches, as rows with tags have them.
    pub fn weeks(self) -> (i64, i64) {
        let (first, last) = self.milliseconds();
        (first.div_euclid(WEEK_MS), last.div_euclid(WEEK_MS))
    }
}

impl Row {
    /// The row of entry `index` of a log.
    ///
    /// # Errors
    /// When it is no leaf, or says that it is another.
    pub fn of(index: u64, entry: &[u8]) -> Result<Self, IndexError> {
        let leaf = Leaf::read(entry).map_err(|error| IndexError::Leaf(index, error))?;
        let header = &leaf.header;
        if header.sequence != index {
            return Err(IndexError::Place { index, says: header.sequence });
        }
        let noted = match leaf.line.rsplit(' ').next() {
            None | Some("-") => Noted::Nothing,
            Some(mark) => mark.parse().map_or_else(|_| Noted::Text(mark.to_owned()), Noted::tag),
        };
        let days = |end: Date| (end - Date::constant(1970, 1, 1)).get_days();
        Ok(Self {
            sequence: index,
            class: code(header.class),
            at: header.at.as_millisecond(),
            period: header.period.map(|period| days(period.end())),
            noted,
        })
    }

    /// Whether it is of this class.
    pub fn is_of(&self, class: Class) -> bool {
        self.class == code(class)
    }

    /// When.
    pub fn instant(&self) -> Timestamp {
        instant(self.at)
    }
}

/// `R2b` is 22: one octet in place of three, and in the order of the classes.
pub fn code(class: Class) -> u8 {
    let mut octets = class.as_str().bytes().skip(1);
    let digit = octets.next().unwrap_or(b'0') - b'0';
    digit * 10 + octets.next().map_or(0, |letter| letter - b'a' + 1)
}

/// The class that a row has the number of.
pub fn class_of(code: u8) -> Option<Class> {
    let letter = (code % 10).checked_sub(1).map(|letter| char::from(b'a' + letter));
    format!("R{}{}", code / 10, letter.map(String::from).unwrap_or_default()).parse().ok()
}

/// The hour of an instant in milliseconds, since 1970.
pub const fn hour_of(at: i64) -> i64 {
    at.div_euclid(HOUR_MS)
}

/// An instant as rows have it; the begin of time where there is none.
pub fn instant(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_all_of_a_header() {
        let row = |line: &str, body: &[u8]| Row::of(42, &crate::leaf::join(line, body)).unwrap();
        let tagged =
            row("varco-leaf/1 R2b library 42 2026-11-22T10:00:00.5009Z 2026-W47 f0112233445566ff", b"\x05");
        assert_eq!(tagged.noted, Noted::Tag(0xf011_2233_4455_66ff_u64.cast_signed()));
        assert_eq!(tagged.instant().to_string(), "2026-11-22T10:00:00.5Z");
        // 2026-11-23 is 20,780 days after the first of 1970.
        assert_eq!((tagged.class, tagged.period), (22, Some(20_780)));
        let clear = row("varco-leaf/1 R6 library 42 2026-11-22T10:00:00Z - -", b"{}");
        assert_eq!((clear.class, clear.period, clear.noted), (60, None, Noted::Nothing));
        let key = row("varco-leaf/1 R2b library 42 2026-11-22T10:00:00Z 2026-W47 tagkey", b"\x04");
        assert_eq!(key.noted, Noted::Text("tagkey".into()));
    }

    #[test]
    fn each_class_has_a_number_of_its_own() {
        for name in ["R2a", "R2b", "R3", "R4", "R5", "R6"] {
            let class: Class = name.parse().unwrap();
            assert_eq!(class_of(code(class)), Some(class));
        }
        assert_eq!(class_of(0), None);
    }
}
