//! The rules that a response must meet (*Regole tecniche SPID*, "Processamento della Response"), as a list to be
//! read like the rules. Signatures come before and between: see `response`.

use super::{
    ServiceProvider,
    fiscal::FiscalNumber,
    level::Level,
    names::{BEARER, ENTITY, SAML, SAMLP, SUCCESS, TRANSIENT},
    person::{Person, SpidCode},
    profile::Wanted,
    provider::Provider,
    read::{attribute, instant, is, only, optional, plain, text, text_of},
    refusal::{Refusal, SpidError},
    request::SentRequest,
    scheme::Scheme,
};
use jiff::{SignedDuration, Timestamp};
use roxmltree::Node;

/// How far a provider's clock and ours may differ, either way. Both keep network time, so this is for the
/// seconds of a late daemon, not for a wrong clock.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// A rule for an answer.
pub struct Check {
    /// Its name, as refusals carry it.
    pub name: &'static str,
    /// What must hold.
    pub rule: &'static str,
    of: Part,
    holds: fn(&Received<'_, '_>) -> Result<(), Objection>,
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.rule)
    }
}

/// The element that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Response,
    Assertion,
}
use Part::{Assertion, Response};

const fn check(
    of: Part,
    name: &'static str,
    holds: fn(&Received<'_, '_>) -> Result<(), Objection>,
    rule: &'static str,
) -> Check {
    Check { name, rule, of, holds }
}

/// Every rule, in the order in which they are checked.
pub const CHECKS: &[Check] = &[
    check(Response, "response-version", version, "Version is 2.0"),
    check(Response, "response-id", id, "ID is not empty"),
    check(Response, "response-issue-instant", issue_instant, "issued since our request, and not to come"),
    check(Response, "response-in-response-to", in_response_to, "InResponseTo is the ID of our request"),
    check(Response, "response-destination", destination, "Destination is our consumer service"),
    check(Response, "response-issuer", response_issuer, "Issuer is whom we asked, Format absent or entity"),
    check(Response, "status", status, "Status is Success, or nothing else counts"),
    check(Assertion, "assertion-version", version, "Version is 2.0"),
    check(Assertion, "assertion-id", id, "ID is not empty"),
    check(Assertion, "assertion-issue-instant", issue_instant, "issued since our request, and not to come"),
    check(
        Assertion,
        "assertion-issuer",
        assertion_issuer,
        "Issuer is whom we asked, Format is entity, or absent in CIE",
    ),
    check(Assertion, "name-id", name_id, "one NameID, not empty, transient, with NameQualifier"),
    check(Assertion, "subject-confirmation", confirmation, "one SubjectConfirmation, of bearer, with data"),
    check(Assertion, "recipient", recipient, "Recipient is our consumer service"),
    check(Assertion, "confirmation-in-response-to", confirmation_of, "InResponseTo is the ID of our request"),
    check(Assertion, "confirmation-time", confirmation_time, "NotOnOrAfter of the confirmation is to come"),
    check(Assertion, "conditions-time", conditions_time, "now is from NotBefore on and before NotOnOrAfter"),
    check(Assertion, "conditions-known", conditions_known, "no condition that we do not know (Core 2.5.1)"),
    check(Assertion, "audience", audience, "every AudienceRestriction, one at least, names us"),
    check(Assertion, "authn-statement", authn_statement, "one AuthnStatement, its AuthnInstant not to come"),
    check(Assertion, "level", level, "AuthnContextClassRef satisfies level and comparison asked"),
    check(Assertion, "attribute-statement", attributes, "one Attribute or more, each with name and value"),
    check(
        Assertion,
        "fiscal-number",
        fiscal_number,
        "if asked: one fiscalNumber, TINIT- and a right fiscal code",
    ),
    check(Assertion, "spid-code", spid_code, "if asked: one spidCode, of the form of its scheme"),
];

/// What a rule is checked against: the message and our side of the exchange.
#[derive(Clone, Copy)]
pub(super) struct Received<'a, 'i> {
    pub us: &'a ServiceProvider,
    pub from: &'a Provider,
    pub sent: &'a SentRequest,
    pub now: Timestamp,
    /// The Response or the Assertion, as the rule is about.
    pub node: Node<'a, 'i>,
}

/// What a rule says against a message.
pub(super) enum Objection {
    Why(String),
    Status(SpidError),
}

impl From<String> for Objection {
    fn from(why: String) -> Self {
        Self::Why(why)
    }
}

type Verdict = Result<(), Objection>;

/// Checks every rule of a part; the first that does not hold is the refusal.
pub(super) fn run(part: Part, received: &Received<'_, '_>) -> Result<(), Refusal> {
    CHECKS.iter().filter(|check| check.of == part).try_for_each(|check| {
        (check.holds)(received).map_err(|objection| match objection {
            Objection::Why(why) => Refusal::check(check.name, why),
            Objection::Status(error) => Refusal::Status { error, signed: false },
        })
    })
}

fn version(r: &Received<'_, '_>) -> Verdict {
    Ok(is(r.node, "Version", "2.0")?)
}

