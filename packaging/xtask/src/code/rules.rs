//! The dependency rules between the parts of Belfry, where neither the crate graph nor a lint can see them.
//!
//! Two tables: names that must not be said in a part's files, and crates that a part's manifest must not declare. Every
//! line of every file is looked at; comments and tests may say anything. ARCHITECTURE.md explains the parts.

use std::collections::HashMap;

use crate::code::rust::{Kind, Rust};
use crate::code::sources::{Finding, Project, Source};
use crate::code::ui;

/// In the files of `parts`, except in those of `except`, none of `names` is said.
///
/// A part is a folder, or a module: `x` stands for `x.rs` and all of `x/`.
struct Rule {
    parts: &'static [&'static str],
    except: &'static [&'static str],
    /// `a::b` is a path anywhere, `a` a name anywhere, `a::` the start of a path: a crate.
    names: &'static [&'static str],
    why: &'static str,
}

const STOMP: &str = "src-tauri/crates/stomp/src";
const CORE: &str = "src-tauri/crates/core/src";
const ENGINE: &str = "src-tauri/crates/engine/src";

const RULES: &[Rule] = &[
    Rule {
        parts: &[STOMP, CORE],
        except: &[],
        names: &[
            "async",
            "await",
            "std::env",
            "std::fs",
            "std::process",
            "std::thread",
            "TcpListener",
            "TcpStream",
            "ToSocketAddrs",
            "UdpSocket",
        ],
        why: "the protocol and the decisions do no I/O and start nothing",
    },
    Rule {
        parts: &[STOMP, CORE],
        except: &[],
        names: &["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now", "TimeZone::system", "elapsed"],
        why: "time is an argument of the protocol and of the decisions",
    },
    Rule {
        parts: &[CORE],
        except: &[],
        names: &["rand::rng", "rand::random", "thread_rng", "ThreadRng", "SysRng", "OsRng"],
        why: "randomness is an argument of the decisions",
    },
    Rule { parts: &[STOMP], except: &[], names: &["log::", "tracing::"], why: "stomp never logs a payload" },
    Rule {
        parts: &[ENGINE],
        except: &[],
        names: &["host::", "keyring::", "keyring_core::", "notify_rust::", "std::env"],
        why: "the engine knows neither the machine nor the environment",
    },
    Rule {
        parts: &[ENGINE],
        except: &["src-tauri/crates/engine/src/net/transport"],
        names: &["tokio_tungstenite", "tungstenite"],
        why: "only net/transport names the WebSocket library",
    },
    Rule {
        parts: &[ENGINE],
        except: &["src-tauri/crates/engine/src/net"],
        names: &["hyper_util", "reqwest"],
        why: "only net names the HTTP client",
    },
    Rule {
        parts: &[ENGINE],
        except: &["src-tauri/crates/engine/src/store", "src-tauri/crates/engine/src/inbox"],
        names: &["rusqlite", "rusqlite_migration"],
        why: "only store and inbox name the database",
    },
    Rule {
        parts: &["src-tauri/crates/engine/src/store"],
        except: &[],
        names: &["crate::doctor", "crate::inbox", "crate::net", "crate::runtime", "reqwest", "tokio"],
        why: "the store knows no feature",
    },
    Rule {
        parts: &["src-tauri/crates"],
        except: &[],
        names: &["tauri::", "tauri_build::"],
        why: "the shell alone knows Tauri",
    },
    Rule {
        parts: &["src-tauri/src"],
        except: &["src-tauri/src/ipc"],
        names: &["tauri::command"],
        why: "ipc alone holds what the window may call",
    },
    Rule {
        parts: &["ui/src", "ui/e2e"],
        except: &["ui/src/backend/tauri"],
        names: &["@tauri-apps"],
        why: "backend/tauri.ts is the only door to Rust",
    },
];

