//! Frames of a growing text.

use bus::PreviewSink;
use codec::{InboundView, PreviewFrame};
use tokio::time::{Duration, Instant};

use super::act::reply_to;

/// A full text is sent at least this often, for whoever missed a frame or came late.
const FULL_EVERY_FRAMES: u64 = 64;
/// And this often, where tokens come slowly.
const FULL_EVERY: Duration = Duration::from_secs(1);
/// And this often before there are any: it says that somebody is at it.
const EMPTY_EVERY: Duration = Duration::from_secs(4);

/// Makes frames of one action's text.
#[derive(Debug)]
pub(super) struct Preview {
    sink: PreviewSink,
    frame: PreviewFrame,
    full_at: Instant,
    since_full: u64,
    /// The last frame was dropped, so what follows has to be whole.
    has_hole: bool,
    is_empty: bool,
    place: [Option<String>; 4],
}

impl Preview {
    pub(super) fn new(sink: PreviewSink, inbound: &InboundView<'_>, message_key: String) -> Self {
        let frame = PreviewFrame { message_key, epoch: sink.epoch(), ..PreviewFrame::default() };
        let place = [Some(inbound.channel_key), Some(inbound.channel_id), inbound.thread_id, reply_to(inbound)];
        let place = place.map(|id| id.map(str::to_owned));
        Self { sink, frame, full_at: Instant::now(), since_full: 0, has_hole: true, is_empty: true, place }
    }

    /// The text has grown by its last `grown` bytes.
    pub(super) fn grow(&mut self, text: &str, grown: usize) {
        let is_full = self.has_hole || self.since_full >= FULL_EVERY_FRAMES || Instant::now() >= self.full_due();
        self.send(text, if is_full { 0 } else { text.len() - grown });
    }

    /// When the full text is due, also when nothing has grown: who reloads the page while the model pauses sees it then.
    pub(super) fn full_due(&self) -> Instant {
        self.full_at + if self.is_empty { EMPTY_EVERY } else { FULL_EVERY }
    }

    /// Sends the full text.
    pub(super) fn full(&mut self, text: &str) {
        self.send(text, 0);
    }

    fn send(&mut self, text: &str, from: usize) {
        self.is_empty = text.is_empty();
        self.frame.offset = from as u64;
        text[from..].clone_into(&mut self.frame.text);
        let mut place = [const { None }; 4];
        if from == 0 {
            // Whoever meets this text here for the first time learns where it belongs.
            place.clone_from(&self.place);
            (self.since_full, self.full_at) = (0, Instant::now());
        } else {
            self.since_full += 1;
        }
        let frame = &mut self.frame;
        [frame.channel_key, frame.channel_id, frame.thread_id, frame.reply_to] = place;
        self.has_hole = !self.sink.send(self.frame.to_bytes());
        self.frame.seq += 1;
    }
}
