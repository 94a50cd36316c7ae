//! What is remembered of a conversation, as it lies in Redis and as a model is told of it.

mod record;
mod transcript;

use bytes::Bytes;
use codec::{HistoryMessage, HistoryMessageView, InboundView, Role};

use crate::{model::ChatMessage, prompt::Person};
pub(crate) use record::{answered, author, said};
pub(crate) use transcript::{time, told};

/// A lane's history, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// As it is kept. What a later version wrote stays as it is.
    record: Bytes,
    /// None where it cannot be read.
    message: Option<HistoryMessage>,
}

impl Entry {
    fn rewrite(&mut self, message: HistoryMessage) {
        self.record = message.to_bytes();
        self.message = Some(message);
    }
}

impl History {
    /// Reads what was kept. A record that cannot be read is counted: a conversation goes on without it.
    pub(crate) fn unpack(records: &[Bytes]) -> Self {
        let read = |record: &Bytes| match HistoryMessageView::decode(record) {
            Ok(message) => Some(message.into_owned()),
            Err(error) => {
                tracing::warn!(%error, "a message of a history cannot be read");
                metrics::counter!("stargazer_history_unreadable_total").increment(1);
                None
            }
        };
        let entry = |record: &Bytes| Entry { record: record.clone(), message: read(record) };
        Self { entries: records.iter().map(entry).collect() }
    }

    /// As records, oldest first.
    pub(crate) fn pack(&self) -> Vec<Bytes> {
        self.entries.iter().map(|entry| entry.record.clone()).collect()
    }

    fn messages(&self) -> impl DoubleEndedIterator<Item = &HistoryMessage> {
        self.entries.iter().filter_map(|entry| entry.message.as_ref())
    }

    /// Gives what somebody said another text, and other files. False where it is not remembered, or says so already, or a later
    /// edit was here before.
    pub(crate) fn edit(&mut self, edit: &InboundView<'_>, bytes_max: usize) -> bool {
        let Some((entry, mut message)) = self.said(edit.message_id) else { return false };
        let (text, attachments) = (cut(edit.content, bytes_max), record::attachments(edit));
        let is_older = message.edited.is_some_and(|edited| edit.timestamp < edited);
        if is_older || (message.text == text && message.attachments == attachments) {
            return false;
        }
        text.clone_into(&mut message.text);
        (message.attachments, message.edited) = (attachments, Some(edit.timestamp));
        entry.rewrite(message);
        true
    }

    /// Forgets what somebody said; that there was something stays. False where it is not remembered.
    pub(crate) fn delete(&mut self, message_id: &str, at: f64) -> bool {
        let Some((entry, mut message)) = self.said(message_id) else { return false };
        message.text.clear();
        message.attachments.clear();
        message.deleted = Some(at);
        entry.rewrite(message);
        true
    }

    /// Forgets the answers to a message, and gives their keys.
    pub(crate) fn retract(&mut self, message_id: &str) -> Vec<String> {
        let mut keys = Vec::new();
        self.entries.retain(|entry| match &entry.message {
            Some(message) if message.role == Role::Assistant && message.reply_to.as_deref() == Some(message_id) => {
                keys.extend(message.message_key.clone());
                false
            }
            _ => true,
        });
        keys
    }

    /// Forgets what somebody has said. False where nothing is remembered of them.
    pub(crate) fn forget(&mut self, user_id: &str) -> bool {
        let before = self.entries.len();
        let is_theirs = |message: &HistoryMessage| message.user_id.as_deref() == Some(user_id);
        self.entries.retain(|entry| !entry.message.as_ref().is_some_and(is_theirs));
        self.entries.len() < before
    }

    /// What somebody said and did not delete.
    fn said(&mut self, message_id: &str) -> Option<(&mut Entry, HistoryMessage)> {
        let is_it =
            |message: &&HistoryMessage| message.role == Role::User && message.message_id.as_deref() == Some(message_id);
        let mut entries = self.entries.iter_mut().rev();
        let (entry, message) = entries.find_map(|entry| {
            let message = entry.message.as_ref().filter(is_it)?.clone();
            Some((entry, message))
        })?;
        message.deleted.is_none().then_some((entry, message))
    }

