//! A server that works with a platform, the line between them, and what plays the platform.

mod here;
mod line;
mod pair;
mod scripted;

pub use here::Here;
pub use line::Line;
pub use pair::{Pair, VIEWER, assert_refused};
pub use scripted::{Asked, Scripted, answer, html, raw_answer, viewer, where_viewer_logs_in};
