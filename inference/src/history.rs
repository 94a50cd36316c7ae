//! What is remembered of a conversation, as it lies in Redis and as a model is told of it.

use bytes::Bytes;
use codec::{HistoryMessage, HistoryMessageView, Role};

use crate::model::{self, ChatMessage};

/// A lane's history, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    messages: Vec<HistoryMessage>,
}

impl History {
    /// Reads what was kept. A record that cannot be read is left out and counted: a conversation goes on without it.
    pub(crate) fn unpack(records: &[Bytes]) -> Self {
        let mut messages = Vec::with_capacity(records.len());
        for record in records {
            match HistoryMessageView::decode(record) {
                Ok(message) => messages.push(message.into_owned()),
                Err(error) => {
                    tracing::warn!(%error, "a message of a history cannot be read");
                    metrics::counter!("stargazer_history_unreadable_total").increment(1);
                }
            }
        }
        Self { messages }
    }

    /// How many of the newest messages are the last answer: what an answer in its place drops. None when `target` is not
    /// the key of the last answer and something was answered.
    pub(crate) fn answer_to_replace(&self, target: &str) -> Option<usize> {
        let answers = self.messages.iter().rev().take_while(|message| message.role == Role::Assistant).count();
        let last = self.messages.last()?;
        let is_last = answers == 0 || last.message_key.as_deref() == Some(target);
        is_last.then_some(answers)
    }

    /// Without its newest messages.
    pub(crate) fn without_newest(mut self, count: usize) -> Self {
        self.messages.truncate(self.messages.len().saturating_sub(count));
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// As a model is told of it. In a room, what people say carries their names.
    pub(crate) fn into_chat(self, is_room: bool) -> impl Iterator<Item = ChatMessage> {
        self.messages.into_iter().map(move |message| {
            let role = match message.role {
                Role::User => model::Role::User,
                Role::Assistant => model::Role::Assistant,
                Role::System => model::Role::System,
            };
            let content = match &message.name {
                Some(name) if is_room && message.role == Role::User => format!("{name}: {}", message.text),
                _ => message.text,
            };
            ChatMessage { role, content }
        })
    }
}

/// Text cut to at most `bytes`, between characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(role: Role, text: &str, key: Option<&str>) -> Bytes {
        let key = key.map(str::to_owned);
        HistoryMessage {
            role,
            ts: 1.0,
            text: text.into(),
            name: Some("Ada".into()),
            message_key: key,
            ..HistoryMessage::default()
        }
        .to_bytes()
    }

    #[test]
    fn what_was_packed_is_told() {
        let records = [
            message(Role::User, "hi", None),
            Bytes::from_static(b"\xc1"),
            message(Role::Assistant, "hello", Some("c:0")),
        ];
        let told: Vec<_> = History::unpack(&records).into_chat(true).map(|message| message.content).collect();
        assert_eq!(told, ["Ada: hi", "hello"]);
    }

    #[test]
    fn only_the_last_answer_can_be_replaced() {
        let question = message(Role::User, "hi", None);
        let answered = [question.clone(), message(Role::Assistant, "hello", Some("c:0"))];
        assert_eq!(History::unpack(&answered).answer_to_replace("c:0"), Some(1));
        assert_eq!(History::unpack(&answered).answer_to_replace("b:0"), None);
        assert_eq!(History::unpack(&[question]).answer_to_replace("failed:0"), Some(0));
        assert_eq!(History::default().answer_to_replace("c:0"), None);
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(cut("aäb", 2), "a");
        assert_eq!(cut("aäb", 3), "aä");
        assert_eq!(cut("a", 9), "a");
    }
}
