//! Reading a settings file so that a mistake is answered with the file, the key and what would be right.

use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// Exit code of a program called with wrong arguments (`EX_USAGE` of sysexits).
pub const EXIT_USAGE: u8 = 64;
/// Exit code of a program whose settings are wrong (`EX_CONFIG` of sysexits).
pub const EXIT_CONFIG: u8 = 78;

/// Why a settings file was refused. Printed as one line: file, key, problem, remedy.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}: {key}: {problem}; {remedy}", file.display())]
pub struct ConfigError {
    /// The file that holds the mistake.
    pub file: PathBuf,
    /// The dotted path of the key, for example `guest.subnet`; `(file)` when the file cannot be read at all.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub remedy: String,
}

impl ConfigError {
    /// A mistake at `key` of `file`.
    pub fn new(file: &Path, key: &str, problem: impl ToString, remedy: impl ToString) -> Self {
        Self {
            file: file.to_path_buf(),
            key: key.to_owned(),
            problem: problem.to_string(),
            remedy: remedy.to_string(),
        }
    }
}

/// Reads and parses a TOML settings file.
///
/// # Errors
/// When the file cannot be read, is not TOML, lacks a key, has an unknown key or a value out of its range.
pub fn load<T: DeserializeOwned>(file: &Path) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| ConfigError::new(file, "(file)", e, "give the path of a readable TOML file"))?;
    parse(file, &text)
}

/// Parses the text of a TOML settings file; `file` is only named in errors.
///
/// # Errors
/// As [`load`], without the reading.
pub fn parse<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, ConfigError> {
    let document = toml::Deserializer::parse(text).map_err(|e| syntax_error(file, text, &e))?;
    serde_path_to_error::deserialize(document).map_err(|e| {
        let path = e.path().to_string();
        let inner = e.into_inner();
        let message = inner.message().to_owned();
        ConfigError::new(file, &key(path, &message), message, remedy_at(text, inner.span()))
    })
}

/// The key that is meant: what is missing has no place in the file, only its table has.
fn key(path: String, message: &str) -> String {
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    match (missing, path.as_str()) {
        (None, _) => path,
        (Some(name), ".") => name.to_owned(),
        (Some(name), table) => format!("{table}.{name}"),
    }
}

fn syntax_error(file: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    ConfigError::new(file, "(syntax)", error.message(), remedy_at(text, error.span()))
}

/// Points at the line, since the message itself already says what was expected there.
fn remedy_at(text: &str, span: Option<std::ops::Range<usize>>) -> String {
    let line = span.and_then(|s| text.get(..s.start)).map(|before| before.matches('\n').count() + 1);
    match line {
        Some(line) => format!("correct line {line}; docker/site holds a complete example"),
        None => "docker/site holds a complete example".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only the parsing is tested")]
        inner: Inner,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only the parsing is tested")]
        port: u16,
    }

    fn refusal(text: &str) -> String {
        parse::<Outer>(Path::new("a.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn names_file_key_and_line() {
        let said = refusal("[inner]\nport = \"x\"\n");
        assert!(said.starts_with("a.toml: inner.port: invalid type"), "{said}");
        assert!(said.contains("line 2"), "{said}");
    }

    #[test]
    fn refuses_unknown_and_missing_keys() {
        assert!(refusal("[inner]\nport = 1\nprot = 2\n").contains("unknown field `prot`"));
        assert!(refusal("[inner]\n").starts_with("a.toml: inner.port: missing field `port`"));
        assert!(refusal("").starts_with("a.toml: inner: missing field `inner`"));
    }

    #[test]
    fn says_when_it_is_not_toml() {
        assert!(refusal("[inner\n").starts_with("a.toml: (syntax): "));
    }
}
