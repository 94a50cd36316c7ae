//! Egress: what an action becomes in Discord's API. Whatever it is, asking again changes nothing more.

use std::time::Duration;

use codec::{ActionType, OutboundView, TypingState};
use reqwest::Method;
use serde_json::Value;

use super::{
    Shared,
    body::{self, first},
    presence::presence,
    rest::{Ask, Failure},
};
use crate::{
    pacing::Rank,
    platform::{Accepted, Part, SendError},
};

pub(super) const CREATE: &str = "POST /channels/messages";
const EDIT: &str = "PATCH /channels/messages";
const DELETE: &str = "DELETE /channels/messages";
const REACT: &str = "PUT /channels/messages/reactions";
const UNREACT: &str = "DELETE /channels/messages/reactions";
const TYPING: &str = "POST /channels/typing";

impl Shared {
    /// Makes a message, or gets the one that an earlier try made.
    pub(super) async fn create(&self, part: &Part<'_, '_>) -> Result<Accepted, SendError> {
        let channel = channel(part.action)?;
        if let Some(accepted) = self.answer_use(part).await? {
            return Ok(accepted);
        }
        let ask = Ask::of_channel(Method::POST, CREATE, channel, "/messages", rank(part)).with(body::create(part));
        accepted(&self.rest.ask(ask.of_part(part)).await?, part)
    }

    /// Gives a message the text of a part.
    pub(super) async fn edit(&self, part: &Part<'_, '_>, id: &str) -> Result<Accepted, SendError> {
        let (channel, id) = (channel(part.action)?, number(id)?);
        if let Some(accepted) = self.edit_use(part, id).await? {
            return Ok(accepted);
        }
        let rank = if is_preview(part) { Rank::Edit } else { Rank::Final };
        let under = format!("/messages/{id}");
        let ask = Ask::of_channel(Method::PATCH, EDIT, channel, &under, rank).with(body::edit(part));
        let changed = self.rest.ask(ask.of_part(part)).await;
        if let Some(cadence) = self.rest.cadence(EDIT, channel) {
            self.cadence.set(cadence);
        }
        accepted(&changed?, part)
    }

    /// Takes a message of the bot's away.
    pub(super) async fn delete(&self, action: &OutboundView<'_>, id: &str) -> Result<(), SendError> {
        let (channel, id) = (channel(action)?, number(id)?);
        if self.delete_use(action, id).await? {
            return Ok(());
        }
        let ask = Ask::of_channel(Method::DELETE, DELETE, channel, &format!("/messages/{id}"), Rank::Call);
        Ok(unless_gone(self.rest.ask(ask).await)?)
    }

    /// Carries out what makes no new message.
    pub(super) async fn act(&self, action: &OutboundView<'_>) -> Result<(), SendError> {
        match action.action {
            ActionType::Edit => Err(SendError::Gone("nothing is known of what it is about".into())),
            ActionType::Delete => self.delete(action, target(action)?).await,
            ActionType::Reaction => {
                let (channel, emoji) = (channel(action)?, escaped(action.emoji));
                let under = format!("/messages/{}/reactions/{emoji}/@me", target(action)?);
                let (method, route) = if action.removed { (Method::DELETE, UNREACT) } else { (Method::PUT, REACT) };
                Ok(unless_gone(self.rest.ask(Ask::of_channel(method, route, channel, &under, Rank::Call)).await)?)
            }
            ActionType::Typing if action.state == Some(TypingState::Stop) => Ok(()),
            // "Thinking" says so already, also where the bot may not look.
            ActionType::Typing if self.is_thinking(action).await? => Ok(()),
            ActionType::Typing => {
                let asked =
                    self.rest.ask(Ask::of_channel(Method::POST, TYPING, channel(action)?, "/typing", Rank::Typing));
                match asked.await {
                    // It is shown for ten seconds; a late one would be a lie.
                    Err(Failure::NoPlace(_) | Failure::Limited(_) | Failure::Unknown(_) | Failure::Away(_)) | Ok(_) => {
                        Ok(())
                    }
                    Err(failure) => Err(failure.into()),
                }
            }
            ActionType::Presence => {
                self.show(presence(action.status, action.text)).await;
                Ok(())
            }
            other => Err(SendError::Unsupported(format!("discord has no `{other}`"))),
        }
    }
}

