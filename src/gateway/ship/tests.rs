//! Shipping to a mirror that is real but for its HTTP: it is away, begins anew, restarts, and is another log's.

use super::*;
use crate::{hub::tests::provider::settings_of, store::tests::tempdir::Folder};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, http::StatusCode, web};
use std::sync::Mutex;
use varco_audit::tlog::{
    CosignerKey, Log, Mirror, NoteKey, Signed, Taken,
    add_checkpoint::{Request, Verdict},
    package::Header,
};

const ORIGIN: &str = "accesso.example.it/log/library";
const MIRROR: &str = "accesso.example.it/mirror";

/// What the hub does with a log.
struct Copying {
    mirror: Mutex<Option<Mirror>>,
    log: varco_audit::tlog::VerifierKey,
    /// Answers this to everything, while it is set.
    says: Mutex<Option<StatusCode>>,
    requests: Mutex<Vec<String>>,
}

fn said(copying: &Copying, request: &HttpRequest) -> Option<HttpResponse> {
    copying.requests.lock().unwrap().push(request.path().to_owned());
    copying.says.lock().unwrap().map(|status| HttpResponse::build(status).finish())
}

async fn add_checkpoint(copying: web::Data<Copying>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    if let Some(answer) = said(&copying, &request) {
        return answer;
    }
    let asked = Request::parse(&body).unwrap();
    let signed = Signed::verify(asked.octets, &copying.log).unwrap();
    let mut mirror = copying.mirror.lock().unwrap();
    match mirror.as_mut().unwrap().follow(&asked, &signed).unwrap() {
        Verdict::Cosign => HttpResponse::Ok().finish(),
        Verdict::OtherSize(size) => HttpResponse::Conflict().body(format!("{size}\n")),
        Verdict::Unproven => HttpResponse::UnprocessableEntity().finish(),
        Verdict::Forked => HttpResponse::Conflict().body(format!("{}\n", signed.size)),
        Verdict::OldAbove => HttpResponse::BadRequest().finish(),
    }
}

async fn add_entries(copying: web::Data<Copying>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    if let Some(answer) = said(&copying, &request) {
        return answer;
    }
    let (header, packages) = Header::read(&body).unwrap();
    let mut mirror = copying.mirror.lock().unwrap();
    match mirror.as_mut().unwrap().take(&header, packages, now()).unwrap() {
        Taken::Whole { signature, .. } => HttpResponse::Ok().body(signature),
        Taken::Part(s) => HttpResponse::Accepted().body(format!("{}\n{}\n\n", s.pending, s.next)),
        Taken::Conflict(s) => HttpResponse::Conflict().body(format!("{}\n{}\n\n", s.pending, s.next)),
        Taken::Malformed => HttpResponse::BadRequest().finish(),
        Taken::Unproven => HttpResponse::UnprocessableEntity().finish(),
    }
}

/// A gateway's log and a hub that copies it.
struct World {
    folder: Folder,
    log: Log,
    copying: web::Data<Copying>,
    address: String,
    board: Arc<Board>,
    mirror_key: varco_audit::tlog::VerifierKey,
    server: ServerHandle,
}

impl World {
    async fn new() -> Self {
        let folder = Folder::new();
        let key = NoteKey::load_or_make(&folder.path().join("log.key"), ORIGIN).unwrap();
        let log_key = key.verifier().clone();
        let log = Log::open(&folder.path().join("log"), ORIGIN, key).unwrap();
        let (mirror, mirror_key) = mirror(&folder, "copy", &log_key);
        let (says, requests) = Default::default();
        let copying = Copying { mirror: Mutex::new(Some(mirror)), log: log_key, says, requests };
        let (copying, served) =
            (web::Data::new(copying), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let address = format!("http://{}", served.local_addr().unwrap());
        let data = copying.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(8 << 20))
                .route("/log/add-checkpoint", web::post().to(add_checkpoint))
                .route("/log/add-entries", web::post().to(add_entries))
        });
        let server = server.workers(1).disable_signals().listen(served).unwrap().run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let board = Arc::<Board>::default();
        Self { folder, log, copying, address, board, mirror_key, server: handle }
    }

    fn grow(&mut self, size: u64) {
        let first = self.log.size();
        let leaves: Vec<_> = (first..size).map(|n| n.to_string().into_bytes()).collect();
        self.log.integrate(first, &leaves).unwrap();
    }

    /// What a start makes.
    fn ship(&self, mirror: Option<varco_audit::tlog::VerifierKey>) -> Ship {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let hub = Hub::new(settings_of(&self.address), "https://wifi.example.it", reqwest::Client::new());
        let state = self.folder.path();
        let key = self.log.key().verifier().clone();
        let shipped = Shipped::open(&state.join("log"), state, key, mirror).unwrap();
        Ship {
            hub: Arc::new(hub.unwrap()),
            shipped,
            board: Arc::clone(&self.board),
            kept: Kept::default(),
            said: None,
            away: AWAY.0,
        }
    }

    async fn talk(&self, ship: &mut Ship) -> Result<u64, Refused> {
        talk::ship(&ship.hub, &mut ship.shipped).await.map(|()| ship.shipped.size())
    }

    fn says(&self, status: Option<StatusCode>) {
        *self.copying.says.lock().unwrap() = status;
    }

    fn requests(&self) -> usize {
        self.copying.requests.lock().unwrap().drain(..).count()
    }
}

