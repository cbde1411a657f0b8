//! As in the app, whose command line names a type of this module.

#[allow(dead_code, unreachable_pub, reason = "only its type is used")]
#[path = "../../../src-tauri/src/platform/deep_link.rs"]
pub(crate) mod deep_link;
