//! What can go wrong between us and Redis, and the one question a caller asks of it: what now?

/// A failed step on the bus.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Redis did not answer, or the connection broke. Whether the step was done is unknown.
    #[error("redis did not answer: {0}")]
    Unreachable(String),
    /// Redis reads its file, and answers when it has.
    #[error("redis is still loading its data")]
    Loading,
    /// The step is done, but no replica said in time that it has it. A server that takes over may not know of it.
    #[error("no replica confirmed a step within {timeout:?}; is one connected and keeping up (INFO replication)?")]
    Unreplicated {
        /// How long it was waited.
        timeout: std::time::Duration,
    },
    /// Redis answered with an error that a repeat of the same step would meet again.
    #[error("redis refused the step: {0}")]
    Refused(String),
    /// The fence of the shard holds another owner's token. Nothing was done, and nothing of this tenure can be done again.
    #[error("shard {shard} belongs to another owner")]
    Fenced {
        /// Number of the shard.
        shard: u16,
    },
    /// A reply that this version does not understand.
    #[error("redis gave an unexpected reply to {step}")]
    Reply {
        /// The step that was answered.
        step: &'static str,
    },
    /// A reply of another shape than its command has.
    #[error(
        "redis gave an unexpected reply to {step}: expected {expected}, found {found}; is this Redis 7.0 or newer (or Valkey), with nothing in front of it that changes replies?"
    )]
    Shape {
        /// The step that was answered.
        step: &'static str,
        /// What should have been there.
        expected: &'static str,
        /// What was there.
        found: &'static str,
    },
    /// The stream holds as many unfinished entries as it may.
    #[error("stream {stream} holds {bound} unfinished entries, its bound")]
    Full {
        /// Name of the stream.
        stream: String,
        /// The bound that was reached.
        bound: u64,
    },
    /// This deployment was laid out for another number of shards.
    #[error(
        "this deployment has {stored} shards (kept at `{key}` in Redis), but the settings say {configured}: set bus.shards = {stored}, or use another Redis database"
    )]
    Topology {
        /// Key that holds the layout.
        key: String,
        /// What Redis says.
        stored: String,
        /// What the settings say.
        configured: u16,
    },
    /// A setting that cannot be used, found before anything was sent.
    #[error("{0}")]
    Setting(String),
}

/// What a caller may do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Repeat the step after a pause; every step of this crate may be repeated.
    Retry,
    /// Leave the shard: someone else owns it.
    Leave,
    /// Give up and tell a person.
    Report,
}

impl Error {
    /// The one question a caller asks.
    #[must_use]
    pub fn next(&self) -> Next {
        match self {
            Self::Unreachable(_) | Self::Loading | Self::Unreplicated { .. } | Self::Full { .. } => Next::Retry,
            Self::Fenced { .. } => Next::Leave,
            Self::Refused(_) | Self::Reply { .. } | Self::Shape { .. } | Self::Topology { .. } | Self::Setting(_) => {
                Next::Report
            }
        }
    }
}

impl From<redis::RedisError> for Error {
    fn from(error: redis::RedisError) -> Self {
        use redis::{ErrorKind, ServerErrorKind};
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::BusyLoading) => Self::Loading,
            ErrorKind::Server(
                ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ReadOnly,
            ) => Self::Unreachable(error.to_string()),
            ErrorKind::Server(_)
            | ErrorKind::Extension
            | ErrorKind::AuthenticationFailed
            | ErrorKind::InvalidClientConfig
            | ErrorKind::RESP3NotSupported => Self::Refused(error.to_string()),
            ErrorKind::UnexpectedReturnType | ErrorKind::Parse => Self::Reply { step: "a command" },
            _ => Self::Unreachable(error.to_string()),
        }
    }
}
