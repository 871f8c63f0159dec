//! Who is logged in: a random value in a cookie, known here by its digest, for half an hour without a request and eight
//! hours at most. In memory: a restart logs everybody out, and there is no session to steal from a disk.

use crate::token;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

/// The longest session.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(8);
/// How long one lasts without a request.
const IDLE: SignedDuration = SignedDuration::from_mins(30);

struct Session<W> {
    who: W,
    since: Timestamp,
    seen: Timestamp,
}

impl<W> Session<W> {
    fn lasts(&self, now: Timestamp) -> bool {
        now.duration_since(self.since) < LONGEST && now.duration_since(self.seen) < IDLE
    }
}

/// All sessions, by the digest of their value.
pub struct Sessions<W> {
    most: usize,
    open: Mutex<HashMap<String, Session<W>>>,
}

impl<W> fmt::Debug for Sessions<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("most", &self.most).finish_non_exhaustive()
    }
}

impl<W: Clone> Sessions<W> {
    /// Room for this many sessions; the one unused for the longest makes room.
    pub fn new(most: usize) -> Self {
        Self { most, open: Mutex::default() }
    }

    /// A new session; the value for the cookie.
    ///
    /// # Errors
    /// When the kernel has no randomness to give.
    pub fn begin(&self, who: W, now: Timestamp) -> anyhow::Result<String> {
        let secret = token::random()?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| session.lasts(now));
        if open.len() >= self.most
            && let Some(oldest) = open.iter().min_by_key(|(_, s)| s.seen).map(|(key, _)| key.clone())
        {
            open.remove(&oldest);
        }
        open.insert(token::digest(&secret), Session { who, since: now, seen: now });
        Ok(secret)
    }

    /// Whose session this is, if it lasts; it was used now.
    pub fn whose(&self, secret: &str, now: Timestamp) -> Option<W> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let session = open.get_mut(&token::digest(secret)).filter(|session| session.lasts(now))?;
        session.seen = now;
        Some(session.who.clone())
    }

    /// Ends the sessions that are `meant`.
    pub fn end_those(&self, meant: impl Fn(&W) -> bool) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| !meant(&session.who));
    }

    /// Ends a session.
    pub fn end(&self, secret: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&token::digest(secret));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 32;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + 60 * minute).unwrap()
    }

    #[test]
    fn a_session_ends_when_it_is_left_and_after_a_day_of_work() {
        let sessions = Sessions::new(MOST);
        let secret = sessions.begin("somebody", at(0)).unwrap();
        assert_eq!(sessions.whose(&secret, at(29)), Some("somebody"));
        assert_eq!(sessions.whose(&secret, at(59)), None, "left for half an hour");
        let secret = sessions.begin("somebody", at(0)).unwrap();
        assert!((1..24).all(|n| sessions.whose(&secret, at(20 * n)).is_some()));
        assert_eq!(sessions.whose(&secret, at(480)), None, "eight hours at most");
        assert_eq!(sessions.whose("guess", at(0)), None);
    }

    #[test]
    fn those_that_are_meant_end() {
        let sessions = Sessions::new(MOST);
        let one = sessions.begin(1, at(0)).unwrap();
        let two = sessions.begin(2, at(0)).unwrap();
        sessions.end_those(|who| *who == 1);
        assert_eq!((sessions.whose(&one, at(0)), sessions.whose(&two, at(0))), (None, Some(2)));
    }

    #[test]
    fn who_logs_out_is_out_and_the_table_does_not_grow() {
        let sessions = Sessions::new(MOST);
        let secret = sessions.begin((), at(0)).unwrap();
        sessions.end(&secret);
        assert_eq!(sessions.whose(&secret, at(0)), None);
        let first = sessions.begin((), at(0)).unwrap();
        let rest: Vec<_> = (0..MOST).map(|_| sessions.begin((), at(1)).unwrap()).collect();
        assert_eq!(sessions.open.lock().unwrap().len(), MOST);
        assert_eq!(sessions.whose(&first, at(1)), None, "it made room");
        assert!(rest.iter().all(|secret| sessions.whose(secret, at(1)).is_some()));
    }
}
