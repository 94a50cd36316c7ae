//! What a live process does beside its work: its registry entry, and the pings that readiness rests on.

use std::time::Duration;

use bus::{Registry, unix_ms};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{daemon::Context, phase::Phase};

/// Between two writes of the registry entry, and between two pings.
const EVERY: Duration = Duration::from_secs(5);
/// Pings that have to fail in a row before readiness is lost.
const FAILURES: u32 = 3;

/// Writes the whole entry at every beat and at every change of phase, so that one that expired comes back.
pub(super) async fn register(
    registry: Registry,
    context: Context,
    service: &'static str,
    health: String,
    mut phase: watch::Receiver<Phase>,
    stop: CancellationToken,
) {
    let started = unix_ms();
    let mut beat = tokio::time::interval(EVERY);
    loop {
        let status = match *phase.borrow_and_update() {
            Phase::Ready if context.health.is_ready() => "ready",
            Phase::Draining | Phase::Drained => "draining",
            _ => "starting",
        };
        let entry = json!({
            "service": service, "instance": context.instance, "status": status, "pid": std::process::id(),
            "version": env!("CARGO_PKG_VERSION"), "health": health, "started_ms": started, "beat_ms": unix_ms(),
        });
        if let Err(error) = registry.write(&entry.to_string()).await {
            tracing::debug!(%error, "registry entry not written");
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            changed = phase.changed() => if changed.is_err() { return },
            _ = beat.tick() => {}
        }
    }
}

/// Keeps the check `redis`.
pub(super) async fn ping(context: Context, stop: CancellationToken) {
    let check = context.health.check("redis");
    check.good();
    let mut failures = 0;
    let mut beat = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        match context.bus.ping().await {
            Ok(()) => {
                if failures >= FAILURES {
                    tracing::info!("redis answers again");
                }
                failures = 0;
                check.good();
            }
            Err(error) => {
                failures += 1;
                if failures == FAILURES {
                    tracing::error!(%error, "redis does not answer");
                }
                if failures >= FAILURES {
                    check.bad("redis does not answer");
                }
            }
        }
    }
}
