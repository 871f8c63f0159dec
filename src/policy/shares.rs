//! The shares of the lanes as `site.toml` says them: what is in force at first, and how far an admin may go.

use crate::{
    config::ConfigError,
    lane::{Lane, Lanes, Share, Shares},
    rate::Rate,
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The least that guests are left where nothing else is said: HTB needs a guarantee.
const LEAST_OF_GUESTS: Rate = Rate::from_bits(8_000);

/// What a lane has in one direction, and the least that an admin may leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareSettings {
    /// Always available to the lane.
    pub guaranteed: Rate,
    /// Never exceeded by the lane. An admin cannot lower that of critical and office.
    pub ceiling: Rate,
    /// The lowest guarantee that an admin may set: at most `guaranteed`. That itself for critical and office where nothing is
    /// said, 8 kbit/s for guests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<Rate>,
}

/// The shares of one lane: the same in both directions, or different in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LaneShare {
    /// The same upwards and downwards.
    Both(ShareSettings),
    /// Different upwards and downwards.
    Each {
        /// From the building to the Internet.
        up: ShareSettings,
        /// From the Internet to the building.
        down: ShareSettings,
    },
}

/// The shares of each lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneSettings {
    /// Share of the critical lane.
    pub critical: LaneShare,
    /// Share of the office lane.
    pub office: LaneShare,
    /// Share of the guest lane.
    pub guest: LaneShare,
}

impl LaneSettings {
    /// The shares in force as long as an admin has confirmed no others.
    pub fn shares(&self) -> Shares {
        self.each(|_, s| Share { guaranteed: s.guaranteed, ceiling: s.ceiling })
    }

    /// The least that an admin may set, guarantees and ceilings.
    pub fn floor(&self) -> Shares {
        self.each(|lane, s| {
            let guaranteed = s.least_of(lane);
            Share { guaranteed, ceiling: if lane == Lane::Guest { guaranteed } else { s.ceiling } }
        })
    }

    /// Where shares go below the floor: the lane, and what it is owed at least.
    pub fn broken_by(&self, shares: &Shares) -> Option<(Lane, Share)> {
        let floor = self.floor();
        let pairs = [(shares.up, floor.up), (shares.down, floor.down)];
        let all = pairs
            .into_iter()
            .flat_map(|(asked, owed)| Lane::ALL.map(|lane| (lane, asked.of(lane), owed.of(lane))));
        let mut broken =
            all.filter(|(_, asked, owed)| asked.guaranteed < owed.guaranteed || asked.ceiling < owed.ceiling);
        broken.next().map(|(lane, _, owed)| (lane, owed))
    }

    fn each(&self, share: impl Fn(Lane, ShareSettings) -> Share) -> Shares {
        let lanes = |pick: fn(LaneShare) -> ShareSettings| Lanes {
            critical: share(Lane::Critical, pick(self.critical)),
            office: share(Lane::Office, pick(self.office)),
            guest: share(Lane::Guest, pick(self.guest)),
        };
        Shares { up: lanes(LaneShare::up), down: lanes(LaneShare::down) }
    }

    pub(crate) fn check(&self, file: &Path) -> Result<(), ConfigError> {
        let lanes = [(Lane::Critical, self.critical), (Lane::Office, self.office), (Lane::Guest, self.guest)];
        for (lane, share) in lanes.into_iter().flat_map(|(lane, s)| [(lane, s.up()), (lane, s.down())]) {
            let least = share.least_of(lane);
            let key = format!("lanes.{}.least", lane.word());
            if least > share.guaranteed {
                let problem = format!("{least} is more than the lane is guaranteed, {}", share.guaranteed);
                return Err(ConfigError::new(file, &key, problem, "lower it, or raise the guarantee"));
            }
            if least.bits() == 0 {
                let remedy = "give 1kbit at least, or the lane can stall";
                return Err(ConfigError::new(file, &key, "nothing would be left", remedy));
            }
        }
        Ok(())
    }
}

impl ShareSettings {
    fn least_of(self, lane: Lane) -> Rate {
        let unsaid = if lane == Lane::Guest { LEAST_OF_GUESTS.min(self.guaranteed) } else { self.guaranteed };
        self.least.unwrap_or(unsaid)
    }
}

impl LaneShare {
    const fn up(self) -> ShareSettings {
        match self {
            Self::Both(share) | Self::Each { up: share, .. } => share,
        }
    }

    const fn down(self) -> ShareSettings {
        match self {
            Self::Both(share) | Self::Each { down: share, .. } => share,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANES: &str = "critical = { guaranteed = '10mbit', ceiling = '100mbit', least = '2mbit' }\n\
        office = { up = { guaranteed = '20mbit', ceiling = '50mbit' }, \
        down = { guaranteed = '50mbit', ceiling = '80mbit', least = '30mbit' } }\n\
        guest = { guaranteed = '1mbit', ceiling = '100mbit' }";

    fn lanes(text: &str) -> LaneSettings {
        crate::config::parse(Path::new("/site.toml"), text).unwrap()
    }

    #[test]
    fn an_admin_may_go_down_to_the_floor_and_no_further() {
        let lanes = lanes(LANES);
        let said =
            |s: Lanes| Lane::ALL.map(|lane| format!("{} {}", s.of(lane).guaranteed, s.of(lane).ceiling));
        assert_eq!(said(lanes.shares().down), ["10mbit 100mbit", "50mbit 80mbit", "1mbit 100mbit"]);
        assert_eq!(said(lanes.floor().up), ["2mbit 100mbit", "20mbit 50mbit", "8kbit 8kbit"]);
        assert_eq!(said(lanes.floor().down), ["2mbit 100mbit", "30mbit 80mbit", "8kbit 8kbit"]);
        assert_eq!(lanes.broken_by(&lanes.shares()), None);
        assert_eq!(lanes.broken_by(&lanes.floor()), None);
        type Change = fn(&mut Shares);
        let breaks: [(Change, Lane); 4] = [
            (|s| s.up.critical.guaranteed = Rate::from_bits(1_999_999), Lane::Critical),
            (|s| s.down.critical.ceiling = Rate::from_bits(99_000_000), Lane::Critical),
            (|s| s.up.office.guaranteed = Rate::from_bits(19_000_000), Lane::Office),
            (|s| s.up.guest.guaranteed = Rate::from_bits(7_999), Lane::Guest),
        ];
        for (change, lane) in breaks {
            let mut shares = lanes.shares();
            change(&mut shares);
            assert_eq!(lanes.broken_by(&shares).map(|(broken, _)| broken), Some(lane));
        }
    }

    #[test]
    fn mistakes_are_named() {
        let said = |from, to| {
            lanes(&LANES.replace(from, to)).check(Path::new("/site.toml")).unwrap_err().to_string()
        };
        insta::assert_snapshot!(said("'30mbit'", "'51mbit'"), @"/site.toml: lanes.office.least: 51mbit is more than the lane is guaranteed, 50mbit; lower it, or raise the guarantee");
        insta::assert_snapshot!(said("'2mbit'", "'0bit'"), @"/site.toml: lanes.critical.least: nothing would be left; give 1kbit at least, or the lane can stall");
        assert_eq!(lanes(LANES).check(Path::new("/site.toml")), Ok(()));
    }
}
