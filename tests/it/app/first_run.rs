//! From an address, a name and a password to the first notice, in the real window.

use harness::desktop::{Lock, Parts};
use harness::webdriver::Target;
use harness::{Desktop, Home, Page, Pushd};
use serde_json::json;

async fn pushd() -> Pushd {
    Pushd::start(["--user", "alice:open sesame"]).await
}

/// Opens the app as after its installation, without settings.
async fn open(desktop: &Desktop, home: &Home) -> Option<Page> {
    std::fs::remove_file(home.settings_file()).ok();
    Page::open(home.app(desktop, [""; 0]).await?).await
}

async fn sign_in(page: &mut Page, pushd: &Pushd, password: &str) {
    page.type_into(Target::Css("#address"), pushd.http().strip_prefix("http://").unwrap()).await;
    page.click(Target::Role("button", "Continue")).await;
    page.type_into(Target::Css("#login"), "alice").await;
    page.type_into(Target::Css("#secret"), password).await;
    page.click(Target::Role("button", "Sign in")).await;
}

#[tokio::test]
async fn an_address_a_name_and_a_password_are_enough() {
    let pushd = pushd().await;
    let Some(mut desktop) = Desktop::start().await else { return };
    let home = Home::new("");
    let Some(mut page) = open(&desktop, &home).await else { return };
    sign_in(&mut page, &pushd, "wrong").await;
    let text = page.see(Target::Css("[role=alert]")).await;
    assert!(text.contains("did not accept this sign-in") && text.contains("HTTP 401"), "{text}");
    assert!(!home.settings_file().exists(), "a failed sign-in changes nothing");
    page.run("document.querySelector('#secret').value = ''; return null", json!([])).await;
    page.type_into(Target::Css("#secret"), "open sesame").await;
    page.click(Target::Role("button", "Sign in")).await;
    page.see(Target::Text("The test notice arrived. Everything works.")).await;
    let popup = desktop.popups().next().await;
    assert!(popup.title.starts_with("Belfry "), "{popup:?}");
    page.click(Target::Role("button", "Open inbox")).await;
    page.see(Target::Css("footer.live")).await;
    let settings = std::fs::read_to_string(home.settings_file()).unwrap();
    assert!(settings.contains("mode = \"password\"") && !settings.contains("sesame"), "{settings}");
    drop(page);

    // The next start asks for nothing: the keychain has the password.
    let command = home.app(&desktop, [""; 0]).await.unwrap();
    let Some(mut page) = Page::open(command).await else { return };
    page.see(Target::Css("footer.live")).await;
}

#[tokio::test]
async fn with_a_locked_keychain_the_app_asks_to_unlock_it_and_not_to_sign_in() {
    let pushd = pushd().await;
    let Some(mut desktop) = Desktop::start().await else { return };
    let home = Home::new("");
    let Some(mut page) = open(&desktop, &home).await else { return };
    sign_in(&mut page, &pushd, "open sesame").await;
    page.see(Target::Text("The test notice arrived. Everything works.")).await;
    drop(page);
    desktop.lock_keychain(Lock::Locked).await;
    let command = home.app(&desktop, [""; 0]).await.unwrap();
    let Some(mut page) = Page::open(command).await else { return };
    page.see(Target::Text("This computer's keychain is locked.")).await;
    page.see_no(Target::Css("#secret")).await;
    desktop.lock_keychain(Lock::Open).await;
    page.click(Target::Role("button", "Unlock")).await;
    page.see(Target::Css("footer.live")).await;
}

#[tokio::test]
async fn without_a_keychain_the_next_start_asks_for_the_password_again() {
    let pushd = pushd().await;
    let parts = Parts { keychain: None, ..Parts::default() };
    let Some(desktop) = Desktop::with(parts).await else { return };
    let home = Home::new("");
    let Some(mut page) = open(&desktop, &home).await else { return };
    sign_in(&mut page, &pushd, "open sesame").await;
    page.see(Target::Text("This computer has no keychain")).await;
    drop(page);
    let command = home.app(&desktop, [""; 0]).await.unwrap();
    let Some(mut page) = Page::open(command).await else { return };
    page.type_into(Target::Css("#secret"), "open sesame").await;
    page.click(Target::Role("button", "Sign in")).await;
    page.see(Target::Text("The test notice arrived. Everything works.")).await;
}

#[tokio::test]
async fn the_language_chosen_on_the_first_page_is_saved_even_if_the_user_quits_there() {
    let Some(desktop) = Desktop::start().await else { return };
    let home = Home::new("");
    let Some(mut page) = open(&desktop, &home).await else { return };
    page.click(Target::Role("button", "简体中文")).await;
    page.see(Target::Text("欢迎使用 Belfry")).await;
    // Changes are saved one after the other. When this empty change is saved, so is the first one.
    page.run("return window.__TAURI_INTERNALS__.invoke('save_settings', { values: {} })", json!([])).await;
    drop(page);
    let command = home.app(&desktop, [""; 0]).await.unwrap();
    let Some(mut page) = Page::open(command).await else { return };
    page.see(Target::Text("欢迎使用 Belfry")).await;
}
