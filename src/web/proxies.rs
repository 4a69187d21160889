//! Who calls, behind reverse proxies.

use std::net::IpAddr;

/// The caller behind proxies: the last address of `X-Forwarded-For` that is no trusted proxy's. What is before it in the list
/// may be anything that the caller has written.
pub fn caller_behind<'h>(peer: IpAddr, forwarded: impl Iterator<Item = &'h str>, trusted: &[IpAddr]) -> IpAddr {
    let mut caller = peer;
    if !trusted.contains(&caller) {
        return caller;
    }
    let hops: Vec<&str> = forwarded.flat_map(|line| line.split(',')).map(str::trim).collect();
    for hop in hops.into_iter().rev() {
        let Ok(address) = hop.parse::<IpAddr>() else { break };
        caller = address.to_canonical();
        if !trusted.contains(&caller) {
            break;
        }
    }
    caller
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_behind_a_trusted_proxy_is_the_last_address_that_is_no_proxy() {
        let trusted = ["127.0.0.1", "10.0.0.1"].map(|ip| ip.parse().unwrap());
        let caller = |peer: &str, lines: &[&str]| {
            caller_behind(peer.parse().unwrap(), lines.iter().copied(), &trusted).to_string()
        };
        assert_eq!(caller("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(caller("127.0.0.1", &["203.0.113.7"]), "203.0.113.7");
        assert_eq!(
            caller("127.0.0.1", &["1.2.3.4, 203.0.113.7, 10.0.0.1"]),
            "203.0.113.7",
            "what it wrote itself is no proof"
        );
        assert_eq!(caller("127.0.0.1", &["1.2.3.4", "203.0.113.7"]), "203.0.113.7");
        assert_eq!(caller("198.51.100.1", &["203.0.113.7"]), "198.51.100.1", "anybody may send the header");
        assert_eq!(caller("127.0.0.1", &["nonsense"]), "127.0.0.1");
        assert_eq!(caller("127.0.0.1", &["2001:db8::1"]), "2001:db8::1");
    }
}
