//! The program as its operator and its logs meet it: exit codes, settings, HTTP, a kill in between.

use crate::logs::TheirLog;
use reqwest::{Client, StatusCode};
use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

const LOG: &str = "log.example.org/other";

/// A folder with settings, and the witness that runs there, both gone at the end.
struct Place {
    folder: PathBuf,
    running: Option<Child>,
}

impl Place {
    fn new(name: &str, log: &TheirLog) -> Self {
        let folder = std::env::temp_dir().join(format!("varco-witness-{}-{name}", std::process::id()));
        std::fs::create_dir_all(folder.join("state")).unwrap();
        let text = include_str!("../../../../docker/site/witness.toml")
            .replace("/var/lib/varco-witness", &folder.join("state").display().to_string())
            .replace("127.0.0.1:8460", "127.0.0.1:0");
        let (before, after) = text.split_once("vkey = \"").unwrap();
        let (_, after) = after.split_once('"').unwrap();
        let text = format!("{before}vkey = \"{}\"{after}", log.vkey);
        std::fs::write(folder.join("witness.toml"), text).unwrap();
        Self { folder, running: None }
    }

    fn command(&self, word: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_varco-witness"));
        command.arg(word).arg("--config").arg(self.folder.join("witness.toml"));
        command
    }

    fn run(&self, word: &str) -> Output {
        self.command(word).output().unwrap()
    }

    fn change(&self, was: &str, is: &str) {
        let file = self.folder.join("witness.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(was), "{was}");
        std::fs::write(&file, text.replacen(was, is, 1)).unwrap();
    }

    /// Starts it; the address it listens on.
    fn start(&mut self) -> SocketAddr {
        let mut child = self.command("run").stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        self.running = Some(child);
        let mut line = String::new();
        while log.read_line(&mut line).unwrap() > 0 {
            if let Some((_, rest)) = line.split_once("listen=") {
                let address = rest.split_whitespace().next().unwrap().parse().unwrap();
                std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
                return address;
            }
            line.clear();
        }
        panic!("it ended without listening");
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(Duration::from_secs(10)).build().unwrap()
}

async fn post(at: &str, body: String) -> (StatusCode, String, String) {
    let answer = client().post(at).body(body).send().await.unwrap();
    let kind = answer.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
    (answer.status(), kind, answer.text().await.unwrap())
}

#[test]
fn wrong_arguments_exit_64_and_wrong_settings_78() {
    let output = Command::new(env!("CARGO_BIN_EXE_varco-witness")).arg("fly").output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    for (was, is, said_of) in [
        (
            "listen = \"127.0.0.1:0\"",
            "listen = \"0.0.0.0:0\"",
            "witness.toml: listen: 0.0.0.0:0 is reached from",
        ),
        ("name = \"", "name = \"a b", "witness.toml: name: "),
        ("state = \"", "state = \"/nowhere", "witness.toml: state: /nowhere"),
        ("[[log]]", "[[logs]]", "unknown field `logs`"),
        ("vkey = \"", "vkey = \"x", "witness.toml: log[0].vkey: "),
        ("vkey = \"", "origin = \"\"\nvkey = \"", "witness.toml: log[0].origin: "),
        ("vkey = \"", "colour = \"red\"\nvkey = \"", "unknown field `colour`"),
        (
            "[[log]]",
            "[tls]\ncertificate = \"/no\"\nkey = \"/no\"\n[[log]]",
            "witness.toml: tls.certificate: ",
        ),
    ] {
        let place = Place::new("settings", &TheirLog::new(LOG));
        assert_eq!(said(&place.run("check-config")).0, Some(0));
        place.change(was, is);
        for word in ["check-config", "run"] {
            let (code, text) = said(&place.run(word));
            assert!(code == Some(78) && text.contains(said_of), "{word}: {text}");
        }
    }
}

#[test]
fn its_key_is_made_once_printed_and_missed() {
    let place = Place::new("key", &TheirLog::new(LOG));
    let first = place.run("key");
    assert_eq!(first.status.code(), Some(0));
    let vkey = String::from_utf8(first.stdout).unwrap();
    assert!(vkey.starts_with("witness.example.it/varco+") && vkey.ends_with('\n'), "{vkey}");
    assert_eq!(place.run("key").stdout, vkey.as_bytes());
    let file = place.folder.join("state/witness.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::create_dir(place.folder.join("state/logs")).unwrap();
    std::fs::remove_file(&file).unwrap();
    let (code, text) = said(&place.run("run"));
    assert!(code == Some(78) && text.contains("restore the key"), "{text}");
    assert!(!file.exists(), "no new key takes the place of a lost one");
}

#[tokio::test]
async fn a_log_is_cosigned_over_http_and_a_kill_takes_nothing_back() {
    let mut log = TheirLog::new(LOG);
    let mut place = Place::new("http", &log);
    let address = place.start();
    let at = format!("http://{address}/add-checkpoint");
    log.grow(10, "entry");
    let (status, _, lines) = post(&at, log.request(0)).await;
    assert_eq!(status, StatusCode::OK, "{lines}");
    assert!(lines.starts_with("— witness.example.it/varco ") && lines.ends_with('\n'));
    let (status, kind, size) = post(&at, log.request(3)).await;
    assert_eq!((status, &*kind, &*size), (StatusCode::CONFLICT, "text/x.tlog.size", "10\n"));
    for (body, status) in [
        ("nonsense".to_owned(), StatusCode::BAD_REQUEST),
        (log.request(10).replacen("old 10", "old 11", 1), StatusCode::BAD_REQUEST),
        (TheirLog::new("nobody").request(0), StatusCode::NOT_FOUND),
        (TheirLog::new(LOG).request(0), StatusCode::FORBIDDEN),
        ("x".repeat(1 << 17), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        assert_eq!(post(&at, body).await.0, status);
    }
    let mut forked = log.emptied();
    forked.grow(10, "another");
    let (status, kind, _) = post(&at, forked.request(10)).await;
    assert_eq!((status, kind.contains("x.tlog.size")), (StatusCode::CONFLICT, false));
    forked.grow(11, "another");
    assert_eq!(post(&at, forked.request(10)).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let got = client().get(&at).send().await.unwrap();
    assert!(got.status().is_client_error());
    let health = client().get(format!("http://{address}/health")).send().await.unwrap();
    assert_eq!(health.status(), StatusCode::OK);

    place.kill();
    let at = format!("http://{}/add-checkpoint", place.start());
    assert_eq!(post(&at, log.request(0)).await.2, "10\n");
    assert_eq!(said(&place.run("run")).0, Some(1), "two with one state would be two witnesses");
}
