//! Why a program ended: the exit codes of `docs/reference/commands.md`, for the app and
//! `belfryctl`.
//!
//! Deliberately absent: messages, and errors that only one of the programs has. Invariants: every
//! error of engine and host is mapped here and nowhere else; scripts rely on the numbers, so they
//! never change.

use std::process::ExitCode;

use belfry_core::error::{Failure, Fault};
use belfry_core::ports::CredentialError;
use engine::StartError;
use engine::store::StoreError;

use crate::paths::NoHome;
use crate::settings::ReadError;

/// Every exit code except 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// Anything without a code of its own.
    Failed = 1,
    /// Bad usage or settings.
    Usage = 2,
    /// Sign-in needed.
    SignIn = 3,
    /// Server unreachable.
    Unreachable = 4,
    /// Data directory in use.
    InUse = 5,
    /// Store unusable.
    Store = 6,
}

impl ExitReason {
    /// The number that scripts see.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<ExitReason> for ExitCode {
    fn from(reason: ExitReason) -> Self {
        Self::from(reason.code())
    }
}

impl From<&NoHome> for ExitReason {
    fn from(_: &NoHome) -> Self {
        Self::Usage
    }
}

impl From<&ReadError> for ExitReason {
    fn from(error: &ReadError) -> Self {
        match error {
            ReadError::NoHome(error) => error.into(),
            ReadError::Missing(_) | ReadError::Unreadable { .. } | ReadError::NotUtf8(_) | ReadError::Invalid(_) => {
                Self::Usage
            }
        }
    }
}

impl From<&StartError> for ExitReason {
    fn from(error: &StartError) -> Self {
        match error {
            StartError::NoServer => Self::Usage,
            StartError::InUse(_) => Self::InUse,
            StartError::DataDir { .. } | StartError::Store(_) => Self::Store,
            StartError::Thread(_) => Self::Failed,
        }
    }
}

impl From<&StoreError> for ExitReason {
    fn from(_: &StoreError) -> Self {
        Self::Store
    }
}

impl From<&CredentialError> for ExitReason {
    fn from(error: &CredentialError) -> Self {
        match error {
            CredentialError::File(_) => Self::Usage,
            CredentialError::Unavailable(_) | CredentialError::Locked(_) => Self::Failed,
        }
    }
}

impl From<&Failure> for ExitReason {
    fn from(failure: &Failure) -> Self {
        match failure.fault {
            Fault::Unreachable
            | Fault::TimedOut
            | Fault::Tls(_)
            | Fault::Page(_)
            | Fault::ProxyAuth
            | Fault::UnusableProxy
            | Fault::Closed
            | Fault::Restarting
            | Fault::TurnedAway
            | Fault::Broken
            | Fault::Silent
            | Fault::Died => Self::Unreachable,
            Fault::Status(401 | 403) | Fault::Refused | Fault::Password | Fault::WrongAccount => Self::SignIn,
            Fault::NoCredential | Fault::NotAgreed | Fault::Expired | Fault::Locked | Fault::Keychain => Self::SignIn,
            Fault::Status(status) if status >= 500 || matches!(status, 408 | 425 | 429) => Self::Unreachable,
            Fault::Insecure | Fault::Settings => Self::Usage,
            Fault::Status(_) | Fault::Denied | Fault::NotPermitted | Fault::Protocol => Self::Failed,
            Fault::BadAnswer | Fault::Declined => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::error::TlsFault;

    use super::*;

    #[test]
    fn failures_have_the_exit_codes_of_the_reference() {
        for (fault, code) in [
            (Fault::Unreachable, 4),
            (Fault::Tls(TlsFault::Untrusted), 4),
            (Fault::Status(503), 4),
            (Fault::Status(401), 3),
            (Fault::Refused, 3),
            (Fault::NoCredential, 3),
            (Fault::Insecure, 2),
            (Fault::Status(404), 1),
            (Fault::BadAnswer, 1),
        ] {
            assert_eq!(ExitReason::from(&Failure::new(fault, "")).code(), code, "{fault:?}");
        }
    }
}
