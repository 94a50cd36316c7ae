//! What daemons that have started still lack, as their readiness tells it.

use std::{net::SocketAddr, time::Duration};

use tokio::time::{Instant, sleep};

use super::http;

/// A daemon has started before everything in it works; so long that may take before a person is told.
const PATIENCE: Duration = Duration::from_secs(3);
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Waits until the daemon whose health endpoints are at `address` is ready; or else gives what it lacks, a line each.
pub(super) async fn complaints(address: SocketAddr) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let report = http::get(address, "/readyz").await;
        if report.as_ref().is_some_and(|report| report.status == 200) {
            return Vec::new();
        }
        if Instant::now() >= deadline {
            return report.map_or_else(|| vec!["does not answer".to_owned()], |report| lacking(&report.body));
        }
        sleep(ASK_EVERY).await;
    }
}

fn lacking(report: &serde_json::Value) -> Vec<String> {
    let checks = report.get("checks").and_then(serde_json::Value::as_object);
    let wrong = checks.into_iter().flatten().filter_map(|(name, state)| Some((name, state.as_str()?)));
    wrong.filter(|(_, state)| *state != "ok").map(|(name, state)| format!("{name}: {state}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lacking;

    #[test]
    fn what_is_wrong_is_named() {
        let report = json!({"ready": false, "checks": {"redis": "ok", "webchat": "cannot listen"}});
        assert_eq!(lacking(&report), ["webchat: cannot listen"]);
        assert_eq!(lacking(&json!({})), Vec::<String>::new());
    }
}
