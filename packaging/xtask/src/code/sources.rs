//! The project's own source files, read and parsed once for all checks of the code.
//!
//! Rust is parsed, so that test code is known by what it is and not by where it stands. Files are found by walking the
//! folders, not by asking git, so that a file is checked before it is committed. Absent: what is built or downloaded.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::code::rust::Rust;
use crate::shell::{cargo, root};

/// Folders that hold nothing that a person wrote.
const FOREIGN: [&str; 6] = ["target", "node_modules", "dist", "gen", "test-results", "playwright-report"];

/// What one of the checks found, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.text)
    }
}

/// A text file; the path is relative to the workspace's root, with `/`.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    /// The parsed file, if it is Rust.
    pub(crate) rust: Option<Rust>,
    /// Whether it belongs to a library or program only as a module of its tests.
    pub(crate) is_test_module: bool,
    /// Whether it belongs to a test program.
    pub(crate) is_test_program: bool,
}

impl Source {
    pub(crate) fn new(path: &str, text: String) -> Result<Self> {
        let rust = if path.ends_with(".rs") {
            Some(Rust::parse(&text).with_context(|| format!("{path} is not Rust"))?)
        } else {
            None
        };
        Ok(Self { path: path.to_owned(), text, rust, is_test_module: false, is_test_program: false })
    }

    /// The file's name without folders and extensions: `inbox` for `ui/src/inbox.svelte.ts`.
    pub(crate) fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.split('.').next().unwrap_or(name)
    }

    pub(crate) fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension))
    }
}

/// A crate of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Relative to the workspace's root, with `/`.
    pub(crate) folder: String,
    /// The direct dependencies of all kinds: the name, and whether the crate that ships has it.
    pub(crate) dependencies: Vec<(String, bool)>,
    /// The root file of each target: libraries, programs, tests, build scripts.
    pub(crate) targets: Vec<Target>,
}

pub(crate) struct Target {
    pub(crate) root: String,
    /// Whether the target is only ever built to test something.
    pub(crate) is_test: bool,
}

/// Everything that is checked.
pub(crate) struct Project {
    pub(crate) sources: Vec<Source>,
    pub(crate) packages: Vec<Package>,
}

impl Project {
    pub(crate) fn read() -> Result<Self> {
        let mut paths = Vec::new();
        walk(&root(), &mut paths)?;
        let mut sources = Vec::new();
        for path in paths {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            sources.push(Source::new(&relative(&path), text)?);
        }
        // By the text of the path, as `find` searches: a path sorts differently.
        sources.sort_by(|one: &Source, other| one.path.cmp(&other.path));
        Ok(Self { sources, packages: packages()? })
    }

    pub(crate) fn find(&self, path: &str) -> Option<usize> {
        self.sources.binary_search_by(|source| source.path.as_str().cmp(path)).ok()
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !FOREIGN.contains(&name.as_str()) {
                walk(&path, found)?;
            }
        } else if is_source(&name) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_source(name: &str) -> bool {
    const EXTENSIONS: [&str; 12] = ["css", "html", "js", "json", "md", "ps1", "rs", "sh", "sql", "svelte", "ts", "mjs"];
    let is_text = name.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension));
    is_text && name != "package-lock.json"
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

fn packages() -> Result<Vec<Package>> {
    let output = cargo(["metadata", "--no-deps", "--offline", "--format-version", "1"]).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)))?;
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let package = |package: &Value| {
        let manifest = relative(Path::new(&text(package, "manifest_path")));
        let dependencies =
            list(package, "dependencies").iter().map(|it| (text(it, "name"), text(it, "kind").is_empty())).collect();
        let targets = list(package, "targets").into_iter().map(|target| Target {
            root: relative(Path::new(&text(&target, "src_path"))),
            is_test: list(&target, "kind")
                .iter()
                .any(|kind| ["test", "bench"].contains(&kind.as_str().unwrap_or_default())),
        });
        Package {
            name: text(package, "name"),
            folder: manifest.strip_suffix("/Cargo.toml").unwrap_or_default().to_owned(),
            dependencies,
            targets: targets.collect(),
        }
    };
    Ok(list(&metadata, "packages").iter().map(package).collect())
}
