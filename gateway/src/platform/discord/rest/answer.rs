//! What an answer says: of budgets, and why something was refused. <https://discord.com/developers/docs/topics/rate-limits>

use std::time::Duration;

use serde_json::Value;

use super::{Failure, failure::INVALID_WEBHOOK_TOKEN};
use crate::pacing::Told;

/// A pause that was not told.
const PAUSE: Duration = Duration::from_secs(1);

/// What an answer tells of budgets.
pub(super) fn told<'h>(status: u16, header: impl Fn(&str) -> Option<&'h str>, body: &Value) -> Told {
    if status == 429 {
        let pause = pause(&header, body);
        // Without a body of the API it is the address that is shut out, by what stands before it.
        let is_all =
            body["global"] == true || header("x-ratelimit-scope") == Some("global") || body["retry_after"].is_null();
        return if is_all { Told::LimitedAll(pause) } else { Told::Limited(pause) };
    }
    let number = |name: &str| header(name)?.parse::<u32>().ok();
    match (number("x-ratelimit-limit"), number("x-ratelimit-remaining"), seconds(header("x-ratelimit-reset-after"))) {
        (Some(limit), Some(remaining), Some(reset_after)) => {
            let bucket = header("x-ratelimit-bucket").map(str::to_owned);
            Told::Budget { bucket, limit, remaining, reset_after }
        }
        _ => Told::Nothing,
    }
}

/// Whether it is one of the invalid requests of which an address may have 10,000 in ten minutes.
/// <https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans>
pub(super) fn counts_as_invalid<'h>(status: u16, header: impl Fn(&str) -> Option<&'h str>) -> bool {
    match status {
        401 | 403 => true,
        // Of a limit that others of the same place have used up.
        429 => header("x-ratelimit-scope") != Some("shared"),
        _ => false,
    }
}

/// Why nothing was done, or why that is not known.
pub(super) fn failure<'h>(status: u16, header: impl Fn(&str) -> Option<&'h str>, body: &Value) -> Failure {
    match status {
        429 => Failure::Limited(pause(&header, body)),
        // That of an interaction says so by its code.
        401 if body["code"] != INVALID_WEBHOOK_TOKEN => Failure::Unauthorized,
        // Not of the API, which gives a code: a proxy's page, or somebody who stands before Discord. The same again may be taken.
        403 | 404 if body["code"].as_u64().is_none() => {
            Failure::Away(format!("it answered {status} without a reason of Discord's; is something else there?"))
        }
        // Also what a proxy says of a server that it did not wait for, or a redirect, which the API has none of.
        ..=399 | 408 | 500.. => Failure::Unknown(format!("it answered {status}")),
        _ => {
            let code = body["code"].as_u64().unwrap_or_default();
            let message = body["message"].as_str().unwrap_or("no reason given");
            // What is wrong with which field, as far as a line holds it.
            let errors = body.get("errors").map(|errors| format!(" {errors}")).unwrap_or_default();
            let said: String = format!("{message}{errors}").chars().filter(|c| !c.is_control()).take(500).collect();
            Failure::Refused { status, code, said: format!("{status}, code {code}: {said}") }
        }
    }
}

fn pause<'h>(header: &impl Fn(&str) -> Option<&'h str>, body: &Value) -> Duration {
    let told = body["retry_after"].as_f64().and_then(|after| Duration::try_from_secs_f64(after).ok());
    told.or_else(|| seconds(header("retry-after"))).unwrap_or(PAUSE)
}

fn seconds(text: Option<&str>) -> Option<Duration> {
    Duration::try_from_secs_f64(text?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<&'static str> + Copy {
        move |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    #[test]
    fn budgets_are_read_from_headers() {
        const ALL: &[(&str, &str)] = &[
            ("x-ratelimit-limit", "5"),
            ("x-ratelimit-remaining", "4"),
            ("x-ratelimit-reset-after", "1.25"),
            ("x-ratelimit-bucket", "b"),
        ];
        let reset_after = Duration::from_millis(1250);
        let budget = Told::Budget { bucket: Some("b".into()), limit: 5, remaining: 4, reset_after };
        assert_eq!(told(200, headers(ALL), &json!(null)), budget);
        assert_eq!(told(200, headers(&ALL[..2]), &json!(null)), Told::Nothing);
        assert_eq!(
            told(200, headers(&[("x-ratelimit-limit", "-5"), ("x-ratelimit-reset-after", "NaN")]), &json!(7)),
            Told::Nothing
        );
    }

    #[test]
    fn a_401_is_of_the_bot_or_of_an_interaction() {
        assert!(matches!(failure(401, headers(&[]), &json!({ "code": 0 })), Failure::Unauthorized));
        assert!(matches!(failure(401, headers(&[]), &json!(null)), Failure::Unauthorized));
        assert!(failure(401, headers(&[]), &json!({ "code": 50_027 })).is_no_token());
    }

    #[test]
    fn what_is_refused_counts_unless_others_are_why() {
        let is_counted = |status| counts_as_invalid(status, headers(&[]));
        assert_eq!([401, 403, 429, 400, 404, 200, 500].map(is_counted), [true, true, true, false, false, false, false]);
        assert!(!counts_as_invalid(429, headers(&[("x-ratelimit-scope", "shared")])));
        assert!(counts_as_invalid(429, headers(&[("x-ratelimit-scope", "user")])));
    }

    #[test]
    fn a_page_that_is_not_of_the_api_is_no_refusal() {
        for status in [403, 404] {
            assert!(matches!(failure(status, headers(&[]), &json!(null)), Failure::Away(_)), "{status}");
            let told = failure(status, headers(&[]), &json!({ "code": 0, "message": "404: Not Found" }));
            assert!(matches!(told, Failure::Refused { .. }), "{status}");
        }
        assert!(matches!(failure(413, headers(&[]), &json!(null)), Failure::Refused { .. }), "it will never be taken");
    }

    #[test]
    fn a_429_says_who_waits_and_for_how_long() {
        let half = Duration::from_millis(500);
        let user = json!({ "message": "x", "retry_after": 0.5, "global": false });
        assert_eq!(told(429, headers(&[]), &user), Told::Limited(half));
        assert_eq!(told(429, headers(&[("x-ratelimit-scope", "shared")]), &user), Told::Limited(half));
        assert_eq!(told(429, headers(&[("x-ratelimit-scope", "global")]), &user), Told::LimitedAll(half));
        assert_eq!(told(429, headers(&[]), &json!({ "retry_after": 0.5, "global": true })), Told::LimitedAll(half));
        let banned = told(429, headers(&[("retry-after", "300")]), &json!(null));
        assert_eq!(banned, Told::LimitedAll(Duration::from_secs(300)));
        for absurd in [json!({ "retry_after": -1 }), json!({ "retry_after": "soon" }), json!([])] {
            assert!(matches!(failure(429, headers(&[]), &absurd), Failure::Limited(PAUSE)), "{absurd}");
        }
    }
}
