//! The scenarios, and how each runs.

use super::{
    admit, cards, fairness, forward, office, peers, probes, records, report::Chapter, shaped, storage,
};
use anyhow::Result;
use std::{path::PathBuf, time::Duration};

/// What a run is told.
#[derive(Debug, Clone)]
pub struct Bench {
    /// How many times each pair is measured.
    pub runs: usize,
    /// How long one measurement is.
    pub time: Duration,
    /// Only a few cases of each scenario, to see that it works.
    pub quick: bool,
    /// Where Varco's programs are.
    pub programs: PathBuf,
}

/// A scenario.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it compares.
    pub about: &'static str,
    /// Runs it.
    pub run: fn(&Bench, &mut Chapter) -> Result<()>,
}

/// All, in the order in which they run.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "forward",
        about: "Forwarding for a guest with a pass, without queues, next to the same kernel as a plain router that \
                masquerades.",
        run: forward::run,
    },
    Scenario {
        name: "shaped",
        about: "The line shaped by Varco's queues, next to two classes of HTB made by hand at the same rate.",
        run: shaped::run,
    },
    Scenario {
        name: "office",
        about: "The office while guests flood, next to the office alone, with the line's end here and one hop upstream \
                behind a deep buffer: 100 Mbit/s.",
        run: office::at_100_mbit,
    },
    Scenario { name: "office-gigabit", about: "The same at 1 Gbit/s.", run: office::at_1_gbit },
    Scenario {
        name: "fairness",
        about: "How evenly guests with 1 to 64 streams share: 1 is evenly.",
        run: fairness::run,
    },
    Scenario {
        name: "admit",
        about: "From the request to admit to the guest's first packet through, and how many a second, with passes and without.",
        run: admit::run,
    },
    Scenario {
        name: "probes",
        about: "Probes that are caught, next to nginx with a fixed 302 in the same namespace behind the same gate.",
        run: probes::run,
    },
    Scenario {
        name: "records",
        about: "A login's record: sealed for two persons, one leaf for each class, next to the same entry in clear; both on the \
                disk when it returns.",
        run: records::run,
    },
    Scenario {
        name: "storage",
        about: "Octets that sessions leave in the gateway's log and its index, next to a log of the same sessions' translated \
                flows.",
        run: storage::run,
    },
    Scenario {
        name: "cards",
        about: "Handshakes with a smart card at the hub, next to nginx with the same certificate, key and protocol.",
        run: cards::run,
    },
    Scenario {
        name: "peers",
        about: "Debian's openNDS at the same building, where it can run.",
        run: peers::run,
    },
];

impl Bench {
    /// Measures ours and the other in turn, and which is first alternates.
    ///
    /// # Errors
    /// As what is measured.
    pub fn pairs(
        &self,
        mut ours: impl FnMut() -> Result<u64>,
        mut other: impl FnMut() -> Result<u64>,
    ) -> Result<Vec<(u64, u64)>> {
        let mut pair = |number: usize| {
            if number.is_multiple_of(2) {
                let first = ours()?;
                Ok((first, other()?))
            } else {
                let first = other()?;
                Ok((ours()?, first))
            }
        };
        (0..self.runs).map(&mut pair).collect()
    }

    /// The cases, or the first `few` of them in a quick run.
    pub fn some<'a, T>(&self, cases: &'a [T], few: usize) -> &'a [T] {
        if self.quick { cases.get(..few).unwrap_or(cases) } else { cases }
    }
}

/// The scenarios of these names, in their order; all where none is named.
///
/// # Errors
/// When a name is of none.
pub fn named(names: &[String]) -> Result<Vec<Scenario>> {
    if let Some(unknown) = names.iter().find(|name| ALL.iter().all(|s| s.name != name.as_str())) {
        anyhow::bail!("there is no scenario `{unknown}`; `--list` names those there are");
    }
    let asked = |s: &&Scenario| names.is_empty() || names.iter().any(|name| name == s.name);
    Ok(ALL.iter().filter(asked).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(asked: &[&str]) -> Result<Vec<&'static str>> {
        let asked: Vec<_> = asked.iter().map(|s| (*s).to_owned()).collect();
        Ok(named(&asked)?.iter().map(|s| s.name).collect())
    }

    #[test]
    fn scenarios_are_found_by_name_and_keep_their_order() {
        assert_eq!(names(&[]).unwrap().len(), ALL.len());
        assert_eq!(names(&["shaped", "forward"]).unwrap(), ["forward", "shaped"]);
        assert!(names(&["forward", "backward"]).unwrap_err().to_string().contains("`backward`"));
        let all = names(&[]).unwrap();
        assert!(all.iter().enumerate().all(|(n, name)| !all[..n].contains(name)), "a name is there twice");
    }

    #[test]
    fn pairs_are_interleaved() {
        let order = std::cell::RefCell::new(String::new());
        let note = |who: char| {
            order.borrow_mut().push(who);
            Ok(u64::from(who))
        };
        let bench = Bench { runs: 3, time: Duration::ZERO, quick: false, programs: PathBuf::new() };
        let pairs = bench.pairs(|| note('a'), || note('b')).unwrap();
        assert_eq!((order.into_inner().as_str(), pairs.len()), ("abbaab", 3));
        assert!(pairs.iter().all(|p| *p == (u64::from('a'), u64::from('b'))));
    }
}
