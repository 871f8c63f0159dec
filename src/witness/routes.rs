//! Which path leads where, and how each answer is said (C2SP tlog-witness).

use crate::witness::{Answer, Witness};
use actix_web::{HttpRequest, HttpResponse, get, http::StatusCode, post, web};
use jiff::Timestamp;
use std::time::Duration;

/// The largest body of a request, in octets: 63 lines of proof are 3 kB, and signatures may be of keys whose signature has 5.
const LARGEST_BODY: usize = 1 << 16;
/// How long one request may take, its body included. What the disk was given by then is noted, and not answered.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Which path leads where.
pub fn routes(app: &mut web::ServiceConfig) {
    app.app_data(web::PayloadConfig::new(LARGEST_BODY))
        .service(add_checkpoint)
        .service(health)
        .default_service(web::to(not_found));
}

/// Takes a checkpoint and gives the cosignature. Whoever can reach it may ask: the log's signature is what counts.
#[post("/add-checkpoint")]
async fn add_checkpoint(witness: web::Data<Witness>, body: web::Bytes) -> actix_web::Result<HttpResponse> {
    let now = now();
    let answer = web::block(move || witness.add_checkpoint(&body, now)).await?;
    Ok(say(answer))
}

fn say(answer: Answer) -> HttpResponse {
    let (status, body) = match answer {
        Answer::Cosigned(lines) => (StatusCode::OK, lines),
        Answer::OtherSize(size) => {
            return HttpResponse::Conflict().content_type("text/x.tlog.size").body(format!("{size}\n"));
        }
        Answer::Malformed => (StatusCode::BAD_REQUEST, "this is no request of tlog-witness\n".into()),
        Answer::OldAbove => {
            (StatusCode::BAD_REQUEST, "the old size is above that of the checkpoint\n".into())
        }
        Answer::UnknownLog => (StatusCode::NOT_FOUND, "this log is not witnessed here\n".into()),
        Answer::NotSigned => {
            (StatusCode::FORBIDDEN, "no key that is trusted for this log has signed\n".into())
        }
        Answer::Forked => (StatusCode::CONFLICT, "another root is known for this size\n".into()),
        Answer::Unproven => (StatusCode::UNPROCESSABLE_ENTITY, "the proof does not hold\n".into()),
        Answer::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "the state cannot be written\n".into()),
    };
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(body)
}

/// 200, or 503 when the state could not be written the last time.
#[get("/health")]
async fn health(witness: web::Data<Witness>) -> HttpResponse {
    let (status, body) = match witness.is_failing() {
        false => (StatusCode::OK, "ok\n"),
        true => (StatusCode::SERVICE_UNAVAILABLE, "the state cannot be written\n"),
    };
    HttpResponse::build(status).content_type("text/plain").body(body)
}

async fn not_found(_: HttpRequest) -> HttpResponse {
    HttpResponse::NotFound().content_type("text/plain").body("a witness: POST /add-checkpoint\n")
}

#[expect(clippy::disallowed_methods, reason = "the edge of the program: endpoints read the clock here only")]
fn now() -> Timestamp {
    Timestamp::now()
}
