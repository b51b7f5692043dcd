//! Bars on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

/// Shown on stderr when that is a terminal, and nowhere else. Cheap to clone.
pub(crate) fn bar(what: &'static str, of: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{msg} {bar:40} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(of).with_style(style).with_message(what)
}

/// A bar of seconds that goes on by itself until it is full, or the task is aborted.
pub(crate) fn seconds(of: u32) -> JoinHandle<()> {
    let bar = bar("seconds", of.into());
    tokio::spawn(async move {
        for _ in 0..of {
            tokio::time::sleep(Duration::from_secs(1)).await;
            bar.inc(1);
        }
        bar.finish_and_clear();
    })
}
