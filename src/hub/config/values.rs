//! Values that several tables have: addresses, folders, secrets in files.

use secrecy::{ExposeSecret, SecretString};
use std::path::Path;
use url::Url;
use varco_policy::ConfigError;

pub(super) fn callback(file: &Path, key: &str, text: &str) -> Result<Url, ConfigError> {
    let remedy = "give the full https address of the gateway's callback";
    let url = Url::parse(text).map_err(|e| ConfigError::new(file, key, e, remedy))?;
    https(file, key, &url)?;
    Ok(url)
}

pub(super) fn https(file: &Path, key: &str, url: &Url) -> Result<(), ConfigError> {
    if url.scheme() == "https" && url.host().is_some() && url.fragment().is_none() {
        return Ok(());
    }
    Err(ConfigError::new(
        file,
        key,
        format!("{url} is not a plain https address"),
        "give an https:// address",
    ))
}

/// As [`https`], and nothing after host and port.
pub(super) fn origin(file: &Path, key: &str, url: &Url) -> Result<(), ConfigError> {
    https(file, key, url)?;
    if url.path() == "/" && url.query().is_none() {
        return Ok(());
    }
    let remedy = format!("give scheme, host and port only: {}", url.origin().ascii_serialization());
    Err(ConfigError::new(file, key, "has a path or a query", remedy))
}

pub(super) fn folder(file: &Path, key: &str, path: &Path) -> Result<(), ConfigError> {
    if path.is_dir() {
        return Ok(());
    }
    let problem = format!("{} is not a folder", path.display());
    Err(ConfigError::new(file, key, problem, "make the folder or give the right one"))
}

/// The first line of a secret file.
pub(super) fn secret(file: &Path, key: &str, path: &Path) -> Result<SecretString, ConfigError> {
    let remedy = "put a random secret of at least 32 characters on its first line";
    secret_line(file, key, path, 32, remedy)
}

/// The first line of a file, `least` characters or more.
pub(super) fn secret_line(
    file: &Path,
    key: &str,
    path: &Path,
    least: usize,
    remedy: &str,
) -> Result<SecretString, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map(SecretString::from)
        .map_err(|e| ConfigError::new(file, key, format!("{}: {e}", path.display()), remedy))?;
    let line = text.expose_secret().lines().next().unwrap_or_default().trim();
    if line.len() < least {
        return Err(ConfigError::new(
            file,
            key,
            format!("{}: the secret is too short", path.display()),
            remedy,
        ));
    }
    Ok(SecretString::from(line))
}
