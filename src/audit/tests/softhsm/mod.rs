//! A token of SoftHSM in a folder of the test.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Debian's module.
pub const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
pub const PIN: &str = "271828";
const OFFICER: &str = "31415926";

pub struct Hsm {
    folder: PathBuf,
}

impl Hsm {
    /// No token yet.
    pub fn at(folder: &Path) -> Self {
        let hsm = Self { folder: folder.to_owned() };
        fs::create_dir_all(folder.join("tokens")).unwrap();
        let tokens = folder.join("tokens");
        let settings = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        fs::write(hsm.settings(), settings).unwrap();
        hsm.pin("pin", PIN);
        hsm
    }

    /// A token with this label and nothing in it (Debian package softhsm2).
    pub fn token(&self, label: &str) {
        let mut tool = Command::new("softhsm2-util");
        tool.env("SOFTHSM2_CONF", self.settings());
        tool.args(["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", OFFICER]);
        let done = tool.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// A file with a PIN.
    pub fn pin(&self, name: &str, pin: &str) -> String {
        let path = self.folder.join(name);
        fs::write(&path, format!("{pin}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    /// The keys of a holder in a token, with the PIN in this file.
    pub fn uri(&self, token: &str, object: &str, pin: &str) -> String {
        let pin = self.folder.join(pin);
        format!("pkcs11:token={token};object={object}?module-path={MODULE}&pin-source=file:{}", pin.display())
    }

    /// `varco-audit` on the machine where the tokens are.
    pub fn audit(&self, words: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_varco-audit")).args(words).output().unwrap()
    }

    /// A program there.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("SOFTHSM2_CONF", self.settings());
        command
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("softhsm2.conf")
    }
}
