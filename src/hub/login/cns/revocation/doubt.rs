//! Why an answer about revocation is not believed, or was not had. The rules are those of SECURITY.md, N-R.

use x509_cert::der;

/// Name and rule. Every doubt has its name here, and an attack of its own in the tests.
pub const RULES: &[(&str, &str)] = &[
    ("form", "strict DER with nothing behind it (X.690), of the structure that its standard gives"),
    ("size", "64 KiB at most for an answer, 32 MiB for a list"),
    ("address", "http or https, for lists ldap too; a host, no name and password, 1,024 characters at most"),
    ("network", "a public address, or one in a network that the settings name"),
    ("busy", "a turn to ask was had in time"),
    ("quiet", "the host did not just fail three times in a row"),
    ("silence", "the host answered in time"),
    ("http", "the host answered 200, not with a redirection"),
    ("ldap", "the directory has the entry, and one list in it"),
    ("status", "the responder says that its answer is one (RFC 6960 section 4.2.1)"),
    ("kind", "the answer is a basic one, of version 1"),
    (
        "certificate",
        "one answer is about the certificate asked for: both digests of its issuer, and its serial",
    ),
    (
        "signer",
        "signed by the issuer, or by whom the issuer itself gave a certificate for it; RSA of 2,048 bits or NIST curves",
    ),
    ("signer-use", "that certificate says id-kp-OCSPSigning and does not say that its key signs nothing"),
    ("signer-dates", "that certificate is valid now"),
    ("signer-standing", "that certificate says id-pkix-ocsp-nocheck, or is not revoked by the issuer's list"),
    ("algorithm", "RSA (PKCS #1) or ECDSA with SHA-256, 384 or 512, the same inside and outside"),
    ("signature", "the signature is of that key"),
    ("critical", "no critical extension that is not understood, none twice"),
    ("dates", "made and valid now, a minute either way; without an end, an hour"),
    ("replay", "our nonce came back; without one, the answer was made in the last ten minutes"),
    ("issuer", "the list is in the name of the card's issuer"),
    ("version", "version 1 without extensions, or version 2"),
    ("delta", "the list is whole"),
    ("scope", "the list is of its issuer's own certificates, those of citizens among them, for all reasons"),
    ("point", "where the list names its distribution point, it is the card's"),
    ("older", "no list older than one seen before: by date, and by number where it names its point"),
    ("serial", "a serial of 20 octets at most"),
    ("disk", "the state folder can be read and written"),
];

/// An answer that says nothing: the rule it broke and what was found. It names no card.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {why}")]
pub struct Doubt {
    /// The name of the rule, from [`RULES`].
    pub rule: &'static str,
    /// What was found.
    pub why: String,
}

impl Doubt {
    /// What was found may be an attacker's words: it must not start a line of the log, nor fill it.
    pub fn new(rule: &'static str, why: impl ToString) -> Self {
        let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        Self { rule, why: why.to_string().chars().take(200).map(plain).collect() }
    }

    /// The rule in words.
    pub fn words(&self) -> Option<&'static str> {
        RULES.iter().find(|(name, _)| *name == self.rule).map(|(_, words)| *words)
    }
}

impl From<der::Error> for Doubt {
    fn from(e: der::Error) -> Self {
        Self::new("form", e)
    }
}

/// Refuses unless it holds.
pub fn ensure(holds: bool, rule: &'static str, why: impl ToString) -> Result<(), Doubt> {
    if holds { Ok(()) } else { Err(Doubt::new(rule, why)) }
}
