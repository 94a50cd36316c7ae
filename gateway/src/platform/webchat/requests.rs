//! What a visitor may ask for. Each may be asked again with the same id and is then done no second time.

use std::{sync::Arc, time::Duration};

use bus::{Error, unix_ms};
use bytes::Bytes;
use codec::{Attachment, Inbound, Kind, MediaRecordView, control, event_id, limits};
use tokio::time::timeout;

use super::{
    Shared,
    chats::{Chat, title_of},
    files::{ChatFile, FILES_MAX},
    frames::{Entry, EntryBody, Sending},
    running::{LOOK_BACK, is_answering},
};
use crate::{ingress::Refused, media::file_name};

/// How long a visitor waits for what was accepted to be in its stream.
const APPENDED_WITHIN: Duration = Duration::from_secs(5);
/// Entries of a log that are read at once.
const PAGE: usize = 100;
/// Longest title of a chat.
const TITLE_MAX: usize = 120;

/// A request that was done.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// The number of its entry.
    pub(super) number: Option<u64>,
    /// The chat that it made.
    pub(super) chat: Option<String>,
}

/// A request that was not done: a code of the protocol and a sentence for people.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn busy() -> Self {
        Self::new("busy", "Too many messages are waiting.")
    }

    fn unavailable() -> Self {
        Self::new("unavailable", "Messages can't be taken right now.")
    }

    fn not_found() -> Self {
        Self::new("not_found", "There is no such chat.")
    }

    pub(super) fn no_message() -> Self {
        Self::new("not_found", "There is no such message.")
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Full { .. } => Self::busy(),
            error => {
                tracing::warn!(%error, "a visitor's request was not done");
                Self::unavailable()
            }
        }
    }
}

impl From<codec::Error> for Refusal {
    fn from(error: codec::Error) -> Self {
        Self::new("malformed", error.to_string())
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Invalid(error) => error.into(),
            Refused::BufferFull | Refused::StreamFull { .. } => Self::busy(),
            Refused::Stopping => Self::unavailable(),
        }
    }
}

pub(super) type Answer = Result<Done, Refusal>;

impl Shared {
    pub(super) async fn say(&self, visitor: &Arc<str>, said: Sending) -> Answer {
        let Sending { id, chat, text, files } = &said;
        self.check_length(text)?;
        if files.is_empty() {
            check_words(text)?;
        }
        let known = self.owned(visitor, chat).await?;
        let mut inbound = self.inbound(visitor, id, chat, Kind::Message);
        text.clone_into(&mut inbound.content);
        if !files.is_empty()
            && let Some(done) = self.done_before(chat, id).await?
        {
            return Ok(done);
        }
        let (files, attachments) = self.attachments(chat, files).await?;
        inbound.attachments = attachments;
        let cause = self.cause(chat, id);
        let body = EntryBody::User { id: id.clone(), cause, text: text.clone(), files };
        let number = self.enqueue(chat, id, body, inbound).await?;
        let words = if text.trim().is_empty() { said.files.first().map_or("", |file| &file.name) } else { text };
        let title = if known.title.is_empty() { title_of(words).to_string() } else { known.title };
        // The message is safe; a list that is a moment out of date is mended by the next one.
        if let Err(error) = self.chats.write(visitor, &Chat { id: chat.clone(), title, updated: unix_ms() }).await {
            tracing::warn!(%error, "the list of chats was not updated");
        }
        Ok(Done { number: Some(number), chat: None })
    }

    pub(super) async fn stop(&self, visitor: &Arc<str>, id: &str, chat: &str) -> Answer {
        self.owned(visitor, chat).await?;
        if !is_answering(&self.log.newest(&self.log_key(chat), LOOK_BACK).await?) {
            return Err(Refusal::new("nothing_running", "Nothing is being written."));
        }
        let inbound = self.interaction(visitor, id, chat, control::STOP);
        let number = self.enqueue(chat, id, EntryBody::Stop { id: id.to_owned() }, inbound).await?;
        Ok(Done { number: Some(number), chat: None })
    }

