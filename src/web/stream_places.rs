//! How many listen to server-sent events, of an address and in all.

use std::net::IpAddr;

use super::connections::network;
use super::shares::{Share, Shares};
use super::socket_io::line::Limits;
use crate::error::{Error, Result};

const TOO_MANY: Error = Error::Unavailable("Too many listen to events already: close another page, or try again later");

/// The listeners there are.
pub struct EventStreams {
    limits: Limits,
    by_address: Shares<IpAddr>,
    in_all: Shares<()>,
}

impl EventStreams {
    pub fn of(limits: Limits) -> EventStreams {
        EventStreams { limits, by_address: Shares::default(), in_all: Shares::default() }
    }

    /// Counts one more from this address; 503 when there are as many as there may be.
    pub fn enter(&self, address: &str) -> Result<Place> {
        let holder = address.parse().map_or(IpAddr::from([0; 4]), network);
        let by_address = self.by_address.take(holder, self.limits.per_address).ok_or(TOO_MANY)?;
        let in_all = self.in_all.take((), self.limits.in_all).ok_or(TOO_MANY)?;
        Ok(Place { _shares: (by_address, in_all) })
    }
}

/// A listener's place, until it leaves.
pub struct Place {
    _shares: (Share<IpAddr>, Share<()>),
}
