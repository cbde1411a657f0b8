//! The program as scripts see it, without a server: exit codes, output and files.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for what it is about, and fails on anything else")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the lints allow these in tests, but not in functions that tests share"
)]

use std::{
    fs::File,
    io::Write as _,
    net::TcpListener,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use belfry_core::{
    account::Account,
    notice::{
        Origin, Source,
        copies::Arrival,
        parse::{Incoming, Parsed, Via, parse},
    },
    settings::Settings,
    storage::{AlertMark, Write},
};
use engine::{inbox::Inbox, runtime::data_dir::account_dir, store::Store};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A temporary folder with settings for a server that does not run.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        // Nothing listens on a port that was just released.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        home.write_settings(&format!(
            "[server]\nendpoints = [\"ws://127.0.0.1:{port}/ws\"]\n[api]\nbase = \"http://127.0.0.1:{port}\"\n\
             [auth]\nlogin = \"alice\"\n"
        ));
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_settings(&self, text: &str) {
        std::fs::write(self.path("settings.toml"), text).unwrap();
    }

    fn settings(&self) -> Settings {
        let text = std::fs::read_to_string(self.path("settings.toml")).unwrap();
        Settings::parse(&text, "settings.toml").unwrap().0
    }

    fn account_dir(&self) -> PathBuf {
        account_dir(&self.path("data"), &Account::of(&self.settings()).unwrap())
    }

    /// Stores messages in the inbox as if a server had sent them.
    fn receive(&self, messages: &[Value]) {
        let account = Account::of(&self.settings()).unwrap();
        std::fs::create_dir_all(self.account_dir()).unwrap();
        let mut store = Store::open(&self.account_dir(), &account.name()).unwrap();
        let writes: Vec<Write> = messages
            .iter()
            .flat_map(|message| {
                let body = message.to_string();
                let incoming = Incoming {
                    body: body.as_bytes(),
                    destination: "/queue/a",
                    scope: "",
                    amqp_message_id: None,
                    redelivered: Some(false),
                    via: Via::Stomp,
                    origin: &Origin::Personal,
                };
                match parse(&incoming, &self.settings().message, &TimeZone::UTC) {
                    Parsed::Notices(notices) => notices,
                    other => panic!("{other:?}"),
                }
            })
            .map(|notice| Write::Notice {
                notice: Box::new(notice),
                arrival: Arrival { source: Source::Live, number: 1 },
                received_at: Timestamp::now(),
                alert: AlertMark::Due,
                alert_if_opened: AlertMark::Due,
            })
            .collect();
        store.apply(&writes).unwrap();
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_belfryctl"));
        command.arg("--config").arg(self.path("settings.toml")).arg("--data-dir").arg(self.path("data"));
        command.args(line.split_whitespace()).stdin(Stdio::null());
        // The tests use neither the developer's token nor the developer's session bus.
        command.env_remove("BELFRY_TOKEN").env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
        command
    }

    fn run(&self, line: &str) -> Outcome {
        Outcome::of(self.command(line).output().unwrap())
    }

    fn run_with_token(&self, line: &str) -> Outcome {
        Outcome::of(self.command(line).env("BELFRY_TOKEN", "a-secret").output().unwrap())
    }
}

