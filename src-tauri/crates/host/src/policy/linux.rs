//! Linux: JSON files below `/etc/belfry`, each an object from dotted names to values.
//!
//! `policies/managed/*.json` and `policies/recommended/*.json` in the order of their names, the
//! first file to set a key counts; `defaults.json` for what was said when Belfry was installed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use belfry_core::settings::policy::{Found, Level, Managed, Scope};
use serde_json::Value;

use super::trusted::{Trusted, unreadable};

/// What is set on this machine.
pub(super) fn read() -> Managed {
    read_below(Path::new("/"), 0)
}

/// What is set in the folders of Linux below `root`; only what belongs to the user with the number
/// `owner` counts.
pub fn read_below(root: &Path, owner: u32) -> Managed {
    let etc = root.join("etc");
    let belfry = etc.join("belfry");
    let mut managed = Managed::default();
    for (level, folder) in [(Level::Mandatory, "policies/managed"), (Level::Recommended, "policies/recommended")] {
        let mut trusted = Trusted { inside: etc.clone(), owner, level, scope: Scope::Machine, managed: &mut managed };
        for file in trusted.list(&belfry.join(folder), "json") {
            read_file(&mut trusted, &file);
        }
    }
    let (level, scope) = (Level::Default, Scope::Machine);
    let mut trusted = Trusted { inside: etc, owner, level, scope, managed: &mut managed };
    read_file(&mut trusted, &belfry.join("defaults.json"));
    managed
}

fn read_file(trusted: &mut Trusted<'_>, path: &Path) {
    let Some(bytes) = trusted.read(path) else { return };
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(values)) => {
            let (level, scope, source) = (trusted.level, trusted.scope, path.display().to_string());
            let found = |(key, value)| Found { key, value, is_loose: false, level, scope, source: source.clone() };
            trusted.managed.found.extend(values.into_iter().map(found));
        }
        Ok(_) => trusted.ignore(path, "it does not count, since it holds no JSON object".to_owned()),
        Err(error) => trusted.ignore(path, format!("it does not count, since it is no JSON: {error}")),
    }
}

