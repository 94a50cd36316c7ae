//! The buckets of a bot with those that wait for them, by what the platform counts apart.

use std::{collections::HashMap, sync::Arc};

use tokio::{sync::Notify, time::Instant};

use super::{bucket::Bucket, pacer::Grant, queue::Queue};

/// Buckets that are known at once, beyond which those that have nothing to say are forgotten.
const BUCKETS_MAX: usize = 16 * 1024;
/// Routes whose bucket is known. A platform has some dozens.
const ROUTES_MAX: usize = 1024;

/// One bucket.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) bucket: Bucket,
    /// Those that wait, and whether they need a place of the bot as a whole after this.
    pub(super) queue: Queue<Grant, bool>,
    /// Told when more is known of the bucket: those that wait look again how long.
    pub(super) changed: Arc<Notify>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The platform's names of the buckets of routes.
    names: HashMap<String, String>,
    lines: HashMap<String, Line>,
}

impl Lines {
    /// The line of a route. Once the platform has said which bucket that is, it is one with all routes of that bucket.
    pub(super) fn of(&mut self, route: &str, major: &str, now: Instant) -> &mut Line {
        if self.lines.len() >= BUCKETS_MAX {
            self.lines.retain(|_, line| !line.queue.is_empty() || !line.bucket.is_idle(now));
        }
        let (own, named) = (line_of(route, major), self.name(route, major));
        if own == named {
            return self.lines.entry(own).or_default();
        }
        let unnamed = self.lines.remove(&own);
        let line = self.lines.entry(named).or_default();
        if let Some(unnamed) = unnamed {
            line.bucket.absorb(&unnamed.bucket);
            line.queue.absorb(unnamed.queue);
            unnamed.changed.notify_waiters();
        }
        line
    }

    /// What a line is called among those who share the budget.
    pub(super) fn name(&self, route: &str, major: &str) -> String {
        line_of(self.names.get(route).map_or(route, String::as_str), major)
    }

    pub(super) fn is_named(&self, route: &str) -> bool {
        self.names.contains_key(route)
    }

    /// The platform said which bucket a route has. Whether that is new.
    pub(super) fn learn(&mut self, route: &str, name: &str) -> bool {
        // The first name stays: a route whose bucket goes by several is held to all of them together, and nobody who waits has to
        // move.
        let is_new = self.names.len() < ROUTES_MAX && !self.names.contains_key(route);
        if is_new {
            self.names.insert(route.to_owned(), name.to_owned());
        }
        is_new
    }
}

fn line_of(bucket: &str, major: &str) -> String {
    format!("{bucket} {major}")
}
