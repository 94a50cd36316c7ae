//! How far each of many things was read: the highest number that was seen of it.

use std::{sync::LazyLock, time::Duration};

use redis::Script;

use crate::{Bus, Error, Names};

static RAISE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("watermarks.lua")));

/// The marks of one name. Written by any process, and only ever raised.
#[derive(Debug, Clone)]
pub struct Watermarks {
    bus: Bus,
    marks: String,
    order: String,
    most: usize,
    ttl: Duration,
}

impl Watermarks {
    /// The marks `sg:watermarks:<name>`: the `most` highest ones are kept, and all of them go when none was raised for `ttl`.
    #[must_use]
    pub fn new(bus: Bus, name: &str, most: usize, ttl: Duration) -> Self {
        let marks = Names::watermarks(name);
        // Its name is the hash tag, so that both lie in one slot.
        let order = format!("{{{marks}}}:order");
        Self { bus, marks, order, most: most.max(1), ttl }
    }

    /// Raises marks. One that is higher already stays.
    ///
    /// # Errors
    /// When Redis did not answer; doing it again is harmless.
    pub async fn raise(&self, marks: &[(u64, u64)]) -> Result<(), Error> {
        if marks.is_empty() {
            return Ok(());
        }
        let mut script = RAISE.key(&self.marks);
        script.key(&self.order).arg(self.most).arg(self.ttl.as_secs());
        for (of, mark) in marks {
            script.arg(*of).arg(*mark);
        }
        script.invoke_async::<i64>(&mut self.bus.shared()).await?;
        Ok(())
    }

    /// The marks of these, in their order; `None` where there is none.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn of(&self, these: &[u64]) -> Result<Vec<Option<u64>>, Error> {
        if these.is_empty() {
            return Ok(Vec::new());
        }
        Ok(redis::cmd("HMGET").arg(&self.marks).arg(these).query_async(&mut self.bus.shared()).await?)
    }

    /// Those with the highest marks, highest first.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn highest(&self, count: usize) -> Result<Vec<(u64, u64)>, Error> {
        let mut range = redis::cmd("ZREVRANGE");
        range.arg(&self.order).arg(0).arg(count.saturating_sub(1));
        let found: Vec<u64> = range.query_async(&mut self.bus.shared()).await?;
        let marks = self.of(&found).await?;
        // One that went meanwhile has none.
        Ok(found.into_iter().zip(marks).filter_map(|(of, mark)| Some((of, mark?))).collect())
    }
}
