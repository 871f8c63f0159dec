//! A content as octets, before it is sealed or where it is clear.
//!
//! JSON, filled up with spaces where it is sealed, so that a length tells little; but for the four records of a session, of
//! which there are the most. Those are as long as they must be and always equally long, integers with the highest octet first:
//!
//! | first octet | record | then |
//! |---|---|---|
//! | 1 | began | pass (16), until (8: nanoseconds since 1970), subject (ASCII to the end) |
//! | 2 | ended | pass (16), cause (1: its place in the list below, from 1) |
//! | 3 | lent | pass (16), IPv4 address (4), first port (2), last port (2), sequence of the connection (8) |
//! | 4 | device | pass (16), keyed hash (ASCII to the end) |
//!
//! Where the record is marked for its clock, the first octet has its highest bit set too, and the clock's error comes after it
//! (8: milliseconds; all bits set: nobody said).

use super::{Body, Content};
use crate::{entry::Clock, leaf::Header};
use jiff::Timestamp;
use serde_json::error::Error as JsonError;
use uuid::Uuid;
use varco_policy::{PassId, Slot, Subject, pass::EndCause};

/// JSON that is sealed is filled up to a multiple of this.
const FILLED: usize = 64;
const BEGAN: u8 = 1;
const ENDED: u8 = 2;
const LENT: u8 = 3;
const DEVICE: u8 = 4;
/// In the first octet: the error of the clock follows.
const CLOCK: u8 = 0x80;
const UNKNOWN: u64 = u64::MAX;
/// A cause is its place here: new ones are put at the end.
const CAUSES: [EndCause; 9] = [
    EndCause::LoggedOut,
    EndCause::ProviderLoggedOut,
    EndCause::Expired,
    EndCause::Idle,
    EndCause::Expelled,
    EndCause::Replaced,
    EndCause::Closed,
    EndCause::Spent,
    EndCause::Moved,
];

/// Octets that are no content.
#[derive(Debug, thiserror::Error)]
pub enum NotAContent {
    /// JSON of something else.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A record of a session that is cut, or longer than it can be.
    #[error("it is neither JSON nor a record of a session")]
    Malformed,
}

impl Content {
    /// The octets of the body of this leaf, before it is sealed.
    ///
    /// # Errors
    /// When a value cannot be written as JSON.
    pub fn text(&self, header: &Header) -> Result<Vec<u8>, JsonError> {
        if let Some(short) = header.period.and_then(|_| short(&self.body)) {
            return Ok(self.clock.map_or(short.clone(), |clock| with_clock(&short, clock)));
        }
        let mut json = serde_json::to_vec(self)?;
        if header.period.is_some() {
            json.resize(json.len().next_multiple_of(FILLED), b' ');
        }
        Ok(json)
    }

    /// What the octets say.
    ///
    /// # Errors
    /// When they are none of ours.
    pub fn parse(octets: &[u8]) -> Result<Self, NotAContent> {
        match octets.first() {
            Some(b'{') => Ok(serde_json::from_slice(octets)?),
            _ => record(octets).ok_or(NotAContent::Malformed),
        }
    }
}

fn with_clock(short: &[u8], clock: Clock) -> Vec<u8> {
    let error = match clock {
        Clock::Unknown => UNKNOWN,
        Clock::WithinMs(ms) => ms.min(UNKNOWN - 1),
    };
    let (kind, rest) = short.split_at(1);
    [&kind.iter().map(|kind| kind | CLOCK).collect::<Vec<_>>(), &error.to_be_bytes()[..], rest].concat()
}

/// A record of a session, with its clock.
fn record(octets: &[u8]) -> Option<Content> {
    let (kind, rest) = octets.split_first()?;
    if kind & CLOCK == 0 {
        return Some(Content { body: long(*kind, rest)?, clock: None });
    }
    let (error, rest) = rest.split_first_chunk()?;
    let clock = match u64::from_be_bytes(*error) {
        UNKNOWN => Clock::Unknown,
        ms => Clock::WithinMs(ms),
    };
    Some(Content { body: long(kind & !CLOCK, rest)?, clock: Some(clock) })
}

/// A record of a session as octets; `None` for what is JSON.
fn short(body: &Body) -> Option<Vec<u8>> {
    let join = |kind, pass: &PassId, parts: &[&[u8]]| {
        let mut octets = [&[kind][..], pass.0.as_bytes()].concat();
        octets.extend(parts.concat());
        Some(octets)
    };
    match body {
        Body::Began { pass, subject, until } => {
            let until = i64::try_from(until.as_nanosecond()).ok()?;
            join(BEGAN, pass, &[&until.to_be_bytes(), subject.as_str().as_bytes()])
        }
        Body::Ended { pass, cause } => {
            let place = CAUSES.iter().position(|known| known == cause)?;
            join(ENDED, pass, &[&[u8::try_from(place).ok()?.checked_add(1)?]])
        }
        Body::Lent { pass, slot, connection } => {
            let ports = [slot.first_port, slot.last_port].map(u16::to_be_bytes);
            join(LENT, pass, &[&slot.address.octets(), ports.as_flattened(), &connection.to_be_bytes()])
        }
        Body::Device { pass, device } if device.is_ascii() => join(DEVICE, pass, &[device.as_bytes()]),
        _ => None,
    }
}

