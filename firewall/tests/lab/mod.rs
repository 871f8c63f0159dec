//! A small building in network namespaces, without a privilege on the host: a router with the real enforcer,
//! two guests on one bridge, an office, and a piece of Internet (198.18.0.0/15).

mod enforcer;
mod spaces;
mod traffic;

pub use enforcer::{device, pass, slot};
use spaces::Spaces;
use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};
use varco_policy::{Shares, Site};

pub const ENFORCER: &str = env!("CARGO_BIN_EXE_varco-enforcer");

/// Everything ends with the process that holds the namespaces, and that ends when we close its input.
pub struct Lab {
    holder: Child,
    pub dir: PathBuf,
}

const LINKS: &str = "\
link set lo up
link add br-guest type bridge
link set br-guest up
addr add 10.64.0.1/20 dev br-guest
addr add fd00:64::1/64 dev br-guest nodad
link add g0 type veth peer name eth0 address 02:00:00:00:00:10 netns guest0
link add g1 type veth peer name eth0 address 02:00:00:00:00:11 netns guest1
link set g0 master br-guest up
link set g1 master br-guest up
link add off0 type veth peer name eth0 netns office
addr add 10.20.0.1/24 dev off0
link set off0 up
link add wan0 type veth peer name eth0 netns wan
addr add 198.18.0.2/24 dev wan0
addr add fd00:18::2/64 dev wan0 nodad
link set wan0 up
route add default via 198.18.0.1
";

const WAN: &str = "\
link set lo up
addr add 198.18.0.1/24 dev eth0
addr add 198.18.0.53/24 dev eth0
addr add 198.18.0.80/24 dev eth0
addr add fd00:18::1/64 dev eth0 nodad
link set eth0 up
route add 198.18.0.3/32 via 198.18.0.2
route add 10.0.0.0/8 via 198.18.0.2
route add fd00:64::/64 via fd00:18::2
";

const OFFICE: &str = "\
link set lo up
addr add 10.20.0.2/24 dev eth0
link set eth0 up
route add default via 10.20.0.1
";

const SITE: &str = r#"
name = "prova"
title = "Prova"
[interfaces]
wan = "wan0"
guest = ["br-guest"]
office = ["off0"]
[link]
up = "100mbit"
down = "100mbit"
headroom = { up = 0, down = 0 }
[lanes]
critical = { guaranteed = "10mbit", ceiling = "100mbit" }
office = { guaranteed = "80mbit", ceiling = "100mbit" }
guest = { guaranteed = "1mbit", ceiling = "100mbit" }
[guest]
subnet = "10.64.0.0/20"
router = "10.64.0.1"
first = "10.64.0.10"
last = "10.64.15.250"
lease = "1h"
[portal]
host = "wifi.prova.example.it"
[slots]
addresses = ["198.18.0.3"]
ports = 512
[garden]
names = ["idp.example.it"]
resolvers = ["198.18.0.53"]
[passes]
"#;

fn guest(n: u8) -> String {
    format!(
        "link set lo up\naddr add 10.64.0.{n}/20 dev eth0\naddr add fd00:64::{n}/64 dev eth0 nodad\n\
         link set eth0 up\nroute add default via 10.64.0.1\nroute add default via fd00:64::1\n"
    )
}

/// Tries until it is so; panics after half a minute.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..300 {
        if so() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("not within half a minute: {what}");
}

impl Lab {
    /// The building with guests that have addresses, and servers, but without the enforcer.
    pub fn up(name: &str) -> Self {
        let lab = Self::bare(name);
        lab.batch("guest0", &guest(10));
        lab.batch("guest1", &guest(11));
        lab
    }

