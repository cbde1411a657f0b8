//! `belfryctl support-bundle`: it helps, and it gives away nothing.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use harness::{Pushd, Running};
use serde_json::Value;
use zip::ZipArchive;

use crate::fixtures::{Person, pushd_settings};

/// What must not be in a bundle: parts of messages, and secrets in every place where a person could
/// have put one.
const PLANTED: [&str; 8] = [
    "planted-title",
    "planted-body",
    "planted-link",
    "planted-header",
    "planted-login-body",
    "planted-query",
    "planted-wrong-value",
    "planted-unknown-key",
];

#[tokio::test]
async fn a_support_bundle_holds_neither_secrets_nor_the_text_of_messages() {
    let pushd = Pushd::start(["--user", "alice:secret"]).await;
    let settings = pushd_settings(&pushd, "alice")
        .replacen(
            "destination = \"/topic/broadcast\"",
            "destination = \"/topic/broadcast\"\nheaders = { durable = \"true\", x-key = \"planted-header\" }",
            1,
        )
        .replacen(
            "[auth]",
            "[auth]\nlogin_body = '{\"login\":\"{login}\",\"password\":\"{password}\",\"k\":\"planted-login-body\"}'",
            1,
        )
        .replacen("/ws\"]", &format!("/ws\", \"{}?site=planted-query\"]", pushd.stomp()), 1);
    let settings = format!("{settings}\n[extra]\nname = \"planted-unknown-key\"\n");
    let alice = Person::new(&settings, &pushd.login("alice", "secret").await);
    let mut command = alice.home.ctl(["run", "--json"]).await;
    command.env("BELFRY_TOKEN", &alice.token).env("BELFRY_LOG", "trace").env_remove("JOURNAL_STREAM");
    let mut running = Running::spawn(command);
    running.state("live").await;
    let message = serde_json::json!({
        "title": "planted-title", "content": "planted-body", "type": 1, "url": "https://example.com/planted-link",
    });
    pushd.call(&alice.token, "sendMessage", &message).await;
    running.event("the notice", |event| event["title"] == "planted-title").await;
    running.terminate().await;

    let file = alice.home.data_dir().with_file_name("bundle.zip");
    let name = file.to_str().unwrap();
    let ended = alice.ctl(&["support-bundle", "--output", name, "--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.json()["file"], name);
    let parts = unpacked(&file);
    let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "README.txt",
            "doctor.json",
            "status.json",
            "policy.json",
            "settings.json",
            "versions.json",
            "logs/belfryctl.log"
        ]
    );
    assert_clean(&parts, &alice.token);
    let part = |name: &str| parts.iter().find(|(found, _)| found == name).unwrap().1.as_str();
    let json = |name: &str| serde_json::from_str::<Value>(part(name)).unwrap();
    assert!(
        part("logs/belfryctl.log").contains("the connection has changed state=Live"),
        "{}",
        part("logs/belfryctl.log")
    );
    assert_eq!(json("doctor.json")[0]["step"], "settings");
    assert_eq!(json("status.json")["unread"], 1);
    assert_eq!(json("settings.json")["auth.login"], "alice");
    assert_eq!(json("settings.json")["server.subscriptions"][1]["headers"]["durable"], "true");
    assert!(json("policy.json").as_array().unwrap().iter().any(|row| row["name"] == "app.theme"));
    assert!(json("versions.json")["system_version"].is_string());

    let again = alice.ctl(&["support-bundle", "--output", name]).await;
    assert_eq!(again.code, Some(1), "an existing file is not replaced: {again:?}");

    // Settings that cannot be used are a finding, and what stands in them is not shown.
    alice.write_settings(&format!("{settings}\n[message]\nid = \"planted-wrong-value\"\n"));
    let other = file.with_file_name("other.zip");
    let ended = alice.ctl(&["support-bundle", "--output", other.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let parts = unpacked(&other);
    assert_clean(&parts, &alice.token);
    let doctor = &parts.iter().find(|(name, _)| name == "doctor.json").unwrap().1;
    assert!(doctor.contains("message.id") && doctor.contains("accepted is"), "{doctor}");
}

fn unpacked(file: &Path) -> Vec<(String, String)> {
    let mut archive = ZipArchive::new(File::open(file).unwrap()).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut part = archive.by_index(index).unwrap();
            let mut text = String::new();
            part.read_to_string(&mut text).unwrap();
            (part.name().unwrap().into_owned(), text)
        })
        .collect()
}

fn assert_clean(parts: &[(String, String)], token: &str) {
    for (name, text) in parts {
        for planted in PLANTED.iter().chain([&token]) {
            assert!(!text.contains(planted), "{planted} is in {name}: {text}");
        }
    }
}
