//! True lists, changed at random: nothing makes the hub fall over, and nothing that is read of them changes.

use super::{real, *};
use proptest::prelude::*;

static GOOD: LazyLock<String> = LazyLock::new(|| draft(5, 3).signed(&SIGNER));
static REAL: LazyLock<Vec<u8>> = LazyLock::new(real::octets);

/// What is read: everything that decides about cards.
fn read(list: &TrustList) -> Vec<String> {
    let i = &list.issuers;
    let head = format!("{} {} {} {}", i.number, i.issued, i.next_update, list.digest);
    let all = i
        .all
        .iter()
        .map(|i| format!("{} {} {}", crate::registry::fingerprint(&i.certificate), i.since, i.name));
    std::iter::once(head).chain(all).collect()
}

fn same(octets: &[u8], signers: &[X509], expected: &[String]) -> Result<(), TestCaseError> {
    if let Ok(list) = TrustList::verify(octets, signers, now()) {
        prop_assert_eq!(read(&list), expected);
    }
    Ok(())
}

/// Pieces that an attacker would like to be read.
fn pieces() -> &'static [String] {
    static PIECES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let other = Draft::of(9, &ISSUERS[3..6]).signed(&STRANGER);
        let part = |from: &str, to: &str| {
            let start = other.find(from).unwrap();
            other[start..start + other[start..].find(to).unwrap() + to.len()].to_owned()
        };
        vec![
            part("<TSPService>", "</TSPService>"),
            part("<SchemeInformation>", "</SchemeInformation>"),
            part("<TrustServiceProviderList>", "</TrustServiceProviderList>"),
            part("<ds:Signature ", "</ds:Signature>"),
            part("<ds:Reference Id", "</ds:Reference>"),
            part("<xades:SignedProperties", "</xades:SignedProperties>"),
            "<TSLSequenceNumber>9</TSLSequenceNumber>".into(),
            "<!-- -->".into(),
            "<!--".into(),
            " xmlns=\"http://uri.etsi.org/02231/v2#\"".into(),
            " Id=\"properties\"".into(),
            "<![CDATA[9]]>".into(),
            "&#57;".into(),
            "=\"\u{0}".into(),
        ]
    });
    &PIECES
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_put_anywhere(
        puts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
        at_tags: bool,
    ) {
        let mut text = GOOD.clone();
        for (place, piece) in puts {
            let places: Vec<_> = text.char_indices().filter(|(_, c)| !at_tags || *c == '<').map(|(i, _)| i).collect();
            text.insert_str(*place.get(&places), piece.get::<String>(pieces()));
        }
        same(text.as_bytes(), ours(), &read(&verify(&GOOD).unwrap()))?;
    }

    #[test]
    fn octets_changed_cut_out_or_doubled(
        start in any::<prop::sample::Index>(), length in 0_usize..60, with in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut octets = GOOD.clone().into_bytes();
        let start = start.index(octets.len());
        let end = octets.len().min(start + length);
        octets.splice(start..end, with);
        same(&octets, ours(), &read(&verify(&GOOD).unwrap()))?;
    }

    #[test]
    fn anything_at_all(octets in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(TrustList::verify(&octets, ours(), now()).is_err());
    }
}

/// AgID's own list is too long for hundreds of cases.
#[test]
fn agids_list_changed_in_one_place() {
    let signers = real::shipped();
    let expected = read(&TrustList::verify(&REAL, &signers, now()).unwrap());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 12,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let places = (any::<prop::sample::Index>(), 1_u8..=255);
    runner
        .run(&places, |(place, flip)| {
            let mut octets = REAL.clone();
            let place = place.index(octets.len());
            octets[place] ^= flip;
            same(&octets, &signers, &expected)
        })
        .unwrap();
}
