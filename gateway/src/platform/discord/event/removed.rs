//! Messages that are gone, one or many at once. Nobody is told who took them away.

use codec::{Inbound, Kind, event_id};
use serde_json::Value;

use super::{
    Dropped, Reading,
    field::{id, list},
};

/// Who took a message away, which the platform does not say. No user has this id.
const UNKNOWN_USER: &str = "0";
/// Messages that are deleted at once, above the platform's own limit of 100.
const MANY_MAX: usize = 1000;

pub(super) fn one(reading: &Reading<'_>, data: &Value) -> Result<Inbound, Dropped> {
    removed(reading, data, &data["id"])
}

pub(super) fn many(reading: &Reading<'_>, data: &Value) -> Result<Vec<Inbound>, Dropped> {
    let ids = list(&data["ids"]).iter().take(MANY_MAX);
    let removed: Vec<_> = ids.filter_map(|id| removed(reading, data, id).ok()).collect();
    if removed.is_empty() { Err(Dropped::Malformed) } else { Ok(removed) }
}

fn removed(reading: &Reading<'_>, data: &Value, message: &Value) -> Result<Inbound, Dropped> {
    let mut inbound = reading.place(data, Kind::Delete, id(message).ok_or(Dropped::Malformed)?)?;
    inbound.user_id = UNKNOWN_USER.into();
    inbound.event_id = Some(event_id::delete(&inbound.platform, &inbound.message_id));
    Ok(inbound)
}
