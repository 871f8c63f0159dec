//! A card that asks for its PIN and keeps its key: a token of SoftHSM behind PKCS#11.

use super::card::PIN;
use anyhow::{Context, Result, ensure};
use openssl::{pkey::PKey, x509::X509};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Debian's module of SoftHSM.
pub const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const OFFICER: &str = "87654321";

/// A token.
#[derive(Debug, Clone)]
pub struct Token {
    folder: PathBuf,
}

impl Token {
    /// Makes a token in `folder` with this key and certificate under the PIN.
    ///
    /// # Errors
    /// When one of the Debian packages softhsm2 and opensc is missing.
    pub fn make(folder: &Path, certificate: &Path, key: &Path) -> Result<Self> {
        let token = Self { folder: folder.to_path_buf() };
        fs::create_dir_all(folder.join("tokens"))?;
        let settings = format!(
            "directories.tokendir = {}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n",
            folder.display()
        );
        fs::write(token.settings(), settings)?;
        let (plain, der) = (folder.join("key.pem"), folder.join("certificate.der"));
        fs::write(&plain, PKey::private_key_from_pem(&fs::read(key)?)?.private_key_to_pem_pkcs8()?)?;
        fs::write(&der, X509::from_pem(&fs::read(certificate)?)?.to_der()?)?;
        let mut tool = token.command("softhsm2-util");
        run(tool.args(["--init-token", "--free", "--label", "cns", "--pin", PIN, "--so-pin", OFFICER]))?;
        let mut tool = token.command("softhsm2-util");
        run(tool
            .arg("--import")
            .arg(&plain)
            .args(["--token", "cns", "--label", "cns", "--id", "01", "--pin", PIN]))?;
        let mut tool = token.command("pkcs11-tool");
        tool.args(["--module", MODULE, "--token-label", "cns", "--login", "--pin", PIN, "--type", "cert"]);
        run(tool.args(["--id", "01", "--label", "cns", "--write-object"]).arg(&der))?;
        // From now on the key is in the token only.
        fs::remove_file(&plain)?;
        Ok(token)
    }

    /// The token that [`Self::make`] made in `folder`.
    pub fn open(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("softhsm2.conf")
    }

    /// A command that sees this token and no other.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.envs(self.environment());
        command
    }

    /// What a program needs in its environment to see this token and no other.
    pub fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [("SOFTHSM2_CONF", self.settings()), ("PKCS11_MODULE_PATH", MODULE.into())]
    }

    /// The certificate on it (RFC 7512).
    pub fn certificate() -> &'static str {
        "pkcs11:token=cns;object=cns;type=cert"
    }

    /// The key on it, opened with this PIN.
    pub fn key(pin: &str) -> String {
        format!("pkcs11:token=cns;object=cns;type=private;pin-value={pin}")
    }
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done =
        command.output().with_context(|| format!("start {name} (Debian packages softhsm2, opensc)"))?;
    ensure!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(())
}
