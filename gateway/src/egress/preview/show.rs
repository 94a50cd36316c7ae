//! One request of a preview: its message is made, found again, or given another text.
//!
//! What is sent here no fence can refuse. So each step is made with leave of the holding, which keeps the shard from being handed
//! over meanwhile, and is given no longer than the lease is known to be ours: who owns the shard next meets nothing under way.

use std::borrow::Cow;

use bus::{Ahead, Error, Notes, Outside};
use codec::{ActionType, OutboundView, TypingState, names};
use tokio::time::{Duration, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    gate::{Answer, Place, Step},
    gates::Asked,
    record::{AT, Fate, HASH, ID, PREVIEW, PreviewRecord},
};
use crate::{
    egress::record::{SENT_KEPT, text_hash},
    platform::{Accepted, Part, Platform, SendError, Sought, Until},
};

/// How long an action waits for the notice that it is being written.
const TYPING_WAIT: Duration = Duration::from_millis(200);

/// Makes the request.
pub(super) async fn show(platform: &dyn Platform, asked: &Asked) -> Answer {
    let Some(outside) = asked.holding.enter() else { return Answer::Nothing };
    let action = OutboundView {
        channel_key: Some(&asked.place.lane),
        channel_id: Some(&asked.place.channel_id),
        platform: platform.name().as_str(),
        action: ActionType::Message,
        message_key: Some(&asked.key),
        thread_id: asked.place.thread_id.as_deref(),
        reply_to: asked.place.reply_to.as_deref(),
        text: &asked.request.text,
        ..OutboundView::default()
    };
    let showing = Request { platform, outside, action: &action, key: &asked.key, shut: &asked.shut };
    match &asked.request.step {
        Step::Type => showing.show_typing().await,
        Step::Edit { id } => showing.edit(id).await,
        Step::Begin { place, begun } => match showing.wait_for_place(*place).await {
            Ok(()) => showing.begin(begun.as_deref()).await,
            Err(answer) => answer,
        },
    }
}

struct Request<'a> {
    platform: &'a dyn Platform,
    outside: Outside,
    action: &'a OutboundView<'a>,
    /// Of the action.
    key: &'a str,
    /// Cancelled when that has come.
    shut: &'a CancellationToken,
}

impl<'a> Request<'a> {
    /// What is said earlier in the lane is shown earlier: all of it stood in the stream when this text began.
    async fn wait_for_place(&self, place: Place) -> Result<(), Answer> {
        let up_to = match place {
            Place::Free => return Ok(()),
            Place::Unknown => None,
            Place::Behind(entry) => Some(entry),
        };
        match self.outside.earlier(up_to).await {
            Ok(bus::Earlier::Settled) => Ok(()),
            Ok(bus::Earlier::Unsettled(entry)) => Err(Answer::Behind(entry)),
            Err(error) => Err(not_noted(&error)),
        }
    }

    /// What becomes of it does not matter, but that it does not come behind the action, nor holds that up.
    async fn show_typing(&self) -> Answer {
        let typing = OutboundView { action: ActionType::Typing, state: Some(TypingState::Start), ..*self.action };
        let too_late = async {
            self.shut.cancelled().await;
            sleep(TYPING_WAIT).await;
        };
        tokio::select! {
            () = too_late => {}
            _ = self.within(self.platform.apply(&typing)) => {}
        }
        Answer::Typed
    }

    async fn begin(&self, begun: Option<&str>) -> Answer {
        let text = self.action.text;
        let hash = text_hash(text);
        let fields: [(&str, &[u8]); 3] = [(PREVIEW, b"begun"), (AT, Notes::NOW), (HASH, hash.as_bytes())];
        let notes = match self.outside.note_once(self.key, &fields, SENT_KEPT).await {
            Ok(Ahead::Noted(notes)) => notes,
            Ok(Ahead::Late(_)) => return Answer::Over,
            Err(error) => return not_noted(&error),
        };
        let record = PreviewRecord(&notes);
        let (made, with) = match record.fate() {
            Fate::Shown(id) => return self.edit(id).await,
            Fate::None if !record.was_undone() => (self.send_new(text).await, text),
            Fate::None => match self.note_begun(&fields).await {
                Ok(()) => (self.send_new(text).await, text),
                Err(answer) => return answer,
            },
            Fate::Unknown => match begun.filter(|begun| text_hash(begun) == record.hash()) {
                // Of one text a repeat is the same send; of another one it would be a third that it may have been made with.
                Some(begun) if record.age() < self.platform.settling().repeats_within => {
                    (self.send(begun).await, begun)
                }
                _ => match self.look_up(record).await {
                    Ok(Some(found)) => (Ok(found), text),
                    Ok(None) => match self.note_begun(&fields).await {
                        Ok(()) => (self.send_new(text).await, text),
                        Err(answer) => return answer,
                    },
                    Err(error) => return self.not_shown(&error),
                },
            },
        };
        match made {
            Ok(accepted) => self.note_id(accepted, with).await,
            Err(error @ (SendError::Unsupported(_) | SendError::Refused(..) | SendError::Gone(_))) => {
                self.not_shown(&error)
            }
            // A repeat or a look finds out.
            Err(_) => Answer::Begun(with.to_owned()),
        }
    }

