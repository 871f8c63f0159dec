//! What single logout must know: the logins of the last day by their provider's names, and what the gateways are still
//! to be told. In `hub.db` and durable, since a provider that was told "done" does not ask again.

use super::{Authentication, Register, RegisterError, seal};
use crate::login::saml::Session;
use rusqlite::{OptionalExtension, Row, Transaction, TransactionBehavior, params};

/// How long a login can be ended from outside, in seconds: no pass is longer than a day.
const LIVES: i64 = 24 * 3600;

/// A login that a provider's session belongs to.
#[derive(Clone, PartialEq, Eq)]
pub struct Open {
    /// How the person logged in: the name of a scheme.
    pub way: String,
    /// The body that asked.
    pub body: String,
    /// What the provider calls it.
    pub session: Session,
}

/// A login that has ended, for the gateway to be told (RFC 8417). Names nobody outside the gateway.
#[derive(Clone, PartialEq, Eq)]
pub struct Ended {
    /// Identifier of the event.
    pub jti: String,
    /// The login.
    pub sid: String,
    /// The pairwise subject.
    pub subject: String,
    /// When it ended, in Unix seconds.
    pub at: i64,
}

/// Writes the session of a login, and forgets those of more than a day ago: at a login the clock is right.
pub(super) fn begin(
    transaction: &Transaction<'_>,
    login: &Authentication<'_>,
    sid: &str,
    subject: &str,
) -> rusqlite::Result<()> {
    for old in ["DELETE FROM session WHERE at < ?1", "DELETE FROM event WHERE at < ?1"] {
        transaction.prepare_cached(old)?.execute([login.at.saturating_sub(LIVES)])?;
    }
    transaction
        .prepare_cached("INSERT INTO session VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?
        .execute(params![
            sid,
            login.at,
            login.way,
            login.body,
            login.response_issuer,
            login.name_id,
            login.name_qualifier,
            login.session_index,
            login.client_id,
            subject,
        ])
        .map(drop)
}

impl Register {
    /// Ends every login that a provider's logout request names, and keeps for their gateways that they have ended;
    /// says how many: those of the body that was asked. A login whose session the provider never named is named by its transient name alone.
    ///
    /// # Errors
    /// When it is not on the disk; then the provider must not be told that it is done.
    pub fn end_sessions(
        &self,
        body: &str,
        provider: &str,
        name_id: &str,
        indexes: &[String],
        now: i64,
    ) -> Result<usize, RegisterError> {
        let db = self.db();
        let transaction = Transaction::new_unchecked(&db, TransactionBehavior::Immediate)?;
        let found = named(&transaction, body, provider, name_id)?;
        let meant = |index: &Option<String>| {
            indexes.is_empty() || index.as_ref().is_none_or(|index| indexes.contains(index))
        };
        let mut ended = 0;
        for (sid, client_id, subject, _) in found.iter().filter(|(.., index)| meant(index)) {
            transaction.prepare_cached("DELETE FROM session WHERE sid = ?1")?.execute([sid])?;
            transaction
                .prepare_cached(
                    "INSERT INTO event (jti, client_id, sid, subject, at) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![seal::random_id()?, client_id, sid, subject, now])?;
            ended += 1;
        }
        transaction.commit()?;
        drop(db);
        if ended > 0 {
            self.ended.notify_waiters();
        }
        Ok(ended)
    }

    /// Whether a login has not been ended since.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lasts(&self, sid: &str) -> Result<bool, RegisterError> {
        let db = self.db();
        let mut select = db.prepare_cached("SELECT 1 FROM session WHERE sid = ?1")?;
        Ok(select.query_row([sid], |_| Ok(())).optional()?.is_some())
    }

    /// Takes a gateway's login, to log out of it at its provider; once.
    ///
    /// # Errors
    /// When the database fails.
    pub fn take_session(&self, sid: &str, client_id: &str) -> Result<Option<Open>, RegisterError> {
        let db = self.db();
        let mut take = db.prepare_cached(
            "DELETE FROM session WHERE sid = ?1 AND client_id = ?2
             RETURNING way, body, provider, name_id, name_qualifier, session_index",
        )?;
        Ok(take.query_row([sid, client_id], open).optional()?)
    }

    /// What a gateway is still to be told, the oldest first, `most` at most.
    ///
    /// # Errors
    /// When the database fails.
    pub fn untold(&self, client_id: &str, most: u32) -> Result<Vec<Ended>, RegisterError> {
        let db = self.db();
        let mut select = db.prepare_cached(
            "SELECT jti, sid, subject, at FROM event WHERE client_id = ?1 ORDER BY number LIMIT ?2",
        )?;
        let rows = select.query_map(params![client_id, most], |row| {
            Ok(Ended { jti: row.get(0)?, sid: row.get(1)?, subject: row.get(2)?, at: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A gateway has dealt with these.
    ///
    /// # Errors
    /// When the database fails; the gateway is then told again.
    pub fn told<'a>(
        &self,
        client_id: &str,
        jtis: impl Iterator<Item = &'a str>,
    ) -> Result<(), RegisterError> {
        let db = self.db();
        let transaction = db.unchecked_transaction()?;
        for jti in jtis {
            transaction
                .prepare_cached("DELETE FROM event WHERE jti = ?1 AND client_id = ?2")?
                .execute([jti, client_id])?;
        }
        Ok(transaction.commit()?)
    }
}

/// Login, gateway, subject and the provider's session.
type Named = (String, String, String, Option<String>);

fn named(
    transaction: &Transaction<'_>,
    body: &str,
    provider: &str,
    name_id: &str,
) -> rusqlite::Result<Vec<Named>> {
    let mut select = transaction.prepare_cached(
        "SELECT sid, client_id, subject, session_index FROM session 
         WHERE provider = ?1 AND name_id = ?2 AND body = ?3",
    )?;
    let rows = select.query_map([provider, name_id, body], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    rows.collect()
}

fn open(row: &Row<'_>) -> rusqlite::Result<Open> {
    let session = Session {
        provider: row.get(2)?,
        name_id: row.get(3)?,
        name_qualifier: row.get(4)?,
        session_index: row.get(5)?,
    };
    Ok(Open { way: row.get(0)?, body: row.get(1)?, session })
}
