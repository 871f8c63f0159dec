//! The index in PostgreSQL (12 or later), in a schema of its own, `varco_index`, which is made by itself.
//!
//! Calls wait: whoever makes them reads tiles from a disk anyway. Each has a limit, after which the connection is given up;
//! the next call makes another. Several hubs may write: who puts rows of a log holds its row in `log` until the commit.

mod read;
mod write;

use crate::config::Server;
use jiff::Timestamp;
use std::{fmt, ops::Range, time::Duration};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use varco_audit::{
    class::Class,
    index::{Count, Gone, IndexError, Marked, Place, Portion, Rows, Span},
    tag::Tag,
};

/// How long a call may take, connecting included.
const PATIENCE: Duration = if cfg!(test) { Duration::from_secs(4) } else { Duration::from_secs(60) };
/// Version of the tables.
const VERSION: i32 = 2;
/// Who makes the tables holds this, so that two hubs do not make them at once.
const LOCK: i64 = 0x7661_7263;

const SCHEMA: &str = r#"
    CREATE SCHEMA IF NOT EXISTS varco_index;
    CREATE TABLE varco_index.version (version integer NOT NULL);
    CREATE TABLE varco_index.log (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, origin text COLLATE "C" NOT NULL UNIQUE,
        size bigint NOT NULL, minimum bigint NOT NULL, root bytea NOT NULL
    );
    CREATE TABLE varco_index.leaf (
        sequence bigint NOT NULL, at bigint NOT NULL, log integer NOT NULL, period integer, class smallint NOT NULL,
        PRIMARY KEY (log, sequence)
    );
    CREATE INDEX leaf_of_few ON varco_index.leaf (log, class, at) WHERE class >= 40;
    CREATE TABLE varco_index.tag (
        tag bigint NOT NULL, at bigint NOT NULL, sequence bigint NOT NULL, log integer NOT NULL, week integer NOT NULL,
        PRIMARY KEY (log, week, tag, at, sequence)
    );
    CREATE TABLE varco_index.mark (
        sequence bigint NOT NULL, at bigint NOT NULL, log integer NOT NULL, text text COLLATE "C" NOT NULL,
        PRIMARY KEY (log, text, sequence)
    );
    CREATE TABLE varco_index.hour (
        leaves bigint NOT NULL, last bigint NOT NULL, log integer NOT NULL, hour integer NOT NULL, class smallint NOT NULL,
        PRIMARY KEY (log, hour, class)
    );"#;

/// A server.
pub struct Postgres {
    server: Server,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    client: Option<Client>,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postgres")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A runtime that is dropped on a thread of another would wait there, which that one forbids.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Postgres {
    /// Prepares the connection; the first call makes it, so a hub starts while the server is down.
    ///
    /// # Errors
    /// When the system has no room for it.
    pub fn new(server: Server) -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        Ok(Self { server, runtime: Some(runtime), client: None })
    }

    /// Does the work, within its time. A connection that the server has ended meanwhile is made anew once.
    fn run<T>(&mut self, work: impl AsyncFn(&mut Client) -> Result<T, IndexError>) -> Result<T, IndexError> {
        let Self { server, runtime: Some(runtime), client } = self else { return Err(late()) };
        let outcome = runtime.block_on(async {
            tokio::time::timeout(PATIENCE, async {
                let kept = client.is_some();
                match work(connected(server, client).await?).await {
                    Err(error) if kept && ended(&error) => {
                        *client = None;
                        work(connected(server, client).await?).await
                    }
                    outcome => outcome,
                }
            })
            .await
        });
        let outcome = outcome.unwrap_or_else(|_| Err(late()));
        if outcome.as_ref().is_err_and(ended) {
            *client = None;
        }
        outcome
    }
}

async fn connected<'a>(server: &Server, kept: &'a mut Option<Client>) -> Result<&'a mut Client, IndexError> {
    let mut client = match kept.take() {
        Some(client) => client,
        None => connect(server).await?,
    };
    if client.is_closed() {
        client = connect(server).await?;
    }
    Ok(kept.insert(client))
}

