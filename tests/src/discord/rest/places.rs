//! Channels, threads, guilds, people and reactions.

use serde_json::{Value, json};

use super::{
    call::{Answer, Call},
    check::list,
    error::{Errors, Failure},
};
use crate::discord::{
    gateway::Intents,
    id::Snowflake,
    state::State,
    world::{Channel, Emoji, Guild, Kind, Permissions, role_json},
};

/// discord.com/developers/docs/resources/channel#get-channel.
pub(crate) fn channel(state: &State, call: &Call) -> Answer {
    let (channel, _) = call.channel(state, 1)?;
    Ok(Some(state.world.channel_json(channel)))
}

/// discord.com/developers/docs/resources/channel#trigger-typing-indicator.
pub(crate) fn typing(state: &mut State, call: &Call) -> Answer {
    let (channel, permissions) = call.channel(state, 1)?;
    if !permissions.has(Permissions::SEND_MESSAGES) {
        return Err(Failure::MISSING_PERMISSIONS);
    }
    let channel = channel.id;
    state.world.typing(channel, call.me()?);
    Ok(None)
}

/// discord.com/developers/docs/resources/user#create-dm.
pub(crate) fn open_dm(state: &mut State, call: &Call) -> Answer {
    let me = call.me()?;
    let other = Snowflake::of(&call.body.json["recipient_id"]).filter(|id| state.world.users.contains_key(id));
    let other = other.filter(|&other| other != me).ok_or(Failure::UNKNOWN_USER)?;
    let dm = state.world.dm(me, other);
    Ok(Some(state.world.channel_json(&state.world.channels[&dm])))
}

/// discord.com/developers/docs/resources/channel#start-thread-from-message, or #start-thread-without-message.
pub(crate) fn start_thread(state: &mut State, call: &Call) -> Answer {
    let me = call.me()?;
    let from = if call.path.len() == 5 { Some(call.message(state, 3)?.0.id) } else { None };
    let (channel, permissions) = call.channel(state, 1)?;
    let parent = channel.id;
    if channel.kind != Kind::Text {
        return Err(Failure::WRONG_KIND);
    }
    if !permissions.has(Permissions::CREATE_PUBLIC_THREADS) {
        return Err(Failure::MISSING_PERMISSIONS);
    }
    if from.is_some_and(|from| state.world.channels.contains_key(&from)) {
        return Err(Failure::HAS_THREAD);
    }
    let (name, mut errors) = (call.body.json["name"].as_str().unwrap_or_default(), Errors::default());
    if name.is_empty() || name.chars().count() > 100 {
        errors.add("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.");
    }
    errors.result()?;
    let thread = state.world.start_thread(parent, from, me, name);
    Ok(Some(state.world.channel_json(&state.world.channels[&thread])))
}

/// discord.com/developers/docs/resources/channel#join-thread.
pub(crate) fn join_thread(state: &mut State, call: &Call) -> Answer {
    let (channel, _) = call.channel(state, 1)?;
    if channel.kind != Kind::PublicThread {
        return Err(Failure::WRONG_KIND);
    }
    let thread = channel.id;
    state.world.join_thread(thread, call.me()?);
    Ok(None)
}

/// The guild at 1, where the caller is a member.
fn guild<'a>(state: &'a State, call: &Call) -> Result<&'a Guild, Failure> {
    let guild = state.world.guilds.get(&call.id(1)?).ok_or(Failure::UNKNOWN_GUILD)?;
    if guild.members.contains_key(&call.me()?) { Ok(guild) } else { Err(Failure::MISSING_ACCESS) }
}

/// discord.com/developers/docs/resources/guild: #get-guild, #get-guild-channels, #get-guild-roles, #get-guild-member,
/// #list-guild-members.
pub(crate) fn of_guild(state: &State, call: &Call) -> Answer {
    let (guild, world, me) = (guild(state, call)?, &state.world, call.me()?);
    Ok(Some(match call.path.get(2).map(String::as_str) {
        None => world.guild_json(guild),
        Some("channels") => {
            let sees = |channel: &&Channel| world.permissions(me, channel).has(Permissions::VIEW_CHANNEL);
            let here = |channel: &&Channel| channel.guild == Some(guild.id) && channel.kind == Kind::Text;
            let channels = world.channels.values().filter(here).filter(sees);
            json!(channels.map(|channel| world.channel_json(channel)).collect::<Vec<_>>())
        }
        Some("roles") => {
            json!(guild.roles.iter().enumerate().map(|(at, role)| role_json(role, at)).collect::<Vec<_>>())
        }
        Some("members") if call.path.len() == 4 => {
            world.member_json(guild.id, call.id(3)?, true).ok_or(Failure::UNKNOWN_MEMBER)?
        }
        Some("members") => {
            // "Restricted according to whether the GUILD_MEMBERS Privileged Intent is enabled for your application."
            if !world.bots[&me].privileged.has(Intents::GUILD_MEMBERS.0) {
                return Err(Failure::MISSING_ACCESS);
            }
            let limit = call.number("limit", 1, 1, 1000)?;
            let after = call.query.get("after").and_then(|id| Snowflake::parse(id)).unwrap_or_default();
            let members = guild.members.keys().filter(|&&user| user > after).take(limit);
            json!(members.filter_map(|&user| world.member_json(guild.id, user, true)).collect::<Vec<_>>())
        }
        Some(_) => return Err(Failure::NO_ROUTE),
    }))
}

