//! An enforcer without a kernel: it speaks the real protocol on a real socket, keeps the real one's rules of order, and
//! fails as the real one fails.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::{Arc, Mutex},
};
use varco_policy::{
    Device, Rate, Shares, Slot,
    wire::{
        KernelPass, Measured, PassRate, PassUsage, PortsInUse, Refusal, Reply, Request, Trial, read_frame,
        write_frame,
    },
};

/// How it deals with requests other than measuring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    #[default]
    Good,
    /// The kernel refuses; nothing changes.
    Refusing,
    /// It closes the connection instead of answering anything, and knows nothing afterwards.
    Dying,
    /// It does what it is asked to admit, then dies.
    DyingAfter,
}

#[derive(Debug, Default)]
struct State {
    mood: Mood,
    generation: Option<u64>,
    kernel: BTreeMap<Device, (Slot, u32)>,
    shares: Option<Shares>,
    trial: Option<Trial>,
    refuses_plans: bool,
    /// What each pass has moved since it was admitted.
    bytes: BTreeMap<Device, u64>,
    rates: BTreeMap<Device, Option<Rate>>,
}

pub struct Enforcer(Arc<Mutex<State>>);

impl Enforcer {
    pub fn start(socket: &Path) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let state = State { mood: Mood::Good, ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A gateway that goes away ends its connection, nothing more.
                let _ = serve(&stream, &shared);
            }
        });
        Self(state)
    }

    pub fn be(&self, mood: Mood) {
        self.0.lock().unwrap().mood = mood;
    }

    /// From now on no shares are allowed but those in force.
    pub fn refuse_plans(&self) {
        self.0.lock().unwrap().refuses_plans = true;
    }

    /// The shares in force, and those on trial.
    pub fn shares(&self) -> (Option<Shares>, Option<Shares>) {
        let state = self.0.lock().unwrap();
        (state.shares, state.trial.map(|trial| trial.shares))
    }

    pub fn devices(&self) -> Vec<Device> {
        self.0.lock().unwrap().kernel.keys().copied().collect()
    }

    /// A pass moves something.
    pub fn carry(&self, device: Device, bytes: u64) {
        *self.0.lock().unwrap().bytes.entry(device).or_default() += bytes;
    }

    pub fn rates(&self) -> Vec<Option<Rate>> {
        self.0.lock().unwrap().rates.values().copied().collect()
    }

    pub fn forget_rates(&self) {
        self.0.lock().unwrap().rates.clear();
    }

    pub fn slots(&self) -> BTreeSet<Slot> {
        self.0.lock().unwrap().kernel.values().map(|(slot, _)| *slot).collect()
    }
}

fn serve(stream: &UnixStream, state: &Mutex<State>) -> std::io::Result<()> {
    while let Some(request) = read_frame::<Request>(stream)? {
        let Some(reply) = state.lock().unwrap().answer(request) else { return Ok(()) };
        write_frame(stream, &reply)?;
    }
    Ok(())
}

impl State {
    /// `None` when the connection is closed instead.
    fn answer(&mut self, request: Request) -> Option<Reply> {
        match (self.mood, &request) {
            (Mood::Dying, _) => {
                self.generation = None;
                return None;
            }
            (_, Request::Measure) => return Some(Reply::Measured(self.measured())),
            (Mood::Refusing, _) => return Some(Reply::Refused(Refusal::Kernel("no".into()))),
            (Mood::DyingAfter, Request::Admit { .. }) => {
                self.perform(request);
                (self.mood, self.generation) = (Mood::Dying, None);
                return None;
            }
            (Mood::Good | Mood::DyingAfter, _) => {}
        }
        Some(self.perform(request))
    }

    fn perform(&mut self, request: Request) -> Reply {
        let (generation, first) = match &request {
            Request::Apply(desired) => (desired.generation, true),
            Request::Admit { generation, .. } | Request::Expel { generation, .. } => (*generation, false),
            Request::Limit { generation, .. } => (*generation, false),
            Request::Measure => return Reply::Measured(self.measured()),
            Request::Lanes => return Reply::Lanes(self.measured().lanes),
            Request::Ports => return Reply::Ports(PortsInUse::default()),
            Request::Plan(_) if self.refuses_plans => {
                return Reply::Refused(Refusal::NotAllowed("too little for the office".into()));
            }
            Request::Plan(_) => return Reply::Planned(vec!["tc: class change dev <eth0>".into()]),
            Request::Carry(capacity) => return Reply::Carrying(*capacity),
        };
        match self.generation {
            None if !first => return Reply::Refused(Refusal::NothingInForce),
            Some(in_force) if generation <= in_force => {
                return Reply::Refused(Refusal::Stale { asked: generation, in_force });
            }
            _ => self.generation = Some(generation),
        }
        self.change(request);
        Reply::Done { generation }
    }

    fn change(&mut self, request: Request) {
        match request {
            Request::Apply(desired) => {
                (self.shares, self.trial) = (Some(desired.shares), desired.trial);
                self.kernel.retain(|device, _| desired.passes.iter().any(|p| p.device == *device));
                self.rates = desired.passes.iter().map(|pass| (pass.device, pass.rate)).collect();
                self.admit(desired.passes);
            }
            Request::Admit { passes, .. } => {
                self.rates.extend(passes.iter().map(|pass| (pass.device, pass.rate)));
                self.admit(passes);
            }
            Request::Expel { devices, .. } => {
                self.kernel.retain(|device, _| !devices.contains(device));
                self.bytes.retain(|device, _| !devices.contains(device));
            }
            Request::Limit { rates, .. } => {
                self.rates.extend(rates.iter().map(|PassRate { device, rate }| (*device, *rate)));
            }
            _ => {}
        }
    }

    fn admit(&mut self, passes: Vec<KernelPass>) {
        for KernelPass { device, slot, seconds, .. } in passes {
            self.kernel.insert(device, (slot, seconds));
        }
    }

    fn measured(&self) -> Measured {
        let usage = |(device, (_, seconds)): (&Device, &(Slot, u32))| PassUsage {
            device: *device,
            seconds: *seconds,
            up_packets: 1,
            up_bytes: self.bytes.get(device).map_or(0, |bytes| bytes / 2),
            down_packets: 1,
            down_bytes: self.bytes.get(device).map_or(0, |bytes| bytes - bytes / 2),
        };
        let passes = self.kernel.iter().map(usage).collect();
        Measured {
            generation: self.generation,
            passes,
            leaf: "pfifo".into(),
            trial: self.trial.map(|trial| trial.seconds),
            ..Measured::default()
        }
    }
}
