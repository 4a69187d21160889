//! What an exchange costs that brings nothing: most are such, and some go over a line that is paid for by the byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::mirror_pair::{HubPlace, OPERATOR, sync, world_with_operator};
use crate::support::Place;

/// A line to a server that counts what goes over it, in both directions.
fn line_to(target: String) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, carried) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = carried.clone();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = TcpStream::connect(&target).unwrap();
            for (from, to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                let counted = counted.clone();
                std::thread::spawn(move || carry(from, to, &counted));
            }
        }
    });
    (address, carried)
}

fn carry(mut from: TcpStream, mut to: TcpStream, carried: &AtomicUsize) {
    let mut bytes = [0; 1 << 16];
    while let Ok(count) = from.read(&mut bytes) {
        carried.fetch_add(count, Ordering::SeqCst);
        if count == 0 || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
}

#[test]
fn an_exchange_that_brings_nothing_takes_less_than_a_kilobyte() {
    let (hub_place, place) = (HubPlace::new(), Place::holding(&world_with_operator(3)));
    let hub = hub_place.start();
    let (address, carried) = line_to(hub.server.address().to_owned());
    place.run(&["sync", "enroll", &format!("http://{address}"), &hub_place.code("Bakery")]);
    let operator = place.token_of(OPERATOR);
    let edge = place.serve();
    sync(&edge, &operator);
    let before = carried.load(Ordering::SeqCst);
    for _ in 0..10 {
        assert!(sync(&edge, &operator)["consistent"].as_bool().unwrap());
    }
    let each = (carried.load(Ordering::SeqCst) - before) / 10;
    assert!((1..1024).contains(&each), "{each} bytes");
}
