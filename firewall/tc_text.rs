//! Reading what `tc` writes about classes: it has JSON for everything else, but for HTB classes only in
//! versions newer than Debian 12's.

use crate::queues::{Class, Minor};
use varco_policy::Rate;

/// A class with what it has carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Which class.
    pub minor: Minor,
    /// Its rates.
    pub class: Class,
    /// Bytes sent.
    pub bytes: u64,
    /// Packets sent.
    pub packets: u64,
    /// Packets dropped.
    pub drops: u64,
    /// Packets that had to wait.
    pub overlimits: u64,
    /// Bytes waiting.
    pub backlog: u64,
}

/// Reads `tc -s class show dev …`; `None` when a class of HTB `1:` is not as expected.
pub fn classes(text: &str) -> Option<Vec<Counted>> {
    let blocks = text.split("class htb 1:").skip(1);
    blocks.map(|block| class(&block.split_whitespace().collect::<Vec<_>>())).collect()
}

fn class(words: &[&str]) -> Option<Counted> {
    let minor = Minor(u16::from_str_radix(words.first()?, 16).ok()?);
    let prio = match after(words, "prio") {
        Some(prio) => Some(prio.parse().ok()?),
        None => None,
    };
    let class =
        Class { rate: rate(after(words, "rate")?)?, ceil: rate(after(words, "ceil")?)?, prio, turn: None };
    let sent = words.iter().position(|w| *w == "Sent").and_then(|at| words.get(at..))?;
    Some(Counted {
        minor,
        class,
        bytes: sent.get(1)?.parse().ok()?,
        packets: sent.get(3)?.parse().ok()?,
        drops: after(sent, "(dropped")?.trim_end_matches(',').parse().ok()?,
        overlimits: after(sent, "overlimits")?.parse().ok()?,
        backlog: size(after(sent, "backlog")?)?,
    })
}

fn after<'a>(words: &[&'a str], word: &str) -> Option<&'a str> {
    let at = words.iter().position(|w| *w == word)?;
    words.get(at + 1).copied()
}

/// `10Mbit`, `1234Kbit`, `5bit`: powers of 1000.
fn rate(text: &str) -> Option<Rate> {
    let number = text.strip_suffix("bit")?;
    scaled(number, 1_000).map(Rate::from_bits)
}

/// `1514b`, `12Kb`: powers of 1024, rounded by `tc`.
fn size(text: &str) -> Option<u64> {
    scaled(text.strip_suffix('b')?, 1_024)
}

fn scaled(text: &str, base: u64) -> Option<u64> {
    let (number, power) = match text.strip_suffix(['K', 'M', 'G', 'T']) {
        Some(number) => (number, 1 + "KMGT".find(text.chars().last()?)?),
        None => (text, 0),
    };
    number.parse::<u64>().ok()?.checked_mul(base.checked_pow(u32::try_from(power).ok()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = "\
class htb 1:1 root rate 100Mbit ceil 100Mbit burst 65512b cburst 65512b
 Sent 7 bytes 8 pkt (dropped 0, overlimits 0 requeues 0)
 backlog 0b 0p requeues 0
 lended: 0 borrowed: 0 giants: 0
 tokens: 81906 ctokens: 81906

class htb 1:30 parent 1:1 leaf 30: prio 7 rate 1003Kbit ceil 2Gbit burst 16000b cburst 65512b
 Sent 123456789012 bytes 81 pkt (dropped 3, overlimits 44 requeues 0)
 backlog 12Kb 9p requeues 0
 lended: 0 borrowed: 0 giants: 0
 tokens: 200000 ctokens: 81906
";

    #[test]
    fn reads_classes_with_their_counters() {
        insta::assert_debug_snapshot!(classes(SHOWN).unwrap(), @r#"
        [
            Counted {
                minor: Minor(
                    1,
                ),
                class: Class {
                    rate: Rate(
                        100000000,
                    ),
                    ceil: Rate(
                        100000000,
                    ),
                    prio: None,
                    turn: None,
                },
                bytes: 7,
                packets: 8,
                drops: 0,
                overlimits: 0,
                backlog: 0,
            },
            Counted {
                minor: Minor(
                    48,
                ),
                class: Class {
                    rate: Rate(
                        1003000,
                    ),
                    ceil: Rate(
                        2000000000,
                    ),
                    prio: Some(
                        7,
                    ),
                    turn: None,
                },
                bytes: 123456789012,
                packets: 81,
                drops: 3,
                overlimits: 44,
                backlog: 12288,
            },
        ]
        "#);
        assert_eq!(classes(""), Some(vec![]));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert_eq!(classes("class htb 1:1 root rate 100Mbit"), None);
        assert_eq!(classes(&SHOWN.replace("100Mbit", "100Xbit")), None);
    }
}