/// discord.com/developers/docs/resources/user: #get-current-user, #get-user.
pub(crate) fn user(state: &State, call: &Call) -> Answer {
    let wanted = if call.path[1] == "@me" { call.me()? } else { call.id(1)? };
    if !state.world.users.contains_key(&wanted) {
        return Err(Failure::UNKNOWN_USER);
    }
    let mut shown = state.world.user_json(wanted);
    if wanted == call.me()? {
        (shown["verified"], shown["mfa_enabled"], shown["locale"]) = (json!(true), json!(true), json!("en-US"));
    }
    Ok(Some(shown))
}

/// discord.com/developers/docs/resources/user#get-current-user-guilds: by id, at most 200, with what the bot may do there whatever
/// the channels say.
pub(crate) fn guilds(state: &State, call: &Call) -> Answer {
    let (me, world) = (call.me()?, &state.world);
    let limit = call.number("limit", 200, 1, 200)?;
    let after = call.query.get("after").and_then(|id| Snowflake::parse(id)).unwrap_or_default();
    let mine = world.guilds.values().filter(|guild| guild.id > after && guild.members.contains_key(&me));
    let shown = mine.take(limit).map(|guild| {
        json!({
            "id": guild.id, "name": guild.name, "icon": null, "banner": null, "owner": guild.owner == me, "features": [],
            "permissions": world.guild_permissions(me, guild).0.to_string(),
        })
    });
    Ok(Some(shown.collect::<Vec<_>>().into()))
}

/// #application-object-application-flags: of a bot in fewer than 100 servers.
const MESSAGE_CONTENT_LIMITED: u64 = 1 << 19;

/// discord.com/developers/docs/resources/application#get-current-application.
pub(crate) fn application(state: &State, call: &Call) -> Answer {
    let bot = &state.world.bots[&call.me()?];
    let flags = if bot.privileged.has(Intents::MESSAGE_CONTENT) { MESSAGE_CONTENT_LIMITED } else { 0 };
    let user = state.world.user_json(bot.id);
    Ok(Some(json!({
        "id": bot.id, "name": user["username"], "icon": null, "description": "", "bot_public": true,
        "bot_require_code_grant": false, "bot": user, "owner": user, "team": null, "verify_key": "0".repeat(64), "flags": flags,
        "summary": "", "hook": true, "rpc_origins": [], "tags": [], "redirect_uris": [],
        "interactions_endpoint_url": null, "role_connections_verification_url": null,
    })))
}

/// discord.com/developers/docs/topics/gateway#get-gateway, #get-gateway-bot.
pub(crate) fn gateway(state: &State, call: &Call) -> Answer {
    let url = state.gateway_url();
    if call.path.len() == 1 {
        return Ok(Some(json!({ "url": url })));
    }
    let (bot, now) = (&state.world.bots[&call.me()?], state.world.clock.now());
    let left = if now >= bot.starts_reset { bot.starts.1 } else { bot.starts.0 };
    let reset_after = bot.starts_reset.saturating_sub(now).as_millis() as u64;
    Ok(Some(json!({
        "url": url, "shards": bot.shards,
        "session_start_limit": {
            "total": bot.starts.1, "remaining": left, "reset_after": reset_after, "max_concurrency": bot.max_concurrency,
        },
    })))
}

