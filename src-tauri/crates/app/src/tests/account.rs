//! First run, sign-in and sign-out.

use std::fs::File;

use belfry_core::texts::Language;
use belfry_pushd::{Account, Config, Server, TOKEN_LIFETIME};
use harness::http::post;
use harness::{FakeApi, FakeBroker};
use serde_json::{Value, json};
use stomp::{Command, Frame};
use tokio::net::TcpListener;
use tokio::sync::mpsc::unbounded_channel;

use super::history::{settings, silent_broker};
use super::world::{Did, World};
use crate::Request;
use crate::ipc::{CommandErrorCode, Connectivity, Setup, SetupStep, SignInMode, Theme, Update};
use crate::tray::TrayIcon;

/// A server with alice, whose password is `open sesame`.
pub(super) async fn pushd() -> Server {
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: None,
        data: None,
        accounts: vec![Account { login: "alice".to_owned(), password: "open sesame".to_owned() }],
        amqp: None,
        destructive_collect: false,
        token_lifetime: TOKEN_LIFETIME,
        sockjs_heart_beat: TOKEN_LIFETIME,
        demo: false,
    };
    Server::start(config).await.unwrap()
}

fn missing(update: Update) -> Option<Setup> {
    if let Update::Setup { setup } = update { setup } else { None }
}

#[tokio::test]
async fn a_first_run_by_endpoint_and_token_ends_live_and_stores_the_token_in_the_keychain_alone() {
    let pushd = pushd().await;
    let mut world = World::first_run().await;
    let login = format!("http://{}/login", pushd.address());
    let (_, tokens): (u16, Value) =
        post(&login, None, &json!({"login": "alice", "password": "open sesame"})).await.unwrap();
    let token = tokens["token"].as_str().unwrap();
    let endpoint = format!("ws://{}/ws", pushd.address());
    let server = world.discover(&endpoint).await.unwrap();
    assert!(server.mode == SignInMode::Token && !server.is_discovered, "{server:?}");
    let signed_in = world.sign_in(&endpoint, "alice", token).await.unwrap();
    assert!(signed_in.is_kept && signed_in.account.starts_with("alice@"), "{signed_in:?}");
    world.live().await;
    world.wait_for(|did| matches!(did, Did::Tray(tray) if tray.icon == TrayIcon::Live)).await;
    let settings = std::fs::read_to_string(world.settings_file()).unwrap();
    assert!(settings.contains(&endpoint) && !settings.contains(token), "{settings}");
    assert_eq!(world.keychain.accounts(), [signed_in.account]);
    let start = world.app.ask(|reply| Request::Start { reply }).await.unwrap();
    assert_eq!((start.account.as_str(), start.setup), ("alice", None));
}

#[tokio::test]
async fn a_first_run_by_address_and_password_changes_nothing_until_the_password_is_right() {
    let pushd = pushd().await;
    let mut world = World::first_run().await;
    let address = pushd.address().to_string();
    let server = world.discover(&address).await.unwrap();
    assert!(server.mode == SignInMode::Password && server.is_discovered, "{server:?}");
    let refused = world.sign_in(&address, "alice", "wrong").await.unwrap_err();
    assert_eq!(refused.code, CommandErrorCode::Refused);
    assert!(!world.settings_file().exists() && world.keychain.accounts().is_empty());
    world.sign_in(&address, "alice", "open sesame").await.unwrap();
    world.live().await;
    world.sign_out().await.unwrap();
    let setup = world.update(missing).await;
    assert_eq!((setup.step, setup.login.as_str()), (SetupStep::SignIn, "alice"));
    assert!(world.keychain.accounts().is_empty());
    // To the server of the settings, as the account of the settings.
    world.sign_in(&address, "", "open sesame").await.unwrap();
    world.live().await;
}

#[tokio::test]
async fn a_sign_out_ends_a_sign_in_that_is_under_way() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("ws://{}/ws", listener.local_addr().unwrap());
    let world = World::first_run().await;
    world.discover(&endpoint).await.unwrap();
    let (signed_in, ()) = tokio::join!(world.sign_in(&endpoint, "alice", "secret"), async {
        // The server has the request, and never answers it.
        let _connection = listener.accept().await.unwrap();
        world.sign_out().await.unwrap();
    });
    assert!(signed_in.unwrap_err().message.contains("was ended"));
    assert!(!world.settings_file().exists() && world.keychain.accounts().is_empty());
    let start = world.app.ask(|reply| Request::Start { reply }).await.unwrap();
    assert_eq!(start.account, "");
}

#[tokio::test]
async fn a_sign_in_after_one_that_was_ended_succeeds() {
    let (pushd, listener) = (pushd().await, TcpListener::bind("127.0.0.1:0").await.unwrap());
    let silent = format!("ws://{}/ws", listener.local_addr().unwrap());
    let mut world = World::first_run().await;
    world.discover(&silent).await.unwrap();
    let (ended, ()) = tokio::join!(world.sign_in(&silent, "alice", "secret"), async {
        let _connection = listener.accept().await.unwrap();
        world.sign_out().await.unwrap();
    });
    ended.unwrap_err();
    let address = pushd.address().to_string();
    world.discover(&address).await.unwrap();
    world.sign_in(&address, "alice", "open sesame").await.unwrap();
    world.live().await;
}

