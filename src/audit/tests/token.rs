//! Holders whose keys are in a token (SoftHSM): the ceremony with them, and what is refused.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

#[expect(dead_code, reason = "another test uses the rest of it")]
mod site;
mod softhsm;

use site::Records;
use softhsm::Hsm;
use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Stdio,
};

struct Officers {
    records: Records,
    hsm: Hsm,
}

impl Officers {
    /// Anna with files, Bruno with a token.
    fn gather(name: &str) -> Self {
        let records = Records::keys(name, &[]);
        let hsm = Hsm::at(Path::new(&records.path("hsm")));
        hsm.token("bruno's");
        Self { records, hsm }
    }

    fn uri(&self) -> String {
        self.hsm.uri("bruno's", "bruno", "pin")
    }

    fn said(&self, words: &[&str], code: i32) -> String {
        let out = self.hsm.audit(words);
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(code), "{words:?}: {text}");
        text
    }

    fn holder(&self, uri: &str, more: &[&str], code: i32) -> String {
        let folder = self.records.path("tokens");
        let words =
            ["keys", "holder", "--name", "bruno", "--role", "approver", "--folder", &folder, "--token", uri];
        self.said(&[&words, more].concat(), code)
    }

    /// The ceremony of a week.
    fn weeks(&self) {
        let (keys, anna, bruno) = (
            self.records.path("keys"),
            self.records.path("people/anna.pub"),
            self.records.path("tokens/bruno.pub"),
        );
        let holders = ["--holder", &anna, "--holder", &bruno];
        self.said(&[&["keys", "weeks", "--keys", &keys][..], &holders].concat(), 0);
    }

    fn ask(&self) -> String {
        let (keys, anna, folder) =
            (self.records.path("keys"), self.records.path("people/anna.key"), self.records.path("."));
        let said = self.said(
            &[
                "ask",
                "--keys",
                &keys,
                "--holder",
                &anna,
                "--folder",
                &folder,
                "--act",
                "atto 1",
                "--authority",
                "procura",
                "--ip",
                "198.18.0.3",
                "--port",
                "1100",
                "--protocol",
                "tcp",
                "--at",
                "2026-10-25T02:30:00+01:00",
            ],
            0,
        );
        said.lines().nth(1).unwrap().to_owned()
    }

    fn allow(&self, request: &str, uri: &str, code: i32) -> String {
        let (keys, folder) = (self.records.path("keys"), self.records.path("."));
        self.said(
            &["allow", "--keys", &keys, "--holder", uri, "--folder", &folder, "--request", request, "--yes"],
            code,
        )
    }

    /// Allows a request at a terminal (`script`, of every Debian), where something happens while the question is on it.
    fn types_yes(&self, request: &str, meanwhile: impl FnOnce()) -> String {
        let (keys, folder, uri) = (self.records.path("keys"), self.records.path("."), self.uri());
        let program = env!("CARGO_BIN_EXE_varco-audit");
        let line = format!(
            "'{program}' allow --keys '{keys}' --folder '{folder}' --request '{request}' --holder \"{uri}\"; echo \"code $?\""
        );
        let mut at = self.hsm.command("timeout");
        at.args(["60", "script", "-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut at = at.spawn().unwrap();
        let (mut keyboard, mut screen) = (at.stdin.take().unwrap(), at.stdout.take().unwrap());
        let mut said = String::new();
        while !said.ends_with("type yes: ") {
            let mut next = [0];
            assert_eq!(screen.read(&mut next).unwrap(), 1, "it ended: {said}");
            said.push(char::from(next[0]));
        }
        meanwhile();
        keyboard.write_all(b"yes\n").unwrap();
        screen.read_to_string(&mut said).unwrap();
        at.wait().unwrap();
        said
    }
}

#[test]
fn an_approver_with_a_token_opens_and_signs_what_the_ceremony_sealed_to_it() {
    let officers = Officers::gather("token");
    officers.holder(&officers.uri(), &["--make"], 0);
    let given = fs::read_to_string(officers.records.path("tokens/bruno.pub")).unwrap();
    assert!(given.starts_with("varco-holder/2 approver bruno bruno+") && given.contains(" p256:"), "{given}");
    assert!(!Path::new(&officers.records.path("tokens/bruno.key")).exists(), "there is no private half");
    // The public file is made again from the token's keys, and is the same.
    fs::remove_file(officers.records.path("tokens/bruno.pub")).unwrap();
    officers.holder(&officers.uri(), &[], 0);
    assert_eq!(fs::read_to_string(officers.records.path("tokens/bruno.pub")).unwrap(), given);
    assert!(
        officers.holder(&officers.uri(), &["--make"], 1).contains("has a key called `bruno-sign` already")
    );
    officers.weeks();
    let request = officers.ask();
    let said = officers.allow(&request, &officers.uri(), 0);
    assert!(said.contains("who used   198.18.0.3 port 1100 tcp"), "{said}");
    assert!(said.contains(".approval"), "{said}");
    let approval = fs::read_to_string(said.lines().last().unwrap()).unwrap();
    assert!(approval.contains("\n— bruno "), "{approval}");
}

#[test]
fn a_wrong_pin_an_open_pin_and_what_is_not_there_are_told() {
    let officers = Officers::gather("token-refused");
    let (hsm, good) = (&officers.hsm, officers.uri());
    assert!(officers.holder(&good, &[], 1).contains("no single public key called `bruno-open`"));
    officers.holder(&good, &["--make"], 0);
    officers.weeks();
    let request = officers.ask();
    let refused = |uri: &str, said: &str| {
        let text = officers.allow(&request, uri, 1);
        assert!(text.contains(said), "{text}");
        assert!(!text.contains("198.18.0.3"), "nothing was opened");
    };
    hsm.pin("wrong", "000000");
    refused(&hsm.uri("bruno's", "bruno", "wrong"), "does not take this PIN");
    let open = hsm.pin("open", softhsm::PIN);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o640)).unwrap();
    refused(&hsm.uri("bruno's", "bruno", "open"), "chmod 600");
    refused(&hsm.uri("bruno's", "bruno", "missing"), "No such file");
    refused(&hsm.uri("carla's", "bruno", "pin"), "no token is called `carla's`");
    refused(&hsm.uri("bruno's", "carla", "pin"), "`carla` is none of the holders");
    refused(&good.replace("libsofthsm2.so", "libmissing.so"), "token: ");
    refused(&good.replace("pin-source=file:", "pin-value="), "never an argument");
    // Another token with keys of the same name.
    hsm.token("other");
    refused(&hsm.uri("other", "bruno", "pin"), "no single private key called `bruno-sign`");
    let other = hsm.uri("other", "bruno", "pin");
    let folder = officers.records.path("elsewhere");
    officers.said(
        &[
            "keys", "holder", "--name", "bruno", "--role", "approver", "--folder", &folder, "--token",
            &other, "--make",
        ],
        0,
    );
    refused(&other, "another person's token");
    let name = officers.holder(&hsm.uri("bruno's", "bianca", "pin"), &[], 1);
    assert!(name.contains("must be the name"), "{name}");
}

