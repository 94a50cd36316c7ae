//! What becomes of a turn: the actions and the history of its commit.

use std::time::Duration;

use bus::{Action, Commit, HistoryWrite, unix_ms};
use bytes::Bytes;
use codec::{ActionType, InboundView, Kind, Outbound, control, names};

use super::infer::{Answer, Ending};
use crate::conversation::{History, answered, said};

const EMPTY: &str = "My language model gave an empty answer. Please try again.";
const CUT: &str = "The answer was cut off here: it reached the longest that is allowed.";
const GIVEN_UP: &str =
    "Something went wrong, and I could not answer this message. Whoever runs me finds it among the dead letters.";

/// Makes the commit of one turn.
#[derive(Debug)]
pub(super) struct Act<'a> {
    inbound: &'a InboundView<'a>,
    cause: &'a str,
    trace_id: &'a str,
    history: &'a service::History,
}

impl<'a> Act<'a> {
    pub(super) fn new(
        inbound: &'a InboundView<'a>,
        cause: &'a str,
        trace_id: &'a str,
        history: &'a service::History,
    ) -> Self {
        Self { inbound, cause, trace_id, history }
    }

    /// The answer to a message, whatever became of it, in the place of `target` where one is replaced.
    pub(super) fn answer(&self, answer: Answer, to: Option<&str>, target: Option<&str>, dropped: usize) -> Commit {
        let Answer { text, ending } = answer;
        let is_written = !text.trim().is_empty();
        let (shown, is_answer) = match (&ending, is_written) {
            (Ending::Forgotten, _) => return self.forget(),
            (Ending::Stopped, false) => (None, false),
            (Ending::Whole | Ending::Stopped, true) => (Some(text.clone()), true),
            (Ending::Whole | Ending::TooLong, false) => (Some(EMPTY.to_owned()), false),
            (Ending::TooLong, true) => (Some(format!("{text}\n\n*{CUT}*")), true),
            (Ending::Failed(error), true) => (Some(format!("{text}\n\n*{}*", error.for_user())), true),
            (Ending::Failed(error), false) => (Some(error.for_user().to_owned()), false),
        };
        let mut actions = Vec::new();
        if let Some(target) = target {
            actions.push(self.retract(target, 1));
        }
        actions.push(match shown {
            Some(text) => action(&Outbound { action: ActionType::Message, text, ..self.outbound(0) }),
            // Nothing to show; a preview that was begun goes away.
            None => self.retract(&names::message_key(self.cause, 0), 0),
        });
        let mut push = Vec::new();
        if target.is_none() {
            push.push(self.said());
        }
        if is_answer {
            push.push(answered(self.cause, to, &text, unix_ms() as f64 / 1000.0, self.message_bytes()).to_bytes());
        }
        Commit { actions, history: self.write(push, dropped), notes: None }
    }

    /// Nobody is answered, but what was said is remembered.
    pub(super) fn record(&self) -> Commit {
        Commit { history: self.write(vec![self.said()], 0), ..Commit::default() }
    }

    /// Nobody is answered, and what was shown in an answer's place by itself goes away.
    pub(super) fn denied(&self) -> Commit {
        let shown = self.retract(&names::message_key(self.cause, 0), 0);
        Commit { actions: vec![shown], ..self.asked() }
    }

    /// What is told to who asks too often.
    pub(super) fn limited(&self, pause: Duration) -> Commit {
        let text = format!("That is more than I may answer for now. Please ask again in {} s.", pause.as_secs() + 1);
        Commit { actions: self.say(text).actions, ..self.asked() }
    }

    /// What was asked is remembered, and nothing else; a command to ask again says nothing.
    fn asked(&self) -> Commit {
        if self.inbound.custom_id == control::REGENERATE { Commit::default() } else { self.record() }
    }

    /// The answer to a command, which is not remembered, nor is the command.
    pub(super) fn say(&self, text: String) -> Commit {
        Commit {
            actions: vec![action(&Outbound { action: ActionType::Message, text, ..self.outbound(0) })],
            ..Commit::default()
        }
    }

    /// Everything is forgotten. A preview that was begun goes away.
    pub(super) fn forget(&self) -> Commit {
        let write = HistoryWrite { clear: true, drop_newest: 0, push: Vec::new(), keep: 0, ttl: self.history.ttl };
        Commit { actions: vec![self.retract(&names::message_key(self.cause, 0), 0)], history: Some(write), notes: None }
    }

    /// The answer that was to be replaced is not the last one.
    pub(super) fn cannot_replace(&self) -> Commit {
        Commit { actions: vec![self.retract(&names::message_key(self.cause, 0), 0)], ..Commit::default() }
    }

    /// The message is gone before it was answered, and so is a preview that was begun.
    pub(super) fn deleted(&self) -> Commit {
        let begun = self.inbound.is_addressed.then(|| self.retract(&names::message_key(self.cause, 0), 0));
        Commit { actions: begun.into_iter().collect(), ..Commit::default() }
    }

    /// What was said before is remembered otherwise now, and these answers go away.
    pub(super) fn rewrite(&self, history: &History, answers: &[String]) -> Commit {
        let actions = (0..).zip(answers).map(|(index, answer)| self.retract(answer, index)).collect();
        let write = self.write(history.pack(), 0).map(|write| HistoryWrite { clear: true, ..write });
        Commit { actions, history: write, notes: None }
    }