/// Crates that the packages in a folder must not declare, not even for their tests.
struct Ban {
    folder: &'static str,
    /// A `*` at the end stands for anything.
    crates: &'static [&'static str],
    why: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        folder: "src-tauri/crates/core",
        crates: &[
            "engine",
            "futures*",
            "getrandom",
            "host",
            "hyper*",
            "keyring*",
            "notify-rust",
            "reqwest",
            "rusqlite*",
            "rustls",
            "tauri*",
            "tokio*",
            "tungstenite",
            "zbus*",
        ],
        why: "every decision is made without async, I/O, clock or environment",
    },
    Ban {
        folder: "src-tauri/crates/engine",
        crates: &["host", "keyring*", "notify-rust"],
        why: "the engine reaches the machine through its ports",
    },
    Ban {
        folder: "src-tauri/crates",
        crates: &["belfry", "tauri*"],
        why: "the shell alone knows Tauri, and no part knows the shell",
    },
    Ban {
        folder: "tests",
        crates: &["belfry", "belfry-app", "belfryctl", "tauri*"],
        why: "tests depend on the parts below the shell",
    },
    Ban { folder: "tests/bench", crates: &["host"], why: "it runs without a desktop" },
    Ban { folder: "tests/harness", crates: &["host"], why: "it runs without a desktop" },
    Ban { folder: "tests/pushd", crates: &["host"], why: "it runs without a desktop" },
    Ban { folder: "tests/story", crates: &["host"], why: "it runs without a desktop" },
];

/// The only crates that stomp ships with.
const STOMP_NEEDS: [&str; 3] = ["bytes", "memchr", "thiserror"];

pub(crate) fn check(project: &Project) -> Vec<Finding> {
    let mut found: Vec<Finding> = project.sources.iter().flat_map(broken).collect();
    let parts = RULES.iter().flat_map(|rule| rule.parts.iter().chain(rule.except));
    for part in parts.chain(BANS.iter().map(|ban| &ban.folder)) {
        if !project.sources.iter().any(|source| is_in(&source.path, part)) {
            let text = "does not exist, but a dependency rule is about it: change the rule in code/rules.rs".to_owned();
            found.push(Finding { path: (*part).to_owned(), line: 1, text });
        }
    }
    found.extend(undeclared(project));
    found
}

/// What a file says that its part must not say.
fn broken(source: &Source) -> Vec<Finding> {
    let rules: Vec<&Rule> = RULES.iter().filter(|rule| rule.is_about(source)).collect();
    let mut found = match &source.rust {
        Some(rust) => rust_broken(rust, &rules),
        None if source.has_extension(&["ts", "js", "mjs", "svelte", "html"]) => text_broken(&source.text, &rules),
        None => Vec::new(),
    };
    if let Some(rust) = source.rust.as_ref().filter(|_| is_without_system(source)) {
        found.extend(system_broken(rust));
    }
    found.sort();
    found.dedup();
    found.into_iter().map(|(line, text)| Finding { path: source.path.clone(), line, text }).collect()
}

fn rust_broken(rust: &Rust, rules: &[&Rule]) -> Vec<(usize, String)> {
    if rules.is_empty() {
        return Vec::new();
    }
    let mut paths: Vec<(usize, Vec<String>)> = rust.imports.iter().map(|it| (it.at.start, it.path.clone())).collect();
    let names: HashMap<&str, &[String]> =
        rust.imports.iter().map(|import| (import.name.as_str(), import.path.as_slice())).collect();
    for said in rust.said() {
        // `use std::env as machine; machine::var("X")` says `std::env::var`.
        if let [first, rest @ ..] = said.path.as_slice()
            && !rest.is_empty()
            && let Some(whole) = names.get(first.as_str())
        {
            paths.push((said.at, [whole, rest].concat()));
        }
        paths.push((said.at, said.path));
    }
    let is_used = |at| rust.imports.iter().any(|import| import.at.start == at);
    let mut found = Vec::new();
    for (at, path) in paths {
        for rule in rules {
            if let Some(name) = rule.names.iter().find(|name| says(&path, name, is_used(at))) {
                found.push((rust.line(at), format!("`{name}`, but {}", rule.why)));
            }
        }
    }
    found
}

/// Whether a path says what a rule names.
fn says(path: &[String], name: &str, is_import: bool) -> bool {
    if let Some(name) = name.strip_suffix("::") {
        return path.first().is_some_and(|first| first == name) && (path.len() > 1 || is_import);
    }
    let name: Vec<&str> = name.split("::").collect();
    path.windows(name.len()).any(|part| part == name)
}

fn text_broken(text: &str, rules: &[&Rule]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for piece in ui::pieces(text).into_iter().filter(|piece| piece.kind != ui::Kind::Comment) {
        let said = text.get(piece.at.clone()).unwrap_or_default();
        for rule in rules {
            for (name, (at, _)) in rule.names.iter().flat_map(|name| said.match_indices(name).map(move |at| (name, at)))
            {
                found.push((ui::line(text, piece.at.start + at), format!("`{name}`, but {}", rule.why)));
            }
        }
    }
    found
}

