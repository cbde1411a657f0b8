//! Writes what the packages hold beside the programs, each from the one place that knows it.
//!
//! `policy` writes the policy templates and their reference from the table of settings; `policy
//! --check` only compares. `manual DIR` writes manual pages and shell completions from the command
//! lines. Invariant: the same sources give the same bytes, so a template that is stale can be told.

#[allow(dead_code, unreachable_pub, reason = "only the definition of the command line is used")]
#[path = "../../../src-tauri/src/args.rs"]
mod args;
#[allow(dead_code, unreachable_pub, reason = "only the definition of the command line is used")]
#[path = "../../../src-tauri/crates/ctl/src/args.rs"]
mod ctl_args;
mod manual;
mod policy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write packaging/policy/out and docs/admin-policies.md
    Policy {
        /// Only say which of them are stale
        #[arg(long)]
        check: bool,
    },
    /// Write manual pages and shell completions into a folder
    Manual {
        /// Which folder
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Policy { check } => policy::write(check),
        Command::Manual { folder } => manual::write(&folder),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
