//! The hub's log and OpenSSL's own authority, over HTTP on loopback.

#[path = "../../audit/tests/timestamp/tsa.rs"]
#[expect(dead_code, reason = "this suite stamps, and has no other units")]
mod tsa;

use super::{ask::Failure, kept::Kept, watch::stamp};
use crate::{app, config::TimestampsAsked, log::HubLog, testing::Site};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use std::{net::TcpListener, sync::Arc};
use tsa::Tsa;
use varco_audit::{
    content::Body,
    timestamp::{Authority, BadTimestamp},
    tlog::Folder,
    verify::stamps,
};

/// The authority behind HTTP (RFC 3161, section 3.4), and a page that is none.
fn serve(tsa: &Arc<Tsa>) -> (String, ServerHandle) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let tsa = web::Data::from(tsa.clone());
    let app = move || {
        App::new()
            .app_data(tsa.clone())
            .route("/tsr", web::post().to(reply))
            .route("/page", web::post().to(async || HttpResponse::Ok().content_type("text/html").body("no")))
    };
    let server = HttpServer::new(app).workers(1).listen(socket).unwrap().disable_signals().run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (url, handle)
}

async fn reply(tsa: web::Data<Tsa>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    assert_eq!(request.headers().get("content-type").unwrap(), "application/timestamp-query");
    let reply = web::block(move || tsa.reply(&body, "tsa", "")).await.unwrap();
    HttpResponse::Ok().content_type("application/timestamp-reply").body(reply)
}

/// The settings' table, read as the hub reads it.
fn asked(tsa: &Tsa, url: &str) -> Arc<TimestampsAsked> {
    let ca = tsa.0.join("root.pem").display().to_string();
    let site = Site::make("stamps-settings");
    site.change("\n[index]", &format!("\n[log.timestamp]\nurl = \"{url}\"\nca = \"{ca}\"\n[index]"));
    let settings = crate::config::Settings::load(&site.file).unwrap();
    Arc::new(settings.log.timestamp.unwrap().asked(&site.file).unwrap())
}

fn grow(log: &HubLog) {
    let body = Body::Copied { checkpoint: "a checkpoint".to_owned() };
    log.prove(log.record(&[body], app::now()).unwrap()).unwrap();
}

#[actix_web::test]
async fn checkpoints_are_stamped_and_of_a_day_the_first_and_the_newest_stay() {
    let site = Site::make("stamps");
    let hub = site.hub();
    let tsa = Arc::new(Tsa::new("hub"));
    let (url, server) = serve(&tsa);
    let asked = asked(&tsa, &format!("{url}/tsr"));
    let kept = Kept::of(hub.log.folder());
    let mut sizes = Vec::new();
    for _ in 0..4 {
        grow(&hub.log);
        sizes.push(hub.log.checkpoint().unwrap().size);
        assert!(stamp(&hub.log, &kept, &asked).await.unwrap().is_some());
    }
    // Where midnight fell among them one more may be there.
    let left = kept.sizes().unwrap();
    assert!((left.first(), left.last()) == (sizes.first(), sizes.last()) && left.len() < 4, "{left:?}");

    let files = Folder::new(hub.log.folder());
    let authority = Authority::from_pem(&tsa.pem("root")).unwrap();
    let said = stamps(&files, &files.paths().unwrap(), hub.log.key(), &authority).unwrap();
    assert_eq!(said.iter().map(|stamped| stamped.size).collect::<Vec<_>>(), left);
    server.stop(false).await;
}

#[actix_web::test]
async fn what_is_no_stamp_of_the_authority_is_not_kept() {
    let site = Site::make("no-stamps");
    let hub = site.hub();
    grow(&hub.log);
    let (tsa, other) = (Arc::new(Tsa::new("hub-no")), Tsa::new("hub-other"));
    let (url, server) = serve(&tsa);
    let kept = Kept::of(hub.log.folder());
    let stranger = stamp(&hub.log, &kept, &asked(&other, &format!("{url}/tsr"))).await;
    assert!(matches!(stranger, Err(Failure::Refused(BadTimestamp::OtherAuthority(_)))), "{stranger:?}");
    let page = stamp(&hub.log, &kept, &asked(&tsa, &format!("{url}/page"))).await;
    assert!(matches!(page, Err(Failure::Status(_))), "{page:?}");
    server.stop(false).await;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = stamp(&hub.log, &kept, &asked(&tsa, &format!("http://{closed}/tsr"))).await;
    assert!(matches!(nobody, Err(Failure::Unreachable(_))), "{nobody:?}");
    assert!(kept.sizes().unwrap().is_empty());
}
