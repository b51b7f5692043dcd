//! One cluster at a time on this machine: several at once would only make each other late.

use std::fs::File;

/// The right to run a cluster. Dropped, the next one may.
#[derive(Debug)]
pub struct Turn {
    _file: File,
}

impl Turn {
    /// Waits until no other test, of this or another process, runs a cluster.
    ///
    /// # Panics
    /// The lock file in the temp dir cannot be made.
    #[must_use]
    pub fn wait() -> Self {
        let path = std::env::temp_dir().join("quorate-tests.turn");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .expect("the temp dir is writable");
        file.lock().expect("a plain file can be locked");
        Self { _file: file }
    }
}
