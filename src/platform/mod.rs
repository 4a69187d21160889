//! The platform itself as the central side: this server fills itself from it, sends what was changed here, and lets people log in
//! with the passwords that they have there. It speaks the documented API alone.
//!
//! In reading order: [`objects`] and [`merge`] are pure, and so is [`sender`], the steps of one operation. [`api`] makes calls;
//! [`reader`] reads lists whole, [`take`] writes what was read, [`outcome`] what came of an operation. [`driver`] does all of it once,
//! [`worker`] again and again. Callers of this server reach the platform through [`gate`]: to log in ([`login`]), with a token of
//! the platform's ([`token`]), and for what is not served here ([`forward`]).

pub mod settings;

pub mod objects;

pub mod merge;

mod compare;
mod paths;

pub mod rules;

pub mod sender;

pub mod transport;

pub mod api;

pub mod take;

pub mod reader;

pub mod outcome;

pub mod driver;

mod taking;

mod reading;

pub mod connect;

pub mod status;

pub mod checkup;

pub mod gate;
pub mod worker;

pub mod login;

pub mod token;

pub mod forward;
