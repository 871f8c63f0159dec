//! The login state: what a login needs between two requests, and may be lost. Two real stores with one behaviour.
//!
//! A key is stored as its digest, so that a stolen store logs nobody in. What expired is never read, whether it
//! has been removed or not.

pub mod redis;
pub mod sqlite;
#[cfg(test)]
pub(crate) mod tests;

use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;
use varco_web::token::digest;

/// What is kept; the same key in two kinds is two entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A login that a gateway asked for, by browser.
    Login,
    /// A request sent to an identity provider, by relay state.
    Request,
    /// The same of a body with an age limit. They live 96 times as long, so they have a room of their own: where the
    /// entries that end first make room, they would push all others out.
    LongRequest,
    /// An authorization code.
    Code,
    /// A login by card that waits for the card, by state.
    Card,
    /// A card that was checked, by handle.
    Handle,
    /// A logout request sent to an identity provider, by relay state.
    Logout,
    /// A login at the console, by state.
    Console,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Request => "request",
            Self::LongRequest => "long-request",
            Self::Code => "code",
            Self::Card => "card",
            Self::Handle => "handle",
            Self::Logout => "logout",
            Self::Console => "console",
        }
    }
}

/// Why the store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The SQLite file.
    #[error("login state: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The Redis server.
    #[error("login state: {0}")]
    Redis(#[from] ::redis::RedisError),
    /// The Redis server said nothing in time.
    #[error("login state: no answer within {} s", .0.as_secs())]
    Late(Duration),
    /// An entry that this program did not write.
    #[error("login state: an entry cannot be read: {0}")]
    Foreign(#[from] serde_json::Error),
    /// The program is stopping.
    #[error("login state: the program is stopping")]
    Stopping,
}

/// The login state.
#[derive(Debug, Clone)]
pub enum Store {
    /// Embedded, for one hub.
    Sqlite(sqlite::Sqlite),
    /// Outside the hub. Register, sessions and logouts are in each hub's own `hub.db` still: one hub runs at a time.
    Redis(redis::Redis),
}

impl Store {
    /// Keeps `value` under `key` for `lives` seconds; replaces what was there. `now` is in Unix seconds.
    ///
    /// # Errors
    /// When the store does not answer; then nothing is known to be kept.
    pub async fn put<T: Serialize + Sync>(
        &self,
        kind: Kind,
        key: &str,
        value: &T,
        lives: u32,
        now: i64,
    ) -> Result<(), StoreError> {
        let entry = Entry { kind, key: digest(key), expires: now.saturating_add(i64::from(lives)) };
        let value = serde_json::to_string(value)?;
        match self {
            Self::Sqlite(store) => store.put(entry, value, now).await,
            Self::Redis(store) => store.put(&entry, &value, lives).await,
        }
    }

    /// Removes and returns the entry: of any number of callers at the same time, one gets it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn take<T: DeserializeOwned>(
        &self,
        kind: Kind,
        key: &str,
        now: i64,
    ) -> Result<Option<T>, StoreError> {
        let key = digest(key);
        let found = match self {
            Self::Sqlite(store) => store.take(kind, key).await,
            Self::Redis(store) => store.take(kind, &key).await,
        }?;
        found.and_then(|kept| kept.fresh(now)).map(|text| Ok(serde_json::from_str(&text)?)).transpose()
    }

    /// Returns the entry and leaves it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn peek<T: DeserializeOwned>(
        &self,
        kind: Kind,
        key: &str,
        now: i64,
    ) -> Result<Option<T>, StoreError> {
        let key = digest(key);
        let found = match self {
            Self::Sqlite(store) => store.peek(kind, key).await,
            Self::Redis(store) => store.peek(kind, &key).await,
        }?;
        found.and_then(|kept| kept.fresh(now)).map(|text| Ok(serde_json::from_str(&text)?)).transpose()
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn check(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.check().await,
            Self::Redis(store) => store.check().await,
        }
    }
}

/// Where a value goes: kind, digest of the key, end in Unix seconds.
#[derive(Debug)]
struct Entry {
    kind: Kind,
    key: String,
    expires: i64,
}

/// A value as found, perhaps past its end.
#[derive(Debug)]
struct Kept {
    value: String,
    expires: i64,
}

impl Kept {
    fn fresh(self, now: i64) -> Option<String> {
        (now < self.expires).then_some(self.value)
    }
}
