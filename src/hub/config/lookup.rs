//! `[lookup]`: look-ups of two officers.

use serde::Deserialize;
use std::path::{Path, PathBuf};
use varco_audit::holder::People;
use varco_policy::ConfigError;

/// The table. Without it the hub takes no look-ups.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupSettings {
    /// Folder of the officers' public files, `<name>.pub`: whose signatures count.
    pub holders: PathBuf,
}

impl LookupSettings {
    /// Checks that both roles have somebody and nobody has both.
    ///
    /// # Errors
    /// When the folder cannot be read or is not so.
    pub fn check(&self, file: &Path) -> Result<(), ConfigError> {
        let remedy = "copy `holders` of the ceremony's folder here: NAME.pub of each officer, of both roles";
        let people = People::read(&self.holders);
        people.map(drop).map_err(|problem| ConfigError::new(file, "lookup.holders", problem, remedy))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::refusal;

    #[test]
    fn each_mistake_is_named() {
        let table = |line: &str| format!("\n[lookup]\n{line}\n[store]\n");
        for (line, said) in [
            ("holders = \"/nonexistent\"", "lookup.holders: /nonexistent: No such file"),
            ("holders = \"/var/empty-or-not\"\nmore = 1", "unknown field `more`"),
            ("", "missing field `holders`"),
        ] {
            let answer = refusal("\n[store]\n", &table(line));
            assert!(answer.contains(said), "{answer}");
        }
        let empty = crate::testing::folder("no-holders");
        let answer = refusal("\n[store]\n", &table(&format!("holders = {:?}", empty.display().to_string())));
        assert!(answer.contains("lookup.holders: no holder is requester"), "{answer}");
        std::fs::remove_dir_all(empty).unwrap();
    }
}
