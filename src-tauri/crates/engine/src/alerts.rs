//! Alerts: whether a notice rings, how loudly, when and together with which others.
//!
//! Pure. [`planner`] decides when; nothing here shows anything.

pub mod planner;
