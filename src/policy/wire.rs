//! The protocol between gateway and enforcer: one request, one reply, over a Unix socket.
//!
//! A frame is a 32-bit big-endian length and that many bytes of JSON. The enforcer checks the peer's user
//! (`SO_PEERCRED`) before it reads. Nothing here can name an interface, a rule or a file: those are in the
//! enforcer's own settings, so a seized gateway can admit guests and nothing more.

use crate::{
    lane::{Lane, Shares},
    net::Device,
    rate::Rate,
    slot::Slot,
};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// The longest frame: 16 MiB, about 100,000 passes.
pub const LONGEST_FRAME: usize = 16 * 1024 * 1024;

/// A pass as the kernel holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelPass {
    /// The device admitted.
    pub device: Device,
    /// Its public address and ports.
    pub slot: Slot,
    /// Seconds left: the kernel ends the pass then, even when every program is dead. 1 to 86,400.
    pub seconds: u32,
    /// What the pass may reach in each direction, where it is less than the lane: 64 kbit/s or more.
    #[serde(default)]
    pub rate: Option<Rate>,
}

/// What the kernel should hold, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Desired {
    /// Number of this state: higher is newer.
    pub generation: u64,
    /// Shares of the lanes, as confirmed.
    pub shares: Shares,
    /// Shares that an admin is trying: in force until they are confirmed (an [`Request::Apply`] with them as `shares`)
    /// or their time is over. Then the enforcer returns to `shares` by itself, whether the gateway lives or not.
    #[serde(default)]
    pub trial: Option<Trial>,
    /// Every pass that is open. Passes that the kernel holds already keep their kernel timeout and flows.
    pub passes: Vec<KernelPass>,
}

/// Shares on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Shares of the lanes meanwhile.
    pub shares: Shares,
    /// Seconds left of the trial: 1 to 600.
    pub seconds: u32,
}

/// What the line carries now, where that varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// From the building to the Internet.
    pub up: Rate,
    /// From the Internet to the building.
    pub down: Rate,
}

/// A pass's new rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassRate {
    /// The device that holds the pass.
    pub device: Device,
    /// As [`KernelPass::rate`].
    pub rate: Option<Rate>,
}

/// What the gateway may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Bring the kernel to this state: after a start, after a lost connection, after a change of shares.
    Apply(Desired),
    /// Let these devices in, in one transaction. A device admitted already gets the new slot and time.
    Admit {
        /// Number of the state after this change.
        generation: u64,
        /// The passes to admit.
        passes: Vec<KernelPass>,
    },
    /// Cut these devices off at once: passes removed, running flows flushed from conntrack.
    Expel {
        /// Number of the state after this change.
        generation: u64,
        /// The devices to expel.
        devices: Vec<Device>,
    },
    /// Change the rate of passes that are in force; their flows, times and counters stay as they are.
    Limit {
        /// Number of the state after this change.
        generation: u64,
        /// The passes and their new rates.
        rates: Vec<PassRate>,
    },
    /// What the kernel holds and has counted.
    Measure,
    /// The lanes alone: cheap, at any number of passes.
    Lanes,
    /// How many of their ports the passes use now.
    Ports,
    /// What a change to these shares would do, as `nft` and `tc` would write it. Nothing is changed.
    Plan(Shares),
    /// The line carries this now: from `link.least` to `link` of the enforcer's own settings. It lasts 15 seconds,
    /// so it is said again; without it the line is shaped as the settings say. The shares stay as they are.
    Carry(Capacity),
}

/// What the enforcer answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// Applied, read back and equal; or, for a few passes, exchanged in one transaction that fails unless the
    /// kernel held what was in force. All is read back within ten seconds. Flows that the portal answered before an
    /// [`Request::Admit`] are forgotten right after it, within a tenth of a second.
    Done {
        /// The generation now in force.
        generation: u64,
    },
    /// The answer to [`Request::Measure`].
    Measured(Measured),
    /// The answer to [`Request::Lanes`]: every lane in both directions.
    Lanes(Vec<LaneUsage>),
    /// The answer to [`Request::Ports`].
    Ports(PortsInUse),
    /// The answer to [`Request::Plan`]: one change a line; empty when nothing would change.
    Planned(Vec<String>),
    /// The answer to [`Request::Carry`]: what the line is shaped to now.
    Carrying(Capacity),
    /// Not done: nothing changed.
    Refused(Refusal),
}

