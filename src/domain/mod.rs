//! Plain data and rules. No I/O, no HTTP, no SQL: everything here can be tested with values alone.

pub mod access;
pub mod address;
pub mod audit;
pub mod customer;
pub mod employee;
pub mod fields;
pub mod id;
pub mod json;
pub mod mirror;
pub mod mobile_config;
pub mod proposal;
pub mod queue;
pub mod schema;
pub mod time;
