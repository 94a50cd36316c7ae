//! A proxy between one process and Redis, which delays, holds back, loses and breaks what passes.
//!
//! Every process of a fleet has its own, so that a fault hits that process and no other. The process speaks TCP to the proxy,
//! and the proxy speaks to Redis' unix socket.

mod link;
mod rewrite;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

pub use rewrite::Saboteur;

/// What happens to the bytes of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// They pass.
    Open,
    /// They pass after so long.
    Late(Duration),
    /// They wait, and pass when the proxy is healed.
    Held,
}

/// What the proxy does now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) requests: Flow,
    pub(crate) replies: Flow,
    /// Connections with a lower number are half open: what comes is dropped, as on a line that is cut where neither end sees it.
    pub(crate) half_open: u64,
    /// New connections are reset.
    pub(crate) refuses: bool,
}

impl Policy {
    const HEALTHY: Self = Self { requests: Flow::Open, replies: Flow::Open, half_open: 0, refuses: false };
}

/// What connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) socket: PathBuf,
    pub(crate) policy: watch::Sender<Policy>,
    /// Counts up to reset every connection.
    pub(crate) resets: watch::Sender<u64>,
    /// Bytes of replies that still pass; the rest is lost.
    pub(crate) replies_left: AtomicI64,
    pub(crate) saboteur: Option<Saboteur>,
    connections: AtomicU64,
}

/// See the module. It ends with this value, and so do its connections.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl FaultProxy {
    /// A proxy on a free port to the server on this unix socket; all passes. With a saboteur, what passes is changed.
    pub async fn new(socket: PathBuf, saboteur: Option<Saboteur>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            socket,
            policy: watch::Sender::new(Policy::HEALTHY),
            resets: watch::Sender::new(0),
            replies_left: AtomicI64::new(i64::MAX),
            saboteur,
            connections: AtomicU64::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, _tasks: tasks }
    }

    /// What the process has as the URL of Redis.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Everything is well again. What was held back is delivered now; what is half open stays so.
    pub fn heal(&self) {
        self.shared.replies_left.store(i64::MAX, Ordering::Relaxed);
        self.change(|policy| *policy = Policy { half_open: policy.half_open, ..Policy::HEALTHY });
    }

    /// What the process sends is held back until the proxy is healed, and delivered then. What it is sent still reaches it.
    pub fn hold(&self) {
        self.change(|policy| policy.requests = Flow::Held);
    }

    /// Everything takes so much longer in both directions.
    pub fn delay(&self, time: Duration) {
        self.change(|policy| (policy.requests, policy.replies) = (Flow::Late(time), Flow::Late(time)));
    }

    /// After so many bytes of replies the rest of them is lost, while requests still arrive.
    pub fn lose_replies_after(&self, bytes: u32) {
        self.shared.replies_left.store(i64::from(bytes), Ordering::Relaxed);
    }

    /// The connections that there are stay open and are dead; new ones work.
    pub fn half_open(&self) {
        let next = self.shared.connections.load(Ordering::Relaxed);
        self.change(|policy| policy.half_open = next);
    }

    /// Resets every connection. New ones work.
    pub fn reset(&self) {
        self.shared.resets.send_modify(|resets| *resets += 1);
    }

    /// Resets every connection, and each new one until the proxy is healed.
    pub fn refuse(&self) {
        self.change(|policy| policy.refuses = true);
        self.reset();
    }

    fn change(&self, change: impl FnOnce(&mut Policy)) {
        self.shared.policy.send_modify(change);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if shared.policy.borrow().refuses {
            reset(client);
        } else {
            let number = shared.connections.fetch_add(1, Ordering::Relaxed);
            connections.spawn(link::serve(client, number, Arc::clone(&shared)));
        }
    }
}

/// Closes by RST instead of FIN.
pub(crate) fn reset(client: TcpStream) {
    let _ = client.set_zero_linger();
    drop(client);
}
