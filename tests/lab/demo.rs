//! The demonstration: a whole site, walked through before the reader's eyes.

use super::{
    chart::{self, Sample},
    plan,
    process::Process,
    report::Report,
    state::{Lab, Record},
};
use crate::start::say;
use anyhow::{Context, Result, bail, ensure};
use std::{
    env,
    io::{BufRead, BufReader, IsTerminal},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

/// What the line of the demonstration carries, in kbit/s.
const LINE: u64 = 100_000;

/// A demonstration that runs.
struct Demo {
    name: String,
    report: Report,
    /// Without waiting for the reader.
    check: bool,
}

/// Shows the site; with `check` it does not wait for the reader, and takes the lab down at the end.
///
/// # Errors
/// The first step that is not as it should be.
pub fn show(name: &str, check: bool) -> Result<()> {
    say("Bringing up a site: the Internet, a router with Varco, an office, two citizens' devices.\n")?;
    let _ = own(&["down", "--name", name]).stderr(Stdio::null()).status();
    let up = said(&mut own(&["up", "--name", name, "--guests", "2", "--rate", "100mbit", "--json"]))?;
    let demo = Demo { name: name.to_owned(), report: serde_json::from_str(&up)?, check };
    let walked = demo.walk();
    if check || walked.is_err() {
        said(&mut own(&["down", "--name", name]))?;
    }
    walked
}

/// This program again.
fn own(words: &[&str]) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(words).stdin(Stdio::null());
    command
}

fn said(command: &mut Command) -> Result<String> {
    let done = command.output()?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    ensure!(done.status.success(), "{text}{}", String::from_utf8_lossy(&done.stderr));
    Ok(text)
}

impl Demo {
    fn walk(&self) -> Result<()> {
        self.caught()?;
        self.logged_in()?;
        self.record()?;
        self.chart()?;
        self.cut_off()?;
        self.doors()
    }

    fn on(&self, host: &str, words: &[&str]) -> Command {
        let mut command = own(&["exec", "--name", &self.name, host, "--"]);
        command.args(words);
        command
    }

    fn title(&self, number: u8, text: &str) -> Result<()> {
        if !self.check && number > 1 && std::io::stdin().is_terminal() {
            say("\n[Enter] ")?;
            let _ = std::io::stdin().lock().read_line(&mut String::new());
        }
        say(&format!("\n{number}. {text}\n\n"))
    }

    fn caught(&self) -> Result<()> {
        self.title(1, "A device joins the Wi-Fi. It has an address, and nothing else.")?;
        said(&mut self.on("guest0", &["udhcpc", "-i", "wlan0", "-n", "-q", "-t", "8", "-T", "1"]))?;
        let probe = ["curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}"];
        let url = "http://connectivitycheck.gstatic.com/generate_204";
        let answer = said(self.on("guest0", &probe).arg(url))?;
        say(&format!("   \"Am I online?\" asks the device, and is answered: {answer}\n"))?;
        ensure!(!answer.starts_with("204"), "a device without a pass was told that it is online");
        let ping = self.on("guest0", &["ping", "-c", "1", "-W", "1", plan::WEB]).output()?;
        ensure!(!ping.status.success(), "a device without a pass reached the Internet");
        say(&format!("   ping {}: no answer\n", plan::WEB))
    }

    fn logged_in(&self) -> Result<()> {
        self.title(2, "Ada logs in with SPID, as a browser without JavaScript would.")?;
        let walk = said(&mut own(&["login", "--name", &self.name, "--guest", "0", "--citizen", "ada"]))?;
        say(&walk.lines().map(|l| format!("   {l}\n")).collect::<String>())
    }

    fn record(&self) -> Result<()> {
        self.title(
            3,
            "What the record says: the pass and its public ports. Not who she is, not where she goes.",
        )?;
        let seen = said(&mut self.on("guest0", &["curl", "-s", "-m", "5", "http://www.varco.test/whoami"]))?;
        let (address, port) = seen.trim().split_once(' ').context("the web server said nothing")?;
        say(&format!("   the web server saw {address} port {port}; varco-audit answers:\n"))?;
        let now = said(&mut self.on("gateway", &["date", "-u", "+%Y-%m-%dT%H:%M:%S+00:00"]))?;
        let program = env::current_exe()?.with_file_name("varco-audit");
        let mut who = Command::new(program);
        who.arg("who").arg("--records").arg(self.report.state.join("gateway/site.db"));
        let answer = said(who.args(["--ip", address, "--port", port, "--at", now.trim()]))?;
        say(&answer.lines().map(|l| format!("   {l}\n")).collect::<String>())
    }

