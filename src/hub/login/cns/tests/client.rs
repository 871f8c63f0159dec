//! A client with a card, of OpenSSL: it can be as old and as odd as cards are.

use super::pki::Card;
use crate::testing::{HOST, Running};
use openssl::ssl::{SslConnector, SslConnectorBuilder, SslMethod, SslStream, SslVerifyMode, SslVersion};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, SignatureScheme, Stream,
    client::ResolvesClientCert,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    sign::CertifiedKey,
    version::TLS12,
};
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

pub struct Answer {
    pub status: u16,
    headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// A connection to the card's listener; the error is the handshake's.
pub fn connect(
    hub: &Running,
    card: Option<&Card>,
    change: impl FnOnce(&mut SslConnectorBuilder),
) -> Result<SslStream<TcpStream>, String> {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_verify(SslVerifyMode::NONE);
    builder.set_cipher_list("DEFAULT@SECLEVEL=0").unwrap();
    builder.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
    if let Some(card) = card {
        builder.set_certificate(&card.certificate).unwrap();
        builder.set_private_key(&card.key).unwrap();
    }
    change(&mut builder);
    let address = hub.hub.settings.cns.as_ref().unwrap().listen;
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let connector = builder.build().configure().unwrap().verify_hostname(false);
    connector.connect(HOST, socket).map_err(|error| format!("{error:?}"))
}

/// One request on a connection that stays.
pub fn send(stream: &mut SslStream<TcpStream>, path: &str) -> Answer {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept-Language: it\r\n\r\n").unwrap();
    let mut read = Vec::new();
    let mut octet = [0];
    while !read.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut octet).unwrap(), 1, "the connection ended");
        read.push(octet[0]);
    }
    let head = String::from_utf8(read).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Answer { status, headers, body: String::from_utf8(body).unwrap() }
}

/// One request on a connection of its own; the error is the handshake's.
pub fn get(
    hub: &Running,
    path: &str,
    card: Option<&Card>,
    change: impl FnOnce(&mut SslConnectorBuilder),
) -> Result<Answer, String> {
    let mut stream = connect(hub, card, change)?;
    Ok(send(&mut stream, path))
}

/// A certificate with a key that is not its own: OpenSSL would not try.
#[derive(Debug)]
struct Stolen(Arc<CertifiedKey>);

impl ResolvesClientCert for Stolen {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// One request by who has a card's certificate, but not its key; the error is the alert.
pub fn with_another_key(hub: &Running, path: &str, card: &Card) -> Result<Vec<u8>, String> {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(card.key.private_key_to_pkcs8().unwrap()));
    let key = ring::sign::any_supported_type(&key).unwrap();
    let stolen = CertifiedKey::new(vec![card.certificate.to_der().unwrap().into()], key);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(hub.site.folder.join("tls.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_cert_resolver(Arc::new(Stolen(Arc::new(stolen))));
    let mut connection = ClientConnection::new(Arc::new(config), HOST.try_into().unwrap()).unwrap();
    let mut socket = TcpStream::connect(hub.hub.settings.cns.as_ref().unwrap().listen).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut stream = Stream::new(&mut connection, &mut socket);
    let mut read = vec![0; 16];
    let asked = write!(stream, "GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    asked.and_then(|()| stream.read_exact(&mut read)).map(|()| read).map_err(|error| error.to_string())
}
