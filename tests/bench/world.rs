//! A building with a line to the Internet: guests and an office behind a router, and a server beyond it.

use super::host::Host;
use anyhow::Result;
use std::{fmt::Write, net::Ipv4Addr};
use varco_policy::Rate;

/// The server of the Internet.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
/// The office's computer.
pub const OFFICE: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 2);
/// The router among the guests.
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 64, 0, 1);
/// Addresses that the guests' host really has.
pub const GUESTS: usize = 400;
/// The hardware address of the guests' host (the range that RFC 7042 keeps for documents, marked as local).
pub const MAC: &str = "02:00:5e:00:53:01";
/// Packets that the provider's buffer holds, in each direction.
const BUFFER: u32 = 1_000;

/// A building.
#[derive(Debug)]
pub struct World {
    /// Every guest: one host with many addresses.
    pub guests: Host,
    /// The office's computer.
    pub office: Host,
    /// The router: `br-guest`, `off0`, `wan0`.
    pub router: Host,
    /// The Internet.
    pub wan: Host,
    /// The provider's end of the line, where it is narrower than the cable.
    line: Option<Host>,
}

/// The address of a guest: 0 to 9,999 and a few more.
pub fn guest(number: usize) -> Ipv4Addr {
    let [.., high, low] = u32::try_from(number / 250 * 256 + number % 250 + 257).unwrap_or(257).to_be_bytes();
    Ipv4Addr::new(10, 64, high, low)
}

impl World {
    /// A building whose line is as fast as its cables.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn open() -> Result<Self> {
        let world = Self::hosts(None)?;
        let (router, wan) = (&world.router, &world.wan);
        router.ip(&format!("link add wan0 type veth peer name eth0 netns {}\n", wan.number()))?;
        world.lay()?;
        Ok(world)
    }

    /// A building behind a line of `rate` each way, whose buffer is deep and knows no lanes.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn behind_line(rate: Rate) -> Result<Self> {
        let world = Self::hosts(Some(Host::make()?))?;
        if let Some(line) = &world.line {
            line.ip(&format!(
                "link add line0 type bridge forward_delay 0\n\
                 link add in0 type veth peer name wan0 netns {}\n\
                 link add out0 type veth peer name eth0 netns {}\n\
                 link set in0 master line0 up\nlink set out0 master line0 up\nlink set line0 up\n",
                world.router.number(),
                world.wan.number()
            ))?;
            ["in0", "out0"].iter().try_for_each(|port| line.offload(port, false))?;
            line.tc(&narrow("in0", rate))?;
            line.tc(&narrow("out0", rate))?;
        }
        world.lay()?;
        Ok(world)
    }

    fn hosts(line: Option<Host>) -> Result<Self> {
        let (guests, office, router, wan) = (Host::make()?, Host::make()?, Host::make()?, Host::make()?);
        Ok(Self { guests, office, router, wan, line })
    }

    fn lay(&self) -> Result<()> {
        self.router.ip(&format!(
            "link add br-guest type bridge forward_delay 0\n\
             link add g0 type veth peer name eth0 address {MAC} netns {}\n\
             link set g0 master br-guest up\nlink set br-guest up\naddr add {ROUTER}/16 dev br-guest\n\
             link add off0 type veth peer name eth0 netns {}\naddr add 10.20.0.1/24 dev off0\nlink set off0 up\n\
             addr add 198.18.0.2/24 dev wan0\nlink set wan0 up\nroute add default via {SERVER}\n",
            self.guests.number(),
            self.office.number()
        ))?;
        self.wan.ip(&format!(
            "addr add {SERVER}/24 dev eth0\nlink set eth0 up\nroute add 198.18.8.0/24 via 198.18.0.2\n"
        ))?;
        self.office.ip(&format!(
            "addr add {OFFICE}/24 dev eth0\nlink set eth0 up\nroute add default via 10.20.0.1\n"
        ))?;
        let mut lines =
            format!("addr add {}/16 dev eth0\nlink set eth0 up\nroute add default via {ROUTER}\n", guest(0));
        for number in 1..GUESTS {
            writeln!(lines, "addr add {}/32 dev eth0", guest(number))?;
        }
        self.guests.ip(&lines)?;
        self.router.switch("ip_forward", "1")?;
        // As the building's router did before, and goes on doing.
        self.router.nft(
            "table ip building { chain out { type nat hook postrouting priority srcnat; policy accept;
             ip saddr 10.20.0.0/24 oifname \"wan0\" masquerade; }; }",
        )
    }

    /// Whether the cables' ends put segments together, as network cards do; off, each packet is one of the line.
    ///
    /// # Errors
    /// When `ethtool` refuses.
    pub fn offload(&self, on: bool) -> Result<()> {
        [&self.guests, &self.office, &self.wan].iter().try_for_each(|host| host.offload("eth0", on))?;
        ["g0", "off0", "wan0"].iter().try_for_each(|interface| self.router.offload(interface, on))
    }

    /// Guests leave by a rule of a plain router.
    ///
    /// # Errors
    /// When `nft` refuses.
    pub fn masquerade_guests(&self) -> Result<()> {
        self.router.nft("add rule ip building out ip saddr 10.64.0.0/16 oifname \"wan0\" masquerade")
    }

    /// The queues that somebody would make by hand: two classes on each way, guests under the office.
    ///
    /// # Errors
    /// When `tc` or `nft` refuses.
    pub fn two_classes(&self, rate: Rate) -> Result<()> {
        self.router.ip("link add ifb0 txqueuelen 1000 type ifb\nlink set ifb0 up\n")?;
        let inward = ["br-guest", "off0"].map(|interface| {
            format!(
                "qdisc add dev {interface} clsact\nfilter add dev {interface} egress protocol all u32 match u32 0 0 \
                 action mirred egress redirect dev ifb0\n"
            )
        });
        self.router.tc(&(two_classes("wan0", rate) + &two_classes("ifb0", rate) + &inward.concat()))?;
        self.router.nft(
            "table ip byhand {\nchain sort {\ntype filter hook forward priority mangle; policy accept;\n\
             iifname \"br-guest\" meta priority set 1:30\noifname \"br-guest\" meta priority set 1:30\n}\n}\n",
        )
    }
}

