//! The gate of one action's preview: what may be asked of the platform, and when. It knows no clock, no Redis and no platform.
//!
//! It promises: one request at a time; none once it is shut; and each with the newest text of the newest run, or as much of it
//! as one message holds.

use std::borrow::Cow;

use bus::EntryId;
use codec::PreviewFrameView;

use crate::{
    egress::split::{Limits, first_part},
    growing::Growing,
};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Gate {
    text: Growing,
    /// It is not known that there is nothing to ask.
    is_new: bool,
    place: Place,
    /// A first send that was begun with this text, and of which nothing more is known.
    begun: Option<String>,
    /// The platform's message, and what it shows as far as is known.
    shown: Option<(String, String)>,
    /// An edit of it was not answered: whatever is asked next, it may come behind that.
    is_in_doubt: bool,
    is_asking: bool,
    is_shut: bool,
}

/// Whether its message may be made: not before what was said earlier in the lane.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It was not looked yet.
    #[default]
    Unknown,
    /// Something up to this entry is not settled.
    Behind(EntryId),
    /// Everything earlier is.
    Free,
}

/// What is to be asked of the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) text: String,
    pub(super) step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A message of it, or to find out what became of the one that was begun with such a text.
    Begin { place: Place, begun: Option<String> },
    /// Another text for its message.
    Edit { id: String },
    /// That somebody writes, since nothing new is to be seen.
    Type,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The message shows this text.
    Shown { id: String, text: String },
    /// Its turn to be shown has not come.
    Behind(EntryId),
    /// A message was begun with this text, and may be there.
    Begun(String),
    /// Nothing was done.
    Nothing,
    /// It is shown that somebody writes, or it is not.
    Typed,
    /// An edit may be done, or may yet be.
    Doubt,
    /// Nothing more is to be asked: its action has come, or the message cannot be changed.
    Over,
}

impl Gate {
    /// A piece of the text came in. False where it says nothing new.
    pub(super) fn frame(&mut self, frame: &PreviewFrameView<'_>) -> bool {
        let has_grown = !self.is_shut && self.text.take(frame).is_some();
        self.is_new |= has_grown;
        has_grown
    }

    /// To show that somebody writes, where nothing else is asked.
    pub(super) fn typing(&mut self) -> Option<Request> {
        if self.is_shut || std::mem::replace(&mut self.is_asking, true) {
            return None;
        }
        Some(Request { text: String::new(), step: Step::Type })
    }

    /// Whether there is something to see of it.
    pub(super) fn is_shown(&self) -> bool {
        self.shown.is_some() || self.begun.is_some()
    }

    /// What is to be asked now, if anything is; until it is answered, nothing else.
    pub(super) fn request(&mut self, limits: Option<&Limits>) -> Option<Request> {
        if self.is_shut || self.is_asking || !std::mem::take(&mut self.is_new) {
            return None;
        }
        let text = match limits {
            Some(limits) => first_part(self.text.text(), limits)?.text(),
            None => Some(self.text.text()).filter(|text| !text.trim().is_empty()).map(Cow::Borrowed)?,
        };
        let step = match &self.shown {
            Some((_, shown)) if *shown == text => return None,
            Some((id, _)) => Step::Edit { id: id.clone() },
            None => Step::Begin { place: self.place, begun: self.begun.clone() },
        };
        let text = text.into_owned();
        self.is_asking = true;
        Some(Request { text, step })
    }

    /// The request was answered.
    pub(super) fn answered(&mut self, answer: Answer) {
        self.is_asking = false;
        self.is_new |= answer != Answer::Typed;
        match answer {
            Answer::Shown { id, text } => {
                self.begun = None;
                self.shown = Some((id, text));
            }
            Answer::Behind(entry) => self.place = Place::Behind(entry),
            Answer::Begun(text) => {
                self.place = Place::Free;
                self.begun = Some(text);
            }
            Answer::Nothing | Answer::Typed => {}
            Answer::Doubt => self.is_in_doubt = true,
            Answer::Over => self.is_shut = true,
        }
    }

    /// Nothing is asked any more.
    pub(super) fn shut(&mut self) {
        self.is_shut = true;
    }

    pub(super) fn is_in_doubt(&self) -> bool {
        self.is_in_doubt
    }

    pub(super) fn is_shut(&self) -> bool {
        self.is_shut
    }

    /// Bytes that are kept for it.
    pub(super) fn bytes(&self) -> usize {
        let shown = self.shown.as_ref().map_or(0, |(id, text)| id.len() + text.len());
        self.text.text().len() + shown + self.begun.as_ref().map_or(0, String::len)
    }
}

#[cfg(test)]
mod tests {
    use codec::PreviewFrame;
    use proptest::{collection, prelude::*, sample::Index};

    use super::*;
    use crate::egress::split::{Count, Rest, split};

    fn frame(gate: &mut Gate, epoch: u64, offset: usize, piece: &str) {
        let frame = PreviewFrame {
            message_key: "k".into(),
            epoch,
            offset: offset as u64,
            text: piece.into(),
            ..PreviewFrame::default()
        };
        gate.frame(&PreviewFrameView::decode(&frame.to_bytes()).unwrap());
    }

