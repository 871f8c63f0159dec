//! What each person has used of the day, where the site limits that: time online, with any number of devices at once,
//! and bytes in both directions. The day is the site's own; at midnight it begins anew for everybody.

use super::{
    Site,
    held::{Held, Phase, Stage},
    words::{Answer, Change, Effect, Terms, Used},
};
use jiff::{SignedDuration, Timestamp, civil::Date};
use std::collections::{BTreeMap, BTreeSet};
use varco_policy::{Pass, PassId, Rate, Subject, hours::Opening, pass::EndCause};

/// How often what is used is recorded while it is being used.
const SAVE_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// A pass that would end sooner is not begun.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// Who has used what of the day.
#[derive(Debug, Default)]
pub struct People {
    /// The clock has been right once, so hours and days hold.
    begun: bool,
    day: Option<Day>,
    /// What the store knew at the start, until the clock is right.
    known: Vec<(Subject, Used)>,
    of: BTreeMap<Subject, Person>,
    save_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Day {
    date: Date,
    ends: Timestamp,
}

#[derive(Debug)]
struct Person {
    time: SignedDuration,
    bytes: u64,
    /// Passes online.
    online: usize,
    /// Time is counted up to then while any is online.
    to: Timestamp,
    /// Something is not on record yet.
    unsaved: bool,
}

impl Person {
    fn new(now: Timestamp) -> Self {
        Self { time: SignedDuration::ZERO, bytes: 0, online: 0, to: now, unsaved: false }
    }

    fn known(used: Used) -> Self {
        Self { time: used.time, bytes: used.bytes, ..Self::new(used.to) }
    }

    /// Counts the time up to `now`.
    fn count(&mut self, now: Timestamp) {
        if self.online > 0 && now > self.to {
            self.time = self.time.saturating_add(now.duration_since(self.to));
            self.unsaved = true;
        }
        self.to = now;
    }

    fn time_at(&self, now: Timestamp) -> SignedDuration {
        let more = if self.online > 0 { now.duration_since(self.to) } else { SignedDuration::ZERO };
        self.time.saturating_add(more.max(SignedDuration::ZERO))
    }
}

impl People {
    pub fn day(&self) -> Option<Date> {
        self.day.map(|day| day.date)
    }

    /// When the day is over, where days are counted.
    pub fn day_ends(&self) -> Option<Timestamp> {
        self.day.map(|day| day.ends)
    }

    /// Bytes of a person; what they have in all.
    pub fn moved(&mut self, person: &Subject, bytes: u64) -> Option<u64> {
        let known = self.of.get_mut(person)?;
        known.bytes = known.bytes.saturating_add(bytes);
        known.unsaved |= bytes > 0;
        Some(known.bytes)
    }

    /// What could not be recorded is recorded the next time.
    pub fn unsaved(&mut self, person: &Subject) {
        if let Some(known) = self.of.get_mut(person) {
            known.unsaved = true;
        }
    }
}

/// What a store knows of the passes that a site takes up, beside the passes themselves.
#[derive(Debug, Default)]
pub struct Known {
    /// What their persons have used of the last day that was counted.
    pub used: Vec<(Subject, Used)>,
    /// The rate that a pass has of its own, and up to which of the kernel's bytes it is counted.
    pub passes: Vec<(PassId, Option<Rate>, u64)>,
}

impl Site {
    /// As it is, with what the store knows beside the open passes: they go on being counted where the records end, and
    /// end no later than the rules now say.
    #[must_use]
    pub fn knowing(mut self, known: Known, now: Timestamp) -> Self {
        for (id, rate, counted) in known.passes {
            if let Some(held) = self.table.get_mut(id) {
                (held.rate, held.counted) = (rate, counted);
            }
        }
        self.people.known = known.used;
        self.begin_day(now);
        self
    }

    /// From now on days are counted, and who is in is bound by the hours.
    fn begin_to_count(&mut self, now: Timestamp) {
        if self.rules.limits.count_the_day() {
            let date = self.turn_page(now);
            let of_today = std::mem::take(&mut self.people.known).into_iter();
            let of_today = of_today.filter(|(_, used)| used.day == date);
            self.people.of = of_today.map(|(person, used)| (person, Person::known(used))).collect();
            self.count_since_records(now);
        }
        let online: Vec<_> = self.table.at(Stage::Online).collect();
        online.iter().for_each(|id| self.keep_in_bounds(*id, now));
    }

    fn turn_page(&mut self, now: Timestamp) -> Date {
        let date = self.rules.schedule.day(now);
        self.people.day = Some(Day { date, ends: self.rules.schedule.next_day(now) });
        self.out.push(Effect::Record(Change::Day(date)));
        date
    }

