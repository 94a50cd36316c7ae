//! Times as people read them.

use std::time::Duration;

/// `3h 12m`: the two largest units.
pub(super) fn short(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        return format!("{}ms", time.as_millis());
    }
    let whole = humantime::format_duration(Duration::from_secs(time.as_secs())).to_string();
    whole.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// How long ago a time in ms since the epoch was, by this machine's clock.
pub(super) fn since(unix_ms: u64) -> Duration {
    Duration::from_millis(bus::unix_ms().saturating_sub(unix_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_are_enough() {
        assert_eq!(short(Duration::from_millis(42)), "42ms");
        assert_eq!(short(Duration::from_secs(61)), "1m 1s");
        assert_eq!(short(Duration::from_secs(3 * 86_400 + 7200 + 65)), "3days 2h");
    }
}