/// Whether a file is the same for each system: it neither picks a module by system nor is a test.
fn is_without_system(source: &Source) -> bool {
    source.path.starts_with("src-tauri/")
        && !source.is_test_module
        && !source.is_test_program
        && source.rust.as_ref().is_some_and(|rust| !picks_system(rust))
}

fn system_broken(rust: &Rust) -> Vec<(usize, String)> {
    let asks = rust.tokens.iter().filter(|token| token.kind == Kind::Identifier && token.text == "target_os");
    let asks = asks.filter(|token| !rust.is_test(token.at.start));
    let why = "only the file that picks x/{windows,macos,linux}.rs asks for the system";
    asks.map(|token| (rust.line(token.at.start), format!("`target_os`, but {why}"))).collect()
}

/// Whether a file declares a module for one system only.
fn picks_system(rust: &Rust) -> bool {
    rust.ast.items.iter().any(|item| match item {
        syn::Item::Mod(module) => module.content.is_none() && module.attrs.iter().any(says_system),
        _ => false,
    })
}

fn says_system(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    list.path.is_ident("cfg") && list.tokens.to_string().contains("target_os")
}

fn undeclared(project: &Project) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in &project.packages {
        let manifest = format!("{}/Cargo.toml", package.folder);
        let mut report = |text: String| found.push(Finding { path: manifest.clone(), line: 1, text });
        for ban in BANS.iter().filter(|ban| is_in(&manifest, ban.folder)) {
            let banned = |name: &str| ban.crates.iter().any(|it| matches(name, it));
            for (name, _) in package.dependencies.iter().filter(|(name, _)| banned(name)) {
                report(format!("declares `{name}`, but {}", ban.why));
            }
        }
        if is_in(&manifest, "src-tauri/crates/stomp") {
            let ships =
                package.dependencies.iter().filter(|(name, ships)| *ships && !STOMP_NEEDS.contains(&name.as_str()));
            for (name, _) in ships {
                report(format!("declares `{name}`, but stomp needs only {}", STOMP_NEEDS.join(", ")));
            }
        }
    }
    found
}

fn matches(name: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').map_or(name == pattern, |start| name.starts_with(start))
}

impl Rule {
    fn is_about(&self, source: &Source) -> bool {
        let is_in = |part: &&str| is_in(&source.path, part);
        !source.is_test_module && self.parts.iter().any(is_in) && !self.except.iter().any(is_in)
    }
}

fn is_in(path: &str, part: &str) -> bool {
    path.strip_prefix(part).is_some_and(|rest| rest.starts_with(['/', '.']))
}

