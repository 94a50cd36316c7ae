//! The sequence itself, from a connected bus to a drained process.

use std::{sync::Arc, time::Duration};

use bus::{Bus, BusConfig, Names, Registry};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};
use tracing_appender::non_blocking::ErrorCounter;
use uuid::Uuid;

use super::{
    daemon::{Context, Daemon, StartError},
    heartbeat,
    phase::{Phase, Phases},
    reload::{Origin, Reload},
    signals::Signals,
};
use crate::{
    Exit, Health, Settings, Tasks,
    health::HealthServer,
    telemetry::{keep_up, start_metrics},
};

/// How long a Redis may load its data while the process waits for it, and how often it is asked.
const LOADED_WITHIN: Duration = Duration::from_secs(600);
const LOADING_AGAIN: Duration = Duration::from_millis(100);

/// Boots, runs and drains a daemon, and says by `phases` how far it is. `origin` is where the settings are read from
/// anew. `dropped` counts log lines, where there is a log.
pub async fn run<D: Daemon>(
    settings: Settings,
    origin: Origin,
    dropped: Option<ErrorCounter>,
    phases: &Phases,
) -> Exit {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!(%error, "signals cannot be handled");
            return Exit::Internal;
        }
    };
    phases.enter(Phase::SetUp);
    let (tasks, mut broken) = Tasks::new();
    let redis = without_password(settings.redis_url());
    let mut running = None;
    let mut exit = tokio::select! {
        biased;
        signal = signals.next() => {
            tracing::info!(signal, "stopped while starting");
            Exit::Clean
        }
        booted = boot::<D>(settings, origin, dropped, &tasks, phases) => match booted {
            Ok(up) => { running = Some(up); Exit::Clean }
            Err(error) => refused(&error, &redis),
        },
    };
    let Some(Up { daemon, context, server, registry }) = running else {
        tasks.stop().cancel();
        return exit;
    };

    tokio::select! {
        biased;
        signal = signals.next() => tracing::info!(signal, "stopping"),
        Some(task) = broken.recv() => {
            tracing::error!(task, "stopping, since a task that is needed ended");
            exit = Exit::Internal;
        }
    }

    phases.enter(Phase::Draining);
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    let drain = async {
        context.health.check("stopping").bad("the process is stopping");
        if let Err(error) = registry.remove().await {
            tracing::debug!(%error, "registry entry left to expire");
        }
        daemon.drain(&context).await;
        tasks.end().await;
        // The heartbeat may have written once more while the rest drained.
        let _ = registry.remove().await;
        phases.enter(Phase::Drained);
        server.stop();
    };
    tokio::select! {
        biased;
        () = drain => {}
        () = signals.end_at_next() => {}
    }
    tracing::info!("stopped");
    exit
}

struct Up<D> {
    daemon: D,
    context: Context,
    server: HealthServer,
    registry: Registry,
}

