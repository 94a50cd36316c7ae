//! The worker as a daemon: a consumer of the inbound shards whose handler is the turn.

use std::sync::Arc;

use bus::{Consumer, ConsumerConfig, ConsumerStatus, LeaseConfig, Previews, Role};
use service::{Context, Daemon, OnEnd, Problem, Settings, StartError};
use tokio_util::sync::CancellationToken;

use crate::{model, prompt::Prompt, turn::Turns};

/// See the module.
#[derive(Debug)]
pub struct Inference {
    consumer: Option<Consumer<Turns>>,
    status: Arc<ConsumerStatus>,
    model: String,
    /// Kept so that the publisher has a sender for as long as the process runs.
    _previews: Previews,
    /// Stops the consumer.
    stop: CancellationToken,
    /// Cancelled once the consumer has drained.
    drained: CancellationToken,
}

impl Daemon for Inference {
    const SERVICE: &'static str = "inference";
    const INSTANCE_PREFIX: &'static str = "worker-";
    const HEALTH_PORT: u16 = 9091;

    fn refuse(settings: &Settings) -> Vec<Problem> {
        Prompt::new(&settings.prompt)
            .err()
            .map(|message| Problem { place: "prompt.system".into(), message })
            .into_iter()
            .collect()
    }

    async fn prepare(context: &Context) -> Result<Self, StartError> {
        let settings = &context.settings;
        let model = model::from_settings(&settings.model).map_err(StartError::Configuration)?;
        let name = model.name().to_owned();
        let (previews, publishing) = Previews::new(context.bus.clone(), context.tasks.stop().clone());
        context.tasks.spawn_needed("previews", publishing);
        let turns = Turns::new(Arc::clone(settings), model, previews.clone()).map_err(StartError::Configuration)?;
        let config = ConsumerConfig {
            role: Role::Inbound,
            instance: context.instance.clone(),
            lease: LeaseConfig { ttl: settings.bus.lease_ttl, renew: settings.bus.lease_renew },
            turns_max: settings.inference.turns_max,
            window_entries: settings.bus.window_entries,
            window_bytes: usize::try_from(settings.bus.window_bytes.as_u64()).unwrap_or(usize::MAX),
            failures_max: settings.inference.failures_max,
            deaths_max: settings.inference.deaths_max,
            drain: settings.shutdown.drain,
            stuck_after: settings.bus.stuck_after,
        };
        let consumer = Consumer::new(context.bus.clone(), config, Arc::new(turns));
        let status = consumer.status();
        context.health.check_with("inbound consumer", move || status.fault());
        Ok(Self {
            status: consumer.status(),
            consumer: Some(consumer),
            model: name,
            _previews: previews,
            stop: CancellationToken::new(),
            drained: CancellationToken::new(),
        })
    }

    async fn start(&mut self, context: &Context) -> Result<(), StartError> {
        if let Some(consumer) = self.consumer.take() {
            let (stop, drained) = (self.stop.clone(), self.drained.clone().drop_guard());
            context.tasks.spawn("inbound consumer", OnEnd::NeededUntil(stop.clone()), async move {
                consumer.run(stop).await;
                drop(drained);
            });
        }
        tracing::info!(model = %self.model, "answers come from this model");
        Ok(())
    }

    fn addresses(&self) -> Vec<String> {
        vec![format!("model {}", self.model)]
    }

    async fn drain(self, _context: &Context) {
        tracing::info!(turns = self.status.running(), "taking no more turns");
        self.stop.cancel();
        self.drained.cancelled().await;
    }
}
