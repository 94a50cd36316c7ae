//! Waiting for events, never for time.

use std::time::Duration;

/// The longest that a test waits for something that should happen soon. Generous: these machines are shared.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Awaits `future`, and fails the test by name when it takes longer than a test's patience.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not happen within {PATIENCE:?}"),
    }
}

/// Asks again and again until there is an answer.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    within(what, async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

/// Asks again and again until it is so.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    eventually(what, || {
        let asked = is_so();
        async { asked.await.then_some(()) }
    })
    .await;
}
