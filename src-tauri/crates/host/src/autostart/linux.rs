//! Linux: `autostart/belfry.desktop` in the configuration directory (Desktop Application Autostart Specification 0.5).
//!
//! The machine's own entry has the same name in one of `XDG_CONFIG_DIRS`; a file in the person's folder covers it.

#[path = "file.rs"]
mod file;

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use super::{name, text};

const ENTRY: &str = "autostart/belfry.desktop";

/// Packages install below these; a local build does not.
const PLACES: [&str; 4] = ["/usr", "/opt", "/app", "/snap"];

/// An AppImage is where its file is, not where it was mounted.
pub(super) fn installed(program: &Path) -> Option<PathBuf> {
    if let Some(image) = env::var_os("APPIMAGE") {
        return Some(image.into());
    }
    PLACES.iter().any(|place| program.starts_with(place)).then(|| program.to_owned())
}

/// # Errors
/// No home directory, or what the system said.
pub(super) fn apply(program: &Path, wanted: bool) -> io::Result<()> {
    let folders = directories::BaseDirs::new().ok_or_else(|| io::Error::other("no home directory is known"))?;
    let shared =
        env::var("XDG_CONFIG_DIRS").ok().filter(|dirs| !dirs.is_empty()).unwrap_or_else(|| "/etc/xdg".to_owned());
    let of_machine = env::split_paths(&shared).any(|folder| folder.join(ENTRY).exists());
    set(&folders.config_dir().join(ENTRY), of_machine, program, wanted)
}

fn set(entry: &Path, of_machine: bool, program: &Path, wanted: bool) -> io::Result<()> {
    match (wanted, of_machine) {
        (true, false) => file::set(entry, Some(&text::desktop_entry(name(program)?))),
        (true, true) | (false, false) => file::set(entry, None),
        (false, true) => file::set(entry, Some(text::hidden_desktop_entry())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_entry_comes_and_goes_with_the_setting() {
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
    fn an_entry_of_the_machine_is_not_doubled_and_can_be_switched_off_by_its_person() {
        let folder = tempfile::tempdir().unwrap();
        let entry = folder.path().join(ENTRY);
        let program = Path::new("/usr/bin/belfry");
        set(&entry, false, program, true).unwrap();
        set(&entry, true, program, true).unwrap();
        assert!(!entry.exists(), "the package's entry starts it");
        set(&entry, true, program, false).unwrap();
        assert!(fs::read_to_string(&entry).unwrap().contains("Hidden=true"));
    }

    #[test]
    fn an_entry_that_is_right_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let entry = folder.path().join(ENTRY);
        set(&entry, false, Path::new("/usr/bin/belfry"), true).unwrap();
        let written = fs::metadata(&entry).unwrap().modified().unwrap();
        set(&entry, false, Path::new("/usr/bin/belfry"), true).unwrap();
        assert_eq!(fs::metadata(&entry).unwrap().modified().unwrap(), written);
        assert!(set(&entry, false, Path::new("/opt/a\nb"), true).is_err(), "a line break would be a second line");
    }

    #[test]
    fn a_build_in_a_developers_folder_is_not_installed() {
        assert_eq!(installed(Path::new("/home/alice/belfry/target/debug/belfry")), None);
        assert!(installed(Path::new("/usr/bin/belfry")).is_some());
    }
}
