//! An identity provider, as its metadata states it.

use super::{
    keys::LEAST_BITS,
    names::{DS, MD, POST, REDIRECT, SAMLP},
    read,
    scheme::Scheme,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use openssl::{pkey::Id, x509::X509};
use roxmltree::Node;
use url::Url;

/// A trusted identity provider.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Whose provider it is.
    pub scheme: Scheme,
    /// Its name in SPID.
    pub entity_id: String,
    /// Its name for citizens.
    pub name: String,
    /// Single sign-on by redirect.
    pub sso_redirect: Option<Url>,
    /// Single sign-on by POST.
    pub sso_post: Option<Url>,
    /// Single logout by redirect.
    pub slo_redirect: Option<Slo>,
    /// Single logout by POST.
    pub slo_post: Option<Slo>,
    /// The certificates it signs with: at least one, RSA of 2048 bits or more. Their dates do not matter; what
    /// the metadata holds is what is trusted (SAML Metadata Interoperability Profile 2.6.1).
    pub certificates: Vec<X509>,
}

/// An endpoint of single logout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slo {
    /// Where a `LogoutRequest` goes.
    pub request: Url,
    /// Where a `LogoutResponse` goes; the same unless the metadata has a `ResponseLocation`.
    pub response: Url,
}

impl Provider {
    /// Reads an `EntityDescriptor`; `None` when it describes no identity provider.
    pub(super) fn read(scheme: Scheme, entity: Node<'_, '_>) -> Result<Option<Self>, String> {
        let Some(role) = read::optional(entity, (MD, "IDPSSODescriptor"))? else { return Ok(None) };
        let entity_id = read::attribute(entity, "entityID")?.to_owned();
        let protocols = read::attribute(role, "protocolSupportEnumeration")?;
        if !protocols.split_ascii_whitespace().any(|p| p == SAMLP) {
            return Err(format!("{entity_id} does not speak SAML 2.0"));
        }
        let certificates = certificates(role).map_err(|why| format!("{entity_id}: {why}"))?;
        let [sso_redirect, sso_post] = [REDIRECT, POST].map(|b| endpoint(role, "SingleSignOnService", b));
        let [slo_redirect, slo_post] = [REDIRECT, POST].map(|b| endpoint(role, "SingleLogoutService", b));
        let (sso_redirect, sso_post) =
            (sso_redirect?.map(|slo| slo.request), sso_post?.map(|slo| slo.request));
        if sso_redirect.is_none() && sso_post.is_none() {
            return Err(format!("{entity_id} has no single sign-on by redirect or POST"));
        }
        let (slo_redirect, slo_post) = (slo_redirect?, slo_post?);
        let name = name(entity).unwrap_or_else(|| entity_id.clone());
        Ok(Some(Self {
            scheme,
            entity_id,
            name,
            sso_redirect,
            sso_post,
            slo_redirect,
            slo_post,
            certificates,
        }))
    }
}

/// What the provider calls itself, in Italian if it does. An address is no name: then what it is called in full.
fn name(entity: Node<'_, '_>) -> Option<String> {
    let organization = entity.children().find(|n| n.has_tag_name((MD, "Organization")))?;
    let italian =
        |n: &Node<'_, '_>| n.attribute(("http://www.w3.org/XML/1998/namespace", "lang")) == Some("it");
    let named = |tag| {
        let all = || organization.children().filter(move |n| n.has_tag_name((MD, tag)));
        all().find(italian).or_else(|| all().next()).and_then(|n| read::text(n).ok())
    };
    let shown = named("OrganizationDisplayName");
    shown.filter(|name| !name.contains("://")).or_else(|| named("OrganizationName"))
}

fn endpoint(role: Node<'_, '_>, service: &'static str, binding: &str) -> Result<Option<Slo>, String> {
    let mut found = role.children().filter(|n| n.has_tag_name((MD, service)));
    let Some(found) = found.find(|n| read::plain(*n, "Binding") == Some(binding)) else { return Ok(None) };
    let request = location(read::attribute(found, "Location")?)?;
    let response = read::plain(found, "ResponseLocation").map_or_else(|| Ok(request.clone()), location)?;
    Ok(Some(Slo { request, response }))
}

fn location(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|e| format!("`{text}` is no URL: {e}"))?;
    if url.scheme() == "https" { Ok(url) } else { Err(format!("`{text}` is not https")) }
}

/// The signing certificates of a role; a key too weak to trust spoils the provider, since a message could be
/// signed with it.
fn certificates(role: Node<'_, '_>) -> Result<Vec<X509>, String> {
    let keys = role.children().filter(|n| n.has_tag_name((MD, "KeyDescriptor")));
    let signing = keys.filter(|n| matches!(read::plain(*n, "use"), None | Some("signing")));
    let found = signing.flat_map(|n| n.descendants()).filter(|n| n.has_tag_name((DS, "X509Certificate")));
    let list: Vec<_> = found.map(certificate).collect::<Result<_, _>>()?;
    if list.is_empty() { Err("it has no signing certificate".to_owned()) } else { Ok(list) }
}

fn certificate(node: Node<'_, '_>) -> Result<X509, String> {
    let dense: String = read::text(node)?.split_ascii_whitespace().collect();
    let der = STANDARD.decode(dense).map_err(|e| format!("a certificate is not base64: {e}"))?;
    let certificate = X509::from_der(&der).map_err(|e| format!("a certificate cannot be read: {e}"))?;
    let key = certificate.public_key().map_err(|e| format!("a certificate has no usable key: {e}"))?;
    if key.id() == Id::RSA && key.bits() >= LEAST_BITS {
        Ok(certificate)
    } else {
        Err(format!("a certificate's key is not RSA of {LEAST_BITS} bits or more"))
    }
}
