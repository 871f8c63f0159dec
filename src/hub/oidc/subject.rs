//! Pairwise subjects (OpenID Connect Core section 8.1): the same citizen has another name at every gateway, and no
//! two gateways can compare.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;

/// The subject of the register's `person` in a sector (see [`super::grant::Login::sector`]): HMAC-SHA256 under the hub's
/// salt, 43 characters of base64url. The zero byte cannot be part of a sector, so no two pairs make the same text.
pub fn pairwise(salt: &hmac::Key, sector: &str, person: &str) -> String {
    let mut mac = hmac::Context::with_key(salt);
    mac.update(sector.as_bytes());
    mac.update(&[0]);
    mac.update(person.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.sign())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_stable_and_differs_by_gateway_person_and_salt() {
        let salt = hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]);
        let other = hmac::Key::new(hmac::HMAC_SHA256, &[2; 32]);
        let here = pairwise(&salt, "a", "p");
        assert_eq!(here, pairwise(&salt, "a", "p"));
        assert_eq!(here.len(), 43);
        for elsewhere in [pairwise(&salt, "b", "p"), pairwise(&salt, "a", "q"), pairwise(&other, "a", "p")] {
            assert_ne!(here, elsewhere);
        }
    }
}
