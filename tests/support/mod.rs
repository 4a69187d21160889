//! What the system tests stand on: a place of one's own, a server of one's own, a small world.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]

pub mod chance;
pub mod disk;
pub mod needs;
pub mod notify;
pub mod older;
pub mod place;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod server;
pub mod trace;
pub mod world;

pub use needs::needs;
pub use place::Place;
pub use server::Server;
