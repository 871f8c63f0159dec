//! Who may sign the trust list: certificates that the operator pinned.

use super::development::DEVELOPMENT;
use crate::registry::{LEAST_BITS, certificates, fingerprint, weak};
use openssl::{nid::Nid, x509::X509};
use std::path::Path;

/// The signers of a folder: every `*.pem` in it.
///
/// # Errors
/// When there is none, one cannot sign a list, or one is for development where `development` are not taken.
pub fn load(folder: &Path, development: bool) -> Result<Vec<X509>, String> {
    let files = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files: Vec<_> = files.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|is| is == "pem"));
    files.sort();
    let mut signers = Vec::new();
    for file in files {
        for signer in certificates(&file)? {
            if weak(&signer) {
                return Err(format!("{}: no RSA key of {LEAST_BITS} bits or more", file.display()));
            }
            if is_for_development(&signer) && !development {
                return Err(format!("{}: a signer for development", file.display()));
            }
            signers.push(signer);
        }
    }
    if signers.is_empty() {
        return Err(format!("{}: no certificate in a *.pem", folder.display()));
    }
    Ok(signers)
}

/// Whether a certificate says that it is for development.
pub fn is_for_development(certificate: &X509) -> bool {
    let units = certificate.subject_name().entries_by_nid(Nid::ORGANIZATIONALUNITNAME);
    units.into_iter().any(|unit| unit.data().as_slice() == DEVELOPMENT.as_bytes())
}

/// A line for the log when a list is believed by a signer for development.
pub fn warn(signers: &[X509]) {
    for signer in signers.iter().filter(|signer| is_for_development(signer)) {
        tracing::warn!(sha256 = fingerprint(signer), "a development signer's trust lists are believed");
    }
}
