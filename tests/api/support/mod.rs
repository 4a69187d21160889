//! A server of one's own for each test, and what to say to it.

mod app;
mod audit;
mod client;
pub mod demo;
pub mod listener;

pub use app::{Saved, TestApp};
pub use client::{Client, Response, assert_error, code_of, raw};
