//! Messages, new and changed.

use bytes::Bytes;
use codec::{Attachment, Inbound, Kind, Raw, event_id, limits};
use serde_json::Value;
use serenity::model::Timestamp;

use super::{
    Dropped, Reading,
    addressed::is_addressed,
    field::{cut, id, list, name, text, time_of},
    seconds,
};

/// Types of messages that somebody wrote: plain, a reply, the use of a command, what a thread begins with, and that of a menu.
/// <https://discord.com/developers/docs/resources/message#message-object-message-types>
const WRITTEN: [u64; 5] = [0, 19, 20, 21, 23];
/// A reference to a message that this one passes on, and does not answer.
const FORWARD: u64 = 1;
/// The longest time of an edit that is taken for one.
const TIME_BYTES: usize = 64;

pub(super) fn created(reading: &Reading<'_>, data: &Value) -> Result<Inbound, Dropped> {
    let mut inbound = message(reading, data, Kind::Message)?;
    let has_content = !inbound.content.is_empty() || !inbound.attachments.is_empty() || inbound.embeds.is_some();
    if !has_content && !inbound.is_addressed {
        return Err(Dropped::Empty);
    }
    inbound.event_id = Some(event_id::message(&inbound.platform, &inbound.message_id));
    Ok(inbound)
}

pub(super) fn edited(reading: &Reading<'_>, data: &Value) -> Result<Inbound, Dropped> {
    // The platform tells of link previews, pins and threads the same way.
    let time = cut(text(&data["edited_timestamp"]), TIME_BYTES);
    if time.is_empty() || !data["content"].is_string() {
        return Err(Dropped::NoChange);
    }
    let mut inbound = message(reading, data, Kind::Edit)?;
    if let Ok(at) = Timestamp::parse(time) {
        inbound.timestamp = seconds(u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default());
    }
    inbound.event_id = Some(event_id::edit(&inbound.platform, &inbound.message_id, time));
    Ok(inbound)
}

fn message(reading: &Reading<'_>, data: &Value, kind: Kind) -> Result<Inbound, Dropped> {
    let message_id = id(&data["id"]).ok_or(Dropped::Malformed)?;
    let mut inbound = reading.place(data, kind, message_id)?;
    reading.by(&mut inbound, &data["author"], &data["member"])?;
    if !data["webhook_id"].is_null() && !reading.takes_bots {
        return Err(Dropped::Bot);
    }
    if !data["type"].as_u64().is_none_or(|kind| WRITTEN.contains(&kind)) {
        return Err(Dropped::System);
    }
    inbound.timestamp = seconds(time_of(message_id));
    inbound.content = cut(text(&data["content"]), limits::TEXT_BYTES).to_owned();
    inbound.is_addressed = inbound.is_dm || is_addressed(reading.me, reading.triggers, data, &inbound.content);
    let reference = &data["message_reference"];
    inbound.reply_to = id(&reference["message_id"]).filter(|_| reference["type"] != FORWARD).map(|id| id.to_string());
    let files = list(&data["attachments"]).iter().filter_map(attachment);
    inbound.attachments = files.take(limits::ATTACHMENT_ITEMS).collect();
    inbound.embeds = embeds(&data["embeds"]);
    Ok(inbound)
}

/// A file without an address is none.
fn attachment(file: &Value) -> Option<Attachment> {
    let url = text(&file["url"]);
    let is_address = (url.starts_with("https://") || url.starts_with("http://")) && url.len() <= limits::URL_BYTES;
    is_address.then(|| Attachment {
        filename: name(&file["filename"]).unwrap_or_else(|| "file".into()),
        mimetype: name(&file["content_type"]).unwrap_or_default(),
        size: file["size"].as_u64().unwrap_or_default(),
        source_url: Some(url.to_owned()),
        ..Attachment::default()
    })
}

/// As the platform has them. None where there are none, or more of them than an envelope holds.
fn embeds(value: &Value) -> Option<Raw> {
    if list(value).is_empty() {
        return None;
    }
    let raw = rmp_serde::to_vec(value).ok().and_then(|bytes| Raw::new(Bytes::from(bytes)).ok());
    if raw.is_none() {
        metrics::counter!("stargazer_discord_embeds_dropped_total").increment(1);
    }
    raw
}
