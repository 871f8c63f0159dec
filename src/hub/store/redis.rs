//! The login state in Redis (6.2 or later, for GETDEL), outside the hub.

use super::{Entry, Kept, Kind, StoreError};
use redis::{
    Client, Cmd, FromRedisValue,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use std::{fmt, time::Duration};

/// How long a citizen may wait for the store, reconnecting included.
const PATIENCE: Duration = Duration::from_secs(3);

/// The shared store.
#[derive(Clone)]
pub struct Redis(ConnectionManager);

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis")
    }
}

impl Redis {
    /// Prepares the connection; the first command makes it, so a hub starts while Redis is down. Must be called on
    /// a Tokio runtime that outlives the store.
    ///
    /// # Errors
    /// When the URL cannot be understood.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let limits = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_response_timeout(Some(Duration::from_secs(1)));
        Ok(Self(ConnectionManager::new_lazy_with_config(Client::open(url)?, limits)?))
    }

    pub(super) async fn put(&self, entry: &Entry, value: &str, lives: u32) -> Result<(), StoreError> {
        let text = format!("{}:{value}", entry.expires);
        let lives = lives.max(1);
        self.run(redis::cmd("SET").arg(name(entry.kind, &entry.key)).arg(text).arg("EX").arg(lives)).await
    }

    pub(super) async fn take(&self, kind: Kind, key: &str) -> Result<Option<Kept>, StoreError> {
        Ok(parse(self.run(redis::cmd("GETDEL").arg(name(kind, key))).await?))
    }

    pub(super) async fn peek(&self, kind: Kind, key: &str) -> Result<Option<Kept>, StoreError> {
        Ok(parse(self.run(redis::cmd("GET").arg(name(kind, key))).await?))
    }

    pub(super) async fn check(&self) -> Result<(), StoreError> {
        self.run(&mut redis::cmd("PING")).await
    }

    async fn run<T: FromRedisValue>(&self, command: &mut Cmd) -> Result<T, StoreError> {
        let mut connection = self.0.clone();
        match tokio::time::timeout(PATIENCE, command.query_async(&mut connection)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(StoreError::Late(PATIENCE)),
        }
    }
}

fn name(kind: Kind, key: &str) -> String {
    format!("varco:{}:{key}", kind.name())
}

fn parse(text: Option<String>) -> Option<Kept> {
    let text = text?;
    let (expires, value) = text.split_once(':')?;
    Some(Kept { value: value.to_owned(), expires: expires.parse().ok()? })
}