#[derive(Debug)]
struct Outcome {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Outcome {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let outcome =
            Self { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!outcome.stdout.contains("a-secret") && !outcome.stderr.contains("a-secret"), "{outcome:?}");
        outcome
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The text of the error, which is a single line.
    fn error(&self) -> &str {
        self.stderr.strip_prefix("error: ").unwrap_or_else(|| panic!("{self:?}")).trim_end()
    }
}

fn message(id: &str, title: &str) -> Value {
    json!({ "id": id, "title": title, "content": "a body", "type": 3, "sender": "payments" })
}

#[test]
fn missing_or_invalid_settings_end_with_2_and_nothing_is_written() {
    let home = Home::new();
    home.write_settings("[server]\nendpoints = 7\n[auth]\nlogin = true\n");
    let outcome = home.run("run");
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert_eq!(outcome.stderr.lines().count(), 2, "every error of the file: {outcome:?}");
    assert!(outcome.stderr.lines().all(|line| line.starts_with("error: ") && line.contains("settings.toml:")));
    home.write_settings("[server]\nendpoint = [\"ws://127.0.0.1:1/ws\"]\n");
    let outcome = home.run("run");
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    let [warning, error] = lines.as_slice() else { panic!("{outcome:?}") };
    assert!(warning.starts_with("warning: ") && warning.contains("unknown key server.endpoint "), "{outcome:?}");
    assert!(error.starts_with("error: ") && error.contains("server.endpoints"), "{outcome:?}");
    assert_eq!(outcome.code, 2, "{outcome:?}");
    std::fs::remove_file(home.path("settings.toml")).unwrap();
    let outcome = home.run("inbox list");
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(outcome.error().contains("settings.toml: there is no settings file: "), "{outcome:?}");
    assert!(!home.path("data").exists());
}

#[test]
fn an_unknown_key_is_a_warning() {
    let home = Home::new();
    home.write_settings("[server]\nendpoints = [\"ws://127.0.0.1:1/ws\"]\n[auth]\nlogn = \"alice\"\n");
    let outcome = home.run("inbox list --json");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, "[]\n"), "{outcome:?}");
    assert!(outcome.stderr.starts_with("warning: ") && outcome.stderr.contains("auth.login"), "{outcome:?}");
}

#[test]
fn bad_usage_ends_with_2() {
    for line in ["", "nothing", "inbox", "run --count 0", "send hi", "inbox list --limit many"] {
        let outcome = Home::new().run(line);
        assert_eq!(outcome.code, 2, "{line}: {outcome:?}");
    }
}

