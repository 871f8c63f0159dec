//! Handshakes with a card at the hub, next to nginx with the same certificate, key and protocol.
//!
//! What is counted is what the server's process has spent, so that neither a slow client nor a second core changes it.

use super::{
    host::Host,
    load::now,
    report::{Aim, Chapter, Figure, Unit},
    scenario::Bench,
};
use anyhow::{Context, Result, bail, ensure};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned,
    client::Resumption,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    version::TLS12,
};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread::sleep,
    time::Duration,
};
use varco_policy::Rate;
use varco_tests::{
    ca,
    lab::{Lab, Plan, keys, plan, render},
};

const NGINX: &str = "127.0.0.1:8443";
/// A tick of `/proc/…/stat`, in milliseconds (USER_HZ is 100 on Linux).
const TICK: u64 = 10;

/// A server that is measured: where it is, and its processes.
struct Server {
    at: String,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a client comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    /// With a card each time.
    Card,
    /// Without one.
    Bare,
    /// With a card once, and then with the session of that time wherever the server takes it.
    Again,
}

/// Runs it.
///
/// # Errors
/// When something of it cannot be made.
pub fn run(bench: &Bench, chapter: &mut Chapter) -> Result<()> {
    let host = Host::make()?;
    host.ip(&[plan::HUB, plan::CARDS, plan::CONSOLE]
        .map(|at| format!("addr add {at}/32 dev lo\n"))
        .concat())?;
    let lab = settings()?;
    let (hub, nginx) = (hub(&host, bench, &lab)?, nginx(&host, &lab)?);
    let measure = |server: &Server, client| host.within(|| handshakes(server, client, &lab, bench.time));
    let mut reused = (0, 0);
    for (name, client, aim) in [
        ("with a card", Client::Card, Some(Aim::AtLeast(800))),
        ("without a card", Client::Bare, None),
        ("with a card, offering the session of before", Client::Again, None),
    ] {
        let ours = || {
            let (rate, again) = measure(&hub, client)?;
            reused.0 += again;
            Ok(rate)
        };
        let other = || {
            let (rate, again) = measure(&nginx, client)?;
            reused.1 += again;
            Ok(rate)
        };
        chapter.figures.push(Figure::pairs(name, Unit::EachSecond, &bench.pairs(ours, other)?, aim));
    }
    ensure!(reused.1 > 0, "nginx resumed no session");
    let taken = if reused.0 == 0 { "refuses" } else { "takes" };
    chapter.notes.push(format!(
        "Handshakes of TLS 1.2 a second of one core's time, RSA 2048 on both sides, a connection each. Of sessions offered \
         again the hub {taken} all, nginx takes them: the last line is what that costs."
    ));
    Ok(())
}

fn settings() -> Result<Lab> {
    let lab = Lab::at(Path::new("/run/cards"))?;
    fs::create_dir(&lab.folder)?;
    let plan = Plan {
        name: "bench".into(),
        guests: 0,
        rate: Rate::from_bits(1_000_000_000),
        least: None,
        pass_length: "4h".into(),
        idle: "30m".into(),
        bare: false,
        one_box: false,
        schemes: false,
        cards: true,
        timezone: None,
        history: false,
        store: None,
    };
    render::write(&lab, &plan)?;
    keys::make(&lab, &plan)?;
    // A release refuses who signs trust lists for development; no list is asked for here.
    ca::self_signed(&lab.path("cns/signers"), "signer", "Nobody")?;
    fs::remove_file(lab.path("cns/signers/signer.key"))?;
    Ok(lab)
}

fn hub(host: &Host, bench: &Bench, lab: &Lab) -> Result<Server> {
    let config = lab.path("config/hub.toml");
    let hub = |words: &[&str]| {
        let mut command = Command::new(bench.programs.join("varco-hub"));
        command.args(words).arg("--config").arg(&config).stdin(Stdio::null());
        command
    };
    ensure!(hub(&["keys", "init"]).output()?.status.success(), "the hub's keys could not be made");
    let mut command = hub(&["run"]);
    let child = host.spawn(command.stderr(fs::File::create("/run/hub.log")?))?;
    ready(host, Server { at: format!("{}:443", plan::CARDS), child }, "/run/hub.log")
}

