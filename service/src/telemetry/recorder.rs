//! The Prometheus recorder.

use std::{sync::OnceLock, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing_appender::non_blocking::ErrorCounter;

/// Upper bounds of every histogram in seconds: from 50 us to 60 s, about three a decade.
const BUCKETS: [f64; 20] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0, 20.0, 30.0, 60.0,
];
/// Samples pile up in memory between scrapes unless they are folded into their buckets.
const UPKEEP: Duration = Duration::from_secs(5);

/// Renders what was recorded.
pub(crate) type Recorder = PrometheusHandle;

/// Installs the process's recorder, once.
///
/// # Errors
/// What the exporter refused.
pub(crate) fn start_metrics() -> Result<Recorder, String> {
    static INSTALLED: OnceLock<Recorder> = OnceLock::new();
    if let Some(recorder) = INSTALLED.get() {
        return Ok(recorder.clone());
    }
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS)
        .map_err(|error| error.to_string())?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| error.to_string())?;
    super::describe::describe_all();
    Ok(INSTALLED.get_or_init(|| handle).clone())
}

/// Folds samples and counts dropped log lines until `stop`.
pub(crate) async fn keep_up(recorder: Recorder, dropped: Option<ErrorCounter>, stop: CancellationToken) {
    let lines = metrics::counter!("stargazer_log_lines_dropped_total");
    let mut upkeep = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = upkeep.tick() => {
                recorder.run_upkeep();
                lines.absolute(dropped.as_ref().map_or(0, |dropped| dropped.dropped_lines() as u64));
            }
        }
    }
}
