//! The dependency rules between Belfry's rooms, where neither the crate graph nor a lint can see them.
//!
//! Textual on purpose: words that must not be said in a file, and crates that must not be declared. Comments and tests
//! may say anything. The reasons are in ARCHITECTURE.md.

use std::fs;
use std::path::{Path, PathBuf};

/// In `rooms` (folders, or modules: `x` is `x.rs` and `x/`), except in `except`, none of `words` is said.
struct Rule {
    rooms: &'static [&'static str],
    except: &'static [&'static str],
    words: &'static [&'static str],
    why: &'static str,
}

const STOMP: &str = "src-tauri/crates/stomp";
const ENGINE: &str = "src-tauri/crates/engine";
const HOST: &str = "src-tauri/crates/host";
const CTL: &str = "src-tauri/crates/ctl";

const RULES: &[Rule] = &[
    Rule {
        rooms: &[STOMP],
        except: &[],
        words: &["Instant::now", "SystemTime", "async", "log::", "std::env", "std::fs", "std::net", "std::thread"],
        why: "stomp never reads a clock, spawns, logs or does I/O",
    },
    Rule {
        rooms: &[ENGINE],
        except: &[],
        words: &["host::", "std::env"],
        why: "the engine knows neither the machine nor the environment",
    },
    Rule {
        rooms: &[ENGINE],
        except: &["transport"],
        words: &["tokio_tungstenite", "tungstenite"],
        why: "only transport names the WebSocket library",
    },
    Rule {
        rooms: &[ENGINE],
        except: &["api", "auth", "connection", "discovery", "driver", "network", "transport"],
        words: &["reqwest"],
        why: "what decides, and what stores, knows no HTTP client",
    },
    Rule {
        rooms: &[ENGINE],
        except: &["store", "inbox"],
        words: &["rusqlite", "rusqlite_migration"],
        why: "only store and inbox name the database",
    },
    Rule {
        rooms: &["src-tauri/crates/engine/src/store"],
        except: &[],
        words: &["catchup::", "delivery::", "driver::", "inbox::", "link::", "transport::"],
        why: "the store knows no feature",
    },
    Rule {
        rooms: &[
            "src-tauri/crates/engine/src/alerts",
            "src-tauri/crates/engine/src/delivery",
            "src-tauri/crates/engine/src/link",
            "src-tauri/crates/engine/src/notice",
            "src-tauri/crates/engine/src/settings",
            "src-tauri/crates/engine/src/status",
        ],
        except: &[],
        words: &["Instant::now", "SystemTime::now", "Timestamp::now", "async", "await", "std::fs", "std::net", "tokio"],
        why: "pure modules take time as an argument and do no I/O",
    },
    Rule { rooms: &[HOST, CTL], except: &[], words: &["tauri::"], why: "the machine and the terminal know no window" },
    Rule { rooms: &[STOMP, ENGINE], except: &[], words: &["target_os"], why: "the systems differ in host alone" },
    Rule {
        rooms: &["src-tauri/src"],
        except: &["commands"],
        words: &["tauri::command"],
        why: "commands alone holds what the window may call",
    },
    Rule {
        rooms: &["ui/src"],
        except: &["tauri"],
        words: &["@tauri-apps"],
        why: "backend/tauri.ts is the only door to Rust",
    },
];

/// Crates that a room must not declare, not even for its tests.
const BANNED: &[(&str, &[&str])] = &[
    (ENGINE, &["belfry", "host", "keyring", "notify-rust", "tauri"]),
    (HOST, &["belfry", "tauri"]),
    (CTL, &["belfry", "tauri"]),
    ("tests/bench", &["belfry", "belfryctl", "host", "tauri"]),
    ("tests/harness", &["belfry", "belfryctl", "host", "tauri"]),
    ("tests/it", &["belfry", "belfryctl", "tauri"]),
    ("tests/pushd", &["belfry", "belfryctl", "host", "tauri"]),
    ("tests/story", &["belfry", "belfryctl", "host", "tauri"]),
];

