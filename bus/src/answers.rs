//! The streams that answers go to: one for each process that asks, read by it alone, from its end.

use std::time::Duration;

use crate::{Bus, Error, clock::unix_ms};

/// What every such stream's name begins with.
const PREFIX: &str = "sg:stream:reply:";
/// Answers that one keeps. Who reads it is far nearer to its end.
const KEPT: usize = 1000;
/// For so long it lives after its last answer: its reader may be gone for good.
const TTL: Duration = Duration::from_secs(60 * 60);

/// Writes answers.
#[derive(Debug, Clone)]
pub struct Answers {
    bus: Bus,
}

impl Answers {
    /// Answers on this bus.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self { bus }
    }

    /// Whether this is the name of such a stream. Nothing is to be written to others on somebody's word.
    #[must_use]
    pub fn is_stream(name: &str) -> bool {
        name.len() > PREFIX.len() && name.starts_with(PREFIX)
    }

    /// The stream of a process.
    #[must_use]
    pub fn stream_of(instance: &str) -> String {
        [PREFIX, instance].concat()
    }

    /// Appends one answer. It may be there already where this is repeated: the reader tells by its id.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn append(&self, stream: &str, data: &[u8], trace_id: &str) -> Result<(), Error> {
        redis::pipe()
            .cmd("XADD")
            .arg(stream)
            .arg("MAXLEN")
            .arg("~")
            .arg(KEPT)
            .arg("*")
            .arg("data")
            .arg(data)
            .arg("ts")
            .arg(unix_ms())
            .arg("trace_id")
            .arg(trace_id)
            .ignore()
            .cmd("EXPIRE")
            .arg(stream)
            .arg(TTL.as_secs())
            .ignore()
            .query_async(&mut self.bus.shared())
            .await
            .map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_streams_of_answers_are_written_to() {
        assert!(Answers::is_stream(&Answers::stream_of("worker-1")));
        assert!(!Answers::is_stream("sg:stream:inbound") && !Answers::is_stream(PREFIX));
    }
}