async fn connect(server: &Server) -> Result<Client, IndexError> {
    let mut client = match &server.tls {
        None => {
            let (client, connection) = server.config.connect(NoTls).await.map_err(failed)?;
            tokio::spawn(connection);
            client
        }
        Some(tls) => {
            let tls = MakeRustlsConnect::new(tls.clone());
            let (client, connection) = server.config.connect(tls).await.map_err(failed)?;
            tokio::spawn(connection);
            client
        }
    };
    create(&mut client).await?;
    Ok(client)
}

/// Makes the tables where they are not there, and looks at their version.
async fn create(client: &mut Client) -> Result<(), IndexError> {
    let transaction = client.transaction().await.map_err(failed)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(failed)?;
    let there = "SELECT to_regclass('varco_index.version') IS NOT NULL";
    let there: bool = transaction.query_one(there, &[]).await.map_err(failed)?.get(0);
    if !there {
        transaction.batch_execute(SCHEMA).await.map_err(failed)?;
        let insert = "INSERT INTO varco_index.version VALUES ($1)";
        transaction.execute(insert, &[&VERSION]).await.map_err(failed)?;
    }
    let version =
        transaction.query_one("SELECT version FROM varco_index.version", &[]).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    match version.get(0) {
        VERSION => Ok(()),
        other => Err(IndexError::Version(other.into())),
    }
}

fn failed(error: Error) -> IndexError {
    IndexError::Server(Box::new(error))
}

fn late() -> IndexError {
    IndexError::Server(format!("no answer within {} s", PATIENCE.as_secs()).into())
}

/// Whether the connection is of no more use: all but what the server answers.
fn ended(error: &IndexError) -> bool {
    match error {
        IndexError::Server(error) => error
            .downcast_ref::<Error>()
            .is_none_or(|error| error.is_closed() || error.code().is_none_or(shuts)),
        _ => false,
    }
}

/// A server that stops says so (SQLSTATE class 57, operator intervention).
fn shuts(code: &tokio_postgres::error::SqlState) -> bool {
    code.code().starts_with("57P")
}

impl Rows for Postgres {
    fn place(&mut self, origin: &str) -> Result<Option<Place>, IndexError> {
        self.run(async |client| Ok(read::places(client, Some(origin)).await?.pop()))
    }

    fn places(&mut self) -> Result<Vec<Place>, IndexError> {
        self.run(async |client| read::places(client, None).await)
    }

    fn put(&mut self, origin: &str, portion: &Portion) -> Result<(), IndexError> {
        self.run(async |client| write::put(client, origin, portion).await)
    }

    fn forget(&mut self, origin: &str, below: u64) -> Result<(), IndexError> {
        while self.run(async |client| write::forget(client, origin, below).await)? {}
        Ok(())
    }

    fn clear(&mut self, origin: &str) -> Result<(), IndexError> {
        self.run(async |client| write::clear(client, origin).await)
    }

    fn tagged(
        &mut self,
        origin: &str,
        tags: &[Tag],
        span: Span,
        entries: Range<u64>,
    ) -> Result<Vec<u64>, IndexError> {
        self.run(async |client| read::tagged(client, origin, tags, (span, entries.clone())).await)
    }

    fn has_tags(&mut self, origin: &str, span: Span, entries: Range<u64>) -> Result<bool, IndexError> {
        self.run(async |client| read::has_tags(client, origin, (span, entries.clone())).await)
    }

    fn marked(&mut self, origin: &str, begins: &str) -> Result<Vec<Marked>, IndexError> {
        self.run(async |client| read::marked(client, origin, begins).await)
    }

    fn of_class(
        &mut self,
        origin: &str,
        class: Class,
        span: Span,
    ) -> Result<Vec<(u64, Timestamp)>, IndexError> {
        self.run(async |client| read::of_class(client, origin, class, span).await)
    }

    fn counts(&mut self, origin: &str, span: Span) -> Result<Vec<Count>, IndexError> {
        self.run(async |client| read::counts(client, origin, span).await)
    }

    fn newest(&mut self, origin: &str) -> Result<Option<Timestamp>, IndexError> {
        self.run(async |client| read::newest(client, origin).await)
    }

    fn gone(&mut self, origin: &str) -> Result<Option<Gone>, IndexError> {
        self.run(async |client| read::gone(client, origin).await)
    }
}
