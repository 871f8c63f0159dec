//! Who logs in with a role: lists of fiscal codes, of a site's administrators in `[[gateway]]`. A mistake in a list names
//! the place, never the code.

use super::{Gateway, values::callback};
use crate::{login::saml::FiscalNumber, oidc::grant::SITE_ADMIN};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de::Error};
use std::path::Path;
use url::Url;
use varco_policy::ConfigError;

/// Those who have a role, and where their logins end.
#[derive(Debug)]
pub struct Admins {
    /// Where their codes are sent.
    pub redirect_uri: Url,
    /// The same as written: what is compared.
    pub redirect_text: String,
    /// Each with a role; who has two is there twice.
    pub listed: Vec<(FiscalNumber, &'static str)>,
}

impl Admins {
    /// The roles of this person.
    pub fn roles(&self, person: &FiscalNumber) -> Vec<String> {
        let own = self.listed.iter().filter(|(code, _)| code.expose() == person.expose());
        own.map(|(_, role)| (*role).to_owned()).collect()
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
        let codes = codes(file, &key("admins"), &gateway.admins)?;
        let listed = codes.into_iter().map(|code| (code, SITE_ADMIN)).collect();
        Ok(Some(Self { redirect_uri, redirect_text: written.clone(), listed }))
    }
}

/// The fiscal codes of the list `key`.
///
/// # Errors
/// When one is none.
pub(super) fn codes(
    file: &Path,
    key: &str,
    written: &[SecretString],
) -> Result<Vec<FiscalNumber>, ConfigError> {
    let code = |(n, code): (usize, &SecretString)| {
        let remedy = "write the 16 characters of a fiscal code, without TINIT-";
        FiscalNumber::from_code(code.expose_secret())
            .map_err(|e| ConfigError::new(file, &format!("{key}[{n}]"), e, remedy))
    };
    written.iter().enumerate().map(code).collect()
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
