//! Who administers a site: a list of fiscal codes in `[[gateway]]`. A mistake in it names the place, never the code.

use super::{Gateway, callback};
use crate::login::saml::FiscalNumber;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de::Error};
use std::path::Path;
use url::Url;
use varco_policy::ConfigError;

/// The administrators of a site, and where their logins end.
#[derive(Debug)]
pub struct Admins {
    /// Where their codes are sent.
    pub redirect_uri: Url,
    /// The same as written: what is compared.
    pub redirect_text: String,
    codes: Vec<FiscalNumber>,
}

impl Admins {
    /// Whether this person is one of them.
    pub fn include(&self, person: &FiscalNumber) -> bool {
        self.codes.iter().any(|code| code.expose() == person.expose())
    }

    /// Those of a gateway; `None` where it has no pages for them.
    ///
    /// # Errors
    /// When a code is not a fiscal code, the address is not its own, or there are codes and no address.
    pub(super) fn of(file: &Path, index: usize, gateway: &Gateway) -> Result<Option<Self>, ConfigError> {
        let key = |name: &str| format!("gateway[{index}].{name}");
        let Some(written) = &gateway.admin_redirect_uri else {
            let remedy = "give admin_redirect_uri too: the gateway's admin.url and /login/callback";
            let lost = ConfigError::new(file, &key("admins"), "have nowhere to log in", remedy);
            return if gateway.admins.is_empty() { Ok(None) } else { Err(lost) };
        };
        let redirect_uri = callback(file, &key("admin_redirect_uri"), written)?;
        if *written == gateway.redirect_uri {
            let remedy = "give the address of the admin pages: a login there is another one";
            let same = ConfigError::new(file, &key("admin_redirect_uri"), "is the citizens' too", remedy);
            return Err(same);
        }
        let code = |(n, code): (usize, &SecretString)| {
            let remedy = "write the 16 characters of a fiscal code, without TINIT-";
            FiscalNumber::from_code(code.expose_secret())
                .map_err(|e| ConfigError::new(file, &key(&format!("admins[{n}]")), e, remedy))
        };
        let codes = gateway.admins.iter().enumerate().map(code).collect::<Result<_, _>>()?;
        Ok(Some(Self { redirect_uri, redirect_text: written.clone(), codes }))
    }
}

/// A list of texts. What else it may be is not repeated in the error, as serde does: it may be a fiscal code.
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<SecretString>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        List(Vec<SecretString>),
        Other(serde::de::IgnoredAny),
    }
    match Written::deserialize(from)? {
        Written::List(codes) => Ok(codes),
        Written::Other(_) => Err(D::Error::custom("is not a list of fiscal codes")),
    }
}