    pub(super) async fn regenerate(&self, visitor: &Arc<str>, id: &str, chat: &str, target: &str) -> Answer {
        self.owned(visitor, chat).await?;
        let mut inbound = self.interaction(visitor, id, chat, control::REGENERATE);
        inbound.values = vec![target.to_owned()];
        let body = EntryBody::Regenerate { id: id.to_owned(), cause: self.cause(chat, id), target: target.to_owned() };
        let number = self.enqueue(chat, id, body, inbound).await?;
        Ok(Done { number: Some(number), chat: None })
    }

    pub(super) fn check_text(&self, text: &str) -> Result<(), Refusal> {
        self.check_length(text)?;
        check_words(text)
    }

    fn check_length(&self, text: &str) -> Result<(), Refusal> {
        let max = self.settings.text_max;
        if text.len() as u64 <= max.as_u64() {
            return Ok(());
        }
        Err(Refusal::new("too_long", format!("A message may have {max} at most.")))
    }

    /// Files that were uploaded to this chat, as the log and the worker get them. Of what the page says of them only the names
    /// are believed.
    pub(super) async fn attachments(
        &self,
        chat: &str,
        files: &[ChatFile],
    ) -> Result<(Vec<ChatFile>, Vec<Attachment>), Refusal> {
        if files.len() > FILES_MAX {
            return Err(Refusal::new("too_long", format!("A message may have {FILES_MAX} files at most.")));
        }
        let (mut known, mut attachments) = (Vec::with_capacity(files.len()), Vec::with_capacity(files.len()));
        for file in files {
            if *file_name(&file.name) != *file.name || file.name.len() > limits::NAME_BYTES {
                return Err(Refusal::new("malformed", "That is no name of a file."));
            }
            if let Some(same) = known.iter().position(|known: &ChatFile| known.id == file.id) {
                // The same bytes again are not read again.
                known.push(ChatFile { name: file.name.clone(), ..known[same].clone() });
                let again: Attachment = attachments.get(same).cloned().unwrap_or_default();
                attachments.push(Attachment { filename: file.name.clone(), ..again });
                continue;
            }
            let record = self.files.get(&self.lane(chat), &file.id).await?;
            let view = record.as_ref().and_then(|record| MediaRecordView::decode(record).ok());
            let Some(view) = view else {
                let message = format!("{} is not here, or not any more. Please add it again.", file.name);
                return Err(Refusal::new("no_file", message));
            };
            let is_small = view.data.len() <= limits::INLINE_BYTES;
            known.push(ChatFile { mimetype: view.mimetype.to_owned(), size: view.size, ..file.clone() });
            attachments.push(Attachment {
                filename: file.name.clone(),
                mimetype: view.mimetype.to_owned(),
                size: view.size,
                sha256: Some(file.id.clone()),
                data: is_small.then(|| Bytes::copy_from_slice(view.data)),
                media_key: (!is_small).then(|| self.files.key(&self.lane(chat), &file.id).to_string()),
                ..Attachment::default()
            });
        }
        Ok((known, attachments))
    }

    pub(super) async fn new_chat(&self, visitor: &Arc<str>, id: &str) -> Answer {
        let chat = self.ids.chat(visitor, id);
        if self.chats.add(visitor, &chat).await?.is_err() {
            let message =
                format!("You have {} chats, as many as there may be. Delete one first.", self.settings.chats_max);
            return Err(Refusal::new("too_many_chats", message));
        }
        Ok(Done { number: None, chat: Some(chat) })
    }

    pub(super) async fn rename(&self, visitor: &Arc<str>, chat: &str, title: &str) -> Answer {
        let title = title.trim();
        if title.is_empty() {
            return Err(Refusal::new("blank", "A chat needs a name."));
        }
        if title.len() > TITLE_MAX {
            return Err(Refusal::new("too_long", format!("A name may have {TITLE_MAX} bytes at most.")));
        }
        let known = self.owned(visitor, chat).await?;
        self.chats.write(visitor, &Chat { title: title.to_owned(), ..known }).await?;
        Ok(Done::default())
    }

