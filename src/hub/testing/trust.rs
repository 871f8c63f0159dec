//! Trust lists as AgID would make them, with issuers of nobody, signed by signers of nobody: by the program, so that the library
//! meets a signature of another hand. It needs nothing of this crate.

use openssl::{
    asn1::{Asn1Integer, Asn1Time},
    base64::encode_block,
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{X509, X509Name},
};
use std::{
    fmt::Write,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// What a signer for development carries in its subject.
pub const DEVELOPMENT: &str = "Varco development";
const IDV: &str = "http://uri.etsi.org/TrstSvc/Svctype/IdV";
const STATUS: &str = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/";

/// Who signs lists.
pub struct Signer {
    pub key: PKey<Private>,
    pub certificate: X509,
}

impl Signer {
    /// One of development, valid from 2021 to 2031.
    pub fn for_development() -> Self {
        Self::new(DEVELOPMENT, (1_609_459_200, 1_924_992_000))
    }

    /// One of this organizational unit, valid between these seconds.
    pub fn new(unit: &str, valid: (i64, i64)) -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let certificate = certificate(&key, &[("OU", unit), ("CN", "Trust list")], valid);
        Self { key, certificate }
    }
}

/// The certificate of an authority that may issue cards: a key of its own, this name.
pub fn issuer(name: &str) -> X509 {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    certificate(&key, &[("CN", name)], (1_609_459_200, 1_924_992_000))
}

fn certificate(key: &PKey<Private>, subject: &[(&str, &str)], (from, until): (i64, i64)) -> X509 {
    static SERIAL: AtomicU32 = AtomicU32::new(1);
    let mut name = X509Name::builder().unwrap();
    subject.iter().for_each(|(field, value)| name.append_entry_by_text(field, value).unwrap());
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(SERIAL.fetch_add(1, Ordering::Relaxed)).unwrap();
    builder.set_serial_number(&Asn1Integer::from_bn(&serial).unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(from).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(until).unwrap()).unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}

/// A service of the list.
#[derive(Clone)]
pub struct Service {
    pub kind: &'static str,
    /// The last part of the status.
    pub status: &'static str,
    pub since: &'static str,
    pub name: String,
    pub certificates: Vec<X509>,
    /// What it was before: status and since when.
    pub before: Vec<(&'static str, &'static str)>,
}

impl Service {
    /// One that issues cards.
    pub fn of(certificate: &X509) -> Self {
        let name = certificate.subject_name().entries().next();
        let name =
            name.map_or_else(String::new, |n| String::from_utf8_lossy(n.data().as_slice()).into_owned());
        Self {
            kind: IDV,
            status: "recognisedatnationallevel",
            since: "2024-01-01T00:00:00Z",
            name,
            certificates: vec![certificate.clone()],
            before: Vec::new(),
        }
    }

    fn xml(&self, out: &mut String) {
        let id = |c: &X509| {
            let der = encode_block(&c.to_der().unwrap());
            format!("<DigitalId><X509Certificate>{der}</X509Certificate></DigitalId>")
        };
        let ids: String = self.certificates.iter().map(id).collect();
        let entry = |status: &str, since: &str, ids: &str| {
            let Self { kind, name, .. } = self;
            format!(
                "<ServiceTypeIdentifier>{kind}</ServiceTypeIdentifier><ServiceName><Name xml:lang=\"en\">\
                 {name}</Name></ServiceName><ServiceDigitalIdentity>{ids}</ServiceDigitalIdentity>\
                 <ServiceStatus>{STATUS}{status}</ServiceStatus>\
                 <StatusStartingTime>{since}</StatusStartingTime>"
            )
        };
        let now = entry(self.status, self.since, &ids);
        write!(out, "<TSPService><ServiceInformation>{now}</ServiceInformation>").unwrap();
        if !self.before.is_empty() {
            let was = |(status, since): &(&str, &str)| {
                format!(
                    "<ServiceHistoryInstance>{}</ServiceHistoryInstance>",
                    entry(status, since, "<DigitalId><X509SKI>QWjk</X509SKI></DigitalId>")
                )
            };
            let before: String = self.before.iter().map(was).collect();
            write!(out, "<ServiceHistory>{before}</ServiceHistory>").unwrap();
        }
        out.push_str("</TSPService>");
    }
}