    /// Nothing else is done with the message before it is noted: until then it is found by its first text.
    async fn note_id(&self, Accepted { id, text, .. }: Accepted, with: &str) -> Answer {
        match self.outside.note(self.key, &[(ID, id.as_bytes())], SENT_KEPT).await {
            // Where the platform does not tell what it shows, it may be anything.
            Ok(Ahead::Noted(_)) => Answer::Shown { id, text: text.unwrap_or_default() },
            Ok(Ahead::Late(_)) => Answer::Over,
            Err(error) => {
                tracing::debug!(%error, "a preview is not noted yet");
                Answer::Begun(with.to_owned())
            }
        }
    }

    async fn edit(&self, id: &str) -> Answer {
        match self.within(self.platform.amend(&self.part(self.action.text), id)).await {
            // What it shows else, nobody has to know before the final text is there.
            Ok(_) => Answer::Shown { id: id.to_owned(), text: self.action.text.to_owned() },
            Err(SendError::Unknown(error)) => {
                tracing::debug!(key = self.key, %error, "it is not known what a preview shows");
                Answer::Doubt
            }
            Err(error) => self.not_shown(&error),
        }
    }

    /// Sends what was not sent before, which is noted as begun.
    async fn send_new(&self, text: &str) -> Result<Accepted, SendError> {
        let sent = self.send(text).await;
        if let Err(SendError::Away(_) | SendError::Limited(_)) = sent {
            // Nor was it now, so nobody has to find out. Without this note a repeat or a look does.
            let undone = self.outside.note(self.key, &[(PREVIEW, b"none")], SENT_KEPT).await;
            undone.inspect_err(|error| tracing::debug!(%error, "a preview counts as begun")).ok();
        }
        sent
    }

    async fn note_begun(&self, fields: &[(&str, &[u8])]) -> Result<(), Answer> {
        match self.outside.note(self.key, fields, SENT_KEPT).await {
            Ok(Ahead::Noted(_)) => Ok(()),
            Ok(Ahead::Late(_)) => Err(Answer::Over),
            Err(error) => Err(not_noted(&error)),
        }
    }

    /// It waits for its place no longer than it is of use.
    async fn send(&self, text: &str) -> Result<Accepted, SendError> {
        let until = self.outside.until().map(|at| Until { over: self.shut, at });
        self.within(self.platform.send(&Part { until, ..self.part(text) })).await
    }

    async fn look_up(&self, record: PreviewRecord<'_>) -> Result<Option<Accepted>, SendError> {
        let part = self.part(self.action.text);
        let sought = Sought { part: &part, since_ms: record.since_ms(), hash: record.hash(), others: &[] };
        self.within(self.platform.look_up(&sought)).await
    }

    fn part<'t>(&'t self, text: &'t str) -> Part<'t, 'a> {
        Part::of_text(names::preview_key(self.key), Cow::Borrowed(text), self.action)
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, SendError>>) -> Result<T, SendError> {
        let until = self.outside.until().filter(|_| !self.shut.is_cancelled());
        let Some(until) = until else {
            return Err(SendError::Away("its action has come, or the lease may run out".into()));
        };
        tokio::select! {
            // Time first: a process that was stopped meanwhile must not go on with what it had begun.
            biased;
            () = sleep_until(until) => Err(SendError::Unknown("no answer while the lease was ours".into())),
            answer = work => answer,
        }
    }

    fn not_shown(&self, error: &SendError) -> Answer {
        tracing::debug!(key = self.key, %error, "a preview is not shown");
        match error {
            SendError::Gone(_) | SendError::Unsupported(_) | SendError::Refused(..) => Answer::Over,
            SendError::Away(_) | SendError::Limited(_) | SendError::Unknown(_) => Answer::Nothing,
        }
    }
}

/// Whether it was noted is found out by the next note.
fn not_noted(error: &Error) -> Answer {
    tracing::debug!(%error, "a preview waits");
    Answer::Nothing
}
