//! Who is logged in on the office side.

use varco_policy::{
    Subject,
    pass::{Session as Login, Sid},
};
pub use varco_web::session::LONGEST;

/// The cookie.
pub const COOKIE: &str = "__Host-admin";
/// How many there may be.
const MOST: usize = 32;

/// An administrator, and the login that the session came from.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Who.
    pub subject: Subject,
    /// The login at the hub, where it names it.
    pub login: Option<Login>,
}

/// All sessions.
#[derive(Debug)]
pub struct Sessions(varco_web::session::Sessions<Visitor>);

impl Default for Sessions {
    fn default() -> Self {
        Self(varco_web::session::Sessions::new(MOST))
    }
}

impl std::ops::Deref for Sessions {
    type Target = varco_web::session::Sessions<Visitor>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Sessions {
    /// Ends the sessions of a login that the identity provider has ended, or each of that person.
    pub fn end_login(&self, person: &Subject, sid: Option<&Sid>) {
        self.end_those(|visitor| {
            let own = visitor.login.as_ref().map(|login| &login.sid);
            visitor.subject == *person && sid.is_none_or(|sid| own == Some(sid))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn a_login_that_the_provider_ended_has_no_session() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let person = |name: &str| Subject::try_from(name.to_owned()).unwrap();
        let sid = |text: &str| Sid::try_from(text.to_owned()).unwrap();
        let visitor = |text| {
            let login = Some(Login { sid: sid(text), at_provider: false });
            Visitor { subject: person("an-admin"), login }
        };
        let sessions = Sessions::default();
        let one = sessions.begin(visitor("one"), now).unwrap();
        let two = sessions.begin(visitor("two"), now).unwrap();
        sessions.end_login(&person("an-admin"), Some(&sid("one")));
        assert!(sessions.whose(&one, now).is_none() && sessions.whose(&two, now).is_some());
        sessions.end_login(&person("another"), None);
        assert!(sessions.whose(&two, now).is_some());
        sessions.end_login(&person("an-admin"), None);
        assert!(sessions.whose(&two, now).is_none());
    }
}
