//! The error of a command: an exit code and a text that says what happened, where and what to do.
//!
//! Deliberately absent: which error has which exit code ([`host::exit_reason`]). Invariant: no
//! error contains a secret.

use std::fmt;

use belfry_core::{error::Failure, ports::CredentialError};
use engine::{StartError, inbox::ExportError, store::StoreError};
use host::{exit_reason::ExitReason, paths::NoHome, settings::ReadError};

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) reason: ExitReason,
    message: String,
    /// Further messages about the same file, one each.
    pub(crate) warnings: Vec<String>,
    /// The reader of standard output has closed it: the command ends, without a message.
    pub(crate) is_broken_pipe: bool,
}

impl Error {
    pub(crate) fn new(reason: ExitReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), warnings: Vec::new(), is_broken_pipe: false }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        let warnings = error.warnings().iter().map(ToString::to_string).collect();
        Self { warnings, ..Self::new(ExitReason::from(&error), error.to_string()) }
    }
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        Self::new(ExitReason::from(&error), error.to_string())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::new(ExitReason::from(&error), error.to_string())
    }
}

impl From<ExportError> for Error {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            ExportError::Write(error) if error.kind() == std::io::ErrorKind::BrokenPipe => error.into(),
            ExportError::Write(_) => Self::new(ExitReason::Failed, error.to_string()),
        }
    }
}

impl From<CredentialError> for Error {
    fn from(error: CredentialError) -> Self {
        Self::new(ExitReason::from(&error), error.to_string())
    }
}

impl From<NoHome> for Error {
    fn from(error: NoHome) -> Self {
        Self::new(ExitReason::from(&error), error.to_string())
    }
}

/// An error of writing to standard output.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        let is_broken_pipe = error.kind() == std::io::ErrorKind::BrokenPipe;
        let message = format!("standard output cannot be written: {error}");
        Self { is_broken_pipe, ..Self::new(ExitReason::Failed, message) }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let (reason, remedy) = (failure.reason(), failure.remedy());
        let message = if remedy.is_empty() { reason } else { format!("{reason}: {remedy}") };
        Self::new(ExitReason::from(&failure), message)
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::error::Fault;

    use super::*;

    #[test]
    fn a_failure_says_what_happened_where_and_what_to_do() {
        let failure = Failure::new(Fault::Refused, "push.example.com: bad token");
        assert_eq!(
            Error::from(failure).to_string(),
            "the server refused the sign-in: push.example.com: bad token: sign in again"
        );
    }

    #[test]
    fn a_closed_standard_output_is_no_message() {
        let is_broken_pipe = |kind| Error::from(std::io::Error::from(kind)).is_broken_pipe;
        assert!(is_broken_pipe(std::io::ErrorKind::BrokenPipe));
        assert!(!is_broken_pipe(std::io::ErrorKind::StorageFull));
    }
}
