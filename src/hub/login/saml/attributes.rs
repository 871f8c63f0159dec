//! The sets of attributes that we may ask for, as our metadata declares them and a request names them by index.

use super::{ServiceProvider, profile::Wanted, scheme::Scheme};

/// An `AttributeConsumingService`.
pub(super) struct AttributeSet {
    /// Its index.
    pub index: &'static str,
    /// Its name, where it has one of its own; else it is called as the body.
    pub name: Option<&'static str>,
    /// What is asked.
    pub attributes: &'static [&'static str],
}

/// The fiscal code alone.
const FISCAL_NUMBER: AttributeSet = AttributeSet { index: "0", name: None, attributes: &["fiscalNumber"] };
/// What CIE sends in any case, its minimum data set, and takes no smaller set than; all but the code is dropped unread.
const CIE_MINIMUM: AttributeSet = AttributeSet {
    index: "0",
    name: None,
    attributes: &["name", "familyName", "dateOfBirth", "fiscalNumber"],
};
/// The pseudonym alone.
const SPID_CODE: AttributeSet = AttributeSet { index: "1", name: None, attributes: &["spidCode"] };
/// The minimum data set of Implementing Regulation (EU) 2015/1501, as the Italian node names it.
const EIDAS_MINIMUM: AttributeSet = AttributeSet {
    index: "99",
    name: Some("eIDAS Natural Person Minimum Attribute Set"),
    attributes: &["spidCode", "name", "familyName", "dateOfBirth"],
};
/// The same with what a member state may add. Declared, since the node wants both; never asked.
const EIDAS_FULL: AttributeSet = AttributeSet {
    index: "100",
    name: Some("eIDAS Natural Person Full Attribute Set"),
    attributes: &["spidCode", "name", "familyName", "dateOfBirth", "placeOfBirth", "address", "gender"],
};

impl ServiceProvider {
    /// Those in our metadata; the first is the default.
    pub(super) fn attribute_sets(&self) -> &'static [AttributeSet] {
        match (self.scheme, self.eidas) {
            (Scheme::Cie, _) => const { &[CIE_MINIMUM] },
            (_, false) => const { &[FISCAL_NUMBER, SPID_CODE] },
            (_, true) => const { &[FISCAL_NUMBER, SPID_CODE, EIDAS_MINIMUM, EIDAS_FULL] },
        }
    }

    /// The index of the set to ask a provider of `scheme` for.
    pub(super) const fn attributes_asked(&self, scheme: Scheme) -> &'static str {
        match (scheme, self.wanted) {
            (Scheme::Eidas, _) => EIDAS_MINIMUM.index,
            (_, Wanted::FiscalNumber) => FISCAL_NUMBER.index,
            (_, Wanted::SpidCode) => SPID_CODE.index,
        }
    }

    /// What an answer of a provider of `scheme` must say of the person: the eIDAS node knows no fiscal code.
    pub(super) const fn wanted_of(&self, scheme: Scheme) -> Wanted {
        match scheme {
            Scheme::Eidas => Wanted::SpidCode,
            Scheme::Spid | Scheme::Cie => self.wanted,
        }
    }
}
