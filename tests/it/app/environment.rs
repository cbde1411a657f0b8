//! What the programs that the app starts can read of its environment.

use harness::processes::descendants;

use super::{Desk, pushd, see_window};

#[tokio::test]
async fn the_processes_of_the_web_view_do_not_inherit_the_secrets() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let Some(mut command) = desk.app(&[]).await else { return };
    command.env("BELFRY_PASSWORD", "unused").env("BELFRY_TEST", "inherited");
    let mut app = harness::Running::spawn(command);
    desk.desktop.tray().wait_for("Connected").await;
    see_window(&mut desk.desktop.screen).await;
    // A child that has ended meanwhile cannot be read.
    let environments: Vec<String> = descendants(app.id())
        .iter()
        .filter_map(|child| std::fs::read(format!("/proc/{}/environ", child.id)).ok())
        .map(|environment| String::from_utf8_lossy(&environment).into_owned())
        .collect();
    assert!(environments.iter().any(|it| it.contains("BELFRY_TEST=inherited")), "WebKit runs in other processes");
    for environment in environments {
        assert!(!environment.contains("BELFRY_TOKEN") && !environment.contains("BELFRY_PASSWORD"), "{environment}");
    }
    assert_eq!(app.terminate().await.code(), Some(0));
}
