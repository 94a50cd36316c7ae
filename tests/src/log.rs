//! What a process wrote, line by line.

use std::{
    io::{BufRead, BufReader, Read},
    sync::Arc,
};

use tokio::sync::watch;

use crate::within;

/// The lines that a process wrote so far. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<watch::Sender<Vec<String>>>);

impl Log {
    /// Reads `from` to its end, on a thread of its own. The thread ends when the writing process does.
    pub(crate) fn follow(&self, from: impl Read + Send + 'static) {
        let lines = Arc::clone(&self.0);
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                lines.send_modify(|lines| lines.push(line));
            }
        });
    }

    /// All lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// The lines that contain `text`.
    #[must_use]
    pub fn with(&self, text: &str) -> Vec<String> {
        self.0.borrow().iter().filter(|line| line.contains(text)).cloned().collect()
    }

    /// The first line that contains `text`, as soon as there is one.
    pub async fn line(&self, text: &str) -> String {
        let mut lines = self.0.subscribe();
        let found = lines.wait_for(|lines| lines.iter().any(|line| line.contains(text)));
        let lines = within(&format!("a log line with `{text}`"), found).await.expect("the log lives");
        lines.iter().find(|line| line.contains(text)).expect("waited for it").clone()
    }
}