fn mirror(
    folder: &Folder,
    name: &str,
    log: &varco_audit::tlog::VerifierKey,
) -> (Mirror, varco_audit::tlog::VerifierKey) {
    let cosigner = CosignerKey::load_or_make(&folder.path().join("mirror.key"), MIRROR).unwrap();
    let key = cosigner.verifier().clone();
    (Mirror::open(&folder.path().join(name), log.clone(), cosigner).unwrap(), key)
}

#[actix_web::test]
async fn what_is_recorded_is_shipped_kept_and_goes_on_after_a_restart() {
    let mut world = World::new().await;
    world.grow(9000);
    let mut ship = world.ship(Some(world.mirror_key.clone()));
    assert_eq!(world.talk(&mut ship).await.unwrap(), 9000);
    assert_eq!(world.requests(), 3, "a head, 32 packages, the rest");
    world.grow(9001);
    let mut ship = world.ship(Some(world.mirror_key.clone()));
    assert_eq!(ship.shipped.size(), 9000, "a start knows what was acknowledged");
    assert_eq!(world.talk(&mut ship).await.unwrap(), 9001);
    assert_eq!(world.requests(), 2);
    let (size, at) = ship.shipped.acknowledged().unwrap();
    assert!(size == 9001 && now().duration_since(at).abs() < jiff::SignedDuration::from_mins(1), "{at}");
    // What was lost here is asked of the hub.
    std::fs::remove_file(world.folder.path().join("log.shipped")).unwrap();
    let mut ship = world.ship(None);
    assert_eq!((ship.shipped.size(), ship.shipped.acknowledged()), (0, None));
    assert_eq!(world.talk(&mut ship).await.unwrap(), 9001);
    world.server.stop(false).await;
}

#[actix_web::test]
async fn a_hub_that_is_away_or_keeps_no_copy_is_asked_again_later() {
    let mut world = World::new().await;
    world.grow(10);
    let mut ship = world.ship(None);
    for (status, away) in [
        (StatusCode::SERVICE_UNAVAILABLE, true),
        (StatusCode::INTERNAL_SERVER_ERROR, true),
        (StatusCode::NOT_FOUND, false),
        (StatusCode::UNAUTHORIZED, false),
    ] {
        world.says(Some(status));
        let refused = world.talk(&mut ship).await.unwrap_err();
        assert_eq!(matches!(refused, Refused::Away(_)), away, "{refused}");
        assert_eq!(matches!(refused, Refused::NotCopied), status == StatusCode::NOT_FOUND, "{refused}");
        ship.tell(&refused);
        assert_eq!(world.board.shipping.state().not_copied, status == StatusCode::NOT_FOUND);
    }
    let waits: Vec<_> = (0..8).map(|_| ship.tell(&Refused::Away("away".into())).as_secs()).collect();
    assert_eq!(waits.last(), Some(&600), "{waits:?}");
    world.says(None);
    assert_eq!(world.talk(&mut ship).await.unwrap(), 10);
    world.server.stop(false).await;
    assert!(matches!(world.talk(&mut ship).await, Err(Refused::Away(_))));
}

#[actix_web::test]
async fn a_hub_that_begins_anew_gets_everything_and_one_with_another_history_nothing() {
    let mut world = World::new().await;
    world.grow(600);
    let mut ship = world.ship(None);
    world.talk(&mut ship).await.unwrap();
    // The hub lost its disk.
    let (anew, _) = mirror(&world.folder, "anew", &world.copying.log);
    let old = world.copying.mirror.lock().unwrap().replace(anew);
    world.grow(700);
    assert_eq!(world.talk(&mut ship).await.unwrap(), 700);
    // This gateway's log is an old copy of itself: the hub has more of it.
    *world.copying.mirror.lock().unwrap() = old;
    let key = NoteKey::load_or_make(&world.folder.path().join("log.key"), ORIGIN).unwrap();
    world.log = Log::open(&world.folder.path().join("short"), ORIGIN, key).unwrap();
    world.grow(300);
    let state = world.folder.path().join("other");
    std::fs::create_dir(&state).unwrap();
    let short = world.folder.path().join("short");
    ship.shipped = Shipped::open(&short, &state, world.copying.log.clone(), None).unwrap();
    let refused = world.talk(&mut ship).await.unwrap_err();
    assert!(
        matches!(&refused, Refused::Forked(why) if why.contains("600 entries of this log, and here are 300")),
        "{refused}"
    );
    world.grow(601);
    assert_eq!(world.talk(&mut ship).await.unwrap(), 601, "the same entries again are the same log");
    world.server.stop(false).await;
}

#[actix_web::test]
async fn another_mirror_acknowledges_nothing() {
    let mut world = World::new().await;
    world.grow(10);
    let other = CosignerKey::load_or_make(&world.folder.path().join("other.key"), MIRROR).unwrap();
    let mut ship = world.ship(Some(other.verifier().clone()));
    let refused = world.talk(&mut ship).await.unwrap_err();
    assert!(matches!(&refused, Refused::Answer(why) if why.contains("hub.log_mirror")), "{refused}");
    assert!(!world.folder.path().join("log.shipped").exists());
    world.server.stop(false).await;
}
