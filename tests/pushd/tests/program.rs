//! The program from outside: the ready line, the end by signal, and what it says when it cannot
//! start.

#![expect(clippy::unwrap_used, reason = "the lint's leave for tests does not reach the functions they share")]

use std::io::Read;
use std::process::{Child, Command, Stdio};

fn pushd(args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_belfry-pushd"))
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn stderr(child: &mut Child) -> String {
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

#[cfg(unix)]
#[test]
fn it_says_when_it_is_ready_and_ends_politely_on_either_signal() {
    use std::io::{BufRead, BufReader};
    for signal in ["-TERM", "-INT"] {
        let mut child = pushd(&["--user", "alice:a-secret"]);
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["ready"], true);
        assert!(ready["stomp"].as_str().unwrap().ends_with("/ws"), "{line}");

        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        assert!(child.wait().unwrap().success(), "{signal}");
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line.lines().count(), 1, "one line and no more: {line}");
        let log = stderr(&mut child);
        assert!(!log.contains("a-secret"), "{log}");
    }
}

#[test]
fn an_address_that_is_taken_ends_it_with_the_reason() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut child = pushd(&["--listen", &address]);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let log = stderr(&mut child);
    assert!(log.contains(&format!("cannot listen on {address}")), "{log}");
}

#[test]
fn a_wrong_account_is_refused_without_repeating_it() {
    let mut child = pushd(&["--user", "a-secret-without-name"]);
    assert_eq!(child.wait().unwrap().code(), Some(2));
    let usage = stderr(&mut child);
    assert!(usage.contains("NAME:PASSWORD"), "{usage}");
    assert!(!usage.contains("a-secret"), "{usage}");
}

#[test]
fn options_that_need_each_other_are_refused_apart() {
    for args in [&["--broker", "rabbitmq"][..], &["--amqp", "amqp://a:a-secret@127.0.0.1/%2f"]] {
        let mut child = pushd(args);
        assert_eq!(child.wait().unwrap().code(), Some(2), "{args:?}");
        let usage = stderr(&mut child);
        assert!(usage.contains("--amqp URL") && !usage.contains("a-secret"), "{usage}");
    }
    let mut child = pushd(&["--listen", "0.0.0.0:0"]);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let log = stderr(&mut child);
    assert!(log.contains("--public-url"), "{log}");
}
