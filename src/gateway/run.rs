//! The running program: its threads and listeners, put together.

use crate::{
    admin::{self, Admin},
    board::Board,
    control, enforcer,
    event_loop::{EventLoop, Inbox, Message},
    hub::{self, Hub},
    line::{self, live::Live, pages::Evidence},
    neighbour::Neighbours,
    portal::{
        self, Portal,
        probe::{Answers, serve},
    },
    settings::Settings,
    ship::Ship,
    site::{
        Rules, Site,
        shares::{self, Told},
    },
    store::Store,
};
use actix_web::{App, HttpServer, dev::Server, middleware::from_fn, web};
use anyhow::Context;
use jiff::Timestamp;
use std::{
    net::SocketAddrV4,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use varco_audit::keeper::{Integrator, Running, clock::ClockWatch};
use varco_policy::{
    ConfigError, Slot,
    slot::{FIRST_PORT, SlotPool},
};
use varco_web::{headers, patience, startup, startup::Fault};

/// How often the hub is asked whether it is there.
const HUB_EVERY: Duration = Duration::from_secs(30);

/// How many seconds requests under way may take when the program ends.
const LAST_ANSWERS: u64 = 3;

/// Runs until a signal ends the program. The kernel is left as it is.
///
/// # Errors
/// When the settings are wrong, the state folder is unusable, or a listener cannot be opened.
pub fn run(settings: Settings) -> Result<(), Fault> {
    // The only provider compiled in; the HTTP client asks for the default one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    startup::open_files();
    let board = Arc::new(Board::default());
    let (site, store, log) = resume(&settings, &board)?;
    let (inbox, messages) = Inbox::new();
    let (requests, asked) = std::sync::mpsc::channel();
    let site = EventLoop::new(site, store, messages, requests, Arc::clone(&board));
    let site = site.start().context("the site's thread")?;
    enforcer::start(settings.enforcer.clone(), asked, inbox.clone()).context("the enforcer's thread")?;
    control::serve(&settings.state, Arc::clone(&board), inbox.clone())?;
    let live = line::start(&settings, Arc::clone(&board)).context("the line's threads")?;
    let served = actix_web::rt::System::new().block_on(serve(settings, board, live, inbox.clone()));
    // What is under way is recorded before the process ends.
    let _ = inbox.tell(Message::Stop);
    let _ = site.join();
    log.stop();
    served
}

/// The site with everything that is on record.
fn resume(settings: &Settings, board: &Board) -> Result<(Site, Store, Running), Fault> {
    let bad = |problem: String| {
        let remedy = "give a folder that the gateway's user can write, with room and no newer site.db";
        ConfigError::new(&settings.file, "state", format!("{}: {problem}", settings.state.display()), remedy)
    };
    let slots = &settings.site.slots;
    let now = now();
    let clock = ClockWatch::start(&settings.log.time).context("the clock's thread")?;
    let store = Store::open(&settings.state, settings.recorder(now)?, slots.quarantine)
        .map_err(|error| bad(error.to_string()))?;
    let store = store.in_zone(settings.site.timezone.zone().clone());
    let mut store = store.with(clock, Arc::clone(&board.log));
    let log = log(settings, &mut store, board)?;
    store.take_over(now).map_err(|error| bad(error.to_string()))?;
    let kept = store.resume(now).map_err(|error| bad(error.to_string()))?;
    if !settings.site.limits.count_the_day() {
        store.forget_usage().map_err(|error| bad(error.to_string()))?;
    }
    let mut pool = SlotPool::new(&slots.addresses, slots.ports, slots.quarantine);
    kept.resting.iter().for_each(|(slot, freed)| pool.rest(*slot, *freed));
    let held = kept.open.iter().map(|(pass, _)| (pass.slot, now));
    for (slot, freed) in held.chain(kept.resting.iter().copied()) {
        other_blocks(slot, slots.ports).for_each(|block| pool.rest(block, freed));
    }
    tracing::info!(open = kept.open.len(), resting = kept.resting.len(), "records taken up");
    let newest = kept.newest.unwrap_or(Timestamp::MIN);
    if newest > now {
        tracing::error!("the clock is behind the records: nobody new is admitted until it has caught up");
    }
    let kept_shares = store.shares().map_err(|error| bad(error.to_string()))?;
    let (shares, changes) = shares::take_up(kept_shares, Told::of(&settings.site), now);
    store.commit(&changes, now).map_err(|error| bad(error.to_string()))?;
    let site = Site::resume(Rules::of(&settings.site), pool, kept.open, now);
    Ok((site.not_before(newest).knowing(kept.known, now).with_shares(shares), store, log))
}

/// The log and its thread. A log that cannot be opened keeps nobody out: what is recorded waits for it. Only where
/// nothing was ever recorded is it not known where to begin.
fn log(settings: &Settings, store: &mut Store, board: &Board) -> Result<Running, Fault> {
    let at = &settings.log.at;
    if store.next() > 0 && !at.key.exists() {
        let remedy = "restore log.key; or begin anew as OPERATING.md says";
        let problem = format!("{}: is lost, and records were made with it", at.key.display());
        return Err(ConfigError::new(&settings.file, "state", problem, remedy).into());
    }
    settings.log_key()?;
    let bad = |problem: String| {
        let remedy = "give a folder that the gateway's user can write; restore a damaged log from its copy";
        ConfigError::new(&settings.file, "log.folder", format!("{}: {problem}", at.folder.display()), remedy)
    };
    let (log, size) = at.take_up(store.next()).map_err(|error| bad(error.to_string()))?;
    store.continue_after(size).map_err(|error| bad(error.to_string()))?;
    let database = settings.state.join("site.db");
    let integrator = Integrator::new(at.clone(), &database, log, Arc::clone(&board.log));
    Ok(integrator.start().context("the log's thread")?)
}

/// The blocks of `size` ports that overlap a slot of another size, lent before the settings changed. They rest as well, or
/// a port would have two holders in the records.
fn other_blocks(slot: Slot, size: u16) -> impl Iterator<Item = Slot> {
    let index = |port: u16| port.saturating_sub(FIRST_PORT) / size;
    let block = move |index: u16| {
        let first_port = FIRST_PORT.saturating_add(index.saturating_mul(size));
        Slot { address: slot.address, first_port, last_port: first_port.saturating_add(size - 1) }
    };
    (index(slot.first_port)..=index(slot.last_port)).map(block).filter(move |block| *block != slot)
}

async fn serve(settings: Settings, board: Arc<Board>, live: Arc<Live>, inbox: Inbox) -> Result<(), Fault> {
    let http = hub::http_client(settings.hub.ca.as_deref())?;
    let hub = Arc::new(Hub::new(settings.hub.clone(), &settings.portal_origin(), http)?);
    let reachable = Arc::new(AtomicBool::new(false));
    actix_web::rt::spawn(watch_hub(Arc::clone(&hub), Arc::clone(&reachable)));
    let ship = Ship::new(&settings, Arc::clone(&hub), Arc::clone(&board)).context("log.shipped")?;
    actix_web::rt::spawn(ship.watch());
    let evidence = Evidence::new(&settings, Arc::clone(&board), Arc::clone(&live), Arc::clone(&reachable));
    let login = hub::http_client(settings.hub.ca.as_deref())
        .and_then(|http| Hub::new(settings.hub.clone(), &settings.admin_origin(), http))?;
    let admin = Admin {
        title: settings.site.title.clone(),
        host: settings.admin.url.host_str().unwrap_or_default().to_ascii_lowercase(),
        board: Arc::clone(&board),
        line: live,
        hub: reachable,
        login: Arc::new(login.asking(&[admin::SCOPE])),
        logins: Default::default(),
        sessions: Default::default(),
        inbox: inbox.clone(),
        told: Told::of(&settings.site),
    };
    let admin = web::Data::new(admin);
    actix_web::rt::spawn(hub::events::watch(Arc::clone(&hub), inbox.clone(), admin.clone()));
    let portal = web::Data::new(Portal {
        title: settings.site.title.clone(),
        host: settings.site.portal.host.clone(),
        schedule: settings.site.schedule(),
        board,
        neighbours: Neighbours::kernel(&settings.site.guest),
        inbox,
        hub,
        logins: Default::default(),
    });
    probes(&settings, &portal)?;
    let (pages, admin_pages) =
        (pages(&settings, portal)?, admin_pages(&settings, admin, web::Data::new(evidence))?);
    startup::ready();
    tracing::info!(site = settings.site.name, "serving");
    tokio::try_join!(pages, admin_pages).context("a listener failed")?;
    Ok(())
}

/// Probes go to the catch address; hosts whose address a device knows by heart are redirected to the router's.
fn probes(settings: &Settings, portal: &Portal) -> Result<(), Fault> {
    let (site, answers) = (&settings.site, Answers::new(&portal.host, Arc::clone(&portal.board)));
    // A redirected guest comes to the router's address in their own network.
    let routers = site.guest.all().map(|network| network.router);
    let at: Vec<_> = routers.chain([site.portal.catch_address]).map(|to| SocketAddrV4::new(to, 80)).collect();
    let started = serve::start(&at, &Arc::new(answers));
    Ok(started.with_context(|| format!("{at:?}"))?)
}

fn pages(settings: &Settings, portal: web::Data<Portal>) -> Result<Server, Fault> {
    let at = (settings.site.guest.router, 443);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(portal.clone())
            .wrap(from_fn(|request, next| patience::limit(portal::LONGEST, request, next)))
            .wrap(from_fn(portal::host::check))
            // The outermost, so that what is misdirected gets them too.
            .wrap(headers::strict(&[portal.hub.origin()]))
            .configure(portal::routes)
    });
    let tls = settings.portal_tls()?;
    let server = server
        .workers(2)
        .shutdown_timeout(LAST_ANSWERS)
        .bind_rustls_0_23(at, tls)
        .with_context(|| format!("{}:{}", at.0, at.1))?;
    Ok(server.run())
}

