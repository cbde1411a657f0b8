//! Errors and warnings about settings: file, line, key, what was found, what is accepted.
//!
//! All errors of a file are collected, so that a person can correct them at once. Deliberately
//! absent: reading the values. Invariant: no message shows a secret.

use std::fmt;

use super::spanned_value::SpannedValue;

/// An unknown key: it has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Name of the file.
    pub file: String,
    /// Counted from 1.
    pub line: Option<usize>,
    /// The unknown key.
    pub key: String,
    /// The most similar known key.
    pub nearest: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        place(f, &self.file, self.line)?;
        write!(f, "unknown key {} has no effect; the nearest known key is {}", self.key, self.nearest)
    }
}

/// The errors of a settings file. They are shown one per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsErrors {
    /// Every error; never empty.
    pub errors: Vec<SettingsError>,
    /// The unknown keys: one of them may be a misspelt required key.
    pub warnings: Vec<Warning>,
}

impl fmt::Display for SettingsErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsErrors {}

/// One error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// Name of the file.
    pub file: String,
    /// Counted from 1; `None` if the key is missing.
    pub line: Option<usize>,
    /// Dotted name of the key; empty for a file that is not TOML.
    pub key: String,
    /// What is wrong.
    pub kind: SettingsErrorKind,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsErrorKind {
    /// The file is not TOML.
    Syntax(String),
    /// The type or the value.
    Wrong {
        /// What was found.
        found: String,
        /// What is accepted.
        accepted: String,
    },
    /// A required key is missing.
    Missing {
        /// What is accepted.
        accepted: String,
    },
    /// The value would be a secret.
    Secret,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        place(f, &self.file, self.line)?;
        match &self.kind {
            SettingsErrorKind::Syntax(message) => write!(f, "this is not TOML: {message}"),
            SettingsErrorKind::Wrong { found, accepted } => {
                write!(f, "{}: found {found}; accepted is {accepted}", self.key)
            }
            SettingsErrorKind::Missing { accepted } => write!(f, "{} is missing; accepted is {accepted}", self.key),
            SettingsErrorKind::Secret => write!(
                f,
                "{}: secrets are not allowed in a settings file; remove it and sign in: the app and `belfryctl sign-in` \
                 store it in the keychain; without a keychain use BELFRY_TOKEN, BELFRY_PASSWORD or --token-file",
                self.key
            ),
        }
    }
}

impl std::error::Error for SettingsError {}

fn place(f: &mut fmt::Formatter<'_>, file: &str, line: Option<usize>) -> fmt::Result {
    match line {
        Some(line) => write!(f, "{file}:{line}: "),
        None => write!(f, "{file}: "),
    }
}

/// Collects errors and warnings while a file is read.
#[derive(Debug)]
pub(super) struct SettingsReport {
    file: String,
    pub(super) errors: Vec<SettingsError>,
    pub(super) warnings: Vec<Warning>,
}

impl From<SettingsReport> for SettingsErrors {
    fn from(SettingsReport { errors, warnings, .. }: SettingsReport) -> Self {
        Self { errors, warnings }
    }
}

impl SettingsReport {
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), errors: Vec::new(), warnings: Vec::new() }
    }

    /// Adds an error. Returns `None`, so that a reader can end with this call.
    pub(super) fn wrong<T>(&mut self, key: &str, spanned: &SpannedValue, accepted: &str) -> Option<T> {
        self.found(key, spanned, spanned.shown(), accepted)
    }

    /// [`Self::wrong`] for a place where people paste secrets: the text is not shown.
    pub(super) fn wrong_hidden<T>(&mut self, key: &str, spanned: &SpannedValue, accepted: &str) -> Option<T> {
        self.found(key, spanned, "something else (not shown, since it may be a secret)".to_owned(), accepted)
    }

    fn found<T>(&mut self, key: &str, spanned: &SpannedValue, found: String, accepted: &str) -> Option<T> {
        self.error(key, spanned.line, SettingsErrorKind::Wrong { found, accepted: accepted.to_owned() })
    }

    pub(super) fn missing<T>(&mut self, key: &str, line: Option<usize>, accepted: &str) -> Option<T> {
        self.error(key, line, SettingsErrorKind::Missing { accepted: accepted.to_owned() })
    }

    pub(super) fn error<T>(&mut self, key: &str, line: Option<usize>, kind: SettingsErrorKind) -> Option<T> {
        self.errors.push(SettingsError { file: self.file.clone(), line, key: shown_key(key), kind });
        None
    }

    /// Adds a warning about a key that is not among `known`; an error if its name says that it
    /// holds a secret.
    pub(super) fn unknown<'a>(&mut self, key: &str, spanned: &SpannedValue, known: impl Iterator<Item = &'a str>) {
        if is_secret_name(leaf(key)) {
            self.error::<()>(key, spanned.line, SettingsErrorKind::Secret);
            return;
        }
        let key = shown_key(key);
        if let Some(nearest) = known.min_by_key(|known| distance(&key, known)) {
            let nearest = nearest.to_owned();
            self.warnings.push(Warning { file: self.file.clone(), line: spanned.line, key, nearest });
        }
    }
}

/// Whether a key of this name would hold a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    matches!(
        plain.as_str(),
        "token"
            | "accesstoken"
            | "refreshtoken"
            | "password"
            | "passwd"
            | "passcode"
            | "secret"
            | "clientsecret"
            | "apikey"
            | "authorization"
    )
}

/// Keys are written by people too: control characters are escaped, and the length is limited.
fn shown_key(key: &str) -> String {
    key.chars().take(100).flat_map(char::escape_debug).collect()
}

fn leaf(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// The edit distance of two dotted names: as a whole, or of their last parts plus 1 for the other
/// section.
fn distance(one: &str, other: &str) -> usize {
    let whole = strsim::damerau_levenshtein(one, other);
    whole.min(strsim::damerau_levenshtein(leaf(one), leaf(other)) + 1)
}
