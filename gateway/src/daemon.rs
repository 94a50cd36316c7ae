//! The gateway as a daemon: egress first, then ingress, then the adapters, and the other way round at the end.

use std::sync::Arc;

use bus::{Bus, Consumer, ConsumerConfig, LeaseConfig, Names, Records, Role};
use service::{Context, Daemon, OnEnd, Problem, Settings, StartError};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    egress::Egress,
    ingress::{Bounds, Ingress},
    inventory,
    media::{Fetching, Media},
    platform::{self, Platform, Started, supervise},
};

/// Failures and deaths that an action may have before it becomes a dead letter.
const FAILURES_MAX: u32 = 3;
const DEATHS_MAX: u32 = 10;

/// See the module.
#[derive(Debug)]
pub struct Gateway {
    ingress: Ingress,
    platforms: Vec<Arc<dyn Platform>>,
    media: Media,
    /// Until it runs.
    fetching: Option<Fetching>,
    /// Stops the adapters, and knows when the last one has.
    adapters: (CancellationToken, TaskTracker),
    /// Stops what lies between them and Redis in both directions, and knows when it has drained.
    streams: (CancellationToken, TaskTracker),
}

impl Daemon for Gateway {
    const SERVICE: &'static str = "gateway";
    const INSTANCE_PREFIX: &'static str = "gateway-";
    const HEALTH_PORT: u16 = 9090;

    fn refuse(settings: &Settings) -> Vec<Problem> {
        let mut problems = platform::refuse(settings);
        if settings.platforms.is_empty() {
            let message = "no platform is enabled, so there is nothing to do; enable one, for example platform.webchat";
            problems.push(Problem { place: "platform".into(), message: message.into() });
        }
        problems.extend(Media::refuse(&settings.media));
        problems
    }

    async fn prepare(context: &Context) -> Result<Self, StartError> {
        let settings = &context.settings;
        let bytes = usize::try_from(settings.gateway.buffer_bytes.as_u64()).unwrap_or(usize::MAX);
        let bounds = Bounds { entries: settings.gateway.buffer_entries, bytes };
        let ingress = Ingress::new(context.bus.clone(), settings.stream_bound(), bounds);
        let opened = Media::open(context.bus.clone(), &settings.media).await;
        let (media, fetching) = opened.map_err(|error| StartError::Internal(error.to_string()))?;
        let platforms = platform::create(context, &ingress, &media).await?;
        let fetching = Some(fetching);
        Ok(Self { ingress, platforms, media, fetching, adapters: Default::default(), streams: Default::default() })
    }

    async fn start(&mut self, context: &Context) -> Result<(), StartError> {
        let has_plain = context.bus.names().has_plain_streams();
        for platform in &self.platforms {
            publish(&**platform, &context.bus).await?;
            let role = Role::Outbound(platform.name().to_string());
            // Actions that no turn commits travel on the plain stream beside the sharded ones.
            let plain = has_plain.then(|| role.plain());
            std::iter::once(role).chain(plain).for_each(|role| self.start_egress(platform, role, context));
        }
        self.start_ingress(context);
        self.start_fetching(context);
        self.start_inventory(context);
        let tried: Vec<_> = self.platforms.iter().map(|platform| self.start_adapter(platform, context)).collect();
        for mut tried in tried {
            let _ = tried.wait_for(|tried| *tried).await;
        }
        Ok(())
    }

    fn addresses(&self) -> Vec<String> {
        self.platforms.iter().filter_map(|platform| platform.address()).collect()
    }

    async fn drain(self, _context: &Context) {
        for (stop, tracker) in [self.adapters, self.streams] {
            stop.cancel();
            tracker.close();
            tracker.wait().await;
        }
    }
}

/// Lets everybody know what becomes of an action here.
async fn publish(platform: &dyn Platform, bus: &Bus) -> Result<(), StartError> {
    let can = serde_json::to_vec(platform.capabilities()).unwrap_or_default();
    Ok(Records::new(bus.clone()).put(&Names::capabilities(platform.name().as_str()), &can).await?)
}

impl Gateway {
    fn start_egress(&self, platform: &Arc<dyn Platform>, role: Role, context: &Context) {
        let settings = &context.settings;
        let check = format!("{role} egress");
        let config = ConsumerConfig {
            role,
            instance: context.instance.clone(),
            lease: LeaseConfig { ttl: settings.bus.lease_ttl, renew: settings.bus.lease_renew },
            turns_max: settings.gateway.sends_max,
            window_entries: settings.bus.window_entries,
            window_bytes: usize::try_from(settings.bus.window_bytes.as_u64()).unwrap_or(usize::MAX),
            failures_max: FAILURES_MAX,
            deaths_max: DEATHS_MAX,
            drain: settings.shutdown.drain,
            stuck_after: settings.bus.stuck_after,
        };
        let mut egress = Egress::new(Arc::clone(platform), &context.bus).with_media(self.media.clone());
        if !config.role.is_plain() {
            egress = egress.with_previews();
        }
        let egress = Arc::new(egress);
        let consumer = Consumer::new(context.bus.clone(), config, Arc::clone(&egress));
        let status = consumer.status();
        context.health.check_with(&check, move || status.fault());
        let (stop, tracker) = self.streams.clone();
        if let Some(showing) = egress.showing(context.bus.clone(), consumer.holdings(), stop.clone()) {
            context.tasks.spawn("previews", OnEnd::NeededUntil(stop.clone()), tracker.track_future(showing));
        }
        context.tasks.spawn("egress", OnEnd::NeededUntil(stop.clone()), tracker.track_future(consumer.run(stop)));
    }

    fn start_ingress(&self, context: &Context) {
        let ingress = self.ingress.clone();
        context.health.check_with("ingress", move || ingress.fault());
        let (stop, tracker) = self.streams.clone();
        let work = self.ingress.clone().run(stop.clone(), context.settings.shutdown.drain);
        context.tasks.spawn("ingress", OnEnd::NeededUntil(stop), tracker.track_future(work));
    }

    fn start_fetching(&mut self, context: &Context) {
        let Some(fetching) = self.fetching.take() else { return };
        let (stop, tracker) = self.streams.clone();
        let work = fetching.run(stop.clone(), context.settings.shutdown.drain);
        context.tasks.spawn("media", OnEnd::NeededUntil(stop), tracker.track_future(work));
    }

    fn start_inventory(&self, context: &Context) {
        let with_servers = self.platforms.iter().filter(|platform| platform.has_servers()).cloned();
        let platforms: Vec<_> = with_servers.collect();
        if platforms.is_empty() {
            return;
        }
        let settings = &context.settings.bus;
        let lease = LeaseConfig { ttl: settings.lease_ttl, renew: settings.lease_renew };
        let (stop, tracker) = self.adapters.clone();
        let work = inventory::run(platforms, context.bus.clone(), lease, stop.clone());
        context.tasks.spawn("inventory", OnEnd::NeededUntil(stop), tracker.track_future(work));
    }

    /// Gives what tells when its first try has ended.
    fn start_adapter(&self, platform: &Arc<dyn Platform>, context: &Context) -> watch::Receiver<bool> {
        let started = Started::new(context.health.check(platform.name().as_str()));
        let tried = started.tried();
        let work = supervise(Arc::clone(platform), started, self.adapters.0.clone());
        context.tasks.spawn(
            "adapter",
            OnEnd::NeededUntil(self.adapters.0.clone()),
            self.adapters.1.clone().track_future(work),
        );
        tried
    }
}
