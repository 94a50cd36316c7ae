//! Settings: one file, every key overridable from the environment, every fault reported at once.
//!
//! All keys are described once, in [`sections`]; reading, checking, `stargazer config default` and the documentation come
//! from there. Nothing outside this module reads the environment.

mod document;
mod macros;
mod platforms;
mod problem;
mod relations;
mod sections;
mod slash;
mod source;
mod subject;
mod value;

use secrecy::{ExposeSecret, SecretString};

pub use document::Document;
pub use platforms::{Platform, PlatformKind};
pub use problem::Problem;
pub use sections::{
    Access, Boot, Bus, Commands, Discord, DiscordCommand, Gateway, HealthSettings, History, Inference, Log, Media,
    Model, Prompt, Redis, Room, Shutdown, WebChat,
};
pub use source::Source;
pub use subject::{Subject, SubjectKind};
pub use value::{Durability, LogFormat};

/// Everything that a deployment may set, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where Redis is.
    pub redis: Redis,
    /// Streams, shards and leases.
    pub bus: Bus,
    /// Starting.
    pub boot: Boot,
    /// Stopping.
    pub shutdown: Shutdown,
    /// Health and metrics.
    pub health: HealthSettings,
    /// Logs.
    pub log: Log,
    /// The gateway.
    pub gateway: Gateway,
    /// Files that come with messages and go with answers.
    pub media: Media,
    /// The worker.
    pub inference: Inference,
    /// Who is answered.
    pub access: Access,
    /// What users may ask of the assistant itself.
    pub commands: Commands,
    /// The model.
    pub model: Model,
    /// The system prompt.
    pub prompt: Prompt,
    /// What is remembered of a conversation.
    pub history: History,
    /// The platforms, by name.
    pub platforms: Vec<Platform>,
}

/// However many shards there are, each may hold a burst.
const STREAM_BOUND_MIN: u64 = 1000;

/// What `OPENROUTER_API_KEY` alone selects.
const OPENROUTER_URL: &str = "https://openrouter.ai/api/v1";
const OPENROUTER_MODEL: &str = "openrouter/auto";

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// Every problem found, each with its key and what to do.
    pub fn read(mut source: Source) -> Result<Self, Vec<Problem>> {
        let mut problems = source.take_problems();
        let mut settings = Self {
            redis: Redis::read(Redis::PATH, &mut source, &mut problems),
            bus: Bus::read(Bus::PATH, &mut source, &mut problems),
            boot: Boot::read(Boot::PATH, &mut source, &mut problems),
            shutdown: Shutdown::read(Shutdown::PATH, &mut source, &mut problems),
            health: HealthSettings::read(HealthSettings::PATH, &mut source, &mut problems),
            log: Log::read(Log::PATH, &mut source, &mut problems),
            gateway: Gateway::read(Gateway::PATH, &mut source, &mut problems),
            media: Media::read(Media::PATH, &mut source, &mut problems),
            inference: Inference::read(Inference::PATH, &mut source, &mut problems),
            access: Access::read(Access::PATH, &mut source, &mut problems),
            commands: Commands::read(Commands::PATH, &mut source, &mut problems),
            model: Model::read(Model::PATH, &mut source, &mut problems),
            prompt: Prompt::read(Prompt::PATH, &mut source, &mut problems),
            history: History::read(History::PATH, &mut source, &mut problems),
            platforms: platforms::read(&mut source, &mut problems),
        };
        if settings.model.base_url.is_none()
            && let Some(key) = source.openrouter_key()
        {
            settings.model.base_url = Some(OPENROUTER_URL.into());
            settings.model.name.get_or_insert_with(|| OPENROUTER_MODEL.into());
            settings.model.api_key.get_or_insert_with(|| SecretString::from(key));
        }
        settings.media.folder = settings.media.folder.or_else(|| source.cache().map(|folder| folder.join("media")));
        relations::check(&settings, &mut problems);
        problems.extend(source.unknown());
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }

    /// The same with what of `new` takes effect without a start.
    #[must_use]
    pub(crate) fn with_live(&self, new: Self) -> Self {
        let Self { access, commands, history, model, prompt, inference, .. } = new;
        let Inference { retract_deleted, rooms, .. } = inference;
        let inference = Inference { retract_deleted, rooms, ..self.inference.clone() };
        Self { access, commands, history, model, prompt, inference, ..self.clone() }
    }

    /// Where Redis is. Not for logs: it may hold a password.
    #[must_use]
    pub fn redis_url(&self) -> &str {
        self.redis.url.expose_secret()
    }

    /// Unfinished entries that one shard's stream may hold.
    #[must_use]
    pub fn stream_bound(&self) -> u64 {
        (self.bus.backlog / u64::from(self.bus.shards.max(1))).max(STREAM_BOUND_MIN)
    }

    /// When a step on the bus counts as done.
    #[must_use]
    pub fn durability(&self) -> bus::Durability {
        match self.bus.durability {
            Durability::Local => bus::Durability::Local,
            Durability::Replicated => bus::Durability::Replicated(self.bus.replica_timeout),
        }
    }

    /// The names on the wire that these settings choose.
    ///
    /// # Errors
    /// When the number of shards is no layout.
    pub fn names(&self) -> Result<bus::Names, bus::Error> {
        Ok(bus::Names {
            inbound_stream: self.bus.inbound_stream.clone(),
            worker_group: self.bus.worker_group.clone(),
            outbound_stream_prefix: self.bus.outbound_stream_prefix.clone(),
            gateway_group_prefix: self.bus.gateway_group_prefix.clone(),
            shards: bus::Shards::new(self.bus.shards)?,
        })
    }
}

#[cfg(test)]
mod tests;
