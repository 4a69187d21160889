//! What the product does, one file per subject. The only place with rules: every way in (HTTP, import, proposals of the
//! hub, the command line) calls these functions.

pub mod login;

pub mod copy_mobile_config;
pub mod mobile_configs;

pub mod demo;
pub mod export;
pub mod housekeeping;
pub mod import;
pub mod proposals;
