//! What a list says of its services, and of itself.

use super::*;

#[test]
fn the_issuers_that_are_recognised_now_are_taken() {
    let list = verify(&draft(7, 3).signed(&SIGNER)).unwrap();
    assert_eq!(names(&list), ["Issuer 1", "Issuer 2", "Issuer 3"]);
    assert!(list.problems.is_empty());
    let issuers = &list.issuers;
    assert_eq!((issuers.number, issuers.issued.to_string()), (7, "2026-11-01T10:00:00Z".into()));
    assert_eq!(issuers.next_update.to_string(), "2027-05-01T10:00:00Z");
    assert_eq!(issuers.all[0].certificate.to_der().unwrap(), ISSUERS[0].to_der().unwrap());
    assert_eq!(issuers.all[0].since.to_string(), "2024-01-01T00:00:00Z");
}

#[test]
fn other_services_and_other_states_issue_no_cards() {
    let mut draft = draft(1, 6);
    let kinds = ["CA/QC", "IdV/nothavingPKIid", "TSA/QTST"]
        .map(|kind| format!("http://uri.etsi.org/TrstSvc/Svctype/{kind}").leak() as &str);
    for (service, kind) in draft.services.iter_mut().zip(kinds) {
        service.kind = kind;
    }
    draft.services[3].status = "deprecatedatnationallevel";
    draft.services[3].before = vec![("recognisedatnationallevel", "2020-01-01T00:00:00Z")];
    draft.services[4].status = "granted";
    draft.services[5].before = vec![("deprecatedatnationallevel", "2020-01-01T00:00:00Z")];
    assert_eq!(names(&verify(&draft.signed(&SIGNER)).unwrap()), ["Issuer 6"], "history says what was");
    draft.services.pop();
    refused(&draft.signed(&SIGNER), "empty");
}

#[test]
fn a_list_that_contradicts_itself_closes_the_gate() {
    let mut draft = draft(1, 3);
    let mut again = draft.services[0].clone();
    (again.status, again.name) = ("deprecatedatnationallevel", "the same key".into());
    draft.services.push(again);
    let mut twice = draft.services[1].clone();
    twice.name = "Issuer 2 again".into();
    draft.services.push(twice);
    let list = verify(&draft.signed(&SIGNER)).unwrap();
    assert_eq!(names(&list), ["Issuer 2", "Issuer 3"]);
    assert!(list.problems.len() == 1 && list.problems[0].starts_with("Issuer 1: "), "{:?}", list.problems);
}

#[test]
fn one_service_that_cannot_be_read_is_left_out_and_told() {
    for (from, to) in [
        ("<X509Certificate>", "<X509Certificate>AAAA"),
        ("<X509Certificate>", "<X509Certificate>*"),
        ("2024-01-01T00:00:00Z", "yesterday"),
        ("<ServiceStatus>", "<Gone/><ServiceStatus>x</ServiceStatus><ServiceStatus>"),
        ("X509Certificate>", "X509SKI>"),
    ] {
        let mut text = draft(1, 2).xml();
        text = if from.starts_with('X') {
            text.replacen("<X509Certificate>", "<X509SKI>", 1).replacen("</X509Certificate>", "</X509SKI>", 1)
        } else {
            change(&text, from, to)
        };
        let text = text.replace("{SIGNATURE}", &crate::testing::trust::template(&SIGNER.certificate));
        let list = verify(&crate::testing::trust::sign(&text, &SIGNER)).unwrap();
        assert_eq!((names(&list), list.problems.len()), (vec!["Issuer 2"], 1), "{from}: {:?}", list.problems);
    }
}

#[test]
fn several_certificates_and_names_of_one_service() {
    let mut draft = draft(1, 1);
    draft.services[0].certificates.push(ISSUERS[1].clone());
    let it = "English</Name><Name xml:lang=\"it\">Autorit&#xE0;\n  di certificazione";
    draft.services[0].name = it.into();
    let list = verify(&draft.signed(&SIGNER)).unwrap();
    assert_eq!(names(&list), ["Autorità di certificazione"; 2]);
}

#[test]
fn a_list_of_another_kind_state_or_version_is_refused() {
    for (from, to, rule) in [
        ("<TSLVersionIdentifier>6", "<TSLVersionIdentifier>7", "scheme"),
        ("EUgeneric", "EUlistofthelists", "scheme"),
        ("<SchemeTerritory>IT", "<SchemeTerritory>FR", "scheme"),
        ("<SchemeTerritory>IT</SchemeTerritory>", "", "scheme"),
        ("<TSLSequenceNumber>1", "<TSLSequenceNumber>-1", "number"),
        ("<dateTime>2027-05-01T10:00:00Z</dateTime>", "", "dates"),
        ("2027-05-01T10", "2027-05-12T10", "dates"),
        ("2027-05-01T10", "2026-10-01T10", "dates"),
        ("2026-11-01T10:00:00Z</L", "2026-11-01</L", "dates"),
        ("2026-11-01T10:00:00Z</L", "2020-12-31T10:00:00Z</L", "dates"),
        ("<SchemeInformation>", "<SchemeInformation/><SchemeInformation>", "scheme"),
        ("TrustServiceProviderList>", "Others>", "services"),
    ] {
        let text =
            draft(1, 1).xml().replace("{SIGNATURE}", &crate::testing::trust::template(&SIGNER.certificate));
        let text = if rule == "services" { text.replace(from, to) } else { change(&text, from, to) };
        refused(&crate::testing::trust::sign(&text, &SIGNER), rule);
    }
}

#[test]
fn the_signers_certificate_is_of_the_time_of_issue() {
    let ended = Signer::new("x", (1_609_459_200, 1_790_000_000));
    let later = Signer::new("x", (1_794_000_000, 1_924_992_000));
    for signer in [ended, later] {
        let text = draft(1, 1).signed(&signer);
        let why =
            TrustList::verify(text.as_bytes(), std::slice::from_ref(&signer.certificate), now()).unwrap_err();
        assert_eq!(why.rule, "signer", "{why}");
    }
}
