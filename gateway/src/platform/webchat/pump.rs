//! From Redis' pub/sub to the hub.

use std::{sync::Arc, time::Duration};

use bus::{Log, Push};
use codec::PreviewFrameView;
use tokio::{sync::mpsc, time::timeout};

use super::{
    Shared,
    deliver::typing_of,
    frames::{Entry, EntryBody, entry_frame},
    hub::Live,
};

/// Pause between two questions whether Redis is there again.
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// How long an answer to it is waited for. Less than a command may take: the connection may be half open, and the next question
/// goes by the one that replaces it.
const ANSWERED_WITHIN: Duration = Duration::from_secs(1);
/// How often what nobody needs any more is forgotten.
const TIDY: Duration = Duration::from_secs(60);

/// Passes pushes on until their sender is gone.
pub(super) async fn run(shared: Arc<Shared>, mut pushes: mpsc::Receiver<Push>) {
    let mut tidy = tokio::time::interval(TIDY);
    let sockets = metrics::gauge!("stargazer_webchat_sockets");
    loop {
        let push = tokio::select! {
            biased;
            push = pushes.recv() => push,
            _ = tidy.tick() => {
                shared.limits.forget_quiet();
                sockets.set(shared.hub.sockets() as f64);
                continue;
            }
        };
        match push {
            None => return,
            Some(Push::Message { channel, payload }) => pass(&shared, &channel, &payload),
            Some(Push::Away) => shared.hub.tell_all(&Live::Reachable(false)),
            Some(Push::Gap) => {
                // The subscriber is there again; the connection that requests use may still be on its way.
                while !matches!(timeout(ANSWERED_WITHIN, shared.bus.ping()).await, Ok(Ok(()))) {
                    tokio::time::sleep(ASK_AGAIN).await;
                }
                shared.hub.forget_previews();
                shared.hub.tell_all(&Live::Reachable(true));
                shared.hub.tell_all(&Live::Resync);
            }
        }
    }
}

fn pass(shared: &Shared, channel: &str, payload: &bytes::Bytes) {
    if let Some(visitor) = shared.chats.visitor_of(channel) {
        shared.hub.chats_changed(visitor);
    } else if channel.starts_with("sg:preview:") {
        for frame in codec::frames(payload) {
            match frame {
                Ok(frame) => preview(shared, &frame),
                Err(error) => tracing::warn!(%error, "a preview cannot be read"),
            }
        }
    } else if let (Some(chat), Some(on)) = (channel.rsplit(':').next(), typing_of(payload)) {
        shared.hub.typing(chat, on);
    } else if let (Some(chat), Some(entry)) = (channel.rsplit(':').next(), Log::announced(payload)) {
        let Some(frame) = entry_frame(chat, entry.number, &entry.data) else { return };
        let body = serde_json::from_slice(&entry.data).map(|Entry { body, .. }| body);
        let ended = match &body {
            Ok(EntryBody::Message { key, .. }) => vec![key.as_str()],
            Ok(EntryBody::Edit { key, target, .. } | EntryBody::Delete { key, target }) => {
                vec![key.as_str(), target.as_str()]
            }
            _ => Vec::new(),
        };
        shared.hub.entry(chat, entry.number, frame, &ended);
    }
}

fn preview(shared: &Shared, frame: &PreviewFrameView<'_>) {
    shared.hub.preview_frame(frame);
}
