//! `belfry-bench`: measures a large inbox, in the engine and in the real window, and a burst.
//!
//! Run `cargo run --release -p belfry-bench` after a release build of `belfry`, or with
//! `--no-window` to measure only the engine; `--burst` measures only thousands of notices that come
//! at once. Deliberately absent: limits; it only prints the measured times. Other programs disturb
//! the measurement, so the load of the machine is printed too.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // As in the harness.

mod burst;
mod inbox;
mod window;

use belfry_core::account::Account;
use belfry_core::settings::Settings;
use clap::Parser;
use harness::Home;

/// Nothing listens at this address: the inbox is offline.
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
    /// Number of notices in the inbox.
    #[arg(long, default_value_t = 1_000_000)]
    notices: u64,
    /// Measure only the engine.
    #[arg(long)]
    no_window: bool,
    /// Measure only a burst: 5,000 notices at once, with the window open.
    #[arg(long)]
    burst: bool,
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    if args.burst {
        burst::measure().await;
    } else {
        measure_inbox(&args).await;
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of the machine: {}", load.trim_end());
}

async fn measure_inbox(args: &Args) {
    let home = Home::new(SETTINGS);
    let (settings, _) = Settings::parse(SETTINGS, "settings.toml").expect("good settings");
    let account = Account::of(&settings).expect("an account");
    let folder = home.data_dir().join("accounts").join(account.dir_name());
    inbox::fill(&folder, &account.name(), args.notices);
    inbox::search(&folder);
    if !args.no_window {
        window::measure_opening(&home).await;
        window::measure_list(&home).await;
    }
}
