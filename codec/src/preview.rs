//! Previews: the text of a running turn, on its way past the streams by pub/sub.
//!
//! Nothing here is durable. A lost frame shows as a gap in the offsets, which the next full text (offset 0) closes.

use crate::envelope::envelope;
use crate::error::Error;
use crate::fault::Refused;
use crate::limits;
use crate::read::Reader;
use crate::schema::Bound;
use crate::wire::Wire;

envelope! {
    /// A piece of the text of a turn that is still running.
    PreviewFrame, PreviewFrameView, named "preview", under "";

    /// The action that will bring the final text.
    message_key: String, Required, Bound::some(limits::KEY_BYTES), "discord:1482309033636531201:0".into();
    /// Epoch of the fence that the sender held: frames of a later owner of the lane win over those of an earlier one.
    epoch: u64, Written, Bound::ANY, 1_773_480_000_123;
    /// Number of the frame within this key and epoch, from 0 up without gaps.
    seq: u64, Written, Bound::ANY, 64;
    /// Bytes of the text in front of this piece. 0 makes this the whole text so far.
    offset: u64, Written, Bound::ANY, 0;
    /// The piece, cut between characters.
    text: String, Written, Bound::up_to(limits::TEXT_BYTES), "The name **x".into();
    /// The lane, for a gateway that meets this key for the first time. In every frame with offset 0.
    channel_key: Option<String>, Optional, Bound::up_to(limits::KEY_BYTES), Some("discord:1481584275697508354".into());
    /// Channel, room or chat to show it in. In every frame with offset 0.
    channel_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("1373592677215637507".into());
    /// The thread inside the channel. In every frame with offset 0.
    thread_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("1481584275697508354".into());
    /// The message that is answered, where the final text will say so. In every frame with offset 0.
    reply_to: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("1482309033636531201".into());
}

/// Reads what one publish carried: frames one after another, with nothing between them, so that whoever gathers frames
/// need not read them. Ends after the first frame that breaks a rule.
#[must_use]
pub fn frames(batch: &[u8]) -> Frames<'_> {
    Frames { reader: Some(Reader::new(batch, "preview")) }
}

/// See [`frames`].
#[derive(Debug)]
pub struct Frames<'a> {
    reader: Option<Reader<'a, Refused>>,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<PreviewFrameView<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut().filter(|reader| !reader.is_at_end())?;
        let before = *reader;
        let frame = PreviewFrame::read(reader, &Bound::ANY);
        if frame.is_err() {
            self.reader = None;
        }
        Some(frame.or_else(|Refused| PreviewFrame::read(&mut before.precise("preview"), &Bound::ANY)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(seq: u64, offset: u64, text: &str) -> PreviewFrame {
        PreviewFrame {
            message_key: "webchat:1:0".into(),
            epoch: 1_700_000_000_000,
            seq,
            offset,
            text: text.into(),
            ..PreviewFrame::default()
        }
    }

    #[test]
    fn frames_that_were_put_together_come_back() {
        let sent = [frame(0, 0, "Hel"), frame(1, 3, "lo")];
        let mut batch = Vec::new();
        sent.iter().for_each(|frame| frame.encode(&mut batch));
        let read: Vec<_> = frames(&batch).map(|frame| frame.unwrap().into_owned()).collect();
        assert_eq!(read, sent);
        assert!(frames(&[]).next().is_none());
    }

    #[test]
    fn a_broken_frame_ends_its_batch() {
        let mut batch = frame(0, 0, "whole").to_bytes().to_vec();
        batch.extend_from_slice(&[0x80, 0x80]);
        let mut read = frames(&batch);
        assert_eq!(read.next().unwrap().unwrap().text, "whole");
        let error = read.next().unwrap().unwrap_err();
        assert_eq!(error.field, "message_key");
        assert!(read.next().is_none());
    }
}
