//! Chromium without a screen, with a card's PKCS#12 in its NSS database: what citizens hold cards with.
//!
//! It is told what to do over a pipe (the DevTools protocol). Which certificate it shows is a policy of the machine,
//! `AutoSelectCertificateForUrls`, since a page without a screen has nobody to choose.

use super::card::PIN;
use anyhow::{Context, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

/// Where the policies of a machine are.
pub const POLICIES: &str = "chromium/policies/managed";
/// How long a browser may live, in seconds: it ends with whom it is told what to do by, or then.
const LIFE: &str = "120";
/// As a parent of a sandbox it would want users and devices of its own, which a lab's root has not.
const OPTIONS: &str = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
    --accept-lang=it --disable-background-networking --disable-component-update --disable-sync --disable-extensions \
    --remote-debugging-pipe";
/// Between two looks at a page.
const TICK: Duration = Duration::from_millis(100);
/// How many looks a walk takes, and how many at a page on which nothing happens.
const PATIENCE: u32 = 300;
const STILL: u32 = 20;

/// The policy that shows the only certificate to servers of `origin`.
pub fn policy(origin: &str) -> String {
    let rule = json!({ "pattern": origin, "filter": {} }).to_string();
    json!({ "AutoSelectCertificateForUrls": [rule] }).to_string()
}

/// A page as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its address.
    pub url: String,
    /// Its title.
    pub title: String,
    /// What can be read on it.
    pub text: String,
}

/// A browser that runs.
#[derive(Debug)]
pub struct Chromium {
    child: Child,
    to: Option<File>,
    from: BufReader<File>,
    asked: u64,
    session: Option<String>,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The end of its pipe is its end.
        drop(self.to.take());
        for _ in 0..30 {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            sleep(TICK);
        }
        let _ = i32::try_from(self.child.id()).map(|pid| kill(Pid::from_raw(pid), Signal::SIGTERM));
        let _ = self.child.wait();
    }
}

impl Chromium {
    /// Starts a browser at home in `home`, which trusts this authority and has this card.
    ///
    /// # Errors
    /// When one of the Debian packages chromium and libnss3-tools is missing.
    pub fn start(home: &Path, authority: &Path, card: Option<&Path>) -> Result<Self> {
        prepare(home, authority, card)?;
        let (to, from) = (home.join("to"), home.join("from"));
        for pipe in [&to, &from] {
            let _ = fs::remove_file(pipe);
            run(Command::new("mkfifo").arg(pipe))?;
        }
        let mut command = Command::new("sh");
        let script = format!(
            "exec timeout -k 5 {LIFE} chromium {OPTIONS} --user-data-dir=\"$HOME/profile\" about:blank 3<\"$HOME/to\" 4>\"$HOME/from\""
        );
        command.args(["-c", &script]).env("HOME", home).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(File::create(home.join("chromium.log"))?).spawn().context("start sh")?;
        let to = Some(File::options().write(true).open(&to)?);
        let from = BufReader::new(File::open(&from)?);
        let mut browser = Self { child, to, from, asked: 0, session: None };
        let target = browser.ask("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.ask("Target.attachToTarget", &attach).context("see chromium.log")?;
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        Ok(browser)
    }

    /// Opens an address.
    ///
    /// # Errors
    /// When the browser is gone or nothing answers.
    pub fn open(&mut self, url: &str) -> Result<()> {
        let said = self.ask("Page.navigate", &json!({ "url": url }))?;
        match said["errorText"].as_str() {
            Some(error) => bail!("{url}: {error}"),
            None => Ok(()),
        }
    }

    /// The page as it is now; `None` while it is loading.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn page(&mut self) -> Result<Option<Page>> {
        let said = self.evaluate(
            "JSON.stringify([document.readyState, location.href, document.title, document.body?.innerText ?? ''])",
        )?;
        let Some(said) = said.as_str() else { return Ok(None) };
        let [state, url, title, text]: [String; 4] = serde_json::from_str(said)?;
        Ok((state == "complete").then_some(Page { url, title, text }))
    }

    /// Presses the first link or button that one of the selectors finds: which of them.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn press(&mut self, selectors: &[&str]) -> Result<Option<usize>> {
        let script = format!(
            "(() => {{ for (const [n, s] of {}.entries()) {{ const it = document.querySelector(s); \
             if (it) {{ it.click(); return n; }} }} return null; }})()",
            json!(selectors)
        );
        Ok(self.evaluate(&script)?.as_u64().and_then(|n| usize::try_from(n).ok()))
    }

    /// Presses what the selectors find, each once, until a page is one that `there` looks for or nothing more happens: the
    /// last page.
    ///
    /// # Errors
    /// When the browser is gone or there is no end.
    pub fn walk(&mut self, selectors: &[&str], there: impl Fn(&Page) -> bool) -> Result<Page> {
        let (mut left, mut still) = (selectors.to_vec(), 0);
        for _ in 0..PATIENCE {
            let Some(page) = self.page()? else {
                sleep(TICK);
                continue;
            };
            if there(&page) || still > STILL {
                return Ok(page);
            }
            still += 1;
            if let Some(pressed) = self.press(&left)? {
                left.remove(pressed);
                still = 0;
            }
            sleep(TICK);
        }
        bail!("no end; the last page is {:?}", self.page()?)
    }

    fn evaluate(&mut self, script: &str) -> Result<Value> {
        let said = self.ask("Runtime.evaluate", &json!({ "expression": script, "returnByValue": true }))?;
        Ok(said["result"]["value"].clone())
    }

    /// Sends a command and waits for its answer; what else the browser tells is passed over.
    fn ask(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        self.asked += 1;
        let mut message = json!({ "id": self.asked, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut to = self.to.as_ref().context("closed")?;
        to.write_all(format!("{message}\0").as_bytes()).context("chromium is gone; see chromium.log")?;
        loop {
            let mut bytes = Vec::new();
            self.from.read_until(0, &mut bytes)?;
            ensure!(bytes.pop() == Some(0), "chromium ended; see chromium.log");
            let said: Value = serde_json::from_slice(&bytes)?;
            if said["id"] == json!(self.asked) {
                // While a page goes, it has nothing to ask in: no answer, and no error of ours.
                return Ok(said["result"].clone());
            }
        }
    }
}

/// A home with an NSS database of its own.
fn prepare(home: &Path, authority: &Path, card: Option<&Path>) -> Result<()> {
    let _ = fs::remove_dir_all(home);
    let database = home.join(".pki/nssdb");
    fs::create_dir_all(&database)?;
    let database = format!("sql:{}", database.display());
    run(Command::new("certutil").args(["-d", &database, "-N", "--empty-password"]))?;
    run(Command::new("certutil")
        .args(["-d", &database, "-A", "-t", "C,,", "-n", "lab", "-i"])
        .arg(authority))?;
    if let Some(card) = card {
        run(Command::new("pk12util").args(["-d", &database, "-W", PIN, "-K", "", "-i"]).arg(card))?;
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.output().with_context(|| format!("start {name} (Debian package libnss3-tools)"))?;
    ensure!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(())
}
