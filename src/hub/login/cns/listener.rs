//! The listener that asks for cards: TLS 1.2, HTTP/1.1, one card a connection.
//!
//! Neither a session nor a connection is good for a second card (`card.rs`). Both would carry the certificate on without the card: the next person
//! at a shared computer would enter as the one who has left with the card in the pocket. Nor could a browser that once went
//! on without a certificate be asked again.

use super::{card, handshake::Handshakes, possession::Possession};
use crate::{app::Hub, config::Settings, routes};
use actix_http::{HttpService, KeepAlive};
use actix_server::Server;
use actix_service::{ServiceFactoryExt, fn_service, map_config};
use actix_tls::accept::{TlsError, rustls_0_23::TlsStream};
use actix_web::{
    App,
    dev::AppConfig,
    middleware,
    rt::net::TcpStream,
    web::{self, Data},
};
use rustls::{ServerConfig, server::NoServerSessionStorage, version::TLS12};
use std::{net::TcpListener, path::Path, sync::Arc, time::Duration};
use varco_policy::ConfigError;
use varco_web::{headers, tls};

/// Threads that answer; they are not those of the main listener, which goes on when these are busy.
const WORKERS: usize = 2;
/// How long a connection waits for the page's style sheet.
const KEPT: Duration = Duration::from_secs(5);
/// How long the head of a request may take.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// The listener's side of TLS.
///
/// # Errors
/// When certificate or key cannot be used.
pub fn config(file: &Path, settings: &Settings) -> Result<Option<ServerConfig>, ConfigError> {
    let Some(cns) = &settings.cns else { return Ok(None) };
    let (section, pair) = match &cns.tls {
        Some(own) => ("cns.tls", own),
        None => ("tls", &settings.tls),
    };
    let (chain, key) = tls::pair(file, section, &pair.certificate, &pair.key)?;
    let built = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&TLS12])
        .and_then(|builder| {
            builder.with_client_cert_verifier(Arc::new(Possession)).with_single_cert(chain, key)
        });
    let mut config = built.map_err(|e| tls::unfit(file, section, &e))?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(config))
}

/// Serves on a bound socket. HTTP/2 would keep one connection for many requests, so it is not offered.
///
/// # Errors
/// When the socket cannot be listened on.
pub fn serve(hub: &Data<Hub>, config: ServerConfig, socket: TcpListener) -> std::io::Result<Server> {
    let (hub, config, handshakes) = (hub.clone(), Arc::new(config), Arc::new(Handshakes::default()));
    let builder = Server::build().workers(WORKERS).shutdown_timeout(HEAD_PATIENCE.as_secs());
    let builder = builder.listen("card", socket, move || {
        let app = App::new()
            .app_data(hub.clone())
            .wrap(middleware::from_fn(routes::limit_time))
            .wrap(headers::strict(&[]))
            .configure(paths);
        let http = HttpService::build()
            .keep_alive(KeepAlive::Timeout(KEPT))
            .client_request_timeout(HEAD_PATIENCE)
            .on_connect_ext(|stream: &TlsStream<TcpStream>, data| {
                data.insert(card::Shown::on(stream.get_ref().1.peer_certificates()));
            })
            .h1(map_config(app, |()| AppConfig::default()));
        let (config, handshakes) = (config.clone(), handshakes.clone());
        let shake = move |socket: TcpStream| {
            let (config, handshakes) = (config.clone(), handshakes.clone());
            async move { handshakes.shake(config, socket).await }
        };
        fn_service(shake).and_then(http.map_err(TlsError::Service))
    })?;
    Ok(builder.run())
}

fn paths(app: &mut web::ServiceConfig) {
    app.service(web::resource("/card").get(card::card))
        .service(varco_web::page::style_sheet)
        .service(routes::health)
        .default_service(web::to(card::elsewhere));
}
