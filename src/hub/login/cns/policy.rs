//! The certificate policies that make a certificate a card's (`id-ce-certificatePolicies`, RFC 5280 4.2.1.4): data.

use openssl::asn1::Asn1Object;
use serde::Deserialize;
use std::{path::Path, sync::LazyLock};
use varco_policy::{ConfigError, config};

/// What the hub knows without being told: national, regional, CIE used as a card.
static KNOWN: LazyLock<Result<Table, ConfigError>> =
    LazyLock::new(|| config::parse(Path::new("policies.toml"), include_str!("policies.toml")));

/// A table of policies, as a file or the settings write it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    policy: Vec<Written>,
}

/// A policy as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// What people call the card.
    pub name: String,
    /// The policy, in dots.
    pub oid: String,
    /// What follows the fiscal code in the common name.
    pub card: Number,
}

/// What follows the fiscal code and the first slash of the common name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Number {
    /// 16 digits, a dot, and the digest of the card's personal data in base64 (CNS, *Specifiche del certificato*).
    Digits,
    /// Whatever the issuer writes.
    Any,
}

/// A policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// As it is written.
    pub written: Written,
    /// The content octets of its identifier.
    pub octets: Vec<u8>,
}

/// The policies of the settings, or else those that the hub knows.
///
/// # Errors
/// When one cannot be read, or there is none.
pub fn all(file: &Path, written: Option<&[Written]>) -> Result<Vec<Policy>, ConfigError> {
    let written = match (written, &*KNOWN) {
        (Some(written), _) => written,
        (None, Ok(known)) => &known.policy,
        (None, Err(error)) => return Err(ConfigError { ..copy(error) }),
    };
    if written.is_empty() {
        let remedy = "leave the key out for those that the hub knows, or write one";
        return Err(ConfigError::new(file, "cns.policies", "no card would be one", remedy));
    }
    (0..).zip(written).map(|(n, policy)| read(file, n, policy)).collect()
}

fn copy(error: &ConfigError) -> ConfigError {
    ConfigError::new(&error.file, &error.key, &error.problem, &error.remedy)
}

fn read(file: &Path, n: usize, written: &Written) -> Result<Policy, ConfigError> {
    let dotted = written.oid.split('.').count() > 2
        && written.oid.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|c| c.is_ascii_digit()));
    let object = dotted.then(|| Asn1Object::from_str(&written.oid).ok()).flatten();
    let Some(object) = object.filter(|_| !written.name.trim().is_empty()) else {
        let remedy = "write name = \"CNS\", oid = \"1.3.76.16.2.1\", card = \"digits\"";
        let problem = format!("{:?} of {:?} is no policy", written.oid, written.name);
        return Err(ConfigError::new(file, &format!("cns.policies[{n}]"), problem, remedy));
    };
    Ok(Policy { written: written.clone(), octets: object.as_slice().to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_the_hub_knows_are_policies() {
        let known = all(Path::new("hub.toml"), None).unwrap();
        assert_eq!(known[0].octets, [0x2b, 76, 16, 2, 1], "1.3.76.16.2.1");
        assert_eq!(known.len(), 4);
    }

    #[test]
    fn what_is_no_policy_is_named() {
        let of = |oid: &str| {
            let one = Written { name: "CNS".into(), oid: oid.into(), card: Number::Any };
            all(Path::new("hub.toml"), Some(&[one])).map(|all| all.len()).map_err(|e| e.to_string())
        };
        assert_eq!(of("1.3.76.16.2.1"), Ok(1));
        for oid in ["", "CN", "1.3.", "1.3", "9.9.9", "1.3.76.-1", "commonName"] {
            assert!(of(oid).unwrap_err().contains("cns.policies[0]: "), "{oid}");
        }
        assert!(all(Path::new("hub.toml"), Some(&[])).is_err());
    }
}
