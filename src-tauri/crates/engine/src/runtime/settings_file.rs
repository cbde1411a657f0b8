//! The person's settings file on disk: read, and changed key by key.
//!
//! Deliberately absent: how a change is made to the text ([`belfry_core::settings::edit`]).
//! Invariants: a reader sees the old file or the new one, never a part; a link stays a link; a new
//! file can be read by its owner only.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use belfry_core::settings::{EditError, Settings, edit};

/// Why a change was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The file cannot be read.
    #[error("{}: the settings file cannot be read ({source}): allow Belfry to read it; nothing was changed", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The change is not valid.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The file cannot be written.
    #[error("{}: the settings file cannot be written ({source}): allow Belfry to write there; nothing was changed", path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The text of the file; empty when there is none yet.
///
/// # Errors
/// [`SaveError::Unreadable`].
pub fn read(path: &Path) -> Result<String, SaveError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(SaveError::Unreadable { path: path.to_owned(), source }),
    }
}

/// Sets these keys, or removes them where there is no value; returns the new settings, which name
/// no server if none is set yet. The folder is made if it does not exist.
///
/// # Errors
/// [`SaveError`]; then the file is as it was.
pub fn save(path: &Path, changes: &[(String, Option<Value>)]) -> Result<Settings, SaveError> {
    let (settings, text) = edited(path, changes)?;
    replace(path, &text).map_err(|source| SaveError::Unwritable { path: path.to_owned(), source })?;
    Ok(settings)
}

/// The settings as these changes would leave them; nothing is written.
///
/// # Errors
/// As [`save`].
pub fn preview(path: &Path, changes: &[(String, Option<Value>)]) -> Result<Settings, SaveError> {
    Ok(edited(path, changes)?.0)
}

fn edited(path: &Path, changes: &[(String, Option<Value>)]) -> Result<(Settings, String), SaveError> {
    let name = path.display().to_string();
    let text = edit(&read(path)?, &name, changes)?;
    let (settings, _) = Settings::parse_unfinished(&text, &name).map_err(EditError::Broken)?;
    Ok((settings, text))
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension("toml.new");
    let written = write_new(&beside, text).and_then(|()| {
        if let Ok(metadata) = fs::metadata(&path) {
            fs::set_permissions(&beside, metadata.permissions())?;
        }
        fs::rename(&beside, &path)
    });
    if written.is_err() {
        // The half-written file is of no use. If it cannot be removed either, the error of the
        // write says why.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Writes a new file and waits until it is on the disk.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(key: &str, value: Value) -> Vec<(String, Option<Value>)> {
        vec![(key.to_owned(), Some(value))]
    }

    #[test]
    fn a_first_change_makes_the_file_and_the_next_ones_keep_what_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry").join("settings.toml");
        assert_eq!(read(&path).unwrap(), "");
        save(&path, &change("server.endpoints", json!(["wss://push.example.com/ws"]))).unwrap();
        fs::write(&path, format!("# mine\n{}", read(&path).unwrap())).unwrap();
        let settings = save(&path, &change("app.theme", json!("dark"))).unwrap();
        assert_eq!(settings.app.theme, belfry_core::settings::Theme::Dark);
        assert!(read(&path).unwrap().starts_with("# mine\n[server]\n"));
        let names: Vec<_> =
            fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["settings.toml"], "nothing is left beside it");
    }

    #[test]
    fn a_change_that_is_refused_touches_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        fs::write(&path, "[server]\nendpoints = 7\n").unwrap();
        let error = save(&path, &change("app.theme", json!("dark"))).unwrap_err();
        assert!(error.to_string().contains("server.endpoints"), "{error}");
        assert_eq!(read(&path).unwrap(), "[server]\nendpoints = 7\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_the_mode_stays_as_it_was() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.toml"), folder.path().join("settings.toml"));
        fs::write(&real, "[server]\nendpoints = [\"wss://h/ws\"]\n").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&real, &link).unwrap();
        save(&link, &change("app.theme", json!("dark"))).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink() && read(&real).unwrap().contains("dark"));
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