#[tokio::test]
async fn an_engine_that_cannot_start_fails_the_sign_in_and_the_app_goes_on() {
    let pushd = pushd().await;
    let world = World::first_run().await;
    let address = pushd.address().to_string();
    world.discover(&address).await.unwrap();
    std::fs::create_dir_all(world.data_dir()).unwrap();
    let lock = File::create(world.data_dir().join("engine.lock")).unwrap();
    lock.lock().unwrap();
    let failed = world.sign_in(&address, "alice", "open sesame").await.unwrap_err();
    assert!(
        failed.code == CommandErrorCode::Store && failed.message.contains("another Belfry is running"),
        "{failed:?}"
    );
    drop(lock);
    world.sign_in(&address, "alice", "open sesame").await.unwrap();
}

#[tokio::test]
async fn quitting_ends_the_session_before_the_program() {
    let pushd = pushd().await;
    let mut world = World::first_run().await;
    let address = pushd.address().to_string();
    world.discover(&address).await.unwrap();
    world.sign_in(&address, "alice", "open sesame").await.unwrap();
    world.live().await;
    world.app.send(Request::Quit { code: 0 });
    world.wait_for(|did| matches!(did, Did::Exit(0))).await;
    world.ended().await;
    assert!(!engine::runtime::data_dir::is_running(&world.data_dir()), "the data folder is free");
}

#[tokio::test]
async fn a_server_that_an_administrator_has_set_is_filled_in_and_locked_at_the_sign_in() {
    let (broker, service) = (silent_broker().await, FakeApi::start().await);
    let mut world = World::set_up(&settings(&broker, &service), |controller| controller.is_server_locked = true).await;
    world.live().await;
    world.sign_out().await.unwrap();
    let setup = world.update(missing).await;
    assert!(setup.is_managed && setup.step == SetupStep::SignIn, "{setup:?}");
    assert!(broker.url().ends_with(&setup.server.unwrap().endpoint));
}

#[tokio::test]
async fn the_start_up_list_follows_the_setting_while_the_app_runs_and_from_the_first_run_on() {
    let pushd = pushd().await;
    let mut world = World::first_run().await;
    let address = pushd.address().to_string();
    world.discover(&address).await.unwrap();
    world.sign_in(&address, "alice", "open sesame").await.unwrap();
    assert!(world.starts_at_login().await, "it is the default");
    let text = std::fs::read_to_string(world.settings_file()).unwrap();
    std::fs::write(world.settings_file(), format!("app.start_at_login = false\n{text}")).unwrap();
    world.app.send(Request::SettingsChanged);
    assert!(!world.starts_at_login().await);
    let values = serde_json::from_value(serde_json::json!({ "app.start_at_login": true })).unwrap();
    world.app.ask(|reply| Request::SaveSettings { values, reply }).await.unwrap();
    assert!(world.starts_at_login().await);
}

#[tokio::test]
async fn settings_that_change_outside_hold_at_once_and_broken_ones_leave_the_session_alone() {
    let (broker, service) = (silent_broker().await, FakeApi::start().await);
    let text = settings(&broker, &service);
    let mut world = World::set_up(&text, |_| ()).await;
    world.live().await;
    let dark = format!("{text}\n[app]\ntheme = \"dark\"\nlanguage = \"zh-CN\"\n");
    std::fs::write(world.settings_file(), &dark).unwrap();
    world.app.send(Request::SettingsChanged);
    let theme = world.update(|update| if let Update::Look { theme, .. } = update { Some(theme) } else { None }).await;
    assert_eq!(theme, Theme::Dark);
    assert_eq!(world.language_of_popups(), Some(Language::Chinese));
    world.live().await;

    std::fs::write(world.settings_file(), format!("{dark}log_level = 7\n")).unwrap();
    world.app.send(Request::SettingsChanged);
    // Changes are made one after the other: the answer to this one comes when the settings have been read.
    let values = serde_json::Map::new();
    let saved = world.app.ask(|reply| Request::SaveSettings { values, reply }).await;
    assert_eq!(saved.unwrap_err().code, CommandErrorCode::Setting);
    let start = world.app.ask(|reply| Request::Start { reply }).await.unwrap();
    assert_eq!((start.theme, start.status.state), (Theme::Dark, Connectivity::Live));
}

#[tokio::test]
async fn a_forgotten_device_is_unsubscribed_once_no_session_is_left_that_would_make_its_queue_again() {
    let (sender, mut sessions) = unbounded_channel();
    let broker = FakeBroker::start(move |_, mut wire| {
        let sender = sender.clone();
        async move {
            wire.welcome().await;
            drop(sender.send(wire.serve().await));
        }
    })
    .await;
    let subscription = "destination = \"/topic/a\"\nheaders = { durable = \"true\" }";
    let settings = format!(
        "[server]\nendpoints = [\"{}\"]\n[[server.subscriptions]]\n{subscription}\n[auth]\nlogin = \"alice\"\n",
        broker.url()
    );
    let mut world = World::set_up(&settings, |_| ()).await;
    world.live().await;
    world.app.ask(|reply| Request::SignOut { forget_device: true, reply }).await.unwrap();
    assert!(world.keychain.accounts().is_empty());
    let commands = |frames: &[Frame]| frames.iter().map(Frame::command).collect::<Vec<_>>();
    assert_eq!(commands(&sessions.recv().await.unwrap()), [Command::Subscribe, Command::Disconnect]);
    let forgotten = sessions.recv().await.unwrap();
    assert_eq!(commands(&forgotten), [Command::Subscribe, Command::Unsubscribe, Command::Disconnect]);
    assert_eq!(forgotten[1].header("durable").as_deref(), Some("true"));
    assert_eq!(broker.connections(), 2);
}
