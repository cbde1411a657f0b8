//! What a person may set, and what this program keeps. Values go through the engine's own table of
//! keys, both ways.

use belfry_core::settings::EditError;
use engine::runtime::settings_file::SaveError;

use crate::controller::Controller;
use crate::gui::Gui;
use crate::ipc::{About, CommandError, CommandErrorCode, Setting};
use crate::request::Reply;
use crate::task::{answer, blocking};

impl<G: Gui> Controller<G> {
    pub(crate) fn settings(&self, reply: Reply<Vec<Setting>>) {
        let file = self.machine.settings_file.clone();
        self.spawn(|_| async move {
            let listed = blocking(move || {
                let listed = host::settings::list(&file);
                let listed = listed.map_err(|errors| CommandError::new(CommandErrorCode::Setting, errors))?;
                Ok(listed.into_iter().map(Into::into).collect())
            });
            answer(reply, listed.await);
        });
    }

    pub(crate) fn about(&self, reply: Reply<About>) {
        let counts = self.snapshot().counts;
        let file = self.machine.settings_file.clone();
        let mut about = About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            data_dir: self.session.dir.display().to_string(),
            settings_file: self.machine.settings_file.display().to_string(),
            policy_digest: String::new(),
            total: counts.notices,
            unread: counts.unread,
            rejected: counts.rejected,
        };
        self.spawn(|_| async move {
            let managed = blocking(move || Ok(host::settings::unfinished(&file).ok())).await.ok().flatten();
            about.policy_digest = managed.map(|managed| managed.policy_digest()).unwrap_or_default();
            answer(reply, Ok(about));
        });
    }
}

impl From<SaveError> for CommandError {
    fn from(error: SaveError) -> Self {
        let (code, key) = match &error {
            SaveError::Edit(
                EditError::Refused { key, .. } | EditError::Locked { key, .. } | EditError::Unknown(key),
            ) => (CommandErrorCode::Setting, Some(key.clone()).filter(|key| !key.is_empty())),
            SaveError::Edit(EditError::Broken(_)) | SaveError::Unreadable { .. } => (CommandErrorCode::Setting, None),
            SaveError::Unwritable { .. } => (CommandErrorCode::File, None),
        };
        Self { key, ..Self::new(code, error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_value_names_its_key() {
        let refused = EditError::Refused { key: "app.theme".to_owned(), error: "no".to_owned() };
        let error = CommandError::from(SaveError::from(refused));
        assert_eq!((error.code, error.key.as_deref()), (CommandErrorCode::Setting, Some("app.theme")));
    }
}