fn id(r: &Received<'_, '_>) -> Verdict {
    attribute(r.node, "ID")?;
    Ok(())
}

fn issue_instant(r: &Received<'_, '_>) -> Verdict {
    let issued = instant(r.node, "IssueInstant")?;
    if issued < earlier(r.sent.issued) {
        return Err("IssueInstant is before the request".to_owned().into());
    }
    not_to_come(issued, r.now, "IssueInstant")
}

fn in_response_to(r: &Received<'_, '_>) -> Verdict {
    Ok(is(r.node, "InResponseTo", &r.sent.id)?)
}

fn destination(r: &Received<'_, '_>) -> Verdict {
    Ok(is(r.node, "Destination", &r.us.acs_url)?)
}

fn response_issuer(r: &Received<'_, '_>) -> Verdict {
    issuer(r)?;
    match plain(only(r.node, (SAML, "Issuer"))?, "Format") {
        None | Some(ENTITY) => Ok(()),
        Some(other) => Err(format!("the Format of Issuer is `{other}`").into()),
    }
}

fn assertion_issuer(r: &Received<'_, '_>) -> Verdict {
    issuer(r)?;
    let issuer = only(r.node, (SAML, "Issuer"))?;
    match (r.from.scheme, plain(issuer, "Format")) {
        (Scheme::Cie, None) => Ok(()),
        _ => Ok(is(issuer, "Format", ENTITY)?),
    }
}

fn issuer(r: &Received<'_, '_>) -> Verdict {
    let issuer = text_of(r.node, (SAML, "Issuer"))?;
    if issuer == r.from.entity_id && issuer == r.sent.provider {
        Ok(())
    } else {
        Err(format!("Issuer is `{issuer}`, not `{}`", r.sent.provider).into())
    }
}

fn status(r: &Received<'_, '_>) -> Verdict {
    let status = only(r.node, (SAMLP, "Status"))?;
    let code = attribute(only(status, (SAMLP, "StatusCode"))?, "Value")?;
    if code == SUCCESS {
        return Ok(());
    }
    let message = optional(status, (SAMLP, "StatusMessage"))?.and_then(|m| text(m).ok()).unwrap_or_default();
    Err(Objection::Status(SpidError::from_message(r.from.scheme, &message)))
}

fn name_id(r: &Received<'_, '_>) -> Verdict {
    let name_id = only(only(r.node, (SAML, "Subject"))?, (SAML, "NameID"))?;
    text(name_id)?;
    is(name_id, "Format", TRANSIENT)?;
    attribute(name_id, "NameQualifier")?;
    Ok(())
}

fn confirmation(r: &Received<'_, '_>) -> Verdict {
    let subject = only(r.node, (SAML, "Subject"))?;
    is(only(subject, (SAML, "SubjectConfirmation"))?, "Method", BEARER)?;
    confirmation_data(r)?;
    Ok(())
}

fn recipient(r: &Received<'_, '_>) -> Verdict {
    Ok(is(confirmation_data(r)?, "Recipient", &r.us.acs_url)?)
}

fn confirmation_of(r: &Received<'_, '_>) -> Verdict {
    Ok(is(confirmation_data(r)?, "InResponseTo", &r.sent.id)?)
}

fn confirmation_time(r: &Received<'_, '_>) -> Verdict {
    let data = confirmation_data(r)?;
    if plain(data, "NotBefore").is_some() {
        begun(instant(data, "NotBefore")?, r.now)?;
    }
    not_over(instant(data, "NotOnOrAfter")?, r.now, "the confirmation")
}

fn conditions_time(r: &Received<'_, '_>) -> Verdict {
    let conditions = only(r.node, (SAML, "Conditions"))?;
    begun(instant(conditions, "NotBefore")?, r.now)?;
    not_over(instant(conditions, "NotOnOrAfter")?, r.now, "the assertion")
}

fn conditions_known(r: &Received<'_, '_>) -> Verdict {
    let known = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];
    let mut conditions = only(r.node, (SAML, "Conditions"))?.children().filter(Node::is_element);
    match conditions.find(|c| !known.iter().any(|k| c.has_tag_name((SAML, *k)))) {
        Some(other) => Err(format!("the condition {}", other.tag_name().name()).into()),
        None => Ok(()),
    }
}

fn audience(r: &Received<'_, '_>) -> Verdict {
    let conditions = only(r.node, (SAML, "Conditions"))?;
    let restrictions = || conditions.children().filter(|n| n.has_tag_name((SAML, "AudienceRestriction")));
    let ours = |n: Node<'_, '_>| text(n).is_ok_and(|audience| audience == r.us.entity_id);
    let names_us = |n: Node<'_, '_>| n.children().filter(|a| a.has_tag_name((SAML, "Audience"))).any(ours);
    if restrictions().next().is_some() && restrictions().all(names_us) {
        Ok(())
    } else {
        Err(format!("the audience is not `{}`", r.us.entity_id).into())
    }
}

