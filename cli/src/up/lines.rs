//! A program's output as lines, each bounded.

use std::collections::VecDeque;

use tokio::{io::AsyncReadExt, net::unix::pipe::Receiver};

/// A longer line is cut into several.
const LINE_MAX: usize = 16 * 1024;
/// What is read at once; so at most this many lines wait.
const READ_MAX: usize = 16 * 1024;

/// Reads lines from a pipe.
#[derive(Debug)]
pub(super) struct Lines {
    pipe: Option<Receiver>,
    chunk: Vec<u8>,
    splitter: Splitter,
    ready: VecDeque<String>,
}

impl Lines {
    pub(super) fn new(pipe: Receiver) -> Self {
        Self { pipe: Some(pipe), chunk: vec![0; READ_MAX], splitter: Splitter::default(), ready: VecDeque::new() }
    }

    /// The next line; none when all writers are gone. May be dropped at any time without losing anything.
    pub(super) async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            let pipe = self.pipe.as_mut()?;
            match pipe.read(&mut self.chunk).await {
                Ok(0) | Err(_) => {
                    self.pipe = None;
                    self.ready.extend(self.splitter.rest());
                }
                Ok(count) => self.ready.extend(self.splitter.split(&self.chunk[..count])),
            }
        }
    }
}

/// Cuts bytes at line ends.
#[derive(Debug, Default)]
struct Splitter {
    begun: Vec<u8>,
}

impl Splitter {
    fn split(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if self.begun.ends_with(b"\n") || self.begun.len() >= LINE_MAX {
                lines.extend(self.rest());
            }
        }
        lines
    }

    /// What stands without a line end.
    fn rest(&mut self) -> Option<String> {
        let bytes = std::mem::take(&mut self.begun);
        (!bytes.is_empty()).then(|| printable(&bytes))
    }
}

/// Text that does nothing to a terminal but stand there.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim_end_matches(['\n', '\r']).chars().filter(|c| *c == '\t' || !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::{LINE_MAX, Splitter};

    #[test]
    fn lines_come_whole_from_any_pieces() {
        let text = "one\r\ntwo \u{1b}[31mred\n\nend";
        for size in 1..text.len() {
            let mut splitter = Splitter::default();
            let mut lines: Vec<String> = text.as_bytes().chunks(size).flat_map(|chunk| splitter.split(chunk)).collect();
            lines.extend(splitter.rest());
            assert_eq!(lines, ["one", "two [31mred", "", "end"], "in pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut splitter = Splitter::default();
        let lines = splitter.split(&vec![b'x'; LINE_MAX]);
        assert_eq!(lines.len(), 1);
        assert_eq!(splitter.rest(), None);
    }
}
