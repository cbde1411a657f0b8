//! Finds, reads and checks the settings of this machine, for every program in the same way.
//!
//! Deliberately absent: what the keys mean ([`belfry_core::settings`]), and writing. Invariant: a
//! file with an error gives no settings at all; nothing is guessed.

use std::io;
use std::path::{Path, PathBuf};

use belfry_core::settings::{Settings, SettingsErrors, Warning};

use crate::paths::{self, NoHome};

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

/// Reads `file`, otherwise the user's settings file. The warnings name keys that have no effect.
///
/// # Errors
/// [`ReadError`], with every error of the file.
pub fn read(file: Option<&Path>) -> Result<(Settings, Vec<Warning>), ReadError> {
    let path = file.map_or_else(paths::settings_file, |file| Ok(file.to_owned()))?;
    let text = std::fs::read_to_string(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ReadError::Missing(path.clone()),
        io::ErrorKind::InvalidData => ReadError::NotUtf8(path.clone()),
        _ => ReadError::Unreadable { path: path.clone(), source },
    })?;
    Ok(Settings::parse(&text, &path.display().to_string())?)
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
    fn an_unknown_key_is_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, "[server]\nendpoints = [\"wss://push.example.com/ws\"]\nheartbeat = 1\n").unwrap();
        let (settings, warnings) = read(Some(&path)).unwrap();
        assert_eq!(settings.server.endpoints.len(), 1);
        assert!(warnings[0].to_string().contains("server.heart_beat"), "{}", warnings[0]);
    }
}