#[test]
fn without_a_credential_run_and_one_shot_commands_end_with_3() {
    // There is no keychain, so that the developer's own is not opened. Only on Linux is it found
    // through the session bus.
    if !cfg!(target_os = "linux") {
        eprintln!("SKIPPED: only on Linux can a test remove the keychain");
        return;
    }
    let home = Home::new();
    for line in ["run", "send --destination /queue/a hi", "messages list", "clients list"] {
        let outcome = home.run(line);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (3, ""), "{line}: {outcome:?}");
        assert!(outcome.error().contains("keychain"), "{line}: {outcome:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_token_file_that_others_can_read_is_refused_with_the_remedy() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    std::fs::write(home.path("token"), "a-secret\n").unwrap();
    std::fs::set_permissions(home.path("token"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let outcome = home.run(&format!("run --token-file {}", home.path("token").display()));
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(outcome.error().contains("chmod 600"), "{outcome:?}");
}

#[test]
fn an_unreachable_server_ends_one_shot_commands_with_4_and_run_retries() {
    let home = Home::new();
    for line in ["send --destination /queue/a hi", "send --title T --type 1 hi", "messages list", "clients list"] {
        let outcome = home.run_with_token(line);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (4, ""), "{line}: {outcome:?}");
        assert!(outcome.error().starts_with("the server cannot be reached: 127.0.0.1:"), "{line}: {outcome:?}");
    }
    let outcome = home.run_with_token("run --json --timeout 1s");
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let events: Vec<Value> = outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let retry = events.iter().find(|event| event["state"] == "offline" && event["retry_in_ms"].is_u64());
    let retry = retry.unwrap_or_else(|| panic!("{outcome:?}"));
    assert!(retry["reason"].as_str().unwrap().contains("cannot be reached"), "{retry}");
}

#[test]
fn run_prints_count_notices_and_the_next_run_prints_the_rest() {
    let home = Home::new();
    home.receive(&["1", "2", "3"].map(|id| message(id, "Expense report")));
    let printed = |count: u64| {
        let outcome = home.run_with_token(&format!("run --json --count {count}"));
        assert_eq!(outcome.code, 0, "{outcome:?}");
        let events = outcome.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let notices = events.filter(|event| event["event"] == "notice");
        notices
            .map(|notice| (notice["id"].as_str().unwrap().to_owned(), notice["replayed"] == true))
            .collect::<Vec<_>>()
    };
    // The store does not know whether the first ones were announced, so they count as repeated.
    assert_eq!(printed(2), [("1".to_owned(), true), ("2".to_owned(), true)]);
    assert_eq!(printed(1), [("3".to_owned(), false)]);
}

#[test]
fn a_sign_in_that_cannot_be_checked_saves_nothing() {
    let home = Home::new();
    let outcome = home.run("sign-in");
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(outcome.error().contains("it contains no token"), "{outcome:?}");
    let mut command = home.command("sign-in");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().unwrap().write_all(b"a-secret\n").unwrap();
    let outcome = Outcome::of(child.wait_with_output().unwrap());
    assert_eq!(outcome.code, 4, "{outcome:?}");
    for entry in std::fs::read_dir(home.path("data")).unwrap() {
        let path = entry.unwrap().path();
        assert!(!std::fs::read_to_string(&path).unwrap().contains("a-secret"), "{}", path.display());
    }
}

#[test]
fn a_host_beside_the_server_is_named_and_needs_an_option_where_there_is_no_terminal() {
    let home = Home::new();
    let settings = std::fs::read_to_string(home.path("settings.toml")).unwrap();
    let more = "\n[app]\naction_urls = [\"https://act.example.net/decide\"]\n";
    std::fs::write(home.path("settings.toml"), settings + more).unwrap();
    let sign_in = |line: &str| {
        let mut command = home.command(line);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        // A program that has refused reads nothing.
        drop(child.stdin.take().unwrap().write_all(b"a-secret\n"));
        Outcome::of(child.wait_with_output().unwrap())
    };
    for line in ["sign-in", "sign-in --agree act.example.org"] {
        let outcome = sign_in(line);
        assert_eq!(outcome.code, 2, "{outcome:?}");
        let error = outcome.error();
        assert!(
            error.contains("act.example.net (app.action_urls)") && error.contains("--agree act.example.net"),
            "{error}"
        );
    }
    let outcome = sign_in("sign-in --agree Act.Example.net");
    assert_eq!(outcome.code, 4, "the server, which does not exist, was asked: {outcome:?}");
}

/// Only on Linux is the session bus used, whose address can name a program to start.
#[cfg(target_os = "linux")]
#[test]
fn no_child_process_inherits_the_token_or_the_password() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let (script, seen) = (home.path("bus"), home.path("environment"));
    std::fs::write(&script, format!("#!/bin/sh\nenv >> {}\n", seen.display())).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = home.command("doctor");
    command.env("DBUS_SESSION_BUS_ADDRESS", format!("unixexec:path={}", script.display()));
    command.env("BELFRY_TOKEN", "a-secret").env("BELFRY_PASSWORD", "a-secret").env("BELFRY_TEST", "inherited");
    let outcome = Outcome::of(command.output().unwrap());
    let environment = std::fs::read_to_string(&seen).unwrap_or_else(|error| panic!("{error}: {outcome:?}"));
    assert!(environment.contains("inherited") && !environment.contains("a-secret"), "{environment}");
    assert!(outcome.stdout.contains("BELFRY_TOKEN"), "the token is used all the same: {outcome:?}");
}

#[test]
fn a_data_directory_in_use_ends_run_with_5_and_the_inbox_can_be_read() {
    let home = Home::new();
    home.receive(&[message("1", "one")]);
    let lock = File::options().create(true).truncate(false).write(true).open(home.path("data/engine.lock")).unwrap();
    lock.try_lock().unwrap();
    let outcome = home.run_with_token("run --timeout 1s");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (5, ""), "{outcome:?}");
    assert!(outcome.error().contains("--data-dir"), "{outcome:?}");
    assert_eq!(home.run("inbox list --json").json().as_array().unwrap().len(), 1);
}

