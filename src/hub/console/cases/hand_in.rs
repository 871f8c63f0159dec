//! `POST /cases/request`, `/cases/decision`: what officers hand in, as a file or as its text. Which of the two a document is
//! for is in its first line, whatever the form says; who signed it is looked at where it is taken ([`crate::lookup`]).

use super::{page, refused};
use crate::{
    app,
    console::{Console, Reply, block, session::Visitor},
    lookup::{self, Refusal},
};
use actix_multipart::Multipart;
use actix_web::{
    HttpRequest,
    web::{Data, ReqData},
};
use futures_util::StreamExt as _;
use varco_audit::case::{Answer, Approval, Document, Refusal as Refused, Request};
use varco_templates::console::{Handed, Trouble, Why};
use varco_web::form;

/// The longest form, in octets. A document has some kilobytes and at most [`lookup::MOST`].
pub const LARGEST: usize = lookup::MOST + (4 << 10);
/// The most fields of a form; the page's have three.
const FIELDS: usize = 8;

/// Takes a request.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::post("/cases/request")]
pub async fn ask(
    request: HttpRequest,
    console: Data<Console>,
    visitor: ReqData<Visitor>,
    parts: Multipart,
) -> Reply {
    hand_in(&request, &console, &visitor, parts, &[Request::FORMAT]).await
}

/// Takes an approval, a refusal or an answer.
///
/// # Errors
/// As [`ask`].
#[actix_web::post("/cases/decision")]
pub async fn decide(
    request: HttpRequest,
    console: Data<Console>,
    visitor: ReqData<Visitor>,
    parts: Multipart,
) -> Reply {
    let formats = [Approval::FORMAT, Refused::FORMAT, Answer::FORMAT];
    hand_in(&request, &console, &visitor, parts, &formats).await
}

async fn hand_in(
    request: &HttpRequest,
    console: &Data<Console>,
    visitor: &Visitor,
    parts: Multipart,
    formats: &[&str],
) -> Reply {
    match taken(request, console, parts, formats).await {
        Ok(handed) => page(request, console, visitor, Some(handed)).await,
        Err(trouble) => console.trouble(request, trouble),
    }
}

/// Gives a document of one of these formats to the case that it is of.
async fn taken(
    request: &HttpRequest,
    console: &Data<Console>,
    parts: Multipart,
    formats: &[&str],
) -> Result<Handed, Trouble> {
    let sent = Sent::read(parts).await?;
    if !form::proves(request, &sent.form) {
        return Err(Trouble::FormExpired);
    }
    let document = sent.document();
    let first = document.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let is_of = |formats: &[&str]| formats.iter().any(|format| format.as_bytes() == first);
    if !is_of(formats) {
        let all = [Request::FORMAT, Approval::FORMAT, Refused::FORMAT, Answer::FORMAT];
        let why = if is_of(&all) { Why::OtherHalf } else { Why::NoDocument };
        return Ok(Handed::Refused(why.into()));
    }
    let submit = move |console: &Console| match lookup::submit(&console.hub, &document, app::now()) {
        Ok(taken) => Ok(Handed::Taken(taken.case.to_string())),
        Err(Refusal::Log(error)) => Err(error.into()),
        Err(refusal) => Ok(Handed::Refused(refused::words(console, &refusal))),
    };
    block(console, submit).await
}

/// What the page's form sends, in parts (RFC 7578).
#[derive(Default)]
struct Sent {
    form: String,
    file: Vec<u8>,
    typed: Vec<u8>,
}

impl Sent {
    /// Reads a form, [`LARGEST`] octets of it at most.
    async fn read(mut parts: Multipart) -> Result<Self, Trouble> {
        let (mut sent, mut left) = (Self::default(), LARGEST);
        for _ in 0..FIELDS {
            let Some(part) = parts.next().await else { break };
            let mut part = part.map_err(|_| Trouble::FormExpired)?;
            let mut octets = Vec::new();
            while let Some(some) = part.next().await {
                let some = some.map_err(|_| Trouble::FormExpired)?;
                left = left.checked_sub(some.len()).ok_or(Trouble::TooLarge)?;
                octets.extend_from_slice(&some);
            }
            match part.name() {
                Some("form") => sent.form = String::from_utf8_lossy(&octets).into_owned(),
                Some("file") => sent.file = octets,
                Some("text") => sent.typed = octets,
                _ => {}
            }
        }
        Ok(sent)
    }

    /// The file, where one was chosen; else what was pasted: a form sends each end of a line as two characters, a document
    /// has the one.
    fn document(self) -> Vec<u8> {
        if !self.file.is_empty() {
            return self.file;
        }
        String::from_utf8_lossy(&self.typed).replace("\r\n", "\n").into_bytes()
    }
}
