//! Where tiles and bundles are: C2SP tlog-tiles, "Merkle Tree" and "Log entries".

/// What a file holds: entries, or the hashes of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An entry bundle.
    Entries,
    /// A tile of hashes; level 0 has those of the entries.
    Level(u8),
}

/// Which tile or bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// What it holds.
    pub kind: Kind,
    /// Its index within the level.
    pub index: u64,
    /// How many hashes or entries it holds, 1 to 256.
    pub width: u16,
}

/// Hashes or entries in a full tile or bundle.
pub const FULL: u16 = 256;
/// Levels that a tree of `u64` entries can have.
pub const LEVELS: u8 = 8;

impl Place {
    /// Its path below the log's prefix.
    pub fn path(self) -> String {
        let full = self.full_path();
        if self.width == FULL { full } else { format!("{full}.p/{}", self.width) }
    }

    /// The path that it has once it is full.
    pub fn full_path(self) -> String {
        let mut path = match self.kind {
            Kind::Entries => "tile/entries".to_owned(),
            Kind::Level(level) => format!("tile/{level}"),
        };
        path.push_str(&index_path(self.index));
        path
    }

    /// The folder of the partial ones that came before it was full.
    pub fn partials(self) -> String {
        self.full_path() + ".p"
    }

    /// Reads a path, in its only spelling.
    pub fn parse(path: &str) -> Option<Self> {
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let kind = match kind {
            "entries" => Kind::Entries,
            level => Kind::Level(level.parse().ok().filter(|level| *level < LEVELS)?),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, width.parse().ok().filter(|w| (1..FULL).contains(w))?),
            None => (rest, FULL),
        };
        let digits: String = index.split('/').map(|part| part.strip_prefix('x').unwrap_or(part)).collect();
        let place = Self { kind, index: digits.parse().ok()?, width };
        (place.path() == path).then_some(place)
    }
}

/// `/x001/x234/067` for 1234067.
fn index_path(index: u64) -> String {
    let mut path = format!("/{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("/x{:03}{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

/// How many complete hashes a level has in a tree of `size` entries.
pub(super) fn count(size: u64, level: u8) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

/// The tiles of the right edge: of each level the partial one.
pub(super) fn edge(size: u64) -> impl DoubleEndedIterator<Item = Place> {
    (0..LEVELS).filter_map(move |level| {
        let count = count(size, level);
        let width = (count % u64::from(FULL)) as u16;
        (width > 0).then_some(Place { kind: Kind::Level(level), index: count / u64::from(FULL), width })
    })
}

/// A level's tile by its index, as wide as it is in a tree of `size` entries; `None` past the end.
pub(super) fn place(size: u64, kind: Kind, index: u64) -> Option<Place> {
    let level = if let Kind::Level(level) = kind { level } else { 0 };
    let first = index.checked_mul(u64::from(FULL))?;
    let left = count(size, level).checked_sub(first).filter(|left| *left > 0)?;
    Some(Place { kind, index, width: left.min(u64::from(FULL)) as u16 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let full = |kind, index| Place { kind, index, width: FULL }.path();
        assert_eq!(full(Kind::Level(0), 1_234_067), "tile/0/x001/x234/067");
        assert_eq!(full(Kind::Entries, 0), "tile/entries/000");
        assert_eq!(full(Kind::Level(1), 999), "tile/1/999");
        assert_eq!(full(Kind::Level(1), 1000), "tile/1/x001/000");
        assert_eq!(Place { kind: Kind::Level(2), index: 0, width: 1 }.path(), "tile/2/000.p/1");
    }

    #[test]
    fn only_the_one_spelling_is_read() {
        for good in ["tile/0/x001/x234/067", "tile/entries/x001/000.p/255", "tile/7/000.p/1"] {
            assert_eq!(Place::parse(good).unwrap().path(), good);
        }
        for bad in [
            "tile/0/x000/001",
            "tile/8/000",
            "tile/00/000",
            "tile/0/1",
            "tile/0/0001",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/+1",
            "tile/0/+00",
            "tile/entries",
            "checkpoint",
            "tile/0/001/000",
            "tile/0/x001/x000",
        ] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }

    /// The example of C2SP tlog-tiles.
    #[test]
    fn a_tree_of_70000_has_the_partial_tiles_of_the_specification() {
        let widths: Vec<_> = edge(70_000).map(|p| (p.kind, p.index, p.width)).collect();
        assert_eq!(widths, [(Kind::Level(0), 273, 112), (Kind::Level(1), 1, 17), (Kind::Level(2), 0, 1)]);
        let widths: Vec<_> = edge(256).map(|p| (p.kind, p.index, p.width)).collect();
        assert_eq!(widths, [(Kind::Level(1), 0, 1)]);
    }
}
