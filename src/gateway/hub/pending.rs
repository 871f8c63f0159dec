//! Logins that have begun and not come back yet.
//!
//! An answer belongs to a login when its state is known, it comes from the same device (a guest's address and hardware
//! address, an administrator's address), and the browser shows the cookie that it got when the login began: state and device alone could be a login that an
//! attacker began behind the same device; state and cookie alone could be another device. Asked for once, a state is
//! gone, whatever the rest.

use super::Proof;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use varco_web::token;

/// How long a login may take.
pub const LASTS: SignedDuration = SignedDuration::from_mins(10);
/// How many logins may be under way at a site, 500 bytes each.
const MOST: usize = 20_000;
/// How many logins one device may have under way; the oldest makes room.
const MOST_OF_A_DEVICE: usize = 4;

/// A login under way.
#[derive(Debug)]
struct Pending<D> {
    device: D,
    cookie: String,
    proof: Proof,
    until: Timestamp,
}

/// All logins under way, by the digest of their state.
#[derive(Debug)]
pub struct Logins<D>(Mutex<HashMap<String, Pending<D>>>);

impl<D> Default for Logins<D> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<D: Copy + PartialEq> Logins<D> {
    /// Keeps a login until its answer comes. `false` when too many are under way.
    pub fn keep(&self, state: &str, device: D, cookie: &str, proof: Proof, now: Timestamp) -> bool {
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut logins, device, now);
        if logins.len() >= MOST {
            return false;
        }
        let until = now.saturating_add(LASTS).unwrap_or(Timestamp::MAX);
        let pending = Pending { device, cookie: token::digest(cookie), proof, until };
        logins.insert(token::digest(state), pending);
        true
    }

    /// Takes the login that an answer belongs to; its state is used up in any case.
    pub fn take(&self, state: &str, device: D, cookie: &str, now: Timestamp) -> Option<Proof> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&token::digest(state))?;
        let ours = taken.device == device && taken.cookie == token::digest(cookie) && taken.until > now;
        ours.then_some(taken.proof)
    }
}

/// Forgets what has expired, when the table is full or the device has several, and the device's oldest.
fn make_room<D: PartialEq>(logins: &mut HashMap<String, Pending<D>>, device: D, now: Timestamp) {
    if logins.len() >= MOST {
        logins.retain(|_, pending| pending.until > now);
    }
    let mut own: Vec<_> = logins
        .iter()
        .filter(|(_, p)| p.device == device)
        .map(|(state, p)| (p.until, state.clone()))
        .collect();
    own.sort();
    let excess = (own.len() + 1).saturating_sub(MOST_OF_A_DEVICE);
    for (_, state) in own.into_iter().take(excess) {
        logins.remove(&state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openidconnect::{Nonce, PkceCodeVerifier};
    use varco_policy::Device;

    fn proof() -> Proof {
        Proof { nonce: Nonce::new("n".into()), verifier: PkceCodeVerifier::new("v".repeat(43)) }
    }

    fn device(last: u8) -> Device {
        Device { address: [10, 64, 0, last].into(), mac: varco_policy::Mac::new([2, 0, 0, 0, 0, last]) }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_answer_needs_state_device_cookie_and_time() {
        let cases = [
            ("s", device(1), "c", 599, true),
            ("s", device(1), "c", 600, false),
            ("s", device(1), "x", 1, false),
            ("s", device(2), "c", 1, false),
            ("t", device(1), "c", 1, false),
        ];
        for (state, from, cookie, second, good) in cases {
            let logins = Logins::default();
            assert!(logins.keep("s", device(1), "c", proof(), at(0)));
            assert_eq!(
                logins.take(state, from, cookie, at(second)).is_some(),
                good,
                "{state} {cookie} {second}"
            );
        }
    }

    #[test]
    fn a_state_is_used_up_even_by_the_wrong_device() {
        let logins = Logins::default();
        logins.keep("s", device(1), "c", proof(), at(0));
        assert!(logins.take("s", device(2), "c", at(1)).is_none());
        assert!(logins.take("s", device(1), "c", at(1)).is_none());
    }

    #[test]
    fn one_device_cannot_fill_the_table() {
        let logins = Logins::default();
        for n in 0..100 {
            assert!(logins.keep(&n.to_string(), device(1), "c", proof(), at(n)));
        }
        assert!(logins.take("95", device(1), "c", at(100)).is_none());
        assert!(logins.take("96", device(1), "c", at(100)).is_some());
    }
}