    fn begin(text: &str, place: Place, begun: Option<&str>) -> Option<Request> {
        Some(Request { text: text.into(), step: Step::Begin { place, begun: begun.map(str::to_owned) } })
    }

    #[test]
    fn a_preview_is_begun_once_and_then_edited() {
        let mut gate = Gate::default();
        assert_eq!(gate.request(None), None, "there is nothing to show");
        frame(&mut gate, 1, 0, " ");
        assert_eq!(gate.request(None), None, "nor is a blank");
        frame(&mut gate, 1, 1, "a");
        assert_eq!(gate.request(None), begin(" a", Place::Unknown, None));
        frame(&mut gate, 1, 2, "b");
        assert_eq!(gate.request(None), None, "one at a time");
        let earlier = "5-0".parse().unwrap();
        gate.answered(Answer::Behind(earlier));
        assert_eq!(gate.request(None), begin(" ab", Place::Behind(earlier), None));
        gate.answered(Answer::Begun(" ab".into()));
        frame(&mut gate, 1, 3, "c");
        assert_eq!(gate.request(None), begin(" abc", Place::Free, Some(" ab")));
        gate.answered(Answer::Shown { id: "m".into(), text: " ab".into() });
        assert_eq!(gate.request(None), Some(Request { text: " abc".into(), step: Step::Edit { id: "m".into() } }));
        gate.answered(Answer::Shown { id: "m".into(), text: " abc".into() });
        assert_eq!(gate.request(None), None, "it shows what there is");
        frame(&mut gate, 2, 0, "anew");
        assert_eq!(gate.request(None), Some(Request { text: "anew".into(), step: Step::Edit { id: "m".into() } }));
    }

    #[test]
    fn a_preview_shows_the_first_part_and_is_left_alone_when_that_is_finished() {
        let limits = Limits { text: 256, count: Count::Chars, parts: 8 };
        let (mut gate, word) = (Gate::default(), "a **bold** word, ");
        frame(&mut gate, 1, 0, &word.repeat(40));
        let first = split(&word.repeat(40), &limits, true).texts(Rest::Cut)[0].to_string();
        assert_eq!(gate.request(Some(&limits)), begin(&first, Place::Unknown, None));
        gate.answered(Answer::Shown { id: "m".into(), text: first });
        frame(&mut gate, 1, word.len() * 40, word);
        assert_eq!(gate.request(Some(&limits)), None);
        frame(&mut gate, 2, 0, "a **bold");
        let healed = Request { text: "a **bold**".into(), step: Step::Edit { id: "m".into() } };
        assert_eq!(gate.request(Some(&limits)), Some(healed));
    }

    #[derive(Debug, Clone)]
    enum Event {
        /// Of a run: whether the whole text or only its last piece.
        Frame {
            epoch: u64,
            whole: bool,
            lost: bool,
        },
        Ask,
        Answer(Index),
        Shut,
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            6 => (1..4u64, any::<bool>(), prop::bool::weighted(0.2)).prop_map(|(epoch, whole, lost)| Event::Frame { epoch, whole, lost }),
            6 => Just(Event::Ask),
            5 => any::<Index>().prop_map(Event::Answer),
            1 => Just(Event::Shut),
        ]
    }

    proptest! {
        /// Whatever comes in whatever order: never two requests under way, none behind a shut gate, and only whole texts of the
        /// newest run that was heard of.
        #[test]
        fn a_gate_keeps_its_promises(events in collection::vec(event(), 1..60)) {
            let mut gate = Gate::default();
            let mut runs = [String::new(), String::new(), String::new()];
            let (mut newest, mut under_way, mut is_shut, mut has_message) = (0, None, false, false);
            for (number, event) in events.into_iter().enumerate() {
                match event {
                    Event::Frame { epoch, whole, lost } => {
                        let text = &mut runs[epoch as usize - 1];
                        let at = text.len();
                        text.push_str(&format!("{epoch}.{number} "));
                        if !lost {
                            let from = if whole { 0 } else { at };
                            frame(&mut gate, epoch, from, &text[from..]);
                            newest = newest.max(epoch);
                        }
                    }
                    Event::Ask => {
                        let asked = gate.request(None);
                        if let Some(request) = asked {
                            prop_assert!(under_way.is_none(), "two at once");
                            prop_assert!(!is_shut, "behind a shut gate");
                            prop_assert!(runs[newest as usize - 1].starts_with(&request.text), "a text that nobody wrote");
                            prop_assert_eq!(matches!(request.step, Step::Edit { .. }), has_message);
                            under_way = Some(request.text);
                        }
                    }
                    Event::Answer(which) => {
                        let Some(text) = under_way.take() else { continue };
                        let answers = [
                            Answer::Shown { id: "m".into(), text: text.clone() },
                            Answer::Nothing,
                            Answer::Doubt,
                            Answer::Begun(text),
                            Answer::Behind("5-0".parse().unwrap()),
                            Answer::Over,
                        ];
                        // A message that is there is not begun again.
                        let answer = which.get(&answers[..if has_message { 3 } else { 6 }]).clone();
                        has_message |= matches!(answer, Answer::Shown { .. });
                        is_shut |= answer == Answer::Over;
                        gate.answered(answer);
                    }
                    Event::Shut => {
                        gate.shut();
                        is_shut = true;
                    }
                }
            }
        }
    }
}
