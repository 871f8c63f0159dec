//! The enforcer of the building, and what it is asked.

use super::{ENFORCER, Lab, until};
use std::{
    fs,
    os::unix::net::UnixStream,
    process::{Child, Stdio},
};
use varco_policy::{
    Device, Slot,
    wire::{self, Desired, KernelPass, Measured, Reply, Request},
};

/// The device of guest `n`.
pub fn device(n: u8) -> Device {
    let mac = ["02:00:00:00:00:10", "02:00:00:00:00:11"][usize::from(n)];
    Device { address: std::net::Ipv4Addr::new(10, 64, 0, 10 + n), mac: mac.parse().unwrap() }
}

pub fn slot(n: u16) -> Slot {
    let first_port = 1024 + n * 512;
    Slot { address: "198.18.0.3".parse().unwrap(), first_port, last_port: first_port + 511 }
}

pub fn pass(n: u8, seconds: u32) -> KernelPass {
    KernelPass { device: device(n), slot: slot(u16::from(n)), seconds, rate: None }
}

impl Lab {
    /// Starts the enforcer and waits until it answers.
    pub fn enforce(&self) -> Child {
        let child = self.enforce_quietly();
        until("the enforcer answers", || {
            self.connect().is_ok_and(|s| {
                wire::write_frame(&s, &Request::Measure).is_ok()
                    && wire::read_frame::<Reply>(&s).is_ok_and(|r| r.is_some())
            })
        });
        child
    }

    pub fn enforce_quietly(&self) -> Child {
        let config = self.dir.join("enforcer.toml");
        let log =
            fs::OpenOptions::new().create(true).append(true).open(self.dir.join("enforcer.log")).unwrap();
        self.command("router", &[ENFORCER, "run", "--config", config.to_str().unwrap()])
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("enforcer.log")).unwrap_or_default()
    }

    /// Sends a signal to the enforcer, and waits for its end.
    pub fn end(&self, mut enforcer: Child, signal: &str) {
        let pid = self.text("router", &["busybox", "pidof", "varco-enforcer"]);
        self.must("router", &["kill", signal, pid.trim()]);
        enforcer.wait().unwrap();
    }

    pub fn connect(&self) -> std::io::Result<UnixStream> {
        UnixStream::connect(self.dir.join("run/enforcer.sock"))
    }

    pub fn ask(&self, request: &Request) -> Reply {
        let stream = self.connect().unwrap();
        wire::write_frame(&stream, request).unwrap();
        wire::read_frame(&stream).unwrap().expect("an answer")
    }

    pub fn apply(&self, generation: u64, passes: Vec<KernelPass>) {
        let desired = Desired { generation, shares: self.shares(), trial: None, passes };
        assert_eq!(self.ask(&Request::Apply(desired)), Reply::Done { generation }, "{}", self.log());
    }

    pub fn measure(&self) -> Measured {
        match self.ask(&Request::Measure) {
            Reply::Measured(measured) => measured,
            other => panic!("{other:?}"),
        }
    }
}
