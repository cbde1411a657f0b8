//! The program `belfry`: reads its command line and runs the shell.
#![cfg_attr(windows, windows_subsystem = "windows")]

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    belfry::prepare_environment();
    belfry::run(belfry::Args::parse())
}