    fn chart(&self) -> Result<()> {
        self.title(4, "Ada downloads. At 5 s the office starts, at 10 s it stops.")?;
        let fetch = ["curl", "-s", "-o", "/dev/null", "http://198.18.0.10/stream"];
        let guest = Ended(self.on("guest0", &fetch).spawn()?);
        let mut office = Vec::new();
        let mut samples = Vec::new();
        let mut before = self.counters()?;
        for second in 1..=15 {
            match second {
                5 => office.extend((0..4).map(|_| self.on("office", &fetch).spawn().map(Ended))),
                10 => office.clear(),
                _ => {}
            }
            sleep(Duration::from_secs(1));
            let now = self.counters()?;
            let rate = |now: u64, before: u64| now.saturating_sub(before) * 8 / 1000;
            let sample = Sample { guest: rate(now.0, before.0), office: rate(now.1, before.1) };
            let note = if office.is_empty() { "" } else { "the office works" };
            say(&format!("{}\n", chart::line(second, sample, LINE, note)))?;
            samples.push(sample.guest);
            before = now;
        }
        drop(guest);
        let mean = |part: &[u64]| part.iter().sum::<u64>() / part.len().max(1) as u64;
        let phases =
            [samples.get(1..4), samples.get(5..9), samples.get(11..15)].map(|p| mean(p.unwrap_or(&[])));
        chart::judge(phases[0], phases[1], phases[2]).map_err(anyhow::Error::msg)
    }

    /// Bytes that have come to the guest and to the office.
    fn counters(&self) -> Result<(u64, u64)> {
        let of = |host: &str, interface: &str| -> Result<u64> {
            let text =
                said(&mut self.on(host, &["ip", "-json", "-stats", "link", "show", "dev", interface]))?;
            let all: serde_json::Value = serde_json::from_str(&text)?;
            let bytes = all.pointer("/0/stats64/rx/bytes").and_then(serde_json::Value::as_u64);
            bytes.context("ip shows no counters")
        };
        Ok((of("guest0", "wlan0")?, of("office", "eth0")?))
    }

    fn cut_off(&self) -> Result<()> {
        self.title(5, "Ada logs out, and is cut off.")?;
        said(&mut own(&["logout", "--name", &self.name, "--guest", "0"]))?;
        let ping = self.on("guest0", &["ping", "-c", "1", "-W", "1", plan::WEB]).output()?;
        ensure!(!ping.status.success(), "after the log-out the Internet is still there");
        say(&format!("   ping {}: no answer\n", plan::WEB))
    }

    fn doors(&self) -> Result<()> {
        self.title(
            6,
            "The site stays up. Be a citizen yourself: this machine's browser is guest1 through a door.",
        )?;
        said(&mut self.on("guest1", &["udhcpc", "-i", "wlan0", "-n", "-q", "-t", "8", "-T", "1"]))?;
        let lab = Lab::at(&self.report.state)?;
        let mut door = own(&["door", "--name", &self.name, "--guest", "1"]);
        // Marked as the lab's, so that `down` ends it too.
        door.env(Record::MARK, lab.record()?.id).stdout(Stdio::piped());
        let mut door = door.spawn()?;
        let mut lines = BufReader::new(door.stdout.take().context("no output")?).lines();
        let portal = lines.next().context("the door did not open")??;
        let url = portal.split_whitespace().last().context("no address")?;
        let answer = said(Command::new("curl").args(["-q", "-sS", "-m", "10", "--noproxy", "*", url]))?;
        if !answer.contains("<form") {
            bail!("the portal does not answer through the door: {answer}");
        }
        ensure!(Process::of(i32::try_from(door.id())?).is_some(), "the door ended");
        let rest: Vec<_> = lines.take(3).collect::<Result<_, _>>()?;
        let down = format!("varco-lab down --name {}", self.name);
        say(&format!("   {portal}\n   {}\n\n   take it down with: {down}\n", rest.join("\n   ")))
    }
}

/// A program that ends with its variable.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