/// The crates that a shipped package must not reach, directly or not.
pub(crate) const UNREACHABLE: &[(&str, &[&str])] =
    &[("belfry-app", &["tauri"]), ("belfry-core", &["engine", "reqwest", "rusqlite", "tauri", "tokio", "tungstenite"])];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        let found = broken(&Source::new(path, text.to_owned()).unwrap());
        found.into_iter().map(|it| (it.line, it.text.split(',').next().unwrap().replace('`', ""))).collect()
    }

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let mut lines: Vec<usize> = found(path, text).into_iter().map(|(line, _)| line).collect();
        lines.dedup();
        lines
    }

    #[test]
    fn no_part_says_what_another_part_keeps_to_itself() {
        let found = check(&crate::code::read().unwrap());
        assert!(found.is_empty(), "{}", found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }

    /// For each name of each rule a line that says it, as it would be written.
    fn planted(name: &str) -> String {
        match name {
            "target_os" => "#[cfg(target_os = \"linux\")] fn planted() {}".to_owned(),
            "async" => "async fn planted() {}".to_owned(),
            "await" => "fn planted() { x.await }".to_owned(),
            "tauri::command" => "#[tauri::command] fn planted() {}".to_owned(),
            "@tauri-apps" => "import { invoke } from '@tauri-apps/api/core';".to_owned(),
            crates if crates.ends_with("::") => format!("use {crates}planted;"),
            path => format!("fn planted() {{ planted!({path}); }}"),
        }
    }

    #[test]
    fn a_violation_in_the_last_line_of_any_real_file_is_found() {
        let project = crate::code::read().unwrap();
        let is_code = |it: &&Source| it.has_extension(&["rs", "ts", "js", "mjs", "svelte", "html"]);
        let mut tried = Vec::new();
        for source in project.sources.iter().filter(is_code) {
            let rules = RULES.iter().filter(|rule| rule.is_about(source));
            let mut names: Vec<&str> = rules.flat_map(|rule| rule.names).copied().collect();
            if is_without_system(source) {
                names.push("target_os");
            }
            let last = source.text.trim_end().lines().count();
            let planted: Vec<String> = names.iter().map(|name| planted(name)).collect();
            let text = format!("{}\n{}\n", source.text.trim_end(), planted.join("\n"));
            let found = broken(&Source::new(&source.path, text).unwrap());
            for (at, name) in names.iter().enumerate() {
                let is_it = |it: &Finding| it.line == last + 1 + at && it.text.starts_with(&format!("`{name}`"));
                assert!(found.iter().any(is_it), "{}: `{name}` is not found: {found:?}", source.path);
            }
            tried.push(source.path.as_str());
        }
        for file in
            ["engine/src/store.rs", "engine/src/inbox.rs", "inbox/view.rs", "stomp/src/session.rs", "src/lib.rs"]
        {
            assert!(tried.iter().any(|path| path.ends_with(file)), "{file} is not looked at");
        }
    }

    #[test]
    fn a_violation_behind_an_inline_test_module_is_found() {
        let text = "fn f() {}\n#[cfg(test)]\nmod tests {\n    use reqwest::Client;\n}\nfn g() { reqwest::get() }\n";
        for file in ["store.rs", "inbox.rs", "inbox/view.rs", "runtime/driver.rs"] {
            let path = format!("src-tauri/crates/engine/src/{file}");
            assert_eq!(lines(&path, text), [6], "{file}");
        }
        let text = "#[cfg(test)]\nmod tests { fn now() { Instant::now(); } }\nfn f() { Instant::now(); }";
        assert_eq!(lines("src-tauri/crates/stomp/src/session.rs", text), [3]);
        let text = "#[cfg(test)]\nmod tests {}\n#[tauri::command]\nfn f() {}";
        assert_eq!(lines("src-tauri/src/app/notices.rs", text), [3]);
        assert_eq!(lines("src-tauri/src/ipc/notices.rs", text), [] as [usize; 0]);
    }

    #[test]
    fn an_import_of_many_and_a_new_name_hide_nothing() {
        let path = "src-tauri/crates/core/src/link.rs";
        assert_eq!(found(path, "use std::{\n    fmt,\n    env,\n};"), [(3, "std::env".to_owned())]);
        assert_eq!(lines(path, "use std::time::Instant as Clock;\nfn f() { Clock::now(); }"), [2]);
        assert_eq!(lines(path, "use std::time::{self as t};\nfn f() { m!(t::Instant::now()); }"), [2]);
        assert_eq!(lines(path, "fn f(at: Instant) { at.elapsed(); }"), [1]);
        assert_eq!(lines("src-tauri/crates/engine/src/net/api.rs", "use host;\nextern crate host as h;"), [1, 2]);
    }

    #[test]
    fn comments_tests_and_other_words_are_no_violation() {
        let path = "src-tauri/crates/engine/src/runtime/driver.rs";
        for text in ["// tungstenite", "/// host::x\nfn f() {}", "fn f() { let host = 1; host }", "#[test]\nfn f() {}"]
        {
            assert_eq!(lines(path, text), [] as [usize; 0], "{text}");
        }
        assert_eq!(
            lines("src-tauri/crates/engine/src/net/transport/ws.rs", "use tungstenite::Message;"),
            [] as [usize; 0]
        );
        assert_eq!(lines("src-tauri/crates/engine/src/net/api.rs", "use tungstenite::Message;"), [1]);
    }

    #[test]
    fn only_the_file_that_picks_a_module_asks_for_the_system() {
        let picks = "#[cfg(target_os = \"linux\")]\n#[path = \"x/linux.rs\"]\nmod system;\n";
        assert_eq!(lines("src-tauri/crates/host/src/x.rs", picks), [] as [usize; 0]);
        let asks = "fn f() {\n    if cfg!(target_os = \"linux\") {}\n}";
        assert_eq!(lines("src-tauri/crates/host/src/y.rs", asks), [2]);
        assert_eq!(lines("src-tauri/src/window.rs", "#[cfg(not(target_os = \"linux\"))]\nfn f() {}"), [1]);
    }

    #[test]
    fn the_window_reaches_rust_through_one_file() {
        let text = "// '@tauri-apps/api'\nconst api = await import('@tauri-apps/api');\n";
        assert_eq!(lines("ui/src/list/list.svelte.ts", text), [2]);
        assert_eq!(lines("ui/src/App.svelte", "<script>\nimport '@tauri-apps/api';\n</script>"), [2]);
        assert_eq!(lines("ui/src/backend/tauri.ts", text), [] as [usize; 0]);
    }
}
