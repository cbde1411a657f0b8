//! What is told: to the terminal, and into a file that ends up on the story's page.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

/// Shared by the people of the story, who speak when something happens to them.
#[derive(Clone)]
pub(super) struct Transcript(Arc<Mutex<File>>);

impl Transcript {
    pub(super) fn create(file: &Path) -> Result<Self> {
        let created = File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Self(Arc::new(Mutex::new(created))))
    }

    /// Tells what `who` does or sees.
    pub(super) fn say(&self, who: &str, what: &str) {
        // One lock for both, so that they have the same order.
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        println!("  {who:<12} {what}");
        if let Err(error) = writeln!(file, "{who:<12} {what}") {
            println!("the transcript is not complete: {error}");
        }
    }
}
