//! The line to the platform, which loses requests and answers.

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use telecomx_local::platform::transport::{Request, Response, Transport, Unreachable};

use crate::double::World;

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The request does not arrive.
    Lost,
    /// It is done, and the answer does not arrive.
    AnswerLost,
    /// 500, and nothing was done.
    Failed,
    /// 500 after it was done.
    DoneAndFailed,
    /// A page of HTML with 200, and nothing was done.
    Html,
    /// The answer breaks off in the middle.
    Truncated,
    /// 429.
    TooMany,
    /// The session has ended.
    Expired,
}

const FAULTS: [Fault; 8] = [
    Fault::Lost,
    Fault::AnswerLost,
    Fault::Failed,
    Fault::DoneAndFailed,
    Fault::Html,
    Fault::Truncated,
    Fault::TooMany,
    Fault::Expired,
];

/// The line to the platform.
#[derive(Clone)]
pub struct Line(pub Arc<Mutex<World>>);

impl Transport for Line {
    fn open(&mut self, request: &Request, token: Option<&str>) -> Result<Response<'_>, Unreachable> {
        let mut world = self.0.lock().unwrap();
        let is_login = request.path == "/auth/login";
        let percent = world.faults_percent;
        let fault =
            (world.chance.below(100) < percent).then(|| FAULTS[world.chance.below(FAULTS.len() as u64) as usize]);
        let lost = || Err(Unreachable("connection reset".into()));
        if !is_login && token != Some(format!("token{}", world.valid_token).as_str()) {
            return Ok(response(401, r#"{"error":{"code":"expired"}}"#.into()));
        }
        match fault {
            Some(Fault::Lost) => return lost(),
            Some(Fault::Failed) => {
                return Ok(response(500, r#"{"error":{"message":"x","code":"internal_error"}}"#.into()));
            }
            Some(Fault::Html) => return Ok(response(200, "<html>Login</html>".into())),
            Some(Fault::TooMany) => return Ok(response(429, String::new())),
            Some(Fault::Expired) if !is_login => {
                world.valid_token += 1;
                return Ok(response(401, r#"{"error":{"code":"expired"}}"#.into()));
            }
            _ => {}
        }
        let (status, body) = world.answer(request);
        match fault {
            Some(Fault::AnswerLost) => lost(),
            Some(Fault::DoneAndFailed) => Ok(response(500, String::new())),
            Some(Fault::Truncated) => {
                let text = body.to_string();
                Ok(response(status, text[..text.len() / 2].to_owned()))
            }
            _ => Ok(response(status, body.to_string())),
        }
    }
}

fn response(status: u16, body: String) -> Response<'static> {
    Response { status, retry_after: None, body: Box::new(Cursor::new(body)) }
}
