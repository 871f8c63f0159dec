//! What the gateway and the hub share as web programs: start-up, TLS, headers, cookies, languages, pages.

pub mod cookie;
pub mod form;
pub mod headers;
pub mod host;
pub mod lang;
pub mod page;
pub mod session;
pub mod startup;
pub mod tls;
pub mod token;
