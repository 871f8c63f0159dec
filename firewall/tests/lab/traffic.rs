//! What hosts send each other, and what has come.

use super::{Lab, until};
use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Child, Stdio},
};

impl Lab {
    /// What a server answers, or the client's words for why it does not.
    pub fn talk(&self, host: &str, to: &str) -> Result<String, String> {
        let out = self.run(host, &["timeout", "5", "socat", "-t2", "-T3", "STDIO,ignoreeof", to]);
        let text = String::from_utf8_lossy(&out.stdout).trim().to_owned();
        if text.is_empty() { Err(String::from_utf8_lossy(&out.stderr).trim().to_owned()) } else { Ok(text) }
    }

    /// What comes back after a datagram, or the client's words for why nothing does.
    pub fn datagram(&self, host: &str, to: &str) -> String {
        let argv = ["timeout", "5", "socat", "-t1", "-T1", "SYSTEM:echo hello; cat 1>&2", to];
        // A datagram may be lost on a busy machine.
        let once = |_| String::from_utf8(self.run(host, &argv).stderr).unwrap();
        (0..5).map(once).find(|said| !said.is_empty()).unwrap_or_default()
    }

    /// Sends one IP packet of this protocol with these octets after its header.
    pub fn raw(&self, host: &str, protocol: u8, octets: &[u8]) {
        let to = format!("IP-SENDTO:198.18.0.1:{protocol}");
        let mut child = self.command(host, &["socat", "-u", "-", &to]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(octets).unwrap();
        // Where it is refused at once, the client says so.
        child.wait().unwrap();
    }

    /// Sends many packets with these octets, as fast as it goes.
    pub fn flood(&self, host: &str, to: &str, octets: &[u8], times: u64) {
        let size = octets.len().to_string();
        let mut child =
            self.command(host, &["socat", "-u", "-b", &size, "-", to]).stdin(Stdio::piped()).spawn().unwrap();
        let all: Vec<u8> = (0..times).flat_map(|_| octets.iter().copied()).collect();
        child.stdin.take().unwrap().write_all(&all).unwrap();
        child.wait().unwrap();
    }

    /// How many packets with a guest's own address have come to the Internet.
    pub fn leaked(&self) -> u64 {
        let text = self.text("wan", &["nft", "list", "table", "ip", "seen"]);
        text.split("packets ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap()
    }

    /// How many ICMPv6 messages a host has received.
    pub fn icmp6_received(&self, host: &str) -> String {
        let text = self.text(host, &["cat", "/proc/net/snmp6"]);
        text.lines().find(|l| l.starts_with("Icmp6InMsgs")).unwrap().to_owned()
    }

    /// The router's link-local address, as a guest pings it.
    pub fn link_local(&self) -> String {
        let text =
            self.text("router", &["ip", "-6", "-o", "addr", "show", "dev", "br-guest", "scope", "link"]);
        let address = text.split_whitespace().nth(3).unwrap().split('/').next().unwrap();
        format!("{address}%eth0")
    }

    /// The address and port that the server saw.
    pub fn seen_from(&self, host: &str, to: &str) -> (String, u16) {
        let said = self.talk(host, to).unwrap_or_else(|e| panic!("{host} to {to}: {e}"));
        let (address, port) = said.split_once('\n').unwrap();
        (address.to_owned(), port.parse().unwrap())
    }

    pub fn pings(&self, host: &str, to: &str) -> bool {
        self.run(host, &["ping", "-c1", "-W1", to]).status.success()
    }

    /// Begins an endless download; what has come is in the file.
    pub fn download(&self, host: &str) -> (Child, PathBuf) {
        let file = self.dir.join(format!("{host}.download"));
        let to = format!("OPEN:{},creat,trunc", file.display());
        let child =
            self.command(host, &["socat", "-u", "TCP:198.18.0.1:9999", &to]).stderr(Stdio::null()).spawn();
        let size = || fs::metadata(&file).map_or(0, |m| m.len());
        until("the download runs", || size() > 1_000_000);
        (child.unwrap(), file)
    }
}
