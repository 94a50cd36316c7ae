//! Whether the bot shows itself, which goes over its live connections: those of all gateways.

use codec::Status;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::body::first;

/// Longest text of an activity.
const TEXT_MAX: usize = 128;
/// <https://discord.com/developers/docs/events/gateway-events#activity-object-activity-types>
const CUSTOM: u8 = 4;

/// See the module. Nothing until it was said once.
#[derive(Debug)]
pub(super) struct Presence(watch::Sender<Option<Value>>);

impl Default for Presence {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Presence {
    /// What connections show, and its changes.
    pub(super) fn follow(&self) -> watch::Receiver<Option<Value>> {
        self.0.subscribe()
    }

    /// Shows it. False: it is shown already.
    pub(super) fn show(&self, shown: Value) -> bool {
        self.0.send_if_modified(|before| {
            let is_new = before.as_ref() != Some(&shown);
            *before = Some(shown);
            is_new
        })
    }
}

/// A status, and a text as what the bot does, as the gateway takes it:
/// <https://discord.com/developers/docs/events/gateway-events#update-presence>.
pub(super) fn presence(status: Option<Status>, text: &str) -> Value {
    let status = match status {
        Some(Status::Idle) => "idle",
        Some(Status::Dnd) => "dnd",
        Some(Status::Invisible) => "invisible",
        Some(Status::Online) | None => "online",
    };
    let text = first(text.trim(), TEXT_MAX);
    let activities = if text.is_empty() {
        Vec::new()
    } else {
        vec![json!({ "name": "Custom Status", "type": CUSTOM, "state": text })]
    };
    json!({ "since": null, "activities": activities, "status": status, "afk": false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presence_is_shown_once() {
        let (shown, presence) = (presence(Some(Status::Idle), " reading "), Presence::default());
        assert_eq!((&shown["status"], &shown["activities"][0]["state"]), (&json!("idle"), &json!("reading")));
        assert!(presence.show(shown.clone()) && !presence.show(shown));
        assert_eq!(super::presence(None, "")["activities"], json!([]));
    }
}
