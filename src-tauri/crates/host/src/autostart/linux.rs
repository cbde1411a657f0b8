//! Linux: `autostart/belfry.desktop` in the configuration directory (Desktop Application Autostart
//! Specification 0.5).
//!
//! An entry for the whole machine has the same name in one of `XDG_CONFIG_DIRS`; a file in the
//! user's folder overrides it.

#[path = "file.rs"]
mod file;

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use super::{path_text, text};

const ENTRY: &str = "autostart/belfry.desktop";

/// Packages install below these folders; a local build does not.
const INSTALL_FOLDERS: [&str; 4] = ["/usr", "/opt", "/app", "/snap"];

/// The path of an AppImage is that of its file, not of its mount.
pub(super) fn installed(program: &Path) -> Option<PathBuf> {
    if let Some(image) = env::var_os("APPIMAGE") {
        return Some(image.into());
    }
    INSTALL_FOLDERS.iter().any(|folder| program.starts_with(folder)).then(|| program.to_owned())
}

/// # Errors
/// No home directory, or the error of the system.
pub(super) fn apply(program: &Path, is_enabled: bool) -> io::Result<()> {
    let folders = directories::BaseDirs::new().ok_or_else(|| io::Error::other("no home directory is known"))?;
    let machine_folders =
        env::var("XDG_CONFIG_DIRS").ok().filter(|dirs| !dirs.is_empty()).unwrap_or_else(|| "/etc/xdg".to_owned());
    let has_machine_entry = env::split_paths(&machine_folders).any(|folder| folder.join(ENTRY).exists());
    set(&folders.config_dir().join(ENTRY), has_machine_entry, program, is_enabled)
}

fn set(entry: &Path, has_machine_entry: bool, program: &Path, is_enabled: bool) -> io::Result<()> {
    match (is_enabled, has_machine_entry) {
        (true, false) => file::set(entry, Some(&text::desktop_entry(path_text(program)?))),
        (true, true) | (false, false) => file::set(entry, None),
        (false, true) => file::set(entry, Some(text::hidden_desktop_entry())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_entry_is_written_and_removed_with_the_setting() {
        let folder = tempfile::tempdir().unwrap();
        let entry = folder.path().join(ENTRY);
        let program = Path::new("/opt/My Apps/belfry");
        set(&entry, false, program, true).unwrap();
        assert!(fs::read_to_string(&entry).unwrap().contains("Exec=\"/opt/My Apps/belfry\" --hidden\n"));
        set(&entry, false, program, false).unwrap();
        assert!(!entry.exists());
        set(&entry, false, program, false).unwrap();
    }

    #[test]
    fn an_entry_for_the_machine_is_not_duplicated_and_a_user_can_turn_it_off() {
        let folder = tempfile::tempdir().unwrap();
        let entry = folder.path().join(ENTRY);
        let program = Path::new("/usr/bin/belfry");
        set(&entry, false, program, true).unwrap();
        set(&entry, true, program, true).unwrap();
        assert!(!entry.exists(), "the package's entry starts the program");
        set(&entry, true, program, false).unwrap();
        assert!(fs::read_to_string(&entry).unwrap().contains("Hidden=true"));
    }

    #[test]
    fn an_entry_that_is_already_right_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let entry = folder.path().join(ENTRY);
        set(&entry, false, Path::new("/usr/bin/belfry"), true).unwrap();
        let written = fs::metadata(&entry).unwrap().modified().unwrap();
        set(&entry, false, Path::new("/usr/bin/belfry"), true).unwrap();
        assert_eq!(fs::metadata(&entry).unwrap().modified().unwrap(), written);
        assert!(set(&entry, false, Path::new("/opt/a\nb"), true).is_err(), "a line break would begin another key");
    }

    #[test]
    fn a_build_in_a_developers_folder_is_not_installed() {
        assert_eq!(installed(Path::new("/home/alice/belfry/target/debug/belfry")), None);
        assert!(installed(Path::new("/usr/bin/belfry")).is_some());
    }
}
