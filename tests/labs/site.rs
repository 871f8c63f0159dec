//! A lab for one test, and the people in it.

use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread::sleep,
    time::Duration,
};
use varco_audit::{
    Entry,
    content::Joined,
    holder::HolderKey,
    keys::KeyFolder,
    opener::Opener,
    records::{Records, RecordsError},
};
use varco_tests::lab::{
    Lab, keys,
    lookup::{self, Case},
};

/// A lab that is taken down when the test ends, well or not.
pub struct Site {
    name: String,
    pub report: Value,
}

impl Drop for Site {
    fn drop(&mut self) {
        // The logs of a failed test are what explains it.
        if std::thread::panicking() {
            let state = self.report["state"].as_str().unwrap_or_default();
            for name in ["gateway", "enforcer", "hub", "idp"] {
                let log = std::fs::read_to_string(format!("{state}/logs/{name}.log")).unwrap_or_default();
                let lines: Vec<_> = log.lines().collect();
                eprintln!("--- {name}\n{}", lines[lines.len().saturating_sub(15)..].join("\n"));
            }
        }
        let _ = lab(&["down", "--name", &self.name]).status();
    }
}

/// `varco-lab` with these arguments.
pub fn lab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_varco-lab"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs to the end and returns what was said, or fails with it.
pub fn said(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(done.status.success(), "{command:?}\n{}{}", text(&done.stdout), text(&done.stderr));
    text(&done.stdout)
}

/// Tries up to `seconds` times, a second apart.
pub fn eventually(seconds: u32, mut holds: impl FnMut() -> bool) -> bool {
    (0..seconds).any(|_| {
        holds() || {
            sleep(Duration::from_secs(1));
            false
        }
    })
}

impl Site {
    /// A site with this many guests.
    pub fn up(guests: u8) -> Self {
        Self::up_with(guests, &[])
    }

    /// A site with more options of `varco-lab up`.
    pub fn up_with(guests: u8, options: &[&str]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let guests = guests.to_string();
        let mut command = lab(&["up", "--name", &name, "--guests", &guests, "--json"]);
        let report = serde_json::from_str(&said(command.args(options))).unwrap();
        Self { name, report }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder of configuration, logs, databases.
    pub fn state(&self, path: &str) -> String {
        format!("{}/{path}", self.report["state"].as_str().unwrap())
    }

    /// What `status --json` says now.
    pub fn status(&self) -> Value {
        serde_json::from_str(&said(&mut lab(&["status", "--name", &self.name, "--json"]))).unwrap()
    }

    /// A command on a host.
    pub fn on(&self, host: &str, words: &[&str]) -> Command {
        let mut command = lab(&["exec", "--name", &self.name, host, "--"]);
        command.args(words);
        command
    }

    pub fn run(&self, host: &str, words: &[&str]) -> Output {
        self.on(host, words).output().unwrap()
    }

    pub fn succeeds(&self, host: &str, words: &[&str]) -> bool {
        self.run(host, words).status.success()
    }

    /// One of Varco's programs on a host of the lab.
    pub fn program(&self, host: &str, name: &str, words: &[&str]) -> Output {
        let path = std::path::Path::new(env!("CARGO_BIN_EXE_varco-lab")).with_file_name(name);
        let mut all = vec![path.to_str().unwrap()];
        all.extend(words);
        self.run(host, &all)
    }

    /// The authorities' question, asked, allowed and recorded at the hub.
    pub fn case(&self, question: &[&str]) -> Case {
        let programs = Path::new(env!("CARGO_BIN_EXE_varco-lab")).parent().unwrap();
        lookup::allowed(&self.lab(), programs, question).unwrap()
    }

    /// Who used this address and port now.
    pub fn who(&self, address: &str, port: u16) -> Case {
        let port = port.to_string();
        self.case(&["--ip", address, "--port", &port, "--protocol", "tcp", "--at", &self.now()])
    }

    /// The answer of `varco-audit` on the gateway to a case, with both officers' keys.
    pub fn answer(&self, command: &str, case: &Case) -> Output {
        let words = [case.words(), keys::opening(&self.lab())].concat();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        self.program("gateway", "varco-audit", &[&[command, "--json"][..], &words].concat())
    }

    /// The instant, to the second, as the gateway has it.
    pub fn now(&self) -> String {
        let now = self.run("gateway", &["date", "-u", "+%Y-%m-%dT%H:%M:%S+00:00"]).stdout;
        String::from_utf8(now).unwrap().trim().to_owned()
    }

    pub fn lab(&self) -> Lab {
        Lab::at(Path::new(&self.state(""))).unwrap()
    }

    /// How far the hub has acknowledged the gateway's log.
    pub fn shipped(&self) -> Value {
        self.state_of_gateway()["shipped"].clone()
    }

    /// How far the gateway's log is.
    pub fn log(&self) -> Value {
        self.state_of_gateway()["log"].clone()
    }

    fn state_of_gateway(&self) -> Value {
        let words = ["status", "--json", "--config", &self.state("config/gateway.toml")];
        let out = self.program("gateway", "varco-gateway", &words);
        serde_json::from_slice(&out.stdout).unwrap_or_default()
    }

    /// What is on record, as both officers together read it.
    pub fn entries(&self) -> Vec<Entry> {
        let path = |name: &str| PathBuf::from(self.state(name));
        let own = |name: &str| HolderKey::read(&path(&format!("officers/{name}.key"))).unwrap();
        let mut opener = Opener::new(KeyFolder::at(&path("ceremony")), vec![own("anna"), own("bruno")]);
        let mut records = Records::open(Some(&path("gateway/log")), Some(&path("gateway/site.db"))).unwrap();
        let (mut entries, mut joined) = (Vec::new(), Joined::default());
        let done: Result<(), RecordsError> = records.each(|leaf, _| {
            let content = opener.open(leaf).unwrap();
            entries.extend(joined.take(leaf.header.at, &leaf.header.site, content.body));
            Ok(())
        });
        done.unwrap();
        entries
    }

    pub fn guest(&self, number: u8) -> Guest<'_> {
        Guest { site: self, number, host: format!("guest{number}") }
    }

