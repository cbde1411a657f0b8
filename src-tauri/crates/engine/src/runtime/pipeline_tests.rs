//! The pipeline with the real store, step by step, on a clock that the test moves.

mod delivery;
mod holding;
mod passes;
mod server_deletions;
