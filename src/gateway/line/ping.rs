//! The probe's thread: it sends, waits and tells. Apart from the rest, so that no answer looks late because
//! somebody was asking the enforcer.

use super::{
    echo::{Echo, Kind},
    probe::{Probe, Told},
};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use std::{
    io,
    net::Ipv4Addr,
    os::fd::AsFd,
    sync::mpsc::Sender,
    time::{Duration, Instant},
};

/// How often hosts without a socket, as without a route at the start, get one.
const RETRY: Duration = Duration::from_secs(5);

/// Asks the hosts `every` so often and sends what each round tells, until nobody listens.
///
/// # Errors
/// When the thread cannot be started.
pub fn start<T: From<Told> + Send + 'static>(
    reflectors: Vec<Ipv4Addr>,
    every: Duration,
    to: Sender<T>,
) -> io::Result<()> {
    let run = move || {
        let start = now();
        let mut ping = Ping::new(reflectors, every);
        while ping.turn(|| now() - start).into_iter().all(|told| to.send(told.into()).is_ok()) {}
    };
    std::thread::Builder::new().name("probe".into()).spawn(run).map(drop)
}

#[derive(Debug)]
struct Ping {
    reflectors: Vec<Ipv4Addr>,
    echoes: Vec<Option<Echo>>,
    probe: Probe,
    retry: Duration,
}

impl Ping {
    fn new(reflectors: Vec<Ipv4Addr>, every: Duration) -> Self {
        let probe = Probe::new(reflectors.len(), every);
        let echoes = reflectors.iter().map(|_| None).collect();
        Self { reflectors, echoes, probe, retry: Duration::ZERO }
    }

    /// Waits once, at most until the next deadline; gives what was told.
    fn turn(&mut self, clock: impl Fn() -> Duration) -> Vec<Told> {
        self.open(clock());
        if let Some(number) = self.probe.begin(clock()) {
            self.ask(number);
        }
        self.wait(self.probe.deadline().saturating_sub(clock()));
        for (host, echo) in self.echoes.iter().enumerate() {
            while let Some(number) = echo.as_ref().and_then(Echo::answer) {
                self.probe.heard(host, number, clock());
            }
        }
        std::iter::from_fn(|| self.probe.told(clock())).collect()
    }

    fn open(&mut self, now: Duration) {
        if now < self.retry {
            return;
        }
        self.retry = now + RETRY;
        let told = self.echoes.iter().any(Option::is_some);
        for (to, echo) in self.reflectors.iter().zip(&mut self.echoes).filter(|(_, echo)| echo.is_none()) {
            *echo = Echo::open(*to).ok();
        }
        let queries = self.echoes.iter().flatten().any(|echo| echo.kind() == Kind::Query);
        if queries && !told {
            tracing::warn!("no ICMP echo is allowed (net.ipv4.ping_group_range); the line is probed by DNS");
        }
    }

    fn ask(&mut self, number: u16) {
        for (host, echo) in self.echoes.iter_mut().enumerate() {
            let Some(asking) = echo else { continue };
            let stuck = self.probe.is_stuck(host);
            // What cannot be sent is lost, as what is not answered.
            if asking.ask(number).is_err() || stuck {
                *echo = asking.again().ok();
            }
        }
    }

    fn wait(&self, left: Duration) {
        let sockets = self.echoes.iter().flatten();
        let mut fds: Vec<_> = sockets.map(|echo| PollFd::new(echo.as_fd(), PollFlags::POLLIN)).collect();
        // Rounded up, or the last millisecond would be spent spinning.
        let millis = u16::try_from(left.as_millis() + 1).unwrap_or(u16::MAX);
        match poll(&mut fds, PollTimeout::from(millis)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => {
                tracing::error!(%error, "the probe cannot wait");
                std::thread::sleep(RETRY);
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the probe's thread is the edge where echoes get their time")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::UdpSocket, process::Command, sync::mpsc::channel};

    /// What it is started as inside a namespace.
    const INSIDE: &str = "line::ping::tests::inside_a_namespace";

    /// Runs [`INSIDE`] in a network of its own, after `ip` and `sysctl` have set it up.
    fn in_a_namespace(name: &str, setup: &str) -> String {
        let test = std::env::current_exe().unwrap();
        let can = Command::new("unshare").args(["-Urn", "true"]).output().unwrap().status.success();
        let spaces = if can { "-Urn" } else { "-n" };
        let script =
            format!("ip link set lo up && {setup} && exec \"$0\" --exact {INSIDE} --ignored --nocapture");
        let mut command = Command::new("unshare");
        command.args([spaces, "sh", "-c", &script]).arg(test).env("VARCO_PING", name);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// A kernel answers echoes; a resolver here answers queries at the same address.
    #[test]
    #[ignore = "started by the others in a namespace"]
    fn inside_a_namespace() {
        let resolver = UdpSocket::bind("198.18.0.53:53").unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = resolver.recv_from(&mut buffer) {
                buffer[2] |= 0x80;
                let _ = resolver.send_to(&buffer[..length], from);
            }
        });
        let (sender, told) = channel::<Told>();
        // The second host has no route to it: one lost is no alarm.
        let reflectors = vec![[198, 18, 0, 53].into(), [203, 0, 113, 9].into()];
        start(reflectors, Duration::from_millis(20), sender).unwrap();
        for _ in 0..20 {
            let told = told.recv_timeout(Duration::from_secs(10)).unwrap();
            assert!(matches!(told, Told::Added(_)), "{told:?}");
        }
        let kind = Echo::open([198, 18, 0, 53].into()).unwrap().kind();
        println!("asked by {kind:?} in {}", std::env::var("VARCO_PING").unwrap());
    }

    #[test]
    fn a_host_is_asked_by_echo_where_that_is_allowed() {
        let setup = "ip addr add 198.18.0.53/32 dev lo && sysctl -qw net.ipv4.ping_group_range='0 0'";
        let said = in_a_namespace("open", setup);
        assert!(said.contains("asked by Echo in open"), "{said}");
    }

    #[test]
    fn and_by_query_where_it_is_not() {
        // A new namespace allows them to nobody.
        let said = in_a_namespace("closed", "ip addr add 198.18.0.53/32 dev lo");
        assert!(said.contains("asked by Query in closed"), "{said}");
    }
}
