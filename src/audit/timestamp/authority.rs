//! The authority that is believed: certificates that whoever verifies has pinned.

use super::{BadTimestamp, signed::ALGORITHMS};
use der::{Decode as _, Encode as _};
use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime, pem::PemObject as _};
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_cert::{
    Certificate,
    der::{asn1::ObjectIdentifier, oid::AssociatedOid as _},
    ext::pkix::ExtendedKeyUsage,
};

/// `id-kp-timeStamping`.
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
/// The same, as octets of its value.
const TIME_STAMPING_OCTETS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

/// Why a file pins no authority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAuthority(String);

/// Pinned certificates: of authorities, or of the unit that signs itself, as trust lists publish it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority(Vec<CertificateDer<'static>>);

impl Authority {
    /// Reads certificates, PEM: one at least.
    ///
    /// # Errors
    /// When there is none, or one cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, BadAuthority> {
        let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| BadAuthority(error.to_string()))?;
        let whole = |der: &CertificateDer<'_>| {
            Certificate::from_der(der).is_ok() && anchor_from_trusted_cert(der).is_ok()
        };
        match all.iter().position(|der| !whole(der)) {
            _ if all.is_empty() => Err(BadAuthority("no certificate in it".to_owned())),
            Some(n) => Err(BadAuthority(format!("its certificate {} cannot be read", n + 1))),
            None => Ok(Self(all)),
        }
    }

    /// Whether a certificate may sign timestamps, was valid, and comes from here.
    pub(super) fn vouches(
        &self,
        signer: &Certificate,
        others: &[Certificate],
        at: Timestamp,
    ) -> Result<(), BadTimestamp> {
        if !stamps_only(signer) {
            return Err(BadTimestamp::OtherPurpose);
        }
        let validity = &signer.tbs_certificate.validity;
        let at = Duration::from_secs(u64::try_from(at.as_second()).map_err(|_| BadTimestamp::OutOfTime)?);
        if !(validity.not_before.to_unix_duration()..=validity.not_after.to_unix_duration()).contains(&at) {
            return Err(BadTimestamp::OutOfTime);
        }
        let der = |certificate: &Certificate| certificate.to_der().map(CertificateDer::from);
        let (signer, others) = (der(signer)?, others.iter().map(der).collect::<Result<Vec<_>, _>>()?);
        if self.0.contains(&signer) {
            return Ok(());
        }
        let path = |error: webpki::Error| BadTimestamp::OtherAuthority(error.to_string());
        let anchors: Vec<_> = self.0.iter().filter_map(|der| anchor_from_trusted_cert(der).ok()).collect();
        // Issuers may leave purposes out; the signer's own was looked at above.
        let signer = EndEntityCert::try_from(&signer).map_err(path)?;
        let (at, usage) =
            (UnixTime::since_unix_epoch(at), KeyUsage::required_if_present(TIME_STAMPING_OCTETS));
        signer.verify_for_usage(&ALGORITHMS, &anchors, &others, at, usage, None, None).map_err(path)?;
        Ok(())
    }
}

/// One purpose, and it is critical (RFC 3161, section 2.3).
fn stamps_only(certificate: &Certificate) -> bool {
    let extensions = certificate.tbs_certificate.extensions.iter().flatten();
    let mut usages = extensions.filter(|extension| extension.extn_id == ExtendedKeyUsage::OID);
    let (Some(usage), None) = (usages.next(), usages.next()) else { return false };
    let read = ExtendedKeyUsage::from_der(usage.extn_value.as_bytes());
    usage.critical && read.is_ok_and(|usage| usage.0 == [TIME_STAMPING])
}
