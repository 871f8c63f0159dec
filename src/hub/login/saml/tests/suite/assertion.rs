//! What the response and its assertion say: to whom, from whom, about which login, about whom.

use super::{
    super::{
        fixture::*,
        stage::{Stage, cut},
    },
    Case, cases,
};

const FORMAT: &str = r#" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity""#;
const AUDIENCE: &str = "<saml:Audience>https://accesso.comune.example.it</saml:Audience>";
const RESTRICTION: &str = "<saml:AudienceRestriction><saml:Audience>https://accesso.comune.example.it</saml:Audience></saml:AudienceRestriction>";
const VALUE: &str = "TINIT-RSSMRA80A01H501U";
const NAME_ID: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

fn audience(s: &Stage, text: &str) -> String {
    s.with(AUDIENCE, &format!("<saml:Audience>{text}</saml:Audience>"))
}

fn destination(s: &Stage, text: &str) -> String {
    s.with(&format!(r#"Destination="{}""#, s.acs), &format!(r#"Destination="{text}""#))
}

fn recipient(s: &Stage, text: &str) -> String {
    s.with(&format!(r#"Recipient="{}""#, s.acs), &format!(r#"Recipient="{text}""#))
}

/// The first issuer, of the response.
fn response_issuer(s: &Stage, text: &str) -> String {
    s.with_first(&format!(">{IDP}<"), &format!(">{text}<"))
}

fn assertion_issuer(s: &Stage, text: &str) -> String {
    s.with(&format!("\n {IDP} <"), &format!("{text}<"))
}

fn name_format(s: &Stage, format: &str) -> String {
    s.with(NAME_ID, format)
}

fn value(s: &Stage, text: &str) -> String {
    s.with(VALUE, text)
}

fn request_named(s: &Stage, text: &str) -> String {
    let named = format!(r#"InResponseTo="{}" Destination"#, s.request);
    s.with(&named, &format!(r#"InResponseTo="{text}" Destination"#))
}

fn confirmed(s: &Stage, text: &str) -> String {
    s.with(&format!(r#"Data InResponseTo="{}""#, s.request), text)
}

cases! {
    audience_of_another_body: |s| audience(s, "https://other.example.it") => "audience";
    audience_in_other_letters: |s| audience(s, "https://ACCESSO.comune.example.it") => "audience";
    audience_with_a_slash: |s| audience(s, "https://accesso.comune.example.it/") => "audience";
    audience_that_begins_like_ours: |s| audience(s, "https://accesso.comune.example.it.evil.example") => "audience";
    audience_that_ends_like_ours: |s| audience(s, "https://evil.example/?https://accesso.comune.example.it") => "audience";
    audience_empty: |s| audience(s, "") => "audience";
    audience_with_an_element_inside: |s| audience(s, "https://accesso.comune.example.it<x/>") => "audience";
    audience_cut_short_by_a_comment: |s| audience(s, "https://accesso.comune.example.it<!-- -->.evil.example") => "audience";
    audience_of_another_namespace: |s| s.with("saml:Audience>", "samlp:Audience>") => "audience";
    no_audience_restriction: |s| s.with(RESTRICTION, "") => "audience";
    restriction_without_audience: |s| s.with(AUDIENCE, "") => "audience";
    second_restriction_to_another_audience: |s| s.with("</saml:Conditions>", "<saml:AudienceRestriction><saml:Audience>https://other.example.it</saml:Audience></saml:AudienceRestriction></saml:Conditions>") => "audience";
    second_restriction_that_is_empty: |s| s.with("</saml:Conditions>", "<saml:AudienceRestriction/></saml:Conditions>") => "audience";
    condition_that_we_do_not_know: |s| s.with("</saml:Conditions>", "<saml:Condition/></saml:Conditions>") => "conditions-known";
    condition_of_another_namespace: |s| s.with("</saml:Conditions>", r#"<x xmlns="urn:x"/></saml:Conditions>"#) => "conditions-known";
    conditions_missing: |s| s.with("saml:Conditions", "saml:Other") => "conditions-time";
    two_conditions: |s| s.with("<saml:AuthnStatement ", "<saml:Conditions/><saml:AuthnStatement ") => "conditions-time";
    destination_of_another_body: |s| destination(s, "https://other.example.it/spid/acs") => "response-destination";
    destination_of_another_scheme: |s| destination(s, &s.acs.replace("/spid/", "/cie/")) => "response-destination";
    destination_of_our_logout: |s| destination(s, SLO) => "response-destination";
    destination_that_begins_like_ours: |s| destination(s, &format!("{}/x", s.acs)) => "response-destination";
    destination_with_a_query: |s| destination(s, &format!("{}?x", s.acs)) => "response-destination";
    destination_in_clear: |s| destination(s, &s.acs.replace("https:", "http:")) => "response-destination";
    destination_in_other_letters: |s| destination(s, &s.acs.replace("/acs", "/ACS")) => "response-destination";
    destination_empty: |s| destination(s, "") => "response-destination";
    destination_missing: |s| s.with(&format!(r#" Destination="{}""#, s.acs), "") => "response-destination";
    destination_of_another_namespace: |s| s.with(" Destination=", " samlp:Destination=") => "response-destination";
    recipient_of_another_namespace: |s| s.with(" Recipient=", " saml:Recipient=") => "recipient";
    request_named_in_another_namespace: |s| s.with("Data InResponseTo=", "Data saml:InResponseTo=") => "confirmation-in-response-to";
    recipient_of_another_body: |s| recipient(s, "https://other.example.it/spid/acs") => "recipient";
    recipient_that_begins_like_ours: |s| recipient(s, &format!("{}/x", s.acs)) => "recipient";
    recipient_empty: |s| recipient(s, "") => "recipient";
    recipient_missing: |s| s.with(&format!(r#" Recipient="{}""#, s.acs), "") => "recipient";
    issuer_of_the_response_is_another: |s| response_issuer(s, "https://other.example.it") => "response-issuer";
    issuer_of_the_response_is_empty: |s| response_issuer(s, " ") => "response-issuer";
    issuer_of_the_response_in_other_letters: |s| response_issuer(s, "https://IDP.example.it") => "response-issuer";
    issuer_of_the_response_is_missing: |s| s.with(&format!("<saml:Issuer{FORMAT}>{IDP}</saml:Issuer>"), "") => "response-issuer";
    issuer_of_the_response_cut_short_by_a_comment: |s| s.tampered(&format!(">{IDP}<"), &format!(">{IDP}<!-- -->.evil.example<")) => "response-issuer";
    issuer_of_the_response_of_another_format: |s| s.with_first("nameid-format:entity", "nameid-format:transient") => "response-issuer";
    issuer_of_the_response_with_an_empty_format: |s| s.with_first(FORMAT, r#" Format="""#) => "response-issuer";
    issuer_of_the_response_with_an_element_inside: |s| response_issuer(s, &format!("{IDP}<x/>")) => "response-issuer";
    two_issuers_of_the_response: |s| s.tampered("<samlp:Status>", &format!("<saml:Issuer>{IDP}</saml:Issuer><samlp:Status>")) => "response-issuer";
    issuer_of_the_assertion_is_another: |s| assertion_issuer(s, "https://other.example.it") => "assertion-issuer";
    issuer_of_the_assertion_is_empty: |s| assertion_issuer(s, "") => "assertion-issuer";
    issuer_of_the_assertion_is_missing: |s| s.with(&format!("<saml:Issuer{FORMAT}>\n {IDP} </saml:Issuer>"), "") => "assertion-issuer";
    issuer_of_the_assertion_without_format: |s| s.with(&format!("{FORMAT}>\n"), ">\n") => "assertion-issuer";
    issuer_of_the_assertion_with_an_empty_format: |s| s.with(&format!("{FORMAT}>\n"), " Format=\"\">\n") => "assertion-issuer";
    issuer_of_the_assertion_of_another_format: |s| s.with(&format!("{FORMAT}>\n"), " Format=\"urn:x\">\n") => "assertion-issuer";
    answer_to_another_request: |s| request_named(s, "_another") => "response-in-response-to";
    answer_to_our_request_in_other_letters: |s| request_named(s, &s.request.to_ascii_uppercase().replace('_', "__")) => "response-in-response-to";
    answer_to_an_empty_request: |s| request_named(s, "") => "response-in-response-to";
    answer_to_two_requests: |s| request_named(s, &format!("{} _another", s.request)) => "response-in-response-to";
    answer_to_nobody: |s| s.with_first(&format!(r#" InResponseTo="{}""#, s.request), "") => "response-in-response-to";
    assertion_of_another_login_in_a_fresh_response: |s| confirmed(s, r#"Data InResponseTo="_another""#) => "confirmation-in-response-to";
    assertion_to_nobody: |s| confirmed(s, "Data") => "confirmation-in-response-to";
    assertion_to_an_empty_request: |s| confirmed(s, r#"Data InResponseTo="""#) => "confirmation-in-response-to";
    response_of_another_version: |s| s.with_first(r#"Version="2.0""#, r#"Version="1.1""#) => "response-version";
    response_without_version: |s| s.with_first(r#" Version="2.0""#, "") => "response-version";
    response_of_a_version_to_come: |s| s.with_first(r#"Version="2.0""#, r#"Version="2.00""#) => "response-version";
    response_without_id: |s| s.with(r#" ID="_response""#, "") => "response-id";
    response_with_an_empty_id: |s| s.with("\"_response\"", "\" \"") => "response-id";
    assertion_of_another_version: |s| s.with(r#"ID="_assertion" Version="2.0""#, r#"ID="_assertion" Version="1.1""#) => "assertion-version";
    assertion_without_version: |s| s.with(r#"ID="_assertion" Version="2.0""#, r#"ID="_assertion""#) => "assertion-version";
    name_id_missing: |s| signed(&cut(&s.answer(), "<saml:NameID", "</saml:NameID>").1) => "name-id";
    name_id_empty: |s| s.with("_transient <", " <") => "name-id";
    name_id_persistent: |s| name_format(s, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent") => "name-id";
    name_id_unspecified: |s| name_format(s, "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified") => "name-id";
    name_id_is_an_address: |s| name_format(s, "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress") => "name-id";
    name_id_with_an_empty_format: |s| name_format(s, "") => "name-id";
    name_id_without_format: |s| s.with(&format!(r#" Format="{NAME_ID}""#), "") => "name-id";
    name_id_without_qualifier: |s| s.with(&format!(r#" NameQualifier="{IDP}""#), "") => "name-id";
    name_id_with_an_empty_qualifier: |s| s.with(&format!(r#"NameQualifier="{IDP}""#), r#"NameQualifier="""#) => "name-id";
    name_id_with_an_element_inside: |s| s.with("_transient <", "_transient<x/> <") => "name-id";
    two_name_ids: |s| s.with("<saml:SubjectConfirmation ", "<saml:NameID>other</saml:NameID><saml:SubjectConfirmation ") => "name-id";
    encrypted_id_instead_of_a_name: |s| s.with("saml:NameID", "saml:EncryptedID") => "name-id";
    subject_missing: |s| s.with("saml:Subject>", "saml:Other>") => "name-id";
    two_subjects: |s| s.with("</saml:Subject>", "</saml:Subject><saml:Subject/>") => "name-id";
    holder_of_key_confirmation: |s| s.with("cm:bearer", "cm:holder-of-key") => "subject-confirmation";
    sender_vouches_confirmation: |s| s.with("cm:bearer", "cm:sender-vouches") => "subject-confirmation";
    confirmation_without_method: |s| s.with(r#" Method="urn:oasis:names:tc:SAML:2.0:cm:bearer""#, "") => "subject-confirmation";
    confirmation_missing: |s| s.with("saml:SubjectConfirmation ", "saml:Other ").replace("</saml:SubjectConfirmation>", "</saml:Other>") => "subject-confirmation";
    confirmation_without_data: |s| s.with("SubjectConfirmationData", "Other") => "subject-confirmation";
    two_confirmations: |s| s.with("</saml:Subject>", r#"<saml:SubjectConfirmation Method="urn:x"/></saml:Subject>"#) => "subject-confirmation";
    two_confirmation_data: |s| s.with("</saml:SubjectConfirmation>", "<saml:SubjectConfirmationData/></saml:SubjectConfirmation>") => "subject-confirmation";
    no_authn_statement: |s| s.with("saml:AuthnStatement", "saml:Other") => "authn-statement";
    two_authn_statements: |s| s.with("<saml:AttributeStatement>", "<saml:AuthnStatement/><saml:AttributeStatement>") => "authn-statement";
    no_authn_context: |s| s.with("saml:AuthnContext>", "saml:Other>") => "level";
    two_authn_contexts: |s| s.with("</saml:AuthnStatement>", "<saml:AuthnContext/></saml:AuthnStatement>") => "level";
    two_levels: |s| s.with("</saml:AuthnContext>", "<saml:AuthnContextClassRef>https://www.spid.gov.it/SpidL3</saml:AuthnContextClassRef></saml:AuthnContext>") => "level";
    level_that_is_none: |s| s.with("SpidL1", "SpidL4") => "level";
    level_zero: |s| s.with("SpidL1", "SpidL0") => "level";
    level_empty: |s| s.with("https://www.spid.gov.it/SpidL1", "") => "level";
    level_in_other_letters: |s| s.with("SpidL1", "SPIDL1") => "level";
    level_of_another_scheme: |s| s.with("https://www.spid.gov.it/SpidL1", "urn:oasis:names:tc:SAML:2.0:ac:classes:Password") => "level";
    level_of_another_host: |s| s.with("https://www.spid.gov.it/SpidL1", "https://www.spid.gov.it.evil.example/SpidL3") => "level";
    level_by_declaration_only: |s| s.with("AuthnContextClassRef", "AuthnContextDeclRef") => "level";
    no_attributes: |s| s.with("saml:AttributeStatement", "saml:Other") => "attribute-statement";
    two_attribute_statements: |s| s.with("</saml:Assertion>", "<saml:AttributeStatement/></saml:Assertion>") => "attribute-statement";
    attributes_empty: |s| signed(&cut(&s.answer(), "<saml:Attribute ", "</saml:Attribute>").1) => "attribute-statement";
    attribute_without_value: |s| s.with("AttributeValue", "Other") => "attribute-statement";
    attribute_without_name: |s| s.with(r#" Name="fiscalNumber""#, "") => "attribute-statement";
    attribute_of_another_name: |s| s.with(r#"Name="fiscalNumber""#, r#"Name="fiscalnumber""#) => "fiscal-number";
    attribute_of_another_namespace: |s| s.with(r#"<saml:Attribute Name="fiscalNumber">"#, r#"<saml:Attribute Name="x"><saml:AttributeValue/></saml:Attribute><saml:Attribute Name="y">"#) => "fiscal-number";
    fiscal_number_by_its_friendly_name: |s| s.with(r#"Name="fiscalNumber""#, r#"Name="x" FriendlyName="fiscalNumber""#) => "fiscal-number";
    fiscal_number_twice: |s| s.with("</saml:AttributeStatement>", &format!(r#"<saml:Attribute Name="fiscalNumber"><saml:AttributeValue>TINIT-{OTHER_CODE}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"#)) => "fiscal-number";
    fiscal_number_with_two_values: |s| s.with("</saml:AttributeValue>", &format!("</saml:AttributeValue><saml:AttributeValue>TINIT-{OTHER_CODE}</saml:AttributeValue>")) => "fiscal-number";
    fiscal_number_with_an_element_inside: |s| value(s, "TINIT-RSSMRA80<b/>A01H501U") => "fiscal-number";
    fiscal_number_empty: |s| value(s, "") => "fiscal-number";
    fiscal_number_without_prefix: |s| value(s, CODE) => "fiscal-number";
    fiscal_number_of_a_company: |s| value(s, "VATIT-97735020584") => "fiscal-number";
    fiscal_number_of_another_state: |s| value(s, "TINFR-RSSMRA80A01H501U") => "fiscal-number";
    fiscal_number_with_a_wrong_check_character: |s| value(s, "TINIT-RSSMRA80A01H501A") => "fiscal-number";
    fiscal_number_with_a_space_inside: |s| value(s, "TINIT-RSSMRA80 A01H501U") => "fiscal-number";
    fiscal_number_with_letters_that_look_alike: |s| value(s, "TINIT-RSSMRА80A01H501U") => "fiscal-number";
    fiscal_number_followed_by_another: |s| value(s, &format!("{VALUE}{OTHER_CODE}")) => "fiscal-number";
    spid_code_instead_of_the_fiscal_number: |s| s.with(r#"Name="fiscalNumber""#, r#"Name="spidCode""#) => "fiscal-number";
}
