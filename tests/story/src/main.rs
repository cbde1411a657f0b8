//! `belfry-story`: a supervisor's day with the real app on a private desktop, in English and in
//! Chinese.
//!
//! `cargo xtask run` starts it on a machine without a display. Everything is real: pushd, the
//! session, the keychain, the notification service, the window; only the users are invented. The
//! result is a page with screenshots. Deliberately absent: assertions about the app, which are the
//! integration tests. A scene that fails ends the story with the reason, and the page shows the
//! scenes before it.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // As in the harness: an error ends the story.

mod play;
mod report;
mod tray;

use std::path::PathBuf;
use std::process::ExitCode;

use belfry_core::texts::Language;
use clap::Parser;
use tokio::sync::mpsc;

use crate::report::Report;

#[derive(Parser)]
#[command(name = "belfry-story", about)]
struct Args {
    /// Folder for the page and its screenshots.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Terminal transcript to include in the page.
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,
    /// Keep the app and the server running at the end, until Ctrl-C.
    #[arg(long)]
    stay: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let transcript = args.transcript.map(|file| std::fs::read_to_string(file).expect("the transcript"));
    let mut report = Report::new(args.out.clone(), transcript.unwrap_or_default());
    let mut code = ExitCode::SUCCESS;
    // English is last, so that the English desktop stays open.
    for language in [Language::Chinese, Language::English] {
        let (sender, mut scenes) = mpsc::unbounded_channel();
        let played = tokio::spawn(play::play(language, args.out.clone(), sender)).await;
        while let Ok(scene) = scenes.try_recv() {
            report.add(scene);
        }
        match played {
            Ok(Some(stage)) if args.stay && language == Language::English => {
                report.write();
                stage.stay().await;
            }
            Ok(Some(stage)) => stage.end().await,
            // The reason was already printed, by the panic or as a SKIPPED line.
            Ok(None) | Err(_) => code = ExitCode::FAILURE,
        }
    }
    println!("{}", report.write().display());
    code
}
