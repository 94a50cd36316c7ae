//! Ports that no other test takes, also while nobody listens on them.

use std::{
    fmt,
    net::{SocketAddr, TcpListener},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr as UnixAddr, UnixListener},
    },
    sync::atomic::{AtomicU16, Ordering},
};

/// Below the range that the kernel gives to outgoing connections.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port of 127.0.0.1, reserved among all tests on this machine as long as this value lives. A daemon can be killed and
/// started again on it, which a port from `bind(0)` would not allow: another test could get it meanwhile.
#[derive(Debug)]
pub struct FreePort {
    number: u16,
    /// The name of an abstract socket is free again when its holder is gone, however it went.
    _reserved: UnixListener,
}

impl FreePort {
    /// Reserves one.
    #[must_use]
    pub fn new() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        // Processes begin at different places, so that they seldom meet.
        let begin = (std::process::id() % u32::from(COUNT)) as u16;
        for _ in 0..COUNT {
            let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
            let number = FIRST + (begin + step) % COUNT;
            let name = UnixAddr::from_abstract_name(format!("stargazer-test-port-{number}")).expect("a short name");
            let Ok(reserved) = UnixListener::bind_addr(&name) else { continue };
            if TcpListener::bind(("127.0.0.1", number)).is_ok() {
                return Self { number, _reserved: reserved };
            }
        }
        panic!("no free port from {FIRST} on");
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.number))
    }
}

impl Default for FreePort {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for FreePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address().fmt(f)
    }
}