/// The record of a session that the octets after the first are.
fn long(kind: u8, rest: &[u8]) -> Option<Body> {
    let (pass, rest) = rest.split_first_chunk()?;
    let pass = PassId(Uuid::from_bytes(*pass));
    let ascii = |octets: &[u8]| octets.is_ascii().then(|| String::from_utf8(octets.to_vec()).ok())?;
    match kind {
        BEGAN => {
            let (until, subject) = rest.split_first_chunk()?;
            let until = Timestamp::from_nanosecond(i64::from_be_bytes(*until).into()).ok()?;
            Some(Body::Began { pass, subject: Subject::try_from(ascii(subject)?).ok()?, until })
        }
        ENDED => {
            let [place] = *rest else { return None };
            let cause = *CAUSES.get(usize::from(place.checked_sub(1)?))?;
            Some(Body::Ended { pass, cause })
        }
        LENT => {
            let (slot, connection) = rest.split_first_chunk::<8>()?;
            let [a, b, c, d, f0, f1, l0, l1] = *slot;
            let (first_port, last_port) = (u16::from_be_bytes([f0, f1]), u16::from_be_bytes([l0, l1]));
            let slot = Slot { address: [a, b, c, d].into(), first_port, last_port };
            Some(Body::Lent { pass, slot, connection: u64::from_be_bytes(connection.try_into().ok()?) })
        }
        DEVICE => Some(Body::Device { pass, device: ascii(rest)? }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{class::Class, leaf::Mark};
    use proptest::prelude::*;

    fn header(sealed: bool) -> Header {
        let period = sealed.then(|| "2026-W47".parse().unwrap());
        let (class, site, at) = (Class::R2a, "library".into(), Timestamp::UNIX_EPOCH);
        Header { class, site, sequence: 0, at, period, mark: Mark::None }
    }

    fn body() -> impl Strategy<Value = Body> {
        let pass = any::<u128>().prop_map(|n| PassId(Uuid::from_u128(n)));
        let ports = any::<(u32, u16, u16, u64)>();
        (pass, "[!-~]{1,255}", any::<i64>(), 0..CAUSES.len(), ports, 0..4).prop_map(
            |(pass, word, until, cause, (address, first_port, last_port, connection), kind)| {
                let until = Timestamp::from_nanosecond(until.into()).unwrap();
                let slot = Slot { address: address.into(), first_port, last_port };
                match kind {
                    0 => Body::Began { pass, subject: word.try_into().unwrap(), until },
                    1 => Body::Ended { pass, cause: CAUSES[cause] },
                    2 => Body::Lent { pass, slot, connection },
                    _ => Body::Device { pass, device: word },
                }
            },
        )
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(body in body(), clock in 0..3_u64, sealed: bool) {
            let clock = [None, Some(Clock::Unknown), Some(Clock::WithinMs(900))][clock as usize];
            let content = Content { body, clock };
            let octets = content.text(&header(sealed)).unwrap();
            prop_assert_eq!(octets[0] == b'{', !sealed);
            prop_assert_eq!(Content::parse(&octets).unwrap(), content);
        }

        #[test]
        fn octets_that_were_not_written_are_refused_or_written_so(octets in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(content) = Content::parse(&octets) {
                prop_assert_eq!(content.text(&header(true)).unwrap(), octets);
            }
        }
    }

    #[test]
    fn each_is_as_the_table_says_and_a_cut_or_longer_one_is_refused() {
        let pass = PassId(Uuid::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff));
        let slot = Slot { address: [198, 18, 0, 3].into(), first_port: 1024, last_port: 1535 };
        let lent = Content { body: Body::Lent { pass, slot, connection: 42 }, clock: None };
        let clock = Some(Clock::WithinMs(513));
        let ended = Content { body: Body::Ended { pass, cause: EndCause::Expired }, clock };
        let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        let (lent, ended) = (lent.text(&header(true)).unwrap(), ended.text(&header(true)).unwrap());
        assert_eq!(hex(&lent), "0300112233445566778899aabbccddeeffc6120003040005ff000000000000002a");
        assert_eq!(hex(&ended), "82000000000000020100112233445566778899aabbccddeeff03");
        for octets in [lent, ended] {
            for end in 0..octets.len() {
                assert!(Content::parse(&octets[..end]).is_err(), "{end} octets");
            }
            assert!(Content::parse(&[&octets[..], b" "].concat()).is_err());
        }
    }

    #[test]
    fn every_cause_has_a_number() {
        for (place, cause) in CAUSES.iter().enumerate() {
            let name = serde_json::to_string(cause).unwrap();
            assert_eq!(serde_json::from_str::<EndCause>(&name).unwrap(), *cause);
            assert_eq!(CAUSES.iter().position(|other| other == cause), Some(place), "{name} is there once");
        }
    }
}
