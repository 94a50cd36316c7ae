//! The connection to Discord's gateway.
//!
//! serenity starts a task for each event, in which the order of a conversation would be lost. So it has a thread of its own, whose
//! runtime runs tasks in the order in which they were started; what is done with an event there waits for nothing. When the thread
//! ends, so does all that serenity has started, and its sockets with it: without a farewell, after which Discord would end the
//! session.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use serenity::{
    async_trait,
    client::{Context, EventHandler, RawEventHandler},
    gateway::{ConnectionStage, GatewayError, ShardManager, ShardManagerOptions, ShardStageUpdateEvent},
    http::HttpBuilder,
    model::{event::Event, gateway::GatewayIntents},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    start::{Gateway, NotStarted, bad_token, for_now},
};
use crate::platform::{RunError, Started};

/// How long a shard may be without a connection before it is said and all is begun anew. Resuming takes a second.
const AWAY_MAX: Duration = Duration::from_secs(60);

/// Runs the connection until `stop`, or until it is of no use any more.
pub(super) async fn run(
    shared: &Arc<Shared>,
    gateway: Gateway,
    started: &Started,
    stop: CancellationToken,
) -> Result<(), NotStarted> {
    // Whoever drops this ends the thread.
    let stop = stop.child_token();
    let _guard = stop.clone().drop_guard();
    let (teller, mut state) = watch::channel(State::default());
    let shards = gateway.shards;
    let mut thread = {
        let (shared, stop) = (Arc::clone(shared), stop.clone());
        tokio::task::spawn_blocking(move || on_its_own_thread(&shared, gateway, teller, &stop))
    };
    let mut was_away = tokio::time::Instant::now();
    let mut is_good = false;
    loop {
        let connected = state.borrow_and_update().connected.len();
        if connected >= shards as usize {
            if !is_good {
                started.good();
            }
            is_good = true;
        } else if is_good {
            (is_good, was_away) = (false, tokio::time::Instant::now());
        }
        tokio::select! {
            biased;
            ended = &mut thread => return match ended {
                Ok(ended) => ended,
                Err(error) => Err(for_now(format!("the connection's thread broke down: {error}"))),
            },
            () = tokio::time::sleep_until(was_away + AWAY_MAX * shards), if !is_good => {
                return Err(for_now(format!(
                    "no connection to Discord's gateway for {:?}; is the network there, and does status.discord.com say anything?",
                    AWAY_MAX * shards
                )));
            }
            changed = state.changed() => if changed.is_err() {
                // It ends.
                return thread.await.unwrap_or_else(|error| Err(for_now(error.to_string())));
            },
        }
    }
}

/// Which shards are connected.
#[derive(Debug, Clone, Default)]
struct State {
    connected: std::collections::BTreeSet<u32>,
}

fn on_its_own_thread(
    shared: &Arc<Shared>,
    gateway: Gateway,
    teller: watch::Sender<State>,
    stop: &CancellationToken,
) -> Result<(), NotStarted> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| for_now(format!("no thread for the connection to Discord: {error}")))?;
    let ended = runtime.block_on(stop.run_until_cancelled(listen(shared, gateway, teller)));
    shared.presence.lose();
    ended.unwrap_or(Ok(()))
}

async fn listen(shared: &Arc<Shared>, gateway: Gateway, teller: watch::Sender<State>) -> Result<(), NotStarted> {
    let Gateway { url, shards } = gateway;
    let http = HttpBuilder::new(shared.token()).proxy(&shared.settings.api_url).ratelimiter_disabled(true).build();
    let handler = Arc::new(Handler { shared: Arc::clone(shared), teller });
    let (manager, mut ended) = ShardManager::new(ShardManagerOptions {
        data: Arc::default(),
        event_handlers: vec![Arc::clone(&handler) as Arc<dyn EventHandler>],
        raw_event_handlers: vec![handler],
        shard_index: 0,
        shard_init: shards,
        shard_total: shards,
        ws_url: Arc::new(tokio::sync::Mutex::new(url)),
        http: Arc::new(http),
        intents: intents(shared.settings.message_content),
        presence: None,
    });
    shared.presence.follow(&manager);
    manager.initialize().map_err(|error| for_now(error.to_string()))?;
    match ended.next().await {
        Some(Err(error)) => Err(NotStarted::ForGood(RunError(refused(&error, &shared.place())))),
        Some(Ok(())) | None => Err(for_now("the connection to Discord's gateway ended".into())),
    }
}

fn intents(message_content: bool) -> GatewayIntents {
    let needed = GatewayIntents::GUILDS
        | GatewayIntents::GUILD_MESSAGES
        | GatewayIntents::GUILD_MESSAGE_REACTIONS
        | GatewayIntents::DIRECT_MESSAGES
        | GatewayIntents::DIRECT_MESSAGE_REACTIONS;
    if message_content { needed | GatewayIntents::MESSAGE_CONTENT } else { needed }
}

/// What a person has to do about a refusal.
fn refused(error: &GatewayError, place: &str) -> String {
    match error {
        GatewayError::InvalidAuthentication | GatewayError::NoAuthentication => bad_token(place),
        GatewayError::DisallowedGatewayIntents => format!(
            "Discord does not give this bot the intent `Message Content` (4014): turn it on at discord.com/developers/applications, \
             page Bot of its application, or set {place}.message_content = false"
        ),
        GatewayError::InvalidGatewayIntents => {
            "Discord does not know the intents that this version asks for (4013): is there a newer one?".into()
        }
        other => format!("Discord's gateway refused the connection: {other}"),
    }
}

struct Handler {
    shared: Arc<Shared>,
    teller: watch::Sender<State>,
}

#[async_trait]
impl RawEventHandler for Handler {
    /// Waits for nothing, which is what keeps events in order.
    async fn raw_event(&self, _: Context, event: Event) {
        self.shared.take(event);
    }
}

#[async_trait]
impl EventHandler for Handler {
    async fn shard_stage_update(&self, _: Context, change: ShardStageUpdateEvent) {
        let shard = change.shard_id.0;
        tracing::debug!(shard, stage = ?change.new, "discord's gateway");
        self.teller.send_if_modified(|state| match change.new {
            ConnectionStage::Connected => state.connected.insert(shard),
            _ => state.connected.remove(&shard),
        });
    }
}
