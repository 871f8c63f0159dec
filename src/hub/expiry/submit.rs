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
use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use rusqlite::{Transaction, TransactionBehavior};
use std::{io::Write as _, path::Path};
use varco_audit::{
    both::NotBoth,
    content::Body,
    expiry::Expired,
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

/// Verifies by the officers' keys, and records, once: how many entries, and the first of them. Blocking.
///
/// # Errors
/// When it is not signed by a requester and an approver, or was recorded already.
pub fn record(
    lookup: &Lookup,
    log: &HubLog,
    statement: &[u8],
    now: Timestamp,
) -> anyhow::Result<(usize, u64)> {
    let digest = sha256(statement);
    let said = Said::read(statement, &lookup.people()?)?;
    let bodies = said.bodies(&digest);
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
    Expired(Expired),
    Hold(Holding, [String; 2]),
}

impl Said {
    fn read(octets: &[u8], people: &People) -> Result<Self, NotBoth> {
        if octets.starts_with(b"varco-expired/1\n") {
            return Expired::read(octets, people).map(Self::Expired);
        }
        Holding::read(octets, people).map(|(holding, by)| Self::Hold(holding, by))
    }

    /// The entries that it becomes.
    fn bodies(&self, digest: &str) -> Vec<Body> {
        match self {
            Self::Expired(said) => expired(said, digest),
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
fn expired(Expired { statement, by }: &Expired, digest: &str) -> Vec<Body> {
    let keys = statement.destroyed.iter().map(|destroyed| Body::Expired {
        class: destroyed.class.to_string(),
        period: destroyed.period.to_string(),
        by: by.clone(),
        keys: destroyed.keys as u64,
        early: destroyed.early,
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
        expiry::{Destroyed, Statement},
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
    fn what_both_signed_becomes_entries_and_nothing_else_does() {
        let officers = Officers::new("bodies");
        let (people, text) = (officers.people(), statement().text());
        let signed = officers.signed(&text);
        let bodies = |octets: &[u8], people| Said::read(octets, people).map(|said| said.bodies("digest"));
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
