//! A parser of server-sent events for streams that a network may cut at any byte.
//!
//! Takes chunks as they come and gives the data of one event at a time. Line ends may be LF, CRLF or CR; comments
//! (keep-alives) and fields other than `data` are skipped; several data lines are joined by a newline.

use bytes::{Buf, Bytes, BytesMut};

/// Bytes that one event may have. An answer's event is a few hundred.
const EVENT_MAX: usize = 1 << 20;

/// An event that is longer than any that a model sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of more than {EVENT_MAX} bytes")]
pub struct SseError;

/// See the module.
#[derive(Debug, Default)]
pub struct SseParser {
    buffer: BytesMut,
    /// Bytes of `buffer` that are known to hold no line end.
    scanned: usize,
    /// The last line ended in CR, so a LF that follows belongs to it.
    skip_lf: bool,
    data: Data,
}

/// The data of the event that is being read: one line is a slice of what came, several are joined.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    Line(Bytes),
    Joined(BytesMut),
}

impl SseParser {
    /// Takes the next chunk.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The data of the next complete event, if there is one in what was taken so far.
    ///
    /// # Errors
    /// When an event is too long; the stream cannot be used any further.
    pub fn next_event(&mut self) -> Result<Option<Bytes>, SseError> {
        while let Some(line) = self.next_line() {
            if line.is_empty() {
                match std::mem::take(&mut self.data) {
                    Data::None => continue,
                    Data::Line(line) => return Ok(Some(line)),
                    Data::Joined(lines) => return Ok(Some(lines.freeze())),
                }
            }
            if let Some(value) = data_of(&line) {
                self.add(value)?;
            }
        }
        if self.buffer.len() > EVENT_MAX { Err(SseError) } else { Ok(None) }
    }

    fn add(&mut self, value: Bytes) -> Result<(), SseError> {
        self.data = match std::mem::take(&mut self.data) {
            Data::None => Data::Line(value),
            Data::Line(first) => {
                let mut lines = BytesMut::with_capacity(first.len() + 1 + value.len());
                lines.extend_from_slice(&first);
                lines.extend_from_slice(b"\n");
                lines.extend_from_slice(&value);
                Data::Joined(lines)
            }
            Data::Joined(mut lines) => {
                lines.extend_from_slice(b"\n");
                lines.extend_from_slice(&value);
                Data::Joined(lines)
            }
        };
        let length = match &self.data {
            Data::None => 0,
            Data::Line(line) => line.len(),
            Data::Joined(lines) => lines.len(),
        };
        if length > EVENT_MAX { Err(SseError) } else { Ok(()) }
    }

    fn next_line(&mut self) -> Option<Bytes> {
        if self.skip_lf && self.buffer.first() == Some(&b'\n') {
            self.buffer.advance(1);
        }
        if !self.buffer.is_empty() {
            self.skip_lf = false;
        }
        let Some(end) = self.buffer[self.scanned..].iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let end = self.scanned + end;
        self.scanned = 0;
        self.skip_lf = self.buffer[end] == b'\r';
        let line = self.buffer.split_to(end).freeze();
        self.buffer.advance(1);
        Some(line)
    }
}

/// The value of a `data` line.
fn data_of(line: &Bytes) -> Option<Bytes> {
    let value = line.strip_prefix(b"data")?;
    match value.first() {
        None => Some(Bytes::new()),
        Some(b':') => {
            let skip = if value.get(1) == Some(&b' ') { 2 } else { 1 };
            Some(line.slice(line.len() - value.len() + skip..))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut parser = SseParser::default();
        let mut events = Vec::new();
        for chunk in chunks {
            parser.push(chunk);
            while let Some(event) = parser.next_event().unwrap() {
                events.push(String::from_utf8_lossy(&event).into_owned());
            }
        }
        events
    }

    const STREAM: &str = ": keep-alive\r\n\r\ndata: {\"a\":1}\r\n\r\nevent: x\ndata:two\ndata: lines\n\n: c\n\nid: 3\rdata\r\rdata: [DONE]\n\n";

    #[test]
    fn every_kind_of_line() {
        assert_eq!(parse([STREAM.as_bytes()]), ["{\"a\":1}", "two\nlines", "", "[DONE]"]);
    }

    #[test]
    fn an_event_without_its_empty_line_is_not_complete() {
        assert!(parse([b"data: x\n".as_slice()]).is_empty());
        assert!(parse([b"database: x\n\n".as_slice()]).is_empty());
    }

    #[test]
    fn endless_events_are_refused() {
        let mut parser = SseParser::default();
        let chunk = vec![b'x'; EVENT_MAX / 2];
        parser.push(b"data: ");
        for _ in 0..2 {
            parser.push(&chunk);
        }
        assert_eq!(parser.next_event(), Err(SseError));
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference(cuts in prop::collection::vec(0..STREAM.len(), 0..20)) {
            let mut cuts = cuts;
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let chunks = cuts.windows(2).map(|pair| &STREAM.as_bytes()[pair[0]..pair[1]]);
            prop_assert_eq!(parse(chunks), parse([STREAM.as_bytes()]));
        }

        #[test]
        fn any_bytes_are_survived(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..20)) {
            parse(chunks.iter().map(Vec::as_slice));
        }
    }
}
