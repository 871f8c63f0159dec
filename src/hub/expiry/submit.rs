//! `varco-hub expiry submit`: what two officers signed of keys and holds comes into the hub's log.

use super::table;
use crate::{
    config::Settings,
    log::HubLog,
    lookup::{
        Lookup,
        control::{Ask, Told, ask},
    },
};
use anyhow::{Context as _, anyhow, ensure};
use jiff::Timestamp;
use rusqlite::{Transaction, TransactionBehavior};
use std::{io::Write as _, path::Path};
use varco_audit::{
    both::NotBoth,
    content::Body,
    expiry::{Destroyed, Expired, Kept, Statement},
    hold::{Holding, Standing},
    holder::People,
    pack::sha256,
};
use varco_web::startup::Fault;

/// Gives a statement of an expiry or of a hold to the hub that runs.
///
/// # Errors
/// When none runs, or it does not take it.
pub fn submit(file: &Path, statement: &Path) -> Result<(), Fault> {
    let name = || statement.display().to_string();
    let text = std::fs::read_to_string(statement).with_context(name)?;
    let said = match ask(&Settings::load(file)?.state, &Ask::Statement(text))? {
        Told::Recorded { entries, first } => format!("{entries} entries recorded, from entry {first} on\n"),
        Told::Refused(why) => return Err(anyhow!(why).context(name()).into()),
        other => return Err(anyhow!("the hub is of another version: {other:?}").into()),
    };
    Ok(std::io::stdout().lock().write_all(said.as_bytes()).context("standard output")?)
}

/// Verifies by the officers' keys, and records, once: how many entries, and the first of them. Whether something went before
/// its time is told by how long this hub keeps each class. Blocking.
///
/// # Errors
/// When it is not signed by a requester and an approver, says a time that cannot be, or was recorded already.
pub fn record(
    lookup: &Lookup,
    (log, kept): (&HubLog, &Kept),
    statement: &[u8],
    now: Timestamp,
) -> anyhow::Result<(usize, u64)> {
    let digest = sha256(statement);
    let said = Said::read(statement, &lookup.people()?)?;
    said.timely(now)?;
    let bodies = said.bodies(&digest, kept);
    let db = lookup.db();
    let transaction = Transaction::new_unchecked(&db, TransactionBehavior::Immediate)?;
    if !table::once(&transaction, &digest)? {
        return Err(anyhow!("this statement is in the log already"));
    }
    if let Said::Expired(expired) = &said {
        table::note(&transaction, &expired.statement)?;
    }
    let first = log.journal().commit(transaction, &bodies, now)?;
    Ok((bodies.len(), first))
}

/// What two officers may say.
enum Said {
    Expired(Box<Expired>),
    Hold(Holding, [String; 2]),
}

impl Said {
    fn read(octets: &[u8], people: &People) -> Result<Self, NotBoth> {
        if octets.starts_with(b"varco-expired/1\n") {
            return Expired::read(octets, people).map(|said| Self::Expired(Box::new(said)));
        }
        Holding::read(octets, people).map(|(holding, by)| Self::Hold(holding, by))
    }

    /// Refuses a time that nobody can have been shown: this log proved it, before they signed. By it bundles go.
    fn timely(&self, now: Timestamp) -> anyhow::Result<()> {
        let Self::Expired(said) = self else { return Ok(()) };
        let Statement { at, time: Some(time), .. } = &said.statement else { return Ok(()) };
        ensure!(time <= at, "the time that counted, {time}, is after the statement itself, {at}");
        ensure!(*time <= now, "the time that counted, {time}, is still to come: it is {now}");
        Ok(())
    }

    /// The entries that it becomes.
    fn bodies(&self, digest: &str, kept: &Kept) -> Vec<Body> {
        match self {
            Self::Expired(said) => expired(said, digest, kept),
            Self::Hold(holding, by) => vec![held(holding.clone(), by.clone(), digest)],
        }
    }
}

fn held(Holding { case, records, digest, standing, .. }: Holding, by: [String; 2], statement: &str) -> Body {
    match standing {
        Standing::Until(until) => Body::Held { case, by, until, records, digest },
        Standing::Released => Body::Released { case, by, digest: statement.to_owned() },
    }
}

