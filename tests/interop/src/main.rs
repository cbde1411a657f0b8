//! `belfry-interop`: the servers of the field (`docs/reference/servers.md`), each a real one, with
//! the real `belfryctl run --json`.
//!
//! `cargo xtask interop` builds the servers that are Java and starts this. It prints a table, one row
//! per server, and ends with a failure unless every cell is as expected: a server that keeps nothing
//! for those who are away has "none by design" there. Deliberately absent: faults, odd messages and
//! load, which are the integration tests.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // As in the harness: what a step cannot do fails its cell.

mod client;
mod habits;
mod java;
mod pages;
mod row;
mod server;
mod servers;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use crate::java::Java;
use crate::servers::{activemq, pushd, rabbitmq, spring};
use crate::table::Table;

#[derive(Parser)]
#[command(name = "belfry-interop", about)]
struct Args {
    /// Folder with the Java servers, as `cargo xtask interop` has built them.
    #[arg(long, value_name = "DIR")]
    java: PathBuf,
    /// Only the rows and habits whose names contain this.
    name: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let java = Arc::new(Java::new(args.java));
    let mut table = Table::new(args.name);
    table.play(rabbitmq::NAME, rabbitmq::WebStomp::start).await;
    for habit in spring::ROWS {
        table.play(habit.name, || spring::Spring::start(&java, habit)).await;
    }
    table.play(spring::RELAY, || spring::Relay::start(&java)).await;
    for product in activemq::ROWS {
        table.play(product.name, || activemq::ActiveMq::start(&java, product)).await;
    }
    for way in pushd::ROWS {
        table.play(way.name, || pushd::Service::start(way)).await;
    }
    habits::check_all(&mut table, &java).await;
    pages::check_all(&mut table).await;
    table.print();
    if table.is_as_expected() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
