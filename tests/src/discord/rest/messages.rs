//! Messages: discord.com/developers/docs/resources/message.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    body::{Body, File},
    call::{Answer, Call},
    check::{self, list},
    error::{Errors, Failure},
};
use crate::discord::{
    id::Snowflake,
    state::State,
    world::{Attachment, Channel, FLAG_LOADING, Kind, Message, Permissions, TYPE_DEFAULT, TYPE_REPLY, World},
};

/// #bulk-delete-messages: "any message older than 2 weeks".
const BULK_AGE_MAX: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// #create-message.
pub(crate) fn create(state: &mut State, call: &Call) -> Answer {
    let (me, now) = (call.me()?, state.world.clock.now());
    let (channel, permissions) = call.channel(state, 1)?;
    may_send(&state.world, channel, permissions, me, !call.body.files.is_empty())?;
    let channel = channel.id;
    check::message(&call.body)?;
    if check::is_empty(&call.body) {
        return Err(Failure::EMPTY);
    }
    let nonce = Some(&call.body.json["nonce"]).filter(|nonce| !nonce.is_null()).cloned();
    let enforced = (nonce.as_ref()).filter(|_| call.body.json["enforce_nonce"] == true).map(|nonce| match nonce {
        Value::String(text) => text.clone(),
        number => number.to_string(),
    });
    if let Some((channel, message)) = enforced.as_ref().and_then(|nonce| state.nonces.find(now, me, nonce)) {
        let message = state.world.message(channel, message).ok_or(Failure::UNKNOWN_MESSAGE)?;
        return Ok(Some(call.shown(state, message)));
    }
    let mut message = compose(&mut state.world, &call.body, channel, me)?;
    message.nonce = nonce;
    let id = state.world.post(message);
    if let Some(nonce) = enforced {
        state.nonces.keep(now, me, nonce, (channel, id));
    }
    Ok(Some(call.shown(state, &state.world.channels[&channel].messages[&id])))
}

/// Needs `SEND_MESSAGES`, or `SEND_MESSAGES_IN_THREADS`, and `ATTACH_FILES` for files.
fn may_send(
    world: &World,
    channel: &Channel,
    permissions: Permissions,
    me: Snowflake,
    has_files: bool,
) -> Result<(), Failure> {
    let needed = match channel.kind {
        Kind::PublicThread => Permissions::SEND_MESSAGES_IN_THREADS,
        Kind::Text | Kind::Dm => Permissions::SEND_MESSAGES,
    };
    let needed = if has_files { needed.with(Permissions::ATTACH_FILES) } else { needed };
    let is_closed = |user: &Snowflake| *user != me && world.users.get(user).is_some_and(|user| user.is_closed);
    if channel.kind == Kind::Dm && channel.recipients.iter().any(is_closed) {
        return Err(Failure::CLOSED_DM);
    }
    if permissions.has(needed) { Ok(()) } else { Err(Failure::MISSING_PERMISSIONS) }
}

