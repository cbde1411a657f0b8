//! `belfry-story`: the day of a supervisor, played with the real app on a private desktop, in English and in Chinese.
//!
//! `cargo xtask run` starts it where there is no display. Everything is real: pushd, the session, the keychain, the
//! notification service, the window; only the person is made up. What was seen becomes a page with pictures. A scene that
//! does not come about ends the story with its reason, and the page shows what came before it.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // As in the harness: what cannot be done ends the story.

mod play;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use belfry_core::texts::Language;
use clap::Parser;
use tokio::sync::mpsc;

use crate::report::Report;

#[derive(Parser)]
#[command(name = "belfry-story", about)]
struct Args {
    /// Folder for the page and its pictures.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What was told in the terminal before, to stand on the page.
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,
    /// Keep app and server running at the end, until Ctrl-C.
    #[arg(long)]
    stay: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let transcript = args.transcript.map(|file| std::fs::read_to_string(file).expect("the transcript"));
    let mut report = Report::new(args.out.clone(), transcript.unwrap_or_default());
    let mut code = ExitCode::SUCCESS;
    // The English one last, so that it is the one that stays.
    for language in [Language::Chinese, Language::English] {
        let (scenes, mut seen) = mpsc::unbounded_channel();
        let played = tokio::spawn(play::play(language, args.out.clone(), scenes)).await;
        while let Ok(scene) = seen.try_recv() {
            report.add(scene);
        }
        match played {
            Ok(Some(stage)) if args.stay && language == Language::English => {
                report.write();
                stage.stay().await;
            }
            Ok(Some(stage)) => stage.leave().await,
            // The reason was printed where it arose: by the panic, or as a SKIPPED line.
            Ok(None) | Err(_) => code = ExitCode::FAILURE,
        }
    }
    println!("{}", report.write().display());
    code
}
