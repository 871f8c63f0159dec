//! A token's PIN: from a file that its owner alone reads, or from the terminal. Never from an argument, which every user of
//! the machine can list.

use super::TokenError;
use secrecy::SecretString;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// Reads the PIN of the token with this label.
pub fn read(file: Option<&Path>, token: &str) -> Result<SecretString, TokenError> {
    let Some(file) = file else {
        let asked = rpassword::prompt_password(format!("PIN of the token {token}: "));
        let terminal = PathBuf::from("/dev/tty");
        let missing = |error| TokenError::PinSource(terminal, format!("{error}; or give pin-source=file:/…"));
        return asked.map(SecretString::from).map_err(missing);
    };
    let bad = |problem: String| TokenError::PinSource(file.to_owned(), problem);
    let mode = fs::metadata(file).map_err(|error| bad(error.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(bad("others may read this PIN: chmod 600".into()));
    }
    let text = fs::read_to_string(file).map(SecretString::from).map_err(|error| bad(error.to_string()))?;
    let line = secrecy::ExposeSecret::expose_secret(&text).lines().next().unwrap_or_default();
    if line.is_empty() { Err(bad("has no PIN on its first line".into())) } else { Ok(line.into()) }
}
