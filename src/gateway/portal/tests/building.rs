//! A building with a gateway: every part of it but the kernel is real.

use super::super::{LONGEST, Portal, host, probe, routes};
use super::enforcer::Enforcer;
use crate::{
    admin::{self, Admin},
    board::Board,
    control,
    event_loop::{EventLoop, Inbox, Message},
    hub::tests::provider::{OFFICE, Provider},
    neighbour::Neighbours,
    site::{
        Rules, Site,
        shares::{self, Told},
    },
    store::{
        Store,
        tests::{keys, tempdir::Folder},
    },
};
use actix_web::{App, HttpServer, dev::ServerHandle, middleware::from_fn, web};
use jiff::{SignedDuration, Timestamp};
use std::{
    fmt::Write,
    net::{Ipv4Addr, SocketAddrV4, TcpListener},
    path::Path,
    rc::Rc,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};
use varco_audit::{
    Entry,
    keeper::{self, Integrator, Running},
};
use varco_policy::{
    Limits, Mac, Rate, Schedule, Shares,
    lane::{Lanes, Share},
    slot::SlotPool,
};

pub const HOST: &str = "wifi.library.example.it";
const QUARANTINE: SignedDuration = SignedDuration::from_mins(10);

pub struct Building {
    pub base: String,
    pub probes: String,
    /// Where the admin pages are.
    pub office: String,
    pub provider: Rc<Provider>,
    pub enforcer: Rc<Enforcer>,
    pub board: Arc<Board>,
    folder: Rc<Folder>,
    rules: Rules,
    inbox: Inbox,
    site: Option<JoinHandle<()>>,
    log: Option<Running>,
    servers: [ServerHandle; 2],
    answers: tokio::task::JoinHandle<()>,
    events: tokio::task::JoinHandle<()>,
}

pub fn mac(number: u8) -> Mac {
    Mac::new([2, 0, 0x5e, 0, 0x53, number])
}

#[expect(clippy::disallowed_methods, reason = "the pages under test read the real clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

impl Drop for Building {
    fn drop(&mut self) {
        // The log's thread writes into the folder until it ends, and the folder goes with this value.
        if let Some(log) = self.log.take() {
            log.stop();
        }
    }
}

impl Building {
    pub async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// A building with other rules.
    pub async fn open_under(rules: Rules) -> Self {
        Self::open_as(rules, |_| {}).await
    }

    pub async fn open_with(prepare: impl FnOnce(&Store)) -> Self {
        Self::open_as(rules(), prepare).await
    }

    async fn open_as(rules: Rules, prepare: impl FnOnce(&Store)) -> Self {
        let folder = Rc::new(Folder::new());
        std::fs::write(folder.path().join("arp"), neighbours()).unwrap();
        let enforcer = Rc::new(Enforcer::start(&folder.path().join("enforcer.sock")));
        Self::build(folder, enforcer, Rc::new(Provider::start().await), rules, prepare).await
    }

    /// The gateway ends and starts again; everything else lives on.
    pub async fn restart(self) -> Self {
        let rules = self.rules.clone();
        self.restart_under(rules).await
    }

    /// The same with other rules.
    pub async fn restart_under(mut self, rules: Rules) -> Self {
        self.close().await;
        let (folder, enforcer) = (Rc::clone(&self.folder), Rc::clone(&self.enforcer));
        Self::build(folder, enforcer, Rc::clone(&self.provider), rules, |_| {}).await
    }

    async fn close(&mut self) {
        self.inbox.tell(Message::Stop).unwrap();
        self.site.take().unwrap().join().unwrap();
        self.log.take().unwrap().stop();
        for server in &self.servers {
            server.stop(false).await;
        }
        self.answers.abort();
        self.events.abort();
    }

