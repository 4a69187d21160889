//! Realtime over socket.io, on the address of the API.

mod conversation;
pub mod handler;
pub mod line;
mod pipe;
pub mod script;
pub mod sockets;
mod watch;

pub use watch::watch;
