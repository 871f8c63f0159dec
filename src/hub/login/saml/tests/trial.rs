//! Metadata that is right, and each way in which it is not.

use super::{
    super::{Level, Scheme, Verdict, try_metadata},
    fixture::*,
};
use jiff::SignedDuration;

fn broken(xml: &str) -> Vec<String> {
    let outcomes = try_metadata(xml.as_bytes(), now());
    let broken = outcomes.into_iter().filter(|o| matches!(o.verdict, Verdict::Missing(_)));
    broken.map(|o| o.rule).collect()
}

/// The change breaks the rule; and, since it was made after the signature, that one.
fn breaks(good: &str, from: &str, to: &str, rule: &str) {
    assert!(good.contains(from), "{from} is not in {good}");
    let broken = broken(&good.replacen(from, to, 1));
    assert!(broken.iter().any(|b| b.contains(rule)), "{from} -> {to}: {rule} is not in {broken:?}");
}

#[test]
fn what_we_write_keeps_every_rule() {
    assert_eq!(broken(&us(Level::L1).metadata(now()).unwrap()), [""; 0]);
}

#[test]
fn each_mistake_in_metadata_is_found() {
    let good = us(Level::L1).metadata(now()).unwrap();
    let cases = [
        ("EntityDescriptor ", "EntitiesDescriptor ", "ben formato"),
        ("<md:EntityDescriptor", "<!DOCTYPE x><md:EntityDescriptor", "ben formato"),
        ("entityID=\"https", "entityID=\"http", "entityID è un indirizzo"),
        (" ID=\"", " Id=\"", "l'attributo ID"),
        ("entityID=", "validUntil=\"2026-11-22T11:59:59Z\" entityID=", "validUntil"),
        ("md:OrganizationURL xml:lang=\"it\"", "md:OrganizationURL xml:lang=\"en\"", "Organization ha nome"),
        ("https://www.comune.example.it<", "comune.example.it<", "OrganizationURL"),
        ("AuthnRequestsSigned=\"true\"", "AuthnRequestsSigned=\"false\"", "AuthnRequestsSigned"),
        ("WantAssertionsSigned=\"true\"", "", "WantAssertionsSigned"),
        ("SAML:2.0:protocol\"", "SAML:1.1:protocol\"", "protocolSupportEnumeration"),
        ("rsa-sha256", "rsa-sha1", "la firma è nella forma"),
        ("use=\"signing\"", "use=\"encryption\"", "KeyDescriptor"),
        ("Forlì", "Forli", "la firma è valida"),
        (
            "HTTP-POST\" Location=\"https://accesso.comune.example.it/spid/acs",
            "HTTP-Artifact\" Location=\"https://accesso.comune.example.it/spid/acs",
            "AssertionConsumerService: almeno",
        ),
        (
            "Location=\"https://accesso.comune.example.it/spid/acs",
            "Location=\"http://accesso.comune.example.it/spid/acs",
            "AssertionConsumerService: almeno",
        ),
        ("spid/acs\" index=\"0\"", "spid/acs\" index=\"1\"", "AssertionConsumerService: il primo"),
        (
            "Location=\"https://accesso.comune.example.it/spid/slo",
            "Location=\"http://accesso.comune.example.it/spid/slo",
            "SingleLogoutService",
        ),
        ("nameid-format:transient", "nameid-format:persistent", "NameIDFormat"),
        ("Name=\"fiscalNumber\"", "Name=\"\"", "AttributeConsumingService: almeno"),
        ("<md:ServiceName xml:lang=\"it\"", "<md:ServiceName", "AttributeConsumingService: almeno"),
        ("contactType=\"other\"", "contactType=\"billing\"", "ContactPerson: uno con"),
        ("IPACode>c_x000<", "IPACode> <", "IPACode"),
        ("<spid:Public/>", "", "Public"),
        ("<spid:Public/>", "<spid:Public>x</spid:Public>", "Public"),
        ("<spid:Public/>", "<spid:Public/><spid:Private/>", "Public"),
        ("spid@comune.example.it", "nessuno", "EmailAddress"),
        ("+390110000000", "+39 011 0000000", "TelephoneNumber"),
        ("Company>Comune", "Company>Città", "Company"),
        ("<md:Company>", "<md:GivenName>Mario</md:GivenName><md:Company>", "GivenName"),
        ("IPACode>c_x000<", "IPACode>c_x001<", "organizationIdentifier"),
        (
            "OrganizationDisplayName xml:lang=\"it\">",
            "OrganizationDisplayName xml:lang=\"it\">X ",
            "commonName",
        ),
        ("entityID=\"https://accesso", "entityID=\"https://altro", "uri (2.5.4.83)"),
    ];
    for (from, to, rule) in cases {
        // The root's name is in its end too.
        let good = if to.starts_with("Entities") {
            good.replace("/md:EntityD", "/md:EntitiesD")
        } else {
            good.clone()
        };
        let rule = if to.starts_with("Entities") { "la radice" } else { rule };
        breaks(&good, from, to, rule);
    }
}

