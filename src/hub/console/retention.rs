//! `GET /retention`: what is held for an authority, and which keys are due to be destroyed. What is held names cases, so who
//! reads it is on record. What a hold says is sealed: until when it holds at most is told by when its entries were made.

use super::{Console, Reply, answer, block, logs, session::Visitor, views};
use crate::app;
use actix_web::{
    HttpRequest,
    web::{Data, ReqData},
};
use jiff::Timestamp;
use std::collections::BTreeMap;
use varco_audit::{
    class::Class,
    content::{Body, Content},
    hold,
    index::{IndexError, Marked},
    keys::KeyFolder,
    leaf::Leaf,
    week::Period,
};
use varco_templates::console::{self as pages, DueRow, DueState, HoldRow, HoldState};

/// How many of the next of each class are shown, and how many of those that were destroyed.
const NEXT: usize = 2;
const DESTROYED: usize = 20;

/// The page.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::get("/retention")]
pub async fn show(request: HttpRequest, console: Data<Console>, visitor: ReqData<Visitor>) -> Reply {
    let read = |console: &Console| {
        let now = app::now();
        Ok((holds(console, now)?, due(console, now)?))
    };
    let found = views::read(&console, &visitor, "/retention", read).await;
    answer::page(&console, &request, found, |view, (holds, due)| pages::retention(view, &holds, &due))
}

/// What is held, as a file.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/holds.csv")]
pub async fn holds_table(request: HttpRequest, console: Data<Console>, visitor: ReqData<Visitor>) -> Reply {
    let found = views::read(&console, &visitor, "/holds.csv", |console| holds(console, app::now())).await;
    answer::csv(&console, &request, found, "holds", |lang, rows| pages::holds_table(lang, &rows))
}

/// What is due, as a file.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/due.csv")]
pub async fn due_table(request: HttpRequest, console: Data<Console>) -> Reply {
    let found = block(&console, |console| due(console, app::now())).await;
    answer::csv(&console, &request, found, "due", |lang, rows| pages::due_table(lang, &rows))
}

/// A hold as its entries tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    made: Timestamp,
    renewed: Timestamp,
    released: bool,
    entry: u64,
}

impl Held {
    /// It holds no longer.
    fn until(&self) -> Timestamp {
        hold::renewed(self.made, self.renewed).unwrap_or_else(|_| hold::longest(self.made))
    }

    fn state(&self, now: Timestamp) -> HoldState {
        match (self.released, self.until() <= now) {
            (true, _) => HoldState::Released,
            (false, true) => HoldState::Over,
            (false, false) => HoldState::Held,
        }
    }
}

/// What the marks of the hub's log say, by case: a hold that begins after a release is a new one.
fn held(marks: &[Marked]) -> BTreeMap<String, Held> {
    let mut all = BTreeMap::<String, Held>::new();
    for mark in marks {
        let Some((step, case)) = mark.text.split_once(':') else { continue };
        let (before, entry) = (all.get(case).copied(), mark.sequence);
        let made = before.filter(|held| !held.released).map_or(mark.at, |held| held.made);
        let now = match (step, before) {
            ("held", _) => Held { made, renewed: mark.at, released: false, entry },
            (_, Some(held)) => Held { released: true, entry, ..held },
            (_, None) => Held { made, renewed: made, released: true, entry },
        };
        all.insert(case.to_owned(), now);
    }
    all
}

/// Every hold, those that hold first.
fn holds(console: &Console, now: Timestamp) -> anyhow::Result<Vec<HoldRow>> {
    let own = logs::own(console);
    let mut marks = console
        .hub
        .index
        .with(|rows| {
            Ok::<_, IndexError>([
                rows.marked(own.origin(), "held:")?,
                rows.marked(own.origin(), "released:")?,
            ])
        })?
        .concat();
    marks.sort_by_key(|mark| mark.sequence);
    let written = |at| answer::written(at, console.zone());
    let row = |(case, held): (String, Held)| HoldRow {
        case,
        made: written(held.made),
        renewed: written(held.renewed),
        until: written(held.until()),
        state: held.state(now),
        entry: held.entry,
    };
    let mut rows: Vec<_> = held(&marks).into_iter().map(row).collect();
    rows.sort_by(|one, other| {
        (one.state == HoldState::Released, &one.until)
            .cmp(&(other.state == HoldState::Released, &other.until))
    });
    Ok(rows)
}

