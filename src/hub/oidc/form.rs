//! Parameters of a request, each at most once (RFC 6749 section 3.1).

use std::collections::BTreeMap;

/// The parameters of a query string or a form body.
#[derive(Debug, Default)]
pub struct Parameters {
    values: BTreeMap<String, String>,
    repeated: bool,
}

impl Parameters {
    /// Parses `application/x-www-form-urlencoded`. An empty value counts as absent (RFC 6749 section 3.1).
    pub fn parse(text: &[u8]) -> Self {
        let mut parameters = Self::default();
        for (name, value) in url::form_urlencoded::parse(text) {
            let known = parameters.values.insert(name.into_owned(), value.into_owned());
            parameters.repeated |= known.is_some();
        }
        parameters
    }

    /// Whether a parameter came more than once, which makes the request invalid.
    pub const fn repeated(&self) -> bool {
        self.repeated
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}
