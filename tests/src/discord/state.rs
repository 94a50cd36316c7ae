//! Everything behind one lock, and the word that it has changed.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::sync::watch;

use super::{
    clock::Clock, faults::Faults, gateway::Hub, interactions::Interactions, ledger::Ledger, limits::Limits,
    nonces::Nonces, world::World,
};

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) address: SocketAddr,
    pub(crate) world: World,
    pub(crate) hub: Hub,
    pub(crate) limits: Limits,
    pub(crate) nonces: Nonces,
    pub(crate) interactions: Interactions,
    pub(crate) faults: Faults,
    pub(crate) ledger: Ledger,
    /// Where READY sends who wants to resume, where that is not here.
    pub(crate) resume_url: Option<String>,
    /// For names of sessions and tokens; faults draw from another stream, so that one more request shifts nothing there.
    pub(crate) chance: fastrand::Rng,
}

impl State {
    /// Where sockets are opened.
    pub(crate) fn gateway_url(&self) -> String {
        format!("ws://{}", self.address)
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    /// Never held over an await.
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

impl Shared {
    pub(crate) fn new(clock: Clock, state: State) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::new(state), changed: watch::Sender::new(()) })
    }

    /// Does something, hands out what came of it, and says so to whoever waits.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let result = {
            let mut state = self.state.lock().unwrap();
            let result = act(&mut state);
            let State { world, hub, .. } = &mut *state;
            hub.deliver(world);
            result
        };
        self.changed.send_replace(());
        result
    }

    /// Looks, and tells nobody.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.state.lock().unwrap())
    }

    /// Changes from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}
