//! `[store]`: where the login state is.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::path::Path;
use varco_policy::ConfigError;

/// `[store]`.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum StoreSettings {
    /// In `hub.db`.
    Sqlite {},
    /// In a Redis server.
    Redis {
        /// `redis://…` or `redis+unix://…`; may hold a password.
        url: SecretString,
    },
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self::Sqlite {}
    }
}

impl StoreSettings {
    pub(super) fn check(&self, file: &Path) -> Result<(), ConfigError> {
        let Self::Redis { url } = self else { return Ok(()) };
        let remedy = "give redis://127.0.0.1:6379/0, or redis+unix:///run/redis/redis.sock";
        redis::Client::open(url.expose_secret())
            .map(drop)
            .map_err(|e| ConfigError::new(file, "store.url", format!("not an address of Redis: {e}"), remedy))
    }
}
