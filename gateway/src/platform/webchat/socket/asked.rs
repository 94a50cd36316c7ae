//! What a browser asks for, answered under the request's own id.

use super::{Socket, Step};
use crate::platform::webchat::{
    frames::{ClientFrame, Reacting, ServerFrame},
    ids::is_request_id,
    requests::{Done, Refusal},
};

impl Socket {
    pub(super) async fn request(&mut self, id: &str, frame: ClientFrame) -> Result<Done, Refusal> {
        if !is_request_id(id) {
            return Err(Refusal::new("malformed", "An id has 8 to 36 characters of A-Z, a-z, 0-9, _ and -."));
        }
        if costs(&frame) && !self.shared.limits.allow_message(&self.visitor, self.address) {
            return Err(Refusal::new("rate", "That was a bit fast. Please wait a moment."));
        }
        let (shared, visitor) = (&self.shared, &self.visitor);
        match frame {
            ClientFrame::Send(sending) => shared.say(visitor, sending).await,
            ClientFrame::Stop { chat, .. } => shared.stop(visitor, id, &chat).await,
            ClientFrame::Regenerate { chat, target, .. } => shared.regenerate(visitor, id, &chat, &target).await,
            ClientFrame::Edit { chat, target, text, .. } => shared.change(visitor, id, &chat, &target, &text).await,
            ClientFrame::Retract { chat, target, .. } => shared.retract(visitor, id, &chat, &target).await,
            ClientFrame::React(Reacting { chat, target, emoji, removed, .. }) => {
                shared.react(visitor, id, &chat, (&target, &emoji, removed)).await
            }
            ClientFrame::Press { chat, target, button, .. } => {
                shared.press(visitor, id, &chat, (&target, &button)).await
            }
            ClientFrame::New { .. } => shared.new_chat(visitor, id).await,
            ClientFrame::Rename { chat, title, .. } => shared.rename(visitor, &chat, &title).await,
            ClientFrame::Delete { chat, .. } => shared.delete(visitor, id, &chat).await,
            ClientFrame::Open { .. } | ClientFrame::Close { .. } | ClientFrame::Preview { .. } | ClientFrame::Ping => {
                Ok(Done::default())
            }
        }
    }

    pub(super) async fn answer(&mut self, id: &str, answer: Result<Done, Refusal>) -> Step {
        match answer {
            Ok(done) => self.frame(&ServerFrame::Ok { id, n: done.number, chat: done.chat.as_deref() }).await,
            Err(Refusal { code, message }) => {
                metrics::counter!("stargazer_webchat_refused_total", "reason" => code).increment(1);
                self.frame(&ServerFrame::Refused { id, code, message: &message }).await
            }
        }
    }
}

/// Whether it makes work for others than this gateway.
fn costs(frame: &ClientFrame) -> bool {
    match frame {
        ClientFrame::Send(_)
        | ClientFrame::Regenerate { .. }
        | ClientFrame::New { .. }
        | ClientFrame::Edit { .. }
        | ClientFrame::Retract { .. }
        | ClientFrame::React(_)
        | ClientFrame::Press { .. } => true,
        ClientFrame::Open { .. }
        | ClientFrame::Close { .. }
        | ClientFrame::Stop { .. }
        | ClientFrame::Rename { .. }
        | ClientFrame::Delete { .. }
        | ClientFrame::Preview { .. }
        | ClientFrame::Ping => false,
    }
}
