//! Who opens a leaf, and who and what does not.

use super::*;
use crate::leaf::{Mark, join};
use proptest::prelude::*;

fn header(class: Class, sequence: u64, period: Period) -> Header {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let mark = if class == Class::R2b { Mark::TagKey } else { Mark::None };
    Header { class, site: "library".into(), sequence, at, period: Some(period), mark }
}

fn week() -> Period {
    "2026-W47".parse().unwrap()
}

/// The requester's and the approver's private halves.
struct Two(Private, Private);

impl Two {
    fn new() -> Self {
        Self(Private::fresh().unwrap(), Private::fresh().unwrap())
    }

    fn pair(&self) -> Pair {
        Pair { requester: self.0.public().unwrap(), approver: self.1.public().unwrap() }
    }

    /// A leaf to both, of R2a in week 47.
    fn leaf(&self, sequence: u64, text: &str) -> Vec<u8> {
        let header = header(Class::R2a, sequence, week());
        let body = to_two(&mut Sealing::default(), &self.pair(), &header, week(), text.into()).unwrap();
        join(&header.to_string(), &body)
    }

    fn disclose(&self, leaf: &Leaf<'_>) -> Result<Disclosed, SealError> {
        let half = |private, role| {
            let info = info(leaf.header.class, leaf.header.period.unwrap(), role);
            leaf_key(private, &info, (leaf.line, leaf.body), role)
        };
        let (requester, approver) = (half(&self.0, Role::Requester)?, half(&self.1, Role::Approver)?);
        Ok(Disclosed { requester, approver: Some(approver) })
    }

    fn open(&self, leaf: &Leaf<'_>) -> Result<Vec<u8>, SealError> {
        open_disclosed(leaf, &self.disclose(leaf)?)
    }
}

#[test]
fn two_open_it_together_and_neither_alone_nor_elsewhere() {
    let both = Two::new();
    let octets = both.leaf(1, "{}");
    assert_ne!(octets, both.leaf(1, "{}"), "randomised");
    let leaf = Leaf::read(&octets).unwrap();
    assert_eq!(both.open(&leaf), Ok(b"{}".to_vec()));
    let closed = Err(SealError::Closed);
    let swapped = Two(both.1, both.0);
    assert_eq!(swapped.open(&leaf), closed, "each the other's half");
    let both = Two(swapped.1, swapped.0);
    let elsewhere = [
        ("another place", header(Class::R2a, 2, week())),
        ("another week", header(Class::R2a, 1, week().next())),
        ("another class", header(Class::R4, 1, week())),
    ];
    for (what, header) in elsewhere {
        let moved = join(&header.to_string(), leaf.body);
        let moved = Leaf::read(&moved).unwrap();
        assert_eq!(both.open(&moved), closed, "{what}");
        assert_eq!(open_disclosed(&moved, &both.disclose(&leaf).unwrap()), closed, "{what}, with its keys");
    }
}

#[test]
fn a_key_of_one_leaf_opens_that_one_only() {
    let (both, mut sealing) = (Two::new(), Sealing::default());
    let leaves: Vec<_> = (0..3)
        .map(|n| {
            let header = header(Class::R2a, n, week());
            let body = to_two(&mut sealing, &both.pair(), &header, week(), b"{}".to_vec()).unwrap();
            join(&header.to_string(), &body)
        })
        .collect();
    let leaves: Vec<_> = leaves.iter().map(|octets| Leaf::read(octets).unwrap()).collect();
    assert_eq!(leaves[0].body[1..33], leaves[1].body[1..33], "one batch, one encapsulated key");
    for (n, leaf) in leaves.iter().enumerate() {
        for (m, other) in leaves.iter().enumerate() {
            let opened = open_disclosed(leaf, &both.disclose(other).unwrap());
            assert_eq!(opened.is_ok(), n == m, "{n} with the keys of {m}");
        }
    }
    let Disclosed { requester: one, approver } = both.disclose(&leaves[0]).unwrap();
    let other = approver.unwrap();
    let copy = |key: &LeafKey| LeafKey::from_octets(key.expose()).unwrap();
    let swapped = (copy(&other), Some(copy(&one)));
    let twice = [(copy(&one), Some(copy(&one))), (copy(&other), Some(copy(&other)))];
    for (requester, approver) in [(copy(&one), None), (copy(&other), None), swapped].into_iter().chain(twice)
    {
        let opened = open_disclosed(&leaves[0], &Disclosed { requester, approver });
        assert_eq!(opened, Err(SealError::Closed));
    }
    let again = header(Class::R2a, 2, week());
    let again = to_two(&mut sealing, &both.pair(), &again, week(), b"{}".to_vec());
    assert_eq!(again, Err(SealError::NotInOrder), "one number, one key");
}

