//! The languages of the pages and how one is chosen.

/// A language the pages are written in. Italian comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lang {
    /// Italian.
    #[default]
    It,
    /// English.
    En,
}

impl Lang {
    /// All languages, in the order of the language menu.
    pub const ALL: [Self; 2] = [Self::It, Self::En];

    /// The language tag (BCP 47) of the page.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::It => "it",
            Self::En => "en",
        }
    }

    /// The language's own name.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::It => "Italiano",
            Self::En => "English",
        }
    }

    /// The language with this tag or a regional form of it (`en-GB`).
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|lang| lang.tag().eq_ignore_ascii_case(primary))
    }

    /// The best language for an `Accept-Language` header (RFC 9110 section 12.5.4); Italian when none fits.
    pub fn negotiate(accept_language: &str) -> Self {
        let mut wanted: Vec<_> = accept_language.split(',').map(weighted).filter(|(q, _)| *q > 0).collect();
        wanted.sort_by_key(|(q, _)| std::cmp::Reverse(*q));
        wanted.into_iter().find_map(|(_, tag)| Self::from_tag(tag)).unwrap_or_default()
    }
}

/// The weight of a language range in thousandths, and its tag.
fn weighted(range: &str) -> (u16, &str) {
    let (tag, parameter) = range.split_once(';').unwrap_or((range, ""));
    let weight = match parameter.trim().strip_prefix("q=") {
        Some(q) => thousandths(q).unwrap_or(0),
        None => 1000,
    };
    (weight, tag)
}

fn thousandths(q: &str) -> Option<u16> {
    let (whole, decimals) = q.split_once('.').unwrap_or((q, ""));
    let whole: u16 = whole.parse().ok().filter(|w| *w <= 1)?;
    let padded = format!("{decimals:0<3}");
    Some((whole * 1000 + padded.get(..3)?.parse::<u16>().ok()?).min(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_wanted_language_wins() {
        for (header, lang) in [
            ("", Lang::It),
            ("de-DE, fr;q=0.5", Lang::It),
            ("en-GB,en;q=0.9", Lang::En),
            ("en;q=0.3, it;q=0.8", Lang::It),
            ("de, en;q=0.8, it;q=0.7", Lang::En),
            ("en;q=0", Lang::It),
            ("en;q=x, it;q=0.1", Lang::It),
            ("*, EN;q=0.1", Lang::En),
        ] {
            assert_eq!(Lang::negotiate(header), lang, "{header}");
        }
    }
}
