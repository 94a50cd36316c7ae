//! What people use, buttons, menus and commands: acknowledged at once, since Discord waits for three seconds and a model takes
//! longer.
//!
//! A command is answered by whichever gateway sends the reply, so what it takes for that is noted in Redis before its event is
//! appended. Without that nobody says "thinking", which nobody could end.

use std::{sync::Arc, time::Duration};

use codec::Inbound;
use reqwest::Method;
use serde_json::{Value, json};
use service::DiscordCommand;
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    event::{answers, id},
    hold::Hold,
    rest::{Ask, Failure},
};
use crate::pacing::Rank;

/// Uses that wait to be acknowledged; after three seconds they are of no use.
const WAITING_MAX: usize = 1024;
const AT_ONCE: usize = 256;
/// "You must send an initial response within 3 seconds of receiving the event": less the way there.
const WITHIN: Duration = Duration::from_millis(2500);
/// So long may Redis take for the note of a command, which waits for it.
const NOTED_WITHIN: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_millis(200);
/// <https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type>
const MESSAGE_LATER: u8 = 5;
const UPDATE_LATER: u8 = 6;
const ROUTE: &str = "POST /interactions/callback";

/// One use. Its token is a secret, so it is never shown.
pub(super) struct Used {
    id: u64,
    since: Instant,
    hold: Hold,
    is_command: bool,
    /// The event of a command, which is appended once it can be answered.
    pub(super) inbound: Option<Box<Inbound>>,
}

impl Used {
    /// What an event has for it: the use of a message's button or menu, or of one of these commands.
    pub(super) fn of(data: &Value, commands: &[DiscordCommand]) -> Option<Self> {
        const COMPONENT: u64 = 3;
        let is_command = answers(commands, data);
        let id = id(&data["id"]).filter(|_| is_command || data["type"] == COMPONENT)?;
        Some(Self { id, since: Instant::now(), hold: Hold::of(data)?, is_command, inbound: None })
    }

    /// Whether its event goes with it.
    pub(super) fn is_command(&self) -> bool {
        self.is_command
    }
}

/// Those that wait, from one connection to the next.
#[derive(Debug)]
pub(super) struct Waiting {
    come: mpsc::Sender<Used>,
    /// Whoever takes them has it for as long as it does.
    waiting: Mutex<mpsc::Receiver<Used>>,
}

impl Default for Waiting {
    fn default() -> Self {
        let (come, waiting) = mpsc::channel(WAITING_MAX);
        Self { come, waiting: Mutex::new(waiting) }
    }
}

impl Waiting {
    /// Gives back one that there is no room for.
    pub(super) fn push(&self, used: Used) -> Result<(), Used> {
        self.come.try_send(used).map_err(|error| match error {
            mpsc::error::TrySendError::Full(used) | mpsc::error::TrySendError::Closed(used) => used,
        })
    }
}

impl std::fmt::Debug for Used {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Used").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Shared {
    /// Acknowledges them until `end`, and then those that are there yet. Their events are appended in the order in which they
    /// came.
    pub(super) async fn acknowledge(self: &Arc<Self>, end: &CancellationToken) {
        let mut waiting = self.used.waiting.lock().await;
        let mut under_way = JoinSet::new();
        loop {
            let used = tokio::select! {
                biased;
                Some(used) = waiting.recv() => used,
                () = end.cancelled() => break,
            };
            if let Some(used) = self.append(used).await {
                if under_way.len() >= AT_ONCE {
                    under_way.join_next().await;
                }
                let shared = Arc::clone(self);
                under_way.spawn(async move { shared.answer(&used).await });
            }
            while under_way.try_join_next().is_some() {}
        }
        under_way.join_all().await;
    }

    /// Appends the event of a command. Gives back what is to be acknowledged.
    async fn append(&self, mut used: Used) -> Option<Used> {
        let Some(inbound) = used.inbound.take() else { return Some(used) };
        let noted = timeout_at(used.since + NOTED_WITHIN, self.holds.note(used.id, &used.hold)).await;
        if self.hand_over(*inbound).is_none() {
            // Nobody will answer it, and Discord says so.
            late();
            return None;
        }
        let error = match noted {
            Ok(Ok(())) => return Some(used),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "redis did not answer in time".into(),
        };
        tracing::warn!(platform = %self.name, error, "Discord says of a command that the bot did not respond; its answer comes as a message");
        late();
        None
    }

    async fn answer(&self, used: &Used) {
        let major = used.id.to_string();
        let body = json!({ "type": if used.is_command { MESSAGE_LATER } else { UPDATE_LATER } });
        while used.since.elapsed() < WITHIN {
            let path = format!("interactions/{}/{}/callback", used.id, used.hold.token());
            let ask = Ask::new(Method::POST, path, ROUTE, &major, Rank::Click).with(body.clone());
            match self.rest.ask(ask).await {
                // Refused where it was done before, by another gateway or by a try that was not answered.
                Ok(_) | Err(Failure::Refused { .. }) => return,
                Err(error) => tracing::debug!(platform = %self.name, %error, "a click is not acknowledged yet"),
            }
            sleep(AGAIN).await;
        }
        late();
    }
}

/// One is not acknowledged in time.
pub(super) fn late() {
    metrics::counter!("stargazer_discord_clicks_late_total").increment(1);
}
