//! Sign-in in the browser, against a real OpenID Connect provider.

use harness::oidc::{Answer, Provider, browse};
use serde_json::{Map, json};
use tokio::task::JoinHandle;

use super::world::World;
use crate::ipc::{Chosen, CommandError, CommandErrorCode, SignInMode, SignedIn};
use crate::{App, Request};

fn settings(endpoint: &str, issuer: &str) -> String {
    format!(
        "[server]\nendpoints = [\"{endpoint}\"]\n[auth]\nmode = \"oidc\"\n\
         oidc = {{ issuer = \"{issuer}\", client_id = \"belfry\" }}\n"
    )
}

/// Presses the button; the answer comes when the person is done in the browser.
fn press(app: &App) -> JoinHandle<Result<SignedIn, CommandError>> {
    let app = app.clone();
    let server = Chosen { address: String::new(), agreed: Vec::new() };
    tokio::spawn(async move { app.ask(|reply| Request::SignInInBrowser { server, reply }).await })
}

#[tokio::test]
async fn the_browser_signs_in_and_the_account_is_the_one_that_the_issuer_names() {
    let Some(provider) = Provider::start(&json!({})).await else { return };
    let (broker, _tokens) = provider.broker().await;
    let mut world = World::set_up(&settings(&broker.url(), provider.issuer()), |_| ()).await;
    let setup = world.app.ask(|reply| Request::SignInAgain { reply }).await.unwrap();
    assert_eq!(setup.server.unwrap().mode, SignInMode::Oidc);
    let signing_in = press(&world.app);
    let page = browse(&world.opened().await, Answer::Consent("alice")).await;
    assert_eq!(page.status, 200);
    let signed_in = signing_in.await.unwrap().unwrap();
    assert!(signed_in.is_kept && signed_in.account.starts_with("alice@"), "{signed_in:?}");
    world.live().await;
    assert!(world.keychain.accounts().contains(&signed_in.account));
    assert!(std::fs::read_to_string(world.settings_file()).unwrap().contains("login = \"alice\""));
}

#[tokio::test]
async fn while_the_browser_is_open_other_changes_are_made_and_the_wait_can_be_ended() {
    let Some(provider) = Provider::start(&json!({})).await else { return };
    let (broker, _tokens) = provider.broker().await;
    let mut world = World::set_up(&settings(&broker.url(), provider.issuer()), |_| ()).await;
    let first = press(&world.app);
    let abandoned = world.opened().await;
    let values: Map<_, _> = [("app.language".to_owned(), "zh-CN".into())].into_iter().collect();
    world.app.ask(|reply| Request::SaveSettings { values, reply }).await.unwrap();
    let second = press(&world.app);
    let url = world.opened().await;
    assert_eq!(first.await.unwrap().unwrap_err().code, CommandErrorCode::Offline, "a later one takes its place");
    assert_ne!(abandoned, url);
    world.app.ask(|reply| Request::CancelSignIn { reply }).await.unwrap();
    assert_eq!(second.await.unwrap().unwrap_err().code, CommandErrorCode::Offline);
    let third = press(&world.app);
    browse(&world.opened().await, Answer::Decline("alice")).await;
    let declined = third.await.unwrap().unwrap_err();
    assert!(declined.code == CommandErrorCode::Refused && declined.message.contains("access_denied"), "{declined:?}");
    assert!(provider.grants().await.is_empty());
}
