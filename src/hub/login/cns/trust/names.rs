//! The fixed names of a trust list (ETSI TS 119 612) and of its signature (ETSI EN 319 132-1) that we compare with.

/// The list.
pub const TSL: &str = "http://uri.etsi.org/02231/v2#";
/// XAdES.
pub const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
/// The type of the reference to what is signed about the signature.
pub const SIGNED_PROPERTIES: &str = "http://uri.etsi.org/01903#SignedProperties";

/// The versions that we read (TS 119 612 5.3.1): 5 until 2026, 6 since.
pub const VERSIONS: [&str; 2] = ["5", "6"];
/// A list of one member state (5.3.3).
pub const TYPE: &str = "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric";
/// Whose (5.3.10).
pub const TERRITORY: &str = "IT";

/// An issuer of certificates by which persons are known (5.5.1.2); in Italy, of CNS.
pub const IDENTIFIES: &str = "http://uri.etsi.org/TrstSvc/Svctype/IdV";
/// It may issue them (5.5.4).
pub const RECOGNISED: &str = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/recognisedatnationallevel";
