//! `varco-hub name`: who an answer is about. Recorded in the hub's log, and proved there, before anything is opened. By a
//! process of its own: the hub that runs reads no private key.

use super::{
    command::{print, refused},
    control::{Ask, Told, ask},
    submit::hex,
};
use crate::{
    config::Settings,
    keys::{self, Keys},
    register::{
        keys::MonthKeys,
        naming::{self, Named},
    },
};
use anyhow::{Context as _, anyhow};
use std::path::{Path, PathBuf};
use varco_audit::{
    case::{Answer, CaseId, Outcome, Signed},
    holder::People,
};
use varco_web::startup::Fault;

/// Of a row that nothing was compared with.
const GONE: &str = "compared with nothing: its entry in the hub's log is over, or it never had one";

/// What is wanted.
#[derive(Debug)]
pub struct Wish {
    /// The case.
    pub case: CaseId,
    /// The file of its answer.
    pub answer: PathBuf,
    /// The folder of the months' private keys; without it, the hub's own.
    pub months: Option<PathBuf>,
    /// Print JSON.
    pub json: bool,
}

/// Prints who it is: provider, fiscal code, instant of login, level.
///
/// # Errors
/// When the case was not allowed and answered so, names nobody or more than one or by records that no log has, no hub runs, or the login is not there or
/// does not open.
pub fn name(file: &Path, wish: &Wish) -> Result<(), Fault> {
    let named = named(file, wish)?;
    Ok(print(&if wish.json { json(wish.case, &named)? } else { text(wish.case, &named) })?)
}

pub(super) fn named(file: &Path, wish: &Wish) -> Result<Named, Fault> {
    let settings = Settings::load(file)?;
    let lookup = settings.lookup.as_ref().context("hub.toml has no [lookup]")?;
    let path = || wish.answer.display().to_string();
    let octets = std::fs::read(&wish.answer).with_context(path)?;
    let people = People::read(&lookup.holders).context("lookup.holders")?;
    let answer = Signed::<Answer>::of_case(&octets, &people, wish.case).with_context(path)?;
    let [session] = &answer.sessions[..] else { return Err(nobody(answer.outcome).into()) };
    if !answer.is_signed(session) {
        return Err(anyhow!(
            "a record of the session is in no log that the site has signed: search again when it is, in a minute"
        )
        .into());
    }
    let asked = Ask::Name { case: wish.case, digest: hex(&octets) };
    match ask(&settings.state, &asked)? {
        Told::Proof(_) => {}
        other => return Err(refused(other).into()),
    }
    let sealer = Keys::load(file, &settings.keys)?.sealer;
    let months = wish.months.clone().unwrap_or_else(|| settings.keys.join(keys::MONTHS));
    let (database, subject) = (settings.state.join("hub.db"), session.subject.as_str());
    let mut records = settings.log.records(file, &settings)?;
    let named =
        naming::name((&database, &mut records), (&sealer, &MonthKeys::new(months)), subject, session.from);
    Ok(named.map_err(anyhow::Error::from)?)
}

/// An answer that does not single out a person names none.
fn nobody(outcome: Outcome) -> anyhow::Error {
    match outcome {
        Outcome::Ambiguous => anyhow!("the answer is ambiguous: it singles out nobody, and nobody is named"),
        outcome => anyhow!("the answer is `{outcome}`: there is nobody to name"),
    }
}

pub(super) fn text(case: CaseId, named: &Named) -> String {
    let Named { way, provider, at, level, recorded, .. } = named;
    let (kind, who) = who(named);
    let entry = if *recorded { "as the hub's log says" } else { GONE };
    format!(
        "case      {case}\n{kind:<9} {who}\nlogin     {at}\nby        {way}, level {level}\nprovider  {provider}\n\
         row       {entry}\n"
    )
}

pub(super) fn json(case: CaseId, named: &Named) -> anyhow::Result<String> {
    let Named { way, provider, at, level, recorded, .. } = named;
    let (kind, who) = who(named);
    let kind = if kind == "code" { "fiscal_code" } else { kind };
    let value = serde_json::json!({
        "case": case, kind: who, "login": at, "way": way, "level": level, "provider": provider,
        "recorded": recorded
    });
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

fn who(named: &Named) -> (&'static str, String) {
    match named.person.fiscal_number() {
        Some(number) => ("code", number.expose().to_owned()),
        None => ("pseudonym", named.person.key()),
    }
}