async fn boot<D: Daemon>(
    settings: Settings,
    origin: Origin,
    dropped: Option<ErrorCounter>,
    tasks: &Tasks,
    phases: &Phases,
) -> Result<Up<D>, StartError> {
    // From here on it does not end the process.
    let hangup = signal(SignalKind::hangup()).map_err(|error| StartError::Internal(format!("no SIGHUP: {error}")))?;
    let recorder = start_metrics().map_err(StartError::Internal)?;
    let instance = format!("{}{}", D::INSTANCE_PREFIX, &Uuid::new_v4().simple().to_string()[..8]);
    tracing::info!(service = D::SERVICE, %instance, version = env!("CARGO_PKG_VERSION"), "starting");
    phases.enter(Phase::Connecting);
    sleep(jitter(settings.boot.jitter)).await;
    let names = settings.names().map_err(StartError::from)?;
    let bus = connect(BusConfig { url: settings.redis_url().to_owned(), names }).await?;
    let bus = bus.with_durability(settings.durability());

    phases.enter(Phase::Listening);
    let health = Health::default();
    // Not ready before the last step, however good the parts are by then: who sees it ready may send a signal, and that has
    // to drain.
    let started = health.check("start");
    let (bind, port) = (settings.health.bind, settings.health.port);
    let server = HealthServer::start(bind, port, D::HEALTH_PORT, health.clone(), recorder.clone())
        .map_err(StartError::Configuration)?;
    tracing::info!(url = %format!("http://{}/metrics", server.address()), "health and metrics");

    phases.enter(Phase::Preparing);
    bus.check_topology().await?;
    // Some that is rented does not tell.
    bus.keeping().await.into_iter().flat_map(|keeping| keeping.faults()).for_each(|fault| tracing::warn!("{fault}"));
    let settings = Arc::new(settings);
    let (reload, live) = Reload::new(origin, D::refuse, Arc::clone(&settings));
    let context = Context { settings, live, instance, bus, health, tasks: tasks.clone() };
    let (notices, listening) = context.bus.listen(Names::CONFIG_NOTICES, tasks.stop().clone());
    tasks.spawn_needed("config notices", listening);
    tasks.spawn_needed("settings", reload.run(hangup, notices, tasks.stop().clone()));
    tasks.spawn_needed("metrics upkeep", keep_up(recorder, dropped, tasks.stop().clone()));
    tasks.spawn_needed("redis ping", heartbeat::ping(context.clone(), tasks.stop().clone()));
    let mut daemon = D::prepare(&context).await?;

    let registry = Registry::new(context.bus.clone(), D::SERVICE, &context.instance);
    let beat = heartbeat::register(
        registry.clone(),
        context.clone(),
        D::SERVICE,
        format!("http://{}", server.address()),
        phases.subscribe(),
        tasks.stop().clone(),
    );
    tasks.spawn_needed("heartbeat", beat);
    phases.enter(Phase::Registered);

    phases.enter(Phase::Starting);
    daemon.start(&context).await?;
    // From here to the end of this function nothing is awaited, so a signal that comes now finds a process that is up.
    started.good();
    phases.enter(Phase::Ready);
    let mut addresses = daemon.addresses();
    addresses.push(format!("metrics http://{}/metrics", server.address()));
    tracing::info!(instance = %context.instance, at = %addresses.join(", "), "started");
    // systemd and `stargazer up` wait for this.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status(&addresses.join(", "))]);
    Ok(Up { daemon, context, server, registry })
}

/// Waits for a Redis that is there and still reads its file, which takes a second for some hundred MB.
async fn connect(config: BusConfig) -> Result<Bus, bus::Error> {
    let until = Instant::now() + LOADED_WITHIN;
    let mut is_said = false;
    loop {
        match Bus::connect(config.clone()).await {
            Err(bus::Error::Loading) if Instant::now() < until => {
                if !std::mem::replace(&mut is_said, true) {
                    tracing::info!("redis is still loading its data, so the start waits for it");
                }
                sleep(LOADING_AGAIN).await;
            }
            connected => return connected,
        }
    }
}

/// One clear line, and the exit code that goes with it.
fn refused(error: &StartError, redis: &str) -> Exit {
    match error {
        StartError::Configuration(message) => {
            tracing::error!("{message}");
            Exit::Configuration
        }
        StartError::NoRedis(error @ bus::Error::Refused(_)) => {
            tracing::error!("{redis}: {error}; check user, password and rights (SG_REDIS_URL)");
            Exit::NoRedis
        }
        StartError::NoRedis(error) => {
            tracing::error!(
                "{redis}: {error}; is Redis running there? Set SG_REDIS_URL, or let `stargazer up` run one"
            );
            Exit::NoRedis
        }
        StartError::Internal(message) => {
            tracing::error!("{message}");
            Exit::Internal
        }
    }
}

/// An address for people: without user and password, which may also stand in a query.
fn without_password(url: &str) -> String {
    let url = url.split('?').next().unwrap_or(url);
    match (url.split_once("://"), url.rfind('@')) {
        (Some((scheme, _)), Some(at)) => format!("{scheme}://{}", &url[at + 1..]),
        _ => url.to_owned(),
    }
}

/// A random part of `most`.
fn jitter(most: Duration) -> Duration {
    let random = Uuid::new_v4().as_u64_pair().0 >> 11;
    most.mul_f64(random as f64 / (1u64 << 53) as f64)
}
