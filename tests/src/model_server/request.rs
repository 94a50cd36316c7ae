//! What the scripted model was asked.

use serde_json::Value;
use tokio::sync::watch;

use crate::within;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The answer was sent to its end.
    Served,
    /// The script cut it.
    Cut,
    /// The client closed the connection before.
    ClientLeft,
}

/// One request for a completion.
#[derive(Debug, Clone)]
pub struct Request {
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Value,
    pub(super) ended: watch::Receiver<Option<Ended>>,
}

impl Request {
    /// A header by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The conversation as `role: content` lines, without the system prompt.
    #[must_use]
    pub fn conversation(&self) -> Vec<String> {
        let text = |message: &Value, field: &str| message[field].as_str().unwrap_or_default().to_owned();
        let messages = self.body["messages"].as_array().map_or(&[][..], Vec::as_slice);
        (messages.iter())
            .map(|message| (text(message, "role"), text(message, "content")))
            .filter(|(role, _)| role != "system")
            .map(|(role, content)| format!("{role}: {content}"))
            .collect()
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn has_ended(&self) -> Option<Ended> {
        *self.ended.borrow()
    }

    /// Waits until it ended.
    pub async fn ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        let told = within("the request ends", ended.wait_for(Option::is_some)).await;
        told.expect("the server lives").expect("waited for it")
    }
}
