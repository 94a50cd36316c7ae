//! The whole service: Redis, a gateway, workers.

use bus::Shards;
use std::net::SocketAddr;

use crate::{FreePort, ModelServer, Process, Program, RedisServer, Settings, WebChatClient};

/// A gateway and its workers on a Redis of their own. Its parts are public: tests kill, freeze and restart them.
#[derive(Debug)]
pub struct Pair {
    /// The gateway.
    pub gateway: Process,
    /// The workers.
    pub workers: Vec<Process>,
    /// What they share.
    pub redis: RedisServer,
    webchat: FreePort,
    settings: Settings,
}

impl Pair {
    /// A gateway and one worker that answers by the built-in echo, both ready.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A gateway and one worker that use `model`, both ready.
    pub async fn with_model(model: &ModelServer) -> Self {
        Self::with(&[("SG_MODEL_BASE_URL", &model.base_url()), ("SG_MODEL_NAME", ModelServer::MODEL)]).await
    }

    /// A gateway and one worker with these settings over the harness' own, both ready.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::on(RedisServer::new().await, settings).await
    }

    /// The same on a Redis that is there.
    pub async fn on(redis: RedisServer, settings: &[(&str, &str)]) -> Self {
        let webchat = FreePort::new();
        let mut all = Self::settings_on(&redis);
        all.insert("SG_WEBCHAT_ADDR".into(), webchat.to_string());
        // Tests are faster than people; those of the limit itself set it.
        all.insert("SG_PLATFORM__WEBCHAT__MESSAGES_PER_MINUTE".into(), "10000".into());
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut gateway = Process::start(Program::Gateway, all.clone());
        let mut worker = Process::start(Program::Inference, all.clone());
        gateway.wait_ready().await;
        worker.wait_ready().await;
        Self { gateway, workers: vec![worker], redis, webchat, settings: all }
    }

    /// What any process on this Redis is started with: leases short enough for a test to see them end.
    #[must_use]
    pub fn settings_on(redis: &RedisServer) -> Settings {
        [("SG_REDIS_URL", redis.url().as_str()), ("SG_BUS__LEASE_TTL", "1s"), ("SG_BUS__LEASE_RENEW", "250ms")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    /// What its processes were started with.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// One worker more, ready.
    pub async fn add_worker(&mut self) {
        let mut worker = Process::start(Program::Inference, self.settings.clone());
        worker.wait_ready().await;
        self.workers.push(worker);
    }

    /// A second gateway beside this pair's, ready, and the port of its page.
    pub async fn another_gateway(&self) -> (Process, FreePort) {
        let webchat = FreePort::new();
        let mut settings = self.settings.clone();
        settings.insert("SG_WEBCHAT_ADDR".into(), webchat.to_string());
        let mut gateway = Process::start(Program::Gateway, settings);
        gateway.wait_ready().await;
        (gateway, webchat)
    }

    /// The page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.webchat)
    }

    /// Where the page is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.webchat.address()
    }

    /// A new visitor.
    pub async fn visitor(&self) -> WebChatClient {
        WebChatClient::new(self.webchat.address()).await
    }

    /// Whether two chats lie on one shard.
    pub async fn shares_shard(&self, one: &str, other: &str) -> bool {
        let bus = self.redis.bus(Shards::DEFAULT).await;
        let shard = |chat| bus.names().shards.of(&format!("webchat:{chat}"));
        shard(one) == shard(other)
    }

    /// Appends an entry to a stream, as any service does.
    pub async fn append(&self, stream: &str, data: &[u8]) {
        let stream = stream.as_bytes();
        let command: [&[u8]; 9] = [b"XADD", stream, b"*", b"data", data, b"ts", b"1", b"trace_id", b"t"];
        self.redis.command_bytes(&command).await;
    }

    /// Dead letters of all shards: the reasons.
    pub async fn dead_letters(&self) -> Vec<String> {
        dead_letters(&self.redis).await
    }

    /// Entries that no process has finished, over all inbound streams.
    pub async fn unfinished(&self) -> i64 {
        unfinished(&self.redis).await
    }
}

/// Dead letters of all shards of a service on this Redis: the reasons.
pub async fn dead_letters(redis: &RedisServer) -> Vec<String> {
    let mut reasons = Vec::new();
    for shard in 0..16 {
        let entries = redis.command(["XRANGE", &format!("sg:stream:dlq:{{{shard}}}"), "-", "+"]).await;
        for entry in entries.list() {
            let fields = entry.list()[1].list();
            let error = fields.chunks(2).find(|pair| pair[0].text() == "error");
            reasons.push(error.map_or_else(String::new, |pair| pair[1].text().to_owned()));
        }
    }
    reasons
}

/// Entries that no process has finished, over all inbound streams of a service on this Redis.
pub async fn unfinished(redis: &RedisServer) -> i64 {
    let mut count = 0;
    for shard in 0..16 {
        let groups = redis.command(["XINFO", "GROUPS", &format!("sg:stream:inbound:{{{shard}}}")]).await;
        for group in groups.list() {
            let number = |name: &str| {
                group.list().chunks(2).find(|pair| pair[0].text() == name).map_or(0, |pair| pair[1].number())
            };
            count += number("pending") + number("lag");
        }
    }
    count
}
