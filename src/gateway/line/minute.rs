//! One minute of evidence: what a row of `evidence.db` and of the CSV holds. No field can name anybody.

use varco_policy::{Lane, wire::Direction};

/// A value of a column: every one is a whole number, or not known.
pub(super) trait Value: Sized {
    fn known(&self) -> Option<u64>;
    fn of(known: Option<u64>) -> Option<Self>;
    /// What the column is in SQL.
    const SQL: &str;
}

impl Value for u64 {
    const SQL: &str = "INTEGER NOT NULL";

    fn known(&self) -> Option<u64> {
        Some(*self)
    }

    fn of(known: Option<u64>) -> Option<Self> {
        known
    }
}

impl Value for Option<u64> {
    const SQL: &str = "INTEGER";

    fn known(&self) -> Option<u64> {
        *self
    }

    fn of(known: Option<u64>) -> Option<Self> {
        Some(known)
    }
}

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident: $kind:ty,)*) => {
        /// What happened in a minute.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Minute {
            $($(#[$doc])* pub $name: $kind,)*
        }

        /// The columns in their order: names of the table's and of the CSV's.
        pub const COLUMNS: &[&str] = &[$(stringify!($name)),*];

        /// What each column is in SQL.
        pub(super) const SQL: &[&str] = &[$(<$kind as Value>::SQL),*];

        impl Minute {
            /// The values of [`COLUMNS`].
            pub fn values(&self) -> Vec<Option<u64>> {
                vec![$(self.$name.known()),*]
            }

            /// A row from its values; `None` when one is missing that is always known.
            pub fn from_values(values: impl IntoIterator<Item = Option<u64>>) -> Option<Self> {
                let mut values = values.into_iter();
                Some(Self { $($name: <$kind as Value>::of(values.next()?)?,)* })
            }
        }
    };
}

columns! {
    /// Begin of the minute, seconds since 1970-01-01T00:00:00Z.
    at: u64,
    /// Milliseconds of the minute in which the queues were looked at; the rest is not known, and counts nowhere.
    observed_ms: u64,
    /// Bytes of the critical lane to the Internet.
    critical_up_bytes: u64,
    /// Packets of it dropped.
    critical_up_drops: u64,
    /// Bytes of the critical lane from the Internet.
    critical_down_bytes: u64,
    /// Packets of it dropped.
    critical_down_drops: u64,
    /// Bytes of the office lane to the Internet.
    office_up_bytes: u64,
    /// Packets of it dropped.
    office_up_drops: u64,
    /// Bytes of the office lane from the Internet.
    office_down_bytes: u64,
    /// Packets of it dropped.
    office_down_drops: u64,
    /// Bytes of the guest lane to the Internet.
    guest_up_bytes: u64,
    /// Packets of it dropped.
    guest_up_drops: u64,
    /// Bytes of the guest lane from the Internet.
    guest_down_bytes: u64,
    /// Packets of it dropped.
    guest_down_drops: u64,
    /// What the line could have carried to the Internet meanwhile, in bytes.
    line_up_bytes: u64,
    /// What it could have carried from the Internet.
    line_down_bytes: u64,
    /// Milliseconds in which the office waited in either direction: see [`super::waiting`].
    office_waited_ms: u64,
    /// Towards the Internet.
    office_waited_up_ms: u64,
    /// From the Internet.
    office_waited_down_ms: u64,
    /// Milliseconds in which the office filled all that is its own.
    office_full_ms: u64,
    /// Delay added to the office, microseconds: half of the rounds were no later.
    delay_p50_us: Option<u64>,
    /// 99 of 100 were no later.
    delay_p99_us: Option<u64>,
    /// The latest.
    delay_max_us: Option<u64>,
    /// Rounds of the probe.
    probes: u64,
    /// Rounds that no host answered.
    probes_lost: u64,
    /// Most passes at a time.
    passes: u64,
    /// Most slots lent at a time.
    slots_lent: u64,
    /// Slots of the site.
    slots_total: u64,
    /// Passes that use up to one eighth of their ports, when most were in use.
    passes_by_ports_1: Option<u64>,
    /// Up to two eighths.
    passes_by_ports_2: Option<u64>,
    /// Up to three.
    passes_by_ports_3: Option<u64>,
    /// Up to four.
    passes_by_ports_4: Option<u64>,
    /// Up to five.
    passes_by_ports_5: Option<u64>,
    /// Up to six.
    passes_by_ports_6: Option<u64>,
    /// Up to seven.
    passes_by_ports_7: Option<u64>,
    /// Up to all.
    passes_by_ports_8: Option<u64>,
    /// Most ports that one pass used.
    ports_most: Option<u64>,
    /// Milliseconds in which the line carried less than its least.
    alarm_ms: u64,
}

impl Minute {
    /// Bytes of a lane in a direction, and packets dropped.
    pub fn lane_mut(&mut self, lane: Lane, direction: Direction) -> (&mut u64, &mut u64) {
        match (lane, direction) {
            (Lane::Critical, Direction::Up) => (&mut self.critical_up_bytes, &mut self.critical_up_drops),
            (Lane::Critical, Direction::Down) => {
                (&mut self.critical_down_bytes, &mut self.critical_down_drops)
            }
            (Lane::Office, Direction::Up) => (&mut self.office_up_bytes, &mut self.office_up_drops),
            (Lane::Office, Direction::Down) => (&mut self.office_down_bytes, &mut self.office_down_drops),
            (Lane::Guest, Direction::Up) => (&mut self.guest_up_bytes, &mut self.guest_up_drops),
            (Lane::Guest, Direction::Down) => (&mut self.guest_down_bytes, &mut self.guest_down_drops),
        }
    }

    /// Bytes of a lane in a direction.
    pub const fn bytes(&self, lane: Lane, direction: Direction) -> u64 {
        match (lane, direction) {
            (Lane::Critical, Direction::Up) => self.critical_up_bytes,
            (Lane::Critical, Direction::Down) => self.critical_down_bytes,
            (Lane::Office, Direction::Up) => self.office_up_bytes,
            (Lane::Office, Direction::Down) => self.office_down_bytes,
            (Lane::Guest, Direction::Up) => self.guest_up_bytes,
            (Lane::Guest, Direction::Down) => self.guest_down_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_from_its_values() {
        let minute = Minute { at: 60, guest_up_bytes: 7, delay_max_us: Some(9), ..Minute::default() };
        assert_eq!(Minute::from_values(minute.values()), Some(minute));
        assert_eq!(Minute::from_values([Some(1), None]), None);
        assert_eq!(COLUMNS.len(), SQL.len());
    }
}
