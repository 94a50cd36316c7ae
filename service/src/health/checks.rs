//! The checks that readiness is made of.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The readiness of one process. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// By name: nothing is wrong, or what is.
    checks: Arc<Mutex<BTreeMap<String, Option<String>>>>,
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
        self.lock().insert(name.to_owned(), Some("starting".into()));
        Check { health: self.clone(), name: name.to_owned() }
    }

    /// Whether everything is good.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let checks = self.lock();
        !checks.is_empty() && checks.values().all(Option::is_none)
    }

    /// `{"ready":true,"checks":{"redis":"ok"}}`.
    #[must_use]
    pub fn report(&self) -> serde_json::Value {
        let checks: serde_json::Map<_, _> = (self.lock().iter())
            .map(|(name, wrong)| (name.clone(), wrong.as_deref().unwrap_or("ok").into()))
            .collect();
        serde_json::json!({ "ready": self.is_ready(), "checks": checks })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Check {
    /// Nothing is wrong.
    pub fn good(&self) {
        self.health.lock().insert(self.name.clone(), None);
    }

    /// Something is, in a few words for people.
    pub fn bad(&self, reason: impl Into<String>) {
        self.health.lock().insert(self.name.clone(), Some(reason.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_to_be_good() {
        let health = Health::default();
        assert!(!health.is_ready(), "nothing has spoken yet");
        let (redis, platform) = (health.check("redis"), health.check("webchat"));
        redis.good();
        assert!(!health.is_ready());
        platform.good();
        assert!(health.is_ready());
        redis.bad("no answer for 15 s");
        assert_eq!(
            health.report().to_string(),
            r#"{"checks":{"redis":"no answer for 15 s","webchat":"ok"},"ready":false}"#
        );
    }
}
