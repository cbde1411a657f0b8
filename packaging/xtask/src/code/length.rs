//! No source file has more than 500 lines without its tests.
//!
//! A file that is longer has more than one reason to change. Only what a person writes counts: the generated bindings
//! do not, and neither do inline test modules and files that hold nothing but tests.

use crate::code::sources::{Finding, Project, Source};

const LIMIT: usize = 500;

/// Files that may be longer, with the reason.
const EXCEPT: &[(&str, &str)] = &[("ui/src/backend/bindings.ts", "generated from Rust")];

pub(crate) fn check(project: &Project) -> Vec<Finding> {
    project.sources.iter().filter_map(too_long).collect()
}

fn too_long(source: &Source) -> Option<Finding> {
    if EXCEPT.iter().any(|(path, _)| *path == source.path) || is_test(source) {
        return None;
    }
    let lines = match &source.rust {
        Some(rust) => rust.lines_without_tests(),
        None if source.has_extension(&["css", "html", "js", "mjs", "ps1", "sh", "sql", "svelte", "ts"]) => {
            source.text.lines().count()
        }
        None => 0,
    };
    let text = format!("{lines} lines without tests, but {LIMIT} are the most: split it");
    (lines > LIMIT).then(|| Finding { path: source.path.clone(), line: LIMIT, text })
}

/// Whether a file holds nothing but tests. The programs of integration tests count: they are code like any other.
fn is_test(source: &Source) -> bool {
    source.is_test_module || source.path.ends_with(".test.ts") || source.path.ends_with(".e2e.ts")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_too_long(path: &str, text: String) -> bool {
        too_long(&Source::new(path, text).unwrap()).is_some()
    }

    #[test]
    fn a_file_of_501_lines_is_too_long_and_its_tests_do_not_count() {
        let code = "fn f() {}\n";
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", code.repeat(300));
        assert!(is_too_long("a/src/x.rs", code.repeat(501)));
        assert!(!is_too_long("a/src/x.rs", code.repeat(500)));
        assert!(!is_too_long("a/src/x.rs", code.repeat(250) + &tests + &code.repeat(250)));
        assert!(is_too_long("a/src/x.rs", code.repeat(250) + &tests + &code.repeat(251)));
        let module = Source::new("a/src/x/tests.rs", code.repeat(501)).unwrap();
        assert!(too_long(&Source { is_test_module: true, ..module }).is_none());
        assert!(is_too_long("tests/a/src/x.rs", code.repeat(501)));
    }

    #[test]
    fn the_window_is_counted_and_what_is_generated_is_not() {
        assert!(is_too_long("ui/src/x.svelte", "\n".repeat(501)));
        assert!(is_too_long("ui/src/style.css", "\n".repeat(501)));
        assert!(!is_too_long("ui/src/x.test.ts", "\n".repeat(501)));
        assert!(!is_too_long("ui/src/backend/bindings.ts", "\n".repeat(501)));
    }
}
