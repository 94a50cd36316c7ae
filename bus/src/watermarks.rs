//! How far each of many things was read: the highest number that was seen of it.

use std::time::Duration;

use crate::{Bus, Error, Names};

/// Numbers as Redis keeps them (64-bit floats) are exact to so much: what is asked for is never above what was said.
const EXACT: u64 = 512;

/// The marks of one name. Written by any process, and only ever raised.
#[derive(Debug, Clone)]
pub struct Watermarks {
    bus: Bus,
    key: String,
    most: usize,
    ttl: Duration,
}

impl Watermarks {
    /// The marks `sg:watermarks:<name>`: the `most` highest ones are kept, and all of them go when none was raised for `ttl`.
    #[must_use]
    pub fn new(bus: Bus, name: &str, most: usize, ttl: Duration) -> Self {
        Self { bus, key: Names::watermarks(name), most: most.max(1), ttl }
    }

    /// A number as its mark would come back: what is no more than a mark by this is not behind it.
    #[must_use]
    pub fn shown(number: u64) -> u64 {
        mark(number as f64)
    }

    /// Raises marks. One that is higher already stays.
    ///
    /// # Errors
    /// When Redis did not answer; doing it again is harmless.
    pub async fn raise(&self, marks: &[(u64, u64)]) -> Result<(), Error> {
        if marks.is_empty() {
            return Ok(());
        }
        let mut pipe = redis::pipe();
        let add = pipe.cmd("ZADD").arg(&self.key).arg("GT");
        for (of, mark) in marks {
            add.arg(*mark as f64).arg(*of);
        }
        add.ignore();
        let beyond = -(i64::try_from(self.most).unwrap_or(i64::MAX).saturating_add(1));
        pipe.cmd("ZREMRANGEBYRANK").arg(&self.key).arg(0).arg(beyond).ignore();
        pipe.cmd("EXPIRE").arg(&self.key).arg(self.ttl.as_secs()).ignore();
        Ok(pipe.query_async(&mut self.bus.shared()).await?)
    }

    /// The marks of these, in their order; `None` where there is none. A mark may come back a little lower than it was said, by
    /// less than one part in 2^50, and never higher.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn of(&self, these: &[u64]) -> Result<Vec<Option<u64>>, Error> {
        if these.is_empty() {
            return Ok(Vec::new());
        }
        let scores: Vec<Option<f64>> =
            redis::cmd("ZMSCORE").arg(&self.key).arg(these).query_async(&mut self.bus.shared()).await?;
        Ok(scores.into_iter().map(|score| score.map(mark)).collect())
    }

    /// Those with the highest marks, highest first.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn highest(&self, count: usize) -> Result<Vec<(u64, u64)>, Error> {
        let last = count.saturating_sub(1);
        let mut range = redis::cmd("ZREVRANGE");
        range.arg(&self.key).arg(0).arg(last).arg("WITHSCORES");
        let found: Vec<(u64, f64)> = range.query_async(&mut self.bus.shared()).await?;
        Ok(found.into_iter().map(|(of, score)| (of, mark(score))).collect())
    }
}

/// Not above what was said, whichever way it was rounded.
fn mark(score: f64) -> u64 {
    let whole = score as u64;
    if whole > 1 << 53 { whole - EXACT } else { whole }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_mark_is_never_higher_than_it_was_said(said in 0u64..(1 << 61)) {
            let told = mark(said as f64);
            prop_assert!(told <= said && said - told <= 2 * EXACT, "{said} {told}");
        }
    }
}
