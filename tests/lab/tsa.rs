//! The lab's timestamp authority (RFC 3161): `openssl ts` behind a web server that runs small programs (busybox).

use crate::ca::Authority;
use anyhow::Result;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// Makes a root, a unit below it, and the program that stamps, in `folder`.
///
/// # Errors
/// When the folder cannot be written.
pub fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder.join("web/cgi-bin"))?;
    Authority::make(folder)?.timestamps("unit", "Autorit\u{e0} di marcatura di prova")?;
    let at = folder.display();
    let settings = format!(
        "[tsa]\ndefault_tsa = one\n[one]\nserial = {at}/serial\ncrypto_device = builtin\nsigner_cert = {at}/unit.pem\n\
         certs = {at}/ca.pem\nsigner_key = {at}/unit.key\nsigner_digest = sha256\ndefault_policy = 1.3.6.1.4.1.32473.1\n\
         digests = sha256\naccuracy = secs:1\ness_cert_id_alg = sha256\n"
    );
    fs::write(folder.join("tsa.cnf"), settings)?;
    // The question and the answer in files: `openssl ts` reads and writes these only.
    let program = format!(
        "#!/bin/sh\nset -e\nat=$(mktemp -d -p '{at}')\ntrap 'rm -r \"$at\"' EXIT\ncat >\"$at/query\"\n\
         openssl ts -reply -config '{at}/tsa.cnf' -queryfile \"$at/query\" -out \"$at/reply\" 2>/dev/null\n\
         printf 'Content-Type: application/timestamp-reply\\r\\n\\r\\n'\ncat \"$at/reply\"\n"
    );
    let path = folder.join("web/cgi-bin/tsr");
    fs::write(&path, program)?;
    Ok(fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?)
}

/// The command of its web server on this address and port.
pub fn serve(folder: &Path, listen: &str) -> Vec<String> {
    let home = folder.join("web").display().to_string();
    ["busybox", "httpd", "-f", "-p", listen, "-h", &home].map(str::to_owned).to_vec()
}
