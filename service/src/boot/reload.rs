//! Settings that change while the process runs: read anew at SIGHUP and when `sg:pubsub:config` says so.
//!
//! What cannot be read changes nothing. What only a start takes is named.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use bus::Push;
use tokio::{
    signal::unix::Signal,
    sync::{mpsc, watch},
    task::spawn_blocking,
};
use tokio_util::sync::CancellationToken;

use crate::{Problem, Settings, Source};

/// Keys, and beginnings of keys, that take effect without a start.
const LIVE: [&str; 7] =
    ["access.", "commands.", "history.", "inference.retract_deleted", "inference.rooms.", "model.", "prompt."];

/// Where the settings of a process come from, and what was written there when it started.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    path: Option<PathBuf>,
    /// By key; of a key that names a file with what is in that. Never shown.
    written: BTreeMap<String, String>,
    had_file: bool,
}

impl Origin {
    /// What this source has, before it is read; `path` names its file, where one was named.
    #[must_use]
    pub fn of(path: Option<PathBuf>, source: &Source) -> Self {
        let mut written = source.written();
        for (key, value) in &mut written {
            if key.ends_with("_file")
                && let Ok(text) = std::fs::read_to_string(&*value)
            {
                value.push('\n');
                value.push_str(&text);
            }
        }
        Self { path, written, had_file: source.has_file() }
    }

    /// Reads them anew. A file that was there and is gone, or has nothing in it, is being written: to take that would be to take
    /// every default.
    fn read(&self) -> (Self, Result<Settings, Vec<Problem>>) {
        let source = Source::from_process(self.path.as_deref());
        let origin = Self::of(self.path.clone(), &source);
        if self.had_file && !origin.had_file {
            let problem = Problem::new("the settings file", "is gone or empty; it was there at the start");
            return (origin, Err(vec![problem]));
        }
        (origin, Settings::read(source))
    }
}

/// What of the settings is in use.
pub(super) struct Reload {
    refuse: fn(&Settings) -> Vec<Problem>,
    started: Origin,
    /// As it was taken last.
    taken: BTreeMap<String, String>,
    now: watch::Sender<Arc<Settings>>,
}

impl Reload {
    pub(super) fn new(
        started: Origin,
        refuse: fn(&Settings) -> Vec<Problem>,
        settings: Arc<Settings>,
    ) -> (Self, watch::Receiver<Arc<Settings>>) {
        let (now, live) = watch::channel(settings);
        let taken = started.written.clone();
        (Self { refuse, started, taken, now }, live)
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
                    // In it one may have been missed.
                    Some(Push::Gap) => false,
                    Some(Push::Away) => continue,
                    None => return,
                },
            };
            // Files are read, also by the look at what this build can do.
            let (started, refuse) = (self.started.clone(), self.refuse);
            let read = spawn_blocking(move || {
                let (origin, read) = started.read();
                let read = read.and_then(|settings| match refuse(&settings) {
                    problems if problems.is_empty() => Ok(settings),
                    problems => Err(problems),
                });
                (origin.written, read)
            });
            match read.await {
                Ok((written, Ok(settings))) => self.take(is_asked, written, settings),
                Ok((_, Err(problems))) => {
                    for problem in &problems {
                        tracing::error!(%problem, "the settings are not taken, and those before stay");
                    }
                }
                Err(_) => return,
            }
        }
    }

    fn take(&mut self, is_asked: bool, written: BTreeMap<String, String>, settings: Settings) {
        let fixed = changes(&self.started.written, &written, false);
        if !fixed.is_empty() {
            tracing::warn!(keys = fixed.join(", "), "these settings have changed, and take effect at the next start");
        }
        let live = changes(&self.taken, &written, true);
        if !live.is_empty() {
            tracing::info!(keys = live.join(", "), "settings are taken");
        }
        if is_asked || !live.is_empty() {
            self.now.send_modify(|now| *now = Arc::new(now.with_live(settings)));
        }
        self.taken = written;
    }
}

/// Keys that are written otherwise in one than in the other, of those that take effect without a start or of the rest.
fn changes<'a>(
    before: &'a BTreeMap<String, String>,
    after: &'a BTreeMap<String, String>,
    is_live: bool,
) -> Vec<&'a str> {
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    let new = after.iter().filter(|(key, value)| before.get(*key) != Some(value)).map(|(key, _)| key);
    let is_one = |key: &&str| LIVE.iter().any(|known| key.starts_with(known)) == is_live;
    gone.chain(new).map(String::as_str).filter(is_one).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn written(keys: &[(&str, &str)]) -> BTreeMap<String, String> {
        keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn keys_that_were_changed_added_or_removed_are_named_by_when_they_take_effect() {
        let before =
            written(&[("bus.backlog", "1"), ("bus.shards", "16"), ("prompt.system", "a"), ("access.deny", "x")]);
        let after = written(&[("bus.backlog", "2"), ("prompt.system", "b"), ("access.deny", "x"), ("model.name", "m")]);
        assert_eq!(changes(&before, &after, false), ["bus.shards", "bus.backlog"]);
        assert_eq!(changes(&before, &after, true), ["model.name", "prompt.system"]);
        assert!(changes(&before, &before, false).is_empty() && changes(&after, &after, true).is_empty());
    }

    #[test]
    fn a_file_that_is_gone_or_empty_is_not_taken_for_one_without_settings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.toml");
        std::fs::write(&path, "[access]\ndefault_deny = true\n").unwrap();
        let source = || Source::from_process(Some(&path));
        let started = Origin::of(Some(path.clone()), &source());
        assert!(started.read().1.is_ok());
        std::fs::write(&path, "").unwrap();
        assert!(started.read().1.unwrap_err()[0].to_string().contains("gone or empty"));
        std::fs::remove_file(&path).unwrap();
        assert!(started.read().1.is_err());
    }
}
