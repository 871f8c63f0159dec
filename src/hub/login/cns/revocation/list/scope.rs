//! Of which certificates a list is (RFC 5280 sections 5.2.3 to 5.2.5).

use super::{
    super::{
        doubt::{Doubt, ensure},
        extensions::{check, find},
        question::Point,
    },
    Number,
    walk::Body,
};
use x509_cert::{
    der::{
        asn1::{AnyRef, Uint},
        oid::{ObjectIdentifier, db::rfc5280},
    },
    ext::pkix::{
        crl::dp::IssuingDistributionPoint,
        name::{DistributionPointName, GeneralName},
    },
};

/// What may be critical in a list.
const UNDERSTOOD: &[ObjectIdentifier] = &[
    rfc5280::ID_CE_CRL_NUMBER,
    rfc5280::ID_CE_ISSUING_DISTRIBUTION_POINT,
    rfc5280::ID_CE_DELTA_CRL_INDICATOR,
    rfc5280::ID_CE_AUTHORITY_KEY_IDENTIFIER,
];
/// Most octets of a number.
const LONGEST: usize = 20;

/// The point that a list names, if it names one.
#[derive(Debug)]
pub struct Scope(Option<Vec<GeneralName>>);

impl Scope {
    /// # Errors
    /// When the list is a part of what we need, or says what we do not understand.
    pub fn read(body: &Body) -> Result<Self, Doubt> {
        check(&body.extensions, UNDERSTOOD)?;
        let delta: Option<AnyRef> = find(&body.extensions, rfc5280::ID_CE_DELTA_CRL_INDICATOR)?;
        ensure(delta.is_none(), "delta", "changes since another list only")?;
        let point: Option<IssuingDistributionPoint> =
            find(&body.extensions, rfc5280::ID_CE_ISSUING_DISTRIBUTION_POINT)?;
        let Some(point) = point else { return Ok(Self(None)) };
        ensure(!point.indirect_crl, "scope", "of several issuers")?;
        ensure(!point.only_contains_ca_certs, "scope", "of authorities only")?;
        ensure(!point.only_contains_attribute_certs, "scope", "of attributes only")?;
        ensure(point.only_some_reasons.is_none(), "scope", "for some reasons only")?;
        match point.distribution_point {
            None => Ok(Self(None)),
            Some(DistributionPointName::FullName(names)) => Ok(Self(Some(names))),
            Some(_) => Err(Doubt::new("point", "named by a part of a name")),
        }
    }

    /// Whether the list names its point.
    pub const fn is_named(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the list is of the certificates with this point: one name in common (RFC 5280 section 6.3.3 (b)(2)(i)).
    pub fn covers(&self, point: &Point) -> Result<(), Doubt> {
        let Some(names) = &self.0 else { return Ok(()) };
        ensure(names.iter().any(|name| point.names.contains(name)), "point", "another than the card's")
    }
}

/// The list's number, if it has one.
pub fn number(body: &Body) -> Result<Option<Number>, Doubt> {
    let number: Option<Uint> = find(&body.extensions, rfc5280::ID_CE_CRL_NUMBER)?;
    let octets = number.map(|number| number.as_bytes().to_vec());
    ensure(octets.as_ref().is_none_or(|octets| octets.len() <= LONGEST), "form", "a number too long")?;
    Ok(octets.map(Number::new))
}