impl Trusted<'_> {
    /// The files of a folder that end in `extension`, in the order of their names; none if the
    /// folder does not count, which is then reported.
    fn list(&mut self, folder: &Path, extension: &str) -> Vec<PathBuf> {
        let listed = self.resolved(folder).and_then(|real| {
            let entries = fs::read_dir(real).map_err(|error| Some(unreadable(&error)))?;
            let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
            names.collect::<io::Result<Vec<_>>>().map_err(|error| Some(unreadable(&error)))
        });
        match listed {
            Ok(mut names) => {
                names.sort_unstable();
                let paths = names.into_iter().map(|name| folder.join(name));
                let is_wanted = |path: &PathBuf| path.extension().is_some_and(|end| end == extension);
                let is_hidden =
                    |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
                paths.filter(|path| is_wanted(path) && !is_hidden(path)).collect()
            }
            Err(reason) => {
                if let Some(reason) = reason {
                    self.ignore(folder, reason);
                }
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::path::PathBuf;

    use belfry_core::settings::policy::{Effective, Status, resolve};
    use serde_json::json;

    use super::*;

    /// A root of our own, whose files belong to the user who runs the test.
    struct Root(tempfile::TempDir);

    impl Root {
        fn new() -> Self {
            let root = Self(tempfile::tempdir().unwrap());
            for folder in ["etc/belfry/policies/managed", "etc/belfry/policies/recommended"] {
                fs::create_dir_all(root.0.path().join(folder)).unwrap();
            }
            for folder in ["etc", "etc/belfry", "etc/belfry/policies", "etc/belfry/policies/managed"] {
                root.mode(folder, 0o755);
            }
            root.mode("etc/belfry/policies/recommended", 0o755);
            root
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn mode(&self, name: &str, mode: u32) {
            fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.path(name), text).unwrap();
            self.mode(name, 0o644);
        }

        fn owner(&self) -> u32 {
            fs::metadata(self.path("etc")).unwrap().uid()
        }

        fn read(&self) -> Managed {
            read_below(self.0.path(), self.owner())
        }

        fn effective(&self) -> Effective {
            resolve("", "settings.toml", &self.read(), false).unwrap()
        }
    }

    #[test]
    fn nothing_is_set_where_there_are_no_folders() {
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(read_below(empty.path(), 0), Managed::default());
    }

    #[test]
    fn the_first_file_by_name_that_sets_a_key_counts() {
        let root = Root::new();
        root.write("etc/belfry/policies/managed/20-b.json", r#"{"app.theme": "light", "app.language": "en"}"#);
        root.write("etc/belfry/policies/managed/10-a.json", r#"{"app.theme": "dark"}"#);
        root.write("etc/belfry/policies/managed/notes.txt", "not JSON");
        root.write("etc/belfry/policies/managed/.hidden.json", "not JSON");
        root.write("etc/belfry/policies/recommended/a.json", r#"{"inbox.retention_days": 30}"#);
        root.write("etc/belfry/defaults.json", r#"{"inbox.retention_days": 60, "notifications.burst": 9}"#);
        let effective = root.effective();
        let theme = effective.key("app.theme").unwrap();
        assert_eq!((&theme.value, theme.level), (&json!("dark"), Level::Mandatory));
        assert!(theme.source.ends_with("etc/belfry/policies/managed/10-a.json"), "{}", theme.source);
        assert!(theme.reason.as_deref().unwrap().contains("20-b.json"), "{:?}", theme.reason);
        assert_eq!(effective.key("app.language").unwrap().value, json!("en"));
        assert_eq!(effective.key("inbox.retention_days").unwrap().level, Level::Recommended);
        assert_eq!(effective.key("notifications.burst").unwrap().level, Level::Default);
        assert!(effective.others.is_empty(), "{:?}", effective.others);
    }

    /// Each way in which somebody else could have written a file; the file must not count.
    #[test]
    fn a_file_that_others_could_have_written_does_not_count_and_is_reported() {
        type Spoil = fn(&Root);
        let ways: [(&str, Spoil); 6] = [
            ("may write to it", |root| root.mode("etc/belfry/policies/managed/a.json", 0o664)),
            ("may write to it", |root| root.mode("etc/belfry/policies/managed/a.json", 0o646)),
            ("may write to it", |root| root.mode("etc/belfry/policies/managed", 0o777)),
            ("of its folder", |root| root.mode("etc/belfry", 0o775)),
            ("leads out of", |root| {
                fs::rename(root.path("etc/belfry/policies/managed/a.json"), root.path("a.json")).unwrap();
                symlink(root.path("a.json"), root.path("etc/belfry/policies/managed/a.json")).unwrap();
            }),
            ("is no JSON", |root| root.write("etc/belfry/policies/managed/a.json", "{")),
        ];
        for (expected, spoil) in ways {
            let root = Root::new();
            root.write("etc/belfry/policies/managed/a.json", r#"{"app.theme": "dark"}"#);
            assert_eq!(root.effective().key("app.theme").unwrap().level, Level::Mandatory);
            spoil(&root);
            let effective = root.effective();
            assert_eq!(effective.key("app.theme").unwrap().level, Level::BuiltIn, "{expected}");
            let place = effective.others.first().unwrap();
            assert_eq!(place.status, Status::Ignored);
            assert!(place.reason.as_deref().unwrap().contains(expected), "{:?}", place.reason);
        }
    }

    #[test]
    fn a_file_of_another_user_does_not_count() {
        let root = Root::new();
        root.write("etc/belfry/defaults.json", r#"{"app.theme": "dark"}"#);
        let managed = read_below(root.0.path(), root.owner() + 1);
        assert!(managed.found.is_empty());
        assert!(managed.ignored.iter().all(|place| place.reason.contains("has to belong to")), "{:?}", managed.ignored);
    }

    #[test]
    fn a_link_that_stays_inside_of_etc_counts() {
        let root = Root::new();
        root.write("etc/belfry/shared.json", r#"{"app.theme": "dark"}"#);
        symlink("../../shared.json", root.path("etc/belfry/policies/managed/a.json")).unwrap();
        assert_eq!(root.effective().key("app.theme").unwrap().level, Level::Mandatory);
    }
}
