//! The kernel and the enforcer, who do what they are asked, and the law of order as it is seen from there.

use super::*;
use varco_policy::{
    hours::Opening,
    wire::{KernelPass, Measured, PassRate, PassUsage},
};

impl World {
    pub(super) fn perform(&mut self, request: Request) -> Reply {
        match request {
            Request::Measure => return Reply::Measured(self.measured()),
            Request::Apply(desired) => {
                self.raise(desired.generation);
                self.line.apply(&desired, self.now);
                let wanted: Vec<_> = desired.passes.iter().map(|p| p.device).collect();
                self.kernel.retain(|device, _| wanted.contains(device));
                self.forget_counters();
                self.kernel_rates = desired.passes.iter().map(|p| (p.device, p.rate)).collect();
                let new: Vec<_> =
                    desired.passes.into_iter().filter(|p| !self.kernel.contains_key(&p.device)).collect();
                self.admit(new);
            }
            Request::Admit { generation, passes } => {
                self.raise(generation);
                self.admit(passes);
            }
            Request::Expel { generation, devices } => {
                self.raise(generation);
                self.kernel.retain(|device, _| !devices.contains(device));
                self.forget_counters();
            }
            Request::Limit { generation, rates } => {
                self.raise(generation);
                for PassRate { device, rate } in rates {
                    self.kernel_rates.insert(device, rate);
                }
            }
            Request::Plan(_) if self.refuses_plans => {
                return Reply::Refused(Refusal::NotAllowed("too little for the office".into()));
            }
            Request::Plan(_) => return Reply::Planned(vec!["tc: one change".into()]),
            Request::Lanes | Request::Ports | Request::Carry(_) => {
                panic!("the site asks for passes only")
            }
        }
        Reply::Done { generation: self.kernel_generation.unwrap_or(0) }
    }

    fn raise(&mut self, generation: u64) {
        assert!(self.kernel_generation.is_none_or(|held| held < generation), "the generation went back");
        self.kernel_generation = Some(generation);
    }

    /// The law: nobody is admitted whose start is not durable, with any other slot, or beside another with the slot.
    fn admit(&mut self, passes: Vec<KernelPass>) {
        for pass in passes {
            let mut recorded = self.open.values().map(|(p, _)| (p.device, p.slot));
            assert!(recorded.any(|r| r == (pass.device, pass.slot)), "admitted before it was recorded");
            let until = self.now + SignedDuration::from_secs(pass.seconds.into());
            self.kernel.insert(pass.device, (pass.slot, until));
            self.bytes.insert(pass.device, 0);
            self.kernel_rates.insert(pass.device, pass.rate);
            self.check_limits(pass.device, self.asked_at + SignedDuration::from_secs(pass.seconds.into()));
            let holders = self.kernel.values().filter(|(slot, _)| *slot == pass.slot).count();
            assert_eq!(holders, 1, "two devices hold a slot");
        }
    }

    /// The rules of the site, seen from the kernel.
    fn check_limits(&self, admitted: Device, until: Timestamp) {
        let limits = self.rules.limits;
        let person = self.person_of(admitted);
        let same = self.kernel.keys().filter(|device| self.person_of(**device) == person).count();
        assert!(same <= limits.passes_per_person as usize, "a person holds too many passes");
        let known = self.kernel.keys().filter(|device| self.person_of(**device).is_some()).count();
        assert!(limits.guests.is_none_or(|most| known <= most as usize), "too many guests");
        match self.rules.schedule.at(self.asked_at) {
            Opening::Closed { .. } => panic!("admitted to a closed site"),
            Opening::Open { closes } => {
                assert!(closes.is_none_or(|closes| until <= closes), "admitted for longer than it is open");
            }
        }
    }

    fn measured(&self) -> Measured {
        let usage = |(device, (_, until)): (&Device, &(Slot, Timestamp))| PassUsage {
            device: *device,
            seconds: u32::try_from(until.duration_since(self.now).as_secs()).unwrap(),
            up_packets: self.up_packets,
            up_bytes: self.bytes.get(device).map_or(0, |bytes| bytes / 4),
            down_packets: 0,
            down_bytes: self.bytes.get(device).map_or(0, |bytes| bytes - bytes / 4),
        };
        Measured {
            generation: self.kernel_generation,
            passes: self.kernel.iter().map(usage).collect(),
            trial: self.line.left(self.now),
            ..Measured::default()
        }
    }

    /// The kernel counts from 0 again for whoever it admits again.
    pub(super) fn forget_counters(&mut self) {
        let kernel = &self.kernel;
        self.bytes.retain(|device, _| kernel.contains_key(device));
    }
}