#[test]
fn an_unsigned_or_reordered_document_is_found() {
    let good = us(Level::L1).metadata(now()).unwrap();
    let start = good.find("<ds:Signature").unwrap();
    let end = good.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = &good[start..end];
    breaks(&good, signature, "", "il metadata è firmato");
    let organization = good.find("<md:Organization>").unwrap();
    let late = good.replace(signature, "");
    let at = organization - signature.len();
    breaks(
        &format!("{}{signature}{}", &late[..at], &late[at..]),
        "<md:Organization>",
        "<md:Organization>",
        "nell'ordine",
    );
    breaks(&good, "</md:Organization>", "</md:Organization><md:AdditionalMetadataLocation/>", "nell'ordine");
}

#[test]
fn a_certificate_that_ends_is_found_in_time() {
    let good = us(Level::L1).metadata(now()).unwrap();
    let rules = |days: i64| {
        let at = now() + SignedDuration::from_hours(days * 24);
        let outcomes = try_metadata(good.as_bytes(), at);
        let broken = outcomes.into_iter().filter(|o| matches!(o.verdict, Verdict::Missing(_)));
        broken.map(|o| o.rule).collect::<Vec<_>>()
    };
    assert_eq!(rules(660), [""; 0]);
    assert_eq!(rules(680), ["un certificato vale almeno altri 60 giorni"]);
    assert!(rules(740).iter().any(|rule| rule == "ogni certificato vale oggi"));
}

#[test]
fn the_sets_of_eidas_are_looked_at_where_there_are_any() {
    let mut us = us(Level::L1);
    let outcomes = try_metadata(us.metadata(now()).unwrap().as_bytes(), now());
    assert!(outcomes.iter().any(|o| o.rule.starts_with("eIDAS") && matches!(o.verdict, Verdict::Skipped(_))));
    us.eidas = true;
    let good = us.metadata(now()).unwrap();
    assert_eq!(broken(&good), [""; 0]);
    breaks(&good, "index=\"100\"", "index=\"101\"", "insieme 100");
    breaks(&good, "Natural Person Minimum", "Persona", "insieme 99");
    let at = good.find("index=\"99\"").unwrap();
    let set = good[at..].replacen("Name=\"spidCode\"", "Name=\"fiscalNumber\"", 1);
    assert!(broken(&format!("{}{set}", &good[..at])).iter().any(|rule| rule.contains("insieme 99")));
    breaks(&good, "index=\"99\"", "index=\"1\"", "nessun indice si ripete");
}

#[test]
fn what_cie_asks_is_looked_at_in_its_own_metadata() {
    let mut us = us(Level::L1);
    us.scheme = Scheme::Cie;
    us.body.municipality = Some("L219".to_owned());
    let good = us.metadata(now()).unwrap();
    assert_eq!(broken(&good), [""; 0]);
    for (from, to, rule) in [
        ("HTTP-Redirect", "HTTP-Artifact", "CIE: un SingleLogoutService"),
        ("Name=\"dateOfBirth\"", "Name=\"email\"", "CIE: un insieme"),
        ("contactType=\"administrative\"", "contactType=\"other\"", "CIE: un ContactPerson"),
        ("<cie:Public/>", "", "CIE: Extensions ha Public"),
        ("L219<", "Torino<", "Municipality"),
        ("L219<", "<", "Municipality"),
        ("Company>Comune", "Company>Città", "CIE: Company"),
    ] {
        breaks(&good, from, to, rule);
    }
}
