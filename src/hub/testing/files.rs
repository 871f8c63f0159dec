//! The files of a hub that runs as a program: docker/site's settings, with their paths moved to a folder.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Of the gateway.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A folder with the settings and what they name, but keys and a certificate.
pub fn make(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("varco-hub-{name}-{}", std::process::id()));
    for part in ["state", "idp", "tls", "gateways"] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
    }
    std::fs::write(folder.join("gateways/biblioteca-civica.secret"), SECRET).unwrap();
    let text = include_str!("../../../docker/site/hub.toml")
        .replace("/var/lib/varco-hub", &folder.join("state").display().to_string())
        .replace("/etc/varco", &folder.display().to_string())
        .replace("198.18.0.30:443", "127.0.0.1:0");
    std::fs::write(folder.join("hub.toml"), text).unwrap();
    folder
}

/// A certificate for its listener.
pub fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-subj", "/CN=hub", "-days", "1", "-keyout"])
        .arg(folder.join("tls/hub.key"))
        .arg("-out")
        .arg(folder.join("tls/hub.pem"))
        .output()
        .unwrap();
    assert!(made.status.success());
}