/// How a message that the API shows answers a part; its text as it was sent, where that is what it shows.
pub(super) fn accepted(message: &Value, part: &Part<'_, '_>) -> Result<Accepted, SendError> {
    let id = super::event::id(&message["id"]).map(|id| id.to_string());
    let id = id.ok_or_else(|| SendError::Unknown("the answer has no message".into()))?;
    let shown = message["content"].as_str().unwrap_or_default();
    // Discord takes away white space around a text.
    let is_same = shown.trim() == body::content(part).trim();
    let text = Some(if is_same { part.text.as_ref() } else { shown }.to_owned());
    let lacks_file = part.file.is_some() && super::event::list(&message["attachments"]).is_empty();
    Ok(Accepted { id, text, lacks_file })
}

pub(super) fn is_preview(part: &Part<'_, '_>) -> bool {
    part.key.ends_with(".preview")
}

/// How urgent it is that a part is made.
pub(super) fn rank(part: &Part<'_, '_>) -> Rank {
    match &part.file {
        Some(_) => Rank::File,
        None if is_preview(part) || !part.is_last => Rank::Part,
        None => Rank::Final,
    }
}

pub(super) fn unless_gone(asked: Result<Value, Failure>) -> Result<(), Failure> {
    match asked {
        Err(failure) if !failure.is_gone() => Err(failure),
        _ => Ok(()),
    }
}

/// Where an action goes: a thread is a channel here.
pub(super) fn channel<'a>(action: &OutboundView<'a>) -> Result<&'a str, SendError> {
    number(action.thread_id.or(action.channel_id).unwrap_or_default())
}

fn target<'a>(action: &OutboundView<'a>) -> Result<&'a str, SendError> {
    action.target.map_or_else(|| Err(SendError::Gone("nothing is known of what it is about".into())), number)
}

/// An id that can stand in a path.
fn number(id: &str) -> Result<&str, SendError> {
    let is_number = !id.is_empty() && id.len() <= 20 && id.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(id) } else { Err(SendError::Unsupported(format!("`{}` is no id of Discord's", first(id, 64)))) }
}

/// As one part of a path.
fn escaped(text: &str) -> String {
    let mut path = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => path.push(char::from(byte)),
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

/// The cadence of previews that was learnt last.
#[derive(Debug)]
pub(super) struct Cadence(std::sync::atomic::AtomicU64);

/// What five requests in 5 s leave when one is kept for others: before anything is known.
const CADENCE: Duration = Duration::from_millis(1250);

impl Default for Cadence {
    fn default() -> Self {
        let cadence = Self(0.into());
        cadence.set(CADENCE);
        cadence
    }
}

impl Cadence {
    fn set(&self, cadence: Duration) {
        self.0.store(cadence.as_millis() as u64, std::sync::atomic::Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Duration {
        Duration::from_millis(self.0.load(std::sync::atomic::Ordering::Relaxed)).max(Duration::from_millis(250))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_in_a_path_is_digits() {
        assert_eq!(number("1482309033636531201").unwrap(), "1482309033636531201");
        for bad in ["", "../1", "1/2", "1?x", "@me", "123456789012345678901", "１"] {
            assert!(matches!(number(bad), Err(SendError::Unsupported(_))), "{bad}");
        }
        assert_eq!(escaped("👍"), "%F0%9F%91%8D");
        assert_eq!(escaped("crab:40"), "crab%3A40");
        assert_eq!(escaped("../x"), "%2E%2E%2Fx");
    }

    #[test]
    fn what_completes_an_action_is_the_most_urgent() {
        let action = OutboundView { message_key: Some("k"), ..OutboundView::default() };
        let last = Part::of_text("k.1".into(), "b".into(), &action);
        assert_eq!(rank(&last), Rank::Final);
        assert_eq!(rank(&Part { is_last: false, ..last }), Rank::Part);
        assert_eq!(rank(&Part::of_text(codec::names::preview_key("k"), "a".into(), &action)), Rank::Part);
        assert!(Rank::Final < Rank::Part);
    }

    #[test]
    fn white_space_around_a_text_is_no_other_text() {
        let action = OutboundView::default();
        let part = Part::of_text("k.0".into(), "a\n".into(), &action);
        let text = |content: &str| {
            accepted(&json!({ "id": "9", "content": content }), &part).ok().and_then(|accepted| accepted.text)
        };
        assert_eq!(text("a").as_deref(), Some("a\n"));
        assert_eq!(text("b").as_deref(), Some("b"));
        assert!(matches!(accepted(&json!({ "content": "a" }), &part), Err(SendError::Unknown(_))));
    }
}