/// Burst and turn fitted to the rate, as ours are, or the comparison would be with a mistake.
fn two_classes(device: &str, rate: Rate) -> String {
    let (burst, turn) =
        ((rate.bytes() / 1_000).clamp(3_200, 65_536), (rate.bytes() / 500).clamp(1_600, 200_000));
    let (whole, office, guest) = (rate.bits(), rate.bits() / 100 * 90, rate.bits() / 100);
    let class = |name: &str, parent: &str, prio: u8, rate: u64| {
        format!(
            "class add dev {device} parent 1:{parent} classid 1:{name} htb prio {prio} rate {rate}bit ceil {whole}bit \
             burst {burst}b cburst {burst}b quantum {turn}\n"
        )
    };
    format!("qdisc add dev {device} root handle 1: htb default 20 direct_qlen 1000\n")
        + &class("1", "", 0, whole)
        + &class("20", "1", 0, office)
        + &class("30", "1", 7, guest)
        + &format!(
            "qdisc add dev {device} parent 1:20 pfifo limit 1000\nqdisc add dev {device} parent 1:30 pfifo limit 1000\n"
        )
}

fn narrow(device: &str, rate: Rate) -> String {
    let bits = rate.bits();
    let burst = (rate.bytes() / 1_000).clamp(3_200, 65_536);
    format!(
        "qdisc add dev {device} root handle 1: htb default 1\n\
         class add dev {device} parent 1: classid 1:1 htb rate {bits}bit ceil {bits}bit burst {burst}b cburst {burst}b \
         quantum 60000\nqdisc add dev {device} parent 1:1 pfifo limit {BUFFER}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_guest_has_an_address_of_its_own_that_is_a_hosts() {
        assert_eq!(
            (guest(0), guest(249), guest(250)),
            ([10, 64, 1, 1].into(), [10, 64, 1, 250].into(), [10, 64, 2, 1].into())
        );
        let all: BTreeSet<_> = (0..10_100).map(guest).collect();
        assert!(all.len() == 10_100 && all.iter().all(|a| !matches!(a.octets()[3], 0 | 255)));
    }
}
