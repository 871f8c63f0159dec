//! Who signed it: CMS `SignedData` (RFC 5652) with the rules of RFC 3161, section 2.4.2, and RFC 5816.

use super::{Algorithm, BadTimestamp};
use cms::{
    cert::CertificateChoices,
    content_info::{CmsVersion, ContentInfo},
    signed_data::{SignedData, SignerInfo},
};
use der::{
    Any, Decode as _, Encode as _, Sequence, Tag, Tagged as _,
    asn1::{ObjectIdentifier, OctetString, SetOfVec},
    oid::db::rfc5912::{ID_SHA_256, ID_SHA_384, ID_SHA_512, RSA_ENCRYPTION},
};
use ring::digest::{self, digest};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use webpki::{EndEntityCert, ring as with};
use x509_cert::{Certificate, attr::Attribute};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// What may sign a token or a certificate. Nothing with SHA-1, no RSA below 2,048 bits.
pub(super) const ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 10] = [
    with::ECDSA_P256_SHA256,
    with::ECDSA_P256_SHA384,
    with::ECDSA_P384_SHA256,
    with::ECDSA_P384_SHA384,
    with::RSA_PKCS1_2048_8192_SHA256,
    with::RSA_PKCS1_2048_8192_SHA384,
    with::RSA_PKCS1_2048_8192_SHA512,
    with::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    with::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    with::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

/// A token whose signature is not verified yet.
pub(super) struct Signed {
    content: Vec<u8>,
    signer: SignerInfo,
    certificates: Vec<Certificate>,
}

/// `SigningCertificateV2`: the first is the one that signed.
#[derive(Sequence)]
struct SigningCertificate {
    certificates: Vec<CertificateId>,
    policies: Option<Any>,
}

/// `ESSCertIDv2`.
#[derive(Sequence)]
struct CertificateId {
    /// SHA-256 where it is left out.
    algorithm: Option<Algorithm>,
    hash: OctetString,
    issuer_serial: Option<Any>,
}

impl Signed {
    pub fn read(token: &ContentInfo) -> Result<Self, BadTimestamp> {
        let data: SignedData = token.content.decode_as()?;
        let content = data.encap_content_info.econtent.filter(|content| content.tag() == Tag::OctetString);
        let content = content.ok_or(BadTimestamp::Malformed)?.value().to_vec();
        let is_stamp = data.encap_content_info.econtent_type == TST_INFO && data.version == CmsVersion::V3;
        let mut signers = data.signer_infos.0.into_vec();
        let (Some(signer), []) = (signers.pop(), &*signers) else { return Err(BadTimestamp::Malformed) };
        let is_listed = data.digest_algorithms.iter().any(|listed| *listed == signer.digest_alg);
        if token.content_type != SIGNED_DATA || !is_stamp || !is_listed {
            return Err(BadTimestamp::Malformed);
        }
        let certificates = data.certificates.map(|set| set.0.into_vec()).unwrap_or_default();
        let certificates = certificates.into_iter().filter_map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(certificate),
            CertificateChoices::Other(_) => None,
        });
        Ok(Self { content, signer, certificates: certificates.collect() })
    }

    /// What is signed.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// All certificates that came with it, none of them believed.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Verifies the signature, and gives the certificate of the key that made it.
    pub fn verify(&self) -> Result<&Certificate, BadTimestamp> {
        let hash = hash(&Algorithm::decode_any(&self.signer.digest_alg)?).ok_or(BadTimestamp::Wrong)?;
        let digest_of_content = self.attribute(MESSAGE_DIGEST)?.decode_as::<OctetString>()?;
        let content_type = self.attribute(CONTENT_TYPE)?.decode_as::<ObjectIdentifier>()?;
        if digest_of_content.as_bytes() != digest(hash, &self.content).as_ref() || content_type != TST_INFO {
            return Err(BadTimestamp::Wrong);
        }
        let certificate = self.certificate()?;
        self.holds(certificate, hash)?;
        Ok(certificate)
    }

    /// The certificate that the signed attributes name by its hash. Who is named in `sid`, outside the signature, must be
    /// the same.
    fn certificate(&self) -> Result<&Certificate, BadTimestamp> {
        let named = self.attribute(SIGNING_CERTIFICATE_V2).map_err(|_| BadTimestamp::NoCertificate)?;
        let named: SigningCertificate = named.decode_as()?;
        let id = named.certificates.first().ok_or(BadTimestamp::NoCertificate)?;
        let algorithm = id.algorithm.as_ref().map_or(Some(&digest::SHA256), hash);
        let algorithm = algorithm.ok_or(BadTimestamp::NoCertificate)?;
        let is_named = |certificate: &&Certificate| {
            certificate.to_der().is_ok_and(|der| digest(algorithm, &der).as_ref() == id.hash.as_bytes())
        };
        let found = self.certificates.iter().find(is_named).ok_or(BadTimestamp::NoCertificate)?;
        match &self.signer.sid {
            cms::signed_data::SignerIdentifier::IssuerAndSerialNumber(sid)
                if sid.issuer == found.tbs_certificate.issuer
                    && sid.serial_number == found.tbs_certificate.serial_number
                    && self.signer.version == CmsVersion::V1 =>
            {
                Ok(found)
            }
            _ => Err(BadTimestamp::NoCertificate),
        }
    }

    /// Whether the key of the certificate signed the attributes: their DER as a SET (RFC 5652, section 5.4).
    fn holds(&self, certificate: &Certificate, hash: &'static digest::Algorithm) -> Result<(), BadTimestamp> {
        let attributes = self.signer.signed_attrs.as_ref().ok_or(BadTimestamp::Malformed)?.to_der()?;
        let der = CertificateDer::from(certificate.to_der()?);
        let certificate = EndEntityCert::try_from(&der).map_err(|_| BadTimestamp::NoCertificate)?;
        let signature = self.signer.signature.as_bytes();
        let algorithm = Algorithm::decode_any(&self.signer.signature_algorithm)?;
        let holds = |with: &&dyn SignatureVerificationAlgorithm| {
            certificate.verify_signature(*with, &attributes, signature).is_ok()
        };
        if kinds(&algorithm, hash)?.iter().any(holds) { Ok(()) } else { Err(BadTimestamp::Wrong) }
    }

    /// The only value of a signed attribute that is there once.
    fn attribute(&self, oid: ObjectIdentifier) -> Result<&Any, BadTimestamp> {
        let attributes: &SetOfVec<Attribute> =
            self.signer.signed_attrs.as_ref().ok_or(BadTimestamp::Malformed)?;
        let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
        let (Some(one), None) = (found.next(), found.next()) else { return Err(BadTimestamp::Malformed) };
        match one.values.as_slice() {
            [value] => Ok(value),
            _ => Err(BadTimestamp::Malformed),
        }
    }
}

