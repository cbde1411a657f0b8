//! A log file of bounded size: when it is full it becomes `NAME.1.log`, and older ones move on.
//!
//! Deliberately absent: times in names, and compression. Invariant: there are never more than
//! [`KEPT`] older files, and none is larger than [`LARGEST`].

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A file that would grow beyond this many bytes is rotated.
const LARGEST: u64 = 1024 * 1024;
/// How many older files are kept.
const KEPT: u32 = 3;

/// The open file.
#[derive(Debug)]
pub(super) struct RotatingFile {
    folder: PathBuf,
    name: String,
    /// `None` after an error, until the next line.
    file: Option<File>,
    size: u64,
    largest: u64,
}

impl RotatingFile {
    /// Opens the file to append to it. On Unix only its owner can read it.
    ///
    /// # Errors
    /// The folder or the file cannot be written.
    pub(super) fn open(folder: &Path, name: &str) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        let mut log = Self { folder: folder.to_owned(), name: name.to_owned(), file: None, size: 0, largest: LARGEST };
        log.reopen()?;
        Ok(log)
    }

    /// Appends one line, which ends in a line end.
    ///
    /// # Errors
    /// The disk is full, or the file cannot be written. The next line is tried again.
    pub(super) fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        // A single line of foreign words cannot fill the disk either.
        let length = line.len().min(usize::try_from(self.largest).unwrap_or(usize::MAX));
        let line = line.get(..length).unwrap_or(line);
        if self.size + length as u64 > self.largest && self.size > 0 {
            self.rotate()?;
        }
        if self.file.is_none() {
            self.reopen()?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        match file.write_all(line) {
            Ok(()) => {
                self.size += length as u64;
                Ok(())
            }
            Err(error) => {
                self.file = None;
                Err(error)
            }
        }
    }

    fn path(&self, age: u32) -> PathBuf {
        let name = if age == 0 { format!("{}.log", self.name) } else { format!("{}.{age}.log", self.name) };
        self.folder.join(name)
    }

    /// Closed before it is renamed, as Windows wants it.
    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        for age in (0..KEPT).rev() {
            match fs::rename(self.path(age), self.path(age + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.reopen()
    }

    fn reopen(&mut self) -> io::Result<()> {
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(self.path(0))?;
        self.size = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_full_file_is_rotated_and_the_oldest_one_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RotatingFile::open(folder.path(), "belfry").unwrap();
        log.largest = 100;
        for number in 0..100 {
            log.write_line(format!("line {number:04}\n").as_bytes()).unwrap();
        }
        assert_eq!(names(folder.path()), ["belfry.1.log", "belfry.2.log", "belfry.3.log", "belfry.log"]);
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(read("belfry.log").ends_with("line 0099\n"));
        assert!(read("belfry.1.log").ends_with("line 0089\n") && read("belfry.3.log").starts_with("line 0060\n"));
        for name in names(folder.path()) {
            assert!(fs::metadata(folder.path().join(&name)).unwrap().len() <= 100, "{name}");
        }
    }

    #[test]
    fn the_next_start_goes_on_in_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        for line in ["first\n", "second\n"] {
            RotatingFile::open(folder.path(), "belfry").unwrap().write_line(line.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(folder.path().join("belfry.log")).unwrap(), "first\nsecond\n");
    }

    #[test]
    fn one_endless_line_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RotatingFile::open(folder.path(), "belfry").unwrap();
        log.largest = 100;
        log.write_line(&[b'x'; 1_000]).unwrap();
        log.write_line(b"after it\n").unwrap();
        assert_eq!(fs::metadata(folder.path().join("belfry.1.log")).unwrap().len(), 100);
        assert_eq!(fs::read_to_string(folder.path().join("belfry.log")).unwrap(), "after it\n");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        RotatingFile::open(&logs, "belfry").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&logs), mode(&logs.join("belfry.log"))), (0o700, 0o600));
    }
}