/// What the kernel holds and has counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The generation in force; `None` when the enforcer has restarted and waits for [`Request::Apply`].
    pub generation: Option<u64>,
    /// Every pass in the kernel.
    pub passes: Vec<PassUsage>,
    /// Every lane in both directions.
    pub lanes: Vec<LaneUsage>,
    /// The queueing discipline at the leaves: `cake`, `fq_codel` or `pfifo`, as the kernel has it.
    pub leaf: String,
    /// How often the kernel was found to differ from what is desired, and was healed, since the start.
    pub healed: u64,
    /// What the line is shaped to; `None` before the queues were read.
    #[serde(default)]
    pub capacity: Option<Capacity>,
    /// Seconds left of a trial of shares.
    #[serde(default)]
    pub trial: Option<u32>,
}

/// How many of its ports each pass uses: a histogram, so that nobody is singled out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortsInUse {
    /// Passes by the part of their slot in use: up to one eighth, up to two, … up to all of it.
    pub eighths: [u32; 8],
    /// The most ports that one pass uses.
    pub most: u16,
}

/// What a pass has used since it was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassUsage {
    /// The device.
    pub device: Device,
    /// Seconds until the kernel ends the pass.
    pub seconds: u32,
    /// Packets from the device.
    pub up_packets: u64,
    /// Bytes from the device.
    pub up_bytes: u64,
    /// Packets to the device.
    pub down_packets: u64,
    /// Bytes to the device.
    pub down_bytes: u64,
}

/// What a lane has carried since the queues were set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneUsage {
    /// The lane.
    pub lane: Lane,
    /// Seen from the building.
    pub direction: Direction,
    /// Bytes sent.
    pub bytes: u64,
    /// Packets sent.
    pub packets: u64,
    /// Packets dropped.
    pub drops: u64,
    /// Packets that had to wait for the shaper.
    pub overlimits: u64,
    /// Bytes waiting now.
    pub backlog: u64,
    /// Guarantee now in force.
    pub guaranteed: Rate,
    /// Ceiling now in force.
    pub ceiling: Rate,
}

/// A direction seen from the building.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the building to the Internet.
    Up,
    /// From the Internet to the building.
    Down,
}

/// Why the enforcer did not do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The request is of an older generation than the state in force.
    #[error("generation {asked} is older than {in_force}")]
    Stale {
        /// The generation of the request.
        asked: u64,
        /// The generation in force.
        in_force: u64,
    },
    /// The request breaks a rule of the site: an address outside the guest network, a slot twice…
    #[error("not allowed at this site: {0}")]
    NotAllowed(String),
    /// The kernel did not take it, or what was read back differs.
    #[error("the kernel refused: {0}")]
    Kernel(String),
    /// An incremental change before the first [`Request::Apply`].
    #[error("no state in force yet; apply one first")]
    NothingInForce,
}

/// Writes one frame.
///
/// # Errors
/// When the stream fails or the frame would be longer than [`LONGEST_FRAME`].
pub fn write_frame(mut to: impl Write, message: &impl Serialize) -> io::Result<()> {
    to.write_all(&encode(message)?)?;
    to.flush()
}

/// One frame as bytes.
///
/// # Errors
/// When the frame would be longer than [`LONGEST_FRAME`].
pub fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    let header = u32::try_from(length).ok().filter(|_| length <= LONGEST_FRAME).ok_or_else(too_long)?;
    frame[..4].copy_from_slice(&header.to_be_bytes());
    Ok(frame)
}

/// Reads one frame; `None` when the peer closed between frames.
///
/// # Errors
/// When the stream fails, ends inside a frame, or carries what is not a message of type `T`.
pub fn read_frame<T: for<'a> Deserialize<'a>>(mut from: impl Read) -> io::Result<Option<T>> {
    let mut header = [0; 4];
    match from.read(&mut header)? {
        0 => return Ok(None),
        read => from.read_exact(&mut header[read..])?,
    }
    let length = u32::from_be_bytes(header) as usize;
    if length > LONGEST_FRAME {
        return Err(too_long());
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "frame longer than 16 MiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_one_by_one() {
        let mut stream = Vec::new();
        write_frame(&mut stream, &Request::Measure).unwrap();
        write_frame(&mut stream, &Request::Expel { generation: 7, devices: vec![] }).unwrap();
        let mut rest = stream.as_slice();
        assert_eq!(read_frame(&mut rest).unwrap(), Some(Request::Measure));
        assert_eq!(read_frame(&mut rest).unwrap(), Some(Request::Expel { generation: 7, devices: vec![] }));
        assert_eq!(read_frame::<Request>(&mut rest).unwrap(), None);
    }

    #[test]
    fn a_broken_stream_is_an_error() {
        let whole = encode(&Request::Measure).unwrap();
        assert!(read_frame::<Request>(&whole[..whole.len() - 1]).is_err());
        assert!(read_frame::<Request>(&[0xff, 0xff, 0xff, 0xff, 0][..]).is_err());
        assert!(read_frame::<Request>(&[0, 0, 0, 2, b'{', b'}'][..]).is_err());
    }
}
