//! What the tests share: folders, a site's files, a hub that serves on loopback, a browser.

pub mod idp;
mod log_keys;
pub mod registry;
pub mod trust;

use crate::{app::Hub, config::Settings, console, routes};
use actix_web::{App, HttpServer, dev::ServerHandle, middleware, web::Data};
use openidconnect::reqwest::{self, Certificate, Client, Response, redirect};
use openssl::{
    asn1::Asn1Time,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::PKey,
    x509::{X509, X509Name, extension::SubjectAlternativeName},
};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{
        LazyLock, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use varco_audit::{
    keys::KeyFolder,
    week::{Length, Period},
};
use varco_web::headers;

/// The hub's name in the settings.
pub const HOST: &str = "accesso.comune.example.it";
/// The console's.
pub const CONSOLE: &str = "registro.comune.example.it";

/// A new empty folder of this test process.
pub fn folder(name: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("varco-hub-{}-{name}-{number}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// The secret of both gateways.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef+/";

/// The files of a hub in a folder that goes with the value.
pub struct Site {
    pub folder: PathBuf,
    pub file: PathBuf,
    /// What listens for cards.
    pub cards: Option<TcpListener>,
    /// What listens for the console.
    pub console: Option<TcpListener>,
}

impl Site {
    /// The example of docker/site, with its paths moved to the folder and a second gateway.
    pub fn make(name: &str) -> Self {
        let folder = folder(name);
        let root = folder.display();
        for part in ["state", "idp", "idp-cie", "idp-eidas"] {
            std::fs::create_dir_all(folder.join(part)).unwrap();
        }
        std::fs::write(folder.join("gateway.secret"), format!("{SECRET}\n")).unwrap();
        let text = include_str!("../../docker/site/hub.toml")
            .replace("/var/lib/varco-hub/keys", &format!("{root}/keys"))
            .replace("/var/lib/varco-hub", &format!("{root}/state"))
            .replace("/etc/varco/log-keys", &log_keys().display().to_string())
            .replace("/etc/varco/idp", &format!("{root}/idp"))
            .replace("/etc/varco/gateways/biblioteca-civica.secret", &format!("{root}/gateway.secret"))
            + &format!(
                "\n[[gateway]]\nclient_id = \"museo\"\nclient_secret_file = \"{root}/gateway.secret\"\n\
                 redirect_uri = \"https://wifi.museo.example.it/login/callback\"\n"
            );
        let file = folder.join("hub.toml");
        std::fs::write(&file, text).unwrap();
        Self { folder, file, cards: None, console: None }
    }

    /// Lets cards in, at a loopback port of their own; `more` is what `[cns]` says beside.
    pub fn with_cards(mut self, more: &str) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let signers = self.folder.join("signers");
        std::fs::create_dir_all(&signers).unwrap();
        let signer = include_bytes!("../../certs/agid-tl/agid-tl-6.pem");
        std::fs::write(signers.join("agid-tl-6.pem"), signer).unwrap();
        self.change("municipality = \"L219\"", "municipality = \"L219\"\ncns = true");
        let table = format!(
            "[cns]\nlisten = \"{address}\"\nurl = \"https://{HOST}:{}\"\nsigners = \"{}\"\n\
             trust_list_file = \"{root}/list.xml\"\ntls = {{ certificate = \"{root}/tls.pem\", key = \"{root}/tls.key\" }}\n\
             {more}\n[[gateway]]",
            address.port(),
            signers.display(),
            root = self.folder.display()
        );
        self.change("[[gateway]]", &table);
        self.cards = Some(socket);
        self
    }

    /// Has a console, at a loopback port of its own; `lists` are those of `[console]`.
    pub fn with_console(mut self, lists: &str) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let url = format!("https://{CONSOLE}:{}", address.port());
        self.change(
            "[[gateway]]",
            &format!("[console]\nlisten = \"{address}\"\nurl = \"{url}\"\n{lists}\n[[gateway]]"),
        );
        self.console = Some(socket);
        self
    }

    /// Knows the officers whose keys the tests have.
    pub fn with_officers(self) -> Self {
        let holders = KeyFolder::at(log_keys()).people();
        let table = format!("\n[lookup]\nholders = {:?}\n[store]\n", holders.display().to_string());
        self.change("\n[store]\n", &table);
        self
    }

    /// Replaces text of the settings file.
    pub fn change(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(&self.file).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(&self.file, text.replacen(from, to, 1)).unwrap();
    }

    /// The hub of these files, its keys made.
    pub fn hub(&self) -> Data<Hub> {
        Data::new(self.open())
    }

    fn open(&self) -> Hub {
        let settings = Settings::load(&self.file).unwrap();
        keys(&self.file, &settings.keys);
        Hub::open(&self.file, settings).unwrap()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Puts keys where the settings want them; made once for all tests, since RSA keys take their time.
fn keys(settings: &std::path::Path, folder: &std::path::Path) {
    static MADE: OnceLock<Vec<(OsString, Vec<u8>)>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        crate::commands::make_keys(settings).unwrap();
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
        files
            .filter(|file| file.path().is_file())
            .map(|file| (file.file_name(), std::fs::read(file.path()).unwrap()))
            .collect()
    });
    std::fs::create_dir_all(folder).unwrap();
    for (name, content) in made {
        std::fs::write(folder.join(name), content).unwrap();
    }
    // What the settings have more than those of the first test: other bodies.
    crate::commands::make_keys(settings).unwrap();
}

/// The folder of the log's keys: made once a week and kept for later runs. Of this week, and of an early one for tests of
/// earlier times.
pub fn log_keys() -> &'static Path {
    static KEYS: LazyLock<PathBuf> = LazyLock::new(|| {
        let week = Period::of(Length::Week, crate::app::now());
        let user = std::os::unix::fs::MetadataExt::uid(&own());
        let name = format!("varco-hub-test-log-keys-3-{week}-{user}");
        let (kept, made) = (std::env::temp_dir().join(name), folder("log-keys"));
        if !kept.exists() {
            log_keys::make(&made, crate::app::now());
            // Another process may have been faster.
            let _ = std::fs::rename(&made, &kept);
        }
        let _ = std::fs::remove_dir_all(made);
        kept
    });
    &KEYS
}

