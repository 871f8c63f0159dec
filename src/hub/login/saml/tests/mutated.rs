//! True answers, changed at random: nothing makes another citizen of them, and nothing makes the hub fall over.

use super::{
    super::{Identity, Level, guard},
    fixture::*,
    stage::{ASSERTION_MARK, Stage, cut},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use std::sync::OnceLock;

/// A good answer, its assertion signed, and the whole too if asked.
fn good_answer(whole: bool) -> &'static str {
    static ANSWERS: OnceLock<[String; 2]> = OnceLock::new();
    let make = || [false, true].map(|whole| signed_by(idp(), &answer(), GOOD, true, whole));
    &ANSWERS.get_or_init(make)[usize::from(whole)]
}

fn is_mario(identity: &Identity) -> Result<(), TestCaseError> {
    prop_assert_eq!(identity.person.key(), CODE);
    prop_assert_eq!(identity.level, Level::L1);
    prop_assert_eq!(&identity.name_id, "_transient");
    prop_assert_eq!(&identity.provider, IDP);
    prop_assert_eq!(&identity.assertion_id, "_assertion");
    prop_assert_eq!(identity.not_on_or_after, at(300));
    Ok(())
}

/// Pieces that an attacker would like to be read instead of the signed ones; made once.
fn pieces() -> &'static [String] {
    static PIECES: OnceLock<Vec<String>> = OnceLock::new();
    PIECES.get_or_init(make_pieces)
}

fn make_pieces() -> Vec<String> {
    let value = format!("<saml:AttributeValue>TINIT-{OTHER_CODE}</saml:AttributeValue>");
    let attribute = format!(r#"<saml:Attribute Name="fiscalNumber">{value}</saml:Attribute>"#);
    let statement = format!("<saml:AttributeStatement>{attribute}</saml:AttributeStatement>");
    let (assertion, _) = cut(good_answer(false), "<saml:Assertion", "</saml:Assertion>");
    let (signature, bare) = cut(&assertion, "<ds:Signature ", "</ds:Signature>");
    let evil = super::fixture::assertion("_evil", OTHER_CODE).replace(ASSERTION_MARK, "");
    let (genuine, _) = cut(&Stage::fixed().another(), "<saml:Assertion", "</saml:Assertion>");
    let comment = "<!-- -->".to_owned();
    let name = format!("TINIT-{OTHER_CODE}");
    vec![evil, value, attribute, statement, assertion, signature, bare, genuine, name, comment]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_piece_put_anywhere_makes_another_citizen(
        puts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
        whole: bool,
        cut_out: bool,
    ) {
        let mut xml = good_answer(whole).to_owned();
        if cut_out {
            xml = cut(&xml, "<saml:Assertion", "</saml:Assertion>").1;
        }
        let pieces = pieces();
        for (place, piece) in puts {
            let between: Vec<_> = xml.match_indices('<').map(|(i, _)| i).skip(1).collect();
            xml.insert_str(*place.get(&between), piece.get::<String>(pieces));
        }
        if let Ok(identity) = received(&xml) {
            is_mario(&identity)?;
        }
    }

    #[test]
    fn no_change_of_a_byte_makes_another_citizen(place in 0usize..6000, byte in any::<u8>(), kind in 0u8..3, both: bool) {
        let mut octets = good_answer(both).as_bytes().to_vec();
        let place = place % octets.len();
        match kind {
            0 => octets[place] = byte,
            1 => octets.insert(place, byte),
            _ => drop(octets.remove(place)),
        }
        let answer = us(Level::L1).check_response(&provider(), &sent(), &STANDARD.encode(octets), now());
        if let Ok(identity) = answer {
            is_mario(&identity)?;
        }
    }

    #[test]
    fn no_piece_cut_out_doubled_or_moved_makes_another_citizen(from in 0usize..6000, long in 0usize..1500, to in 0usize..6000, both: bool) {
        let octets = good_answer(both).as_bytes();
        let from = from % octets.len();
        let end = (from + long).min(octets.len());
        let mut changed = [&octets[..from], &octets[end..]].concat();
        let to = to % (changed.len() + 1);
        changed.splice(to..to, octets[from..end].iter().copied());
        let answer = us(Level::L1).check_response(&provider(), &sent(), &STANDARD.encode(changed), now());
        if let Ok(identity) = answer {
            is_mario(&identity)?;
        }
    }

    #[test]
    fn nothing_makes_the_reader_fall_over(field in ".{0,400}", octets in prop::collection::vec(any::<u8>(), 0..400)) {
        for field in [field, STANDARD.encode(octets)] {
            let read = guard::decode(&field).and_then(|text| guard::parse(&text).map(drop));
            let answer = us(Level::L1).check_response(&provider(), &sent(), &field, now());
            prop_assert!(answer.is_err() && (read.is_ok() || read.err() == answer.err()));
        }
    }
}
