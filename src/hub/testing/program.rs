//! The program as its operator meets it: exit codes, messages, keys, a listener.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "files.rs"]
mod files;
#[path = "log_keys.rs"]
mod log_keys;
#[path = "trust.rs"]
mod trust;

use std::{
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// A folder with a settings file, and the hub that runs there, both gone at the end.
struct Hub {
    folder: PathBuf,
    running: Option<Child>,
}

impl Hub {
    fn site(name: &str) -> Self {
        let folder = files::make(&format!("program-{name}"));
        log_keys::make(&folder.join("log-keys"), now());
        Self { folder, running: None }
    }

    fn certificate(&self) {
        files::certificate(&self.folder);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_varco-hub"));
        command.args(arguments).arg("--config").arg(self.folder.join("hub.toml"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts the hub and reads its log until a line holds `words`.
    fn start_until(&mut self, words: &str) {
        let child = self.command(&["run"]).stderr(Stdio::piped()).spawn().unwrap();
        self.running = Some(child);
        self.read_until(words);
    }

    fn read_until(&mut self, words: &str) {
        let log = self.running.as_mut().unwrap().stderr.as_mut().unwrap();
        for line in BufReader::new(log).lines() {
            if line.unwrap().contains(words) {
                return;
            }
        }
        panic!("the hub ended without saying {words:?}");
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(child) = &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The exit code and what was said.
fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn wrong_arguments_exit_64() {
    let output = Command::new(env!("CARGO_BIN_EXE_varco-hub")).arg("fly").output().unwrap();
    assert_eq!(output.status.code(), Some(64));
}

#[test]
fn wrong_settings_exit_78_and_say_what_is_right() {
    let hub = Hub::site("settings");
    let (code, message) = said(&hub.run(&["check-config"]));
    assert_eq!(code, Some(78));
    assert!(message.contains("hub.toml: tls.certificate: "), "{message}");
    hub.certificate();
    assert_eq!(said(&hub.run(&["check-config"])).0, Some(0));
    let file = hub.folder.join("hub.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("+390110000000", "011")).unwrap();
    let (code, message) = said(&hub.run(&["check-config"]));
    assert_eq!(code, Some(78));
    assert!(message.contains("hub.toml: body[0].telephone: "), "{message}");
}

#[test]
fn without_keys_it_does_not_run_and_names_the_command() {
    let hub = Hub::site("keys");
    hub.certificate();
    let (code, message) = said(&hub.run(&["run"]));
    assert_eq!(code, Some(78));
    assert!(message.contains("varco-hub keys init"), "{message}");
    assert_eq!(said(&hub.run(&["keys", "init"])).0, Some(0));
    let keys = hub.folder.join("state/keys");
    for name in ["spid.key", "oidc.key", "pairwise.salt", "register.key"] {
        assert_eq!(mode(&keys.join(name)), 0o600, "{name}");
    }
    let before = std::fs::read(keys.join("spid.key")).unwrap();
    assert_eq!(said(&hub.run(&["keys", "init"])).0, Some(0));
    assert_eq!(std::fs::read(keys.join("spid.key")).unwrap(), before);
}

#[test]
fn keys_of_another_service_are_refused() {
    let hub = Hub::site("other-keys");
    hub.certificate();
    assert_eq!(said(&hub.run(&["keys", "init"])).0, Some(0));
    let file = hub.folder.join("hub.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let other = text.replace("entity_id = \"https://accesso", "entity_id = \"https://altro");
    std::fs::write(&file, other).unwrap();
    let (code, message) = said(&hub.run(&["run"]));
    assert_eq!(code, Some(78));
    assert!(
        message.contains("hub.toml: body[0].spid.entity_id: ") && message.contains("spid.pem"),
        "{message}"
    );
}

#[test]
fn a_pair_is_checked_and_replaced_by_command() {
    let mut hub = Hub::site("pair");
    let out = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    for arguments in [&["keys", "spid"][..], &["keys", "spid", "--check", "--roll"]] {
        assert_eq!(said(&hub.run(arguments)).0, Some(64));
    }
    let none = hub.run(&["keys", "spid", "--check"]);
    assert!(said(&none).0 == Some(78) && said(&none).1.contains("varco-hub keys init"), "{none:?}");
    assert_eq!(said(&hub.run(&["keys", "init"])).0, Some(0));
    let good = hub.run(&["keys", "spid", "--check"]);
    assert!(good.status.success() && out(&good).contains("conforme all'Avviso SPID 29"), "{good:?}");
    assert!(
        out(&good).lines().filter(|line| line.starts_with("  sì  ")).count() == 27
            && !out(&good).contains("NO")
    );
    let (code, message) = said(&hub.run(&["keys", "spid", "--roll"]));
    assert!(code == Some(78) && message.contains("--next"), "{message}");
    let (code, message) = said(&hub.run(&["keys", "spid", "--next", "--body", "altro"]));
    assert!(code == Some(78) && message.contains("body: no body has the path"), "{message}");
    assert_eq!(said(&hub.run(&["keys", "spid", "--next"])).0, Some(0));
    // The body moves: both certificates say another town.
    let file = hub.folder.join("hub.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("locality = \"Torino\"", "locality = \"Roma\"")).unwrap();
    let bad = hub.run(&["keys", "spid", "--check"]);
    assert_eq!((said(&bad).0, out(&bad).matches("  NO  localityName").count()), (Some(78), 2), "{bad:?}");
    assert!(said(&bad).1.contains("2 rules of Avviso SPID 29 do not hold; make a pair"), "{bad:?}");
    hub.certificate();
    hub.start_until("rules of Avviso SPID 29 do not hold: varco-hub keys spid --check");
    std::fs::write(&file, text).unwrap();
    let keys = hub.folder.join("state/keys");
    let next = std::fs::read(keys.join("spid-next.pem")).unwrap();
    assert_eq!(said(&hub.run(&["keys", "spid", "--roll"])).0, Some(0));
    assert_eq!(std::fs::read(keys.join("spid.pem")).unwrap(), next);
}

#[test]
fn it_serves_and_watches_the_folder_of_providers() {
    let mut hub = Hub::site("serve");
    hub.certificate();
    assert_eq!(said(&hub.run(&["keys", "init"])).0, Some(0));
    hub.start_until("varco-hub serves https://accesso.comune.example.it");
    std::fs::write(hub.folder.join("idp/bad.xml"), "<not metadata").unwrap();
    hub.read_until("bad.xml");
    for file in ["state/hub.db", "state/hub.db-wal"] {
        assert_eq!(mode(&hub.folder.join(file)), 0o600, "{file}");
    }
    let told = hub.run(&["register"]);
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.status.success() && text.contains("no login yet: nothing is destroyed"), "{text}");
    let child = hub.running.as_mut().unwrap();
    assert!(child.try_wait().unwrap().is_none(), "a bad file does not end the hub");
}

/// SECURITY.md N1, I16: cards have a listener of their own, and nothing starts without who may sign the trust list.
#[test]
fn it_asks_for_cards_beside() {
    let mut hub = Hub::site("cards");
    hub.certificate();
    let (file, signers) = (hub.folder.join("hub.toml"), hub.folder.join("signers"));
    let table = format!(
        "[cns]\nlisten = \"127.0.0.1:0\"\nurl = \"https://cns.comune.example.it\"\nsigners = \"{}\"\n\
         trust_list_file = \"{}\"\n\n[[gateway]]",
        signers.display(),
        hub.folder.join("list.xml").display()
    );
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replacen("\n# cns = true", "\ncns = true", 1).replacen("[[gateway]]", &table, 1);
    std::fs::write(&file, text).unwrap();
    let (code, message) = said(&hub.run(&["check-config"]));
    assert!(code == Some(78) && message.contains("hub.toml: cns.signers: "), "{message}");
    std::fs::create_dir_all(&signers).unwrap();
    let pinned = include_bytes!("../../../certs/agid-tl/agid-tl-6.pem");
    std::fs::write(signers.join("agid-tl-6.pem"), pinned).unwrap();
    assert_eq!(said(&hub.run(&["check-config"])).0, Some(0));
    assert_eq!(said(&hub.run(&["keys", "init"])).0, Some(0));
    hub.start_until("cards are asked for at https://cns.comune.example.it");
    assert!(hub.running.as_mut().unwrap().try_wait().unwrap().is_none());
}

#[test]
fn providers_are_shown_with_their_keys() {
    let hub = Hub::site("providers");
    let shown = hub.run(&["providers"]);
    assert_eq!((shown.status.code(), shown.stdout.as_slice()), (Some(0), b"\n".as_slice()));
    hub.certificate();
    let pem = std::fs::read_to_string(hub.folder.join("tls/hub.pem")).unwrap();
    std::fs::write(hub.folder.join("idp/weak.xml"), "<not metadata").unwrap();
    assert!(said(&hub.run(&["providers"])).1.contains("weak.xml"), "{pem}");
    let (code, message) = said(&hub.run(&["providers", "--diff"]));
    assert!(code == Some(1) && message.contains("[providers.registry]"), "{message}");
    assert_eq!(said(&hub.run(&["providers", "--diff", "--accept"])).0, Some(64));
    let file = hub.folder.join("hub.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let table =
        "\n[providers.registry]\nurl = \"https://registry.example.it/\"\nsigner = \"/nonexistent.pem\"\n";
    std::fs::write(&file, text + table).unwrap();
    let (code, message) = said(&hub.run(&["providers"]));
    assert!(code == Some(78) && message.contains("providers.registry.signer: "), "{message}");
}

#[test]
fn the_trust_list_is_shown_and_accepted() {
    let hub = Hub::site("trust");
    let (code, message) = said(&hub.run(&["trust"]));
    assert!(code == Some(1) && message.contains("the settings have no [cns]"), "{message}");
    assert_eq!(said(&hub.run(&["trust", "--diff", "--accept"])).0, Some(64));
    let (list, pinned) = (hub.folder.join("TSL-IT.xml"), hub.folder.join("agid-tl"));
    let file = hub.folder.join("hub.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (list_toml, pinned_toml) = (list.display(), pinned.display());
    let table = format!("\n[cns]\ntrust_list_file = \"{list_toml}\"\nsigners = \"{pinned_toml}\"\n");
    std::fs::write(&file, text + &table).unwrap();
    let (code, message) = said(&hub.run(&["trust"]));
    assert!(code == Some(78) && message.contains("hub.toml: cns.signers: "), "{message}");
    let signer = trust::Signer::for_development();
    std::fs::create_dir(&pinned).unwrap();
    std::fs::write(pinned.join("signer.pem"), signer.certificate.to_pem().unwrap()).unwrap();
    let (code, message) = said(&hub.run(&["trust", "--diff"]));
    assert!(code == Some(1) && message.contains("the trust list: it cannot be had: "), "{message}");
    let issuers = [trust::issuer("Issuer 1"), trust::issuer("Issuer 2")];
    // It ends far off, but no list may hold for longer than six months: it is of now.
    let draft = trust::Draft { issued: days(-1), next_update: days(90), ..trust::Draft::of(4, &issuers) };
    std::fs::write(&list, draft.signed(&signer)).unwrap();
    let out = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let diff = hub.run(&["trust", "--diff"]);
    assert!(diff.status.success() && out(&diff).matches("added ").count() == 2, "{diff:?}");
    assert!(!out(&hub.run(&["trust"])).contains("Issuer"), "a look changes nothing");
    assert!(hub.run(&["trust", "--accept"]).status.success());
    let shown = out(&hub.run(&["trust"]));
    assert!(shown.contains("\n  number 4\n") && shown.contains(" Issuer 2\n"), "{shown}");
    let json: serde_json::Value = serde_json::from_slice(&hub.run(&["trust", "--json"]).stdout).unwrap();
    assert!(json["list"]["number"] == 4 && json["issuers"][0]["name"] == "Issuer 1", "{json}");
    std::fs::write(hub.folder.join("state/trust/list.xml"), "<x/>").unwrap();
    assert!(out(&hub.run(&["trust"])).contains("NOT USED: root: no trust list"));
}

/// So many days from now, as XML writes it.
#[expect(clippy::disallowed_methods, reason = "the program reads the clock")]
fn days(days: i64) -> String {
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(days * 24);
    jiff::Timestamp::from_second(now.as_second()).unwrap().to_string()
}

#[test]
fn metadata_is_tried_and_what_is_missing_is_said_in_italian() {
    let hub = Hub::site("try");
    let file = hub.folder.join("metadata.xml");
    std::fs::write(&file, "<html/>").unwrap();
    let tried = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_varco-hub"));
        command.arg("try").args(arguments).output().unwrap()
    };
    let path = file.display().to_string();
    let output = tried(&["--metadata", &path]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("  ✗ la radice è un EntityDescriptor (") && text.contains("  – "), "{text}");
    assert!(said(&output).1.contains("regole non sono rispettate"));
    let json: serde_json::Value =
        serde_json::from_slice(&tried(&["--metadata", &path, "--json"]).stdout).unwrap();
    assert_eq!(json[0]["what"], path);
    assert_eq!(json[0]["outcomes"][1]["verdict"], "good");
    assert!(
        json[0]["outcomes"].as_array().unwrap().iter().any(|o| o["verdict"] == "missing" && o["why"] != "")
    );
    assert_eq!(tried(&[]).status.code(), Some(64));
    assert_eq!(tried(&["--metadata", &path, "--config", "/nonexistent"]).status.code(), Some(78));
    hub.certificate();
    assert_eq!(said(&hub.run(&["keys", "init"])).0, Some(0));
    let settings = hub.folder.join("hub.toml").display().to_string();
    let text = String::from_utf8(tried(&["--metadata", &path, "--config", &settings]).stdout).unwrap();
    assert!(
        text.contains("richieste di Comune di Esempio") && text.contains("✓ AuthnRequest spid HTTP-POST"),
        "{text}"
    );
}

#[expect(clippy::disallowed_methods, reason = "the hub's keys are of the time in which it runs")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
