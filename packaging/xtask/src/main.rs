//! Belfry's developer commands: `cargo xtask run | test | check`.
//!
//! Each works in a fresh clone on a Debian machine that has only Rust and Node: what else is needed is installed by
//! apt, or named with the command that installs it. Nothing is hidden: every command run is printed first.

mod bench;
mod check;
mod code;
mod cross;
mod demo;
mod interop;
mod package;
mod shell;
mod system;
mod tally;
mod test;
mod tools;
mod ui;

use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};

use crate::shell::minutes;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Belfry's developer commands", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show what Belfry is for: a story in the terminal, then the app signed in to a demo server
    Run {
        /// Without a display: keep the app running on the private one, until Ctrl-C
        #[arg(long)]
        stay: bool,
    },
    /// Run every test that needs nothing beyond apt, the crates registry and npm
    Test {
        /// Only the tests whose names or modules contain this
        name: Option<String>,
    },
    /// Belfry with the real servers of the field, those included that Maven fetches, as a table
    Interop {
        /// Only the rows whose names contain this
        name: Option<String>,
    },
    /// Formatting, lints with warnings denied on three systems, licences and sources of all dependencies
    Check {
        /// Only what no compiler says: dependency rules, cycles, lengths and names; takes seconds
        #[arg(long)]
        code: bool,
    },
    /// What Belfry costs in time and memory, beside other programs, as a table
    Bench {
        /// Only these parts: decoder, live, sustained, catch-up, footprint, inbox, burst, sessions, fleet
        parts: Vec<String>,
    },
    /// Make the packages that IT installs, and try them
    Package(package::Package),
}

fn main() -> ExitCode {
    let began = Instant::now();
    let outcome = match Cli::parse().command {
        Command::Run { stay } => demo::run_demo(stay).map(|()| true),
        Command::Test { name } => test::run_tests(name.as_deref(), began),
        Command::Interop { name } => interop::run_interop(name.as_deref()).map(|()| {
            println!("\ninterop: {}", minutes(began.elapsed()));
            true
        }),
        Command::Bench { parts } => bench::run_bench(&parts).map(|()| {
            println!("\nbench: {}", minutes(began.elapsed()));
            true
        }),
        Command::Package(asked) => package::package(&asked).map(|()| true),
        Command::Check { code } => if code { code::check() } else { check::run_checks() }.map(|()| {
            println!("\ncheck: all is well, {}", minutes(began.elapsed()));
            true
        }),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
