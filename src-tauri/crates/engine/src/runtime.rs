//! The running engine: the facade, the driver that executes the pipeline, its threads, and the data
//! folder.
//!
//! Deliberately absent: decisions. Invariant: one engine runs on a data folder at a time.

pub mod data_dir;
mod driver;
mod engine;
mod notifier_thread;
mod panic_guard;
#[cfg(test)]
mod pipeline_tests;
pub mod settings_file;
mod sleep_thread;
mod snapshot;
mod start_error;
mod store_thread;

pub use self::{
    engine::{Engine, EngineConfig},
    snapshot::Snapshot,
    start_error::StartError,
};
