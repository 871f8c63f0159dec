//! `varco-hub run`: the HTTPS listener.

use crate::{
    app::{self, Hub},
    config::{Settings, WitnessSettings},
    console::{self, Console},
    expiry,
    log::HubLog,
    login::{
        cns::{self, sources::Lists},
        trusted,
    },
    lookup,
    register::{Register, expire},
    registry, routes, timestamp, witness,
};
use actix_web::{
    App, HttpServer,
    dev::Server,
    middleware,
    rt::System,
    web::{self, Data},
};
use anyhow::Context;
use std::{net::TcpListener, path::Path, sync::Arc, time::Duration};
use tokio::signal::unix::{SignalKind, signal};
use varco_web::{headers, startup, startup::Fault, tls};

/// Threads that answer; what waits for the disk has threads of its own.
const WORKERS: usize = 2;
/// How often the log says that the hub lives.
const HEARTBEAT: Duration = Duration::from_secs(300);
/// How long a client may take to send the head of a request, and a stopping hub to finish answers.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// Serves until the supervisor says stop.
///
/// # Errors
/// When the settings are wrong, a key is missing, or the address cannot be listened on.
pub fn run(file: &Path) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    startup::open_files();
    let certificate = tls::server(file, "tls", &settings.tls.certificate, &settings.tls.key)?;
    let of_cards = cns::listener::config(file, &settings)?;
    let of_console = console_tls(file, &settings)?;
    let witnesses = WitnessSettings::all(file, &settings.log.witnesses)?;
    let pace = settings.log.pace(file)?;
    let timestamps = settings.log.timestamp.as_ref().map(|at| at.asked(file)).transpose()?;
    System::new().block_on(async move {
        let hub = Data::new(Hub::open(file, settings)?);
        let listen = hub.settings.listen;
        actix_web::rt::spawn(trusted::watch(hub.trusted.clone()));
        if let Some(registry) = &hub.registry {
            actix_web::rt::spawn(registry::watch(registry.clone()));
        }
        actix_web::rt::spawn(expire::watch(hub.register.clone()));
        actix_web::rt::spawn(expiry::watch(hub.clone()));
        actix_web::rt::spawn(beat(hub.log.clone()));
        actix_web::rt::spawn(witness::watch(hub.log.clone(), witnesses, pace));
        if let Some(timestamps) = timestamps {
            actix_web::rt::spawn(timestamp::watch(hub.log.clone(), timestamps));
        }
        if hub.lookup.is_some() {
            lookup::serve(hub.clone().into_inner()).context("the operator's socket")?;
        }
        actix_web::rt::spawn(let_go(hub.register.clone()));
        let served = hub.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(served.clone())
                .wrap(middleware::from_fn(routes::limit_time))
                .wrap(headers::strict(&[]))
                .configure(routes::routes)
        })
        .workers(WORKERS)
        .client_request_timeout(HEAD_PATIENCE)
        .shutdown_timeout(HEAD_PATIENCE.as_secs())
        .bind_rustls_0_23(listen, certificate)
        .with_context(|| format!("listening on {listen}"))?
        .run();
        if let Some(Lists::Kept(trust)) = hub.cards.as_ref().map(|cards| &cards.lists) {
            actix_web::rt::spawn(cns::trust::watch(trust.clone()));
        }
        let cards = of_cards.map(|config| cards(&hub, config)).transpose()?;
        let console = of_console.map(|config| console(&hub, config)).transpose()?;
        tracing::info!(%listen, "varco-hub serves {}", hub.settings.issuer());
        startup::ready();
        let served = tokio::try_join!(server, optional(cards), optional(console)).map(drop);
        // What is recorded is in the log before the process ends.
        let log = hub.log.clone();
        let _ = web::block(move || log.stop()).await;
        served.context("serving").map_err(Fault::Other)
    })
}

/// Records that the hub lives, every five minutes.
async fn beat(log: Arc<HubLog>) {
    let mut ticks = tokio::time::interval(HEARTBEAT);
    loop {
        ticks.tick().await;
        let log = Arc::clone(&log);
        if let Ok(Err(error)) = web::block(move || log.beat(app::now())).await {
            tracing::error!(%error, "the heartbeat cannot be recorded");
        }
    }
}

/// Serves until it ends; a listener that there is none of has ended.
async fn optional(server: Option<Server>) -> std::io::Result<()> {
    match server {
        Some(server) => server.await,
        None => Ok(()),
    }
}

/// The certificate of the console's listener.
///
/// # Errors
/// When it cannot be used.
pub fn console_tls(file: &Path, settings: &Settings) -> Result<Option<rustls::ServerConfig>, Fault> {
    let Some(console) = &settings.console else { return Ok(None) };
    let (section, tls) = match &console.tls {
        Some(own) => ("console.tls", own),
        None => ("tls", &settings.tls),
    };
    Ok(Some(tls::server(file, section, &tls.certificate, &tls.key)?))
}

/// The listener of those who look after the log.
fn console(hub: &Data<Hub>, config: rustls::ServerConfig) -> anyhow::Result<Server> {
    let Some(settings) = hub.settings.console.clone() else { anyhow::bail!("there is no [console]") };
    let console = Console::new(hub, settings)?;
    let listen = console.settings.listen;
    let socket =
        TcpListener::bind(listen).with_context(|| format!("console.listen: listening on {listen}"))?;
    tracing::info!(%listen, "the console is at {}", console.settings.url);
    console::serve(console, config, socket).context("the console's listener")
}

/// The listener that asks for cards.
fn cards(hub: &Data<Hub>, config: rustls::ServerConfig) -> anyhow::Result<Server> {
    let Some(cns) = &hub.settings.cns else { anyhow::bail!("there is no [cns]") };
    let listen = cns.listen;
    let socket = TcpListener::bind(listen).with_context(|| format!("cns.listen: listening on {listen}"))?;
    tracing::info!(%listen, "cards are asked for at {}", cns.url);
    cns::listener::serve(hub, config, socket).context("the card's listener")
}

/// Answers the gateways that wait for logouts when the hub is to stop: it would wait for them.
async fn let_go(register: Arc<Register>) {
    if let Ok(mut stop) = signal(SignalKind::terminate()) {
        stop.recv().await;
        register.ended.notify_waiters();
    }
}
