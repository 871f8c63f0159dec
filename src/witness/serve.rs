//! `varco-witness run`: the listener.

use crate::{config::Settings, routes, witness::Witness};
use actix_web::{App, HttpServer, middleware::from_fn, rt::System, web::Data};
use anyhow::Context;
use std::{path::Path, time::Duration};
use varco_audit::tlog::Folder;
use varco_web::{headers, patience, startup, startup::Fault};

/// Threads that answer; what waits for the disk has threads of its own.
const WORKERS: usize = 2;
/// How long a client may take to send the head of a request, and a stopping witness to finish answers.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long a log may keep its connection without asking: they ask once a minute.
const KEPT_ALIVE: Duration = Duration::from_secs(90);
/// Connections at once of one worker: a witness has few logs.
const CONNECTIONS: usize = 512;

/// Serves until the supervisor says stop.
///
/// # Errors
/// When the settings are wrong, what is known of a log is damaged, or the address cannot be listened on.
pub fn run(file: &Path) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    startup::open_files();
    let certificate = settings.certificate(file)?;
    let logs = settings.logs(file)?;
    let folder = Folder::alone(&settings.state).with_context(|| settings.state.display().to_string())?;
    let key = settings.key(file)?;
    let (vkey, count) = (key.vkey(), logs.len());
    let witness = Witness::open(folder, key, logs).with_context(|| settings.state.display().to_string())?;
    let (witness, listen) = (Data::new(witness), settings.listen);
    System::new().block_on(async move {
        let server = HttpServer::new(move || {
            App::new()
                .app_data(witness.clone())
                .wrap(from_fn(|request, next| patience::limit(routes::PATIENCE, request, next)))
                .wrap(headers::strict(&[]))
                .configure(routes::routes)
        })
        .workers(WORKERS)
        .max_connections(CONNECTIONS)
        .keep_alive(KEPT_ALIVE)
        .client_request_timeout(HEAD_PATIENCE)
        .shutdown_timeout(HEAD_PATIENCE.as_secs());
        let server = match certificate {
            Some(certificate) => server.bind_rustls_0_23(listen, certificate),
            None => server.bind(listen),
        };
        let server = server.with_context(|| format!("listening on {listen}"))?;
        // With port 0 the kernel chooses one, and a test reads it here.
        let listens = server.addrs().first().copied().unwrap_or(listen);
        let server = server.run();
        tracing::info!(listen = %listens, %vkey, "varco-witness serves {count} logs");
        startup::ready();
        server.await.context("serving").map_err(Fault::Other)
    })
}