#[test]
fn a_store_that_cannot_be_used_ends_with_6() {
    let home = Home::new();
    home.receive(&[]);
    for entry in std::fs::read_dir(home.account_dir()).unwrap() {
        std::fs::write(entry.unwrap().path(), "not a database, and long enough to be read as one".repeat(100)).unwrap();
    }
    for line in ["run --timeout 1s", "inbox list", "inbox stats", "status"] {
        let outcome = home.run_with_token(line);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (6, ""), "{line}: {outcome:?}");
        assert!(outcome.error().contains("inbox"), "{line}: {outcome:?}");
    }
    let file = home.path("a-file");
    std::fs::write(&file, "").unwrap();
    for command in ["run", "doctor"] {
        let outcome = home.run_with_token(&format!("{command} --data-dir {}", file.display()));
        assert_eq!(outcome.code, 6, "{outcome:?}");
    }
}

#[test]
fn an_inbox_that_does_not_exist_is_empty_and_is_not_created() {
    let home = Home::new();
    assert_eq!(home.run("inbox list --json").json(), json!([]));
    assert_eq!(home.run("inbox search x --json").json(), json!([]));
    assert_eq!(home.run("inbox stats --json").json()["total"], 0);
    assert_eq!(home.run("inbox export --format json").json(), json!([]));
    assert!(home.run("inbox export --format csv").stdout.starts_with("\u{feff}\"id\",\"title\","));
    assert_eq!(home.run("inbox show 1").code, 1);
    assert!(!home.path("data").exists());
}

#[test]
fn the_inbox_is_listed_newest_first_with_the_fields_of_the_reference() {
    let home = Home::new();
    home.receive(&[message("1", "one"), message("2", "two"), message("3", "审批\u{1b}[2J")]);
    let rows = home.run("inbox list --json").json();
    let ids: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["3", "2", "1"]);
    let mut keys: Vec<&str> = rows[0].as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected = [
        "body",
        "id",
        "kind",
        "link",
        "priority",
        "read",
        "received_at",
        "sender",
        "sent_at",
        "source",
        "state",
        "title",
    ];
    assert_eq!(keys, expected);
    assert_eq!(home.run("inbox list --json --limit 1").json().as_array().unwrap().len(), 1);
    let found = home.run("--json inbox search tw").json();
    assert_eq!((found.as_array().unwrap().len(), &found[0]["id"]), (1, &json!("2")));
    let readable = home.run("inbox list").stdout;
    assert_eq!(readable.lines().count(), 3);
    assert!(!readable.contains('\u{1b}') && readable.contains("payments"), "{readable:?}");
    let detail = home.run("inbox show 2 --json").json();
    assert_eq!((&detail["title"], &detail["destination"]), (&json!("two"), &json!("/queue/a")));
}

#[test]
fn what_came_of_a_button_is_a_line_of_its_notice() {
    let home = Home::new();
    home.receive(&[message("1", "one")]);
    let mut inbox = Inbox::open(&home.account_dir()).unwrap().unwrap();
    let seq = inbox.find("1").unwrap()[0];
    let result = json!({"action": "ok", "label": "Approve", "at": "2026-11-20T10:32:00Z", "outcome": "refused",
        "fault": "refused", "detail": "401: sign in first"});
    inbox.keep_action_result(seq, &serde_json::from_value(result.clone()).unwrap()).unwrap();
    let shown = home.run("inbox show 1").stdout;
    let said = shown.lines().find(|line| line.starts_with("result ") && line.contains("Approve: not carried out, "));
    assert!(said.unwrap().ends_with(":00. The server refused the sign-in. 401: sign in first"), "{shown}");
    assert_eq!(home.run("inbox show 1 --json").json()["action_result"], result);
}

