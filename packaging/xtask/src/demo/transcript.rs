//! The transcript of the demo: printed, and written to a file for the story's page.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

/// Shared by all users of the demo, whose events arrive on several threads.
#[derive(Clone)]
pub(super) struct Transcript(Arc<Mutex<File>>);

impl Transcript {
    pub(super) fn create(file: &Path) -> Result<Self> {
        let created = File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Self(Arc::new(Mutex::new(created))))
    }

    /// Writes what `who` does or sees.
    pub(super) fn write(&self, who: &str, what: &str) {
        // Printed under the file's lock, so that both have the same order.
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        println!("  {who:<12} {what}");
        if let Err(error) = writeln!(file, "{who:<12} {what}") {
            println!("the transcript is incomplete: {error}");
        }
    }
}
