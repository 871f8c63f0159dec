//! A gateway's log is copied over HTTPS into the hub's folders.

use crate::testing::{Running, SECRET, Site, eventually, folder};
use jiff::Timestamp;
use openidconnect::reqwest::Response;
use std::path::PathBuf;
use varco_audit::{
    content::{Body, Content},
    leaf::{Header as LeafHeader, Leaf, Mark, join},
    tlog::{
        Cosignature, Folder, Log, NoteKey, Signed, Tiles, add_checkpoint,
        package::{self, Header},
    },
    verify::{Asked, SILENCE, verify},
};

pub(crate) const ORIGIN: &str = "accesso.comune.example.it/log/biblioteca-civica";
pub(crate) const GATEWAY: &str = "biblioteca-civica";

/// A gateway's log, with as many heartbeats as are asked for.
pub(crate) struct Gateway {
    folder: PathBuf,
    pub(crate) log: Log,
    /// When the first was made.
    pub(crate) began: Timestamp,
}

impl Gateway {
    pub(crate) fn make() -> Self {
        Self::of(Timestamp::from_second(1_800_000_000).unwrap())
    }

    pub(crate) fn of(began: Timestamp) -> Self {
        let folder = folder("gateway-log");
        let key = NoteKey::load_or_make(&folder.join("log.key"), ORIGIN).unwrap();
        let log = Log::open(&folder.join("log"), ORIGIN, key).unwrap();
        Self { folder, log, began }
    }

    pub(crate) fn grow(&mut self, size: u64, what: &str) {
        let first = self.log.size();
        let began = self.began.as_second();
        let at = |n: u64| Timestamp::from_second(began + n as i64).unwrap();
        let leaf = |n: u64| {
            let header = LeafHeader {
                class: varco_audit::class::Class::R6,
                site: "biblioteca-civica".into(),
                sequence: n,
                at: at(n),
                period: None,
                mark: Mark::None,
            };
            join(&header.to_string(), format!("{{\"{what}\":{n}}}").as_bytes())
        };
        self.log.integrate(first, &(first..size).map(leaf).collect::<Vec<_>>()).unwrap();
    }

    fn tiles(&self) -> Tiles<Folder> {
        Tiles::open(Folder::new(&self.folder.join("log")), self.log.checkpoint()).unwrap()
    }

    fn head(&self, old: u64) -> Vec<u8> {
        let proof = if old > self.log.size() { Vec::new() } else { self.tiles().consistency(old).unwrap() };
        add_checkpoint::write(old, &proof, self.log.checkpoint().note()).into_bytes()
    }

    fn entries(&self, start: u64, most: usize) -> Vec<u8> {
        let header = Header { origin: ORIGIN.into(), start, end: self.log.size(), ticket: Vec::new() };
        package::body(&mut self.tiles(), &header, most).unwrap()
    }

    pub(crate) fn site(&self, name: &str) -> Site {
        let site = Site::make(name);
        let key = format!("client_id = \"{GATEWAY}\"\nlog_key = \"{}\"", self.log.key().vkey());
        site.change(&format!("client_id = \"{GATEWAY}\""), &key);
        site
    }
}

