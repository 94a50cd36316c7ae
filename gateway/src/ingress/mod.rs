//! From a platform's event to an envelope on the stream of its lane's shard.

use std::sync::Arc;

use bus::{Names, Queue, Role, unix_ms};
use codec::Inbound;
use uuid::Uuid;

/// Makes entries for the inbound shards.
#[derive(Debug, Clone)]
pub(crate) struct Ingress {
    names: Arc<Names>,
    /// Unfinished entries that one shard's stream may hold.
    bound: u64,
}

impl Ingress {
    pub(crate) fn new(names: Arc<Names>, bound: u64) -> Self {
        Self { names, bound }
    }

    /// Checks an event, gives it a trace, and makes the entry that carries it.
    ///
    /// # Errors
    /// Which field of the event cannot be sent.
    pub(crate) fn entry(&self, mut inbound: Inbound) -> Result<Queue, codec::Error> {
        let trace_id = Uuid::now_v7().to_string();
        inbound.trace_id.clone_from(&trace_id);
        inbound.enqueued_at = unix_ms() as f64 / 1000.0;
        if let Err(error) = inbound.validate() {
            metrics::counter!("stargazer_ingress_refused_total", "platform" => inbound.platform, "rule" => error.rule.code())
                .increment(1);
            return Err(error);
        }
        let stream = self.names.stream(&Role::Inbound, self.names.shards.of(&inbound.channel_key));
        metrics::counter!("stargazer_ingress_events_total", "platform" => inbound.platform.clone(), "kind" => inbound.kind.as_str())
            .increment(1);
        Ok(Queue { stream, bound: self.bound, data: inbound.to_bytes(), trace_id })
    }
}
