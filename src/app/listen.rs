//! Binding an address.

use std::net::{SocketAddr, TcpListener};

use anyhow::anyhow;

use crate::error::advised;

/// Binds an address for a listener that does not block. An error says what to do.
pub fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    bound.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow!("{address} is in use: stop what listens there, or choose another address with --listen")
        }
        _ => advised(error, format_args!("{address} cannot be listened on"), "choose another address with --listen"),
    })
}
