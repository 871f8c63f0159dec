//! What is not asked, because it names nobody or more than one.

use std::net::Ipv4Addr;

/// The longest tolerance, in seconds: the least time that a slot rests by default. A longer one meets the slot's next holder.
pub const LONGEST_TOLERANCE: u32 = 600;

/// Why a question is refused. Each says what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// No port.
    #[error(
        "without a port an address is that of many persons at once: ask for the source port, then give --port"
    )]
    NoPort,
    /// A port that is lent to nobody.
    #[error("port {0} is lent to nobody: those of citizens are 1024 to 65535")]
    Port(u16),
    /// An address that no provider routes.
    #[error("{0} is no public address: ask which address the provider saw")]
    Address(Ipv4Addr),
    /// A time that is not one instant.
    #[error(
        "`{0}` does not say which instant; write date, time and UTC offset: 2026-10-25T02:30:00+01:00. In the night \
         of 25 October 2026 the hour from 02:00 to 03:00 happens twice: +02:00 is the first, +01:00 the second"
    )]
    Instant(String),
    /// A time that is not over.
    #[error("{0} is not over yet")]
    Future(String),
    /// Too wide.
    #[error(
        "a tolerance of {0} s meets more than one person; give at most 600s, as far as the asker's clock may be off"
    )]
    Tolerance(u64),
    /// A text that cannot be written in one line.
    #[error("--{0}: write it in one line of 1 to {1} characters, without spaces around it")]
    Text(&'static str, usize),
    /// Something that is no site.
    #[error("`{0}` is no name of a site")]
    Site(String),
    /// A question about a site that names none.
    #[error("say whose shares: --site")]
    NoSite,
    /// The end before the beginning.
    #[error("--to is before --from")]
    Backwards,
}
