//! The worker as a daemon: a consumer of the inbound shards whose handler is the turn.

use std::sync::Arc;

use bus::{Consumer, ConsumerConfig, ConsumerStatus, Handler, LeaseConfig, Previews, Role};
use service::{Context, Daemon, OnEnd, Problem, Settings, StartError};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    drain::Drain,
    prompt::Prompt,
    setup::{self, Setup},
    turn::Turns,
};

/// See the module.
#[derive(Debug)]
pub struct Inference {
    consumer: Option<Consumer<Turns>>,
    /// Where plain streams lie beside sharded ones.
    drain: Option<Consumer<Drain>>,
    status: Arc<ConsumerStatus>,
    model: String,
    /// Kept so that the publisher has a sender for as long as the process runs.
    _previews: Previews,
    /// Stops the consumers.
    stop: CancellationToken,
    /// Knows when the consumers have drained.
    consumers: TaskTracker,
}

impl Daemon for Inference {
    const SERVICE: &'static str = "inference";
    const INSTANCE_PREFIX: &'static str = "worker-";
    const HEALTH_PORT: u16 = 9091;

    fn refuse(settings: &Settings) -> Vec<Problem> {
        let place = if settings.prompt.system_file.is_some() { "prompt.system_file" } else { "prompt.system" };
        let fault = Prompt::new(&settings.prompt).err();
        fault.map(|message| Problem { place: place.into(), message }).into_iter().collect()
    }

    async fn prepare(context: &Context) -> Result<Self, StartError> {
        let settings = &context.settings;
        let setup = Setup::new(Arc::clone(settings)).map_err(StartError::Configuration)?;
        let name = setup.model.name().to_owned();
        let (keeping, setup) = watch::channel(Arc::new(setup));
        context.tasks.spawn_needed("setup", setup::keep(keeping, context.clone()));
        let (previews, publishing) = Previews::new(context.bus.clone(), context.tasks.stop().clone());
        context.tasks.spawn_needed("previews", publishing);
        let turns = Turns::new(setup, previews.clone(), context.bus.clone());
        let config = |role| ConsumerConfig {
            role,
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
        let consumer = Consumer::new(context.bus.clone(), config(Role::Inbound), Arc::new(turns));
        let status = consumer.status();
        context.health.check_with("inbound consumer", move || status.fault());
        let drain = context.bus.names().has_plain_streams().then(|| {
            let drain = Arc::new(Drain::new(context.bus.clone(), context.settings.stream_bound()));
            Consumer::new(context.bus.clone(), config(Role::PlainInbound), drain)
        });
        if let Some(status) = drain.as_ref().map(Consumer::status) {
            context.health.check_with("plain inbound consumer", move || status.fault());
        }
        Ok(Self {
            status: consumer.status(),
            consumer: Some(consumer),
            drain,
            model: name,
            _previews: previews,
            stop: CancellationToken::new(),
            consumers: TaskTracker::new(),
        })
    }

    async fn start(&mut self, context: &Context) -> Result<(), StartError> {
        if let Some(consumer) = self.consumer.take() {
            self.spawn(context, "inbound consumer", consumer);
        }
        if let Some(drain) = self.drain.take() {
            self.spawn(context, "plain inbound consumer", drain);
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
        self.consumers.close();
        self.consumers.wait().await;
    }
}

impl Inference {
    fn spawn<H: Handler>(&self, context: &Context, name: &'static str, consumer: Consumer<H>) {
        let work = self.consumers.track_future(consumer.run(self.stop.clone()));
        context.tasks.spawn(name, OnEnd::NeededUntil(self.stop.clone()), work);
    }
}
