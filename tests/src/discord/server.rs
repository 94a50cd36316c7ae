//! The server itself: where it listens, what it begins with, and a test's hand on it.

use std::{
    io,
    net::{Shutdown, SocketAddr},
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use axum::{
    Router,
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{
    cdn::Cdn,
    clock::Clock,
    faults::{Fault, Faults, Odds},
    gateway::{Hub, Intents, Rules},
    id::Snowflake,
    interactions::Interactions,
    ledger::{Exchange, Ledger},
    limits::{Group, Limits},
    nonces::Nonces,
    rest,
    state::{Shared, State},
    world::{Bot, World},
};

/// What a server is to be like, before it starts.
#[derive(Debug)]
pub struct DiscordBuilder {
    seed: u64,
    address: SocketAddr,
    clock: Clock,
    rules: Rules,
    limits: Limits,
    nonce_window: Duration,
    file_life: Duration,
}

impl DiscordBuilder {
    /// Where to listen instead of a free port.
    #[must_use]
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// A clock to stop and move; the machine's time otherwise.
    #[must_use]
    pub fn clock(mut self, clock: &Clock) -> Self {
        self.clock = clock.clone();
        self
    }

    /// What HELLO says; 41.25 s otherwise.
    #[must_use]
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.rules.heartbeat = every;
        self
    }

    /// How long a session waits for RESUME, and how many dispatches it keeps for it; 2 min and 1,000 otherwise.
    #[must_use]
    pub fn replay(mut self, within: Duration, dispatches_max: usize) -> Self {
        (self.rules.resume_within, self.rules.replay_max) = (within, dispatches_max);
        self
    }

    /// How long one key of identifies waits for the next; 5 s otherwise.
    #[must_use]
    pub fn identify_every(mut self, every: Duration) -> Self {
        self.rules.identify_every = every;
        self
    }

    /// How many guilds a shard takes; 2,500 otherwise.
    #[must_use]
    pub fn shard_guilds_max(mut self, guilds: usize) -> Self {
        self.rules.shard_guilds_max = guilds;
        self
    }

    /// Another size of a bucket.
    #[must_use]
    pub fn limit(mut self, group: Group, requests: u32, window: Duration) -> Self {
        self.limits.set(group, requests, window);
        self
    }

    /// Requests a second of one bot; 50 otherwise.
    #[must_use]
    pub fn global_limit(mut self, requests: u32) -> Self {
        self.limits.global_max = requests;
        self
    }

    /// No rate limits at all.
    #[must_use]
    pub fn without_limits(mut self) -> Self {
        self.limits.is_off = true;
        self
    }

    /// How long an answer may be on its way to the client (50 ms otherwise): a request that comes sooner does not break a limit
    /// that the answer told of. For a client that asks one thing at a time, zero.
    #[must_use]
    pub fn flight(mut self, flight: Duration) -> Self {
        self.limits.flight = flight;
        self
    }

    /// How long an enforced nonce is remembered; 3 min otherwise.
    #[must_use]
    pub fn nonce_window(mut self, window: Duration) -> Self {
        self.nonce_window = window;
        self
    }

    /// How long a file's address is good; a day otherwise.
    #[must_use]
    pub fn file_life(mut self, life: Duration) -> Self {
        self.file_life = life;
        self
    }

    /// Starts it. Panics on an address that is not loopback: what is said here is for nobody else.
    pub async fn start(self) -> DiscordServer {
        assert!(
            self.address.ip().is_loopback(),
            "the simulated Discord listens on loopback only, not on {}",
            self.address
        );
        let listener = TcpListener::bind(self.address).await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = State {
            address,
            world: World::new(self.clock.clone(), Cdn::new(address, self.seed, self.file_life)),
            hub: Hub::new(self.rules),
            limits: self.limits,
            nonces: Nonces::new(self.nonce_window),
            interactions: Interactions::default(),
            faults: Faults::new(self.seed),
            ledger: Ledger::default(),
            resume_url: None,
            chance: fastrand::Rng::with_seed(self.seed),
        };
        let shared = Shared::new(self.clock, state);
        let router = Router::new().fallback(rest::serve).with_state(Arc::clone(&shared));
        let wires = Wires::default();
        let listener = Loopback { listener, wires: Arc::clone(&wires) };
        let service = router.into_make_service_with_connect_info::<Wire>();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // Ends with the set alone.
            let _ = axum::serve(listener, service).await;
        });
        DiscordServer { address, shared, wires, _tasks: tasks }
    }
}

/// A simulated Discord on loopback, stopped with this value.
#[derive(Debug)]
pub struct DiscordServer {
    address: SocketAddr,
    pub(super) shared: Arc<Shared>,
    wires: Wires,
    /// Aborted with this value.
    _tasks: JoinSet<()>,
}

/// Connections that may still be open, so that they end with the server.
type Wires = Arc<Mutex<Vec<Weak<std::net::TcpStream>>>>;

/// What a bot is, besides its name.
#[derive(Debug, Clone, Copy)]
pub struct BotRules {
    /// Those of the privileged intents that its owner turned on.
    pub privileged: Intents,
    /// Identifies at once per 5 s.
    pub max_concurrency: u64,
    /// What GET /gateway/bot recommends.
    pub shards: u64,
    /// Identifies a day.
    pub starts_max: u32,
}