/// Its sessions are taken again from its memory.
fn nginx(host: &Host, lab: &Lab) -> Result<Server> {
    let tls = lab.path("tls");
    let text = format!(
        "daemon off;\nmaster_process off;\nuser root;\npid /run/nginx.pid;\nerror_log /run/nginx.log;\n\
         events {{ worker_connections 1024; }}\nhttp {{ access_log off; server {{ listen {NGINX} ssl;\n\
         ssl_certificate {at}/cards.pem;\nssl_certificate_key {at}/cards.key;\nssl_protocols TLSv1.2;\n\
         ssl_verify_client optional_no_ca;\nssl_session_cache shared:s:8m;\nssl_session_tickets off;\n\
         location / {{ return 204; }} }} }}\n",
        at = tls.display()
    );
    fs::write("/run/nginx.conf", text)?;
    let mut command = Command::new("nginx");
    command.args(["-p", "/run", "-c", "/run/nginx.conf"]).stdin(Stdio::null()).stderr(Stdio::null());
    let child = host.spawn(&mut command)?;
    ready(host, Server { at: NGINX.to_owned(), child }, "/run/nginx.log")
}

fn ready(host: &Host, server: Server, log: &str) -> Result<Server> {
    for _ in 0..300 {
        if host.within(|| Ok(TcpStream::connect(&server.at)?)).is_ok() {
            return Ok(server);
        }
        sleep(Duration::from_millis(100));
    }
    bail!("nobody answers at {}: {}", server.at, fs::read_to_string(log).unwrap_or_default())
}

/// Handshakes a second of the server's own time, and how many of them took a session again.
fn handshakes(server: &Server, client: Client, lab: &Lab, time: Duration) -> Result<(u64, u64)> {
    let config = config(client, lab)?;
    once(&config, &server.at)?;
    let (mut done, mut reused) = (0_u64, 0);
    let (before, until) = (spent(server)?, now() + time);
    while now() < until {
        reused += u64::from(once(&config, &server.at)?);
        done += 1;
    }
    let millis = spent(server)?.saturating_sub(before) * TICK;
    Ok((done * 1_000 / millis.max(TICK), reused))
}

/// Ticks that the server's process has had of the processors.
fn spent(server: &Server) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{}/stat", server.child.id()))?;
    let mut numbers = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
    let mut next = || numbers.next().and_then(|n| n.parse::<u64>().ok()).context("/proc/…/stat");
    Ok(next()? + next()?)
}

fn config(client: Client, lab: &Lab) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(lab.path("tls/ca.pem"))?)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_protocol_versions(&[&TLS12])?.with_root_certificates(roots);
    let mut config = if client == Client::Bare {
        builder.with_no_client_auth()
    } else {
        let certificate = CertificateDer::from_pem_file(lab.path("cns/cards/good.pem"))?;
        let key = PrivateKeyDer::from_pem_file(lab.path("cns/cards/good.key"))?;
        builder.with_client_auth_cert(vec![certificate], key)?
    };
    if client != Client::Again {
        config.resumption = Resumption::disabled();
    }
    Ok(Arc::new(config))
}

/// One connection with one request; whether it took a session of before.
fn once(config: &Arc<ClientConfig>, at: &str) -> Result<bool> {
    let connection = ClientConnection::new(config.clone(), ServerName::try_from(plan::CARDS_NAME)?)?;
    let mut stream = StreamOwned::new(connection, TcpStream::connect(at)?);
    let request = format!("GET /health HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", plan::CARDS_NAME);
    stream.write_all(request.as_bytes())?;
    let mut head = [0; 9];
    stream.read_exact(&mut head)?;
    ensure!(head == *b"HTTP/1.1 ", "no answer");
    Ok(stream.conn.handshake_kind() == Some(HandshakeKind::Resumed))
}
