//! The token in a real keychain: gnome-keyring on a private bus, and `belfryctl` as the program that signs in.

use std::path::{Path, PathBuf};
use std::process::Command;

use harness::program::run_to_end;
use harness::skip::skip;
use harness::{Home, Pushd, Running};
use zbus::blocking::connection::Builder;
use zbus::blocking::fdo::DBusProxy;

use crate::bus::Bus;
use crate::world::settings;

const SECRETS: &str = "org.freedesktop.secrets";

/// A person who keeps the token in a keychain; the password is the token.
struct Person {
    home: Home,
    bus: Bus,
}

impl Person {
    async fn of(pushd: &Pushd) -> Option<Self> {
        if Command::new("gnome-keyring-daemon").arg("--version").output().is_err() {
            skip("gnome-keyring is not installed: apt-get install gnome-keyring");
            return None;
        }
        let home = Home::new(&settings(pushd.stomp(), "alice", &[], ""));
        Some(Self { home, bus: Bus::start().await? })
    }

    /// Starts the keychain; unlocked with its password, or locked as after a login without one.
    fn keychain(&self, is_unlocked: bool) -> Running {
        let connection = Builder::address(self.bus.address.as_str()).and_then(Builder::build).expect("the bus");
        let bus = DBusProxy::new(&connection).expect("the bus");
        let mut owners = bus.receive_name_owner_changed_with_args(&[(0, SECRETS)]).expect("changes of owners");
        let folder = self.bus.folder.path();
        let password = folder.join("password");
        std::fs::write(&password, "pass").expect("a file written");
        // The password comes on standard input.
        let script = "from=$1; shift; exec gnome-keyring-daemon --foreground --components=secrets \"$@\" < \"$from\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(password).arg("--control-directory").arg(folder.join("keyring"));
        command.args(is_unlocked.then_some("--unlock"));
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.bus.address).env("XDG_DATA_HOME", folder.join("data"));
        command.env("XDG_RUNTIME_DIR", folder).env("HOME", folder).env_remove("DISPLAY");
        let daemon = Running::spawn(command);
        owners.next().expect("the keychain comes to the bus");
        daemon
    }

    async fn ctl(&self, args: &[&str], token: Option<&str>) -> (Option<i32>, String) {
        let mut command = self.home.ctl(args).await;
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.bus.address).env_remove("BELFRY_TOKEN");
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
async fn a_token_the_server_took_is_found_by_the_next_program_and_forgotten_on_sign_out() {
    let pushd = Pushd::start(["--user", "alice:secret"]).await;
    let Some(alice) = Person::of(&pushd).await else { return };
    let _keychain = alice.keychain(true);
    assert_eq!(alice.ctl(&["sign-in"], Some("wrong")).await.0, Some(3));
    assert_eq!(alice.ctl(&["run", "--timeout", "0s"], None).await.0, Some(3), "a wrong token is not kept");
    let (code, said) = alice.ctl(&["sign-in"], Some("secret")).await;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = alice.ctl(&["send", "--destination", "/topic/x", "hello"], None).await;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = alice.ctl(&["sign-out"], None).await;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = alice.ctl(&["send", "--destination", "/topic/x", "hello"], None).await;
    assert_eq!(code, Some(3), "{said}");
}

#[tokio::test]
async fn a_token_too_long_for_a_keychain_is_sealed_in_a_file_that_says_nothing() {
    let token = "eyJhbGci".repeat(400);
    let pushd = Pushd::start(["--user", &format!("alice:{token}")]).await;
    let Some(alice) = Person::of(&pushd).await else { return };
    let _keychain = alice.keychain(true);
    let (code, said) = alice.ctl(&["sign-in"], Some(&token)).await;
    assert_eq!(code, Some(0), "{said}");
    let sealed = |alice: &Person| files(&alice.home.data_dir()).into_iter().find(|path| path.ends_with("token.sealed"));
    assert!(sealed(&alice).is_some(), "{:?}", files(&alice.home.data_dir()));
    for path in files(&alice.home.data_dir()).into_iter().chain(files(alice.bus.folder.path())) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        assert!(!bytes.windows(16).any(|window| window == b"eyJhbGcieyJhbGci"), "{}", path.display());
    }
    let (code, said) = alice.ctl(&["send", "--destination", "/topic/x", "hello"], None).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(alice.ctl(&["sign-out"], None).await.0, Some(0));
    assert_eq!(sealed(&alice), None);
}

#[tokio::test]
async fn a_keychain_that_is_locked_keeps_nothing_and_says_what_to_do() {
    let pushd = Pushd::start(["--user", "alice:secret"]).await;
    let Some(alice) = Person::of(&pushd).await else { return };
    let mut keychain = alice.keychain(true);
    assert_eq!(alice.ctl(&["sign-in"], Some("secret")).await.0, Some(0));
    keychain.kill().await;
    // As after a login without its password: it is there, and nobody can be asked to unlock it.
    let _locked = alice.keychain(false);
    let (code, said) = alice.ctl(&["send", "--destination", "/topic/x", "hello"], None).await;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("unlock it and try again"), "{said}");
    let (code, said) = alice.ctl(&["sign-in"], Some("secret")).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("unlock it and try again"), "{said}");
    let kept =
        files(&alice.home.data_dir()).into_iter().any(|path| std::fs::read(path).is_ok_and(|it| it == b"secret"));
    assert!(!kept, "never in the clear on the disk");
}
