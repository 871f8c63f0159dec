//! What differs by scheme and by body: CIE, eIDAS, minors, pseudonyms, levels; and two certificates during a roll-over.

use super::{
    super::{
        Comparison, Fault, Level, Partner, Profile, Provider, Scheme, ServiceProvider, Wanted,
        names::{CIE, DS, MD, SAML, SAMLP, SPID},
    },
    fixture::*,
};
use roxmltree::{Document, Node};

fn cie() -> Profile {
    Profile { entity_id: "https://cie.comune.example.it".into(), ..profile(Level::L2) }
}

fn made(scheme: Scheme, profile: &Profile) -> Result<ServiceProvider, Fault> {
    ServiceProvider::new(scheme, profile, ACS, SLO, body(), our_keys())
}

fn asked(us: &ServiceProvider, scheme: Scheme) -> String {
    let to = Provider { scheme, ..provider() };
    us.authn_request(&to, "r", now()).unwrap().0.xml
}

fn attribute(xml: &str, name: &str) -> Option<String> {
    Document::parse(xml).unwrap().root_element().attribute(name).map(str::to_owned)
}

fn all<'a>(document: &'a Document<'_>, name: (&'static str, &'static str)) -> Vec<Node<'a, 'a>> {
    document.descendants().filter(move |n| n.has_tag_name(name)).collect()
}

fn texts(node: Node<'_, '_>) -> Vec<(String, String)> {
    let children = node.children().filter(Node::is_element);
    children.map(|n| (n.tag_name().name().to_owned(), n.text().unwrap_or_default().to_owned())).collect()
}

#[test]
fn cie_metadata_has_its_own_contact_names_and_attributes() {
    let partner = Partner {
        name: "Sistemi S.p.A.".into(),
        email: "cie@sistemi.example.it".into(),
        telephone: "+390620000000".into(),
        municipality: "H501".into(),
        ipa_code: None,
        vat_number: Some("IT12345678901".into()),
        fiscal_code: Some("12345678901".into()),
        nace2_codes: vec!["62.01".into()],
    };
    let us = made(Scheme::Cie, &Profile { technical: Some(partner), ..cie() }).unwrap();
    let xml = us.metadata(now()).unwrap();
    assert!(verified_by_program(&xml, our_keys().certificate(), "EntityDescriptor"));
    assert!(!xml.contains(SPID), "nothing of SPID");
    let document = Document::parse(&xml).unwrap();
    assert_eq!(document.root_element().attribute("entityID"), Some("https://cie.comune.example.it"));
    let contacts = all(&document, (MD, "ContactPerson"));
    let kinds: Vec<_> = contacts.iter().map(|c| c.attribute("contactType").unwrap()).collect();
    assert_eq!(kinds, ["administrative", "technical"]);
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let said: Vec<_> = contacts.iter().map(|c| texts(c.first_element_child().unwrap())).collect();
    let own = [pair("Public", ""), pair("IPACode", "c_x000"), pair("Municipality", "L219")];
    let private = [("Private", ""), ("VATNumber", "IT12345678901"), ("FiscalCode", "12345678901")];
    let rest = [("NACE2Code", "62.01"), ("Municipality", "H501")];
    let theirs: Vec<_> = private.iter().chain(&rest).map(|(a, b)| pair(a, b)).collect();
    assert_eq!((said[0].as_slice(), said[1].as_slice()), (&own[..], &theirs[..]));
    assert!(contacts[0].descendants().any(|n| n.has_tag_name((CIE, "Municipality"))));
    let names: Vec<_> =
        all(&document, (MD, "RequestedAttribute")).iter().map(|n| n.attribute("Name").unwrap()).collect();
    assert_eq!(names, ["name", "familyName", "dateOfBirth", "fiscalNumber"]);
    let bindings = all(&document, (MD, "SingleLogoutService"));
    assert!(bindings.iter().any(|n| n.attribute("Binding").is_some_and(|b| b.ends_with("HTTP-Redirect"))));
}

#[test]
fn cie_always_asks_for_a_login() {
    for level in [Level::L1, Level::L2, Level::L3] {
        let us = made(Scheme::Cie, &Profile { level, ..cie() }).unwrap();
        let xml = asked(&us, Scheme::Cie);
        assert_eq!(attribute(&xml, "ForceAuthn").as_deref(), Some("true"));
        assert_eq!(attribute(&xml, "AttributeConsumingServiceIndex").as_deref(), Some("0"));
        assert!(!xml.contains("IsPassive") && !xml.contains("Scoping") && !xml.contains("AllowCreate"));
    }
}

