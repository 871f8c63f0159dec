//! Who is logged in on the office side: a random value in a cookie, known here by its digest, for half an hour without a
//! request and eight hours at most. In memory: a restart logs everybody out.

use jiff::{SignedDuration, Timestamp};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use varco_policy::{
    Subject,
    pass::{Session as Login, Sid},
};
use varco_web::token;

/// The cookie.
pub const COOKIE: &str = "__Host-admin";
/// The longest session.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(8);
/// How long one lasts without a request.
const IDLE: SignedDuration = SignedDuration::from_mins(30);
/// How many there may be; the one unused for the longest makes room.
const MOST: usize = 32;

#[derive(Debug)]
struct Session {
    subject: Subject,
    login: Option<Login>,
    since: Timestamp,
    seen: Timestamp,
}

impl Session {
    fn lasts(&self, now: Timestamp) -> bool {
        now.duration_since(self.since) < LONGEST && now.duration_since(self.seen) < IDLE
    }
}

/// All sessions, by the digest of their value.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    /// A new session of an administrator; the value for the cookie.
    ///
    /// # Errors
    /// When the kernel has no randomness to give.
    pub fn begin(&self, subject: Subject, login: Option<Login>, now: Timestamp) -> anyhow::Result<String> {
        let secret = token::random()?;
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.lasts(now));
        if sessions.len() >= MOST
            && let Some(oldest) = sessions.iter().min_by_key(|(_, s)| s.seen).map(|(key, _)| key.clone())
        {
            sessions.remove(&oldest);
        }
        sessions.insert(token::digest(&secret), Session { subject, login, since: now, seen: now });
        Ok(secret)
    }

    /// Whose session this is, if it lasts; it was used now.
    pub fn whose(&self, secret: &str, now: Timestamp) -> Option<Subject> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get_mut(&token::digest(secret)).filter(|session| session.lasts(now))?;
        session.seen = now;
        Some(session.subject.clone())
    }

    /// Ends the sessions of a login that the identity provider has ended, or each of that person.
    pub fn end_login(&self, person: &Subject, sid: Option<&Sid>) {
        let meant = |session: &Session| {
            let own = session.login.as_ref().map(|login| &login.sid);
            session.subject == *person && sid.is_none_or(|sid| own == Some(sid))
        };
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| !meant(session));
    }

    /// Ends a session.
    pub fn end(&self, secret: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&token::digest(secret));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + 60 * minute).unwrap()
    }

    fn somebody() -> Subject {
        Subject::try_from("an-admin".to_owned()).unwrap()
    }

    #[test]
    fn a_session_ends_when_it_is_left_and_after_a_day_of_work() {
        let sessions = Sessions::default();
        let secret = sessions.begin(somebody(), None, at(0)).unwrap();
        assert_eq!(sessions.whose(&secret, at(29)), Some(somebody()));
        assert_eq!(sessions.whose(&secret, at(59)), None, "left for half an hour");
        let secret = sessions.begin(somebody(), None, at(0)).unwrap();
        assert!((1..24).all(|n| sessions.whose(&secret, at(20 * n)).is_some()));
        assert_eq!(sessions.whose(&secret, at(480)), None, "eight hours at most");
        assert_eq!(sessions.whose("guess", at(0)), None);
    }

    #[test]
    fn a_login_that_the_provider_ended_has_no_session() {
        let sid = |text: &str| Sid::try_from(text.to_owned()).unwrap();
        let login = |text| Some(Login { sid: sid(text), at_provider: false });
        let sessions = Sessions::default();
        let one = sessions.begin(somebody(), login("one"), at(0)).unwrap();
        let two = sessions.begin(somebody(), login("two"), at(0)).unwrap();
        sessions.end_login(&somebody(), Some(&sid("one")));
        assert_eq!((sessions.whose(&one, at(0)), sessions.whose(&two, at(0))), (None, Some(somebody())));
        sessions.end_login(&Subject::try_from("another".to_owned()).unwrap(), None);
        assert!(sessions.whose(&two, at(0)).is_some());
        sessions.end_login(&somebody(), None);
        assert!(sessions.whose(&two, at(0)).is_none());
    }

    #[test]
    fn who_logs_out_is_out_and_the_table_does_not_grow() {
        let sessions = Sessions::default();
        let secret = sessions.begin(somebody(), None, at(0)).unwrap();
        sessions.end(&secret);
        assert_eq!(sessions.whose(&secret, at(0)), None);
        let first = sessions.begin(somebody(), None, at(0)).unwrap();
        let rest: Vec<_> = (0..MOST).map(|_| sessions.begin(somebody(), None, at(1)).unwrap()).collect();
        assert_eq!(sessions.0.lock().unwrap().len(), MOST);
        assert_eq!(sessions.whose(&first, at(1)), None, "it made room");
        assert!(rest.iter().all(|secret| sessions.whose(secret, at(1)).is_some()));
    }
}
