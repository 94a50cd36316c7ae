//! The use of a button, a menu or a command.

use codec::{Inbound, Kind, event_id, limits};
use serde_json::Value;

use super::{
    Dropped, Reading,
    field::{cut, id, list, name, text, time_of},
    seconds,
};

/// <https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-interaction-type>
const COMMAND: u64 = 2;
const COMPONENT: u64 = 3;

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
    inbound.is_addressed = true;
    inbound.event_id = Some(event_id::interaction(&inbound.platform, &own.to_string()));
    Ok(inbound)
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