#[test]
fn the_node_of_eidas_is_asked_for_its_own_set() {
    let us = made(Scheme::Spid, &Profile { eidas: true, ..profile(Level::L1) }).unwrap();
    let index = |scheme| attribute(&asked(&us, scheme), "AttributeConsumingServiceIndex");
    assert_eq!((index(Scheme::Spid).unwrap(), index(Scheme::Eidas).unwrap()), ("0".into(), "99".into()));
    let to = Provider { scheme: Scheme::Eidas, ..provider() };
    assert_eq!(us.authn_request(&to, "r", now()).unwrap().0.wanted, Wanted::SpidCode);
    let xml = us.metadata(now()).unwrap();
    let document = Document::parse(&xml).unwrap();
    let sets: Vec<_> = all(&document, (MD, "AttributeConsumingService"))
        .iter()
        .map(|set| {
            let name = set.children().find(|n| n.has_tag_name((MD, "ServiceName"))).unwrap().text().unwrap();
            let asked = set.children().filter(|n| n.has_tag_name((MD, "RequestedAttribute"))).count();
            (set.attribute("index").unwrap(), name.to_owned(), asked)
        })
        .collect();
    let [own, pseudonym, least, full] = sets.as_slice() else { panic!("{sets:?}") };
    assert_eq!((own.0, own.2, pseudonym.0, pseudonym.2), ("0", 1, "1", 1));
    assert_eq!((least.0, least.2, full.0, full.2), ("99", 4, "100", 7));
    assert_eq!(least.1, "eIDAS Natural Person Minimum Attribute Set");
    assert_eq!(full.1, "eIDAS Natural Person Full Attribute Set");
    assert!(!us_alone().metadata(now()).unwrap().contains("eIDAS"), "only where it is let in");
}

fn us_alone() -> ServiceProvider {
    us(Level::L1)
}

#[test]
fn a_body_may_ask_for_pseudonyms_but_administrators_show_who_they_are() {
    let us = made(Scheme::Spid, &Profile { identity: Wanted::SpidCode, ..profile(Level::L1) }).unwrap();
    let (sent, _) = us.authn_request(&provider(), "r", now()).unwrap();
    assert_eq!(attribute(&sent.xml, "AttributeConsumingServiceIndex").as_deref(), Some("1"));
    assert_eq!((sent.wanted, sent.level), (Wanted::SpidCode, Level::L1));
    let (sent, _) = us.for_administrators().authn_request(&provider(), "r", now()).unwrap();
    assert_eq!(attribute(&sent.xml, "AttributeConsumingServiceIndex").as_deref(), Some("0"));
    assert_eq!((sent.wanted, sent.level), (Wanted::FiscalNumber, Level::L2));
}

#[test]
fn each_comparison_is_written_and_means_a_lowest_level() {
    use Comparison::{Better, Exact, Maximum, Minimum};
    use Level::{L1, L2, L3};
    for (comparison, level, least, forced) in [
        (Exact, L1, L1, false),
        (Minimum, L2, L2, true),
        (Better, L1, L2, true),
        (Better, L2, L3, true),
        (Maximum, L1, L1, false),
        (Maximum, L3, L1, true),
    ] {
        let us = made(Scheme::Spid, &Profile { comparison, level, ..profile(L1) }).unwrap();
        let xml = asked(&us, Scheme::Spid);
        let document = Document::parse(&xml).unwrap();
        let contexts = all(&document, (SAMLP, "RequestedAuthnContext"));
        assert_eq!((contexts.len(), contexts[0].attribute("Comparison")), (1, Some(comparison.name())));
        let class = all(&document, (SAML, "AuthnContextClassRef"));
        assert_eq!((class.len(), class[0].text()), (1, Some(level.uri())));
        assert_eq!(comparison.least(level), least);
        assert_eq!(attribute(&xml, "ForceAuthn").is_some(), forced, "{comparison:?} {level:?}");
        // Whatever the body asks, an administrator shows two factors.
        let admin = us.at_least(L2);
        assert!(admin.comparison.least(admin.level) >= L2, "{comparison:?} {level:?}");
    }
}

#[test]
fn minors_are_declared_with_their_ages() {
    let with = Profile { age_limit: Some(14), parent_below: Some(16), ..profile(Level::L1) };
    let xml = made(Scheme::Spid, &with).unwrap().metadata(now()).unwrap();
    let document = Document::parse(&xml).unwrap();
    let [limit] = all(&document, (SPID, "AgeLimit"))[..] else { panic!("{xml}") };
    let said =
        [("AssertionConsumerServiceIndex", "0"), ("MinAge", "14"), ("MaxAge", "99"), ("AgeParentAuth", "16")];
    assert_eq!(texts(limit), said.map(|(a, b)| (a.to_owned(), b.to_owned())));
    let order: Vec<_> =
        document.root_element().children().filter(Node::is_element).map(|n| n.tag_name().name()).collect();
    assert_eq!(order, ["Signature", "Extensions", "SPSSODescriptor", "Organization", "ContactPerson"]);
    assert!(!us_alone().metadata(now()).unwrap().contains("AgeLimit"));
}

