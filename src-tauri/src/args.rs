//! The command line of `belfry` (docs/reference/commands.md).

use std::path::PathBuf;

use clap::Parser;

use belfry_core::app_link::AppLink;

/// The desktop tray notifier.
#[derive(Debug, Clone, Parser)]
#[command(name = "belfry", version, about)]
pub struct Args {
    /// Start in the tray, without a window.
    #[arg(long)]
    pub hidden: bool,
    /// Settings file to use instead of the usual one.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data folder to use instead of the usual one.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Try this installation: start in the tray, go live, show and withdraw one notification, end.
    /// At most 60 s.
    #[arg(long)]
    pub smoke_test: bool,
    /// What to show: belfry://notice/ID or belfry://inbox.
    #[arg(value_name = "ADDRESS")]
    pub link: Option<AppLink>,
}
