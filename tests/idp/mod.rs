//! An identity provider for tests: of SPID (SAML 2.0 under the SPID technical rules of AgID), of CIE, or the node of eIDAS.

pub mod behaviour;
pub mod binding;
pub mod citizen;
pub mod logout;
pub mod metadata;
pub mod pages;
pub mod request;
pub mod response;
pub mod scheme;
pub mod server;
pub mod sign;
pub mod wrap;
pub mod xml;

pub use behaviour::Behaviour;
pub use citizen::{CITIZENS, Citizen};
pub use response::{Order, respond};
pub use scheme::Scheme;
pub use sign::Signer;
