//! How a device holds a card to a server: a file, or a token with a PIN through the PKCS#11 engines of curl and OpenSSL.

use super::{card::PIN, token::Token};
use anyhow::{Context, Result, bail, ensure};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use url::Url;

/// What reads the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Reader {
    /// curl, with certificate and key in files.
    #[default]
    File,
    /// curl, with a token behind OpenSSL's PKCS#11 engine.
    Curl,
    /// `openssl s_client`, with the same token.
    Openssl,
    /// Chromium without a screen, with the card's PKCS#12 in its NSS database.
    Chromium,
}

/// A card in a reader.
#[derive(Debug, Clone)]
pub struct Held {
    reader: Reader,
    certificate: PathBuf,
    key: PathBuf,
    token: Token,
    pin: String,
}

impl Held {
    /// Puts a card into a reader; a token is made in `folder` where the reader wants one.
    ///
    /// # Errors
    /// When the token cannot be made.
    pub fn new(
        reader: Reader,
        certificate: &Path,
        key: &Path,
        pin: Option<&str>,
        folder: &Path,
    ) -> Result<Self> {
        let token = match reader {
            Reader::Curl | Reader::Openssl if !folder.is_dir() => Token::make(folder, certificate, key)?,
            _ => Token::open(folder),
        };
        let pin = pin.unwrap_or(PIN).to_owned();
        Ok(Self { reader, certificate: certificate.into(), key: key.into(), token, pin })
    }

    /// Whether the pages of the card's server come through `openssl` instead of curl.
    pub fn is_openssl(&self) -> bool {
        self.reader == Reader::Openssl
    }

    /// Tells curl of the card. It shows it to a server that asks for one and to no other.
    pub fn tell(&self, curl: &mut Command) {
        match self.reader {
            Reader::File => {
                curl.arg("--cert").arg(&self.certificate).arg("--key").arg(&self.key);
            }
            Reader::Curl => {
                curl.envs(self.token.environment()).args(["--engine", "pkcs11", "--cert-type", "ENG"]);
                curl.args([
                    "--key-type",
                    "ENG",
                    "--cert",
                    Token::certificate(),
                    "--key",
                    &Token::key(&self.pin),
                ]);
            }
            Reader::Openssl | Reader::Chromium => {}
        }
    }

    /// Gets a page with `openssl s_client`; answers where it sends.
    ///
    /// # Errors
    /// When the handshake fails, or the answer is no redirect: with the answer.
    pub fn redirect(&self, url: &Url, more: &[&str]) -> Result<String> {
        let host = url.host_str().context("no host")?;
        let mut client = self.token.command("openssl");
        client.args(["s_client", "-quiet", "-verify_return_error", "-servername", host, "-connect"]);
        client.arg(format!("{host}:{}", url.port_or_known_default().unwrap_or(443)));
        client.args([
            "-CAfile",
            "/etc/ssl/certs/ca-certificates.crt",
            "-engine",
            "pkcs11",
            "-keyform",
            "engine",
        ]);
        client.arg("-key").arg(Token::key(&self.pin)).arg("-cert").arg(&self.certificate).args(more);
        client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = client.spawn().context("start openssl")?;
        let target =
            url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        // With -quiet it goes on reading the server's answer after the end of its input.
        let written = child.stdin.take().context("no input")?.write_all(request.as_bytes());
        let done = child.wait_with_output()?;
        let (said, log) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        ensure!(written.is_ok() && said.starts_with("HTTP/1.1 "), "openssl: {}", log.trim());
        let head = said.lines().take_while(|line| !line.is_empty());
        let mut locations =
            head.filter_map(|line| line.split_once(": ")).filter(|(n, _)| n.eq_ignore_ascii_case("location"));
        match locations.next() {
            Some((_, location)) => Ok(location.trim().to_owned()),
            None => bail!("{url} says {}", said.lines().next().unwrap_or_default()),
        }
    }
}
