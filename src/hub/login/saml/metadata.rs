//! Our metadata: in SPID after the *Regole tecniche SPID* (metadata of the service provider) and Avviso SPID 29 v3, in CIE
//! after the *Manuale operativo CIE* (federation).

use super::{
    Fault, ServiceProvider,
    attributes::AttributeSet,
    names::{BASIC, CIE, DS, MD, POST, REDIRECT, SAMLP, SPID, TRANSIENT},
    partner::Partner,
    scheme::Scheme,
    sign::{fresh_id, key_info},
    xml::{Element, element},
};
use jiff::Timestamp;
use openssl::asn1::Asn1Time;

impl ServiceProvider {
    /// Our metadata, signed; published and sent to AgID or to the federation of CIE.
    ///
    /// # Errors
    /// [`Fault::Setting`] when our certificate is not valid at `now`; [`Fault::Crypto`] when signing fails.
    pub fn metadata(&self, now: Timestamp) -> Result<String, Fault> {
        self.certificate_holds(now)?;
        let id = fresh_id()?;
        let (prefix, namespace) =
            if self.scheme == Scheme::Cie { ("xmlns:cie", CIE) } else { ("xmlns:spid", SPID) };
        let descriptor = element("md:EntityDescriptor")
            .with("xmlns:md", MD)
            .with("xmlns:ds", DS)
            .with(prefix, namespace)
            .with("ID", &id)
            .with("entityID", &self.entity_id)
            .child(self.signature_over(&id)?)
            .children(self.age_limit.map(|from| age_limit(from, self.parent_below)))
            .child(self.role()?)
            .child(self.organization())
            .children(self.contacts());
        self.sign(&descriptor)
    }

    fn certificate_holds(&self, now: Timestamp) -> Result<(), Fault> {
        let at = Asn1Time::from_unix(now.as_second())?;
        let certificate = self.keys.certificate();
        if certificate.not_before() <= at && at <= certificate.not_after() {
            return Ok(());
        }
        let problem = format!("valid from {} to {} only", certificate.not_before(), certificate.not_after());
        Err(Fault::Setting { key: "spid.pem".to_owned(), problem })
    }

    fn role(&self) -> Result<Element, Fault> {
        let endpoint = |name, binding| element(name).with("Binding", binding);
        let logout = |binding| endpoint("md:SingleLogoutService", binding).with("Location", &self.slo_url);
        let consumer = endpoint("md:AssertionConsumerService", POST)
            .with("Location", &self.acs_url)
            .with("index", "0")
            .with("isDefault", "true");
        // The certificate that signs, and during a roll-over the one that will.
        let certificates = self.keys.certificates().map(|(_, certificate)| key_info(certificate));
        let keys: Vec<_> = certificates.collect::<Result<_, _>>()?;
        let descriptor = |key| element("md:KeyDescriptor").with("use", "signing").child(key);
        Ok(element("md:SPSSODescriptor")
            .with("protocolSupportEnumeration", SAMLP)
            .with("AuthnRequestsSigned", "true")
            .with("WantAssertionsSigned", "true")
            .children(keys.into_iter().map(descriptor))
            .child(logout(POST))
            .child(logout(REDIRECT))
            .child(element("md:NameIDFormat").text(TRANSIENT))
            .child(consumer)
            .children(self.attribute_sets().iter().map(|set| self.consuming(set))))
    }

    fn consuming(&self, set: &AttributeSet) -> Element {
        let asked =
            |name: &&str| element("md:RequestedAttribute").with("Name", *name).with("NameFormat", BASIC);
        // CIE's name of a class of services is in no language.
        let language = if self.scheme == Scheme::Cie { "" } else { "it" };
        let name = element("md:ServiceName").with("xml:lang", language);
        element("md:AttributeConsumingService")
            .with("index", set.index)
            .child(name.text(set.name.unwrap_or(&self.body.display_name)))
            .children(set.attributes.iter().map(asked))
    }

    fn organization(&self) -> Element {
        element("md:Organization")
            .child(italian("md:OrganizationName", &self.body.name))
            .child(italian("md:OrganizationDisplayName", &self.body.display_name))
            .child(italian("md:OrganizationURL", &self.body.url))
    }

    fn contacts(&self) -> Vec<Element> {
        let code = &self.body.ipa_code;
        let (kind, extensions) = if self.scheme == Scheme::Cie {
            let town = self.body.municipality.as_deref().unwrap_or_default();
            let public = [element("cie:Public"), element("cie:IPACode").text(code)];
            ("administrative", extensions(public).child(element("cie:Municipality").text(town)))
        } else {
            ("other", extensions([element("spid:IPACode").text(code), element("spid:Public")]))
        };
        let own = contact(kind, extensions, &self.body.name, &self.body.email, &self.body.telephone);
        std::iter::once(own).chain(self.technical.as_ref().map(technical)).collect()
    }
}

/// From which age on, and below which a parent allows it; 99 is no upper bound (AgID, *Linee guida operative per la fruizione
/// dei servizi SPID da parte dei minori*).
fn age_limit(from: u8, parent_below: Option<u8>) -> Element {
    let value = |name, number: u8| element(name).text(number.to_string());
    let limit = element("spid:AgeLimit")
        .child(value("spid:AssertionConsumerServiceIndex", 0))
        .child(value("spid:MinAge", from))
        .child(value("spid:MaxAge", 99))
        .child(value("spid:AgeParentAuth", parent_below.unwrap_or(0)));
    extensions([limit])
}

fn technical(partner: &Partner) -> Element {
    let (public, private) = (partner.ipa_code.is_some(), partner.ipa_code.is_none());
    let code = |name, code: &Option<String>| code.as_ref().map(|code| element(name).text(code));
    let extensions = element("md:Extensions")
        .children(public.then(|| element("cie:Public")))
        .children(private.then(|| element("cie:Private")))
        .children(code("cie:IPACode", &partner.ipa_code))
        .children(code("cie:VATNumber", &partner.vat_number))
        .children(code("cie:FiscalCode", &partner.fiscal_code))
        .children(partner.nace2_codes.iter().map(|code| element("cie:NACE2Code").text(code)))
        .child(element("cie:Municipality").text(&partner.municipality));
    contact("technical", extensions, &partner.name, &partner.email, &partner.telephone)
}

fn contact(kind: &str, extensions: Element, company: &str, email: &str, telephone: &str) -> Element {
    element("md:ContactPerson")
        .with("contactType", kind)
        .child(extensions)
        .child(element("md:Company").text(company))
        .child(element("md:EmailAddress").text(email))
        .child(element("md:TelephoneNumber").text(telephone))
}

fn extensions(all: impl IntoIterator<Item = Element>) -> Element {
    element("md:Extensions").children(all)
}

fn italian(name: &'static str, text: &str) -> Element {
    element(name).with("xml:lang", "it").text(text)
}
