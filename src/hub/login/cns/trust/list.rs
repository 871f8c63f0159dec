//! The trust list of a member state (ETSI TS 119 612), as far as cards need it: who may issue them now.

use super::{
    change::Change,
    names::{TERRITORY, TSL, TYPE, VERSIONS},
    services,
    signature::Form,
};
use crate::{
    login::{
        cns::issuers::Issuers,
        saml::{
            guard::{Limits, Unfit, unfit},
            read::{only, text, text_of},
            signature,
        },
    },
    registry::{Age, Signed, Status, fingerprint},
};
use jiff::{SignedDuration, Timestamp};
use openssl::{asn1::Asn1Time, x509::X509};
use roxmltree::Node;
use std::collections::BTreeSet;

/// Italy's list of July 2026 has 2.9 MB, 62,000 nodes, 14,500 signs of equality, 14 levels.
const LIMITS: Limits = Limits { octets: 8 * 1024 * 1024, equals: 40_000, nodes: 300_000, depth: 32 };
/// Longest time from issue to the next update: six months (TS 119 612 5.3.15), and days for clocks and calendars.
const LONGEST: SignedDuration = SignedDuration::from_hours(190 * 24);

/// A list whose signature holds.
#[derive(Debug, Clone)]
pub struct TrustList {
    /// The signed digest of the document.
    pub digest: String,
    /// Number, dates and who may issue cards.
    pub issuers: Issuers,
    /// What in it cannot be used, or contradicts itself.
    pub problems: Vec<String>,
}

impl TrustList {
    fn read(root: Node<'_, '_>, digest: String, signer: &X509, now: Timestamp) -> Result<Self, Unfit> {
        let scheme = only(root, (TSL, "SchemeInformation")).map_err(|why| unfit("scheme", why))?;
        of_italy(scheme)?;
        let (issued, next_update) = dates(scheme, signer)?;
        if next_update <= now {
            return Err(unfit("expired", format!("its next update was due on {next_update}")));
        }
        let (all, problems) = services::read(root).map_err(|why| unfit("services", why))?;
        if all.is_empty() {
            return Err(unfit("empty", format!("it recognises no issuer ({})", problems.join("; "))));
        }
        let number = text_of(scheme, (TSL, "TSLSequenceNumber"));
        let number = number.and_then(|n| n.parse().map_err(|e| format!("TSLSequenceNumber: {e}")));
        let number = number.map_err(|why| unfit("number", why))?;
        Ok(Self { digest, issuers: Issuers { number, issued, next_update, all }, problems })
    }

    fn keys(&self) -> BTreeSet<String> {
        self.issuers.all.iter().map(|issuer| fingerprint(&issuer.certificate)).collect()
    }
}

/// Version, type and territory are those of Italy's own list.
fn of_italy(scheme: Node<'_, '_>) -> Result<(), Unfit> {
    for (name, known) in
        [("TSLVersionIdentifier", &VERSIONS[..]), ("TSLType", &[TYPE]), ("SchemeTerritory", &[TERRITORY])]
    {
        let is = text_of(scheme, (TSL, name)).map_err(|why| unfit("scheme", why))?;
        if !known.contains(&is.as_str()) {
            return Err(unfit("scheme", format!("{name} is `{is}`")));
        }
    }
    Ok(())
}

/// `ListIssueDateTime` and `NextUpdate`. The signer's certificate has to be of the time of issue: whoever comes by its key later
/// cannot say so without giving the list an end in the past.
fn dates(scheme: Node<'_, '_>, signer: &X509) -> Result<(Timestamp, Timestamp), Unfit> {
    let instant = |node: Node<'_, '_>| {
        let text = text(node)?;
        text.parse::<Timestamp>().map_err(|_| format!("{} is no instant", node.tag_name().name()))
    };
    let issued = only(scheme, (TSL, "ListIssueDateTime")).and_then(instant);
    let next = only(scheme, (TSL, "NextUpdate")).and_then(|n| only(n, (TSL, "dateTime"))).and_then(instant);
    let issued = issued.map_err(|why| unfit("dates", why))?;
    let next = next.map_err(|why| unfit("dates", why))?;
    if next <= issued || next.duration_since(issued) > LONGEST {
        return Err(unfit("dates", format!("issued {issued}, next update {next}")));
    }
    let at = Asn1Time::from_unix(issued.as_second()).map_err(|e| unfit("dates", e))?;
    if signer.not_before() > at || signer.not_after() < at {
        return Err(unfit("signer", "its certificate was not valid when the list was issued"));
    }
    Ok((issued, next))
}

impl Signed for TrustList {
    const NAME: &'static str = "trust";
    const WORDS: &'static str = "the trust list";
    const MEMBERS: &'static str = "issuers";
    const LONGEST: usize = LIMITS.octets;
    type Change = Change;

    /// Verifies a list with the certificates of whom may sign it, and reads it. `now` matters for its end alone: since when
    /// an issuer is recognised is told, not decided here.
    fn verify(octets: &[u8], signers: &[X509], now: Timestamp) -> Result<Self, Unfit> {
        let text = LIMITS.admit(octets)?;
        let document = LIMITS.parse(text)?;
        let root = document.root_element();
        if !root.has_tag_name((TSL, "TrustServiceStatusList")) {
            return Err(unfit("root", "no trust list"));
        }
        let form = Form::of(&document)?;
        let signer =
            form.signer(signers).ok_or_else(|| unfit("signer", "none of the pinned certificates"))?;
        if !signature::verifies(text, signer, "Id") {
            return Err(unfit(
                "signature",
                "the pinned certificate did not make it, or the list was changed",
            ));
        }
        Self::read(root, form.digest, signer, now)
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn age(&self) -> Age {
        let Issuers { number, issued, next_update, .. } = self.issuers;
        Age { number: Some(number), made: Some(issued), valid_until: Some(next_update) }
    }

    fn problems(&self) -> &[String] {
        &self.problems
    }

    fn changes(before: Option<&Self>, after: &Self) -> Vec<Change> {
        Change::between(before.map_or(&[], |list| &list.issuers.all), &after.issuers.all)
    }

    fn stay(&self, after: &Self) -> (usize, usize) {
        let (was, is) = (self.keys(), after.keys());
        (was.len(), was.intersection(&is).count())
    }

    /// The number never goes back, nor does it stay when the list is another (TS 119 612 5.3.2).
    fn forbidden(&self, in_force: &Status) -> Option<(&'static str, String)> {
        let (is, was) = (self.issuers.number, in_force.number?);
        // Of a list that was damaged on the disk the same number is taken again.
        let again = is == was && in_force.digest.is_empty();
        (is <= was && !again).then(|| ("number", format!("number {is}, and {was} was in force")))
    }
}