fn authn_statement(r: &Received<'_, '_>) -> Verdict {
    let statement = only(r.node, (SAML, "AuthnStatement"))?;
    not_to_come(instant(statement, "AuthnInstant")?, r.now, "AuthnInstant")?;
    if plain(statement, "SessionNotOnOrAfter").is_some() {
        not_over(instant(statement, "SessionNotOnOrAfter")?, r.now, "the session")?;
    }
    Ok(())
}

fn level(r: &Received<'_, '_>) -> Verdict {
    let (level, least) = (level_of(r.node)?, r.sent.comparison.least(r.sent.level));
    if level >= least {
        Ok(())
    } else {
        Err(format!("the level is {level:?}, {least:?} is the least").into())
    }
}

fn attributes(r: &Received<'_, '_>) -> Verdict {
    let statement = only(r.node, (SAML, "AttributeStatement"))?;
    let mut all = statement.children().filter(Node::is_element).peekable();
    if all.peek().is_none() {
        return Err("AttributeStatement is empty".to_owned().into());
    }
    for one in all {
        attribute(one, "Name")?;
        let mut values = one.children().filter(|n| n.has_tag_name((SAML, "AttributeValue"))).peekable();
        if values.peek().is_none() {
            return Err("an Attribute has no AttributeValue".to_owned().into());
        }
    }
    Ok(())
}

fn fiscal_number(r: &Received<'_, '_>) -> Verdict {
    if r.sent.wanted == Wanted::FiscalNumber {
        person_of(r)?;
    }
    Ok(())
}

fn spid_code(r: &Received<'_, '_>) -> Verdict {
    if r.sent.wanted == Wanted::SpidCode {
        person_of(r)?;
    }
    Ok(())
}

/// Who it is, by the one attribute that we asked for.
pub(super) fn person_of(r: &Received<'_, '_>) -> Result<Person, String> {
    let value = |name| attribute_value(r.node, name)?.ok_or_else(|| format!("{name} is missing"));
    match r.sent.wanted {
        Wanted::FiscalNumber => FiscalNumber::from_spid(&value("fiscalNumber")?)
            .map(Person::FiscalNumber)
            .map_err(|e| format!("fiscalNumber: {e}")),
        Wanted::SpidCode => SpidCode::read(r.from.scheme, &value("spidCode")?)
            .map(Person::SpidCode)
            .map_err(|e| format!("spidCode: {e}")),
    }
}

/// The level that was reached, as far as the answer says. CIE writes level 3 whatever was asked, so of CIE no more than that
/// is known.
pub(super) fn level_reached(r: &Received<'_, '_>) -> Result<Level, String> {
    let stated = level_of(r.node)?;
    Ok(match r.from.scheme {
        Scheme::Cie => stated.min(r.sent.comparison.least(r.sent.level)),
        Scheme::Spid | Scheme::Eidas => stated,
    })
}

/// The level that the provider states.
fn level_of(assertion: Node<'_, '_>) -> Result<Level, String> {
    let context = only(only(assertion, (SAML, "AuthnStatement"))?, (SAML, "AuthnContext"))?;
    let class = text_of(context, (SAML, "AuthnContextClassRef"))?;
    Level::from_uri(&class).ok_or_else(|| format!("`{class}` is no SPID level"))
}

/// The one value of the attribute of this name, of which there is at most one.
fn attribute_value(assertion: Node<'_, '_>, name: &str) -> Result<Option<String>, String> {
    let statement = only(assertion, (SAML, "AttributeStatement"))?;
    let named = |n: &Node<'_, '_>| n.has_tag_name((SAML, "Attribute")) && attribute(*n, "Name") == Ok(name);
    let mut found = statement.children().filter(named);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(format!("there is more than one {name}")),
        (Some(one), None) => text_of(one, (SAML, "AttributeValue")).map(Some),
        (None, None) => Ok(None),
    }
}

/// The data of the one confirmation.
pub(super) fn confirmation_data<'a, 'i>(r: &Received<'a, 'i>) -> Result<Node<'a, 'i>, String> {
    let subject = only(r.node, (SAML, "Subject"))?;
    only(only(subject, (SAML, "SubjectConfirmation"))?, (SAML, "SubjectConfirmationData"))
}

fn earlier(instant: Timestamp) -> Timestamp {
    instant.saturating_sub(CLOCK_SKEW).unwrap_or(Timestamp::MIN)
}

fn later(instant: Timestamp) -> Timestamp {
    instant.saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX)
}

fn not_to_come(instant: Timestamp, now: Timestamp, what: &str) -> Verdict {
    if instant <= later(now) { Ok(()) } else { Err(format!("{what} is still to come").into()) }
}

fn begun(not_before: Timestamp, now: Timestamp) -> Verdict {
    not_to_come(not_before, now, "NotBefore")
}

fn not_over(not_on_or_after: Timestamp, now: Timestamp, what: &str) -> Verdict {
    if earlier(now) < not_on_or_after { Ok(()) } else { Err(format!("{what} has expired").into()) }
}
