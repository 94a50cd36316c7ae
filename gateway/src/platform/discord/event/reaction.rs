//! Reactions, added and taken away.

use codec::{Inbound, Kind, event_id, limits};
use serde_json::Value;

use super::{
    Dropped, Reading,
    field::{cut, id, name},
};

pub(super) fn changed(reading: &Reading<'_>, data: &Value, removed: bool) -> Result<Inbound, Dropped> {
    let message_id = id(&data["message_id"]).ok_or(Dropped::Malformed)?;
    let mut inbound = reading.place(data, Kind::Reaction, message_id)?;
    // Of one that is taken away the platform tells the user's id alone.
    let member = &data["member"];
    let alone = serde_json::json!({ "id": data["user_id"] });
    let user = if id(&member["user"]["id"]) == id(&data["user_id"]) { &member["user"] } else { &alone };
    reading.by(&mut inbound, user, member)?;
    inbound.emoji = emoji(&data["emoji"]).ok_or(Dropped::Malformed)?;
    inbound.removed = removed;
    let event = event_id::reaction(&inbound.platform, &inbound.message_id, &inbound.user_id, &inbound.emoji, removed);
    inbound.event_id = Some(event);
    Ok(inbound)
}

/// Characters, or `name:id` for one of a server's own, as the API wants it again.
fn emoji(emoji: &Value) -> Option<String> {
    let Some(own) = id(&emoji["id"]) else {
        // No name: it has joiners that a name may do without.
        let emoji = emoji["name"].as_str()?;
        let is_one = !emoji.is_empty() && emoji.len() <= limits::EMOJI_BYTES && !emoji.contains(char::is_control);
        return is_one.then(|| emoji.to_owned());
    };
    let called = name(&emoji["name"]).unwrap_or_else(|| "_".into());
    Some(format!("{}:{own}", cut(&called, limits::EMOJI_BYTES - 32)))
}
