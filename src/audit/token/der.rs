//! The two encodings that tokens and the others differ in.

/// A point as 65 octets, from CKA_EC_POINT: an OCTET STRING around it (PKCS#11 3.0 section 2.3.3), or, as older modules have it, bare.
pub fn point(octets: &[u8]) -> Option<[u8; 65]> {
    octets
        .strip_prefix(&[0x04, 0x41])
        .unwrap_or(octets)
        .try_into()
        .ok()
        .filter(|point: &[u8; 65]| point[0] == 4)
}

/// `r` and `s`, 32 octets each, as a DER SEQUENCE of two INTEGERs (RFC 3279 section 2.2.3).
pub fn signature(raw: &[u8]) -> Option<Vec<u8>> {
    let raw: &[u8; 64] = raw.try_into().ok()?;
    let numbers = raw.chunks(32).flat_map(integer).collect::<Vec<_>>();
    let length = u8::try_from(numbers.len()).ok()?;
    Some([&[0x30, length], &numbers[..]].concat())
}

/// An unsigned number: no octet too many, and one more where it would read as negative.
fn integer(octets: &[u8]) -> Vec<u8> {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count().min(octets.len() - 1);
    let mut content = octets[zeros..].to_vec();
    if content[0] & 0x80 != 0 {
        content.insert(0, 0);
    }
    // 33 octets at most.
    [&[0x02, content.len() as u8], &content[..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_octet_too_many_and_are_never_negative() {
        assert_eq!(integer(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(integer(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0, 0]), [2, 1, 0]);
        assert_eq!(signature(&[0; 63]), None);
        let mut raw = [0; 64];
        (raw[31], raw[32]) = (5, 0xff);
        let der = signature(&raw).unwrap();
        assert_eq!((&der[..8], der.len()), (&[0x30, 38, 2, 1, 5, 2, 33, 0][..], 40));
    }

    #[test]
    fn a_point_is_read_bare_and_wrapped_and_no_other_form() {
        let mut bare = [7; 65];
        bare[0] = 4;
        assert_eq!(point(&bare), Some(bare));
        assert_eq!(point(&[&[0x04, 0x41], &bare[..]].concat()), Some(bare));
        bare[0] = 2;
        assert_eq!((point(&bare), point(&bare[..33])), (None, None));
    }
}
