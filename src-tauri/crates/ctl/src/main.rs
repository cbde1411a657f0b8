//! `belfryctl`: Belfry's engine in a terminal, without a window.
//!
//! It parses, dispatches and ends with an exit code of `docs/reference/commands.md`; each group of
//! commands is a module. Invariants: results go to stdout, everything else to stderr; an error is
//! one line; no secret is printed.

mod args;
mod doctor;
mod ending;
mod inbox;
mod output;
mod run;
mod send;
mod server;
mod setup;
mod sign_in;
mod status;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    args::{Cli, Command},
    ending::{Code, Error},
    output::{note, spoken},
    setup::Setup,
};

fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    // Commands that end say what matters by themselves; a log is for those who ask for it.
    if (matches!(command, Command::Run(_)) || std::env::var_os(host::logging::VARIABLE).is_some())
        && let Err(error) = host::logging::to_stderr()
    {
        note(&format!("warning: {error}"));
    }
    let setup = Setup::read(&global);
    let warnings = setup.as_ref().map_or_else(|error| &error.warnings, |setup| &setup.warnings);
    for warning in warnings {
        note(&format!("warning: {}", spoken(warning)));
    }
    match dispatch(setup, command, global.json) {
        Ok(code) => code,
        Err(error) if error.is_quiet => ExitCode::SUCCESS,
        Err(error) => {
            for line in error.to_string().lines() {
                note(&format!("error: {}", spoken(line)));
            }
            error.code.into()
        }
    }
}

/// Only `doctor` goes on without settings: what is wrong with them is its first finding.
fn dispatch(setup: Result<Setup, Error>, command: Command, json: bool) -> Result<ExitCode, Error> {
    match command {
        Command::Run(args) => block_on(run::run(setup?, args, json))?,
        Command::Inbox(command) => inbox::inbox(&setup?, command, json)?,
        Command::Send(args) => block_on(send::send(setup?, args, json))?,
        Command::Messages(command) => block_on(server::messages(setup?, command, json))?,
        Command::Clients(args::Clients::List) => block_on(server::clients(setup?, json))?,
        Command::Doctor => return block_on(doctor::doctor(setup, json)),
        Command::Status => return status::status(&setup?, json),
        Command::SignIn => block_on(sign_in::sign_in(setup?, json))?,
        Command::SignOut => sign_in::sign_out(&setup?, json)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Two threads: a reader of our output that stops reading holds up one of them, and the session beats on in the other.
fn block_on<T>(command: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::new(Code::Failed, format!("no thread could be started: {error}")))?
        .block_on(command)
}
