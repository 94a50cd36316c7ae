//! Slash commands become the bot's at Discord: those of the settings, and no others. Where they are as they should be, nothing is
//! written, so gateways that agree do not undo each other's work.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use service::DiscordCommand;
use tokio::time::sleep;

use super::{
    Shared,
    event::{id, list},
    rest::{Ask, Failure},
};
use crate::pacing::Rank;

const READ: &str = "GET /applications/commands";
const WRITE: &str = "PUT /applications/commands";
/// <https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-types>
const SLASH: u64 = 1;
/// <https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-type>
const TEXT: u64 = 3;
/// Pauses between two tries, doubled up to the longest.
const AGAIN_MIN: Duration = Duration::from_secs(5);
const AGAIN_MAX: Duration = Duration::from_secs(10 * 60);

impl Shared {
    /// Sees to it that the bot has the commands of the settings, once in a process. What is in the way is said once, and keeps
    /// nothing else waiting.
    pub(super) async fn register_commands(&self) {
        let commands = &self.settings.commands;
        if commands.is_empty() || self.has_commands.load(Ordering::Relaxed) {
            return;
        }
        let (mut pause, mut has_failed) = (AGAIN_MIN, false);
        loop {
            match self.register(commands).await {
                Ok(is_changed) => {
                    self.has_commands.store(true, Ordering::Relaxed);
                    let names: Vec<&str> = commands.iter().map(|command| command.name.as_str()).collect();
                    if is_changed {
                        tracing::info!(platform = %self.name, commands = names.join(", "), "slash commands are registered");
                    }
                    return;
                }
                // Whoever changes it at Discord restarts the gateway, or waits for its next connection.
                Err(failure @ (Failure::Refused { .. } | Failure::Unauthorized)) => {
                    tracing::error!(
                        platform = %self.name,
                        "Discord does not take the slash commands of {}.commands: {failure}; everything else works. Was the bot \
                         invited with the scope applications.commands, and are names and texts as Discord wants them?",
                        self.place()
                    );
                    return;
                }
                Err(failure) => {
                    if !std::mem::replace(&mut has_failed, true) {
                        tracing::warn!(platform = %self.name, %failure, "slash commands are not registered yet; it is tried again");
                    }
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(AGAIN_MAX);
        }
    }

    /// Whether anything had to be changed.
    async fn register(&self, commands: &[DiscordCommand]) -> Result<bool, Failure> {
        let ask = |method, path: &str, route| Ask::new(method, path.to_owned(), route, "", Rank::Call);
        let me = self.rest.ask(ask(Method::GET, "applications/@me", "GET /applications")).await?;
        let Some(application) = id(&me["id"]) else {
            return Err(Failure::Unknown("the answer has no application".into()));
        };
        let path = format!("applications/{application}/commands");
        let known = self.rest.ask(ask(Method::GET, &path, READ)).await?;
        if is_same(list(&known), commands) {
            return Ok(false);
        }
        let wanted: Vec<Value> = commands.iter().map(command).collect();
        self.rest.ask(ask(Method::PUT, &path, WRITE).with(wanted.into())).await?;
        Ok(true)
    }
}

fn command(command: &DiscordCommand) -> Value {
    let option = command.option.as_ref().map(|name| {
        json!({
            "type": TEXT, "name": name, "description": command.option_description, "required": command.option_required,
        })
    });
    let options: Vec<Value> = option.into_iter().collect();
    json!({ "type": SLASH, "name": command.name, "description": command.description, "options": options })
}

/// Whether the commands that Discord has are these, in any order. What else it has of them, such as who may use one, is not ours.
fn is_same(known: &[Value], wanted: &[DiscordCommand]) -> bool {
    let seen = |command: &Value| {
        let option = |option: &Value| {
            let required = option["required"] == true;
            json!([option["type"], option["name"], option["description"], required])
        };
        let options: Vec<Value> = list(&command["options"]).iter().map(option).collect();
        let kind = command["type"].as_u64().unwrap_or(SLASH);
        (command["name"].as_str().unwrap_or_default().to_owned(), json!([kind, command["description"], options]))
    };
    let wanted: BTreeMap<_, _> = wanted.iter().map(|one| seen(&command(one))).collect();
    known.len() == wanted.len() && known.iter().map(seen).collect::<BTreeMap<_, _>>() == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_discord_adds_is_no_difference() {
        let ask = DiscordCommand {
            name: "ask".into(),
            description: "Asks.".into(),
            option: Some("text".into()),
            option_description: "What?".into(),
            option_required: false,
        };
        let joke = DiscordCommand { name: "joke".into(), option: None, ..ask.clone() };
        let wanted = [ask.clone(), joke];
        let option = json!({ "type": 3, "name": "text", "description": "What?", "max_length": 6000 });
        let known = [
            json!({ "id": "2", "name": "joke", "description": "Asks.", "type": 1, "nsfw": false, "version": "9" }),
            json!({ "id": "1", "name": "ask", "description": "Asks.", "options": [option], "dm_permission": true }),
        ];
        assert!(is_same(&known, &wanted));
        assert!(!is_same(&known[..1], &wanted) && !is_same(&known, &wanted[..1]) && !is_same(&[], &wanted));
        let twice = [known[1].clone(), known[1].clone()];
        assert!(!is_same(&twice, &wanted));
        for (field, value) in [("description", json!("x")), ("type", json!(3)), ("options", json!([]))] {
            let mut other = known.clone();
            other[1][field] = value;
            assert!(!is_same(&other, &wanted), "{field}");
        }
        assert!(is_same(&[command(&ask)], &[ask]));
    }
}
