//! A trust list (ETSI TS 119 612) that names the lab's issuers, signed for development (XAdES, ETSI EN 319 132-1).

use super::{
    authority::{self, MARK},
    certifier::Certifier,
};
use crate::idp::sign;
use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use openssl::{base64::encode_block, hash::MessageDigest, x509::X509};
use std::{fmt::Write as _, fs, path::PathBuf};

const TSL: &str = "http://uri.etsi.org/02231/v2#";
const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
const STATUS: &str = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// What is to be wrong with a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Nothing.
    Good,
    /// Changed after it was signed: the withdrawn issuer is recognised again.
    Tampered,
    /// Its next update was due a month ago.
    Expired,
}

impl Certifier {
    /// The trust list.
    pub fn trust_list(&self) -> PathBuf {
        self.path("trust.xml")
    }

    /// The folder of who signs it.
    pub fn signers(&self) -> PathBuf {
        self.path("signers")
    }

    /// Signs and publishes a list of this number.
    ///
    /// # Errors
    /// When the folder cannot be written, or `xmlsec1` is missing.
    pub fn publish(&self, list: List, number: u32) -> Result<()> {
        fs::create_dir_all(self.signers())?;
        if !self.signers().join("signer.pem").exists() {
            authority::signer(&self.path(""), "signer")?;
            fs::rename(self.path("signer.pem"), self.signers().join("signer.pem"))?;
        }
        let signer = X509::from_pem(&fs::read(self.signers().join("signer.pem"))?)?;
        let text = self.unsigned(list, number, &template(&signer)?)?;
        let signed = sign::with(
            &["--id-attr:Id", &format!("{XADES}:SignedProperties")],
            &self.path("signer.key"),
            &text,
        )?;
        let last = match list {
            List::Tampered => {
                signed.replace("withdrawn</ServiceStatus>", "recognisedatnationallevel</ServiceStatus>")
            }
            List::Good | List::Expired => signed,
        };
        // Whoever reads it sees all of it or none.
        fs::write(self.path("trust.draft"), last)?;
        fs::rename(self.path("trust.draft"), self.trust_list()).context("publish the trust list")
    }

    fn unsigned(&self, list: List, number: u32, signature: &str) -> Result<String> {
        let day = |days: i64| SignedDuration::from_hours(24 * days);
        let (issued, next) = if list == List::Expired { (-60, -30) } else { (-1, 90) };
        let at = |days| now().checked_add(day(days)).map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        let (issued, next, since) = (at(issued)?, at(next)?, at(-1000)?);
        let mut services = String::new();
        for (file, status) in [("issuer", "recognisedatnationallevel"), ("withdrawn", "withdrawn")] {
            let certificate = encode_block(&self.issuer(file)?.to_der()?);
            write!(
                services,
                "<TSPService><ServiceInformation><ServiceTypeIdentifier>http://uri.etsi.org/TrstSvc/Svctype/IdV\
                 </ServiceTypeIdentifier><ServiceName><Name xml:lang=\"it\">CNS di prova ({file})</Name></ServiceName>\
                 <ServiceDigitalIdentity><DigitalId><X509Certificate>{certificate}</X509Certificate></DigitalId>\
                 </ServiceDigitalIdentity><ServiceStatus>{STATUS}{status}</ServiceStatus>\
                 <StatusStartingTime>{since}</StatusStartingTime></ServiceInformation></TSPService>"
            )?;
        }
        Ok(format!(
            "<TrustServiceStatusList xmlns=\"{TSL}\" Id=\"list\" TSLTag=\"http://uri.etsi.org/19612/TSLTag\">\
             <SchemeInformation><TSLVersionIdentifier>6</TSLVersionIdentifier><TSLSequenceNumber>{number}</TSLSequenceNumber>\
             <TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric</TSLType>\
             <SchemeOperatorName><Name xml:lang=\"it\">{MARK}</Name></SchemeOperatorName>\
             <SchemeTerritory>IT</SchemeTerritory><ListIssueDateTime>{issued}</ListIssueDateTime>\
             <NextUpdate><dateTime>{next}</dateTime></NextUpdate></SchemeInformation>\
             <TrustServiceProviderList><TrustServiceProvider><TSPInformation><TSPName><Name xml:lang=\"it\">{MARK}</Name>\
             </TSPName></TSPInformation><TSPServices>{services}</TSPServices></TrustServiceProvider>\
             </TrustServiceProviderList>{signature}</TrustServiceStatusList>"
        ))
    }
}

/// The signature to be filled in: over the whole list, and over what is said of the signer.
fn template(signer: &X509) -> Result<String> {
    let digest = encode_block(&signer.digest(MessageDigest::sha256())?);
    let (ds, exclusive) = ("http://www.w3.org/2000/09/xmldsig#", "http://www.w3.org/2001/10/xml-exc-c14n#");
    let reference = |attributes: &str, more: &str| {
        format!(
            "<ds:Reference {attributes}><ds:Transforms>{more}<ds:Transform Algorithm=\"{exclusive}\"/></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{SHA256}\"/><ds:DigestValue></ds:DigestValue></ds:Reference>"
        )
    };
    let whole = reference("URI=\"\"", &format!("<ds:Transform Algorithm=\"{ds}enveloped-signature\"/>"));
    let about = reference("URI=\"#about\" Type=\"http://uri.etsi.org/01903#SignedProperties\"", "");
    let time = now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Ok(format!(
        "<ds:Signature xmlns:ds=\"{ds}\" Id=\"signature\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"{exclusive}\"/>\
         <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>{whole}{about}</ds:SignedInfo>\
         <ds:SignatureValue></ds:SignatureValue>\
         <ds:KeyInfo><ds:X509Data><ds:X509Certificate></ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
         <ds:Object><xades:QualifyingProperties xmlns:xades=\"{XADES}\" Target=\"#signature\">\
         <xades:SignedProperties Id=\"about\"><xades:SignedSignatureProperties><xades:SigningTime>{time}</xades:SigningTime>\
         <xades:SigningCertificateV2><xades:Cert><xades:CertDigest><ds:DigestMethod Algorithm=\"{SHA256}\"/>\
         <ds:DigestValue>{digest}</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2>\
         </xades:SignedSignatureProperties></xades:SignedProperties></xades:QualifyingProperties></ds:Object></ds:Signature>"
    ))
}

#[expect(clippy::disallowed_methods, reason = "the edge: a list is issued at the time it is")]
fn now() -> Timestamp {
    Timestamp::now()
}
