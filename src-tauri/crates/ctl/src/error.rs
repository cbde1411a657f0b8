//! How a command ends: the exit codes of `docs/reference/commands.md`, and one line on stderr that
//! says what, where and what to do.
//!
//! Invariant: every error of engine and host is sorted here and nowhere else; none of them holds a secret.

use std::{fmt, process::ExitCode};

use belfry_core::{
    error::{Failure, Fault},
    ports::CredentialError,
};
use engine::{StartError, inbox::ExportError, store::StoreError};
use host::{paths::NoHome, settings::ReadError};

/// The exit codes besides 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Failed = 1,
    Usage = 2,
    SignIn = 3,
    Unreachable = 4,
    InUse = 5,
    Store = 6,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why a command could not do what it was asked.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) code: Code,
    message: String,
    /// What is worth a word beside it, one a line.
    pub(crate) warnings: Vec<String>,
    /// Nobody reads our output any more: a reason to end, not to complain.
    pub(crate) is_quiet: bool,
}

impl Error {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), warnings: Vec::new(), is_quiet: false }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        let code = if matches!(error, ReadError::NoHome(_)) { Code::Failed } else { Code::Usage };
        let warnings = error.warnings().iter().map(ToString::to_string).collect();
        Self { warnings, ..Self::new(code, error.to_string()) }
    }
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        let code = match error {
            StartError::NoServer => Code::Usage,
            StartError::InUse(_) => Code::InUse,
            StartError::DataDir { .. } | StartError::Store(_) => Code::Store,
            StartError::Thread(_) => Code::Failed,
        };
        Self::new(code, error.to_string())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::new(Code::Store, error.to_string())
    }
}

impl From<ExportError> for Error {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            ExportError::Write(error) if error.kind() == std::io::ErrorKind::BrokenPipe => error.into(),
            ExportError::Write(_) => Self::new(Code::Failed, error.to_string()),
        }
    }
}

impl From<CredentialError> for Error {
    fn from(error: CredentialError) -> Self {
        let code = match error {
            CredentialError::File(_) => Code::Usage,
            CredentialError::Unavailable(_) | CredentialError::Locked(_) => Code::Failed,
        };
        Self::new(code, error.to_string())
    }
}

impl From<NoHome> for Error {
    fn from(error: NoHome) -> Self {
        Self::new(Code::Usage, error.to_string())
    }
}

/// Of writing to standard output.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        let is_quiet = error.kind() == std::io::ErrorKind::BrokenPipe;
        Self { is_quiet, ..Self::new(Code::Failed, format!("standard output cannot be written: {error}")) }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let code = match failure.fault {
            Fault::Unreachable
            | Fault::TimedOut
            | Fault::Tls
            | Fault::ProxyAuth
            | Fault::Closed
            | Fault::Broken
            | Fault::Silent
            | Fault::Died => Code::Unreachable,
            Fault::Status(401 | 403) | Fault::Refused | Fault::Password | Fault::WrongAccount => Code::SignIn,
            Fault::NoCredential | Fault::Locked | Fault::Keychain => Code::SignIn,
            Fault::Status(status) if status >= 500 || matches!(status, 408 | 425 | 429) => Code::Unreachable,
            Fault::Insecure | Fault::Settings => Code::Usage,
            Fault::Status(_) | Fault::Denied | Fault::Protocol | Fault::BadAnswer | Fault::Declined => Code::Failed,
        };
        let (reason, remedy) = (failure.reason(), failure.remedy());
        let message = if remedy.is_empty() { reason } else { format!("{reason}: {remedy}") };
        Self::new(code, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_the_contracts_exit_codes() {
        let code = |fault| Error::from(Failure::new(fault, "")).code;
        assert_eq!(code(Fault::Unreachable), Code::Unreachable);
        assert_eq!(code(Fault::Tls), Code::Unreachable);
        assert_eq!(code(Fault::Status(503)), Code::Unreachable);
        assert_eq!(code(Fault::Status(401)), Code::SignIn);
        assert_eq!(code(Fault::Refused), Code::SignIn);
        assert_eq!(code(Fault::NoCredential), Code::SignIn);
        assert_eq!(code(Fault::Insecure), Code::Usage);
        assert_eq!(code(Fault::Status(404)), Code::Failed);
        assert_eq!(code(Fault::BadAnswer), Code::Failed);
    }

    #[test]
    fn a_failure_says_what_happened_where_and_what_to_do() {
        let failure = Failure::new(Fault::Refused, "push.example.com: bad token");
        assert_eq!(
            Error::from(failure).to_string(),
            "the server refused the sign-in: push.example.com: bad token: sign in again"
        );
    }

    #[test]
    fn nobody_is_told_that_nobody_listens() {
        let quiet = |kind| Error::from(std::io::Error::from(kind)).is_quiet;
        assert!(quiet(std::io::ErrorKind::BrokenPipe));
        assert!(!quiet(std::io::ErrorKind::StorageFull));
    }
}