fn admin_pages(
    settings: &Settings,
    admin: web::Data<Admin>,
    evidence: web::Data<Evidence>,
) -> Result<Server, Fault> {
    let at = settings.admin.listen;
    let server = HttpServer::new(move || {
        App::new()
            .app_data(admin.clone())
            .app_data(evidence.clone())
            .wrap(from_fn(|request, next| patience::limit(portal::LONGEST, request, next)))
            .wrap(from_fn(admin::host::check))
            .wrap(headers::strict(&[admin.login.origin()]))
            .configure(admin::routes)
            .configure(line::pages::routes)
    });
    let tls = settings.admin_tls()?;
    let server = server
        .workers(1)
        .shutdown_timeout(LAST_ANSWERS)
        .bind_rustls_0_23(at, tls)
        .with_context(|| at.to_string())?;
    Ok(server.run())
}

/// Keeps what is known of the hub fresh, so that a login need not wait for it.
async fn watch_hub(hub: Arc<Hub>, reachable: Arc<AtomicBool>) {
    loop {
        let result = hub.refresh(now()).await;
        if reachable.swap(result.is_ok(), Ordering::Relaxed) != result.is_ok() {
            match result {
                Ok(()) => tracing::info!("the hub answers"),
                Err(error) => tracing::warn!(%error, "the hub does not answer"),
            }
        }
        tokio::time::sleep(HUB_EVERY).await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program's own start and the hub's watch read the clock here"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(first_port: u16, last_port: u16) -> Slot {
        Slot { address: [198, 18, 0, 3].into(), first_port, last_port }
    }

    #[test]
    fn a_slot_of_another_size_lets_every_block_it_touches_rest() {
        let touched = |s: Slot, size| other_blocks(s, size).map(|b| b.first_port).collect::<Vec<_>>();
        assert_eq!(touched(slot(2048, 3071), 256), [2048, 2304, 2560, 2816]);
        assert_eq!(touched(slot(2304, 2559), 1024), [2048]);
        assert_eq!(touched(slot(65024, 65535), 1024), [64512]);
        assert!(touched(slot(2048, 2559), 512).is_empty(), "its own size is the ordinary case");
    }
}
