//! Reading DER (X.690): as much as a certificate's extensions take, which the cryptographic library does not show.

/// One value: its tag and its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::login) struct Value<'a> {
    pub tag: u8,
    pub content: &'a [u8],
}

pub(in crate::login) const BOOLEAN: u8 = 0x01;
pub(in crate::login) const BIT_STRING: u8 = 0x03;
pub(in crate::login) const OCTET_STRING: u8 = 0x04;
pub(in crate::login) const OBJECT: u8 = 0x06;
pub(in crate::login) const SEQUENCE: u8 = 0x30;
/// `[3]`, constructed: the extensions of a certificate (RFC 5280 4.1).
pub(in crate::login) const EXTENSIONS: u8 = 0xa3;

/// The values of a content, one after the other; `None` when it is not DER.
pub(in crate::login) fn values(mut octets: &[u8]) -> Option<Vec<Value<'_>>> {
    let mut all = Vec::new();
    while !octets.is_empty() {
        let (value, rest) = value(octets)?;
        all.push(value);
        octets = rest;
    }
    Some(all)
}

fn value(octets: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let (&tag, octets) = octets.split_first()?;
    let (&first, octets) = octets.split_first()?;
    let (length, octets) = if first < 0x80 { (usize::from(first), octets) } else { long(first, octets)? };
    let (content, rest) = octets.split_at_checked(length)?;
    Some((Value { tag, content }, rest))
}

/// A length of more than 127: the first octet says how many octets hold it, at most 4 here.
fn long(first: u8, octets: &[u8]) -> Option<(usize, &[u8])> {
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return None;
    }
    let (length, rest) = octets.split_at_checked(count)?;
    Some((length.iter().fold(0, |sum, octet| (sum << 8) | usize::from(*octet)), rest))
}

impl<'a> Value<'a> {
    /// Its content, if it has this tag.
    pub fn of(self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.content)
    }

    /// The values in it, if it has this tag.
    pub fn inside(self, tag: u8) -> Option<Vec<Self>> {
        values(self.of(tag)?)
    }
}

/// An extension of a certificate (RFC 5280 4.1.2.9).
#[derive(Debug)]
pub(in crate::login) struct Extension<'a> {
    /// Its identifier, as content octets.
    pub object: &'a [u8],
    pub critical: bool,
    /// What is in its OCTET STRING.
    pub value: &'a [u8],
}

/// The extensions of a certificate in DER; `None` when it cannot be read.
pub(in crate::login) fn extensions(certificate: &[u8]) -> Option<Vec<Extension<'_>>> {
    let outer = values(certificate)?.first()?.inside(SEQUENCE)?;
    let parts = outer.first()?.inside(SEQUENCE)?;
    let Some(list) = parts.iter().find(|part| part.tag == EXTENSIONS) else { return Some(Vec::new()) };
    let list = list.inside(EXTENSIONS)?.first()?.inside(SEQUENCE)?;
    list.into_iter().map(extension).collect()
}

fn extension(value: Value<'_>) -> Option<Extension<'_>> {
    let parts = value.inside(SEQUENCE)?;
    let critical = parts.iter().find_map(|part| part.of(BOOLEAN)).is_some_and(|content| content != [0]);
    Some(Extension { object: parts.first()?.of(OBJECT)?, critical, value: parts.last()?.of(OCTET_STRING)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_both_forms_are_read() {
        let long = [&[0x04, 0x82, 0x01, 0x00][..], &[7; 256]].concat();
        let all = [&[0x30, 0x02, 0x01, 0x00][..], &long].concat();
        let read = values(&all).unwrap();
        assert_eq!(
            read.iter().map(|v| (v.tag, v.content.len())).collect::<Vec<_>>(),
            [(0x30, 2), (0x04, 256)]
        );
    }

    #[test]
    fn what_is_cut_or_endless_is_no_value() {
        let bad: [&[u8]; 5] =
            [&[0x30], &[0x30, 2, 1], &[0x30, 0x80], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x30, 0x82, 1]];
        assert!(bad.iter().all(|octets| values(octets).is_none()));
        assert!(extensions(&[0x02, 1, 0]).is_none());
    }
}