fn own() -> std::fs::Metadata {
    std::fs::metadata("/proc/self").unwrap()
}

/// A hub that serves HTTPS on a loopback port of its own.
pub struct Running {
    pub site: Site,
    pub hub: Data<Hub>,
    /// `https://name:port`, the issuer.
    pub base: String,
    pub client: Client,
    /// `https://name:port` of the console, where there is one.
    pub console: String,
    handle: ServerHandle,
}

impl Running {
    pub async fn start(name: &str) -> Self {
        Self::with(Site::make(name)).await
    }

    pub async fn with(mut site: Site) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let base = format!("https://{HOST}:{}", address.port());
        site.change(&format!("public_url = \"https://{HOST}"), &format!("public_url = \"{base}"));
        let (chain, key) = (site.folder.join("tls.pem"), site.folder.join("tls.key"));
        let certificate = certificate(&chain, &key);
        let tls = varco_web::tls::server(&site.file, "tls", &chain, &key).unwrap();
        let of_cards = crate::login::cns::listener::config(&site.file, &Settings::load(&site.file).unwrap());
        let mut hub = site.open();
        if let Some(cards) = hub.cards.as_mut() {
            *cards = cards.for_tests();
        }
        let hub = Data::new(hub);
        if let (Some(config), Some(socket)) = (of_cards.unwrap(), site.cards.take()) {
            let server = crate::login::cns::listener::serve(&hub, config, socket).unwrap();
            actix_web::rt::spawn(server);
        }
        let mut console_at = None;
        if let Some(socket) = site.console.take() {
            console_at = socket.local_addr().ok();
            let tls = varco_web::tls::server(&site.file, "tls", &chain, &key).unwrap();
            let console = console::Console::new(&hub, hub.settings.console.clone().unwrap()).unwrap();
            actix_web::rt::spawn(console::serve(console, tls, socket).unwrap());
        }
        let served = hub.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(served.clone())
                .wrap(middleware::from_fn(routes::limit_time))
                .wrap(headers::strict(&[]))
                .configure(routes::routes)
        })
        .workers(1)
        // A connection that the client means to use again must not be gone on a slow machine.
        .keep_alive(Duration::from_secs(60))
        .disable_signals()
        .listen_rustls_0_23(listener, tls)
        .unwrap()
        .run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let client = Client::builder()
            .add_root_certificate(certificate)
            .resolve(HOST, address)
            .resolve(CONSOLE, console_at.unwrap_or(address))
            .redirect(redirect::Policy::none())
            .build()
            .unwrap();
        let console = console_at.map(|at| format!("https://{CONSOLE}:{}", at.port())).unwrap_or_default();
        Self { site, hub, base, client, console, handle }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn browser(&self) -> Browser {
        Browser { client: self.client.clone(), base: self.base.clone(), cookies: BTreeMap::new() }
    }

    /// A browser's half that knows the console: cookies are each host's own.
    pub fn console_browser(&self) -> Browser {
        Browser { base: self.console.clone(), ..self.browser() }
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

/// A browser that keeps cookies and follows no redirect by itself.
#[derive(Clone)]
pub struct Browser {
    pub client: Client,
    pub base: String,
    pub cookies: BTreeMap<String, String>,
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Response {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        self.send(self.client.get(url)).await
    }

    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Response {
        self.send(self.client.post(format!("{}{path}", self.base)).form(form)).await
    }

    /// Sends any request, with the cookies.
    pub async fn send(&mut self, request: reqwest::RequestBuilder) -> Response {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header("Cookie", cookies.join("; ")).send().await.unwrap();
        for cookie in answer.headers().get_all("Set-Cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap().to_owned();
            self.cookies.insert(name.to_owned(), value);
            self.cookies.retain(|_, value| !value.is_empty());
        }
        answer
    }
}

/// Waits until it is so, twenty seconds at most; whether it is.
pub async fn eventually(mut holds: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..200 {
        if holds().await {
            return true;
        }
        actix_web::rt::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

/// Where an answer redirects to.
pub fn location(answer: &Response) -> String {
    answer.headers().get("Location").expect("a redirect").to_str().unwrap().to_owned()
}

/// Makes a certificate for the hub, and for whatever listens on loopback, that signs itself.
pub fn certificate(chain: &std::path::Path, key: &std::path::Path) -> Certificate {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let private = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", HOST).unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&private).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    let names = SubjectAlternativeName::new()
        .dns(HOST)
        .dns(CONSOLE)
        .ip("127.0.0.1")
        .build(&builder.x509v3_context(None, None))
        .unwrap();
    builder.append_extension(names).unwrap();
    builder.sign(&private, MessageDigest::sha256()).unwrap();
    let certificate = builder.build().to_pem().unwrap();
    std::fs::write(chain, &certificate).unwrap();
    std::fs::write(key, private.private_key_to_pem_pkcs8().unwrap()).unwrap();
    Certificate::from_pem(&certificate).unwrap()
}
