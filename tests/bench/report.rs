//! What was measured, as a table and as bars.

use super::stats::{self, WHOLE};
use std::fmt::{self, Write};

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bits a second.
    Bits,
    /// Things a second.
    EachSecond,
    /// Nanoseconds.
    Nanoseconds,
    /// Octets.
    Octets,
    /// Packets.
    Packets,
    /// Whatever the line's name says, to the last one.
    Count,
    /// Thousandths.
    Thousandths,
}

/// What is hoped for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// The ratio, in thousandths, is at least this.
    AtLeast(u64),
    /// The ratio is at most this.
    AtMost(u64),
    /// Our own number is under this.
    Under(u64),
    /// Our own number is at most this above the other.
    Above(u64),
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// Of what.
    pub unit: Unit,
    /// Ours: the median.
    pub ours: u64,
    /// What it is compared with: the median; none where there is nothing.
    pub other: Option<u64>,
    /// The median of the ratios of each pair.
    pub ratio: Option<u64>,
    /// What is hoped for.
    pub aim: Option<Aim>,
}

/// A scenario's lines, and what is to be said about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chapter {
    /// The scenario's name.
    pub name: String,
    /// What it compares.
    pub about: String,
    /// Its lines.
    pub figures: Vec<Figure>,
    /// Anything else.
    pub notes: Vec<String>,
}

impl Figure {
    /// From runs of ours and the other, one after the other.
    pub fn pairs(name: impl Into<String>, unit: Unit, pairs: &[(u64, u64)], aim: Option<Aim>) -> Self {
        let middle = |of: fn(&(u64, u64)) -> u64| stats::median(&pairs.iter().map(of).collect::<Vec<_>>());
        Self {
            name: name.into(),
            unit,
            ours: middle(|p| p.0),
            other: Some(middle(|p| p.1)),
            ratio: Some(middle(|p| stats::ratio(p.0, p.1))),
            aim,
        }
    }

    /// From runs of ours alone.
    pub fn alone(name: impl Into<String>, unit: Unit, samples: &[u64], aim: Option<Aim>) -> Self {
        let (ours, name) = (stats::median(samples), name.into());
        Self { name, unit, ours, other: None, ratio: None, aim }
    }

    /// Whether the aim is met, where there is one.
    pub fn met(&self) -> Option<bool> {
        let ratio = self.ratio.unwrap_or_default();
        Some(match self.aim? {
            Aim::AtLeast(least) if self.other.is_none() => self.ours >= least,
            Aim::AtLeast(least) => ratio >= least,
            Aim::AtMost(most) => ratio <= most,
            Aim::Under(most) => self.ours < most,
            Aim::Above(more) => self.ours <= self.other.unwrap_or_default().saturating_add(more),
        })
    }

    fn aim_told(&self) -> String {
        match self.aim {
            None => String::new(),
            Some(Aim::AtLeast(least)) => format!("≥ {}", thousandths(least)),
            Some(Aim::AtMost(most)) => format!("≤ {}", thousandths(most)),
            Some(Aim::Under(most)) => format!("< {}", told(most, self.unit)),
            Some(Aim::Above(more)) => format!("≤ + {}", told(more, self.unit)),
        }
    }

    fn met_told(&self) -> &'static str {
        match self.met() {
            None => "",
            Some(true) => "yes",
            Some(false) => "**no**",
        }
    }
}

impl fmt::Display for Chapter {
    /// As Markdown: a table, and the ratios as bars.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n\n{}\n", self.name, self.about)?;
        if !self.figures.is_empty() {
            writeln!(f, "| | Varco | compared with | ratio | aim | met |\n|---|---|---|---|---|---|")?;
        }
        for figure in &self.figures {
            let Figure { name, unit, ours, other, ratio, .. } = figure;
            let other = other.map(|n| told(n, *unit)).unwrap_or_default();
            let ratio = ratio.map(thousandths).unwrap_or_default();
            let (ours, aim, met) = (told(*ours, *unit), figure.aim_told(), figure.met_told());
            writeln!(f, "| {name} | {ours} | {other} | {ratio} | {aim} | {met} |")?;
        }
        f.write_str(&bars(&self.figures))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "\n{note}"))
    }
}

/// Characters of a ratio of one.
const WIDTH: u64 = 40;

