//! What both sides of the mirror know: the messages, their compression, the hash tree that proves equality, and the pages
//! of a snapshot.

pub mod compression;
pub mod hash_tree;
pub mod rows;
pub mod snapshot;
pub mod wire;
