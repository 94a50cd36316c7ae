//! WebChat: a chat page that the gateway serves itself.
//!
//! What a chat shows is a numbered log in Redis, so that any gateway serves it from any number, and a reload, a second tab
//! or a restart loses and doubles nothing. `docs/webchat.md` is the protocol.

mod chats;
mod deliver;
mod events;
mod files;
mod files_http;
mod frames;
mod http;
mod hub;
mod ids;
mod limits;
mod page;
mod pump;
mod requests;
mod running;
mod socket;
mod visitor;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bus::{Bus, Log, LogBounds, Records, Subscription};
use codec::{OutboundView, PlatformName};
use service::{Context, StartError};
use tokio_util::sync::CancellationToken;

use super::{
    Accepted, ButtonLimits, Capabilities, FileLimits, Part, Platform, RunError, SendError, Settling, Sought, Started,
};
use crate::ingress::Ingress;
use chats::Chats;
use files::Files;
use hub::Hub;
use ids::Ids;
use limits::Limits;

/// Entries of a log, and how long it lives after the last one.
const LOG: LogBounds = LogBounds { entries: 1000, ttl: Duration::from_secs(90 * 24 * 60 * 60) };

/// A text may be as long as an envelope has it, so it is never cut.
fn capabilities(file_bytes_max: u64) -> Capabilities {
    Capabilities {
        edits: true,
        deletes: true,
        reactions: true,
        typing: true,
        buttons: Some(ButtonLimits { rows: usize::MAX, per_row: usize::MAX, label: usize::MAX }),
        files: (file_bytes_max > 0).then_some(FileLimits { bytes: file_bytes_max }),
        ..Capabilities::TEXT_ONLY
    }
}

/// One WebChat block of the settings.
#[derive(Debug, Clone)]
pub(super) struct WebChat {
    shared: Arc<Shared>,
}

/// What sockets, egress and the pump of pushes share.
#[derive(Debug)]
struct Shared {
    name: PlatformName,
    settings: service::WebChat,
    bus: Bus,
    log: Log,
    records: Records,
    files: Files,
    capabilities: Capabilities,
    chats: Chats,
    ingress: Ingress,
    ids: Ids,
    limits: Limits,
    hub: Hub,
    subscription: Subscription,
}

impl WebChat {
    /// Agrees with the other gateways on the key of the visitors' cookies, and starts to listen for pushes.
    pub(super) async fn new(
        name: PlatformName,
        settings: service::WebChat,
        context: &Context,
        ingress: Ingress,
    ) -> Result<Self, StartError> {
        let bus = context.bus.clone();
        let records = Records::new(bus.clone());
        let ids = Ids::agree(&records).await?;
        let files = Files::new(&bus, name.as_str(), &settings);
        let (subscription, pushes, subscribing) = bus.subscribe(context.tasks.stop().clone());
        let shared = Arc::new(Shared {
            log: Log::new(bus.clone(), LOG).with_recent(ingress.recent().clone()),
            records: records.clone(),
            capabilities: capabilities(files.bytes_max),
            files,
            chats: Chats::new(records, name.as_str(), settings.chats_max),
            ingress,
            limits: Limits::new(settings.messages_per_minute),
            hub: Hub::default(),
            name,
            settings,
            bus,
            ids,
            subscription,
        });
        context.tasks.spawn_needed("webchat subscriber", subscribing);
        let pump = pump::run(Arc::clone(&shared), pushes);
        let stop = context.tasks.stop().clone();
        context.tasks.spawn_needed("webchat pushes", async move {
            stop.run_until_cancelled(pump).await;
        });
        Ok(Self { shared })
    }
}

#[async_trait]
impl Platform for WebChat {
    fn name(&self) -> &PlatformName {
        &self.shared.name
    }

    async fn run(&self, started: &Started, stop: CancellationToken) -> Result<(), RunError> {
        http::serve(&self.shared, started, stop).await
    }

    fn settling(&self) -> Settling {
        Settling::EXACT
    }

    fn capabilities(&self) -> &Capabilities {
        &self.shared.capabilities
    }

    async fn send(&self, part: &Part<'_, '_>) -> Result<Accepted, SendError> {
        self.shared.show(part).await?;
        Ok(Accepted::new(part.action.message_key.unwrap_or_default().to_owned()))
    }

    async fn apply(&self, action: &OutboundView<'_>) -> Result<(), SendError> {
        self.shared.apply(action).await
    }

    async fn look_up(&self, _: &Sought<'_, '_>) -> Result<Option<Accepted>, SendError> {
        Err(SendError::Unsupported("a repeat is exact, so nothing has to be looked up".into()))
    }

    async fn amend(&self, part: &Part<'_, '_>, id: &str) -> Result<Accepted, SendError> {
        self.shared.apply(part.action).await?;
        Ok(Accepted::new(id.to_owned()))
    }

    async fn retract(&self, _: &OutboundView<'_>, _: &str) -> Result<(), SendError> {
        Err(SendError::Unsupported("what goes away is told by the log".into()))
    }

    fn address(&self) -> Option<String> {
        Some(format!("chat http://{}{}/", self.shared.settings.addr, self.shared.settings.base_path))
    }
}

impl Shared {
    /// The lane of a chat.
    fn lane(&self, chat: &str) -> String {
        codec::names::channel_key(self.name.as_str(), chat, None)
    }

    /// The log of a chat.
    fn log_key(&self, chat: &str) -> String {
        self.bus.names().webchat_log(self.bus.names().shards.of(&self.lane(chat)), chat)
    }

    /// The pub/sub channel of the previews of a chat's shard.
    fn preview_channel(&self, chat: &str) -> String {
        self.bus.names().previews(self.name.as_str(), self.bus.names().shards.of(&self.lane(chat)))
    }
}
