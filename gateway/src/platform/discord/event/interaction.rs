//! The use of a button, a menu or a command.

use codec::{Inbound, Kind, event_id, limits};
use serde_json::Value;
use service::DiscordCommand;

use super::{
    Dropped, Reading,
    field::{cut, id, list, name, text, time_of},
    seconds,
};

/// <https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-interaction-type>
const COMMAND: u64 = 2;
const COMPONENT: u64 = 3;
/// <https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-types>
const SLASH: u64 = 1;
/// <https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-type>
const TEXT: u64 = 3;

/// For the bot by its nature: nobody else is told of it.
pub(super) fn used(reading: &Reading<'_>, data: &Value) -> Result<Inbound, Dropped> {
    let own = id(&data["id"]).ok_or(Dropped::Malformed)?;
    let what = &data["data"];
    let (message, custom_id) = match data["type"].as_u64() {
        Some(COMPONENT) => (id(&data["message"]["id"]).unwrap_or(own), text(&what["custom_id"])),
        Some(COMMAND) => (own, text(&what["name"])),
        _ => return Err(Dropped::System),
    };
    if custom_id.is_empty() {
        return Err(Dropped::Malformed);
    }
    let mut inbound = reading.place(data, Kind::Interaction, message)?;
    let member = &data["member"];
    let user = if member.is_object() { &member["user"] } else { &data["user"] };
    reading.by(&mut inbound, user, member)?;
    inbound.timestamp = seconds(time_of(own));
    inbound.custom_id = cut(custom_id, limits::ID_BYTES).to_owned();
    inbound.values = match list(&what["values"]) {
        [] => list(&what["options"]).iter().map(option).take(limits::VALUE_ITEMS).collect(),
        chosen => chosen.iter().filter_map(name).take(limits::VALUE_ITEMS).collect(),
    };
    if answers(reading.commands, data) {
        inbound.content = asked(what);
    }
    inbound.is_addressed = true;
    inbound.event_id = Some(event_id::interaction(&inbound.platform, &own.to_string()));
    Ok(inbound)
}

/// Whether this is the use of one of the bot's own slash commands. Others are somebody else's to answer.
pub(in super::super) fn answers(commands: &[DiscordCommand], data: &Value) -> bool {
    let what = &data["data"];
    let is_slash = data["type"] == COMMAND && what["type"].as_u64().is_none_or(|kind| kind == SLASH);
    is_slash && commands.iter().any(|command| what["name"] == command.name)
}

/// What somebody said with a command: its text, or the command itself, so that there is something to answer.
fn asked(what: &Value) -> String {
    let texts = list(&what["options"]).iter().filter(|option| option["type"] == TEXT);
    let said = texts.map(|option| text(&option["value"])).find(|text| !text.trim().is_empty());
    said.map_or_else(|| format!("/{}", text(&what["name"])), |said| cut(said, limits::TEXT_BYTES).to_owned())
}

/// `name=value`. Texts of people are long where values are short: what is beyond an envelope's value is cut.
fn option(option: &Value) -> String {
    let value = match &option["value"] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    cut(&format!("{}={value}", text(&option["name"])), limits::NAME_BYTES).to_owned()
}
