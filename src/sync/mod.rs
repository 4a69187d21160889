//! The mirror between a local server (the edge) and its central side (the hub): docs/sync/protocol.md.

pub mod protocol;

pub mod http_agent;

pub mod background;

pub mod edge;
pub mod hub;