    /// The last thing that somebody said: its id.
    pub(crate) fn last_said(&self) -> Option<&str> {
        self.messages().rev().find(|message| message.role == Role::User)?.message_id.as_deref()
    }

    /// Who has said something, the latest first: this one, and before it those of the history.
    pub(crate) fn people<'a>(&'a self, inbound: &'a InboundView<'_>, most: usize) -> Vec<Person<'a>> {
        let mut people = vec![Person { name: author(inbound), id: inbound.user_id }];
        for message in self.messages().rev() {
            let (Some(name), Some(id)) = (&message.name, &message.user_id) else { continue };
            if people.len() < most && people.iter().all(|known| known.id != id) {
                people.push(Person { name, id });
            }
        }
        people
    }

    /// How many of the newest messages are the last answer: what an answer in its place drops. None when `target` is not
    /// the key of the last answer and something was answered.
    pub(crate) fn answer_to_replace(&self, target: &str) -> Option<usize> {
        let is_answer = |entry: &&Entry| entry.message.as_ref().is_some_and(|message| message.role == Role::Assistant);
        let answers = self.entries.iter().rev().take_while(is_answer).count();
        let last = self.messages().next_back()?;
        let is_last = answers == 0 || last.message_key.as_deref() == Some(target);
        is_last.then_some(answers)
    }

    /// Without its newest messages.
    pub(crate) fn without_newest(mut self, count: usize) -> Self {
        self.entries.truncate(self.entries.len().saturating_sub(count));
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// As a model is told of it.
    pub(crate) fn told(&self, is_room: bool) -> impl Iterator<Item = ChatMessage> {
        self.messages().map(move |message| told(message, is_room))
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
        let told: Vec<_> = History::unpack(&records).told(false).map(|message| message.content).collect();
        assert_eq!(told, ["hi", "hello"]);
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
    fn what_was_said_is_changed_and_forgotten_by_its_id() {
        let said = |id: &str, text: &str| {
            let id = Some(id.to_owned());
            HistoryMessage { ts: 1.0, text: text.into(), message_id: id, ..HistoryMessage::default() }.to_bytes()
        };
        let answer = HistoryMessage {
            reply_to: Some("1".into()),
            ..HistoryMessageView::decode(&message(Role::Assistant, "noted", Some("c:0"))).unwrap().into_owned()
        };
        let unreadable = Bytes::from_static(b"\xc1");
        let records = [said("1", "my password is x"), answer.to_bytes(), said("2", "frnace"), unreadable];
        let mut history = History::unpack(&records);
        let edit = |id: &str, text: &str| {
            codec::Inbound { message_id: id.into(), content: text.into(), timestamp: 9.0, ..codec::Inbound::example() }
                .to_bytes()
        };
        let change = |history: &mut History, id: &str, text: &str| {
            history.edit(&InboundView::decode(&edit(id, text)).unwrap(), 100)
        };
        assert!(change(&mut history, "2", "germany") && !change(&mut history, "3", "spain"));
        assert!(!change(&mut history, "2", "germany"), "it says so already");
        assert!(history.delete("1", 9.0) && !history.delete("1", 9.5) && !history.delete("c:0", 9.0));
        assert!(!change(&mut history, "1", "back"), "what is deleted stays so");
        let told = |history: &History| history.told(false).map(|message| message.content).collect::<Vec<_>>();
        let older = codec::Inbound { message_id: "2".into(), timestamp: 8.0, ..codec::Inbound::example() }.to_bytes();
        assert!(!history.edit(&InboundView::decode(&older).unwrap(), 100), "one that comes late");
        let again = History::unpack(&history.pack());
        assert_eq!(history.pack()[3], records[3], "what cannot be read stays");
        assert_eq!(told(&again)[..2], ["[deleted at 1970-01-01T00:00:09Z]", "noted"]);
        assert!(told(&again)[2].starts_with("germany"));
        assert_eq!(history.retract("1"), ["c:0"]);
        assert_eq!((history.retract("1").len(), told(&history).len()), (0, 2));
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(cut("aäb", 2), "a");
        assert_eq!(cut("aäb", 3), "aä");
        assert_eq!(cut("a", 9), "a");
    }
}
