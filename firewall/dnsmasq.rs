//! The two dnsmasq programs: started, adopted after a crash of the enforcer, restarted when they die.

use crate::{
    dns::{self, View},
    exec::{self, ExecError},
    settings::Settings,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs, io,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// dnsmasq does not run as it should.
#[derive(Debug, thiserror::Error)]
pub enum DnsError {
    /// It refused its settings, or did not start.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// Its files could not be written.
    #[error("{}: {error}", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It did not end when asked to.
    #[error("dnsmasq did not end")]
    DoesNotEnd,
}

/// One of the two programs.
#[derive(Debug)]
pub struct Instance {
    settings: String,
    conf: PathBuf,
    pid: PathBuf,
    failures: u32,
    not_before: Option<Instant>,
}

impl Instance {
    /// The program of `view` at this site; nothing is started yet.
    pub fn new(view: View, settings: &Settings) -> Self {
        Self {
            settings: dns::render(view, settings),
            conf: dns::settings_file(&settings.run, view),
            pid: dns::pid_file(&settings.run, view),
            failures: 0,
            not_before: None,
        }
    }

    /// Whether it runs with these very settings: then a restarted enforcer adopts it.
    pub fn runs(&self) -> bool {
        self.process().is_some() && fs::read_to_string(&self.conf).is_ok_and(|text| text == self.settings)
    }

    /// Makes it run with these settings. `true` when it had to be started.
    ///
    /// # Errors
    /// When it cannot be; the next try comes after a growing pause of at most a minute.
    pub fn tend(&mut self, now: Instant) -> Result<bool, DnsError> {
        if self.runs() {
            self.failures = 0;
            return Ok(false);
        }
        if self.not_before.is_some_and(|t| now < t) {
            return Ok(false);
        }
        self.not_before =
            Some(now + Duration::from_secs(1 << self.failures.min(6)).min(Duration::from_mins(1)));
        self.failures += 1;
        self.stop()?;
        self.start()?;
        Ok(true)
    }

    fn start(&self) -> Result<(), DnsError> {
        let new = self.conf.with_extension("new");
        let at = |file: &PathBuf| {
            let file = file.clone();
            move |error| DnsError::File { file, error }
        };
        fs::write(&new, &self.settings).map_err(at(&new))?;
        exec::run("dnsmasq", &["--test", &conf_argument(&new)], "")?;
        fs::rename(&new, &self.conf).map_err(at(&self.conf))?;
        // It leaves for the background once it listens, so a failure is seen here, and it outlives us.
        exec::run("dnsmasq", &[&conf_argument(&self.conf)], "").map(drop).map_err(Into::into)
    }

    /// Ends it; nothing happens where it does not run.
    ///
    /// # Errors
    /// When it is still there after two seconds.
    pub fn stop(&self) -> Result<(), DnsError> {
        let Some(pid) = self.process() else { return Ok(()) };
        // Whether the signal arrived is seen below.
        let _ = kill(pid, Signal::SIGTERM);
        for _ in 0..100 {
            if self.process().is_none() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(DnsError::DoesNotEnd)
    }

    /// The process, if the number in the file is still this program and not another that came after it.
    fn process(&self) -> Option<Pid> {
        let pid: i32 = fs::read_to_string(&self.pid).ok()?.trim().parse().ok()?;
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let ours = conf_argument(&self.conf);
        command.split(|b| *b == 0).any(|word| word == ours.as_bytes()).then(|| Pid::from_raw(pid))
    }
}

fn conf_argument(file: &std::path::Path) -> String {
    format!("--conf-file={}", file.display())
}
