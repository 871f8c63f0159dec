//! Who is logged in at the console. The cookie is `SameSite=Strict`: no link from elsewhere opens a page as somebody.

use super::role::{Right, Role};
use actix_web::{HttpMessage, HttpRequest};
use std::fmt;

/// The cookie.
pub const COOKIE: &str = "__Host-console";
/// How much of the identifier is shown, in characters.
const SHORT: usize = 8;

/// Somebody who is logged in.
#[derive(Clone)]
pub struct Visitor {
    /// Who, as the console knows them: pairwise, it says nothing elsewhere.
    pub who: String,
    /// What they are.
    pub roles: Vec<Role>,
    /// The login, which the identity provider may end.
    pub sid: String,
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor").field("roles", &self.roles).finish_non_exhaustive()
    }
}

impl Visitor {
    /// Who asks, once the gate has let them in.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    /// Whether one of the roles has the right.
    pub fn may(&self, right: Right) -> bool {
        self.roles.iter().any(|role| role.rights().contains(&right))
    }

    /// The beginning of the identifier, by which one person is told from another.
    pub fn short(&self) -> &str {
        self.who.get(..SHORT).unwrap_or(&self.who)
    }
}
