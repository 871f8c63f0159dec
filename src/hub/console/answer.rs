//! What several pages answer with: what was found, as a page or as a file, and instants as they are written.

use super::{Console, Reply};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use maud::Markup;
use varco_templates::{
    Lang,
    console::{
        Moment, Trouble, View,
        table::{Table, file_name},
    },
};
use varco_web::lang;

/// What was found as a page, or the page that says what went wrong.
///
/// # Errors
/// When the kernel has no randomness to give.
pub fn page<T>(
    console: &Console,
    request: &HttpRequest,
    found: Result<T, Trouble>,
    make: impl FnOnce(View<'_>, T) -> Markup,
) -> Reply {
    match found {
        Ok(found) => console.page(request, StatusCode::OK, |view| make(view, found)),
        Err(trouble) => console.trouble(request, trouble),
    }
}

/// What was found as a table in a file (RFC 4180), or the page that says what went wrong.
///
/// # Errors
/// As [`page`].
pub fn csv<T>(
    console: &Console,
    request: &HttpRequest,
    found: Result<T, Trouble>,
    place: &str,
    make: impl FnOnce(Lang, T) -> Table,
) -> Reply {
    let lang = lang::of(request);
    match found {
        Ok(found) => {
            let (name, table) = (file_name(place, lang), make(lang, found));
            Ok(file("text/csv; charset=utf-8; header=present", &name, table.csv()))
        }
        Err(trouble) => console.trouble(request, trouble),
    }
}

/// A text that was found, with its file's name, or the page that says what went wrong.
///
/// # Errors
/// As [`page`].
pub fn text(console: &Console, request: &HttpRequest, found: Result<(String, String), Trouble>) -> Reply {
    match found {
        Ok((name, text)) => Ok(file("text/plain; charset=utf-8", &name, text)),
        Err(trouble) => console.trouble(request, trouble),
    }
}

/// A file to be kept, never shown: whatever is in it, it is no page of ours. `name` is one of our own making.
fn file(kind: &'static str, name: &str, octets: impl Into<Vec<u8>>) -> HttpResponse {
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