    pub fn kill_nine(&self, program: &str) -> i64 {
        let pid = self.status()["pids"][program].as_i64().unwrap();
        assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
        pid
    }

    /// Waits until a program that was killed runs again and the site admits guests.
    pub fn recovered(&self, program: &str, killed: i64) -> bool {
        // The gateway asks after its hub every 30 seconds.
        eventually(75, || {
            let now = self.status()["pids"][program].as_i64();
            now.is_some_and(|pid| pid != killed) && self.well()
        })
    }

    /// Whether the gateway says that all its parts work.
    pub fn well(&self) -> bool {
        let url = "https://10.20.0.1:8443/health";
        self.succeeds("office", &["curl", "-sf", "-m", "3", "-o", "/dev/null", url])
    }
}

/// A device in the guest lane.
pub struct Guest<'a> {
    pub site: &'a Site,
    pub number: u8,
    pub host: String,
}

/// A server of the Internet that answers everything.
pub const SERVER: &str = "198.18.0.10";

impl Guest<'_> {
    pub fn run(&self, words: &[&str]) -> Output {
        self.site.run(&self.host, words)
    }

    pub fn succeeds(&self, words: &[&str]) -> bool {
        self.run(words).status.success()
    }

    /// A device that has an address and nothing else.
    pub fn leased(self) -> Self {
        said(&mut self.site.on(&self.host, &["udhcpc", "-i", "wlan0", "-n", "-q", "-t", "8", "-T", "1"]));
        self
    }

    /// A citizen who is online.
    pub fn citizen(self, who: &str) -> Self {
        let number = self.number.to_string();
        let name = self.site.name();
        said(&mut lab(&["login", "--name", name, "--guest", &number, "--citizen", who]));
        self
    }

    pub fn try_login(&self, who: &str, behaviour: &str) -> Output {
        self.try_scheme("spid", who, behaviour)
    }

    /// Logs in with an identity of `spid`, `cie` or `eidas`.
    pub fn try_scheme(&self, scheme: &str, who: &str, behaviour: &str) -> Output {
        let (number, name) = (self.number.to_string(), self.site.name());
        let who = ["--guest", &number, "--citizen", who, "--scheme", scheme, "--behaviour", behaviour];
        lab(&["login", "--name", name]).args(who).output().unwrap()
    }

    pub fn log_out(&self) {
        let number = self.number.to_string();
        said(&mut lab(&["logout", "--name", self.site.name(), "--guest", &number]));
    }

    pub fn address(&self) -> String {
        let out = self.run(&["ip", "-4", "-json", "addr", "show", "dev", "wlan0"]);
        let all: Value = serde_json::from_slice(&out.stdout).unwrap();
        all[0]["addr_info"][0]["local"].as_str().unwrap_or_default().to_owned()
    }

    pub fn pings(&self, address: &str) -> bool {
        self.succeeds(&["ping", "-c", "2", "-i", "0.3", "-W", "1", address])
    }

    /// What the Internet's server says the caller's address and port are, over TCP port 7.
    pub fn tcp(&self, server: &str) -> Option<(String, u16)> {
        // Nothing is sent: the server speaks first and closes.
        whoami(&self.run(&["curl", "-s", "-m", "3", "--http0.9", &format!("telnet://{server}:7")]))
    }

    /// The same over UDP.
    pub fn udp(&self, server: &str) -> Option<(String, u16)> {
        whoami(&self.run(&["sh", "-c", &format!("echo x | nc -u -w 1 {server} 7")]))
    }

    /// The status of a page, 0 when nothing answers.
    pub fn page(&self, url: &str) -> u16 {
        let out = self.run(&["curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", url]);
        String::from_utf8(out.stdout).unwrap().parse().unwrap_or_default()
    }

    pub fn is_online(&self) -> bool {
        self.page("http://connectivitycheck.gstatic.com/generate_204") == 204
    }

    /// Begins an endless, slow download.
    pub fn download(&self) -> Download {
        let url = format!("http://{SERVER}/slow");
        let file = self.site.state(&format!("hosts/{}/download", self.host));
        let _ = std::fs::remove_file(&file);
        let words = ["curl", "-s", "-o", &file, &url];
        let child = self.site.on(&self.host, &words).spawn().unwrap();
        let download = Download { child, file };
        assert!(eventually(10, || download.bytes() > 0), "the download never began");
        download
    }
}

fn whoami(out: &Output) -> Option<(String, u16)> {
    let text = String::from_utf8_lossy(&out.stdout);
    let (address, port) = text.lines().next()?.split_once(' ')?;
    Some((address.to_owned(), port.parse().ok()?))
}

/// A download that runs.
pub struct Download {
    child: Child,
    file: String,
}

impl Drop for Download {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Download {
    pub fn bytes(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |m| m.len())
    }

    /// Whether more arrives within some seconds.
    pub fn moves(&self) -> bool {
        let before = self.bytes();
        eventually(5, || self.bytes() > before)
    }

    /// Whether it stops within some seconds, and then stays where it is.
    pub fn stops(&self) -> bool {
        let mut last = self.bytes();
        eventually(5, || {
            sleep(Duration::from_secs(2));
            let before = std::mem::replace(&mut last, self.bytes());
            before == last
        })
    }
}
