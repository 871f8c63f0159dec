//! Our metadata (*Regole tecniche SPID*, metadata of the service provider; Avviso SPID 29 v3).

use super::{
    Fault, ServiceProvider,
    attributes::AttributeSet,
    names::{BASIC, DS, MD, POST, REDIRECT, SAMLP, SPID, TRANSIENT},
    sign::fresh_id,
    xml::{Element, element},
};
use jiff::Timestamp;
use openssl::asn1::Asn1Time;

impl ServiceProvider {
    /// Our metadata, signed; published and sent to AgID.
    ///
    /// # Errors
    /// [`Fault::Setting`] when our certificate is not valid at `now`; [`Fault::Crypto`] when signing fails.
    pub fn metadata(&self, now: Timestamp) -> Result<String, Fault> {
        self.certificate_holds(now)?;
        let id = fresh_id()?;
        let descriptor = element("md:EntityDescriptor")
            .with("xmlns:md", MD)
            .with("xmlns:ds", DS)
            .with("xmlns:spid", SPID)
            .with("ID", &id)
            .with("entityID", &self.entity_id)
            .child(self.signature_over(&id)?)
            .child(self.role()?)
            .child(self.organization())
            .child(self.contact());
        self.sign(&descriptor)
    }

    fn certificate_holds(&self, now: Timestamp) -> Result<(), Fault> {
        let at = Asn1Time::from_unix(now.as_second())?;
        if self.certificate.not_before() <= at && at <= self.certificate.not_after() {
            return Ok(());
        }
        let problem =
            format!("valid from {} to {} only", self.certificate.not_before(), self.certificate.not_after());
        Err(Fault::Setting { key: "spid.pem".to_owned(), problem })
    }

    fn role(&self) -> Result<Element, Fault> {
        let endpoint = |name, binding| element(name).with("Binding", binding);
        let logout = |binding| endpoint("md:SingleLogoutService", binding).with("Location", &self.slo_url);
        let consumer = endpoint("md:AssertionConsumerService", POST)
            .with("Location", &self.acs_url)
            .with("index", "0")
            .with("isDefault", "true");
        Ok(element("md:SPSSODescriptor")
            .with("protocolSupportEnumeration", SAMLP)
            .with("AuthnRequestsSigned", "true")
            .with("WantAssertionsSigned", "true")
            .child(element("md:KeyDescriptor").with("use", "signing").child(self.key_info()?))
            .child(logout(POST))
            .child(logout(REDIRECT))
            .child(element("md:NameIDFormat").text(TRANSIENT))
            .child(consumer)
            .children(self.attribute_sets().iter().map(|set| self.consuming(set))))
    }

    fn consuming(&self, set: &AttributeSet) -> Element {
        let asked =
            |name: &&str| element("md:RequestedAttribute").with("Name", *name).with("NameFormat", BASIC);
        element("md:AttributeConsumingService")
            .with("index", set.index)
            .child(italian("md:ServiceName", set.name.unwrap_or(&self.body.display_name)))
            .children(set.attributes.iter().map(asked))
    }

    fn organization(&self) -> Element {
        element("md:Organization")
            .child(italian("md:OrganizationName", &self.body.name))
            .child(italian("md:OrganizationDisplayName", &self.body.display_name))
            .child(italian("md:OrganizationURL", &self.body.url))
    }

    fn contact(&self) -> Element {
        let extensions = element("md:Extensions")
            .child(element("spid:IPACode").text(&self.body.ipa_code))
            .child(element("spid:Public"));
        element("md:ContactPerson")
            .with("contactType", "other")
            .child(extensions)
            .child(element("md:Company").text(&self.body.name))
            .child(element("md:EmailAddress").text(&self.body.email))
            .child(element("md:TelephoneNumber").text(&self.body.telephone))
    }
}

fn italian(name: &'static str, text: &str) -> Element {
    element(name).with("xml:lang", "it").text(text)
}
