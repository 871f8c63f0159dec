//! TLS of the listeners: rustls with TLS 1.2 and 1.3.

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{path::Path, sync::Arc};
use varco_policy::ConfigError;

/// The server side of TLS with a certificate chain and its key, both PEM files. `section` names the settings
/// table that holds the two keys, for errors.
///
/// # Errors
/// When a file cannot be read, is not PEM, or the key does not fit the certificate.
pub fn server(settings: &Path, section: &str, chain: &Path, key: &Path) -> Result<ServerConfig, ConfigError> {
    let (certificates, private) = pair(settings, section, chain, key)?;
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, private))
        .map_err(|e| unfit(settings, section, &e))
}

/// A certificate chain and its key, for a listener that [`server`] does not fit.
///
/// # Errors
/// When a file cannot be read or is not PEM.
pub fn pair(
    settings: &Path,
    section: &str,
    chain: &Path,
    key: &Path,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), ConfigError> {
    let bad = |name: &str, problem: String, remedy: &str| {
        ConfigError::new(settings, &format!("{section}.{name}"), problem, remedy)
    };
    let certificates =
        CertificateDer::pem_file_iter(chain).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(
            |e| bad("certificate", format!("{}: {e}", chain.display()), "give a PEM certificate chain"),
        )?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|e| {
        bad("key", format!("{}: {e}", key.display()), "give the PEM private key of the certificate")
    })?;
    Ok((certificates, private))
}

/// The two do not fit each other.
pub fn unfit(settings: &Path, section: &str, error: &rustls::Error) -> ConfigError {
    let remedy = "give a certificate and the private key it was made with";
    ConfigError::new(settings, &format!("{section}.certificate"), error, remedy)
}