#[test]
fn no_room_says_what_another_room_keeps_to_itself() {
    let mut broken = Vec::new();
    for file in sources(&root()) {
        let path = file.strip_prefix(root()).unwrap().to_str().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        broken.extend(RULES.iter().flat_map(|rule| rule.breaks(path, &text)));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_rule_has_a_room_to_watch() {
    let files = sources(&root());
    let paths: Vec<&str> = files.iter().map(|file| file.strip_prefix(root()).unwrap().to_str().unwrap()).collect();
    for room in RULES.iter().flat_map(|rule| rule.rooms) {
        assert!(paths.iter().any(|path| is_in(path, room)), "{room} is gone: move its rule");
    }
}

#[test]
fn a_broken_rule_is_seen_outside_comments_and_tests_only() {
    let rule = &RULES[2];
    let breaks = |path: &str, text: &str| rule.breaks(path, text).len();
    assert_eq!(breaks("src-tauri/crates/engine/src/driver.rs", "use tungstenite::Message;"), 1);
    assert_eq!(breaks("src-tauri/crates/engine/src/driver.rs", "// tungstenite"), 0);
    assert_eq!(breaks("src-tauri/crates/engine/src/driver.rs", "#[cfg(test)]\nuse tungstenite::Message;"), 0);
    assert_eq!(breaks("src-tauri/crates/engine/src/transport.rs", "use tungstenite::Message;"), 0);
    assert_eq!(breaks("src-tauri/crates/engine/src/transport/ws.rs", "use tungstenite::Message;"), 0);
    assert_eq!(breaks("src-tauri/crates/host/src/lib.rs", "use tungstenite::Message;"), 0);
}

#[test]
fn stomp_depends_on_three_crates_only() {
    let manifest = fs::read_to_string(root().join(STOMP).join("Cargo.toml")).unwrap();
    assert_eq!(dependencies(&manifest, false), ["bytes", "memchr", "thiserror"]);
}

#[test]
fn no_room_declares_a_crate_it_must_not_know() {
    for (room, banned) in BANNED {
        let manifest = fs::read_to_string(root().join(room).join("Cargo.toml")).unwrap();
        let declared = dependencies(&manifest, true);
        let found: Vec<_> = declared.iter().filter(|name| banned.contains(&name.as_str())).collect();
        assert!(found.is_empty(), "{room} declares {found:?}");
    }
}

impl Rule {
    fn breaks(&self, path: &str, text: &str) -> Vec<String> {
        let is_except = Path::new(path).with_extension("").iter().any(|part| self.except.iter().any(|it| part == *it));
        if is_except || !self.rooms.iter().any(|room| is_in(path, room)) {
            return Vec::new();
        }
        let code = text.lines().enumerate().take_while(|(_, line)| !line.starts_with("#[cfg(test)]"));
        let code = code.map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default()));
        code.filter_map(|(number, line)| {
            let word = self.words.iter().find(|word| says(line, word))?;
            Some(format!("{path}:{number}: `{word}`, but {}", self.why))
        })
        .collect()
    }
}

/// Whether `line` holds `word` as a whole word.
fn says(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (line[..at].chars().next_back(), line[at + word.len()..].chars().next());
        !before.is_some_and(is_part) && (word.ends_with(':') || !after.is_some_and(is_part))
    })
}

fn is_in(path: &str, room: &str) -> bool {
    path.strip_prefix(room).is_some_and(|rest| rest.starts_with(['/', '.']))
}

/// The names below `[dependencies]` of a manifest, sorted; with all kinds of dependencies if asked.
fn dependencies(manifest: &str, with_all_kinds: bool) -> Vec<String> {
    let mut is_wanted = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            is_wanted = section == "dependencies]" || (with_all_kinds && section.ends_with("dependencies]"));
        } else if is_wanted && let Some(end) = line.find(['.', ' ', '=']) {
            names.push(line[..end].to_owned());
        }
    }
    names.sort();
    names
}

/// Every source file of ours that is not a test's.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !["target", "node_modules", "dist", "tests"].contains(&name) && !name.starts_with('.') {
                found.extend(sources(&path));
            }
        } else if name != "tests.rs" && [".rs", ".ts", ".svelte"].iter().any(|end| name.ends_with(end)) {
            found.push(path);
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}