/// discord.com/developers/docs/resources/message: #create-reaction, #delete-own-reaction, #delete-user-reaction, #get-reactions.
pub(crate) fn reaction(state: &mut State, call: &Call) -> Answer {
    let (message, permissions) = call.message(state, 3)?;
    let (me, channel, id) = (call.me()?, message.channel, message.id);
    let emoji = Emoji::parse(&call.path[5]).ok_or(Failure::UNKNOWN_EMOJI)?;
    let is_new = message.reactions.iter().all(|reaction| reaction.emoji != emoji);
    let whose = call.path.get(6).map(|whose| if whose == "@me" { Ok(me) } else { call.id(6) }).transpose()?;
    match (call.method.as_str(), whose) {
        ("GET", None) => {
            let reaction = message.reactions.iter().find(|reaction| reaction.emoji == emoji);
            let users = reaction.map_or(&[][..], |reaction| &reaction.users);
            return Ok(Some(users.iter().map(|&user| state.world.user_json(user)).collect::<Vec<Value>>().into()));
        }
        ("PUT", Some(whose)) if whose == me => {
            // "Requires READ_MESSAGE_HISTORY, and ADD_REACTIONS if nobody else has reacted using this emoji."
            let needed = if is_new { Permissions::ADD_REACTIONS } else { Permissions::default() };
            if !permissions.has(needed.with(Permissions::READ_MESSAGE_HISTORY)) {
                return Err(Failure::MISSING_PERMISSIONS);
            }
            state.world.react(channel, id, me, &emoji);
        }
        ("DELETE", Some(whose)) => {
            if whose != me && !permissions.has(Permissions::MANAGE_MESSAGES) {
                return Err(Failure::MISSING_PERMISSIONS);
            }
            if !state.world.unreact(channel, id, whose, &emoji) {
                return Err(Failure::UNKNOWN_EMOJI);
            }
        }
        _ => return Err(Failure::NO_METHOD),
    }
    Ok(None)
}

/// discord.com/developers/docs/interactions/application-commands: #bulk-overwrite-global-application-commands and its kin.
pub(crate) fn commands(state: &mut State, call: &Call) -> Answer {
    let me = call.me()?;
    if call.id(1)? != me {
        return Err(Failure::MISSING_ACCESS);
    }
    let guild = if call.path[2] == "guilds" { Some(call.id(3)?) } else { None };
    if guild.is_some_and(|guild| !state.world.guilds.get(&guild).is_some_and(|guild| guild.members.contains_key(&me))) {
        return Err(Failure::MISSING_ACCESS);
    }
    let known = |state: &State| state.world.bots[&me].commands.get(&guild).cloned().unwrap_or_default();
    match call.method.as_str() {
        "GET" => Ok(Some(known(state).into())),
        "PUT" => {
            let told = call.body.json.as_array().cloned().unwrap_or_default();
            let made = told.into_iter().map(|command| registered(state, me, guild, command));
            let made = made.collect::<Result<Vec<_>, _>>()?;
            state.world.bots.get_mut(&me).expect("it asks").commands.insert(guild, made.clone());
            Ok(Some(made.into()))
        }
        "POST" => {
            let made = registered(state, me, guild, call.body.json.clone())?;
            let commands = state.world.bots.get_mut(&me).expect("it asks").commands.entry(guild).or_default();
            // "Creating a command with the same name as an existing command will overwrite the old command."
            commands.retain(|known| known["name"] != made["name"]);
            commands.push(made.clone());
            Ok(Some(made))
        }
        _ => Err(Failure::NO_METHOD),
    }
}

/// A command as it is kept: #application-command-object-application-command-naming.
fn registered(
    state: &mut State,
    me: Snowflake,
    guild: Option<Snowflake>,
    mut command: Value,
) -> Result<Value, Failure> {
    let (name, mut errors) = (command["name"].as_str().unwrap_or_default().to_owned(), Errors::default());
    let is_word = |c: char| c.is_alphanumeric() || "-_'".contains(c);
    let is_chat = command["type"].is_null() || command["type"] == 1;
    let is_good = (1..=32).contains(&name.chars().count())
        && (!is_chat || (name.chars().all(is_word) && name.to_lowercase() == name));
    if !is_good {
        errors.add("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
    }
    let described = command["description"].as_str().unwrap_or_default();
    if is_chat && !(1..=100).contains(&described.chars().count()) {
        errors.add("description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.");
    }
    if list(&command, "options").len() > 25 {
        errors.add("options", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.");
    }
    errors.result()?;
    let id = state.world.next_id();
    (command["id"], command["version"], command["application_id"]) = (json!(id), json!(id), json!(me));
    command["default_member_permissions"] = command["default_member_permissions"].clone();
    for (field, usual) in [("type", json!(1)), ("description", json!("")), ("nsfw", json!(false))] {
        if command[field].is_null() {
            command[field] = usual;
        }
    }
    if let Some(guild) = guild {
        command["guild_id"] = json!(guild);
    }
    Ok(command)
}
