//! Where a holder's token is: a PKCS#11 URI (RFC 7512).
//!
//! `pkcs11:token=<label>;object=<name>?module-path=<file>[&pin-source=file:<file>]`, values percent-encoded.

use std::{path::PathBuf, str::FromStr};

/// A token, a holder's keys in it, the module that drives it, and the file of its PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUri {
    /// The token's label.
    pub token: String,
    /// The holder's name: their keys are `<object>-sign` and `<object>-open`.
    pub object: String,
    /// The module.
    pub module: PathBuf,
    /// The file of the PIN; without it the terminal is asked.
    pub pin: Option<PathBuf>,
}

/// The text is no such address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0}; write pkcs11:token=LABEL;object=NAME?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/…"
)]
pub struct NotAUri(String);

impl TokenUri {
    /// Whether a text is meant as one, and not as the path of a file.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with("pkcs11:")
    }
}

impl FromStr for TokenUri {
    type Err = NotAUri;

    fn from_str(text: &str) -> Result<Self, NotAUri> {
        let not = |problem: &str| NotAUri(problem.to_owned());
        let rest = text.strip_prefix("pkcs11:").ok_or_else(|| not("it does not begin with pkcs11:"))?;
        let (path, query) = rest.split_once('?').ok_or_else(|| not("it has no ?module-path="))?;
        let (mut token, mut object, mut module, mut pin) = (None, None, None, None);
        let pairs =
            path.split(';').map(|pair| (pair, true)).chain(query.split('&').map(|pair| (pair, false)));
        for (pair, in_path) in pairs {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match (name, in_path) {
                ("token", true) => &mut token,
                ("object", true) => &mut object,
                ("module-path", false) => &mut module,
                ("pin-source", false) => &mut pin,
                ("pin-value", _) => return Err(not("a PIN is never an argument: put it into a file")),
                _ => return Err(NotAUri(format!("`{name}` is not known here"))),
            };
            let value = decoded(value).filter(|value| !value.is_empty());
            let value = value.ok_or_else(|| NotAUri(format!("`{name}` has no value")))?;
            if place.replace(value).is_some() {
                return Err(NotAUri(format!("`{name}` is there twice")));
            }
        }
        let file = |text: String| {
            let path = text.strip_prefix("file:").map(|path| path.strip_prefix("//").unwrap_or(path));
            path.map(PathBuf::from).ok_or_else(|| not("pin-source is no file:/…"))
        };
        let missing = |name: &str| NotAUri(format!("`{name}` is missing"));
        Ok(Self {
            token: token.ok_or_else(|| missing("token"))?,
            object: object.ok_or_else(|| missing("object"))?,
            module: module.ok_or_else(|| missing("module-path"))?.into(),
            pin: pin.map(file).transpose()?,
        })
    }
}

/// Undoes percent-encoding (RFC 3986 section 2.1).
fn decoded(text: &str) -> Option<String> {
    let (mut octets, mut rest) = (Vec::new(), text.bytes());
    while let Some(octet) = rest.next() {
        let digit = |octet: Option<u8>| char::from(octet?).to_digit(16).and_then(|n| u8::try_from(n).ok());
        octets.push(match octet {
            b'%' => digit(rest.next())? * 16 + digit(rest.next())?,
            plain => plain,
        });
    }
    String::from_utf8(octets).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str =
        "pkcs11:token=CNS%20di%20Bruno;object=bruno?module-path=/usr/lib/m.so&pin-source=file:/media/pin";

    #[test]
    fn a_token_is_named_by_a_pkcs11_uri() {
        let uri: TokenUri = WHOLE.parse().unwrap();
        assert_eq!((uri.token.as_str(), uri.object.as_str()), ("CNS di Bruno", "bruno"));
        assert_eq!((uri.module, uri.pin), ("/usr/lib/m.so".into(), Some("/media/pin".into())));
        let asked: TokenUri = WHOLE.split_once('&').unwrap().0.parse().unwrap();
        assert_eq!(asked.pin, None);
    }

    #[test]
    fn what_is_missing_unknown_or_a_pin_is_refused() {
        for (from, to, said) in [
            ("token=", "slot=", "`slot` is not known"),
            ("object=bruno", "object=", "`object` has no value"),
            (";object=bruno", "", "`object` is missing"),
            ("module-path=/usr/lib/m.so&", "", "`module-path` is missing"),
            ("pin-source=file:/media/pin", "pin-value=1234", "never an argument"),
            ("file:/media", "/media", "no file:"),
            ("%20di", "%2", "has no value"),
            (";object=bruno", ";object=bruno;object=anna", "there twice"),
        ] {
            let refused = WHOLE.replacen(from, to, 1).parse::<TokenUri>().unwrap_err().to_string();
            assert!(refused.contains(said), "{refused}");
        }
    }
}
