//! What a guest does with a session: real connections and real questions for names, through the real NAT.

use super::site::Site;
use anyhow::{Context, Result, ensure};
use std::{
    fmt, fs,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    process::{Command, Stdio},
    thread::{self, sleep},
    time::Duration,
};
use varco_tests::lab::{Host, plan, process::Process, space};

/// Where the Internet's servers listen: as many digits as 443, which the hub has here.
const PORT: u16 = 993;
/// The first of their addresses, and how many there are.
const FIRST: u8 = 100;
const SERVERS: u8 = 100;
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two web sites of a guest. `conntrack` has room for 166 events that it has not read (its option for more does nothing
/// in version 1.4.7), so flows may not begin and end by thousands at once.
const PACE: Duration = Duration::from_millis(100);
/// How long the router remembers a flow that has ended, so that half an hour need not be waited for: what is remembered at a
/// logout would be ended by the enforcer, with its name on each line of the log.
const TIMEOUTS: [&str; 3] = ["tcp_timeout_time_wait", "tcp_timeout_last_ack", "udp_timeout"];

/// How a session is made up.
#[derive(Debug, Clone, Copy)]
pub struct Session {
    /// Web sites that are visited.
    sites: u8,
    /// Connections that the first page of a site makes.
    connections: u8,
    /// Further pages of the site.
    further: u8,
    /// New connections of each of them; the others are used again.
    anew: u8,
    /// Names of the site that have to be asked for.
    names: u8,
}

impl Session {
    /// Half an hour, a page a minute. What the first page takes is measured by others; the rest is assumed, and what a telephone
    /// does by itself (mail, messages, updates) is left out.
    pub const USUAL: Self = Self { sites: 10, connections: 12, further: 2, anew: 3, names: 8 };

    const fn of_a_site(self) -> u64 {
        self.connections as u64 + self.further as u64 * self.anew as u64 + self.names as u64
    }

    /// Flows of it.
    pub const fn flows(self) -> u64 {
        self.sites as u64 * self.of_a_site()
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sites, connections, further, anew, names } = self;
        write!(
            f,
            "A session is half an hour with a page a minute: {sites} web sites, {connections} TCP connections for the first page of each \
             (the median of telephones in HTTP Archive's Web Almanac 2021, chapter HTTP), {anew} new ones for each of {further} \
             further pages, {names} names asked for: {} flows. The last three numbers are assumptions. What a telephone does by itself is left out.",
            self.flows()
        )
    }
}

/// The servers of the Internet, the guests' hosts, and the router.
#[derive(Debug)]
pub struct Surf {
    guests: Vec<Process>,
    router: Process,
}

impl Surf {
    /// Opens the servers.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub fn open(site: &Site) -> Result<Self> {
        let lines: String = servers().map(|server| format!("addr add {server}/32 dev lo\n")).collect();
        let file = site.path("servers");
        fs::write(&file, lines)?;
        site.run(Host::Wan, &["ip", "-batch", &file.display().to_string()])?;
        let wan = site.host(Host::Wan)?;
        let listener =
            space::in_network(wan, || TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).context("listen"))?;
        thread::spawn(move || listener.incoming().flatten().for_each(answer));
        let guests = (0..).map_while(|guest| site.host(Host::Guest(guest)).ok()).collect();
        let timeouts = TIMEOUTS.map(|name| format!("net.netfilter.nf_conntrack_{name}=1"));
        let set = [&["sysctl", "-qw"][..], &timeouts.each_ref().map(String::as_str)].concat();
        site.run(Host::Gateway, &set)?;
        Ok(Self { guests, router: site.host(Host::Gateway)? })
    }

    /// A guest's session, from the first page to the last.
    ///
    /// # Errors
    /// When a server is not reached.
    pub fn session(&self, guest: u8, what: Session) -> Result<()> {
        let host = *self.guests.get(usize::from(guest)).context("no such guest")?;
        space::in_network(host, || {
            let mut servers = servers().cycle().skip(usize::from(guest) * 7);
            for _ in 0..what.sites {
                (0..what.names).try_for_each(|_| ask())?;
                for _ in 0..what.connections + what.further * what.anew {
                    connect(servers.next().context("no server")?)?;
                }
                self.rest(PACE)?;
            }
            Ok(())
        })
    }

    /// Waits, and has the router look which flows are over: whoever lists them makes the kernel forget those.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn rest(&self, time: Duration) -> Result<()> {
        sleep(time);
        let mut list = Command::new("conntrack");
        list.args(["-L", "--reply-dst", plan::SLOTS]).stdin(Stdio::null()).stdout(Stdio::null());
        let status = space::in_network(self.router, || {
            list.stderr(Stdio::null()).status().context("start conntrack")
        })?;
        ensure!(status.success(), "conntrack cannot list flows");
        Ok(())
    }
}

fn servers() -> impl Iterator<Item = Ipv4Addr> + Clone {
    (0..SERVERS).map(|number| Ipv4Addr::new(198, 18, 0, FIRST + number))
}

/// As much as is asked for, and the end.
fn answer(mut stream: TcpStream) {
    let _ = stream.set_read_timeout(Some(PATIENCE));
    if stream.read(&mut [0; 64]).is_ok() {
        let _ = stream.write_all(b"a page");
    }
}

fn connect(to: Ipv4Addr) -> Result<()> {
    let mut stream = TcpStream::connect_timeout(&(to, PORT).into(), PATIENCE).context("a server")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"a question")?;
    let mut page = Vec::new();
    stream.read_to_end(&mut page)?;
    ensure!(page == b"a page", "a server answers something else");
    Ok(())
}

/// Asks the Internet's resolver, as devices with one of their own do: each question from a port of its own (RFC 5452).
fn ask() -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send_to(&question(plan::WEB_NAME), format!("{}:53", plan::DNS))?;
    socket.recv_from(&mut [0; 512]).context("the Internet's resolver does not answer")?;
    Ok(())
}

/// The question for the address of a name (RFC 1035, section 4.1).
fn question(name: &str) -> Vec<u8> {
    let mut message = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(label.len().min(63) as u8);
        message.extend(label.bytes().take(63));
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_as_many_flows_as_its_parts() {
        assert_eq!(Session::USUAL.flows(), 10 * (12 + 2 * 3 + 8));
        assert!(Session::USUAL.to_string().contains("260 flows"));
    }

    #[test]
    fn a_question_is_spelled_as_rfc_1035_says() {
        assert_eq!(question("a.bc"), *b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x01a\x02bc\0\0\x01\0\x01");
    }
}