/// An entry for each class and period, and for each hold that was over.
fn expired(Expired { statement, by }: &Expired, digest: &str, kept: &Kept) -> Vec<Body> {
    let early = |one: &Destroyed| statement.time.is_none_or(|time| time < kept.ends(one.class, one.period));
    let keys = statement.destroyed.iter().map(|destroyed| Body::Expired {
        class: destroyed.class.to_string(),
        period: destroyed.period.to_string(),
        by: by.clone(),
        keys: destroyed.keys as u64,
        early: early(destroyed),
        statement: digest.to_owned(),
    });
    let holds = statement.holds.iter().map(|case| Body::Released {
        case: *case,
        by: by.clone(),
        digest: digest.to_owned(),
    });
    keys.chain(holds).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use varco_audit::{
        both,
        case::CaseId,
        class::Class,
        expiry::Profile,
        holder::{Holder, HolderKey},
        seal::Role,
    };

    struct Officers(std::path::PathBuf);

    impl Officers {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("varco-hub-expiry-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&folder);
            for (name, role) in [("anna", Role::Requester), ("bruno", Role::Approver)] {
                HolderKey::make(name, role, &folder).unwrap();
            }
            Self(folder)
        }

        fn people(&self) -> People {
            let holder = |name: &str| Holder::read(&self.0.join(format!("{name}.pub"))).unwrap();
            People::of(&[holder("anna"), holder("bruno")]).unwrap()
        }

        fn signed(&self, text: &str) -> String {
            let own = |name: &str| HolderKey::read(&self.0.join(format!("{name}.key"))).unwrap();
            both::sign(text, [&own("anna"), &own("bruno")]).unwrap()
        }
    }

    impl Drop for Officers {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn statement() -> Statement {
        let at = "2027-05-17T10:00:00Z".parse().unwrap();
        Statement {
            at,
            time: Some(at),
            kept: Kept::default(),
            folders: vec!["/media/safe".to_owned()],
            destroyed: vec![Destroyed {
                class: Class::R2b,
                period: "2026-W46".parse().unwrap(),
                keys: 4,
                early: false,
            }],
            holds: vec![CaseId::of(b"")],
            reason: None,
        }
    }

    #[test]
    fn whether_it_was_early_is_told_by_how_long_this_hub_keeps() {
        let officers = Officers::new("early");
        let mut short = Kept::default();
        short.set(Profile::PublicBody, "R2b", "7 days").unwrap();
        // A week and a half after W46 began; what the officers call it says nothing.
        let time = "2026-11-20T10:00:00Z".parse().unwrap();
        let long = Kept::by_default(Profile::AuthorisedOperator);
        let after = "2027-06-01T10:00:00Z".parse().unwrap();
        for (time, of_hub, said, early) in [
            (Some(after), Kept::default(), false, false),
            (Some(after), long, false, true),
            (Some(time), Kept::default(), false, true),
            (Some(time), short, false, false),
            (Some(time), short, true, false),
            (None, short, true, true),
        ] {
            let mut statement = Statement { time, kept: short, ..statement() };
            statement.destroyed[0].early = said;
            statement.reason = said.then(|| "the pilot ended".to_owned());
            let signed = officers.signed(&statement.text());
            let said = Said::read(signed.as_bytes(), &officers.people()).unwrap();
            let made = said.bodies("digest", &of_hub);
            assert!(
                matches!(made[0], Body::Expired { early: recorded, .. } if recorded == early),
                "{made:?}"
            );
        }
    }

    #[test]
    fn a_time_that_is_to_come_or_after_the_statement_is_refused() {
        let officers = Officers::new("time");
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let timely = |time: Option<Timestamp>, now: &str| {
            let signed = officers.signed(&Statement { time, ..statement() }.text());
            let said = Said::read(signed.as_bytes(), &officers.people()).unwrap();
            said.timely(at(now)).map_err(|error| error.to_string())
        };
        let signed = at("2027-05-17T10:00:00Z");
        assert_eq!(timely(Some(signed), "2027-05-17T10:00:00Z"), Ok(()));
        assert_eq!(timely(None, "2020-01-01T00:00:00Z"), Ok(()));
        let after = timely(Some(at("2027-05-17T10:00:01Z")), "2030-01-01T00:00:00Z").unwrap_err();
        assert!(after.contains("is after the statement itself"), "{after}");
        let ahead = timely(Some(signed), "2027-05-17T09:59:59Z").unwrap_err();
        assert!(ahead.contains("is still to come"), "{ahead}");
    }

    #[test]
    fn what_both_signed_becomes_entries_and_nothing_else_does() {
        let officers = Officers::new("bodies");
        let (people, text) = (officers.people(), statement().text());
        let signed = officers.signed(&text);
        let bodies = |octets: &[u8], people| {
            Said::read(octets, people).map(|said| said.bodies("digest", &Kept::default()))
        };
        let made = bodies(signed.as_bytes(), &people).unwrap();
        assert!(
            matches!(&made[..], [Body::Expired { class, period, keys: 4, early: false, .. }, Body::Released { .. }]
                if class == "R2b" && period == "2026-W46"),
            "{made:?}"
        );
        assert_eq!(made[0].class(), Class::R5, "it is clear: it names the officers alone");
        for place in (0..signed.len()).step_by(7) {
            let mut changed = signed.clone().into_bytes();
            changed[place] ^= 1;
            assert!(bodies(&changed, &people).is_err(), "octet {place}");
        }
        let (head, lines) = signed.rsplit_once("\n\n").unwrap();
        let lines: Vec<_> = lines.split_inclusive('\n').collect();
        for other in [lines[0].to_owned(), lines[0].repeat(2), [lines[1], lines[0]].concat()] {
            assert!(bodies(format!("{head}\n\n{other}").as_bytes(), &people).is_err(), "{other}");
        }
        assert!(bodies(signed.as_bytes(), &Officers::new("others").people()).is_err());
    }
}
