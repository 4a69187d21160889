//! Binding an address.

use std::net::{SocketAddr, TcpListener};

use anyhow::anyhow;
use socket2::SockRef;

use crate::error::advised;

/// Binds an address for a listener that does not block. An error says what to do.
pub fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    prepared(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow!("{address} is in use: stop what listens there, or choose another address with --listen")
        }
        _ => advised(error, format_args!("{address} cannot be listened on"), "choose another address with --listen"),
    })
}

fn prepared(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    // Connections have it from their listener. Else the end of an answer that is written in several pieces would be held back
    // until the client has acknowledged the beginning, which clients put off for 40 ms (RFC 1122, sections 4.2.3.2 and 4.2.3.4).
    SockRef::from(&listener).set_tcp_nodelay(true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn what_is_written_to_a_connection_is_sent_at_once() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        listener.set_nonblocking(false).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(listener.accept().unwrap().0.nodelay().unwrap());
    }
}
