//! Progress on a terminal; nothing elsewhere.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error over `total` steps; hidden by itself when standard error is no terminal.
pub fn bar(what: &'static str, total: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:>12} [{bar:40}] {human_pos}/{human_len} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    ProgressBar::new(total as u64).with_style(style).with_message(what)
}

/// A count on standard error of what is not known how much it will be.
pub fn counter(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:>12} {spinner} {human_pos} rows {elapsed}");
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner())).with_message(what)
}