/// A list.
#[derive(Clone)]
pub struct Draft {
    pub number: u64,
    pub issued: String,
    pub next_update: String,
    pub services: Vec<Service>,
}

impl Draft {
    /// The list with this number, of November 2026, of these issuers.
    pub fn of(number: u64, issuers: &[X509]) -> Self {
        Self {
            number,
            issued: "2026-11-01T10:00:00Z".into(),
            next_update: "2027-05-01T10:00:00Z".into(),
            services: issuers.iter().map(Service::of).collect(),
        }
    }

    /// The list without a signature, `{SIGNATURE}` in its place.
    pub fn xml(&self) -> String {
        let Self { number, issued, next_update, .. } = self;
        let mut services = String::new();
        self.services.iter().for_each(|service| service.xml(&mut services));
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TrustServiceStatusList \
             xmlns=\"http://uri.etsi.org/02231/v2#\" Id=\"list\" \
             TSLTag=\"http://uri.etsi.org/19612/TSLTag\"><SchemeInformation>\
             <TSLVersionIdentifier>6</TSLVersionIdentifier>\
             <TSLSequenceNumber>{number}</TSLSequenceNumber>\
             <TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric</TSLType>\
             <SchemeTerritory>IT</SchemeTerritory><ListIssueDateTime>{issued}</ListIssueDateTime>\
             <NextUpdate><dateTime>{next_update}</dateTime></NextUpdate></SchemeInformation>\
             <TrustServiceProviderList><TrustServiceProvider><TSPServices>{services}</TSPServices>\
             </TrustServiceProvider></TrustServiceProviderList>{{SIGNATURE}}</TrustServiceStatusList>\n"
        )
    }

    /// The list, signed.
    pub fn signed(&self, by: &Signer) -> String {
        sign(&self.xml().replace("{SIGNATURE}", &template(&by.certificate)), by)
    }
}

/// The empty signature of a list (ETSI EN 319 132-1, level B).
pub fn template(certificate: &X509) -> String {
    let digest = encode_block(&certificate.digest(MessageDigest::sha256()).unwrap());
    let c14n = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    let by = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>";
    format!(
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" Id=\"sig\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
         <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>\
         <ds:Reference Id=\"whole\" URI=\"\"><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>{c14n}\
         </ds:Transforms>{by}<ds:DigestValue/></ds:Reference>\
         <ds:Reference Type=\"http://uri.etsi.org/01903#SignedProperties\" URI=\"#properties\">\
         <ds:Transforms>{c14n}</ds:Transforms>{by}<ds:DigestValue/></ds:Reference></ds:SignedInfo>\
         <ds:SignatureValue/><ds:Object>\
         <xades:QualifyingProperties xmlns:xades=\"http://uri.etsi.org/01903/v1.3.2#\" Target=\"#sig\">\
         <xades:SignedProperties Id=\"properties\"><xades:SignedSignatureProperties>\
         <xades:SigningTime>2026-11-01T10:00:00Z</xades:SigningTime><xades:SigningCertificateV2>\
         <xades:Cert><xades:CertDigest>{by}<ds:DigestValue>{digest}</ds:DigestValue></xades:CertDigest>\
         </xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>\
         </xades:SignedProperties></xades:QualifyingProperties></ds:Object></ds:Signature>"
    )
}

/// Fills every signature of the document.
pub fn sign(xml: &str, by: &Signer) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder: PathBuf =
        std::env::temp_dir().join(format!("varco-trust-sign-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [pem, input, output] = ["key.pem", "in.xml", "out.xml"].map(|name| folder.join(name));
    std::fs::write(&pem, by.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    std::fs::write(&input, xml).unwrap();
    let done = Command::new("xmlsec1")
        .args(["--sign", "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"])
        .args(["--id-attr:Id", "http://uri.etsi.org/02231/v2#:TrustServiceStatusList"])
        .args(["--node-xpath", "//*[local-name()='Signature']", "--privkey-pem"])
        .args([&pem, &PathBuf::from("--output"), &output, &input])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let signed = std::fs::read_to_string(output).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    signed
}
