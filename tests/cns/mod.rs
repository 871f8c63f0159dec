//! Smart cards for tests (CNS, TS-CNS): an authority that issues good ones and bad ones, what it says of their revocation,
//! and ways to hold one to a server: files, a token with a PIN, a browser.

pub mod authority;
pub mod card;
pub mod certifier;
pub mod chromium;
mod der;
pub mod reader;
pub mod token;
pub mod trust;

pub use card::Card;
pub use certifier::Certifier;
pub use reader::Reader;
