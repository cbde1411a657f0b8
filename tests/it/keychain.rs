//! The secret in a real keychain: gnome-keyring on a private bus, with `belfryctl` as the program
//! that signs in.

use std::path::{Path, PathBuf};

use harness::desktop::{Bus, Keychain, Lock};
use harness::program::run_to_end;
use harness::{Home, Pushd, Running};

use crate::fixtures::{api, settings, with_password};

/// A user with a keychain, whose password is the token.
struct Person {
    home: Home,
    keychain: Keychain,
    bus: Bus,
}

impl Person {
    async fn of(pushd: &Pushd) -> Option<Self> {
        let home = Home::new(&settings(pushd.stomp(), "alice", &[], ""));
        let bus = Bus::start().await?;
        Some(Self { home, keychain: Keychain::start(&bus, Lock::Open).await?, bus })
    }

    async fn ctl(&self, args: &[&str], token: Option<&str>) -> (Option<i32>, String) {
        let mut command = self.home.ctl(args).await;
        command.env("DBUS_SESSION_BUS_ADDRESS", self.bus.address()).env_remove("BELFRY_TOKEN");
        if let Some(token) = token {
            command.env("BELFRY_TOKEN", token);
        }
        let ended = run_to_end(command).await;
        (ended.code, format!("{ended:?}"))
    }
}

/// Every file below the folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn an_accepted_token_is_found_by_the_next_program_and_removed_on_sign_out() {
    let pushd = Pushd::start(["--user", "alice:secret"]).await;
    let Some(alice) = Person::of(&pushd).await else { return };
    assert_eq!(alice.ctl(&["sign-in"], Some("wrong")).await.0, Some(3));
    assert_eq!(alice.ctl(&["run", "--timeout", "0s"], None).await.0, Some(3), "a wrong token is not saved");
    let (code, output) = alice.ctl(&["sign-in"], Some("secret")).await;
    assert_eq!(code, Some(0), "{output}");
    let (code, output) = alice.ctl(&["send", "--destination", "/topic/x", "hello"], None).await;
    assert_eq!(code, Some(0), "{output}");
    let (code, output) = alice.ctl(&["sign-out"], None).await;
    assert_eq!(code, Some(0), "{output}");
    let (code, output) = alice.ctl(&["send", "--destination", "/topic/x", "hello"], None).await;
    assert_eq!(code, Some(3), "{output}");
}

#[tokio::test]
async fn a_running_engine_disconnects_on_sign_out_and_reconnects_after_the_next_sign_in() {
    let pushd = Pushd::start(["--user", "alice:secret"]).await;
    let Some(alice) = Person::of(&pushd).await else { return };
    assert_eq!(alice.ctl(&["sign-in"], Some("secret")).await.0, Some(0));
    let mut command = alice.home.ctl(["run", "--json"]).await;
    command.env("DBUS_SESSION_BUS_ADDRESS", alice.bus.address()).env_remove("BELFRY_TOKEN");
    let mut running = Running::spawn(command);
    running.state("live").await;
    let (code, output) = alice.ctl(&["sign-out"], None).await;
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("disconnects now"), "{output}");
    running.state("action-needed").await;
    let (code, output) = alice.ctl(&["sign-in"], Some("secret")).await;
    assert_eq!(code, Some(0), "{output}");
    running.state("live").await;
}

#[tokio::test]
async fn a_token_too_long_for_a_keychain_is_stored_in_an_encrypted_file() {
    let token = "eyJhbGci".repeat(400);
    let pushd = Pushd::start(["--user", &format!("alice:{token}")]).await;
    let Some(alice) = Person::of(&pushd).await else { return };
    let (code, output) = alice.ctl(&["sign-in"], Some(&token)).await;
    assert_eq!(code, Some(0), "{output}");
    let encrypted_file =
        |alice: &Person| files(&alice.home.data_dir()).into_iter().find(|path| path.ends_with("token.sealed"));
    assert!(encrypted_file(&alice).is_some(), "{:?}", files(&alice.home.data_dir()));
    for path in files(&alice.home.data_dir()).into_iter().chain(files(alice.keychain.folder())) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        assert!(!bytes.windows(16).any(|window| window == b"eyJhbGcieyJhbGci"), "{}", path.display());
    }
    let (code, output) = alice.ctl(&["send", "--destination", "/topic/x", "hello"], None).await;
    assert_eq!(code, Some(0), "{output}");
    assert_eq!(alice.ctl(&["sign-out"], None).await.0, Some(0));
    assert_eq!(encrypted_file(&alice), None);
}

#[tokio::test]
async fn with_a_locked_keychain_nothing_is_saved_and_the_error_says_what_to_do() {
    let pushd = Pushd::start(["--user", "alice:secret"]).await;
    let Some(mut alice) = Person::of(&pushd).await else { return };
    assert_eq!(alice.ctl(&["sign-in"], Some("secret")).await.0, Some(0));
    alice.keychain.restart(&alice.bus, Lock::Locked).await;
    let (code, output) = alice.ctl(&["send", "--destination", "/topic/x", "hello"], None).await;
    assert_eq!(code, Some(3), "{output}");
    assert!(output.contains("then try again"), "{output}");
    let (code, output) = alice.ctl(&["sign-in"], Some("secret")).await;
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("then try again"), "{output}");
    let is_on_disk =
        files(&alice.home.data_dir()).into_iter().any(|path| std::fs::read(path).is_ok_and(|it| it == b"secret"));
    assert!(!is_on_disk, "the secret is never unencrypted on the disk");
}

#[tokio::test]
async fn a_password_is_saved_in_the_keychain_and_the_token_issued_for_it_is_not() {
    let pushd = Pushd::start(["--user", "alice:open sesame"]).await;
    let Some(alice) = Person::of(&pushd).await else { return };
    let with_api = settings(pushd.stomp(), "alice", &[], &api(&pushd.api_base()));
    alice.home.write_settings(&with_password(&with_api, &format!("{}/login", pushd.http())));
    let ctl = async |args: &[&str], password: Option<&str>| {
        let mut command = alice.home.ctl(args).await;
        command.env("DBUS_SESSION_BUS_ADDRESS", alice.bus.address());
        if let Some(password) = password {
            command.env("BELFRY_PASSWORD", password);
        }
        run_to_end(command).await
    };
    assert_eq!(ctl(&["sign-in"], Some("wrong")).await.code, Some(3));
    assert_eq!(ctl(&["clients", "list"], None).await.code, Some(3), "a wrong password is not saved");
    let ended = ctl(&["sign-in"], Some("open sesame")).await;
    assert_eq!((ended.code, ended.stdout.contains("password")), (Some(0), true), "{ended:?}");
    for _ in 0..2 {
        let ended = ctl(&["clients", "list"], None).await;
        assert_eq!(ended.code, Some(0), "each gets a new token: {ended:?}");
    }
    assert_eq!(ctl(&["sign-out"], None).await.code, Some(0));
    assert_eq!(ctl(&["clients", "list"], None).await.code, Some(3));
}
