//! Keys and certificates for development and tests: never for a real site.

use anyhow::{Context, Result};
use openssl::{
    asn1::Asn1Time,
    bn::{BigNum, MsbOption},
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{
        X509, X509Builder, X509NameBuilder,
        extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName},
    },
};
use std::{
    io::Write,
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// How long development certificates last, in days.
const DAYS: u32 = 365;

/// A certification authority for one lab or one test run.
pub struct Authority {
    key: PKey<Private>,
    certificate: X509,
    folder: PathBuf,
}

impl Authority {
    /// Makes an authority in `folder`: `ca.pem`. Its key stays in memory and dies with the caller, so that
    /// nothing can ever be signed with it again.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn make(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let key = new_key()?;
        let mut builder = builder("Varco development CA", &key)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        builder.sign(&key, MessageDigest::sha256())?;
        let certificate = builder.build();
        write(&folder.join("ca.pem"), &certificate.to_pem()?, 0o644)?;
        Ok(Self { key, certificate, folder: folder.to_path_buf() })
    }

    /// Makes `<name>.pem` and `<name>.key` for these host names and addresses.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn leaf(&self, name: &str, hosts: &[&str]) -> Result<()> {
        let key = new_key()?;
        let mut builder = builder(hosts.first().copied().unwrap_or(name), &key)?;
        builder.set_issuer_name(self.certificate.subject_name())?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder
            .append_extension(KeyUsage::new().critical().digital_signature().key_encipherment().build()?)?;
        builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
        let mut names = SubjectAlternativeName::new();
        for host in hosts {
            match host.parse::<IpAddr>() {
                Ok(_) => names.ip(host),
                Err(_) => names.dns(host),
            };
        }
        let names = names.build(&builder.x509v3_context(Some(&self.certificate), None))?;
        builder.append_extension(names)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        save(&self.folder, name, &builder.build(), &key)
    }

    /// Makes `<name>.pem` and `<name>.key` of a unit that signs timestamps, and nothing else (RFC 3161, section 2.3).
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn timestamps(&self, name: &str, common_name: &str) -> Result<()> {
        let key = new_curve_key()?;
        let mut builder = builder(common_name, &key)?;
        builder.set_issuer_name(self.certificate.subject_name())?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        builder.append_extension(ExtendedKeyUsage::new().critical().time_stamping().build()?)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        save(&self.folder, name, &builder.build(), &key)
    }
}

/// Makes a self-signed `<name>.pem` and `<name>.key` in `folder`, as SAML metadata carry them.
///
/// # Errors
/// When the folder cannot be written.
pub fn self_signed(folder: &Path, name: &str, common_name: &str) -> Result<()> {
    let key = new_key()?;
    let mut builder = builder(common_name, &key)?;
    builder.append_extension(BasicConstraints::new().critical().build()?)?;
    builder.append_extension(KeyUsage::new().critical().digital_signature().non_repudiation().build()?)?;
    builder.sign(&key, MessageDigest::sha256())?;
    save(folder, name, &builder.build(), &key)
}

pub(crate) fn new_key() -> Result<PKey<Private>> {
    Ok(PKey::from_rsa(Rsa::generate(2048)?)?)
}

/// On a curve: a hundred times sooner made than one of RSA.
pub(crate) fn new_curve_key() -> Result<PKey<Private>> {
    let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    Ok(PKey::from_ec_key(EcKey::generate(&curve)?)?)
}

fn builder(common_name: &str, key: &PKey<Private>) -> Result<X509Builder> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::ORGANIZATIONNAME, "Varco development, not for use")?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    let name = name.build();
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(serial.to_asn1_integer()?.as_ref())?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(Asn1Time::days_from_now(0)?.as_ref())?;
    builder.set_not_after(Asn1Time::days_from_now(DAYS)?.as_ref())?;
    Ok(builder)
}

pub(crate) fn save(folder: &Path, name: &str, certificate: &X509, key: &PKey<Private>) -> Result<()> {
    write(&folder.join(format!("{name}.key")), &key.private_key_to_pem_pkcs8()?, 0o600)?;
    write(&folder.join(format!("{name}.pem")), &certificate.to_pem()?, 0o644)
}

pub(crate) fn write(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(content).with_context(|| format!("write {}", path.display()))
}
