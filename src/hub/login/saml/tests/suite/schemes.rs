//! What CIE and the node of eIDAS may do that SPID may not, the other way round, and the levels.

use super::super::{
    super::{Comparison, Identity, Level, Provider, Refusal, Scheme, SentRequest, Wanted},
    fixture::*,
    stage::{Stage, cut},
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// What is made of an answer of a provider of this scheme.
fn of(scheme: Scheme, asked: &SentRequest, xml: &str) -> Result<Identity, Refusal> {
    let from = Provider { scheme, ..provider() };
    us(Level::L1).check_response(&from, asked, &STANDARD.encode(xml), now())
}

fn asking(wanted: Wanted) -> SentRequest {
    SentRequest { wanted, ..sent() }
}

fn name(result: Result<Identity, Refusal>) -> &'static str {
    result.map_or_else(|refusal| refusal.name(), |_| "accepted")
}

/// An answer with the attributes of the minimum data set and the one that says who it is.
fn dataset(name: &str, value: &str) -> String {
    signed(&with_dataset(&Stage::fixed(), name, value))
}

/// The same, unsigned.
pub fn with_dataset(stage: &Stage, name: &str, value: &str) -> String {
    let attribute = |name: &str, value: &str| {
        format!(
            r#"<saml:Attribute Name="{name}"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>"#
        )
    };
    let all = [("name", "MARIO"), ("familyName", "ROSSI"), ("dateOfBirth", "1980-01-01"), (name, value)]
        .map(|(name, value)| attribute(name, value))
        .concat();
    let answer = stage.answer();
    let (one, _) = cut(&answer, "<saml:Attribute ", "</saml:Attribute>");
    answer.replace(&one, &all)
}

#[test]
fn of_cie_the_format_of_the_issuer_may_be_absent() {
    let s = Stage::fixed();
    let format = " Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\">\n";
    let without = s.with(format, ">\n");
    assert_eq!(name(of(Scheme::Cie, &sent(), &without)), "accepted");
    assert_eq!(name(of(Scheme::Spid, &sent(), &without)), "assertion-issuer");
    assert_eq!(name(of(Scheme::Eidas, &sent(), &without)), "assertion-issuer");
    for other in [" Format=\"\">\n", " Format=\"urn:x\">\n"] {
        assert_eq!(name(of(Scheme::Cie, &sent(), &s.with(format, other))), "assertion-issuer");
    }
}

#[test]
fn of_cie_no_more_than_the_level_asked_is_known() {
    let third = Stage::fixed().with("SpidL1", "SpidL3");
    for level in [Level::L1, Level::L2, Level::L3] {
        let asked = SentRequest { level, ..sent() };
        assert_eq!(of(Scheme::Cie, &asked, &third).unwrap().level, level);
        assert_eq!(of(Scheme::Spid, &asked, &third).unwrap().level, Level::L3);
        assert_eq!(of(Scheme::Eidas, &asked, &third).unwrap().level, Level::L3);
    }
    let asked = SentRequest { level: Level::L2, ..sent() };
    assert_eq!(name(of(Scheme::Cie, &asked, &Stage::fixed().signed())), "level");
}

#[test]
fn of_the_data_set_nothing_is_kept_but_who_it_is() {
    let identity = of(Scheme::Cie, &sent(), &dataset("fiscalNumber", "TINIT-RSSMRA80A01H501U")).unwrap();
    assert_eq!(identity.person.key(), CODE);
    let printed = format!("{identity:?}");
    assert!(printed.contains(IDP), "{printed}");
    assert!(
        !printed.contains("MARIO") && !printed.contains("ROSSI") && !printed.contains("RSSMRA"),
        "{printed}"
    );
}

#[test]
fn of_eidas_it_is_the_pseudonym() {
    let node = asking(Wanted::SpidCode);
    let identity = of(Scheme::Eidas, &node, &dataset("spidCode", "ES/IT/99999142H")).unwrap();
    assert_eq!(identity.person.key(), "eidas:ES/IT/99999142H");
    assert!(identity.person.fiscal_number().is_none());
    // A fiscal code that the node would say is nobody's word.
    assert_eq!(
        name(of(Scheme::Eidas, &node, &dataset("fiscalNumber", "TINIT-RSSMRA80A01H501U"))),
        "spid-code"
    );
    assert_eq!(name(of(Scheme::Eidas, &node, &dataset("spidCode", "two words"))), "spid-code");
    assert_eq!(name(of(Scheme::Eidas, &node, &dataset("spidCode", ""))), "spid-code");
}

#[test]
fn a_body_that_asks_for_the_pseudonym_gets_that() {
    let asked = asking(Wanted::SpidCode);
    let identity = of(Scheme::Spid, &asked, &dataset("spidCode", "PROV0123456789")).unwrap();
    assert_eq!(identity.person.key(), "spid:PROV0123456789");
    assert_eq!(name(of(Scheme::Spid, &asked, &dataset("spidCode", "ES/IT/99999142H"))), "spid-code");
    assert_eq!(name(of(Scheme::Spid, &asked, &Stage::fixed().signed())), "spid-code");
    assert_eq!(
        name(of(Scheme::Cie, &asked, &dataset("spidCode", "PROV0123456789"))),
        "spid-code",
        "CIE has none"
    );
    assert_eq!(name(of(Scheme::Spid, &sent(), &dataset("spidCode", "PROV0123456789"))), "fiscal-number");
    let twice = dataset("spidCode", "PROV0123456789").replace(r#"Name="name""#, r#"Name="spidCode""#);
    assert_ne!(name(of(Scheme::Spid, &asked, &twice)), "accepted");
}

#[test]
fn a_level_by_each_comparison() {
    use Comparison::*;
    use Level::*;
    let answers =
        [L1, L2, L3].map(|level| Stage::fixed().with("https://www.spid.gov.it/SpidL1", level.uri()));
    for (comparison, level, accepted) in [
        (Exact, L1, [true, true, true]),
        (Exact, L2, [false, true, true]),
        (Minimum, L1, [true, true, true]),
        (Minimum, L2, [false, true, true]),
        (Minimum, L3, [false, false, true]),
        (Better, L1, [false, true, true]),
        (Better, L2, [false, false, true]),
        (Maximum, L1, [true, true, true]),
        (Maximum, L2, [true, true, true]),
    ] {
        let asked = SentRequest { level, comparison, ..sent() };
        for (answer, accepted) in answers.iter().zip(accepted) {
            let expected = if accepted { "accepted" } else { "level" };
            assert_eq!(name(of(Scheme::Spid, &asked, answer)), expected, "{comparison:?} {level:?}");
        }
    }
}

#[test]
fn an_answer_of_another_provider_than_the_one_asked() {
    let other = "https://other-idp.example.it";
    let s = Stage::fixed();
    let theirs = signed_by(stranger(), &change(&s.answer(), IDP, other), GOOD, true, true);
    let as_ours = signed_by(stranger(), &s.answer(), GOOD, true, true);
    assert_eq!(refusal(&theirs), "response-issuer");
    assert_eq!(refusal(&as_ours), "signature");
    // A caller that mixes the providers up must not let one speak for the other.
    let them = provider_named(other, stranger());
    for message in [theirs, as_ours] {
        let refused = us(Level::L1).check_response(&them, &sent(), &STANDARD.encode(message), now());
        assert_eq!(name(refused), "response-issuer");
    }
}
