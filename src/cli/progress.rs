//! Progress: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(2);

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

/// The stages of a long task, each over a number of steps. May be told from several threads.
pub struct Steps {
    bar: ProgressBar,
    /// When something was last printed; `None` on a terminal, which has the bar.
    printed_at: Option<Mutex<Instant>>,
}

impl Steps {
    pub fn new() -> Steps {
        let is_terminal = std::io::stderr().is_terminal();
        Steps { bar: bar("", 0), printed_at: (!is_terminal).then(|| Mutex::new(Instant::now())) }
    }

    /// `total` may be 0: it is not known.
    pub fn show(&self, what: &'static str, done: usize, total: usize) {
        let Some(printed_at) = &self.printed_at else {
            self.bar.set_message(what);
            self.bar.set_length(total.max(done) as u64);
            self.bar.set_position(done as u64);
            return;
        };
        let mut printed_at = printed_at.lock().unwrap_or_else(PoisonError::into_inner);
        if printed_at.elapsed() >= LINE_EVERY {
            *printed_at = Instant::now();
            match total {
                0 => eprintln!("{what}: {done}"),
                total => eprintln!("{what}: {done} of {total}"),
            }
        }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