    async fn build(
        folder: Rc<Folder>,
        enforcer: Rc<Enforcer>,
        provider: Rc<Provider>,
        rules: Rules,
        prepare: impl FnOnce(&Store),
    ) -> Self {
        let store = Store::open(folder.path(), keys::recorder(now()), QUARANTINE).unwrap();
        let board = Arc::new(Board::default());
        let mut store = store.with(Arc::default(), Arc::clone(&board.log));
        prepare(&store);
        let log = integrator(folder.path(), &board).start().unwrap();
        let kept = store.resume(now()).unwrap();
        let pool = SlotPool::new(&[[198, 18, 0, 3].into(), [198, 18, 0, 4].into()], 512, QUARANTINE);
        let (confirmed, changes) = shares::take_up(store.shares().unwrap(), told(), now());
        store.commit(&changes, now()).unwrap();
        let site = Site::resume(rules.clone(), pool, kept.open, now())
            .knowing(kept.known, now())
            .with_shares(confirmed);
        let (inbox, messages) = Inbox::new();
        let (requests, asked) = std::sync::mpsc::channel();
        let site = EventLoop::new(site, store, messages, requests, Arc::clone(&board)).start().unwrap();
        let socket = folder.path().join("enforcer.sock");
        crate::enforcer::start(socket, asked, inbox.clone()).unwrap();
        control::serve(folder.path(), Arc::clone(&board), inbox.clone()).unwrap();
        let portal = web::Data::new(Portal {
            title: "Library".into(),
            host: HOST.into(),
            schedule: rules.schedule.clone(),
            board: Arc::clone(&board),
            neighbours: Neighbours::in_file(
                folder.path().join("arp"),
                vec![("br-guest".parse().unwrap(), "127.0.0.0/24".parse().unwrap())],
            ),
            inbox: inbox.clone(),
            hub: Arc::new(provider.hub()),
            logins: Default::default(),
        });
        let admin = web::Data::new(Admin {
            title: "Library".into(),
            host: "router.biblioteca.example.it".into(),
            board: Arc::clone(&board),
            line: Default::default(),
            hub: Default::default(),
            login: Arc::new(provider.hub_of(OFFICE).asking(&[admin::SCOPE])),
            logins: Default::default(),
            sessions: Default::default(),
            inbox: inbox.clone(),
            told: told(),
        });
        let asked = crate::hub::events::watch(Arc::clone(&portal.hub), inbox.clone(), admin.clone());
        let events = actix_web::rt::spawn(asked);
        let (office, admin_pages) = serve_admin(admin);
        let (probes, answers) = serve_probes(&portal);
        let (base, pages) = serve_pages(portal);
        let building = Self {
            base,
            probes,
            office,
            provider,
            enforcer,
            board,
            folder,
            rules,
            inbox,
            site: Some(site),
            log: Some(log),
            servers: [pages, admin_pages],
            answers,
            events,
        };
        building.until(|b| b.board.status().enforcer_ready).await;
        building
    }

    /// Waits until it is so, with patience for a loaded machine.
    pub async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..3000 {
            if is_so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never was so");
    }

    /// What the citizen who is online has left of the day, in bytes.
    pub fn left_of_the_day(&self) -> Option<u64> {
        self.board.all().first()?.terms.bytes
    }

    pub fn state(&self) -> &Path {
        self.folder.path()
    }

    pub fn entries(&self) -> Vec<Entry> {
        keys::entries(self.folder.path())
    }
}

fn integrator(folder: &Path, board: &Board) -> Integrator {
    let at = keeper::Folder {
        folder: folder.join("log"),
        origin: "accesso.example.it/log/library".into(),
        key: folder.join("log.key"),
    };
    Integrator::new(at, &folder.join("site.db"), None, Arc::clone(&board.log))
}

fn serve_pages(portal: web::Data<Portal>) -> (String, ServerHandle) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(portal.clone())
            .wrap(from_fn(|request, next| varco_web::patience::limit(LONGEST, request, next)))
            .wrap(from_fn(host::check))
            .wrap(varco_web::headers::strict(&[portal.hub.origin()]))
            .configure(routes)
    });
    let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (base, handle)
}

fn serve_admin(admin: web::Data<Admin>) -> (String, ServerHandle) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(admin.clone())
            .wrap(from_fn(admin::host::check))
            .wrap(varco_web::headers::strict(&[admin.login.origin()]))
            .configure(admin::routes)
    });
    let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (base, handle)
}

/// What `site.toml` says: as [`rules`], with room to change it.
pub fn told() -> Told {
    let file = Path::new("/site.toml");
    let lane = "{ guaranteed = '1mbit', ceiling = '100mbit', least = '500kbit' }";
    let lanes = format!("critical = {lane}\noffice = {lane}\nguest = {lane}");
    let link = "up = '100mbit'\ndown = '100mbit'";
    let link = varco_policy::config::parse(file, link).unwrap();
    Told { link, lanes: varco_policy::config::parse(file, &lanes).unwrap() }
}

fn serve_probes(portal: &Portal) -> (String, tokio::task::JoinHandle<()>) {
    let listener = probe::listen::at(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let answers = Arc::new(probe::Answers::new(&portal.host, Arc::clone(&portal.board)));
    (base, tokio::spawn(probe::serve::serve(listener, answers)))
}

fn neighbours() -> String {
    let mut table = "IP address HW type Flags HW address Mask Device\n".to_owned();
    for number in 2..=250 {
        writeln!(table, "127.0.0.{number} 0x1 0x2 {} * br-guest", mac(number)).unwrap();
    }
    table
}

pub fn rules() -> Rules {
    let share = Share { guaranteed: Rate::from_bits(1_000_000), ceiling: Rate::from_bits(100_000_000) };
    let lanes = Lanes { critical: share, office: share, guest: share };
    Rules {
        hosts: varco_policy::GuestHosts::new(
            vec!["127.0.0.0/24".parse().unwrap()],
            vec![[127, 0, 0, 1].into()],
        ),
        length: SignedDuration::from_hours(1),
        idle: SignedDuration::from_mins(30),
        schedule: Schedule::new(jiff::tz::TimeZone::UTC, None),
        // Here everybody is the same person to the provider.
        limits: Limits { passes_per_person: 1000, ..Limits::default() },
        shares: Shares { up: lanes, down: lanes },
    }
}
