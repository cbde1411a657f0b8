//! Finds, reads and checks the settings of this machine, for every program in the same way.
//!
//! Deliberately absent: what the keys mean, and which value is in effect
//! ([`belfry_core::settings`]). Invariants: a file with an error gives no settings at all; nothing
//! is guessed; no program reads the person's file without the managed settings.

use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use belfry_core::settings::policy::{Effective, Managed, resolve};
use belfry_core::settings::{EditError, ListedSetting, Settings, SettingsErrors, Warning};
use engine::runtime::settings_file::{self, SaveError};
use serde_json::Value;

use crate::paths::{self, NoHome};
use crate::policy;

/// How often [`watch`] looks: a change need not hold at once, and each look reads a few small files.
const WATCH_INTERVAL: Duration = Duration::from_secs(15);

/// Changes of a settings file: dotted names, with `None` for a key to be taken out.
type Changes = [(String, Option<Value>)];

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No file was given, and the home directory is unknown.
    #[error(transparent)]
    NoHome(#[from] NoHome),
    /// There is no such file.
    #[error("{}: there is no settings file: create one with server.endpoints, or give --config FILE", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read.
    #[error("{}: the settings file cannot be read ({source}): allow Belfry to read it, or give --config FILE", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file is not UTF-8.
    #[error("{}: the settings file is not UTF-8 text: save it with the encoding UTF-8", .0.display())]
    NotUtf8(PathBuf),
    /// The file has errors.
    #[error(transparent)]
    Invalid(#[from] SettingsErrors),
}

impl ReadError {
    /// The warnings about a file with errors: keys that have no effect.
    pub fn warnings(&self) -> &[Warning] {
        match self {
            Self::Invalid(errors) => &errors.warnings,
            Self::NoHome(_) | Self::Missing(_) | Self::Unreadable { .. } | Self::NotUtf8(_) => &[],
        }
    }
}

/// Reads `file`, else the settings file of this person, together with the managed settings. The
/// warnings name keys that have no effect; what is wrong with managed settings goes into the log.
///
/// # Errors
/// [`ReadError`], with every error of the file.
pub fn read(file: Option<&Path>) -> Result<(Settings, Vec<Warning>), ReadError> {
    let effective = effective(file)?;
    for violation in effective.violations() {
        tracing::warn!("{violation}");
    }
    Ok((effective.settings, effective.warnings))
}

/// As [`read`], with where each value comes from. Without a file, managed settings that name the
/// server are enough.
///
/// # Errors
/// [`ReadError`], with every error of the file.
pub fn effective(file: Option<&Path>) -> Result<Effective, ReadError> {
    let path = file.map_or_else(paths::settings_file, |file| Ok(file.to_owned()))?;
    of_file(&path, &policy::read(), true)
}

/// As [`effective`], of a file that need not name the server yet, or exist yet.
///
/// # Errors
/// [`ReadError`], with every error of the file.
pub fn unfinished(file: &Path) -> Result<Effective, ReadError> {
    of_file(file, &policy::read(), false)
}

/// Every key, as a window lists it.
///
/// # Errors
/// [`ReadError`], with every error of the file.
pub fn list(file: &Path) -> Result<Vec<ListedSetting>, ReadError> {
    let managed = policy::read();
    let without_file = resolve("", &file.display().to_string(), &managed, false)?;
    Ok(of_file(file, &managed, false)?.list(&without_file))
}

/// Whether an administrator has decided this key, so that the person cannot change it.
pub fn is_locked(file: &Path, key: &str) -> bool {
    let effective = unfinished(file);
    effective.is_ok_and(|effective| effective.key(key).is_some_and(belfry_core::settings::policy::Effect::is_locked))
}

/// Calls `on_change` after each change of the person's file or of the managed settings, on a thread
/// of its own, until the program ends.
pub fn watch(file: PathBuf, on_change: impl Fn() + Send + 'static) {
    let mut seen = SeenSettings::now(file);
    let look = move || {
        loop {
            thread::sleep(WATCH_INTERVAL);
            if seen.has_changed() {
                on_change();
            }
        }
    };
    if let Err(error) = thread::Builder::new().name("settings".to_owned()).spawn(look) {
        tracing::warn!(%error, "changed settings hold after the next start only");
    }
}

/// The sources of settings, as they were when they were last looked at.
struct SeenSettings {
    file: PathBuf,
    text: Option<Vec<u8>>,
    managed: Managed,
}

impl SeenSettings {
    fn now(file: PathBuf) -> Self {
        Self { text: std::fs::read(&file).ok(), managed: policy::read(), file }
    }

    /// Compares the contents, since times of files are coarse.
    fn has_changed(&mut self) -> bool {
        let now = Self::now(self.file.clone());
        let has_changed = now.text != self.text || now.managed != self.managed;
        *self = now;
        has_changed
    }
}

/// Changes the person's file; the settings that hold then.
///
/// # Errors
/// [`SaveError`], also when a key is managed; then the file is as it was.
pub fn save(file: &Path, changes: &Changes) -> Result<Settings, SaveError> {
    let managed = policy::read();
    refuse_locked(file, &managed, changes)?;
    settings_file::save(file, changes)?;
    joined(&settings_file::read(file)?, file, &managed)
}

/// The settings that would hold after these changes; nothing is written.
///
/// # Errors
/// As [`save`].
pub fn preview(file: &Path, changes: &Changes) -> Result<Settings, SaveError> {
    let managed = policy::read();
    refuse_locked(file, &managed, changes)?;
    let text = belfry_core::settings::edit(&settings_file::read(file)?, &file.display().to_string(), changes)?;
    joined(&text, file, &managed)
}

/// Those of the changes that no administrator has decided: what a server says of itself never
/// stands against a policy.
///
/// # Errors
/// [`SaveError::Edit`], when the person's file has errors.
pub fn unlocked(file: &Path, changes: Vec<(String, Option<Value>)>) -> Result<Vec<(String, Option<Value>)>, SaveError> {
    let locks = resolve("", &file.display().to_string(), &policy::read(), false).map_err(EditError::Broken)?;
    let is_free = |key: &str| !locks.key(key).is_some_and(belfry_core::settings::policy::Effect::is_locked);
    Ok(changes.into_iter().filter(|(key, _)| is_free(key)).collect())
}

fn joined(text: &str, file: &Path, managed: &Managed) -> Result<Settings, SaveError> {
    let name = file.display().to_string();
    let settings = resolve(text, &name, managed, false).map_err(EditError::Broken)?.settings;
    if !settings.server.endpoints.is_empty() {
        settings.check_complete(&name).map_err(EditError::Broken)?;
    }
    Ok(settings)
}

/// A locked key may be "changed" to the value it has: then nothing is asked for.
fn refuse_locked(file: &Path, managed: &Managed, changes: &Changes) -> Result<(), SaveError> {
    let locks = resolve("", &file.display().to_string(), managed, false).map_err(EditError::Broken)?;
    for (key, value) in changes {
        if let Some(effect) = locks.key(key)
            && effect.is_locked()
            && value.as_ref() != Some(&effect.value)
        {
            return Err(EditError::Locked { key: key.clone(), place: effect.source.clone() }.into());
        }
    }
    Ok(())
}

fn of_file(path: &Path, managed: &Managed, needs_server: bool) -> Result<Effective, ReadError> {
    let names_server = || managed.found.iter().any(|found| found.key == "server.endpoints");
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if needs_server && !names_server() {
                return Err(ReadError::Missing(path.to_owned()));
            }
            String::new()
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(ReadError::NotUtf8(path.to_owned())),
        Err(source) => return Err(ReadError::Unreadable { path: path.to_owned(), source }),
    };
    Ok(resolve(&text, &path.display().to_string(), managed, needs_server)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_missing_an_unreadable_and_an_invalid_file_says_which_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        let error = |path: &Path| read(Some(path)).unwrap_err().to_string();
        assert!(error(&path).contains("settings.toml: there is no settings file"), "{}", error(&path));
        assert!(error(folder.path()).contains("cannot be read"), "{}", error(folder.path()));
        std::fs::write(&path, [b'#', 0xff, 0xfe, b'\n']).unwrap();
        assert!(error(&path).contains("settings.toml: the settings file is not UTF-8"), "{}", error(&path));
        std::fs::write(&path, "[server]\nendpoints = 7\n").unwrap();
        assert!(error(&path).contains("settings.toml:2: server.endpoints"), "{}", error(&path));
        std::fs::write(&path, "[server]\nendpoint = [\"wss://push.example.com/ws\"]\n").unwrap();
        let invalid = read(Some(&path)).unwrap_err();
        assert!(invalid.to_string().contains("server.endpoints"), "{invalid}");
        assert!(invalid.warnings()[0].to_string().contains("unknown key server.endpoint"), "{:?}", invalid.warnings());
    }

    #[test]
    fn a_managed_server_needs_no_file_and_a_locked_key_cannot_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        let found = |key: &str, value: Value| belfry_core::settings::policy::Found {
            key: key.to_owned(),
            value,
            is_loose: false,
            level: belfry_core::settings::policy::Level::Mandatory,
            scope: belfry_core::settings::policy::Scope::Machine,
            source: "/etc/belfry/policies/managed/a.json".to_owned(),
        };
        let server = found("server.endpoints", serde_json::json!(["wss://push.example.com/ws"]));
        let managed = Managed { found: vec![server, found("app.theme", "dark".into())], ignored: Vec::new() };
        let effective = of_file(&path, &managed, true).unwrap();
        assert_eq!(effective.settings.server.endpoints.len(), 1);
        let change = |value: &str| [("app.theme".to_owned(), Some(value.into()))];
        refuse_locked(&path, &managed, &change("dark")).unwrap();
        let error = refuse_locked(&path, &managed, &change("light")).unwrap_err().to_string();
        assert!(error.contains("app.theme") && error.contains("managed/a.json"), "{error}");
    }

    #[test]
    fn a_settings_file_that_is_written_changed_or_removed_is_seen_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        let mut seen = SeenSettings::now(path.clone());
        assert!(!seen.has_changed());
        for text in ["[app]\ntheme = \"dark\"\n", "[app]\ntheme = \"grey\"\n"] {
            std::fs::write(&path, text).unwrap();
            assert!(seen.has_changed() && !seen.has_changed(), "{text}");
            std::fs::write(&path, text).unwrap();
            assert!(!seen.has_changed(), "the same text again");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(seen.has_changed() && !seen.has_changed());
    }

    #[test]
    fn an_unknown_key_is_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, "[server]\nendpoints = [\"wss://push.example.com/ws\"]\nheartbeat = 1\n").unwrap();
        let (settings, warnings) = read(Some(&path)).unwrap();
        assert_eq!(settings.server.endpoints.len(), 1);
        assert!(warnings[0].to_string().contains("server.heart_beat"), "{}", warnings[0]);
    }
}
