//! What a person may set, what this program keeps, and the inbox as a file.
//!
//! Values go through the engine's own table of keys, both ways.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use belfry_core::account::Account;
use belfry_core::settings::{EditError, list};
use engine::inbox::{ALL, ExportError, Filter, Format, Inbox, Seq};
use engine::runtime::settings_file::{self, SaveError};
use host::paths;
use jiff::Zoned;
use serde_json::{Map, Value};

use super::{Shell, lock};
use crate::links;
use crate::view::{self, About, Code, Exported, Problem, Setting, Update};

/// So many files of one second are told apart.
const MAX_NAMES: u32 = 100;

impl Shell {
    pub(crate) fn settings(&self) -> Result<Vec<Setting>, Problem> {
        let file = &self.machine.settings_file;
        let listed = list(&settings_file::read(file)?, &file.display().to_string());
        let listed = listed.map_err(|errors| Problem::new(Code::Setting, errors))?;
        Ok(listed.into_iter().map(Into::into).collect())
    }

    pub(crate) async fn save_settings(&self, values: Map<String, Value>) -> Result<Vec<Setting>, Problem> {
        let _changing = self.changing.lock().await;
        let changes: Vec<_> =
            values.into_iter().map(|(key, value)| (key, Some(value).filter(|v| !v.is_null()))).collect();
        let settings = settings_file::save(&self.machine.settings_file, &changes)?;
        if Account::of(&settings).is_some() {
            self.restart(settings).await?;
        } else {
            // The first run goes on with it.
            lock(&self.session).settings = settings;
        }
        self.tell(Update::Look { language: self.language().into(), theme: self.theme().into() });
        self.tell_status();
        self.settings()
    }

    pub(crate) fn about(&self) -> Result<About, Problem> {
        let counts = self.snapshot().borrow().counts;
        Ok(About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            data_dir: lock(&self.session).dir.display().to_string(),
            settings_file: self.machine.settings_file.display().to_string(),
            policy_digest: String::new(),
            total: counts.notices,
            unread: counts.unread,
            rejected: counts.rejected,
        })
    }

    /// Writes to a file of its own in the person's documents; the inbox can be read meanwhile.
    pub(crate) fn export(
        &self,
        format: Format,
        filter: &view::Filter,
        seqs: Option<&[i64]>,
    ) -> Result<Exported, Problem> {
        let unwritable = |error: &dyn std::fmt::Display| Problem::new(Code::File, error);
        let dir = lock(&self.session).dir.clone();
        let mut inbox = Inbox::open(&dir)?.map_or_else(Inbox::empty, Ok)?;
        let folder = paths::documents_dir().map_err(|error| unwritable(&error))?;
        let (path, file) = new_file(&folder, format)
            .map_err(|error| unwritable(&format!("{}: no file can be written there ({error})", folder.display())))?;
        let mut out = BufWriter::new(file);
        let asked = filter.asked();
        let seqs: Option<Vec<Seq>> = match seqs {
            Some(seqs) => Some(seqs.iter().copied().map(Seq).collect()),
            None if asked == Filter::default() => None,
            None => Some(inbox.seqs(&asked, ALL)?),
        };
        let count = match seqs {
            Some(seqs) => inbox.export_some(format, &seqs, &mut out),
            None => inbox.export(format, &mut out),
        }
        .map_err(|error| match error {
            ExportError::Store(error) => error.into(),
            ExportError::Write(_) => unwritable(&error),
        })?;
        out.flush().map_err(|error| unwritable(&error))?;
        let shown = path.display().to_string();
        *lock(&self.exported) = Some(path);
        Ok(Exported { count, path: shown })
    }

    /// Opens the folder of the newest file that was written.
    pub(crate) fn show_export(&self) -> Result<(), Problem> {
        let folder = lock(&self.exported).as_deref().and_then(Path::parent).map(Path::to_owned);
        let folder = folder.ok_or_else(|| Problem::new(Code::Gone, ""))?;
        links::open_folder(&folder).map_err(|error| Problem::new(Code::NoFolder, error))
    }
}

/// A file that was not there, named after the time.
fn new_file(folder: &Path, format: Format) -> io::Result<(PathBuf, std::fs::File)> {
    let end = match format {
        Format::Json => "json",
        Format::Csv => "csv",
    };
    let now = Zoned::now().strftime("%Y-%m-%d-%H%M%S").to_string();
    for number in 1..MAX_NAMES {
        let again = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("belfry-inbox-{now}{again}.{end}"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

impl From<SaveError> for Problem {
    fn from(error: SaveError) -> Self {
        let (code, key) = match &error {
            SaveError::Edit(EditError::Refused { key, .. } | EditError::Unknown(key)) => {
                (Code::Setting, Some(key.clone()).filter(|key| !key.is_empty()))
            }
            SaveError::Edit(EditError::Broken(_)) | SaveError::Unreadable { .. } => (Code::Setting, None),
            SaveError::Unwritable { .. } => (Code::File, None),
        };
        Self { key, ..Self::new(code, error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_exports_of_one_second_are_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..3).map(|_| new_file(folder.path(), Format::Csv).unwrap().0).collect();
        assert!(names[0] != names[1] && names[1] != names[2] && names[0] != names[2], "{names:?}");
        assert!(names.iter().all(|name| name.extension().is_some_and(|end| end == "csv")));
    }

    #[test]
    fn a_refused_value_names_its_key() {
        let refused = EditError::Refused { key: "app.theme".to_owned(), error: "no".to_owned() };
        let problem = Problem::from(SaveError::from(refused));
        assert_eq!((problem.code, problem.key.as_deref()), (Code::Setting, Some("app.theme")));
    }
}
