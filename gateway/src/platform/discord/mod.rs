//! Discord: events come over its gateway, what the bot does goes over its HTTP API. `docs/discord.md` says how a bot is made.
//!
//! A send has a nonce, by which Discord takes a repeat for the same one while that is surely remembered; after it the channel is
//! read back.

mod body;
mod calls;
mod check;
mod commands;
mod connection;
mod deliver;
mod event;
mod gap;
mod hold;
mod presence;
mod read_back;
mod rest;
mod rooms;
mod servers;
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
use bus::{Bus, LeaseConfig, Spread};
use codec::{OutboundView, PlatformName, Triggers};
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
use connection::Done;
use deliver::Cadence;
use gap::{Marks, Writing};
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
/// <https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans>
/// An address may have 10,000 refused; half of it, since other windows than ours count as well.
const REFUSED_MAX: u32 = 5_000;
const REFUSED_WINDOW: Duration = Duration::from_secs(10 * 60);

/// Pause before the bot is connected with another number of shards.
const RESHARD_PAUSE: Duration = Duration::from_secs(5);

/// What was refused for good is tried again after this: somebody may have changed it at Discord. Ten thousand such requests in ten
/// minutes would shut out the address.
const REFUSED_PAUSE: Duration = Duration::from_secs(10 * 60);

/// One Discord block of the settings.
#[derive(Debug)]
pub(super) struct Discord {
    shared: Arc<Shared>,
    /// When it may be tried again after it was refused for good.
    again: Mutex<Option<Instant>>,
    /// Discord refused the number of shards that its gateways go by, so what it recommends now rules.
    insists: AtomicBool,
    /// While the platform does not run.
    writing: Mutex<Option<Writing>>,
}

/// What the connection and egress share.
#[derive(Debug)]
struct Shared {
    name: PlatformName,
    settings: service::Discord,
    bus: Bus,
    lease: LeaseConfig,
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
    /// Which of Discord's shards are this gateway's.
    spread: Spread,
    /// How far channels were read.
    marks: Marks,
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
        let pacer = Pacer::new(REQUESTS_MAX, REQUESTS_WINDOW, Some(Arc::new(share) as Arc<dyn Share>))
            .with_refusals(REFUSED_MAX, REFUSED_WINDOW);
        // Without one the settings were refused.
        let token = settings.token.clone().unwrap_or_default();
        let rest = Rest::new(&settings.api_url, token, pacer).map_err(StartError::Configuration)?;
        let lease = LeaseConfig { ttl: context.settings.bus.lease_ttl, renew: context.settings.bus.lease_renew };
        let (marks, writing) = Marks::new(&context.bus, name.as_str());
        let shared = Shared {
            spread: Spread::new(context.bus.clone(), name.as_str(), &context.instance, lease.ttl),
            bus: context.bus.clone(),
            lease,
            marks,
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
        Ok(Self {
            shared: Arc::new(shared),
            again: Mutex::default(),
            insists: AtomicBool::new(false),
            writing: Mutex::new(Some(writing)),
        })
    }

    /// When it may be tried again, where it was refused for good.
    fn again(&self) -> Option<Instant> {
        *self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects until `stop`, with as many shards as Discord wants.
    async fn connect(
        &self,
        writing: &mut Writing,
        started: &Started,
        stop: &CancellationToken,
    ) -> Result<(), NotStarted> {
        let mut follows = None;
        while !stop.is_cancelled() {
            let Some(prepared) = stop.run_until_cancelled(self.shared.prepare()).await else { break };
            let gateway = prepared?.with_shards(follows);
            let shards = gateway.shards;
            let insists = self.insists.swap(false, Ordering::Relaxed);
            let ended = CancellationToken::new();
            let connected = async {
                let done = connection::run(&self.shared, gateway, insists, writing, started, stop.clone()).await;
                ended.cancel();
                done
            };
            let registered = ended.run_until_cancelled(self.shared.register_commands());
            let (done, _) = tokio::join!(connected, registered);
            match done? {
                Done::Stopped => break,
                Done::Follows(of) => {
                    tracing::info!(platform = %self.shared.name, before = shards, now = of, "other gateways of the bot have another number of shards");
                    follows = Some(of);
                }
                Done::Resharded(code) => {
                    self.insists.store(true, Ordering::Relaxed);
                    follows = None;
                    tracing::warn!(
                        platform = %self.shared.name, shards,
                        "Discord does not take the bot with {shards} shards any more ({code}); it is asked for their number, and the \
                         bot connects anew in {RESHARD_PAUSE:?}"
                    );
                    metrics::counter!("stargazer_discord_reshards_total", "platform" => self.shared.name.to_string())
                        .increment(1);
                    stop.run_until_cancelled(tokio::time::sleep(RESHARD_PAUSE)).await;
                }
            }
        }
        Ok(())
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

    /// Shows itself so, over the connections of all gateways.
    async fn show(&self, presence: serde_json::Value) {
        if let Err(error) = self.spread.say(&presence.to_string()).await {
            tracing::debug!(platform = %self.name, %error, "other gateways do not hear of the bot's presence");
        }
        self.presence.show(presence);
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
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut writing) = writing else { return Err(RunError("it runs already".into())) };
        let ended = CancellationToken::new();
        let connection = async {
            let done = self.connect(&mut writing, started, &stop).await;
            ended.cancel();
            done
        };
        // What was used is answered to the end: its event is appended there.
        let (done, ()) = tokio::join!(connection, self.shared.acknowledge(&ended));
        *self.writing.lock().unwrap_or_else(PoisonError::into_inner) = Some(writing);
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

    async fn amend(&self, part: &Part<'_, '_>, id: &str) -> Result<Accepted, SendError> {
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

    fn again_in(&self) -> Option<Duration> {
        let left = self.again()?.saturating_duration_since(Instant::now());
        // To the second, since people read it.
        Some(Duration::from_secs(left.as_secs_f64().ceil() as u64))
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