/// The officer is at the question, and the token is gone when the answer is typed.
#[test]
fn a_token_that_is_pulled_between_opening_and_signature_leaves_nothing_and_is_told() {
    let officers = Officers::gather("token-pulled");
    officers.holder(&officers.uri(), &["--make"], 0);
    officers.weeks();
    let request = officers.ask();
    let approval = request.replace(".request", ".approval");
    let (tokens, elsewhere) = (officers.records.path("hsm/tokens"), officers.records.path("hsm/pulled"));
    let said = officers.types_yes(&request, || fs::rename(&tokens, &elsewhere).unwrap());
    let told = "no single private key called `bruno-sign`: is it the right one, and still plugged in?";
    assert!(said.contains("who used   198.18.0.3 port 1100 tcp"), "it was opened: {said}");
    assert!(said.contains(told) && said.trim_end().ends_with("code 1"), "{said}");
    let left = || fs::read_dir(officers.records.path(".")).unwrap().flatten();
    let half = |name: String| name.contains("approval") || name.ends_with("part");
    assert!(!left().any(|file| half(file.file_name().to_string_lossy().into_owned())), "half of it is left");
    // Plugged in again, the same command does it.
    fs::rename(&elsewhere, &tokens).unwrap();
    let said = officers.types_yes(&request, || ());
    assert!(said.trim_end().ends_with("code 0") && Path::new(&approval).exists(), "{said}");
}
