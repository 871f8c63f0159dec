//! `POST /log/add-checkpoint`: the copy follows a newer head of the gateway's log.

use super::{CopyError, Mirrors};
use crate::{app::Hub, oidc::client};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, post, web};
use std::sync::Arc;
use varco_audit::tlog::{
    BadCheckpoint, BadNote, Signed,
    add_checkpoint::{Request, Verdict},
};

/// The longest body, in octets: 63 hashes and a note.
const LONGEST: usize = 64 * 1024;

/// The endpoint.
#[post("/log/add-checkpoint")]
pub async fn add_checkpoint(hub: web::Data<Hub>, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let Some(client) = client::basic_only(&hub, &request) else { return client::unauthorized() };
    let Ok(Ok(body)) = body.to_bytes_limited(LONGEST).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long\n");
    };
    let (mirrors, client) = (Arc::clone(&hub.mirrors), client.client_id.clone());
    match web::block(move || mirrors.follow(&client, &body)).await {
        Ok(Ok(answer)) => answer.response(),
        Ok(Err(error)) => {
            tracing::error!(%error, alarm = "copy-not-written", "a gateway's log cannot be copied");
            plain(StatusCode::SERVICE_UNAVAILABLE, "the copy cannot be written\n")
        }
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "the hub is stopping\n"),
    }
}

/// What a gateway is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Followed,
    Malformed,
    UnknownLog,
    NotSigned,
    OtherSize(u64),
    Unproven,
}

impl Answer {
    fn response(self) -> HttpResponse {
        let (status, text) = match self {
            Self::Followed => return HttpResponse::Ok().finish(),
            Self::OtherSize(size) => {
                let mut answer = HttpResponse::Conflict();
                return answer.content_type("text/x.tlog.size").body(format!("{size}\n"));
            }
            Self::Malformed => (StatusCode::BAD_REQUEST, "not a request of tlog-witness\n"),
            Self::UnknownLog => (StatusCode::NOT_FOUND, "no log_key of this gateway names this log\n"),
            Self::NotSigned => (StatusCode::FORBIDDEN, "not signed by the log_key of this gateway\n"),
            Self::Unproven => (StatusCode::UNPROCESSABLE_ENTITY, "it does not continue what is known\n"),
        };
        plain(status, text)
    }
}

impl Mirrors {
    fn follow(&self, client: &str, body: &[u8]) -> Result<Answer, CopyError> {
        let Some(copy) = self.copies.get(client) else { return Ok(Answer::UnknownLog) };
        let Some(request) = Request::parse(body) else { return Ok(Answer::Malformed) };
        if request.checkpoint.origin != copy.key.name() {
            return Ok(Answer::UnknownLog);
        }
        let signed = match Signed::verify(request.octets, &copy.key) {
            Ok(signed) => signed,
            Err(BadCheckpoint::Note(BadNote::Malformed) | BadCheckpoint::Malformed) => {
                return Ok(Answer::Malformed);
            }
            Err(_) => return Ok(Answer::NotSigned),
        };
        self.with(copy, |open| {
            let Some(mirror) = &mut open.mirror else { return Ok(Answer::UnknownLog) };
            let verdict = mirror.follow(&request, &signed)?;
            let known = mirror.standing().pending;
            if mirror.contradicts(&verdict, &signed) {
                tracing::error!(
                    alarm = "log-forked",
                    client,
                    known,
                    sent = signed.size,
                    "a gateway's log was rewritten or cut back; both heads are in {}",
                    copy.folder.join("forked").display()
                );
            }
            Ok(match verdict {
                Verdict::Cosign => Answer::Followed,
                Verdict::OldAbove => Answer::Malformed,
                Verdict::OtherSize(_) | Verdict::Forked => Answer::OtherSize(known),
                Verdict::Unproven => Answer::Unproven,
            })
        })
    }
}

/// A short answer.
pub(super) fn plain(status: StatusCode, text: &'static str) -> HttpResponse {
    HttpResponse::build(status).content_type("text/plain").body(text)
}