    /// As [`Lab::up`], and the guests have no address.
    pub fn bare(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("varco-gate-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let holder = Command::new("unshare")
            .args(["--kill-child=SIGKILL", "--mount-proc"])
            .args(Spaces::of_this_machine().made_with())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let lab = Self { holder, dir };
        lab.settings("0");
        until("namespaces", || lab.holder_pid().is_some());
        until("root in them", || {
            lab.run("router", &["mount", "-t", "tmpfs", "none", "/run"]).status.success()
        });
        for host in ["guest0", "guest1", "office", "wan"] {
            lab.must("router", &["ip", "netns", "add", host]);
        }
        lab.batch("router", LINKS);
        lab.batch("wan", WAN);
        lab.batch("office", OFFICE);
        lab.must("router", &["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);
        lab.servers();
        lab
    }

    fn servers(&self) {
        let peer = "EXEC:printenv SOCAT_PEERADDR SOCAT_PEERPORT";
        for port in ["80", "443", "8080"] {
            self.serve("wan", &format!("TCP-LISTEN:{port},fork,reuseaddr"), peer);
        }
        self.serve("wan", "UDP-LISTEN:9000,fork,reuseaddr", peer);
        self.serve("wan", "TCP-LISTEN:9999,fork,reuseaddr", "OPEN:/dev/zero,rdonly");
        for host in ["office", "guest1", "router"] {
            self.serve(host, "TCP-LISTEN:2222,fork,reuseaddr", "EXEC:echo inside");
        }
        for address in ["10.64.0.1", "192.0.2.1,freebind"] {
            self.serve("router", &format!("TCP-LISTEN:80,bind={address},fork,reuseaddr"), "EXEC:echo portal");
        }
        self.serve("router", "TCP6-LISTEN:443,bind=[fd00:64::1],fork,reuseaddr", "EXEC:echo portal");
        for line in [
            "add table ip seen",
            "add chain ip seen input { type filter hook input priority 0; }",
            "add rule ip seen input ip saddr 10.64.0.0/16 counter",
        ] {
            self.must("wan", &["nft", line]);
        }
        let names = ["--address=/idp.example.it/198.18.0.80", "--address=/www.example.it/198.18.0.1"];
        let fixed =
            ["dnsmasq", "--conf-file=/dev/null", "--user=root", "--group=", "--no-resolv", "--no-hosts"];
        let place = ["--listen-address=198.18.0.53", "--bind-interfaces", "--pid-file=/run/wan-dns.pid"];
        self.must("wan", &[&fixed[..], &names, &place].concat());
        for (host, port) in [("wan", "9999"), ("router", "80")] {
            until("servers", || {
                String::from_utf8_lossy(&self.must(host, &["ss", "-Hltn"])).contains(&format!(":{port} "))
            });
        }
    }

    fn serve(&self, host: &str, listen: &str, answer: &str) {
        // Its input stays open, or socat would end an answer early.
        let child =
            self.command(host, &["socat", listen, answer]).stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        child.unwrap();
    }

    pub fn settings(&self, gateway_user: &str) {
        let d = self.dir.display();
        let text = format!(
            "site = \"{d}/site.toml\"\nsocket = \"{d}/run/enforcer.sock\"\ngateway_user = {gateway_user}\n\
             run = \"{d}/run\"\nstate = \"{d}/state\"\n"
        );
        fs::write(self.dir.join("enforcer.toml"), text).unwrap();
        fs::write(self.dir.join("site.toml"), SITE).unwrap();
    }

    pub fn site(&self) -> Site {
        Site::load(&self.dir.join("site.toml")).unwrap()
    }

    pub fn shares(&self) -> Shares {
        self.site().shares()
    }

    /// The first process inside: the one child of `unshare`.
    fn holder_pid(&self) -> Option<String> {
        let children = format!("/proc/{0}/task/{0}/children", self.holder.id());
        let pid = fs::read_to_string(children).ok()?.split_whitespace().next()?.to_owned();
        let inside = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        (inside.trim() == "cat").then_some(pid)
    }

    pub fn command(&self, host: &str, argv: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        let pid = self.holder_pid().expect("the namespaces are gone");
        command.args(["-t", &pid, "-n", "-m", "-p"]).args(Spaces::of_this_machine().entered_with());
        if host != "router" {
            command.args(["ip", "netns", "exec", host]);
        }
        command.args(argv);
        command
    }

    pub fn run(&self, host: &str, argv: &[&str]) -> Output {
        self.command(host, argv).stdin(Stdio::null()).output().unwrap()
    }

    pub fn must(&self, host: &str, argv: &[&str]) -> Vec<u8> {
        let output = self.run(host, argv);
        assert!(output.status.success(), "{host}: {argv:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    pub fn text(&self, host: &str, argv: &[&str]) -> String {
        String::from_utf8(self.must(host, argv)).unwrap()
    }

    /// All queueing disciplines, without what they count.
    pub fn queues(&self) -> String {
        let text = self.text("router", &["tc", "qdisc", "show"]);
        let uncounted = |line: &str| line.split("direct_packets_stat").next().unwrap().to_owned() + "\n";
        text.lines().map(uncounted).collect()
    }

    fn batch(&self, host: &str, lines: &str) {
        let mut child = self.command(host, &["ip", "-batch", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{host}: {lines}");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", self.log());
        }
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}