    /// The time between the last record and now: whoever had a pass was online, but for those who were leaving already.
    fn count_since_records(&mut self, now: Timestamp) {
        let midnight = self.rules.schedule.day_began(now);
        let mut times: BTreeMap<Subject, (Timestamp, Timestamp, usize)> = BTreeMap::new();
        let in_time = |held: &&Held| match held.phase() {
            Phase::Leaving(EndCause::Expired | EndCause::Closed | EndCause::Spent) => held.pass.until <= now,
            phase => phase == Phase::Online,
        };
        for held in self.table.iter().filter(in_time) {
            let Pass { subject, since, until, .. } = &held.pass;
            let (begun, over) = ((*since).max(midnight), (*until).min(now));
            let known = times.entry(subject.clone()).or_insert((begun, over, 0));
            *known = (known.0.min(begun), known.1.max(over), known.2);
            known.2 += usize::from(held.phase() == Phase::Online);
        }
        for (subject, (begun, over, online)) in times {
            let person = self.people.of.entry(subject).or_insert_with(|| Person::new(begun));
            person.to = person.to.max(begun);
            person.online = 1;
            if over > person.to {
                person.count(over);
            }
            (person.online, person.to) = (online, now);
        }
    }

    fn keep_in_bounds(&mut self, id: PassId, now: Timestamp) {
        let Some(held) = self.table.get(id) else { return };
        let (until, ends) = self.bounds(&held.pass.subject, now);
        if until < held.pass.until {
            self.table.shorten(id, until, ends);
        }
        self.show(id, now);
    }

    /// Begins the day anew when it is another than it was. A clock that has lost its time says nothing about days.
    pub(super) fn begin_day(&mut self, now: Timestamp) {
        if self.clock_is_behind(now) {
            return;
        }
        if !std::mem::replace(&mut self.people.begun, true) {
            return self.begin_to_count(now);
        }
        if self.people.day.is_none_or(|day| now < day.ends) {
            return;
        }
        self.turn_page(now);
        let midnight = self.rules.schedule.day_began(now);
        // Who is just coming in is of the new day as well.
        let coming = self.table.iter().map(|held| held.pass.subject.clone());
        let coming: BTreeSet<_> = coming.chain(self.waiting_persons()).collect();
        self.people.of.retain(|subject, person| person.online > 0 || coming.contains(subject));
        for person in self.people.of.values_mut() {
            *person = Person { online: person.online, unsaved: true, ..Person::new(midnight) };
        }
        let online: Vec<_> = self.table.at(Stage::Online).collect();
        online.iter().for_each(|id| self.show(*id, now));
    }

    /// A person who logs in is known from the records, unless the site knows better.
    pub(super) fn meet(&mut self, person: &Subject, used: Option<Used>, now: Timestamp) {
        let Some(Day { date, .. }) = self.people.day else { return };
        if !self.people.of.contains_key(person) {
            let known = used.filter(|used| used.day == date).map_or_else(|| Person::new(now), Person::known);
            self.people.of.insert(person.clone(), known);
        }
    }

    pub(super) fn came_online(&mut self, person: &Subject, now: Timestamp) {
        if let Some(known) = self.people.of.get_mut(person) {
            known.count(now);
            known.online += 1;
        }
    }

    /// The pass that is online now leaves. What its person has used is recorded with it.
    pub(super) fn goes_offline(&mut self, person: &Subject, now: Timestamp) {
        let Some(known) = self.people.of.get_mut(person) else { return };
        known.count(now);
        known.online = known.online.saturating_sub(1);
        self.save(person, now);
    }

    /// Records what is used, once a minute.
    pub(super) fn save_used(&mut self, now: Timestamp) {
        if self.people.day.is_none() || self.people.save_at.is_some_and(|at| now < at) {
            return;
        }
        self.people.save_at = now.saturating_add(SAVE_EVERY).ok();
        for person in self.people.of.values_mut() {
            person.count(now);
        }
        let unsaved = self.people.of.iter().filter(|(_, person)| person.unsaved);
        let unsaved: Vec<_> = unsaved.map(|(subject, _)| subject.clone()).collect();
        unsaved.iter().for_each(|person| self.save(person, now));
    }

    fn save(&mut self, person: &Subject, now: Timestamp) {
        let (Some(day), Some(known)) = (self.people.day, self.people.of.get_mut(person)) else { return };
        known.unsaved = false;
        let used = Used { day: day.date, time: known.time, bytes: known.bytes, to: now };
        let counted = self.table.of_person(person).map(|held| (held.pass.id, held.counted)).collect();
        self.out.push(Effect::Record(Change::Used { person: person.clone(), used, counted }));
    }