impl Algorithm {
    fn decode_any(algorithm: &impl der::Encode) -> Result<Self, BadTimestamp> {
        Ok(Self::from_der(&algorithm.to_der()?)?)
    }
}

fn hash(algorithm: &Algorithm) -> Option<&'static digest::Algorithm> {
    let known = [(ID_SHA_256, &digest::SHA256), (ID_SHA_384, &digest::SHA384), (ID_SHA_512, &digest::SHA512)];
    known.into_iter().find(|(oid, _)| algorithm.is(*oid)).map(|(_, hash)| hash)
}

/// The kinds of key that a signature of this algorithm may be of.
fn kinds(
    algorithm: &Algorithm,
    hash: &'static digest::Algorithm,
) -> Result<Vec<&'static dyn SignatureVerificationAlgorithm>, BadTimestamp> {
    // CMS may name the key alone, and the hash beside (RFC 5754, section 3.2).
    if algorithm.is(RSA_ENCRYPTION) {
        let by_hash: [(_, &'static dyn SignatureVerificationAlgorithm); 3] = [
            (&digest::SHA256, with::RSA_PKCS1_2048_8192_SHA256),
            (&digest::SHA384, with::RSA_PKCS1_2048_8192_SHA384),
            (&digest::SHA512, with::RSA_PKCS1_2048_8192_SHA512),
        ];
        return Ok(by_hash.into_iter().filter(|(of, _)| *of == hash).map(|(_, kind)| kind).collect());
    }
    let octets = algorithm.octets()?;
    Ok(ALGORITHMS.into_iter().filter(|kind| kind.signature_alg_id().as_ref() == octets).collect())
}
