//! Italy's list of 27 July 2026 (TSL-IT, number 223), as AgID published it, and the signers that ship with Varco.

use super::*;
use crate::registry::fingerprint;
use flate2::read::GzDecoder;
use std::{io::Read, path::Path};

pub fn octets() -> Vec<u8> {
    let mut octets = Vec::new();
    GzDecoder::new(&include_bytes!("TSL-IT-223.xml.gz")[..]).read_to_end(&mut octets).unwrap();
    octets
}

pub fn shipped() -> Vec<X509> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../certs/agid-tl");
    signers::load(&folder, false).unwrap()
}

#[test]
fn agids_list_holds_with_the_signers_that_ship() {
    let (octets, signers) = (octets(), shipped());
    assert_eq!(octets.len(), 2_855_744);
    let list = TrustList::verify(&octets, &signers, now()).unwrap();
    assert_eq!((list.issuers.number, list.issuers.all.len()), (223, 168));
    assert_eq!(list.issuers.next_update.to_string(), "2027-01-27T10:33:49Z");
    assert_eq!(list.problems, [""; 0]);
    let of_the_ministry = list.issuers.all.iter().filter(|i| i.name.contains("Ministero")).count();
    assert!(of_the_ministry > 0);
    // One of the two made it.
    for (signer, holds) in signers.into_iter().zip([false, true]) {
        let why = TrustList::verify(&octets, &[signer], now()).err().map(|unfit| unfit.rule);
        assert_eq!(why, (!holds).then_some("signer"));
    }
}

#[test]
fn the_table_of_certs_names_the_signers_that_ship() {
    let table = include_str!("../../../../../../certs/README.md");
    for signer in shipped() {
        assert!(table.contains(&fingerprint(&signer)), "{}", fingerprint(&signer));
    }
    assert_eq!(shipped().len(), 2);
}
