//! The checks that readiness is made of.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The readiness of one process. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health {
    checks: Arc<Mutex<BTreeMap<String, State>>>,
}

/// What a check says: nothing is wrong, or what is.
enum State {
    Said(Option<String>),
    Asked(Box<dyn Fn() -> Option<String> + Send>),
}

/// One check. Dropped without a word it stays as it was: a check that never became good keeps the process unready.
#[derive(Debug, Clone)]
pub struct Check {
    health: Health,
    name: String,
}

impl Health {
    /// Adds a check that is not good until it is said to be.
    #[must_use]
    pub fn check(&self, name: &str) -> Check {
        self.lock().insert(name.to_owned(), State::Said(Some("starting".into())));
        Check { health: self.clone(), name: name.to_owned() }
    }

    /// Adds a check that is asked whenever readiness is: what is wrong, if anything is. It has to answer at once.
    pub fn check_with(&self, name: &str, ask: impl Fn() -> Option<String> + Send + 'static) {
        self.lock().insert(name.to_owned(), State::Asked(Box::new(ask)));
    }

    /// Whether everything is good.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let checks = self.lock();
        !checks.is_empty() && checks.values().all(|state| state.wrong().is_none())
    }

    /// `{"ready":true,"checks":{"redis":"ok"}}`.
    #[must_use]
    pub fn report(&self) -> serde_json::Value {
        let checks: BTreeMap<String, Option<String>> =
            self.lock().iter().map(|(name, state)| (name.clone(), state.wrong())).collect();
        let is_ready = !checks.is_empty() && checks.values().all(Option::is_none);
        let checks: serde_json::Map<_, _> =
            checks.into_iter().map(|(name, wrong)| (name, wrong.unwrap_or_else(|| "ok".into()).into())).collect();
        serde_json::json!({ "ready": is_ready, "checks": checks })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wrong(&self) -> Option<String> {
        match self {
            Self::Said(wrong) => wrong.clone(),
            Self::Asked(ask) => ask(),
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.wrong().fmt(f)
    }
}

impl Check {
    /// Nothing is wrong.
    pub fn good(&self) {
        self.health.lock().insert(self.name.clone(), State::Said(None));
    }

    /// Something is, in a few words for people.
    pub fn bad(&self, reason: impl Into<String>) {
        self.health.lock().insert(self.name.clone(), State::Said(Some(reason.into())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_to_be_good() {
        let health = Health::default();
        assert!(!health.is_ready(), "nothing has spoken yet");
        let redis = health.check("redis");
        health.check_with("consumer", || None);
        assert!(!health.is_ready());
        redis.good();
        assert!(health.is_ready());
        redis.bad("no answer for 15 s");
        let report = r#"{"checks":{"consumer":"ok","redis":"no answer for 15 s"},"ready":false}"#;
        assert_eq!(health.report().to_string(), report);
    }
}
