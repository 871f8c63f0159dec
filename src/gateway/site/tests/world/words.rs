//! Events and effects as transcripts have them.

use super::*;

pub fn brief_event(event: &Event) -> String {
    match event {
        Event::LoggedIn(login) => format!("logged in, pass {}", short(login.pass)),
        Event::LogOut { .. } => "log out".into(),
        Event::ProviderLogOut { .. } => "provider logs out".into(),
        Event::Expel { pass, .. } => format!("expel pass {}", short(*pass)),
        Event::Rate { pass, .. } => format!("rate of pass {}", short(*pass)),
        Event::Recorded(changes) => format!("recorded {}", changes.len()),
        Event::RecordFailed(changes) => format!("record failed {}", changes.len()),
        Event::EnforcerBack => "enforcer back".into(),
        Event::EnforcerLost => "enforcer lost".into(),
        Event::Answered(Reply::Done { generation }) => format!("done {generation}"),
        Event::Answered(Reply::Measured(_)) => "measured".into(),
        Event::Answered(
            other @ (Reply::Lanes(_) | Reply::Ports(_) | Reply::Planned(_) | Reply::Carrying(_)),
        ) => {
            format!("{other:?}")
        }
        Event::Answered(Reply::Refused(why)) => format!("refused: {why}"),
        Event::Shares(SharesAsk::Plan(_), _) => "asked for a plan".into(),
        Event::Shares(SharesAsk::Try(_), _) => "asked to try".into(),
        Event::Shares(SharesAsk::Confirm(_), _) => "asked to confirm".into(),
        Event::Shares(SharesAsk::TakeBack(_), _) => "asked to take back".into(),
        Event::Tick => "tick".into(),
    }
}

pub fn brief(effect: &Effect) -> String {
    match effect {
        Effect::Record(Change::Started(pass)) => {
            format!("record start of {} on port {}", short(pass.id), pass.slot.first_port)
        }
        Effect::Record(Change::Leaving { pass, cause }) => {
            format!("record {} leaving: {cause:?}", short(*pass))
        }
        Effect::Record(Change::Ended { pass, cause, .. }) => {
            format!("record end of {}: {cause:?}", short(*pass))
        }
        Effect::Record(Change::Reconciled { missing, unknown, .. }) => {
            format!("record difference: {missing} missing, {unknown} unknown")
        }
        Effect::Record(Change::Used { used, .. }) => {
            format!("record used: {:#}, {} bytes", used.time, used.bytes)
        }
        Effect::Record(Change::Day(day)) => format!("record day {day}"),
        Effect::Record(Change::Rated { pass, .. }) => format!("record rate of {}", short(*pass)),
        Effect::Ask(Request::Apply(desired)) => {
            let trial = desired.trial.map(|t| format!(", trial for {} s", t.seconds)).unwrap_or_default();
            format!("ask apply {}: {} passes{trial}", desired.generation, desired.passes.len())
        }
        Effect::Ask(Request::Admit { generation, passes }) => {
            let seconds: Vec<_> = passes.iter().map(|p| p.seconds).collect();
            format!("ask admit {generation}: seconds {seconds:?}")
        }
        Effect::Ask(Request::Expel { generation, devices }) => {
            format!("ask expel {generation}: {} devices", devices.len())
        }
        Effect::Ask(Request::Limit { generation, rates }) => {
            format!("ask limit {generation}: {} passes", rates.len())
        }
        Effect::Record(Change::Shares { step, .. }) => format!("record shares: {step:?}"),
        Effect::Record(Change::SharesTold(_)) => "record what site.toml says".into(),
        Effect::Ask(Request::Plan(_)) => "ask plan".into(),
        Effect::AnswerShares(ticket, SharesAnswer::OnTrial(_)) => format!("answer {}: on trial", ticket.0),
        Effect::AnswerShares(ticket, answer) => format!("answer {}: {answer:?}", ticket.0),
        Effect::Ask(Request::Measure) => "ask measure".into(),
        Effect::Ask(other) => format!("ask {other:?}"),
        Effect::Show(pass, _) => format!("show {}", short(pass.id)),
        Effect::Left(left) => format!("left: {} devices", left.len()),
        Effect::Hide(_) => "hide".into(),
        Effect::Answer(ticket, Answer::Online(_)) => format!("answer {}: online", ticket.0),
        Effect::Answer(ticket, answer) => format!("answer {}: {answer:?}", ticket.0),
    }
}

fn short(pass: PassId) -> u64 {
    pass.0.as_u64_pair().1
}
