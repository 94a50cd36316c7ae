//! Calls: what a worker asks of the live platform, answered on its own stream.

use std::time::Duration;

use bus::{Answers, Commit, Failure, Next, Turn, unix_ms};
use bytes::Bytes;
use codec::{Answer, OutboundView, Raw, Refusal};
use serde_json::Value;
use tokio::time::timeout;

use super::{Egress, Undone, request::check};
use crate::platform::{CallError, SendError};

/// A call that wants to be waited for longer is not: it would hold its lane up.
const PATIENCE_MAX: Duration = Duration::from_secs(60);

/// Why a call has no result.
struct Refused {
    code: &'static str,
    message: String,
}

impl Egress {
    /// Carries a call out and answers it.
    pub(super) async fn answer(&self, turn: &Turn, action: &OutboundView<'_>) -> Result<Commit, Undone> {
        let stream = action.reply_stream.unwrap_or_default();
        if !Answers::is_stream(stream) {
            let error = format!("`{stream}` is no stream of answers; those are called sg:stream:reply:<instance>");
            return Err(Undone::Never(Failure { code: "invalid", error }));
        }
        // Who is not the owner any more answers nothing: the one who is does.
        check(turn)?;
        let id = action.message_key.unwrap_or_default().to_owned();
        let called = self.call(turn, action).await;
        check(turn)?;
        let method = action.method.unwrap_or_default();
        let (answer, code) = match called.and_then(|value| encoded(&value)) {
            Ok(result) => (Answer { id, ok: true, result: Some(result), error: None }, "ok"),
            Err(Refused { code, message }) => {
                tracing::info!(method, code, error = message, "a call was not done");
                let error = Some(Refusal { code: code.to_owned(), message });
                (Answer { id, ok: false, result: None, error }, code)
            }
        };
        let code = match self.answers.append(stream, &answer.to_bytes(), action.trace_id).await {
            Ok(()) => code,
            // Who asked waits no longer than its deadline; the lane goes on.
            Err(error) if error.next() == Next::Report => {
                tracing::warn!(method, stream, %error, "a call's answer cannot be written");
                "unanswered"
            }
            Err(error) => return Err(error.into()),
        };
        metrics::counter!("stargazer_calls_total", "platform" => self.platform.name().to_string(), "result" => code)
            .increment(1);
        Ok(Commit::default())
    }

    async fn call(&self, turn: &Turn, action: &OutboundView<'_>) -> Result<Value, Refused> {
        let left = action.deadline.unwrap_or_default().saturating_sub(unix_ms());
        let args = match action.args {
            Some(args) => rmp_serde::from_slice(args.as_bytes())
                .map_err(|error| refusal("bad_arguments", format!("the arguments are not like JSON: {error}")))?,
            None => Value::Null,
        };
        let (method, key) = (action.method.unwrap_or_default(), &*turn.facts().cause);
        let work = async {
            if method == "capabilities" {
                return Ok(serde_json::to_value(self.platform.capabilities()).unwrap_or_default());
            }
            self.platform.call(method, &args, key).await
        };
        if left == 0 {
            return Err(refusal("timeout", format!("{method} came after its deadline, and was not done")));
        }
        match timeout(Duration::from_millis(left).min(PATIENCE_MAX), work).await {
            Ok(called) => called.map_err(|error| refusal(code_of(&error), error.to_string())),
            Err(_) => Err(refusal("timeout", format!("{method} was not answered before its deadline"))),
        }
    }
}

fn encoded(value: &Value) -> Result<Raw, Refused> {
    // A map rather than a nil, which on the wire is no value.
    let empty = Value::Object(serde_json::Map::new());
    let bytes = rmp_serde::to_vec_named(if value.is_null() { &empty } else { value });
    let refused = |error: String| refusal("too_large", format!("the result cannot be an answer: {error}"));
    let bytes = bytes.map_err(|error| refused(error.to_string()))?;
    Raw::new(Bytes::from(bytes)).map_err(|error| refused(error.to_string()))
}

fn refusal(code: &'static str, message: String) -> Refused {
    Refused { code, message }
}

fn code_of(error: &CallError) -> &'static str {
    match error {
        CallError::UnknownMethod(_) => "unknown_method",
        CallError::BadArguments(_) => "bad_arguments",
        CallError::Platform(SendError::Away(_) | SendError::Limited(_)) => "away",
        CallError::Platform(SendError::Unknown(_)) => "timeout",
        CallError::Platform(SendError::Gone(_)) => "gone",
        CallError::Platform(SendError::Unsupported(_)) => "unsupported",
        CallError::Platform(SendError::Refused(why, _)) => why.code(),
    }
}