impl Default for BotRules {
    fn default() -> Self {
        Self { privileged: Intents::PRIVILEGED, max_concurrency: 1, shards: 1, starts_max: 1_000 }
    }
}

impl DiscordServer {
    /// One to be set up.
    #[must_use]
    pub fn builder(seed: u64) -> DiscordBuilder {
        DiscordBuilder {
            seed,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: Clock::flowing(),
            rules: Rules::default(),
            limits: Limits::new(),
            nonce_window: Duration::from_secs(180),
            file_life: Duration::from_secs(24 * 60 * 60),
        }
    }

    /// One with the usual rules.
    pub async fn new(seed: u64) -> Self {
        Self::builder(seed).start().await
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base to which clients add `/api/v10/...`.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What GET /gateway answers.
    #[must_use]
    pub fn gateway_url(&self) -> String {
        self.shared.look(State::gateway_url)
    }

    /// A new application with a bot user.
    pub fn add_bot(&self, name: &str, rules: BotRules) -> BotHandle {
        self.shared.with(|state| {
            let id = state.world.add_user(name);
            // As tokens look: the id, a time, a signature.
            let token = format!("bot{id}.{:08x}.{:032x}", state.chance.u32(..), state.chance.u128(..));
            let BotRules { privileged, max_concurrency, shards, starts_max } = rules;
            let starts_reset = state.world.clock.now() + Duration::from_secs(24 * 60 * 60);
            let bot = Bot {
                id,
                token: token.clone(),
                privileged,
                max_concurrency,
                shards,
                shards_min: 1,
                starts: (starts_max, starts_max),
                starts_reset,
                commands: Default::default(),
            };
            state.world.bots.insert(id, bot);
            BotHandle { id, token }
        })
    }

    /// What the next request with this method and a path that contains `path` meets.
    pub fn script(&self, method: &str, path: &str, fault: Fault) {
        self.shared.with(|state| state.faults.script(method, path, fault));
    }

    /// What requests meet by chance from now on, drawn from the seed.
    pub fn chances(&self, odds: Odds) {
        self.shared.with(|state| state.faults.set(odds));
    }

    /// All requests so far, the last 100,000.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.look(|state| state.ledger.exchanges())
    }

    /// How often a client was refused although it could have known: `X-RateLimit-Remaining: 0`, or a 429 before.
    #[must_use]
    pub fn limits_broken(&self) -> u64 {
        self.shared.look(|state| state.ledger.breaches)
    }

    /// Identifies that came too soon after another one of their key, or when none was left of the day:
    /// discord.com/developers/docs/topics/gateway#session-start-limit-object.
    #[must_use]
    pub fn identifies_broken(&self) -> u64 {
        self.shared.look(|state| state.ledger.early_identifies)
    }

    /// 401, 403 and 429 of the last ten minutes, of which 10,000 get an address banned.
    #[must_use]
    pub fn invalid_requests(&self) -> usize {
        self.shared.look(|state| state.ledger.invalid(state.world.clock.now()))
    }
}

impl Drop for DiscordServer {
    fn drop(&mut self) {
        let wires = std::mem::take(&mut *self.wires.lock().unwrap());
        wires.iter().filter_map(Weak::upgrade).for_each(|wire| Wire(wire).cut());
    }
}

/// A bot's name for itself.
#[derive(Debug, Clone)]
pub struct BotHandle {
    /// Of its user and its application.
    pub id: Snowflake,
    /// What it identifies with.
    pub token: String,
}

/// Listens, and keeps a second handle on each connection.
struct Loopback {
    listener: TcpListener,
    wires: Wires,
}

impl Listener for Loopback {
    type Io = TcpStream;
    type Addr = Wire;

    async fn accept(&mut self) -> (TcpStream, Wire) {
        loop {
            // What cannot be had twice is dropped: the client sees a connection that ends, and comes again.
            let accepted = self.listener.accept().await.and_then(|(stream, from)| {
                if !from.ip().is_loopback() {
                    return Err(io::ErrorKind::PermissionDenied.into());
                }
                let _ = stream.set_nodelay(true);
                let stream = stream.into_std()?;
                let wire = Wire(Arc::new(stream.try_clone()?));
                let mut wires = self.wires.lock().unwrap();
                wires.retain(|wire| wire.strong_count() > 0);
                wires.push(Arc::downgrade(&wire.0));
                Ok((TcpStream::from_std(stream)?, wire))
            });
            if let Ok(accepted) = accepted {
                return accepted;
            }
        }
    }

    fn local_addr(&self) -> io::Result<Wire> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// The second handle: ends a connection in the middle of a request.
#[derive(Debug, Clone)]
pub(crate) struct Wire(Arc<std::net::TcpStream>);

impl Wire {
    pub(crate) fn cut(&self) {
        // Gone already is as good.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Connected<IncomingStream<'_, Loopback>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Loopback>) -> Self {
        stream.remote_addr().clone()
    }
}