/// Brings a log to the hub from so many entries on, as far as it is.
pub(crate) async fn ship(hub: &Running, gateway: &Gateway, from: u64) -> String {
    let followed = status(post(hub, "add-checkpoint", GATEWAY, gateway.head(from)).await).await;
    assert_eq!(followed, (200, String::new()));
    let (code, line) =
        status(post(hub, "add-entries", GATEWAY, gateway.entries(from, usize::MAX)).await).await;
    assert_eq!(code, 200, "{line}");
    line
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn post(hub: &Running, path: &str, client: &str, body: Vec<u8>) -> Response {
    let request = hub.client().post(format!("{}/log/{path}", hub.base)).basic_auth(client, Some(encoded()));
    request.body(body).send().await.unwrap()
}

fn encoded() -> String {
    url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect()
}

async fn status(answer: Response) -> (u16, String) {
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[actix_web::test]
async fn a_gateways_log_is_copied_acknowledged_and_in_the_hubs_own_log() {
    let mut gateway = Gateway::make();
    gateway.grow(700, "beat");
    let hub = Running::with(gateway.site("mirror")).await;
    assert_eq!(
        status(post(&hub, "add-entries", GATEWAY, gateway.entries(0, 1)).await).await,
        (409, "0\n0\n\n".into())
    );
    assert_eq!(
        status(post(&hub, "add-checkpoint", GATEWAY, gateway.head(5)).await).await,
        (409, "0\n".into())
    );
    assert_eq!(
        status(post(&hub, "add-checkpoint", GATEWAY, gateway.head(0)).await).await,
        (200, String::new())
    );
    let part = post(&hub, "add-entries", GATEWAY, gateway.entries(0, 1)).await;
    assert_eq!(part.headers()["content-type"], "text/x.tlog.mirror-info");
    assert_eq!(status(part).await, (202, "700\n256\n\n".into()));
    let before = hub.hub.log.state().size + hub.hub.log.state().waiting;
    let (code, line) =
        status(post(&hub, "add-entries", GATEWAY, gateway.entries(256, usize::MAX)).await).await;
    assert_eq!(code, 200, "{line}");
    let note = format!("{}{line}", gateway.log.checkpoint().note());
    let signed = Signed::verify(note.as_bytes(), gateway.log.key().verifier()).unwrap();
    Cosignature::verify(&signed, hub.hub.mirrors.vkey()).unwrap();
    // The copy verifies as the log does.
    let (key, copy) = hub.hub.mirrors.of(GATEWAY).unwrap();
    let files = Folder::new(copy);
    let asked = Asked {
        key: key.clone(),
        seen: Vec::new(),
        witnesses: vec![hub.hub.mirrors.vkey().clone()],
        site: None,
        expired: 0,
        keepers: Vec::new(),
        silence: SILENCE,
    };
    assert_eq!(verify(&files, &files.paths().unwrap(), &asked).unwrap().checkpoint.size, 700);
    // The hub's own log has it, and says so with a proof.
    let proof = hub.hub.log.prove(before).unwrap();
    let leaf: Content = serde_json::from_slice(Leaf::read(&proof.entry).unwrap().body).unwrap();
    assert_eq!(leaf.body, Body::Copied { checkpoint: note.clone() });
    assert_eq!(hub.hub.mirrors.checkpoint(GATEWAY).unwrap().unwrap().note(), note);
    // Who wants to know was told: the index has it.
    assert!(eventually(async || hub.hub.index.with(|rows| rows.place(ORIGIN)).unwrap().is_some()).await);
    // Anybody may keep the hub's head.
    let head = status(hub.client().get(format!("{}/log/checkpoint", hub.base)).send().await.unwrap()).await;
    assert_eq!(head.0, 200);
    assert!(Signed::verify(head.1.as_bytes(), hub.hub.log.key()).unwrap().size > before);
    hub.stop().await;
}

#[actix_web::test]
async fn nobody_else_writes_a_copy_and_a_rewritten_log_is_refused() {
    let mut gateway = Gateway::make();
    gateway.grow(300, "beat");
    let hub = Running::with(gateway.site("mirror-refusals")).await;
    let code = async |path: &str, client: &str, body: Vec<u8>| {
        post(&hub, path, client, body).await.status().as_u16()
    };
    assert_eq!(code("add-checkpoint", "nobody", gateway.head(0)).await, 401);
    assert_eq!(code("add-entries", "nobody", gateway.entries(0, 1)).await, 401);
    assert_eq!(code("add-checkpoint", "museo", gateway.head(0)).await, 404, "another gateway");
    assert_eq!(code("add-entries", "museo", gateway.entries(0, 1)).await, 404);
    assert_eq!(code("add-checkpoint", GATEWAY, b"old 0".to_vec()).await, 400);
    assert_eq!(code("add-checkpoint", GATEWAY, vec![b'x'; 70_000]).await, 413);
    assert_eq!(code("add-entries", GATEWAY, vec![b'x'; 9 << 20]).await, 413);
    assert_eq!(code("add-entries", GATEWAY, Vec::new()).await, 400);
    let other = Gateway::make();
    assert_eq!(code("add-checkpoint", GATEWAY, other.head(0)).await, 403, "another key");
    assert_eq!(code("add-checkpoint", GATEWAY, gateway.head(0)).await, 200);
    let mut wrong = gateway.entries(0, usize::MAX);
    let last = wrong.len() - 100;
    wrong[last] ^= 1;
    assert_eq!(code("add-entries", GATEWAY, wrong).await, 422, "the second package is not in it");
    assert_eq!(code("add-entries", GATEWAY, gateway.entries(256, 1)).await, 200, "the first was kept");
    // The same key signs another history.
    let kept = gateway.folder.join("log");
    std::fs::rename(&kept, gateway.folder.join("true")).unwrap();
    let key = NoteKey::load_or_make(&gateway.folder.join("log.key"), ORIGIN).unwrap();
    gateway.log = Log::open(&kept, ORIGIN, key).unwrap();
    gateway.grow(400, "other");
    assert_eq!(code("add-checkpoint", GATEWAY, gateway.head(300)).await, 422);
    let copy = hub.hub.mirrors.of(GATEWAY).unwrap().1.to_owned();
    let kept: Vec<_> =
        std::fs::read_dir(copy.join("forked")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(kept.len(), 1);
    assert!(std::fs::read_to_string(&kept[0]).unwrap().ends_with(gateway.log.checkpoint().note()));
    hub.stop().await;
}
