//! Which body and scheme an address is of: `/spid/…` and `/cie/…` are those of the body without a path, the others'
//! begin with theirs.

use crate::{
    app::Hub,
    bodies::Served,
    login::saml::{Scheme, ServiceProvider},
};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use std::{
    convert::Infallible,
    future::{Ready, ready},
};

/// The body and the scheme that an address names; whether there are any is not said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// The body's path.
    pub body: String,
    /// Whose service provider is meant.
    pub scheme: Scheme,
}

impl Here {
    /// Reads the address. One without a scheme is SPID's: `/metadata`.
    pub fn of(request: &HttpRequest) -> Self {
        let part = |name| request.match_info().get(name);
        let scheme = if part("scheme") == Some(Scheme::Cie.name()) { Scheme::Cie } else { Scheme::Spid };
        Self { body: part("body").unwrap_or_default().to_owned(), scheme }
    }

    /// The body, if it is one.
    pub fn served<'a>(&self, hub: &'a Hub) -> Option<&'a Served> {
        hub.body(&self.body)
    }

    /// Who the body is towards the scheme, if it is in it.
    pub fn us<'a>(&self, hub: &'a Hub) -> Option<&'a ServiceProvider> {
        self.served(hub)?.us(self.scheme)
    }
}

impl FromRequest for Here {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}
