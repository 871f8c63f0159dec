//! The digest of a login's row, which the hub's log holds: SHA-256 over every column in the order of the table but for its
//! number and its entry's, each behind its length in eight octets, most significant first; a column without a value has the length of all
//! ones and nothing after it. Numbers are their decimal digits. The sealed pair is one of the columns and is random to who
//! has no key, so that nobody tries persons until one fits.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{Context, SHA256};
use rusqlite::{Connection, types::ValueRef};

/// Everything but `number`, which a restored table may give anew, and `leaf`, which says where the digest is.
const ROW: &str = "SELECT at, month, way, body, request_id, request_issued, response_id, response_issued,
    response_issuer, assertion_id, name_id, name_qualifier, level, person, client_id, subject, pair
    FROM authentication WHERE number = ?1";

/// The digest of a row, base64url.
///
/// # Errors
/// When the database fails or there is no such row.
pub fn of(db: &Connection, number: i64) -> rusqlite::Result<String> {
    let mut select = db.prepare_cached(ROW)?;
    let columns = select.column_count();
    select.query_row([number], |row| {
        let mut context = Context::new(&SHA256);
        for column in 0..columns {
            match row.get_ref(column)? {
                ValueRef::Null => context.update(&u64::MAX.to_be_bytes()),
                ValueRef::Integer(number) => column_of(&mut context, number.to_string().as_bytes()),
                ValueRef::Text(octets) | ValueRef::Blob(octets) => column_of(&mut context, octets),
                ValueRef::Real(real) => column_of(&mut context, &real.to_be_bytes()),
            }
        }
        Ok(URL_SAFE_NO_PAD.encode(context.finish()))
    })
}

fn column_of(context: &mut Context, octets: &[u8]) {
    context.update(&(octets.len() as u64).to_be_bytes());
    context.update(octets);
}
