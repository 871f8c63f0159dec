//! Metadata: writing the provider's own, reading a service provider's.

use super::{
    scheme::Scheme,
    sign::Signer,
    xml::{self, DS, MD, POST, REDIRECT, TRANSIENT, escape},
};
use anyhow::{Context, Result};
use roxmltree::Node;
use std::{collections::BTreeMap, path::Path, process::Command};

/// The provider's metadata; `url` is its entityID and the base of its endpoints.
///
/// # Errors
/// When the certificate cannot be read.
pub fn write(scheme: Scheme, url: &str, signer: &Signer) -> Result<String> {
    let (entity, title) = (escape(url), scheme.title());
    let certificate = signer.certificate_text()?;
    let endpoint = |element: &str, path: &str| {
        let one = |binding: &str| format!(r#"<md:{element} Binding="{binding}" Location="{entity}{path}"/>"#);
        one(POST) + &one(REDIRECT)
    };
    let attribute = |name: &str| format!(r#"<saml:Attribute xmlns:saml="{}" Name="{name}"/>"#, xml::SAML);
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="{MD}" entityID="{entity}"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" WantAuthnRequestsSigned="true"><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{}<md:NameIDFormat>{TRANSIENT}</md:NameIDFormat>{}{}</md:IDPSSODescriptor><md:Organization><md:OrganizationName xml:lang="it">{title}</md:OrganizationName><md:OrganizationDisplayName xml:lang="it">{title}</md:OrganizationDisplayName><md:OrganizationURL xml:lang="it">{entity}</md:OrganizationURL></md:Organization></md:EntityDescriptor>
"#,
        endpoint("SingleLogoutService", "/slo"),
        endpoint("SingleSignOnService", "/sso"),
        scheme.attests().iter().map(|name| attribute(name)).collect::<String>(),
    ))
}

/// What a service provider's metadata says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceProvider {
    /// entityID.
    pub entity_id: String,
    /// Signing certificates, PEM.
    pub certificates: Vec<String>,
    /// Assertion consumer services by index.
    pub acs: BTreeMap<String, String>,
    /// Names of the attributes asked, by index of the attribute consuming service.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// Where a logout response goes.
    pub slo: Option<String>,
}

impl ServiceProvider {
    /// Reads metadata.
    ///
    /// # Errors
    /// When they are not SAML metadata of a service provider.
    pub fn parse(text: &str) -> Result<Self> {
        let document = xml::parse(text)?;
        let root = document.root_element();
        let sp = xml::child(root, MD, "SPSSODescriptor").context("no SPSSODescriptor")?;
        let consumers = xml::children(sp, MD, "AssertionConsumerService");
        let services = xml::children(sp, MD, "AttributeConsumingService");
        let slo = xml::child(sp, MD, "SingleLogoutService");
        Ok(Self {
            entity_id: root.attribute("entityID").context("no entityID")?.to_owned(),
            certificates: xml::children(sp, MD, "KeyDescriptor").filter_map(certificate).collect(),
            acs: consumers.filter_map(indexed).collect(),
            attributes: services.filter_map(requested).collect(),
            slo: slo
                .and_then(|s| s.attribute("ResponseLocation").or(s.attribute("Location")))
                .map(str::to_owned),
        })
    }

    /// Reads metadata from a file or, with `https://`, from the network with `curl`.
    ///
    /// # Errors
    /// When they cannot be had or read.
    pub fn load(source: &str) -> Result<Self> {
        if !source.contains("://") {
            let text =
                std::fs::read_to_string(Path::new(source)).with_context(|| format!("read {source}"))?;
            return Self::parse(&text);
        }
        let arguments = ["--silent", "--show-error", "--fail", "--max-time", "5", source];
        let done =
            Command::new("curl").args(arguments).output().context("start curl (Debian package curl)")?;
        anyhow::ensure!(done.status.success(), "{source}: {}", String::from_utf8_lossy(&done.stderr).trim());
        Self::parse(&String::from_utf8(done.stdout)?)
    }
}

fn certificate(descriptor: Node<'_, '_>) -> Option<String> {
    if descriptor.attribute("use") == Some("encryption") {
        return None;
    }
    let element = descriptor.descendants().find(|n| n.has_tag_name((DS, "X509Certificate")))?;
    let base64: String = element.text()?.split_whitespace().collect();
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    Some(format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n")))
}

fn indexed(service: Node<'_, '_>) -> Option<(String, String)> {
    Some((service.attribute("index")?.to_owned(), service.attribute("Location")?.to_owned()))
}

fn requested(service: Node<'_, '_>) -> Option<(String, Vec<String>)> {
    let names = xml::children(service, MD, "RequestedAttribute").filter_map(|n| n.attribute("Name"));
    Some((service.attribute("index")?.to_owned(), names.map(str::to_owned).collect()))
}
