//! The words of the pages, as data.

use crate::lang::Lang;
use serde::{Deserialize, de::DeserializeOwned};
use std::sync::LazyLock;

/// The same part of the text in every language.
#[derive(Debug)]
pub struct Text<T> {
    it: T,
    en: T,
}

impl<T: DeserializeOwned> Text<T> {
    /// Loads a part of the text from its files, which are compiled in.
    ///
    /// # Panics
    /// When a file lacks a key or has one too many; the tests load every part, so a build that passed cannot.
    #[expect(clippy::panic, reason = "compiled-in data, proved good by the tests")]
    pub fn compiled_in(it: &str, en: &str) -> Self {
        let load = |text| toml::from_str(text).unwrap_or_else(|e| panic!("text file: {e}"));
        Self { it: load(it), en: load(en) }
    }

    /// The text in `lang`.
    pub fn of(&self, lang: Lang) -> &T {
        match lang {
            Lang::It => &self.it,
            Lang::En => &self.en,
        }
    }
}

/// Words on every page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is the place on the page where its text stands")]
pub struct Common {
    pub skip_to_content: String,
    pub languages: String,
    pub error_heading: String,
    pub back_to_start: String,
}

/// Words on every page.
pub static COMMON: LazyLock<Text<Common>> = LazyLock::new(|| {
    Text::compiled_in(include_str!("text/it/common.toml"), include_str!("text/en/common.toml"))
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_word() {
        for lang in Lang::ALL {
            assert!(!COMMON.of(lang).skip_to_content.is_empty());
        }
    }
}