/// The classes and periods whose keys this hub was given: what is due now, what comes next, what was destroyed last.
fn due(console: &Console, now: Timestamp) -> anyhow::Result<Vec<DueRow>> {
    let mut gone = destroyed(console)?;
    let folder = KeyFolder::at(&console.hub.settings.log.keys);
    let (mut due, mut next) = (Vec::new(), Vec::new());
    for period in folder.periods()? {
        for class in Class::SEALED.into_iter().filter(|class| class.length() == period.length()) {
            let ends = console.hub.kept.ends(class, period);
            if gone.contains_key(&(class, period)) || folder.pair(class, period)?.is_none() {
                continue;
            }
            if ends <= now { due.push((ends, class, period)) } else { next.push((ends, class, period)) }
        }
    }
    due.sort_unstable();
    next.sort_unstable();
    let mut shown = BTreeMap::<Class, usize>::new();
    next.retain(|(_, class, _)| {
        let shown = shown.entry(*class).or_default();
        *shown = shown.saturating_add(1);
        *shown <= NEXT
    });
    let zone = console.zone();
    let row = |state: DueState| {
        move |(ends, class, period): (Timestamp, Class, Period)| DueRow {
            class: class.to_string(),
            period: period.to_string(),
            ends: answer::written(ends, zone),
            state: state.clone(),
        }
    };
    let mut rows: Vec<_> = due.into_iter().map(row(DueState::Due)).collect();
    rows.extend(next.into_iter().map(row(DueState::Kept)));
    let mut last: Vec<_> = std::mem::take(&mut gone).into_iter().collect();
    last.sort_by_key(|(_, (at, entry, _))| std::cmp::Reverse((*at, *entry)));
    rows.extend(last.into_iter().take(DESTROYED).map(|((class, period), (at, entry, early))| {
        let state = DueState::Destroyed(answer::written(at, zone), entry, early);
        row(state)((console.hub.kept.ends(class, period), class, period))
    }));
    Ok(rows)
}

/// When, in which entry, and whether that was before its time.
type Gone = (Timestamp, u64, bool);

/// What two persons have said that they destroyed, as the hub's log has it.
fn destroyed(console: &Console) -> anyhow::Result<BTreeMap<(Class, Period), Gone>> {
    let (mut gone, own) = (BTreeMap::new(), logs::own(console));
    let marked = console.hub.index.with(|rows| rows.marked(own.origin(), "expired"))?;
    let sequences: Vec<_> = marked.iter().map(|mark| mark.sequence).collect();
    for entry in own.entries(&sequences)? {
        let leaf = Leaf::read(&entry)?;
        let content: Content = serde_json::from_slice(leaf.body)?;
        if let Body::Expired { class, period, early, .. } = content.body
            && let (Ok(class), Ok(period)) = (class.parse(), period.parse())
        {
            gone.insert((class, period), (leaf.header.at, leaf.header.sequence, early));
        }
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_told_by_its_entries() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mark =
            |sequence, text: &str, instant: &str| Marked { text: text.to_owned(), sequence, at: at(instant) };
        let marks = [
            mark(1, "held:aa", "2026-01-10T10:00:00Z"),
            mark(2, "held:bb", "2026-02-10T10:00:00Z"),
            mark(3, "held:aa", "2026-06-20T10:00:00Z"),
            mark(4, "released:bb", "2026-03-10T10:00:00Z"),
            mark(5, "held:cc", "2026-01-10T10:00:00Z"),
            mark(6, "released:cc", "2026-02-10T10:00:00Z"),
            mark(7, "held:cc", "2026-06-30T10:00:00Z"),
        ];
        let all = held(&marks);
        let now = at("2026-07-01T00:00:00Z");
        let said = |case: &str| (all[case].until().to_string(), all[case].state(now), all[case].entry);
        // Six months in all, whatever was renewed.
        assert_eq!(said("aa"), ("2026-07-10T10:00:00Z".to_owned(), HoldState::Held, 3));
        assert_eq!(said("bb").1, HoldState::Released);
        assert_eq!(said("cc"), ("2026-09-28T10:00:00Z".to_owned(), HoldState::Held, 7), "it began anew");
        assert_eq!(all["aa"].state(at("2026-07-10T10:00:00Z")), HoldState::Over);
    }
}
