//! Signers made for development. It needs nothing of this crate: a test of the house builds it as a release is built.

/// The organizational unit in the subject of such a signer.
pub const DEVELOPMENT: &str = "Varco development";
/// Whether this build takes them: a release never does.
pub const TAKES_DEVELOPMENT: bool = cfg!(any(test, debug_assertions));