/// One bar for each ratio; a mark stands where the two are equal.
fn bars(figures: &[Figure]) -> String {
    let with_ratio: Vec<_> = figures.iter().filter_map(|f| Some((&f.name, f.ratio?))).collect();
    let Some(longest) = with_ratio.iter().map(|(name, _)| name.chars().count()).max() else {
        return String::new();
    };
    let mut text = "\n```text\n".to_owned();
    for (name, ratio) in with_ratio {
        let filled = (ratio * WIDTH / WHOLE).min(WIDTH + WIDTH / 4);
        let cell = |at: u64| match (at < filled, at == WIDTH) {
            (_, true) => '|',
            (true, false) => '█',
            (false, false) => ' ',
        };
        let bar: String = (0..WIDTH + WIDTH / 4).map(cell).collect();
        let _ = writeln!(text, "{name:<longest$} {bar} {}", thousandths(ratio));
    }
    text + "```\n"
}

/// A number with its unit, three digits or more.
pub fn told(number: u64, unit: Unit) -> String {
    match unit {
        Unit::Bits => {
            scaled(number, &[(1_000_000_000, "Gbit/s"), (1_000_000, "Mbit/s"), (1_000, "kbit/s")], "bit/s")
        }
        Unit::EachSecond => format!("{}/s", grouped(number)),
        Unit::Nanoseconds => scaled(number, &[(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs")], "ns"),
        Unit::Octets => scaled(number, &[(1 << 20, "MiB"), (1 << 10, "KiB")], "B"),
        Unit::Packets | Unit::Count => grouped(number),
        Unit::Thousandths => thousandths(number),
    }
}

fn scaled(number: u64, scales: &[(u64, &str)], plain: &str) -> String {
    match scales.iter().find(|(scale, _)| number >= *scale) {
        Some((scale, word)) => format!("{}.{} {word}", number / scale, number % scale * 10 / scale),
        None => format!("{number} {plain}"),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn thousandths(number: u64) -> String {
    format!("{}.{:03}", number / WHOLE, number % WHOLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_for_people() {
        let all = [
            told(27_700_000_000, Unit::Bits),
            told(95_600_000, Unit::Bits),
            told(12, Unit::Bits),
            told(1_234_567, Unit::EachSecond),
            told(104_000, Unit::Nanoseconds),
            told(67_108_864, Unit::Octets),
            told(987, Unit::Thousandths),
        ];
        insta::assert_snapshot!(all.join(", "), @"27.7 Gbit/s, 95.6 Mbit/s, 12 bit/s, 1,234,567/s, 104.0 µs, 64.0 MiB, 0.987");
    }

    #[test]
    fn a_chapter_is_a_table_and_bars() {
        let pairs = [(96, 100), (99, 100), (200, 100)];
        let figures = vec![
            Figure::pairs("TCP, 8 streams", Unit::Bits, &pairs, Some(Aim::AtLeast(980))),
            Figure::pairs("ping", Unit::Nanoseconds, &[(130_000, 100_000)], Some(Aim::AtMost(1_100))),
            Figure::alone("memory", Unit::Octets, &[2048, 4096, 1024], Some(Aim::Under(4096))),
        ];
        let chapter =
            Chapter { name: "x".into(), about: "A and B.".into(), figures, notes: vec!["Note.".into()] };
        insta::assert_snapshot!(chapter.to_string(), @r"
        ## x

        A and B.

        | | Varco | compared with | ratio | aim | met |
        |---|---|---|---|---|---|
        | TCP, 8 streams | 99 bit/s | 100 bit/s | 0.990 | ≥ 0.980 | yes |
        | ping | 130.0 µs | 100.0 µs | 1.300 | ≤ 1.100 | **no** |
        | memory | 2.0 KiB |  |  | < 4.0 KiB | yes |

        ```text
        TCP, 8 streams ███████████████████████████████████████ |          0.990
        ping           ████████████████████████████████████████|█████████ 1.300
        ```

        Note.
        ");
    }

    #[test]
    fn aims_are_judged() {
        let met = |pairs: &[(u64, u64)], aim| Figure::pairs("", Unit::Bits, pairs, Some(aim)).met();
        assert_eq!(met(&[(98, 100)], Aim::AtLeast(980)), Some(true));
        assert_eq!(met(&[(97, 100)], Aim::AtLeast(980)), Some(false));
        assert_eq!(met(&[(111, 100)], Aim::AtMost(1_100)), Some(false));
        assert_eq!(met(&[(105, 100)], Aim::Above(5)), Some(true));
        assert_eq!(met(&[(106, 100)], Aim::Above(5)), Some(false));
        assert_eq!(Figure::alone("", Unit::Thousandths, &[990], Some(Aim::AtLeast(980))).met(), Some(true));
        assert_eq!(Figure::alone("", Unit::Bits, &[1], None).met(), None);
    }
}
