//! `belfry-bench`: how fast a large inbox is, in the engine and in the real window.
//!
//! `cargo run --release -p belfry-bench`, beside a release build of `belfry` for the window (the window's part is left out
//! with `--no-window`). It measures and prints; whether that is good is for the reader to say. Other programs on the
//! machine are noise, so the load is printed too.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // As in the harness.

mod inbox;
mod window;

use belfry_core::account::Account;
use belfry_core::settings::Settings;
use clap::Parser;
use harness::Home;

/// Nobody listens there: the inbox is offline.
const SETTINGS: &str = r#"
[server]
endpoints = ["ws://127.0.0.1:9/ws"]

[auth]
login = "bench"

[app]
language = "en"
"#;

#[derive(Parser)]
#[command(name = "belfry-bench", about)]
struct Args {
    /// How many notices the inbox has.
    #[arg(long, default_value_t = 1_000_000)]
    notices: u64,
    /// Leave the window out.
    #[arg(long)]
    no_window: bool,
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    let home = Home::new(SETTINGS);
    let (settings, _) = Settings::parse(SETTINGS, "settings.toml").expect("good settings");
    let account = Account::of(&settings).expect("an account");
    let folder = home.data_dir().join("accounts").join(account.dir_name());
    inbox::fill(&folder, &account.name(), args.notices);
    inbox::search(&folder);
    if !args.no_window {
        window::open(&home).await;
        window::look_into(&home).await;
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of the machine: {}", load.trim_end());
}
