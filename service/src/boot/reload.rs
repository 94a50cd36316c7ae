//! Settings that change while the process runs: read anew at SIGHUP and when `sg:pubsub:config` says so.
//!
//! What cannot be read changes nothing. What only a start takes is named.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use bus::Push;
use tokio::{
    signal::unix::Signal,
    sync::{mpsc, watch},
};
use tokio_util::sync::CancellationToken;

use crate::{Problem, Settings, Source};

/// Keys, and beginnings of keys, that take effect without a start.
const LIVE: [&str; 6] = ["access.", "commands.", "history.", "inference.retract_deleted", "model.", "prompt."];

/// Where the settings of this process come from, and what of them is in use.
pub(super) struct Reload {
    path: Option<PathBuf>,
    refuse: fn(&Settings) -> Vec<Problem>,
    written: BTreeMap<String, String>,
    now: watch::Sender<Arc<Settings>>,
}

impl Reload {
    pub(super) fn new(
        path: Option<PathBuf>,
        refuse: fn(&Settings) -> Vec<Problem>,
        settings: Arc<Settings>,
    ) -> (Self, watch::Receiver<Arc<Settings>>) {
        let (now, live) = watch::channel(settings);
        let written = Source::from_process(path.as_deref()).written();
        (Self { path, refuse, written, now }, live)
    }

    /// Reads them anew whenever somebody says so.
    pub(super) async fn run(mut self, mut hangup: Signal, mut notices: mpsc::Receiver<Push>, stop: CancellationToken) {
        loop {
            let is_asked = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                came = hangup.recv() => match came {
                    Some(()) => true,
                    None => return,
                },
                notice = notices.recv() => match notice {
                    Some(Push::Message { .. }) => true,
                    // One may have been missed meanwhile.
                    Some(Push::Gap) => false,
                    Some(Push::Away) => continue,
                    None => return,
                },
            };
            // A file: what reads it may block.
            let path = self.path.clone();
            let read = move || {
                let source = Source::from_process(path.as_deref());
                (source.written(), Settings::read(source))
            };
            match tokio::task::spawn_blocking(read).await {
                Ok((written, read)) => self.take(is_asked, written, read),
                Err(_) => return,
            }
        }
    }

    fn take(&mut self, is_asked: bool, written: BTreeMap<String, String>, read: Result<Settings, Vec<Problem>>) {
        let settings = read.and_then(|settings| match (self.refuse)(&settings) {
            problems if problems.is_empty() => Ok(settings),
            problems => Err(problems),
        });
        let settings = match settings {
            Ok(settings) => settings,
            Err(problems) => {
                for problem in &problems {
                    tracing::error!(%problem, "the settings are not taken, and those before stay");
                }
                return;
            }
        };
        let changed = changes(&self.written, &written);
        let (live, fixed): (Vec<&str>, Vec<&str>) =
            changed.into_iter().partition(|key| LIVE.iter().any(|known| key.starts_with(known)));
        if !fixed.is_empty() {
            tracing::warn!(keys = fixed.join(", "), "these settings have changed, and take effect at the next start");
        }
        if !live.is_empty() {
            tracing::info!(keys = live.join(", "), "settings are taken");
        }
        // A file that a key names may have changed without it.
        if is_asked || !live.is_empty() {
            self.now.send_modify(|now| *now = Arc::new(now.with_live(settings)));
        }
        let fixed: Vec<String> = fixed.into_iter().map(str::to_owned).collect();
        // What waits for a start is named again until then.
        self.written = written.into_iter().filter(|(key, _)| !fixed.contains(key)).collect();
    }
}

/// Keys that are written otherwise in one than in the other.
fn changes<'a>(before: &'a BTreeMap<String, String>, after: &'a BTreeMap<String, String>) -> Vec<&'a str> {
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    let new = after.iter().filter(|(key, value)| before.get(*key) != Some(value)).map(|(key, _)| key);
    gone.chain(new).map(String::as_str).collect()
}
