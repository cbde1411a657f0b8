//! Files that only one user, the administrator, can have written.
//!
//! Invariant: what is handed out was read from a file, inside of the folder it has to be in, to
//! which no other user may write, nor to any folder on the way to it.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use belfry_core::settings::policy::{Ignored, Level, Managed, Scope};

/// Longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;
/// Write permission of the group and of everybody.
const OTHERS_WRITE: u32 = 0o022;

/// Where files have to be, and whose they have to be.
#[derive(Debug)]
pub(super) struct Trusted<'a> {
    /// The folder that no link may lead out of.
    pub(super) inside: PathBuf,
    /// The number of the user; 0 is root.
    pub(super) owner: u32,
    /// What the values of these files are, for reports.
    pub(super) level: Level,
    /// For whom.
    pub(super) scope: Scope,
    /// Takes the reports.
    pub(super) managed: &'a mut Managed,
}

impl Trusted<'_> {
    /// The bytes of a file; `None` if there is none, or if it does not count, which is then
    /// reported.
    pub(super) fn read(&mut self, path: &Path) -> Option<Vec<u8>> {
        match self.try_read(path) {
            Ok(bytes) => Some(bytes),
            Err(reason) => {
                if let Some(reason) = reason {
                    self.ignore(path, reason);
                }
                None
            }
        }
    }

    /// Reports that a place does not count.
    pub(super) fn ignore(&mut self, path: &Path, reason: String) {
        let source = path.display().to_string();
        self.managed.ignored.push(Ignored { level: self.level, scope: self.scope, source, reason });
    }

    fn try_read(&self, path: &Path) -> Result<Vec<u8>, Option<String>> {
        let real = self.resolved(path)?;
        let file = File::open(real).map_err(|error| Some(unreadable(&error)))?;
        // Of the file that was opened, whatever has been put in its place since.
        let metadata = file.metadata().map_err(|error| Some(unreadable(&error)))?;
        self.check(&metadata).map_err(|reason| Some(format!("it does not count, since {reason}")))?;
        if !metadata.is_file() || metadata.len() > LONGEST {
            return Err(Some(format!("it does not count, since it is no file, or longer than {LONGEST} bytes")));
        }
        let mut bytes = Vec::new();
        file.take(LONGEST).read_to_end(&mut bytes).map_err(|error| Some(unreadable(&error)))?;
        Ok(bytes)
    }

    /// The real path, after every folder on the way was checked; `Err(None)` if there is nothing.
    pub(super) fn resolved(&self, path: &Path) -> Result<PathBuf, Option<String>> {
        let missing = |error: io::Error| (error.kind() != io::ErrorKind::NotFound).then(|| unreadable(&error));
        let real = path.canonicalize().map_err(missing)?;
        let inside = self.inside.canonicalize().map_err(missing)?;
        if !real.starts_with(&inside) {
            return Err(Some(format!("it does not count, since it leads out of {}", self.inside.display())));
        }
        for folder in real.ancestors().skip(1).take_while(|folder| folder.starts_with(&inside)) {
            let metadata = fs::metadata(folder).map_err(missing)?;
            self.check(&metadata).map_err(|reason| {
                Some(format!("it does not count, since of its folder {}, {reason}", folder.display()))
            })?;
        }
        if real.is_dir() {
            let metadata = fs::metadata(&real).map_err(missing)?;
            self.check(&metadata).map_err(|reason| Some(format!("it does not count, since {reason}")))?;
        }
        Ok(real)
    }

    fn check(&self, metadata: &Metadata) -> Result<(), String> {
        let owner = if self.owner == 0 { "root".to_owned() } else { format!("user {}", self.owner) };
        if metadata.uid() != self.owner {
            return Err(format!("its owner is user {}: it has to belong to {owner}", metadata.uid()));
        }
        if metadata.mode() & OTHERS_WRITE != 0 {
            return Err(format!("others than {owner} may write to it: take that away with chmod go-w"));
        }
        Ok(())
    }
}

/// Why a place cannot be read.
pub(super) fn unreadable(error: &io::Error) -> String {
    format!("it cannot be read ({error})")
}
