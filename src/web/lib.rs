//! What the gateway, the hub and the witness share as web programs: start-up, TLS, time limits, headers, cookies, languages, pages.

pub mod cookie;
pub mod form;
pub mod headers;
pub mod host;
pub mod lang;
pub mod page;
pub mod patience;
pub mod query;
pub mod session;
pub mod startup;
pub mod tls;
pub mod token;
