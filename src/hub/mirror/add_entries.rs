//! `POST /log/add-entries`: entries of a gateway's log, in packages that each prove themselves. A request holds as many as
//! fit into [`LONGEST`]; the rest follows in others.

use super::{CopyError, Mirrors, add_checkpoint::plain};
use crate::{
    app::{self, Hub},
    oidc::client,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    post, web,
};
use flate2::read::GzDecoder;
use jiff::Timestamp;
use std::{io::Read, sync::Arc};
use varco_audit::tlog::{Standing, Taken, package::Header};

/// The longest body, in octets, before and after it is unpacked: 32 packages of entries of 1 kB.
const LONGEST: usize = 8 << 20;

/// The endpoint.
#[post("/log/add-entries")]
pub async fn add_entries(hub: web::Data<Hub>, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let Some(client) = client::basic_only(&hub, &request) else { return client::unauthorized() };
    let Ok(Ok(body)) = body.to_bytes_limited(LONGEST).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "send fewer packages at a time\n");
    };
    let packed = request.headers().get(header::CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
    let (mirrors, client) = (Arc::clone(&hub.mirrors), client.client_id.clone());
    let taken = web::block(move || match packed.then(|| unpacked(&body)) {
        None => mirrors.take(&client, &body, app::now()),
        Some(Some(body)) => mirrors.take(&client, &body, app::now()),
        Some(None) => Ok(Some(Taken::Malformed)),
    });
    let mut answer = match taken.await {
        Ok(Ok(Some(taken))) => response(taken),
        Ok(Ok(None)) => plain(StatusCode::NOT_FOUND, "no log_key of this gateway names this log\n"),
        Ok(Err(error)) => {
            tracing::error!(%error, alarm = "copy-not-written", "a gateway's log cannot be copied");
            plain(StatusCode::SERVICE_UNAVAILABLE, "the copy cannot be written\n")
        }
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "the hub is stopping\n"),
    };
    answer.headers_mut().insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("gzip"));
    answer
}

fn response(taken: Taken) -> HttpResponse {
    match taken {
        Taken::Whole { signature, .. } => HttpResponse::Ok().content_type("text/plain").body(signature),
        Taken::Part(standing) => info(StatusCode::ACCEPTED, standing),
        Taken::Conflict(standing) => info(StatusCode::CONFLICT, standing),
        Taken::Malformed => plain(StatusCode::BAD_REQUEST, "no package of tlog-mirror was read\n"),
        Taken::Unproven => plain(StatusCode::UNPROCESSABLE_ENTITY, "a package is not in the checkpoint\n"),
    }
}

/// Where to go on: the checkpoint's size, the next entry, and no ticket, since nothing has to be recovered by one.
fn info(status: StatusCode, standing: Standing) -> HttpResponse {
    let text = format!("{}\n{}\n\n", standing.pending, standing.next);
    HttpResponse::build(status).content_type("text/x.tlog.mirror-info").body(text)
}

fn unpacked(body: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let length = GzDecoder::new(body).take(LONGEST as u64 + 1).read_to_end(&mut octets).ok()?;
    (length <= LONGEST).then_some(octets)
}

impl Mirrors {
    /// `None` where the gateway has no such log.
    fn take(&self, client: &str, body: &[u8], now: Timestamp) -> Result<Option<Taken>, CopyError> {
        let Some(copy) = self.copies.get(client) else { return Ok(None) };
        let Some((header, packages)) = Header::read(body) else { return Ok(Some(Taken::Malformed)) };
        if header.origin != copy.key.name() {
            return Ok(None);
        }
        self.with(copy, |open| {
            let Some(mirror) = &mut open.mirror else { return Ok(None) };
            let taken = mirror.take(&header, packages, now)?;
            match &taken {
                // Acknowledged only when the hub's own log has it too.
                Taken::Whole { new, .. } => {
                    self.record(open, now)?;
                    tracing::debug!(client, entries = new.end - new.start, "copied");
                }
                Taken::Unproven => {
                    tracing::error!(
                        alarm = "log-forked",
                        client,
                        "a gateway sends entries that are not in its own checkpoint"
                    );
                }
                _ => {}
            }
            Ok(Some(taken))
        })
    }
}
