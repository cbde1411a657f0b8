//! `belfryctl`: Belfry's engine in a terminal, without a window.
//!
//! It parses the command line, runs the command and ends with an exit code of
//! `docs/reference/commands.md`. Each group of commands is a module. Deliberately absent: popups.
//! Invariants: results go to stdout, everything else to stderr; each error is one line; no secret
//! is printed.

mod args;
mod doctor;
mod error;
mod inbox;
mod output;
mod policy;
mod run;
mod send;
mod server;
mod setup;
mod sign_in;
mod status;
mod support_bundle;

use std::process::ExitCode;

use clap::Parser as _;
use host::exit_reason::ExitReason;

use crate::{
    args::{Cli, Command},
    error::Error,
    output::message,
    setup::Setup,
};

fn main() -> ExitCode {
    host::memory::return_freed_memory();
    // SAFETY: the program has one thread until a command starts others.
    #[allow(unsafe_code)]
    unsafe {
        host::credentials::take_environment();
    }
    let Cli { global, command } = Cli::parse();
    // Only `run` logs by default. The other commands print what matters; their log is for
    // debugging.
    if (matches!(command, Command::Run(_)) || std::env::var_os(host::logging::VARIABLE).is_some())
        && let Err(error) = host::logging::start()
    {
        message(&format!("warning: {error}"));
    }
    if let Command::Policy = command {
        return ended(policy::policy(&global).map(|()| ExitCode::SUCCESS));
    }
    let setup = Setup::read(&global);
    if let Ok(setup) = &setup {
        host::logging::set_level(setup.settings.app.log_level);
    }
    let warnings = setup.as_ref().map_or_else(|error| &error.warnings, |setup| &setup.warnings);
    for warning in warnings {
        message(&format!("warning: {warning}"));
    }
    ended(dispatch(setup, command, &global))
}

/// Says why a command failed, and gives the exit code that says it too.
fn ended(outcome: Result<ExitCode, Error>) -> ExitCode {
    match outcome {
        Ok(code) => code,
        Err(error) if error.is_broken_pipe => ExitCode::SUCCESS,
        Err(error) => {
            for line in error.to_string().lines() {
                message(&format!("error: {line}"));
            }
            error.reason.into()
        }
    }
}

/// Only `doctor` and `support-bundle` run without settings: an error in them is their first finding.
fn dispatch(setup: Result<Setup, Error>, command: Command, global: &args::Global) -> Result<ExitCode, Error> {
    let json = global.json;
    match command {
        Command::Run(args) => block_on(run::run(setup?, args, json))?,
        Command::Inbox(command) => inbox::inbox(&setup?, command, json)?,
        Command::Send(args) => block_on(send::send(setup?, args, json))?,
        Command::Messages(command) => block_on(server::messages(setup?, command, json))?,
        Command::Clients(args::Clients::List) => block_on(server::clients(setup?, json))?,
        // Handled before, since it needs no server.
        Command::Policy => {}
        Command::Doctor => return block_on(doctor::doctor(setup, json)),
        Command::SupportBundle(args) => block_on(support_bundle::support_bundle(setup, global, args))?,
        Command::Status => return status::status(&setup?, json),
        Command::SignIn(args) => block_on(sign_in::sign_in(setup?, &args, json))?,
        Command::SignOut(args) => block_on(sign_in::sign_out(setup?, args, json))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Two threads: if the reader of our output stops reading, one thread waits and the other one still
/// sends heart-beats.
fn block_on<T>(command: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::new(ExitReason::Failed, format!("cannot start threads: {error}")))?
        .block_on(command)
}