#[test]
fn the_key_of_tags_is_opened_by_the_requester_alone() {
    let both = Two::new();
    let header = header(Class::R2b, 7, week());
    let body = to_one(&mut Sealing::default(), &both.pair(), &header, week(), b"{}".to_vec()).unwrap();
    let octets = join(&header.to_string(), &body);
    let leaf = Leaf::read(&octets).unwrap();
    let to = info(Class::R2b, week(), Role::Requester);
    let key = |private| leaf_key(private, &to, (leaf.line, leaf.body), Role::Requester).unwrap();
    let opened = |requester, approver| open_disclosed(&leaf, &Disclosed { requester, approver });
    assert_eq!(opened(key(&both.0), None), Ok(b"{}".to_vec()));
    assert_eq!(opened(key(&both.1), None), Err(SealError::Closed));
    assert_eq!(opened(key(&both.0), Some(key(&both.0))), Err(SealError::Closed), "a half too many");
}

/// Octets that ChaCha20-Poly1305 opens with a second key are not enough: the body has one commitment, and here it is the
/// first key's.
#[test]
fn a_second_key_does_not_fit_the_commitment() {
    let (one, another) = (Two::new(), Two::new());
    let (of_one, of_another) = (one.leaf(1, "{\"a\":1}"), another.leaf(1, "{\"a\":2}"));
    let start = Leaf::read(&of_one).unwrap().line.len() + 2;
    let (disclosed, mut mixed) = (another.disclose(&Leaf::read(&of_another).unwrap()).unwrap(), of_another);
    assert!(open_disclosed(&Leaf::read(&mixed).unwrap(), &disclosed).is_ok());
    let commitment = start + 64..start + 96;
    mixed[commitment.clone()].copy_from_slice(&of_one[commitment]);
    assert_eq!(open_disclosed(&Leaf::read(&mixed).unwrap(), &disclosed), Err(SealError::Closed));
}

#[test]
fn each_changed_or_missing_octet_is_refused() {
    let both = Two::new();
    let octets = both.leaf(1, "{}");
    let disclosed = both.disclose(&Leaf::read(&octets).unwrap()).unwrap();
    let start = octets.len() - Leaf::read(&octets).unwrap().body.len();
    for at in 0..octets.len() {
        let mut changed = octets.clone();
        changed[at] ^= 1;
        // A changed header may be none at all; then nothing opens either.
        let Ok(leaf) = Leaf::read(&changed) else { continue };
        assert_eq!(both.open(&leaf), Err(SealError::Closed), "octet {at}");
        assert_eq!(open_disclosed(&leaf, &disclosed), Err(SealError::Closed), "octet {at}, disclosed");
    }
    for end in start + 1..octets.len() {
        let leaf = Leaf::read(&octets[..end]).unwrap();
        assert_eq!(both.open(&leaf), Err(SealError::Closed), "{end} octets");
        assert_eq!(open_disclosed(&leaf, &disclosed), Err(SealError::Closed), "{end} octets, disclosed");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_sealed_is_opened(text in ".{0,300}", sequence: u32) {
        let both = Two::new();
        let octets = both.leaf(sequence.into(), &text);
        let opened = both.open(&Leaf::read(&octets).unwrap()).unwrap();
        prop_assert_eq!(opened, text.into_bytes());
    }
}

#[test]
fn what_is_cut_or_no_key_is_refused() {
    let key = Private::fresh().unwrap();
    let sealed = seal(&key.public().unwrap(), "info", "aad", b"text").unwrap();
    for length in 0..sealed.len() {
        assert_eq!(open(&key, "info", "aad", &sealed[..length]), Err(SealError::Closed));
    }
    assert!(Public::from_octets(&[1; 31]).is_none());
    assert!(Public::from_octets(&[0; 32]).is_none_or(|zero| seal(&zero, "", "", b"").is_err()));
    assert!(LeafKey::from_octets(&[0; 31]).is_none());
}
