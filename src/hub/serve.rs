//! `varco-hub run`: the HTTPS listener.

use crate::{app::Hub, config::Settings, login::trusted, registry, routes};
use actix_web::{App, HttpServer, middleware, rt::System, web::Data};
use anyhow::Context;
use std::{path::Path, time::Duration};
use varco_web::{headers, startup, startup::Fault, tls};

/// Threads that answer; what waits for the disk has threads of its own.
const WORKERS: usize = 2;
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
    System::new().block_on(async move {
        let hub = Data::new(Hub::open(file, settings)?);
        let listen = hub.settings.listen;
        actix_web::rt::spawn(trusted::watch(hub.trusted.clone()));
        if let Some(registry) = &hub.registry {
            actix_web::rt::spawn(registry::watch(registry.clone()));
        }
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
        tracing::info!(%listen, "varco-hub serves {}", hub.settings.issuer());
        startup::ready();
        server.await.context("serving").map_err(Fault::Other)
    })
}