#[test]
fn notices_are_marked_and_deleted_by_id_all_or_none() {
    let home = Home::new();
    home.receive(&[message("1", "one"), message("2", "two")]);
    let outcome = home.run("inbox read 1 nope");
    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert!(outcome.error().contains("nope") && outcome.error().contains("nothing was changed"), "{outcome:?}");
    assert_eq!(home.run("inbox list --unread --json").json().as_array().unwrap().len(), 2);
    assert_eq!(home.run("inbox read 1 --json").json(), json!({ "marked": 1 }));
    assert_eq!(home.run("inbox list --unread --json").json()[0]["id"], "2");
    assert_eq!(home.run("inbox delete 1 2 --json").json(), json!({ "deleted": 2 }));
    assert_eq!(home.run("inbox list --json").json(), json!([]));
    home.receive(&[message("1", "one")]);
    assert_eq!(home.run("inbox list --json").json(), json!([]), "a deleted notice that is sent again stays deleted");
}

#[test]
fn an_export_has_the_notices_of_the_list_and_a_closed_output_is_no_error() {
    let home = Home::new();
    let messages: Vec<Value> = (0..500).map(|id| message(&id.to_string(), "=1+1")).collect();
    home.receive(&messages);
    assert_eq!(home.run("inbox export --format json").json(), home.run("inbox list --json --limit 1000").json());
    let csv = home.run("inbox export --format csv").stdout;
    assert_eq!(csv.lines().count(), 501);
    assert!(csv.contains("'=1+1"), "a spreadsheet must not run it as a formula");
    let mut child =
        home.command("inbox export --format json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let outcome = Outcome::of(child.wait_with_output().unwrap());
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
}

#[test]
fn status_prints_the_state_and_its_exit_code_is_for_fleet_tools() {
    let home = Home::new();
    let outcome = home.run_with_token("status --json");
    assert_eq!(outcome.code, 4, "never live: {outcome:?}");
    assert_eq!(outcome.json()["state"], "offline");
    assert_eq!(outcome.json()["last_live"], Value::Null);
    assert!(!home.path("data").exists());
    home.receive(&[message("1", "one")]);
    let mut store = Store::open(&home.account_dir(), &Account::of(&home.settings()).unwrap().name()).unwrap();
    store.apply(&[Write::LastLive(Timestamp::now())]).unwrap();
    let outcome = home.run_with_token("status --json");
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(outcome.json()["unread"], 1);
    assert!(home.run_with_token("status").stdout.contains("Belfry is not running"));
}

#[test]
fn doctor_reports_every_step_in_order_even_if_nothing_works() {
    let steps = |outcome: &Outcome| -> Vec<(String, String)> {
        let findings = outcome.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        findings.as_array().unwrap().iter().map(|one| (text(&one["step"]), text(&one["verdict"]))).collect()
    };
    let order = [
        "settings",
        "dns",
        "tcp",
        "proxy",
        "tls",
        "websocket",
        "stomp",
        "subscribe",
        "collect",
        "clock",
        "keychain",
        "notifications",
        "tray",
    ];
    let home = Home::new();
    let outcome = home.run_with_token("doctor --json");
    assert_eq!(outcome.code, 4, "{outcome:?}");
    let found = steps(&outcome);
    assert_eq!(found.iter().map(|(step, _)| step.as_str()).collect::<Vec<_>>(), order);
    assert_eq!(found.iter().find(|(_, verdict)| verdict == "fail").unwrap().0, "tcp");
    home.write_settings("[server]\nendpoints = 7\n");
    let outcome = home.run_with_token("doctor --json");
    assert_eq!(outcome.code, 2, "{outcome:?}");
    let found = steps(&outcome);
    assert_eq!(found.iter().map(|(step, _)| step.as_str()).collect::<Vec<_>>(), order);
    assert_eq!(found[0].1, "fail");
    assert!(home.run("doctor").stdout.contains("settings.toml:2: server.endpoints"));
}
