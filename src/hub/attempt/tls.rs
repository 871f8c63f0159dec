//! Which versions of TLS a server speaks. OpenSSL asks here, since rustls speaks none of the old ones.

use crate::login::saml::Outcome;
use openssl::ssl::{HandshakeError, SslConnector, SslMethod, SslVerifyMode, SslVersion};
use std::{
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};
use url::Url;

/// AgID's advice on TLS.
const SOURCE: &str = "Raccomandazioni AgID TLS, Determinazione 471/2020";
/// How long a server may take for each step.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of asking for each version.
#[derive(Debug, PartialEq, Eq)]
enum Spoken {
    Yes,
    No,
    /// We cannot ask for it here.
    Unknown(String),
}

/// Whether the server speaks the newest version, and none of those that are broken.
pub async fn versions(url: &Url) -> Vec<Outcome> {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return Vec::new() };
    let host = host.trim_matches(['[', ']']).to_owned();
    let asked = tokio::task::spawn_blocking(move || {
        [SslVersion::TLS1_3, SslVersion::TLS1_1, SslVersion::TLS1].map(|version| speaks(&host, port, version))
    });
    let Ok([newest, old, older]) = asked.await else { return Vec::new() };
    let new = "il server parla TLS 1.3";
    let first = match newest {
        Spoken::Yes => Outcome::of(new, SOURCE, Ok(())),
        Spoken::No => Outcome::of(new, SOURCE, Err("no: attivalo".to_owned())),
        Spoken::Unknown(why) => Outcome::skipped(new, SOURCE, why),
    };
    let none = "il server rifiuta TLS 1.0 e 1.1";
    let second = match (old, older) {
        (Spoken::Yes, _) | (_, Spoken::Yes) => Outcome::of(none, SOURCE, Err("no: disattivali".to_owned())),
        (Spoken::Unknown(why), _) | (_, Spoken::Unknown(why)) => Outcome::skipped(none, SOURCE, why),
        _ => Outcome::of(none, SOURCE, Ok(())),
    };
    vec![first, second]
}

fn speaks(host: &str, port: u16, version: SslVersion) -> Spoken {
    let stream = match connect(host, port) {
        Ok(stream) => stream,
        Err(e) => return Spoken::Unknown(e.to_string()),
    };
    let connector = match connector(version) {
        Ok(connector) => connector,
        Err(e) => return Spoken::Unknown(e.to_string()),
    };
    match connector.connect(host, stream) {
        Ok(_) => Spoken::Yes,
        Err(HandshakeError::SetupFailure(e)) => Spoken::Unknown(e.to_string()),
        // Ours: the library of this machine may not have the old versions at all.
        Err(e) if format!("{e:?}").contains("no protocols available") => Spoken::Unknown(e.to_string()),
        Err(_) => Spoken::No,
    }
}

fn connect(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::other("il nome non ha indirizzi");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(e) => last = e,
        }
    }
    Err(last)
}

fn connector(version: SslVersion) -> Result<SslConnector, openssl::error::ErrorStack> {
    let mut connector = SslConnector::builder(SslMethod::tls_client())?;
    connector.set_min_proto_version(Some(version))?;
    connector.set_max_proto_version(Some(version))?;
    // Nothing secret is sent, and the chain was verified before: here only the version counts, weak ciphers included.
    connector.set_verify(SslVerifyMode::NONE);
    connector.set_cipher_list("ALL:@SECLEVEL=0")?;
    Ok(connector.build())
}
