//! What concerns one turn: what waited for it to begin, and what comes while it runs.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::turn::Delivery;

#[derive(Debug)]
pub(super) struct Mailbox {
    waiting: VecDeque<Delivery>,
    coming: mpsc::Receiver<Delivery>,
}

impl Mailbox {
    pub(super) fn new(mut coming: mpsc::Receiver<Delivery>) -> Self {
        Self { waiting: std::iter::from_fn(|| coming.try_recv().ok()).collect(), coming }
    }

    /// The entries that waited, as `id,id`.
    pub(super) fn entries(&self) -> String {
        self.waiting.iter().map(|control| control.entry.id.to_string()).collect::<Vec<_>>().join(",")
    }

    /// The next one, if one is there.
    pub(super) fn next(&mut self) -> Option<Delivery> {
        self.waiting.pop_front().or_else(|| self.coming.try_recv().ok())
    }

    /// Waits for the next one. May be raced: one that was not returned is still there.
    pub(super) async fn recv(&mut self) -> Delivery {
        match self.next() {
            Some(delivery) => delivery,
            None => match self.coming.recv().await {
                Some(delivery) => delivery,
                None => std::future::pending().await,
            },
        }
    }

    /// What nobody took. From here on nothing more comes.
    pub(super) fn unheard(mut self) -> Vec<Delivery> {
        self.coming.close();
        std::iter::from_fn(|| self.next()).collect()
    }
}
