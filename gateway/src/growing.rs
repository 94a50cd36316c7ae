//! A text that is being written, put together from the frames of its previews.

use codec::PreviewFrameView;

/// Bytes of a running text. The final one comes through its stream.
const BYTES_MAX: usize = 512 << 10;

/// What is known of a running text.
#[derive(Debug, Default)]
pub(crate) struct Growing {
    epoch: u64,
    text: String,
}

impl Growing {
    /// The text as far as it is known.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What a frame adds: behind how many bytes, and which text; 0 bytes where it begins anew. Frames of an earlier run, and
    /// those after a hole, add nothing.
    pub(crate) fn take<'a>(&mut self, frame: &PreviewFrameView<'a>) -> Option<(usize, &'a str)> {
        if frame.epoch < self.epoch {
            return None;
        }
        if frame.epoch > self.epoch {
            *self = Self { epoch: frame.epoch, text: String::new() };
        }
        let offset = usize::try_from(frame.offset).ok()?;
        let new = if offset == self.text.len() {
            frame.text
        } else if offset == 0 {
            match frame.text.strip_prefix(self.text.as_str()) {
                Some(rest) => rest,
                None => {
                    self.text.clear();
                    frame.text
                }
            }
        } else {
            return None;
        };
        let at = self.text.len();
        if at + new.len() > BYTES_MAX {
            return None;
        }
        self.text.push_str(new);
        (!new.is_empty()).then_some((at, new))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use codec::PreviewFrame;

    use super::*;

    /// A piece of a text as it comes.
    pub(crate) fn frame(epoch: u64, offset: u64, piece: &str) -> bytes::Bytes {
        let frame =
            PreviewFrame { message_key: "k".into(), epoch, offset, text: piece.into(), ..PreviewFrame::default() };
        frame.to_bytes()
    }

    fn take(text: &mut Growing, epoch: u64, offset: u64, piece: &str) -> Option<(usize, String)> {
        let bytes = frame(epoch, offset, piece);
        let frame = PreviewFrameView::decode(&bytes).unwrap();
        text.take(&frame).map(|(at, text)| (at, text.to_owned()))
    }

    #[test]
    fn a_running_text_grows_and_mends_itself() {
        let mut text = Growing::default();
        assert_eq!(take(&mut text, 1, 0, "a😀"), Some((0, "a😀".into())));
        assert_eq!(take(&mut text, 1, 5, "b"), Some((5, "b".into())));
        assert_eq!(take(&mut text, 1, 9, "x"), None, "after a hole");
        assert_eq!(take(&mut text, 1, 0, "a😀bcd"), Some((6, "cd".into())), "a full text adds what is new");
        assert_eq!(take(&mut text, 1, 0, "a😀"), Some((0, "a😀".into())), "a text that is not the same replaces");
        assert_eq!(take(&mut text, 2, 0, "new run"), Some((0, "new run".into())));
        assert_eq!(take(&mut text, 1, 0, "old run"), None);
    }
}
