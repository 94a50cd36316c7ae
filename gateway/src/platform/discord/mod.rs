//! Discord: events come over its gateway, what the bot does goes over its HTTP API. `docs/discord.md` says how a bot is made.
//!
//! A send has a nonce, by which Discord takes a repeat for the same one while that is surely remembered; after it the channel is
//! read back.

mod body;
mod calls;
mod check;
mod commands;
mod deliver;
mod event;
mod hold;
mod presence;
mod read_back;
mod rest;
mod rooms;
mod servers;
mod socket;
mod start;
mod take;
mod thinking;
mod used;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use codec::{OutboundView, PlatformName};
use service::{Context, StartError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    Accepted, ButtonLimits, CallError, Capabilities, Count, FileLimits, Limits, Part, Platform, RunError, SendError,
    Settling, Sought, Started,
};
use crate::{
    ingress::Ingress,
    inventory::Inventory,
    media::Media,
    pacing::{Pacer, Share, SharedBudget},
};
pub(super) use check::check;
use deliver::Cadence;
use event::Triggers;
use hold::Holds;
use presence::Presence;
use rest::Rest;
use rooms::Rooms;
use start::NotStarted;
use used::Waiting;

/// Characters of a message.
const TEXT_MAX: usize = 2000;

const CAPABILITIES: Capabilities = Capabilities {
    text: Some(Limits { text: TEXT_MAX, count: Count::Chars, parts: 10 }),
    edits: true,
    deletes: true,
    reactions: true,
    typing: true,
    presence: true,
    threads: true,
    buttons: Some(ButtonLimits { rows: 5, per_row: 5, label: body::LABEL_MAX }),
    files: Some(FileLimits { bytes: 10 << 20 }),
};

/// Discord remembers a nonce for "the past few minutes"; this is surely less.
const SETTLING: Settling = Settling { repeats_within: Duration::from_secs(60), can_be_asked: true };

/// <https://discord.com/developers/docs/topics/rate-limits#global-rate-limit>
const REQUESTS_MAX: u32 = 50;
const REQUESTS_WINDOW: Duration = Duration::from_secs(1);

/// What was refused for good is tried again after this: somebody may have changed it at Discord. Ten thousand such requests in ten
/// minutes would shut out the address.
const REFUSED_PAUSE: Duration = Duration::from_secs(10 * 60);

/// One Discord block of the settings.
#[derive(Debug)]
pub(super) struct Discord {
    shared: Arc<Shared>,
    /// When it may be tried again after it was refused for good.
    again: Mutex<Option<Instant>>,
}

/// What the connection and egress share.
#[derive(Debug)]
struct Shared {
    name: PlatformName,
    settings: service::Discord,
    ingress: Ingress,
    media: Media,
    rest: Rest,
    triggers: Triggers,
    /// The bot's own user; 0 until it is known.
    me: AtomicU64,
    rooms: Mutex<Rooms>,
    /// Whether Discord has the bot's commands as they should be.
    has_commands: AtomicBool,
    used: Waiting,
    holds: Holds,
    presence: Presence,
    cadence: Cadence,
}

impl Discord {
    /// Connects to nothing yet.
    pub(super) fn new(
        name: PlatformName,
        settings: service::Discord,
        context: &Context,
        ingress: Ingress,
        media: Media,
    ) -> Result<Self, StartError> {
        let share = SharedBudget::new(context.bus.clone(), name.as_str(), REQUESTS_MAX, REQUESTS_WINDOW);
        let pacer = Pacer::new(REQUESTS_MAX, REQUESTS_WINDOW, Some(Arc::new(share) as Arc<dyn Share>));
        // Without one the settings were refused.
        let token = settings.token.clone().unwrap_or_default();
        let rest = Rest::new(&settings.api_url, token, pacer).map_err(StartError::Configuration)?;
        let shared = Shared {
            rest,
            triggers: Triggers::new(&settings.triggers),
            holds: Holds::new(context.bus.clone(), name.clone()),
            name,
            settings,
            ingress,
            media,
            me: AtomicU64::new(0),
            rooms: Mutex::default(),
            has_commands: AtomicBool::new(false),
            used: Waiting::default(),
            presence: Presence::default(),
            cadence: Cadence::default(),
        };
        Ok(Self { shared: Arc::new(shared), again: Mutex::default() })
    }

    /// When it may be tried again, where it was refused for good.
    fn again(&self) -> Option<Instant> {
        *self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self, error: RunError) -> RunError {
        *self.again.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REFUSED_PAUSE);
        error
    }
}

impl Shared {
    fn me(&self) -> u64 {
        self.me.load(Ordering::Relaxed)
    }

    fn token(&self) -> &str {
        self.rest.token()
    }

    /// Its block in the settings.
    fn place(&self) -> String {
        format!("platform.{}", self.name)
    }
}

#[async_trait]
impl Platform for Discord {
    fn name(&self) -> &PlatformName {
        &self.shared.name
    }

    async fn run(&self, started: &Started, stop: CancellationToken) -> Result<(), RunError> {
        if let Some(again) = self.again()
            && stop.run_until_cancelled(tokio::time::sleep_until(again)).await.is_none()
        {
            return Ok(());
        }
        let Some(prepared) = stop.run_until_cancelled(self.shared.prepare()).await else { return Ok(()) };
        let gateway = match prepared {
            Ok(gateway) => gateway,
            Err(NotStarted::ForGood(error)) => return Err(self.refused(error)),
            Err(NotStarted::ForNow(error)) => return Err(error),
        };
        let ended = CancellationToken::new();
        let connection = async {
            let done = socket::run(&self.shared, gateway, started, stop).await;
            ended.cancel();
            done
        };
        let registration = ended.run_until_cancelled(self.shared.register_commands());
        // What was used is answered to the end: its event is appended there.
        let (done, _, ()) = tokio::join!(connection, registration, self.shared.acknowledge(&ended));
        match done {
            Ok(()) => Ok(()),
            Err(NotStarted::ForGood(error)) => Err(self.refused(error)),
            Err(NotStarted::ForNow(error)) => Err(error),
        }
    }

    fn settling(&self) -> Settling {
        SETTLING
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    async fn send(&self, part: &Part<'_, '_>) -> Result<Accepted, SendError> {
        self.shared.create(part).await
    }

    async fn apply(&self, action: &OutboundView<'_>) -> Result<(), SendError> {
        self.shared.act(action).await
    }

    async fn look_up(&self, sought: &Sought<'_, '_>) -> Result<Option<Accepted>, SendError> {
        self.shared.read_back(sought).await
    }

    async fn amend(&self, part: &Part<'_, '_>, id: &str) -> Result<(), SendError> {
        self.shared.edit(part, id).await
    }

    async fn give_way(&self, action: &OutboundView<'_>) -> Result<(), SendError> {
        self.shared.stop_thinking(action).await
    }

    async fn retract(&self, action: &OutboundView<'_>, id: &str) -> Result<(), SendError> {
        self.shared.delete(action, id).await
    }

    fn preview_every(&self) -> Option<Duration> {
        Some(self.shared.cadence.get())
    }

    fn has_servers(&self) -> bool {
        true
    }

    async fn list(&self, inventory: &mut Inventory) -> Result<(), SendError> {
        self.shared.list(inventory).await
    }

    async fn call(&self, method: &str, args: &serde_json::Value, _key: &str) -> Result<serde_json::Value, CallError> {
        self.shared.answer_call(method, args).await
    }

    fn address(&self) -> Option<String> {
        None
    }
}
