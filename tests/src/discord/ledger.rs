//! Every request and what became of it.

use std::{collections::VecDeque, time::Duration};

/// Requests that are kept; a test that makes more looks at the counts.
const EXCHANGES_MAX: usize = 100_000;
/// discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans.
const INVALID_MAX: usize = 10_000;
const INVALID_WINDOW: Duration = Duration::from_secs(600);

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// When it came, as time since the Unix epoch.
    pub at: Duration,
    /// `POST` and so on.
    pub method: String,
    /// Below `/api/v10`, with its query.
    pub path: String,
    /// `None` where the connection was cut instead.
    pub status: Option<u16>,
    /// The name of its bucket.
    pub bucket: String,
    /// A 429 that earlier headers had told of: the client's own fault.
    pub broke_limit: bool,
    /// A fault was put in its way.
    pub had_fault: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    exchanges: VecDeque<Exchange>,
    pub(crate) breaches: u64,
    /// Identifies that came too soon, or when none was left.
    pub(crate) early_identifies: u64,
    /// When invalid requests came, of the last ten minutes; bounded by what gets an address banned.
    invalid: VecDeque<Duration>,
}

impl Ledger {
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.iter().cloned().collect()
    }

    /// Notes a request; `is_shared` is a 429 that is nobody's fault.
    pub(crate) fn note(&mut self, exchange: Exchange, is_shared: bool) {
        self.breaches += u64::from(exchange.broke_limit);
        let is_invalid = matches!(exchange.status, Some(401 | 403 | 429)) && !is_shared;
        if is_invalid {
            self.invalid.push_back(exchange.at);
        }
        if self.invalid.len() > INVALID_MAX {
            self.invalid.pop_front();
        }
        if self.exchanges.len() == EXCHANGES_MAX {
            self.exchanges.pop_front();
        }
        self.exchanges.push_back(exchange);
    }

    /// Invalid requests of the last ten minutes.
    pub(crate) fn invalid(&self, now: Duration) -> usize {
        self.invalid.len() - self.invalid.partition_point(|at| *at + INVALID_WINDOW <= now)
    }

    /// Whether there were so many that nothing is answered any more.
    pub(crate) fn is_banned(&self, now: Duration) -> bool {
        self.invalid(now) >= INVALID_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(at: u64, status: u16) -> Exchange {
        let (at, method, path) = (Duration::from_secs(at), "GET".to_owned(), "/users/@me".to_owned());
        Exchange { at, method, path, status: Some(status), bucket: String::new(), broke_limit: false, had_fault: false }
    }

    #[test]
    fn ten_thousand_invalid_requests_in_ten_minutes_are_a_ban() {
        let (mut ledger, now) = (Ledger::default(), Duration::from_secs(700));
        for at in [99, 100, 200] {
            ledger.note(exchange(at, 401), false);
        }
        assert_eq!(ledger.invalid(now), 1, "the first two are over");
        for number in 0..9_998 {
            ledger.note(exchange(300, [401, 403, 429][number % 3]), false);
        }
        ledger.note(exchange(300, 404), false);
        ledger.note(exchange(300, 429), true);
        assert!(!ledger.is_banned(now), "neither what is not there nor what others used up counts");
        ledger.note(exchange(700, 403), false);
        assert!(ledger.is_banned(now));
        assert!(!ledger.is_banned(Duration::from_secs(800)), "it ends with the window of the first");
    }
}
