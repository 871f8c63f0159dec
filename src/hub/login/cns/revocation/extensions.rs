//! Extensions (RFC 5280 section 4.2): one of each kind, and none critical that we do not understand.

use super::doubt::{Doubt, ensure};
use x509_cert::{
    der::{Decode, oid::ObjectIdentifier},
    ext::Extension,
};

/// Refuses what is there twice, and what is critical and not among those understood.
pub fn check(all: &[Extension], understood: &[ObjectIdentifier]) -> Result<(), Doubt> {
    for (n, one) in all.iter().enumerate() {
        let before = all.get(..n).unwrap_or_default();
        ensure(before.iter().all(|other| other.extn_id != one.extn_id), "critical", "an extension twice")?;
        ensure(!one.critical || understood.contains(&one.extn_id), "critical", one.extn_id)?;
    }
    Ok(())
}

/// The extension of a kind, if it is there.
pub fn find<'a, T: Decode<'a>>(all: &'a [Extension], kind: ObjectIdentifier) -> Result<Option<T>, Doubt> {
    let one = all.iter().find(|extension| extension.extn_id == kind);
    one.map(|extension| T::from_der(extension.extn_value.as_bytes())).transpose().map_err(Doubt::from)
}