    fn outbound(&self, index: u32) -> Outbound {
        outbound(self.inbound, names::message_key(self.cause, index), self.trace_id)
    }

    fn retract(&self, target: &str, index: u32) -> Action {
        action(&Outbound { action: ActionType::Delete, target_key: Some(target.to_owned()), ..self.outbound(index) })
    }

    fn said(&self) -> Bytes {
        said(self.inbound, self.message_bytes()).to_bytes()
    }

    pub(super) fn message_bytes(&self) -> usize {
        usize::try_from(self.history.message_bytes.as_u64()).unwrap_or(usize::MAX)
    }

    fn write(&self, push: Vec<Bytes>, dropped: usize) -> Option<HistoryWrite> {
        let drop_newest = u32::try_from(dropped).unwrap_or(u32::MAX);
        let keep = self.history.messages;
        (keep > 0).then_some(HistoryWrite { clear: false, drop_newest, push, keep, ttl: self.history.ttl })
    }
}

/// The message to the user when a turn is given up.
pub(super) fn notice(inbound: &InboundView<'_>) -> Action {
    let key = names::dead_key(inbound.cause());
    action(&Outbound { action: ActionType::Message, text: GIVEN_UP.into(), ..outbound(inbound, key, inbound.trace_id) })
}

fn outbound(inbound: &InboundView<'_>, message_key: String, trace_id: &str) -> Outbound {
    Outbound {
        channel_key: Some(inbound.channel_key.to_owned()),
        channel_id: Some(inbound.channel_id.to_owned()),
        platform: inbound.platform.to_owned(),
        message_key: Some(message_key),
        trace_id: trace_id.to_owned(),
        thread_id: inbound.thread_id.map(str::to_owned),
        reply_to: reply_to(inbound).map(str::to_owned),
        ..Outbound::default()
    }
}

/// Where several people talk, an answer says which message it answers.
pub(super) fn reply_to<'a>(inbound: &InboundView<'a>) -> Option<&'a str> {
    (inbound.kind == Kind::Message && !inbound.is_dm).then_some(inbound.message_id)
}

fn action(outbound: &Outbound) -> Action {
    debug_assert_eq!(outbound.validate(), Ok(()), "a gateway would refuse it");
    Action { platform: outbound.platform.clone(), data: outbound.to_bytes(), trace_id: outbound.trace_id.clone() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use codec::{Inbound, OutboundView};

    use super::*;
    use crate::model::ModelError;

    fn commit(ending: Ending, text: &str, target: Option<&str>) -> Vec<(String, String, String)> {
        let inbound = Inbound {
            channel_key: "webchat:c".into(),
            platform: "webchat".into(),
            channel_id: "c".into(),
            user_id: "u".into(),
            content: "hi".into(),
            message_id: "m".into(),
            timestamp: 1.0,
            event_id: Some("webchat:m".into()),
            ..Inbound::default()
        };
        let bytes = inbound.to_bytes();
        let view = InboundView::decode(&bytes).unwrap();
        let settings =
            service::History { messages: 10, message_bytes: "1 KiB".parse().unwrap(), ttl: Duration::from_secs(9) };
        let commit = Act::new(&view, "webchat:m", "t", &settings).answer(
            Answer { text: text.into(), ending },
            Some("m"),
            target,
            0,
        );
        (commit.actions.iter())
            .map(|action| {
                let view = OutboundView::decode(&action.data).unwrap();
                let what = view.target_key.unwrap_or(view.text);
                (view.action.to_string(), view.message_key.unwrap().to_owned(), what.to_owned())
            })
            .collect()
    }

    fn one(action: &str, key: &str, what: &str) -> Vec<(String, String, String)> {
        vec![(action.into(), key.into(), what.into())]
    }

    #[test]
    fn every_ending_says_something_or_retracts() {
        let (key, cut) = ("webchat:m:0", ModelError::Cut("x".into()));
        assert_eq!(commit(Ending::Whole, "hello", None), one("message", key, "hello"));
        assert_eq!(commit(Ending::Whole, " \n", None), one("message", key, EMPTY));
        assert_eq!(commit(Ending::Stopped, "hel", None), one("message", key, "hel"));
        assert_eq!(commit(Ending::Stopped, "", None), one("delete", key, key));
        assert_eq!(commit(Ending::Forgotten, "hel", None), one("delete", key, key));
        assert_eq!(commit(Ending::TooLong, "hel", None), one("message", key, &format!("hel\n\n*{CUT}*")));
        assert_eq!(commit(Ending::Failed(cut.clone()), "", None), one("message", key, cut.for_user()));
        assert!(commit(Ending::Failed(cut), "hel", None)[0].2.starts_with("hel\n\n*The answer was cut off"));
    }

    #[test]
    fn an_answer_in_place_of_another_retracts_it_first() {
        let actions = commit(Ending::Whole, "better", Some("webchat:before:0"));
        assert_eq!(actions[0], ("delete".into(), "webchat:m:1".into(), "webchat:before:0".into()));
        assert_eq!(actions[1], ("message".into(), "webchat:m:0".into(), "better".into()));
    }
}
