//! Why an event is not taken.

/// What WebChat shows to who caused the event. Discord's messages are read again instead.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The event breaks a rule of the wire; the same event will again.
    #[error("the event cannot be sent: {0}")]
    Invalid(#[from] codec::Error),
    /// More events wait than can be kept: Redis is away, or the workers are behind.
    #[error("the gateway's buffer is full; see gateway.buffer_entries and gateway.buffer_bytes")]
    BufferFull,
    /// The workers are so far behind on this shard that neither its stream nor the buffer take more.
    #[error(
        "the stream of shard {shard} is full, and so is its part of the gateway's buffer; are enough workers running?"
    )]
    StreamFull {
        /// Number of the shard.
        shard: u16,
    },
    /// The process stops.
    #[error("the gateway stops")]
    Stopping,
}

impl Refused {
    /// Whether there may be room for the same event later.
    #[must_use]
    pub fn is_for_now(&self) -> bool {
        matches!(self, Self::BufferFull | Self::StreamFull { .. })
    }

    /// A word for metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(error) => error.rule.code(),
            Self::BufferFull => "buffer_full",
            Self::StreamFull { .. } => "stream_full",
            Self::Stopping => "stopping",
        }
    }
}
