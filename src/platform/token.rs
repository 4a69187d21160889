//! Whether the platform knows a token (api:auth:validatetoken).

use std::io::Read;

use serde_json::Value;
use ureq::http::Request;

use super::gate::{PlatformGate, Purpose, SHORT};
use super::login::error_of;
use super::transport::argument;
use crate::domain::id::Id;

const ANSWER_MAX_BYTES: u64 = 256 << 10;

/// What the platform says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It stands for this employee.
    Good(Id),
    Refused,
    /// The platform says nothing that could be used.
    Unreachable,
    /// It does not answer at all.
    Silent,
}

/// Asks the platform after a token that was presented from the address `ip`.
pub fn ask(gate: &PlatformGate, url: &str, token: &str, ip: &str) -> Standing {
    let (token, ip) = (argument(token), argument(ip));
    let request = Request::get(format!("{url}/auth/validateToken?token={token}&extend=true&ip={ip}")).body(());
    let Ok(request) = request else { return Standing::Unreachable };
    let Ok(response) = gate.open(Purpose::Token, request, SHORT) else { return Standing::Silent };
    let status = response.status().as_u16();
    let mut bytes = Vec::new();
    if response.into_body().into_reader().take(ANSWER_MAX_BYTES).read_to_end(&mut bytes).is_err() {
        return Standing::Silent;
    }
    read(status, &bytes).unwrap_or(Standing::Unreachable)
}

fn read(status: u16, bytes: &[u8]) -> Option<Standing> {
    let body: Value = serde_json::from_slice(bytes).ok()?;
    match status {
        200 if body["success"] == true => Some(Standing::Good(body["employee"].as_str()?.parse().ok()?)),
        401 | 403 => error_of(status, &body).map(|_| Standing::Refused),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_or_refused_only_in_the_platforms_own_words() {
        let of = |status, text: &str| read(status, text.as_bytes());
        let id = "e00000000000000000000101";
        let good = format!(r#"{{"success":true,"employee":"{id}"}}"#);
        assert_eq!(of(200, &good), Some(Standing::Good(id.parse().unwrap())));
        let refused = r#"{"error":{"code":"invalid_token","message":"Please login","status":401}}"#;
        assert_eq!(of(401, refused), Some(Standing::Refused));
        for (status, text) in
            [(200, "{}"), (200, "<html>"), (401, "<html>"), (500, refused), (429, refused), (404, refused)]
        {
            assert_eq!(of(status, text), None, "{status} {text}");
        }
    }
}
