//! Bars on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// Shown on stderr when that is a terminal, and nowhere else. Cheap to clone.
pub(crate) fn bar(what: &'static str, of: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{msg} {bar:40} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(of).with_style(style).with_message(what)
}
