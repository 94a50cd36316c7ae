//! The frames of the protocol.

use codec::ButtonView;
use serde::{Deserialize, Serialize};

use super::{chats::Chat, files::ChatFile};

/// From a browser. Unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "t", rename_all = "lowercase")]
pub(super) enum ClientFrame {
    Open { chat: String, after: u64 },
    Close { chat: String },
    Send(Sending),
    Stop { id: String, chat: String },
    Regenerate { id: String, chat: String, target: String },
    Edit { id: String, chat: String, target: String, text: String },
    Retract { id: String, chat: String, target: String },
    React(Reacting),
    Press { id: String, chat: String, target: String, button: String },
    New { id: String },
    Rename { id: String, chat: String, title: String },
    Delete { id: String, chat: String },
    Preview { chat: String, key: String },
    Ping,
}

impl ClientFrame {
    /// The request's id, where the frame is a request.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Send(Sending { id, .. })
            | Self::Stop { id, .. }
            | Self::Regenerate { id, .. }
            | Self::Edit { id, .. }
            | Self::Retract { id, .. }
            | Self::React(Reacting { id, .. })
            | Self::Press { id, .. }
            | Self::New { id }
            | Self::Rename { id, .. }
            | Self::Delete { id, .. } => Some(id),
            Self::Open { .. } | Self::Close { .. } | Self::Preview { .. } | Self::Ping => None,
        }
    }
}

/// Something that is said.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Sending {
    pub(super) id: String,
    pub(super) chat: String,
    #[serde(default)]
    pub(super) text: String,
    /// As their uploads were answered.
    #[serde(default)]
    pub(super) files: Vec<ChatFile>,
}

/// A reaction that is put on a message or taken away.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Reacting {
    pub(super) id: String,
    pub(super) chat: String,
    pub(super) target: String,
    pub(super) emoji: String,
    #[serde(default)]
    pub(super) removed: bool,
}

/// To a browser, but for entries of the log, which are put together from what the log holds.
#[derive(Debug, Serialize)]
#[serde(tag = "t", rename_all = "lowercase")]
pub(super) enum ServerFrame<'a> {
    Welcome {
        proto: u32,
        chats: &'a [Chat],
        limits: Bounds,
    },
    Chats {
        chats: &'a [Chat],
    },
    Opened {
        chat: &'a str,
        n: u64,
        first: u64,
    },
    Preview {
        chat: &'a str,
        key: &'a str,
        at: usize,
        text: &'a str,
    },
    Typing {
        chat: &'a str,
        on: bool,
    },
    Ok {
        id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        n: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        chat: Option<&'a str>,
    },
    Refused {
        id: &'a str,
        code: &'a str,
        message: &'a str,
    },
    State {
        ready: bool,
        message: &'a str,
    },
    Pong,
}

/// What a page has to know of our bounds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Bounds {
    pub(super) text_max: u64,
    pub(super) chats_max: usize,
    pub(super) file_max: u64,
    pub(super) files_max: usize,
}

impl ServerFrame<'_> {
    pub(super) fn to_json(&self) -> String {
        // Strings and numbers always serialise; an empty frame would be ignored by the page.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".into())
    }
}

/// One entry of a log, by its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum EntryBody {
    User {
        id: String,
        cause: String,
        text: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<ChatFile>,
    },
    Message {
        key: String,
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<ChatFile>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        buttons: Vec<Vec<Button>>,
    },
    Edit {
        key: String,
        target: String,
        text: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        buttons: Vec<Vec<Button>>,
    },
    Delete {
        key: String,
        target: String,
    },
    Stop {
        id: String,
    },
    Regenerate {
        id: String,
        cause: String,
        target: String,
    },
    /// The visitor changed what they had said.
    Change {
        id: String,
        cause: String,
        target: String,
        text: String,
    },
    /// The visitor took back what they had said.
    Retract {
        id: String,
        cause: String,
        target: String,
    },
    Reaction {
        by: By,
        target: String,
        emoji: String,
        removed: bool,
    },
    Press {
        id: String,
        target: String,
        button: String,
        label: String,
    },
}

/// Who reacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum By {
    Visitor,
    Bot,
}

/// A button below a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Button {
    pub(super) label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) style: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) emoji: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
}

impl From<ButtonView<'_>> for Button {
    fn from(button: ButtonView<'_>) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        // What a page opens is an address of the web, whatever a model wrote.
        let is_web = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
        Self {
            label: button.label.to_owned(),
            id: owned(button.custom_id),
            style: owned(button.style),
            emoji: owned(button.emoji),
            url: owned(button.url.filter(is_web)),
        }
    }
}

/// What the log holds: everything of an `entry` frame but its chat and number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// In ms since epoch.
    pub(super) ts: u64,
    #[serde(flatten)]
    pub(super) body: EntryBody,
}

impl Entry {
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".into())
    }
}

/// An `entry` frame around what the log holds, without reading it: both are JSON objects.
pub(super) fn entry_frame(chat: &str, number: u64, stored: &[u8]) -> Option<String> {
    let stored = std::str::from_utf8(stored).ok()?;
    let fields = stored.strip_prefix('{')?;
    // Chat ids have no character that JSON would have to escape.
    Some(format!("{{\"t\":\"entry\",\"chat\":\"{chat}\",\"n\":{number},{fields}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_what_the_page_speaks() {
        let read = |json| serde_json::from_str::<ClientFrame>(json);
        assert_eq!(read(r#"{"t":"ping","more":1}"#).unwrap(), ClientFrame::Ping);
        assert_eq!(
            read(r#"{"chat":"c","t":"open","after":3}"#).unwrap(),
            ClientFrame::Open { chat: "c".into(), after: 3 }
        );
        assert!(read(r#"{"t":"shout"}"#).is_err() && read(r#"{"t":"open","chat":"c","after":-1}"#).is_err());
        let ok = ServerFrame::Ok { id: "i", n: Some(2), chat: None };
        assert_eq!(ok.to_json(), r#"{"t":"ok","id":"i","n":2}"#);
    }

    #[test]
    fn an_entry_frame_is_the_stored_object_and_two_fields() {
        let entry = Entry {
            ts: 5,
            body: EntryBody::User { id: "i".into(), cause: "c".into(), text: "a\"b".into(), files: Vec::new() },
        };
        let frame = entry_frame("chat", 7, entry.to_json().as_bytes()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&frame).unwrap();
        let expected = serde_json::json!({"t":"entry","chat":"chat","n":7,"ts":5,"kind":"user","id":"i","cause":"c","text":"a\"b"});
        assert_eq!(value, expected);
    }
}
