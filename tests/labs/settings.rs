//! A wrong configuration of each program is refused with the file, the key, and what would be right.

use crate::site::lab;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// Exit code for wrong settings (`EX_CONFIG` of sysexits).
const EXIT_CONFIG: i32 = 78;

/// A folder with every settings file that a lab writes, and no lab.
struct Settings(String);

impl Drop for Settings {
    fn drop(&mut self) {
        let _ = lab(&["down", "--state", &self.0]).status();
    }
}

impl Settings {
    fn of(name: &str) -> Self {
        let state = std::env::temp_dir().join(format!("varco-settings-{name}-{}", std::process::id()));
        let state = state.to_str().unwrap().to_owned();
        let up = lab(&["up", "--name", "settings", "--state", &state, "--guests", "0", "--bare"])
            .output()
            .unwrap();
        assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
        Self(state)
    }

    fn path(&self, program: &str) -> String {
        format!("{}/config/{program}.toml", self.0)
    }

    fn check(&self, program: &str) -> Output {
        let path = Path::new(env!("CARGO_BIN_EXE_varco-lab")).with_file_name(format!("varco-{program}"));
        Command::new(path).args(["check-config", "--config", &self.path(program)]).output().unwrap()
    }

    /// Changes one line of a file, asks, and puts the file back.
    fn said(&self, program: &str, file: &str, right: &str, wrong: &str) -> String {
        let before = fs::read_to_string(self.path(file)).unwrap();
        assert!(before.contains(right), "{right}");
        fs::write(self.path(file), before.replacen(right, wrong, 1)).unwrap();
        let out = self.check(program);
        fs::write(self.path(file), before).unwrap();
        let text = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(EXIT_CONFIG), "{program} with {wrong}: {text}");
        text
    }
}

#[test]
fn each_program_names_file_key_and_remedy() {
    let settings = Settings::of("wrong");
    let cases = [
        (
            "enforcer",
            "enforcer",
            "gateway_user = \"root\"",
            "gateway_user = \"no-such-user\"",
            "gateway_user",
        ),
        ("enforcer", "site", "ports = 512", "ports = 500", "slots.ports"),
        ("gateway", "gateway", "client_id", "client_idd", "hub"),
        ("gateway", "site", "router = \"10.64.0.1\"", "router = \"10.65.0.1\"", "guest.router"),
        ("hub", "hub", "level = 1", "level = 9", "body[0].spid.level"),
        ("hub", "hub", "kind = \"sqlite\"", "kind = \"oracle\"", "store"),
    ];
    for (program, file, right, wrong, key) in cases {
        let text = settings.said(program, file, right, wrong);
        let line = text.lines().find(|l| l.contains(&settings.path(file)));
        let line = line.unwrap_or_else(|| panic!("{program} does not name {file}.toml: {text}"));
        assert!(line.contains(key) && line.contains(';'), "{program}: {line}");
    }
}

#[test]
fn what_the_lab_renders_is_right() {
    let settings = Settings::of("right");
    // The hub's keys are made when it first starts.
    for program in ["enforcer", "gateway"] {
        let out = settings.check(program);
        assert!(out.status.success(), "{program}: {}", String::from_utf8_lossy(&out.stderr));
    }
}