#[test]
fn what_a_scheme_does_not_know_is_refused_by_its_key() {
    let spid = || profile(Level::L1);
    for (scheme, profile, key) in [
        (Scheme::Cie, Profile { comparison: Comparison::Better, ..cie() }, "body.cie.comparison"),
        (Scheme::Cie, Profile { comparison: Comparison::Maximum, ..cie() }, "body.cie.comparison"),
        (Scheme::Cie, Profile { identity: Wanted::SpidCode, ..cie() }, "body.cie.identity"),
        (Scheme::Cie, Profile { eidas: true, ..cie() }, "body.cie.eidas"),
        (Scheme::Cie, Profile { age_limit: Some(14), ..cie() }, "body.cie.age_limit"),
        (Scheme::Cie, Profile { entity_id: "cie".into(), ..cie() }, "body.cie.entity_id"),
        (
            Scheme::Spid,
            Profile { comparison: Comparison::Better, level: Level::L3, ..spid() },
            "body.spid.comparison",
        ),
        (Scheme::Spid, Profile { age_limit: Some(4), ..spid() }, "body.spid.age_limit"),
        (Scheme::Spid, Profile { age_limit: Some(18), ..spid() }, "body.spid.age_limit"),
        (Scheme::Spid, Profile { parent_below: Some(16), ..spid() }, "body.spid.parent_below"),
        (
            Scheme::Spid,
            Profile { age_limit: Some(14), parent_below: Some(14), ..spid() },
            "body.spid.parent_below",
        ),
    ] {
        match made(scheme, &profile) {
            Err(Fault::Setting { key: named, .. }) => assert_eq!(named, key),
            other => panic!("{key}: {other:?}"),
        }
    }
}

#[test]
fn a_partner_is_public_or_wholly_described() {
    let public = Partner {
        name: "Città metropolitana".into(),
        email: "cie@cm.example.it".into(),
        telephone: "+390110000000".into(),
        municipality: "L219".into(),
        ipa_code: Some("cmto".into()),
        vat_number: None,
        fiscal_code: None,
        nace2_codes: Vec::new(),
    };
    let refused = |partner: Partner| match made(Scheme::Cie, &Profile { technical: Some(partner), ..cie() }) {
        Ok(_) => String::new(),
        Err(fault) => fault.to_string(),
    };
    assert_eq!(refused(public.clone()), "");
    let private = Partner {
        ipa_code: None,
        vat_number: Some("IT12345678901".into()),
        fiscal_code: Some("12345678901".into()),
        nace2_codes: vec!["62.01".into()],
        ..public.clone()
    };
    assert_eq!(refused(private.clone()), "");
    for (partner, key) in [
        (Partner { ipa_code: None, ..public.clone() }, "technical: "),
        (Partner { vat_number: None, ..private.clone() }, "technical: "),
        (Partner { fiscal_code: None, ..private.clone() }, "technical: "),
        (Partner { nace2_codes: Vec::new(), ..private.clone() }, "technical: "),
        (Partner { nace2_codes: vec!["62 01".into()], ..private }, "technical: write codes without blanks"),
        (Partner { ipa_code: Some(String::new()), ..public.clone() }, "technical: write codes"),
        (Partner { name: " x".into(), ..public.clone() }, "technical.name: "),
        (Partner { email: "x".into(), ..public.clone() }, "technical.email: "),
        (Partner { telephone: "011".into(), ..public.clone() }, "technical.telephone: "),
        (Partner { municipality: "l219".into(), ..public.clone() }, "technical.municipality: "),
    ] {
        let said = refused(partner);
        assert!(said.contains(&format!("body.cie.{key}")), "{key}: {said}");
    }
    let spid = made(Scheme::Spid, &Profile { technical: Some(public), ..profile(Level::L1) });
    assert!(matches!(spid, Err(Fault::Setting { key, .. }) if key == "body.spid.technical"));
}

#[test]
fn during_a_roll_over_both_certificates_are_named_and_the_old_one_signs() {
    let folder = Folder::new();
    super::super::Keys::make(&folder.0, &body(), US, now()).unwrap();
    let count = |us: &ServiceProvider| {
        let xml = us.metadata(now()).unwrap();
        let document = Document::parse(&xml).unwrap();
        let named = all(&document, (MD, "KeyDescriptor")).len();
        let signed = all(&document, (DS, "Signature"));
        assert_eq!((signed.len(), named), (1, all(&document, (DS, "X509Certificate")).len() - 1));
        (named, xml)
    };
    let now_us = || {
        let keys = super::super::Keys::load(&folder.0).unwrap();
        let us = ServiceProvider::new(Scheme::Spid, &profile(Level::L1), ACS, SLO, body(), &keys);
        (us.unwrap(), keys.certificate().clone(), keys.next().cloned())
    };
    let (us, old, next) = now_us();
    assert!(count(&us).0 == 1 && next.is_none());
    super::super::Keys::make_next(&folder.0, &body(), US, now()).unwrap();
    let (us, current, next) = now_us();
    let (next, (named, xml)) = (next.unwrap(), count(&us));
    assert_eq!((named, current.to_der().unwrap()), (2, old.to_der().unwrap()));
    assert!(verified_by_program(&xml, &old, "EntityDescriptor"));
    assert!(!verified_by_program(&xml, &next, "EntityDescriptor"));
    super::super::Keys::roll(&folder.0).unwrap();
    let (us, current, none) = now_us();
    assert!(none.is_none() && current.to_der().unwrap() == next.to_der().unwrap());
    assert!(verified_by_program(&count(&us).1, &next, "EntityDescriptor"));
}
