//! What a conversation has to look like in the end, whatever happened while it was held.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use serde_json::Value;

use super::model;

/// What a visitor said and had confirmed, in the order in which it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) id: String,
    pub(crate) text: String,
}

/// All that is known of one chat when everything has come to rest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conversation {
    pub(crate) chat: String,
    pub(crate) said: Vec<Said>,
    /// What the visitor was shown while it happened, by number.
    pub(crate) live: BTreeMap<u64, Value>,
    /// The log as a new tab is shown it, and before that what it does not keep any more.
    pub(crate) log: Vec<Value>,
    /// What went wrong between visitor and gateway.
    pub(crate) broken: Vec<String>,
}

impl Conversation {
    /// Takes the log as it is kept. What is older was seen while it was there.
    pub(crate) fn complete(&mut self, kept: Vec<Value>, may_forget: bool) {
        let first = kept.first().and_then(|entry| entry["n"].as_u64()).unwrap_or(1);
        let older = self.live.range(..first).map(|(_, entry)| entry);
        // What Redis forgot and took again has another number since.
        let older = older.filter(|entry| !(may_forget && kept.iter().any(|one| name(one) == name(entry))));
        self.log = older.cloned().collect::<Vec<_>>().into_iter().chain(kept).collect();
    }
}

/// What an entry is known by, under whatever number.
fn name(entry: &Value) -> (&Value, &Value, &Value) {
    (&entry["kind"], &entry["id"], &entry["key"])
}

/// What was found, over any number of conversations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) sent: usize,
    pub(crate) answered: usize,
    /// Said and not shown, or not answered, or given up.
    pub(crate) lost: usize,
    /// Shown more than once, question or answer.
    pub(crate) doubled: usize,
    pub(crate) reordered: usize,
    /// Nothing of this conversation, or another text than was said.
    pub(crate) wrong: usize,
    /// Confirmed, and not known any more to a Redis that may forget.
    pub(crate) forgotten: usize,
    pub(crate) details: Vec<String>,
}

impl Verdict {
    pub(crate) fn is_flawless(&self) -> bool {
        self.lost + self.doubled + self.reordered + self.wrong == 0
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.answered += other.answered;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        self.wrong += other.wrong;
        self.forgotten += other.forgotten;
        self.details.extend(other.details);
    }
}

/// Compares what is shown with what was said. A Redis that may forget may do so with whole questions: they, and what they
/// were answered, count as forgotten where they are gone; what is there still has to be once, in order and right.
pub(crate) fn judge(conversation: &Conversation, may_forget: bool) -> Verdict {
    let mut judge = Judge { conversation, may_forget, verdict: Verdict::default() };
    judge.numbers();
    judge.questions();
    judge.answers();
    for broken in &conversation.broken {
        judge.verdict.wrong += 1;
        judge.verdict.details.push(broken.clone());
    }
    judge.verdict
}

struct Judge<'a> {
    conversation: &'a Conversation,
    may_forget: bool,
    verdict: Verdict,
}

fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry[field].as_str().unwrap_or_default()
}

impl Judge<'_> {
    fn tell(&mut self, what: impl fmt::Display) {
        self.verdict.details.push(format!("{}: {what}", self.conversation.chat));
    }

    /// Numbers have no gaps, and what was shown under one stays what it is.
    fn numbers(&mut self) {
        for (index, entry) in self.conversation.log.iter().enumerate() {
            if entry["n"] != index + 1 || text(entry, "chat") != self.conversation.chat {
                self.verdict.wrong += 1;
                self.tell(format_args!("is not entry {} of this chat: {entry}", index + 1));
            }
        }
        if !self.may_forget {
            for (number, shown) in &self.conversation.live {
                if self.conversation.log.get(*number as usize - 1) != Some(shown) {
                    self.verdict.wrong += 1;
                    self.tell(format_args!("was shown, and is not in the log: {shown}"));
                }
            }
        }
    }

    fn questions(&mut self) {
        let mut times: HashMap<&str, usize> = HashMap::new();
        let mut order = Vec::new();
        for entry in self.conversation.log.iter().filter(|entry| entry["kind"] == "user") {
            let Some(index) = self.index_of(text(entry, "id")) else {
                self.verdict.wrong += 1;
                self.tell(format_args!("nobody said this: {entry}"));
                continue;
            };
            *times.entry(text(entry, "id")).or_default() += 1;
            order.push(index);
            if text(entry, "text") != self.conversation.said[index].text {
                self.verdict.wrong += 1;
                self.tell(format_args!("was said in other words: {entry}"));
            }
        }
        self.order("question", &order);
        for said in &self.conversation.said {
            self.verdict.sent += 1;
            match times.get(said.id.as_str()).copied().unwrap_or(0) {
                0 if self.may_forget => self.verdict.forgotten += 1,
                0 => {
                    self.verdict.lost += 1;
                    self.tell(format_args!("was said and is not shown: {said:?}"));
                }
                1 => {}
                times => {
                    self.verdict.doubled += 1;
                    self.tell(format_args!("is shown {times} times: {said:?}"));
                }
            }
        }
    }

    fn answers(&mut self) {
        let (mut times, mut order) = (HashMap::<usize, usize>::new(), Vec::new());
        let mut asked = vec![false; self.conversation.said.len()];
        for entry in &self.conversation.log {
            let key = text(entry, "key");
            match text(entry, "kind") {
                "user" => {
                    if let Some(index) = self.index_of(text(entry, "id")) {
                        asked[index] = true;
                    }
                }
                "message" => {
                    let parts: Vec<&str> = key.split(':').collect();
                    let found = match parts[..] {
                        ["webchat", chat, id, "0"] if chat == self.conversation.chat => self.index_of(id),
                        _ => None,
                    };
                    let Some(index) = found else {
                        // Given up, or of another conversation.
                        self.verdict.wrong += 1;
                        self.tell(format_args!("answers nothing that was said: {entry}"));
                        continue;
                    };
                    *times.entry(index).or_default() += 1;
                    order.push(index);
                    if text(entry, "text") != model::answer_to(&self.conversation.said[index].text) {
                        self.verdict.wrong += 1;
                        self.tell(format_args!("is not what the model said: {entry}"));
                    }
                    // Its question may be one of those that were forgotten.
                    if !asked[index] && !self.may_forget {
                        self.verdict.reordered += 1;
                        self.tell(format_args!("stands before its question: {entry}"));
                    }
                }
                _ => {
                    self.verdict.wrong += 1;
                    self.tell(format_args!("has no place in this chat: {entry}"));
                }
            }
        }
        self.order("answer", &order);
        for (index, said) in self.conversation.said.iter().enumerate() {
            match times.get(&index).copied().unwrap_or(0) {
                0 if asked[index] => {
                    self.verdict.lost += 1;
                    self.tell(format_args!("was never answered: {said:?}"));
                }
                0 => {}
                1 => self.verdict.answered += 1,
                times => {
                    self.verdict.doubled += 1;
                    self.tell(format_args!("was answered {times} times: {said:?}"));
                }
            }
        }
    }

    /// Each has to come after those that were said before it; a second one of the same is doubled, not out of order.
    fn order(&mut self, what: &str, order: &[usize]) {
        for pair in order.windows(2).filter(|pair| pair[1] < pair[0]) {
            self.verdict.reordered += 1;
            self.tell(format_args!("{what} {} comes after {}", pair[1], pair[0]));
        }
    }

    fn index_of(&self, id: &str) -> Option<usize> {
        self.conversation.said.iter().position(|said| said.id == id)
    }
}
