//! `belfry-bench`: what Belfry costs, beside other programs in the same run.
//!
//! `cargo xtask bench` builds the release programs, installs the peers and runs it: one table whose
//! last column says whether a goal is met, the same as JSON, and the curves as SVG. Deliberately
//! absent: limits that fail; other programs disturb a measurement, so the load is printed too.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // As in the harness.

mod burst;
mod catchup;
mod client;
mod decoder;
mod fleet;
mod footprint;
mod inbox;
mod live;
mod page;
mod peers;
mod plot;
mod popup;
mod processes;
mod report;
mod sessions;
mod sustained;
mod window;

use std::path::PathBuf;

use belfry_core::account::Account;
use belfry_core::settings::Settings;
use clap::{Parser, ValueEnum};
use harness::Home;

use crate::peers::Peers;
use crate::report::{Report, machine};

/// Nothing listens at this address: the inbox is offline.
const SETTINGS: &str = r#"
[server]
endpoints = ["ws://127.0.0.1:9/ws"]

[auth]
login = "bench"

[app]
language = "en"
"#;

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// Frames a second, beside stompjs, stomp.py and stomp-parser
    Decoder,
    /// Published to committed and to shown, beside stompjs and stomp.py
    Live,
    /// Ten thousand messages a second for a minute
    Sustained,
    /// A hundred thousand notices after an absence, beside what SQLite alone takes for them
    CatchUp,
    /// Memory, wake-ups and start of the programs, beside gotify-tray and Chromium
    Footprint,
    /// Write, search and show a large inbox
    Inbox,
    /// Thousands of notices at once while the window is open
    Burst,
    /// What a session costs RabbitMQ
    Sessions,
    /// Fifty thousand clients that come back at once, simulated
    Fleet,
}

#[derive(Parser)]
#[command(name = "belfry-bench", about)]
struct Args {
    /// Only these parts
    #[arg(value_enum)]
    sections: Vec<Section>,
    /// Number of notices in the inbox
    #[arg(long, default_value_t = 1_000_000)]
    notices: u64,
    /// Number of messages of footprint and catch-up
    #[arg(long, default_value_t = 100_000)]
    messages: usize,
    /// How long the sustained part sends
    #[arg(long, default_value_t = 60)]
    seconds: usize,
    /// Measure the inbox without the window
    #[arg(long)]
    no_window: bool,
    /// Folder of the report and its pictures
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    std::fs::create_dir_all(&args.out).expect("a folder for the report");
    let machine = machine();
    let sections = if args.sections.is_empty() { Section::value_variants() } else { &args.sections };
    let mut report = Report::default();
    for section in sections {
        match section {
            Section::Decoder => decoder::measure(&mut report, &args.out, &Peers::installed(&args.out)),
            Section::Live => {
                live::measure(&mut report, &Peers::installed(&args.out)).await;
                popup::measure(&mut report).await;
            }
            Section::Sustained => sustained::measure(&mut report, &args.out, args.seconds).await,
            Section::CatchUp => catchup::measure(&mut report, args.messages).await,
            Section::Footprint => footprint::measure(&mut report, &args.out, args.messages).await,
            Section::Inbox => measure_inbox(&mut report, &args).await,
            Section::Burst => burst::measure(&mut report).await,
            Section::Sessions => sessions::measure(&mut report).await,
            Section::Fleet => fleet::measure(&mut report, &args.out),
        }
    }
    report.finish(&args.out, &machine);
}

async fn measure_inbox(report: &mut Report, args: &Args) {
    let home = Home::new(SETTINGS);
    let (settings, _) = Settings::parse(SETTINGS, "settings.toml").expect("good settings");
    let account = Account::of(&settings).expect("an account");
    let folder = home.data_dir().join("accounts").join(account.dir_name());
    inbox::fill(report, &folder, &account.name(), args.notices);
    inbox::search(report, &folder);
    if !args.no_window {
        window::measure_opening(report, &home).await;
        window::measure_list(report, &home).await;
    }
}
