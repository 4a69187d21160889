//! Who calls, and what they may do: passwords, one-time codes, tokens, sessions, and the access rules applied to objects.

pub mod contexts;
pub mod key_file;
pub mod secrets;

pub mod login_throttle;
pub mod passwords;
pub mod totp;

pub mod authorization;
pub mod reset_requests;
pub mod session_cache;
