//! From a pairwise subject to who it is: the one way in which a person comes out of the register, for an answer of two
//! officers. It needs the month's private key, which the running hub does not read.

use super::{
    entries::{self, EntriesError, Likeness},
    month::Month,
    place, seal,
};
use crate::{
    login::saml::{FiscalNumber, Person, Scheme, SpidCode},
    register::{RegisterError, keys::MonthKeys, seal::Sealer},
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use secrecy::{ExposeSecret as _, SecretBox};
use serde_json::Value;
use std::path::Path;
use varco_audit::records::Records;

/// How far gateway's and hub's clocks may differ, in seconds.
const SKEW: i64 = 120;

/// Why nobody was named.
#[derive(Debug, thiserror::Error)]
pub enum NamingError {
    /// The register, or a key.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// No login is there.
    #[error(
        "the register has no login of this subject before {0}: it was destroyed at its time, or is another hub's"
    )]
    NoLogin(Timestamp),
    /// The private half is elsewhere.
    #[error("{0}.key is not in the folder of the months' keys: give --months with the folder that has it")]
    NoKey(Month),
    /// The pair does not open.
    #[error("the login does not open with the key of {0}: it is another key, or the row was changed")]
    Closed(Month),
    /// The row is not what was recorded.
    #[error(
        "the login is not as the hub's log says: its row was changed or put in (varco-hub register --verify)"
    )]
    NotRecorded,
    /// The log.
    #[error(transparent)]
    Entries(#[from] EntriesError),
    /// The pair says somebody else than the row.
    #[error(
        "what the provider said and the register's person are not one: register.key is another, or the row was changed"
    )]
    OtherPerson,
}

impl From<rusqlite::Error> for NamingError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Register(error.into())
    }
}

/// Who a subject is. Personal data: printed to who asked, and never logged.
pub struct Named {
    /// Who: by fiscal code, or by a pseudonym where the body asks for no more.
    pub person: Person,
    /// How they logged in: `spid`, `cie`, `eidas`, `cns`.
    pub way: String,
    /// The provider, or the card's issuer.
    pub provider: String,
    /// When.
    pub at: Timestamp,
    /// The level, 1 to 3.
    pub level: u8,
    /// Whether the hub's log says the same of the row; `false` where its entry is over or it never had one.
    pub recorded: bool,
}

/// A row of the register.
struct Login {
    number: i64,
    at: i64,
    month: String,
    way: String,
    provider: String,
    level: u8,
    request_id: String,
    pair: Vec<u8>,
    lookup: Vec<u8>,
}

/// Who began a session at `from`: the last login of that subject before.
///
/// # Errors
/// When there is none, it is not as `records`, the hub's log, say, does not open, or says another person than its row. One of
/// which the log has nothing any more is named, and [`Named::recorded`] tells.
pub fn name(
    (database, records): (&Path, &mut Records),
    (sealer, months): (&Sealer, &MonthKeys),
    subject: &str,
    from: Timestamp,
) -> Result<Named, NamingError> {
    let db = entries::open(database)?;
    let login =
        login(&db, subject, from.as_second().saturating_add(SKEW))?.ok_or(NamingError::NoLogin(from))?;
    let recorded = match entries::likeness(&db, login.number, records)? {
        Likeness::Same => true,
        Likeness::Alone => false,
        Likeness::Other => return Err(NamingError::NotRecorded),
    };
    let month: Month = login.month.parse().map_err(|_| NamingError::NoLogin(from))?;
    let private = months.private(month).map_err(RegisterError::from)?;
    let private = SecretBox::new(Box::new(private.ok_or(NamingError::NoKey(month))?));
    let text = seal::open(private.expose_secret(), month, &place(&login.request_id), &login.pair);
    let text = text.map_err(|_| NamingError::Closed(month))?;
    let evidence: Value = serde_json::from_slice(&text).map_err(|_| NamingError::Closed(month))?;
    // The row's person was made from what the checks had passed: nothing else in a message can take their place.
    let mut said = persons(&evidence, &login.way).into_iter();
    let person = said.find(|person| sealer.lookup(&person.key())[..] == login.lookup[..]);
    let Login { at, way, provider, level, .. } = login;
    let (person, at) = (person.ok_or(NamingError::OtherPerson)?, super::month::instant(at));
    Ok(Named { person, way, provider, at, level, recorded })
}

/// The index begins with the gateway, so each gateway that ever was is asked: without that, the whole table would be read.
const LOGIN: &str = "
    WITH RECURSIVE client (id) AS (
        SELECT min(client_id) FROM authentication
        UNION ALL
        SELECT (SELECT min(client_id) FROM authentication WHERE client_id > client.id) FROM client
        WHERE client.id IS NOT NULL
    )
    SELECT a.number, a.at, a.month, a.way, a.response_issuer, a.level, a.request_id, a.pair, person.lookup
    FROM client JOIN authentication a ON a.client_id = client.id AND a.subject = ?1
    JOIN person ON person.id = a.person
    WHERE a.at <= ?2 ORDER BY a.at DESC LIMIT 1";

fn login(db: &Connection, subject: &str, before: i64) -> rusqlite::Result<Option<Login>> {
    let row = |row: &Row<'_>| {
        Ok(Login {
            number: row.get(0)?,
            at: row.get(1)?,
            month: row.get(2)?,
            way: row.get(3)?,
            provider: row.get(4)?,
            level: row.get(5)?,
            request_id: row.get(6)?,
            pair: row.get(7)?,
            lookup: row.get(8)?,
        })
    };
    db.query_row(LOGIN, params![subject, before], row).optional()
}

/// Everybody whom the evidence of a login names.
fn persons(evidence: &Value, way: &str) -> Vec<Person> {
    if let Some(code) = evidence.pointer("/card/fiscal_code").and_then(Value::as_str) {
        return FiscalNumber::from_code(code).map(Person::FiscalNumber).into_iter().collect();
    }
    let response = evidence.get("response").and_then(Value::as_str).unwrap_or_default();
    let Ok(document) = roxmltree::Document::parse(response) else { return Vec::new() };
    let attributes = document.descendants().filter(|node| node.tag_name().name() == "Attribute");
    let said = attributes.filter_map(|attribute| {
        let value = attribute.descendants().find(|node| node.tag_name().name() == "AttributeValue")?;
        person(attribute.attribute("Name")?, value.text()?, way)
    });
    said.collect()
}

fn person(name: &str, value: &str, way: &str) -> Option<Person> {
    match name {
        "fiscalNumber" => FiscalNumber::from_spid(value).ok().map(Person::FiscalNumber),
        "spidCode" => {
            let scheme = [Scheme::Spid, Scheme::Eidas].into_iter().find(|scheme| scheme.name() == way)?;
            SpidCode::read(scheme, value).ok().map(Person::SpidCode)
        }
        _ => None,
    }
}
