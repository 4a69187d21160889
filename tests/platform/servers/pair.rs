//! [`Pair`]: a server, and another one of ours that plays the platform.

use super::{Here, Line};
use crate::api::{Response, TestApp, assert_error};

/// An employee who is known here and at the platform.
pub const VIEWER: &str = "viewer@bakery.example.com";

/// A server, the line, and a server that plays the platform. In the order in which they end.
pub struct Pair {
    pub here: Here,
    pub line: Line,
    pub there: TestApp,
}

impl Pair {
    pub fn start() -> Pair {
        let there = TestApp::start();
        let line = Line::to(&there.url);
        Pair { here: Here::connected_to(&line.url()), line, there }
    }

    pub fn mend(&self) {
        self.line.mend();
        self.here.wait_for_the_line();
    }
}

/// That a login was refused as that of an unknown user is.
#[track_caller]
pub fn assert_refused(answer: &Response) {
    assert_error(answer, 401, "credentials_invalid");
}
