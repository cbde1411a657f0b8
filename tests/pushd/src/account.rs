//! The login and password of a person that the server knows from its start.
//!
//! Invariant: a password is never printed.

use std::fmt;

/// A person who can sign in.
#[derive(Clone)]
pub struct Account {
    /// Login name.
    pub login: String,
    /// Password, in the clear until the server has started.
    pub password: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("login", &self.login).field("password", &"***").finish()
    }
}
