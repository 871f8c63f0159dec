//! What several pages answer with: files, and instants as they are written.

use actix_web::{HttpResponse, http::header};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use varco_templates::{
    Lang,
    console::{
        Moment,
        table::{Table, file_name},
    },
};

/// A table as a file (RFC 4180).
pub fn csv(place: &str, lang: Lang, table: &Table) -> HttpResponse {
    file("text/csv; charset=utf-8; header=present", &file_name(place, lang), table.csv())
}

/// A file to be kept, never shown: whatever is in it, it is no page of ours. `name` is one of our own making.
pub fn file(kind: &'static str, name: &str, octets: impl Into<Vec<u8>>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(octets.into())
}

/// An instant in a time zone, to the second, with its offset.
pub fn written(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%:z").to_string()
}

/// An instant, and how long ago it was.
pub fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> Moment {
    let ago = now.duration_since(at).max(SignedDuration::ZERO).as_secs();
    Moment { at: written(at, zone), ago: u64::try_from(ago).unwrap_or_default() }
}