    /// Lets the worker forget the conversation first: should anything after it fail, the chat is still there to be deleted.
    pub(super) async fn delete(&self, visitor: &Arc<str>, id: &str, chat: &str) -> Answer {
        if self.chats.get(visitor, chat).await?.is_none() {
            return Ok(Done::default());
        }
        let receipt = self.ingress.accept(self.interaction(visitor, id, chat, control::FORGET))?;
        if !matches!(timeout(APPENDED_WITHIN, receipt.appended()).await, Ok(true)) {
            // It stays with the ingress; asked again, the copy does nothing.
            return Err(Refusal::unavailable());
        }
        self.remove_files(chat).await?;
        self.log.remove(&self.log_key(chat)).await?;
        self.chats.remove(visitor, chat).await?;
        Ok(Done::default())
    }

    /// What a request was answered that was done before, whatever has become since of what it is about.
    pub(super) async fn done_before(&self, chat: &str, id: &str) -> Result<Option<Done>, Refusal> {
        let found = self.log.find(&self.log_key(chat), id).await?;
        Ok(found.map(|entry| Done { number: Some(entry.number), chat: None }))
    }

    /// Before the log, which says which there are.
    async fn remove_files(&self, chat: &str) -> Result<(), Refusal> {
        let (key, mut after) = (self.log_key(chat), 0);
        loop {
            // In pages, since leases are renewed on the same connection.
            let entries = self.log.read(&key, after, PAGE).await?;
            let Some(last) = entries.last() else { return Ok(()) };
            after = last.number;
            let bodies = entries.iter().filter_map(|entry| serde_json::from_slice::<Entry>(&entry.data).ok());
            let ids = bodies.flat_map(|entry| match entry.body {
                EntryBody::User { files, .. } => files,
                EntryBody::Message { file, .. } => file.into_iter().collect(),
                _ => Vec::new(),
            });
            self.files.remove(&self.lane(chat), ids.map(|file| file.id)).await?;
        }
    }

    pub(super) async fn owned(&self, visitor: &str, chat: &str) -> Result<Chat, Refusal> {
        self.chats.get(visitor, chat).await?.ok_or_else(Refusal::not_found)
    }

    /// What everybody sees and what the worker gets, in one step: both or neither, once.
    pub(super) async fn enqueue(
        &self,
        chat: &str,
        id: &str,
        body: EntryBody,
        inbound: Inbound,
    ) -> Result<u64, Refusal> {
        let queue = self.ingress.entry(inbound)?;
        let entry = Entry { ts: unix_ms(), body }.to_json();
        // The id of a request and the key of an action never meet: a key has a colon.
        let appended = self.log.append(&self.log_key(chat), id, entry.as_bytes(), Some(&queue)).await?;
        tracing::debug!(trace_id = %queue.trace_id, chat, number = appended.number, is_new = appended.is_new, "request taken");
        Ok(appended.number)
    }

    /// The identity of a request. Its id is the client's own choice, so it counts within its chat only, and for every kind
    /// of request alike.
    fn cause(&self, chat: &str, id: &str) -> String {
        event_id::message(self.name.as_str(), &message_id(chat, id))
    }

    pub(super) fn interaction(&self, visitor: &str, id: &str, chat: &str, custom_id: &str) -> Inbound {
        Inbound { custom_id: custom_id.to_owned(), ..self.inbound(visitor, id, chat, Kind::Interaction) }
    }

    pub(super) fn inbound(&self, visitor: &str, id: &str, chat: &str, kind: Kind) -> Inbound {
        Inbound {
            channel_key: self.lane(chat),
            kind,
            platform: self.name.to_string(),
            channel_id: chat.to_owned(),
            user_id: visitor.to_owned(),
            username: "visitor".into(),
            message_id: message_id(chat, id),
            timestamp: unix_ms() as f64 / 1000.0,
            is_dm: true,
            is_addressed: true,
            event_id: Some(self.cause(chat, id)),
            ..Inbound::default()
        }
    }
}

fn check_words(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() { Err(Refusal::new("blank", "There is nothing to send.")) } else { Ok(()) }
}

/// The platform's id of what was said with this request. A request's id counts within its chat only.
pub(super) fn message_id(chat: &str, id: &str) -> String {
    format!("{chat}:{id}")
}
