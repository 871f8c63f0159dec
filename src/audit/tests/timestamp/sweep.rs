//! Every bit of an answer turned.

use crate::{TEXT, query, root, tsa::Tsa};
use varco_audit::timestamp::verify;

#[test]
fn every_bit_turned_is_refused_or_was_never_signed() {
    let tsa = Tsa::new("sweep");
    let query = query();
    let reply = tsa.reply(&query.octets, "tsa", "");
    let authority = root(&tsa);
    let stamp = verify(&reply, TEXT, Some(&query.nonce), &authority).unwrap();
    let mut taken = Vec::new();
    // `granted` becomes `grantedWithMods`: the status is outside of what is signed.
    let status = 8 * reply.windows(3).position(|octets| octets == [2, 1, 0]).unwrap() + 16;
    for bit in 0..reply.len() * 8 {
        let mut turned = reply.clone();
        turned[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = verify(&turned, TEXT, Some(&query.nonce), &authority) {
            assert_eq!(other, stamp, "bit {bit} changes what is said");
            taken.push(bit);
        }
    }
    assert_eq!(taken, [status], "of {} bits", reply.len() * 8);
}
