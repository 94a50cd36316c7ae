//! Whether the bot shows itself, which goes over its live connection.

use std::sync::{Arc, Mutex, PoisonError};

use codec::Status;
use serenity::{
    gateway::{ActivityData, ShardManager},
    model::user::OnlineStatus,
};

use super::body::first;

/// Longest text of an activity.
const TEXT_MAX: usize = 128;

/// See the module. While there is no connection nothing is shown.
#[derive(Debug, Default)]
pub(super) struct Presence(Mutex<Option<Arc<ShardManager>>>);

impl Presence {
    pub(super) fn follow(&self, manager: &Arc<ShardManager>) {
        self.put(Some(Arc::clone(manager)));
    }

    pub(super) fn lose(&self) {
        self.put(None);
    }

    /// Shows a status, and a text as what the bot does.
    pub(super) async fn show(&self, status: Option<Status>, text: &str) {
        let status = match status {
            Some(Status::Idle) => OnlineStatus::Idle,
            Some(Status::Dnd) => OnlineStatus::DoNotDisturb,
            Some(Status::Invisible) => OnlineStatus::Invisible,
            Some(Status::Online) | None => OnlineStatus::Online,
        };
        let manager = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(manager) = manager else { return };
        let activity = (!text.trim().is_empty()).then(|| ActivityData::custom(first(text, TEXT_MAX)));
        for runner in manager.runners.lock().await.values() {
            runner.runner_tx.set_presence(activity.clone(), status);
        }
    }

    fn put(&self, manager: Option<Arc<ShardManager>>) {
        let before = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), manager);
        drop(before);
    }
}
