//! What a worker asks of the live platform. Nothing here changes anything.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Shared,
    event::{id, list, name, time_of},
    read_back::HISTORY,
    rest::{Ask, Failure},
};
use crate::{
    pacing::Rank,
    platform::{CallError, SendError},
};

/// Messages of one answer, which has to fit an envelope.
const HISTORY_MAX: u64 = 100;

impl Shared {
    pub(super) async fn answer_call(&self, method: &str, args: &Value) -> Result<Value, CallError> {
        match method {
            "history" => self.history(args).await,
            "channel" => self.channel(args).await,
            "member" => self.member(args).await,
            other => Err(CallError::UnknownMethod(other.to_owned())),
        }
    }

    /// The last messages of a channel, oldest first.
    async fn history(&self, args: &Value) -> Result<Value, CallError> {
        let channel = wanted(args, "channel_id")?;
        let limit = args["limit"].as_u64().unwrap_or(50).clamp(1, HISTORY_MAX);
        let before = match &args["before"] {
            Value::Null => String::new(),
            _ => format!("&before={}", wanted(args, "before")?),
        };
        let under = format!("/messages?limit={limit}{before}");
        let asked = self.rest.ask(Ask::of_channel(Method::GET, HISTORY, &channel, &under, Rank::Call)).await;
        let page = asked.map_err(refused)?;
        let messages: Vec<Value> = list(&page).iter().rev().map(message).collect();
        Ok(json!({ "messages": messages }))
    }

    async fn channel(&self, args: &Value) -> Result<Value, CallError> {
        let channel = wanted(args, "channel_id")?;
        let ask = Ask::of_channel(Method::GET, "GET /channels", &channel, "", Rank::Call);
        let found = self.rest.ask(ask).await.map_err(refused)?;
        Ok(json!({
            "channel_id": channel, "name": name(&found["name"]), "topic": found["topic"], "guild_id": found["guild_id"],
            "parent_id": found["parent_id"], "type": found["type"],
        }))
    }

    async fn member(&self, args: &Value) -> Result<Value, CallError> {
        let (guild, user) = (wanted(args, "guild_id")?, wanted(args, "user_id")?);
        let path = format!("guilds/{guild}/members/{user}");
        let found = self.rest.ask(Ask::new(Method::GET, path, "GET /guilds/members", &guild, Rank::Call)).await;
        let found = found.map_err(refused)?;
        let who = &found["user"];
        Ok(json!({
            "user_id": user, "username": name(&who["username"]),
            "display_name": name(&found["nick"]).or_else(|| name(&who["global_name"])),
            "roles": list(&found["roles"]), "joined_at": found["joined_at"], "is_bot": who["bot"] == true,
        }))
    }
}

fn message(message: &Value) -> Value {
    let author = &message["author"];
    let timestamp = id(&message["id"]).map(|id| time_of(id) as f64 / 1000.0);
    json!({
        "message_id": message["id"], "user_id": author["id"], "username": name(&author["username"]),
        "is_bot": author["bot"] == true, "content": message["content"], "timestamp": timestamp,
        "reply_to": message["message_reference"]["message_id"],
    })
}

/// An id among the arguments, as it stands in a path.
fn wanted(args: &Value, field: &str) -> Result<String, CallError> {
    let missing = || CallError::BadArguments(format!("`{field}` has to be an id of Discord's"));
    id(&args[field]).map(|id| id.to_string()).ok_or_else(missing)
}

fn refused(failure: Failure) -> CallError {
    CallError::Platform(SendError::from(failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_that_is_no_id_is_refused() {
        assert_eq!(wanted(&json!({ "channel_id": "9" }), "channel_id").unwrap(), "9");
        for bad in [json!({}), json!({ "channel_id": "../x" }), json!(null), json!({ "channel_id": "" })] {
            let error = wanted(&bad, "channel_id").unwrap_err();
            assert!(matches!(error, CallError::BadArguments(_)), "{bad}: {error}");
        }
    }

    #[test]
    fn a_message_is_told_in_our_words() {
        let told = message(&json!({
            "id": "1482309033636531201", "content": "hi", "author": { "id": "7", "username": "mi\u{202e}ra", "bot": true },
        }));
        assert_eq!((told["timestamp"].as_f64(), told["username"].as_str()), (Some(1_773_480_413.589), Some("mira")));
        assert_eq!((told["is_bot"].as_bool(), told["reply_to"].is_null()), (Some(true), true));
    }
}