    /// When this person's time of the day is used up, counted as if they stayed online from now on.
    fn spends(&self, person: &Subject, now: Timestamp) -> Option<Timestamp> {
        let used = self.people.of.get(person).map_or(SignedDuration::ZERO, |known| known.time_at(now));
        let left = self.rules.limits.daily_time?.saturating_sub(used).max(SignedDuration::ZERO);
        now.saturating_add(left).ok()
    }

    fn bytes_left(&self, person: &Subject) -> Option<u64> {
        let used = self.people.of.get(person).map_or(0, |known| known.bytes);
        Some(self.rules.limits.daily_volume?.bytes().saturating_sub(used))
    }

    /// Until when the hours and the day of this person let a pass last that is online from `now` on.
    fn bounds(&self, person: &Subject, now: Timestamp) -> (Timestamp, EndCause) {
        let closing = match self.rules.schedule.at(now) {
            Opening::Closed { .. } => now,
            Opening::Open { closes } => closes.unwrap_or(Timestamp::MAX),
        };
        let spent = if self.bytes_left(person) == Some(0) { now } else { self.spent_at(person, now) };
        if spent < closing { (spent, EndCause::Spent) } else { (closing, EndCause::Closed) }
    }

    /// As [`Self::spends`], but midnight gives the whole time anew.
    fn spent_at(&self, person: &Subject, now: Timestamp) -> Timestamp {
        let (Some(spends), Some(day)) = (self.spends(person, now), self.people.day) else {
            return Timestamp::MAX;
        };
        let anew = || day.ends.saturating_add(self.rules.limits.daily_time.unwrap_or_default());
        if spends < day.ends { spends } else { anew().unwrap_or(Timestamp::MAX) }
    }

    /// Until when a pass may last that this person begins now, and why it ends then; or why it cannot begin.
    pub(super) fn last_moment(
        &self,
        person: &Subject,
        now: Timestamp,
    ) -> Result<(Timestamp, EndCause), Answer> {
        let (bound, why) = self.bounds(person, now);
        if bound.duration_since(now) < SHORTEST {
            return Err(self.turned_away(why, bound));
        }
        let length = now.saturating_add(self.rules.length).unwrap_or(Timestamp::MAX);
        Ok(if length < bound { (length, EndCause::Expired) } else { (bound, why) })
    }

    fn turned_away(&self, why: EndCause, bound: Timestamp) -> Answer {
        let opens = |at| match self.rules.schedule.at(at) {
            Opening::Open { .. } => Some(at),
            Opening::Closed { opens } => opens,
        };
        match (why, self.people.day) {
            (EndCause::Spent, Some(day)) => Answer::Spent { anew: opens(day.ends) },
            _ => Answer::Closed { opens: opens(bound) },
        }
    }

    /// Why a pass on record was to end at its time.
    pub(super) fn reason(&self, pass: &Pass) -> EndCause {
        let whole = pass.since.saturating_add(self.rules.length).is_ok_and(|length| length <= pass.until);
        let closed = matches!(self.rules.schedule.at(pass.until), Opening::Closed { .. });
        match (closed, whole || self.rules.limits.daily_time.is_none()) {
            (true, _) => EndCause::Closed,
            (false, true) => EndCause::Expired,
            (false, false) => EndCause::Spent,
        }
    }

    /// Lets the portal show a pass.
    pub(super) fn show(&mut self, id: PassId, now: Timestamp) {
        let Some(held) = self.table.get(id) else { return };
        let (pass, ends) = (held.pass.clone(), held.ends);
        let (spends, bytes) = (self.spends(&pass.subject, now), self.bytes_left(&pass.subject));
        self.out.push(Effect::Show(pass, Terms { ends, spends, bytes }));
    }

    /// These persons have moved something: the portal shows what is left, and who has nothing left is cut off.
    pub(super) fn judge_volume(&mut self, moved: &BTreeSet<Subject>, now: Timestamp) {
        let (mut left, mut spent) = (Vec::new(), Vec::new());
        for person in moved {
            let Some(bytes) = self.bytes_left(person) else { return };
            let online = self.table.of_person(person).filter(|held| held.phase().is_alive());
            match bytes {
                0 => spent.extend(online.map(|held| held.pass.id)),
                _ => left.extend(online.map(|held| (held.pass.device, bytes))),
            }
        }
        if !left.is_empty() {
            self.out.push(Effect::Left(left));
        }
        spent.iter().for_each(|id| self.leave(*id, EndCause::Spent, None, now));
    }
}
