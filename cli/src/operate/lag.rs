//! `stargazer lag`: what waits, by role and shard.

use serde_json::json;
use service::Exit;

use super::{Connected, age, refused, table::table};
use crate::{Refusal, arguments::Look, say};

/// Shows it.
pub(super) async fn lag(arguments: &Look, deployment: &Connected) -> Result<Exit, Refusal> {
    let mut rows = Vec::new();
    for role in deployment.roles() {
        let all = deployment.bus.survey(&role).await.map_err(|error| refused(&error))?;
        for found in all {
            let lag = found.lag;
            if arguments.json {
                say::answer(json!({
                    "role": found.role.to_string(), "shard": found.shard.number(), "unread": lag.unread,
                    "pending": lag.pending, "oldest_ms": lag.oldest.map(|oldest| oldest.as_millis() as u64),
                    "length": lag.length,
                }));
            } else if lag.pending > 0 || lag.unread != Some(0) || found.lag.oldest.is_some() {
                rows.push([
                    found.role.to_string(),
                    found.shard.to_string(),
                    lag.unread.map_or_else(|| "?".into(), |unread| unread.to_string()),
                    lag.pending.to_string(),
                    lag.oldest.map_or_else(|| "-".into(), age::short),
                    lag.length.to_string(),
                ]);
            }
        }
    }
    if !arguments.json {
        say::answer(if rows.is_empty() {
            "nothing waits: every entry is finished".to_owned()
        } else {
            table(&["ROLE", "SHARD", "UNREAD", "PENDING", "OLDEST", "LENGTH"], rows)
        });
    }
    Ok(Exit::Clean)
}