/// A message from its checked fields, not yet posted.
pub(crate) fn compose(
    world: &mut World,
    body: &Body,
    channel: Snowflake,
    author: Snowflake,
) -> Result<Message, Failure> {
    let json = &body.json;
    let mut message = Message { channel, author, kind: TYPE_DEFAULT, ..Message::default() };
    let reference = &json["message_reference"];
    if !reference.is_null() {
        let wanted = Snowflake::of(&reference["message_id"]);
        let found = wanted.and_then(|id| world.message(channel, id)).map(|message| (message.id, message.author));
        match found {
            Some((id, author)) => {
                (message.reference, message.kind) = (Some(id), TYPE_REPLY);
                if json["allowed_mentions"].is_null() || json["allowed_mentions"]["replied_user"] == true {
                    message.mentions.push(author);
                }
            }
            None if reference["fail_if_not_exists"] == false => {}
            None => {
                let mut errors = Errors::default();
                errors.add("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
                errors.result()?;
            }
        }
    }
    message.content = json["content"].as_str().unwrap_or_default().to_owned();
    mention(world, &mut message, &json["allowed_mentions"]);
    (message.embeds, message.components) = (list(json, "embeds"), list(json, "components"));
    // Of the flags that a sender may set: SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS.
    message.flags = json["flags"].as_u64().unwrap_or_default() & (1 << 2 | 1 << 12);
    message.attachments = attach(world, body);
    Ok(message)
}

fn attach(world: &mut World, body: &Body) -> Vec<Attachment> {
    let told = list(&body.json, "attachments");
    let mut attached = Vec::new();
    for File { index, filename, content_type, bytes } in &body.files {
        let about = told.iter().find(|about| about["id"] == *index || about["id"].as_str() == Some(&index.to_string()));
        let text = |field: &str| about.and_then(|about| about[field].as_str()).map(str::to_owned);
        attached.push(Attachment {
            id: world.next_id(),
            filename: text("filename").unwrap_or_else(|| filename.clone()),
            content_type: content_type.clone(),
            description: text("description"),
            bytes: bytes.clone(),
        });
    }
    attached
}

/// Finds who is mentioned and may be: discord.com/developers/docs/resources/message#allowed-mentions-object.
pub(crate) fn mention(world: &World, message: &mut Message, allowed: &Value) {
    let parses = |what: &str| allowed.is_null() || list(allowed, "parse").iter().any(|one| one == what);
    let names = |field: &str, id: Snowflake| list(allowed, field).iter().any(|one| Snowflake::of(one) == Some(id));
    for part in message.content.split('<').skip(1) {
        let Some((inside, _)) = part.split_once('>') else { continue };
        if let Some(role) = inside.strip_prefix("@&").and_then(Snowflake::parse) {
            if (parses("roles") || names("roles", role)) && !message.mention_roles.contains(&role) {
                message.mention_roles.push(role);
            }
        } else if let Some(user) = inside.strip_prefix('@').and_then(|id| Snowflake::parse(id.trim_start_matches('!')))
        {
            let may = parses("users") || names("users", user);
            if may && world.users.contains_key(&user) && !message.mentions.contains(&user) {
                message.mentions.push(user);
            }
        }
    }
    let says_all = message.content.contains("@everyone") || message.content.contains("@here");
    message.mentions_everyone = says_all && parses("everyone");
}

/// #edit-message.
pub(crate) fn edit(state: &mut State, call: &Call) -> Answer {
    let (message, _) = call.message(state, 3)?;
    if message.author != call.me()? {
        return Err(Failure::NOT_YOURS);
    }
    let (channel, id) = (message.channel, message.id);
    rewrite(state, &call.body, channel, id)?;
    Ok(Some(call.shown(state, &state.world.channels[&channel].messages[&id])))
}

/// Changes the fields that are given, and keeps the files that `attachments` names, or all.
pub(crate) fn rewrite(state: &mut State, body: &Body, channel: Snowflake, id: Snowflake) -> Result<(), Failure> {
    check::message(body)?;
    let (json, now) = (&body.json, state.world.clock.now());
    let new = attach(&mut state.world, body);
    let mut changed = state.world.message(channel, id).cloned().ok_or(Failure::UNKNOWN_MESSAGE)?;
    if json.get("attachments").is_some() {
        let kept = list(json, "attachments");
        changed.attachments.retain(|file| kept.iter().any(|one| Snowflake::of(&one["id"]) == Some(file.id)));
    }
    changed.attachments.extend(new);
    if json.get("embeds").is_some() {
        changed.embeds = list(json, "embeds");
    }
    if json.get("components").is_some() {
        changed.components = list(json, "components");
    }
    if json.get("content").is_some() {
        changed.rewrite(json["content"].as_str().unwrap_or_default().to_owned(), now);
        changed.mentions.clear();
        mention(&state.world, &mut changed, &json["allowed_mentions"]);
    }
    changed.edited = Some(now);
    // "Thinking" ends with the first thing that is said.
    changed.flags &= !FLAG_LOADING;
    let has_none = changed.content.trim().is_empty() && changed.embeds.is_empty() && changed.attachments.is_empty();
    if has_none {
        return Err(Failure::EMPTY);
    }
    state.world.revise(channel, id, |message| *message = changed);
    Ok(())
}

/// #delete-message.
pub(crate) fn delete(state: &mut State, call: &Call) -> Answer {
    let (message, permissions) = call.message(state, 3)?;
    if message.author != call.me()? && !permissions.has(Permissions::MANAGE_MESSAGES) {
        return Err(Failure::MISSING_PERMISSIONS);
    }
    // In private nobody manages what the other wrote.
    if message.author != call.me()? && state.world.guild_of(message.channel).is_none() {
        return Err(Failure::MISSING_PERMISSIONS);
    }
    let (channel, id) = (message.channel, message.id);
    state.world.delete(channel, &[id], false);
    Ok(None)
}

/// #bulk-delete-messages.
pub(crate) fn delete_many(state: &mut State, call: &Call) -> Answer {
    let (channel, permissions) = call.channel(state, 1)?;
    let channel = channel.id;
    if !permissions.has(Permissions::MANAGE_MESSAGES) {
        return Err(Failure::MISSING_PERMISSIONS);
    }
    let ids: Vec<_> = list(&call.body.json, "messages").iter().filter_map(Snowflake::of).collect();
    if !(2..=100).contains(&ids.len()) {
        return Err(Failure::BULK_COUNT);
    }
    let now = state.world.clock.now();
    if ids.iter().any(|id| id.time() + BULK_AGE_MAX < now) {
        return Err(Failure::BULK_AGE);
    }
    state.world.delete(channel, &ids, true);
    Ok(None)
}

/// #get-channel-message.
pub(crate) fn one(state: &State, call: &Call) -> Answer {
    let (message, permissions) = call.message(state, 3)?;
    if !permissions.has(Permissions::READ_MESSAGE_HISTORY) {
        return Err(Failure::MISSING_PERMISSIONS);
    }
    Ok(Some(call.shown(state, message)))
}

/// #get-channel-messages: newest first; "if the user lacks `READ_MESSAGE_HISTORY`, this will return no messages".
pub(crate) fn many(state: &State, call: &Call) -> Answer {
    let (channel, permissions) = call.channel(state, 1)?;
    let limit = call.number("limit", 50, 1, 100)?;
    let at = |name| call.query.get(name).and_then(|id| Snowflake::parse(id));
    let shown = channel.messages.values().filter(|message| message.is_public());
    let mut chosen: Vec<&Message> = match (at("before"), at("after"), at("around")) {
        _ if !permissions.has(Permissions::READ_MESSAGE_HISTORY) => Vec::new(),
        (Some(before), ..) => shown.rev().filter(|message| message.id < before).take(limit).collect(),
        (None, Some(after), _) => shown.filter(|message| message.id > after).take(limit).collect(),
        (None, None, Some(around)) => {
            let all: Vec<_> = shown.collect();
            let middle = all.partition_point(|message| message.id < around);
            let from = middle.saturating_sub(limit / 2);
            all.into_iter().skip(from).take(limit).collect()
        }
        (None, None, None) => shown.rev().take(limit).collect(),
    };
    chosen.sort_by_key(|message| std::cmp::Reverse(message.id));
    Ok(Some(json!(chosen.into_iter().map(|message| call.shown(state, message)).collect::<Vec<_>>())))
}
