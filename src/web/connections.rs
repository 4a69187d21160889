//! The connections of one server: how many an address may have, and how long one may stand still.

use std::any::Any;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use rustix::net::{Shutdown, shutdown, sockopt::set_tcp_user_timeout};

use super::pace::STALLED;
use super::shares::{Share, Shares};

/// Connections by the address they come from.
#[derive(Clone)]
pub struct Connections {
    open: Shares<IpAddr>,
    most: usize,
    proxies: Arc<[IpAddr]>,
}

/// Behind a proxy are many callers.
const CALLERS_OF_PROXY: usize = 8;

impl Connections {
    /// At most `most` of each address, and of each of `proxies` so many times more.
    pub fn of(most: usize, proxies: &[IpAddr]) -> Connections {
        Connections { open: Shares::default(), most, proxies: proxies.into() }
    }

    /// Looks at a connection that was just accepted: `extensions` end with it.
    pub fn accept(&self, io: &dyn Any, extensions: &mut Extensions) {
        type Tls = actix_tls::accept::rustls_0_23::TlsStream<TcpStream>;
        let stream = io.downcast_ref::<TcpStream>().or_else(|| io.downcast_ref::<Tls>().map(|tls| tls.get_ref().0));
        let Some(stream) = stream else { return };
        // The kernel ends a connection on which nothing that was written arrives, or whose peer takes nothing for so long:
        // tcp(7). It is no fault where that cannot be set.
        let _ = set_tcp_user_timeout(stream, STALLED.as_millis() as u32);
        let Ok(peer) = stream.peer_addr() else { return };
        match self.enter(peer.ip()) {
            Some(open) => drop(extensions.insert(HttpConnection(Mutex::new(Some(open))))),
            None => {
                tracing::debug!(address = %peer.ip(), "too many connections of one address");
                let _ = shutdown(stream, Shutdown::Both);
            }
        }
    }

    /// Counts one more; `None` when the address has as many as it may have.
    fn enter(&self, address: IpAddr) -> Option<Share<IpAddr>> {
        let address = address.to_canonical();
        let most = if self.proxies.contains(&address) { self.most * CALLERS_OF_PROXY } else { self.most };
        self.open.take(network(address), most)
    }
}

/// A connection that counts among those of its address.
pub struct HttpConnection(Mutex<Option<Share<IpAddr>>>);

impl HttpConnection {
    /// It counts no more: it has become something else, which has a limit of its own.
    pub fn release(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Whoever has one address of IPv6 has all of its /64.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_only_so_many_and_gets_them_back() {
        let connections = Connections::of(2, &["10.0.0.9".parse().unwrap()]);
        let enter = |address: &str| connections.enter(address.parse().unwrap());
        let first = enter("192.0.2.1").unwrap();
        let mapped = enter("::ffff:192.0.2.1").unwrap();
        assert!(enter("192.0.2.1").is_none());
        assert!(enter("192.0.2.2").is_some(), "others have their own");
        drop(first);
        let again = enter("192.0.2.1").unwrap();
        assert!(enter("192.0.2.1").is_none());
        drop((mapped, again));
        assert!(connections.open.is_empty(), "nothing is kept of who has left");
        let proxied: Vec<_> = (0..100).map_while(|_| enter("10.0.0.9")).collect();
        assert_eq!(proxied.len(), 2 * CALLERS_OF_PROXY, "behind a proxy are many callers");
        let _six = [enter("2001:db8::1").unwrap(), enter("2001:db8::2").unwrap()];
        assert!(enter("2001:db8::3").is_none() && enter("2001:db8:0:1::3").is_some());
    }
}
