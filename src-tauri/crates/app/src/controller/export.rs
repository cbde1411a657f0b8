//! The inbox as a file of its own among the person's documents.
//!
//! It is written by a reader of its own, so the window's reader is free meanwhile. Invariant: a
//! file that could not be written to its end is removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use engine::inbox::{ALL, ExportError, Filter, Format, Inbox, Seq};
use jiff::Zoned;

use crate::controller::Controller;
use crate::gui::Gui;
use crate::ipc::{self, CommandError, CommandErrorCode, ExportFormat, Exported};
use crate::machine::DocumentsDir;
use crate::request::Reply;
use crate::task::{Outcome, answer, blocking, report};

/// Most files of one second.
const MAX_NAMES: u32 = 100;

impl From<ExportFormat> for Format {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Json => Self::Json,
            ExportFormat::Csv => Self::Csv,
        }
    }
}

impl<G: Gui> Controller<G> {
    pub(crate) fn export(
        &self,
        format: ExportFormat,
        filter: ipc::Filter,
        seqs: Option<Vec<i64>>,
        reply: Reply<Exported>,
    ) {
        let (dir, documents_dir) = (self.session.dir.clone(), DocumentsDir::clone(&self.machine.documents_dir));
        let kinds = self.kind_names();
        self.spawn(|reporter| async move {
            let written = blocking(move || {
                let inbox = Inbox::open(&dir)?.map_or_else(Inbox::empty, Ok)?;
                let mut inbox = inbox.naming_kinds(kinds.names, kinds.language);
                let folder = documents_dir().map_err(unwritable)?;
                write_new_file(&folder, format, |file| write(&mut inbox, format.into(), &filter, seqs, file))
            });
            report(&reporter, Outcome::Exported { written: written.await, reply });
        });
    }

    pub(crate) fn handle_exported(&mut self, written: Result<(PathBuf, u64), CommandError>, reply: Reply<Exported>) {
        let exported = written.map(|(path, count)| {
            let exported = Exported { count, path: path.display().to_string() };
            self.exported = Some(path);
            exported
        });
        answer(reply, exported);
    }

    /// Opens the folder of the newest file that was written.
    pub(crate) fn show_export(&mut self, reply: Reply<()>) {
        let folder = self.exported.as_deref().and_then(Path::parent).map(Path::to_owned);
        let opened = match folder {
            Some(folder) => {
                self.gui.open_folder(&folder).map_err(|error| CommandError::new(CommandErrorCode::NoFolder, error))
            }
            None => Err(CommandError::new(CommandErrorCode::Gone, "")),
        };
        answer(reply, opened);
    }
}

/// Writes the notices that match, or just these, and says how many there were.
fn write(
    inbox: &mut Inbox,
    format: Format,
    filter: &ipc::Filter,
    seqs: Option<Vec<i64>>,
    file: File,
) -> Result<u64, CommandError> {
    let mut out = BufWriter::new(file);
    let filter = filter.to_engine();
    let seqs: Option<Vec<Seq>> = match seqs {
        Some(seqs) => Some(seqs.into_iter().map(Seq).collect()),
        None if filter == Filter::default() => None,
        None => Some(inbox.seqs(&filter, ALL)?),
    };
    let count = match seqs {
        Some(seqs) => inbox.export_some(format, &seqs, &mut out),
        None => inbox.export(format, &mut out),
    };
    let count = count.map_err(|error| match error {
        ExportError::Store(error) => error.into(),
        ExportError::Write(_) => unwritable(error),
    })?;
    out.flush().map_err(unwritable)?;
    Ok(count)
}

/// Fills a file that was not there; removes it when that fails.
fn write_new_file<T>(
    folder: &Path,
    format: ExportFormat,
    fill: impl FnOnce(File) -> Result<T, CommandError>,
) -> Result<(PathBuf, T), CommandError> {
    let (path, file) = new_file(folder, format)
        .map_err(|error| unwritable(format!("{}: no file can be written there ({error})", folder.display())))?;
    match fill(file) {
        Ok(filled) => Ok((path, filled)),
        Err(error) => {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(%error, path = %path.display(), "an unfinished export could not be removed");
            }
            Err(error)
        }
    }
}

/// A file that was not there, named after the time.
fn new_file(folder: &Path, format: ExportFormat) -> io::Result<(PathBuf, File)> {
    let extension = match format {
        ExportFormat::Json => "json",
        ExportFormat::Csv => "csv",
    };
    let now = Zoned::now().strftime("%Y-%m-%d-%H%M%S").to_string();
    for number in 1..MAX_NAMES {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("belfry-inbox-{now}{suffix}.{extension}"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // It holds messages, and the folder may be open to others.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn unwritable(error: impl ToString) -> CommandError {
    CommandError::new(CommandErrorCode::File, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_exports_of_one_second_are_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..3).map(|_| new_file(folder.path(), ExportFormat::Csv).unwrap().0).collect();
        assert!(names[0] != names[1] && names[1] != names[2] && names[0] != names[2], "{names:?}");
        assert!(names.iter().all(|name| name.extension().is_some_and(|extension| extension == "csv")));
    }

    #[cfg(unix)]
    #[test]
    fn an_export_can_be_read_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (_, file) = new_file(folder.path(), ExportFormat::Json).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_could_not_be_filled_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let failed = write_new_file::<()>(folder.path(), ExportFormat::Json, |mut file| {
            file.write_all(b"[half").unwrap();
            Err(unwritable("the disk is full"))
        });
        assert_eq!(failed.unwrap_err().code, CommandErrorCode::File);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("Documents");
        let error = write_new_file(&missing, ExportFormat::Json, |_| Ok(())).unwrap_err();
        assert!(error.code == CommandErrorCode::File && error.message.contains("Documents"), "{error:?}");
    }
}
