//! IDENTIFY and RESUME.

use serde_json::{Value, json};

use super::{
    CloseCode, Intents,
    hub::{Hub, Order, close, invalid_session},
    session::Session,
};
use crate::discord::{
    id::Snowflake,
    state::State,
    world::{Bot, Guild},
};

/// A day of session starts: discord.com/developers/docs/topics/gateway#session-start-limit-object.
const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// Libraries send the token of HTTP's header as it is.
fn bot_of<'a>(state: &'a mut State, payload: &Value) -> Option<&'a mut Bot> {
    let token = payload["token"].as_str()?;
    let token = token.strip_prefix("Bot ").unwrap_or(token);
    state.world.bots.values_mut().find(|bot| bot.token == token)
}

/// discord.com/developers/docs/topics/gateway#identifying. What comes back goes out instead of READY.
pub(super) fn identify(state: &mut State, socket: u64, payload: &Value) -> Option<Order> {
    let now = state.world.clock.now();
    let Some(bot) = bot_of(state, payload) else { return Some(close(CloseCode::AuthenticationFailed)) };
    let Some(bits) = payload["intents"].as_u64() else { return Some(close(CloseCode::DecodeError)) };
    let intents = Intents(bits);
    if intents.beyond(Intents::ALL).0 != 0 {
        return Some(close(CloseCode::InvalidIntents));
    }
    // discord.com/developers/docs/topics/gateway#gateway-restrictions.
    if Intents(bits & Intents::PRIVILEGED.0).beyond(bot.privileged).0 != 0 {
        return Some(close(CloseCode::DisallowedIntents));
    }
    // discord.com/developers/docs/topics/gateway#sharding.
    let shard = match payload["shard"].as_array().map(Vec::as_slice) {
        None => (0, 1),
        Some([shard, count]) => match (shard.as_u64(), count.as_u64()) {
            (Some(shard), Some(count)) if shard < count => (shard, count),
            _ => return Some(close(CloseCode::InvalidShard)),
        },
        Some(_) => return Some(close(CloseCode::InvalidShard)),
    };
    if now >= bot.starts_reset {
        bot.starts.0 = bot.starts.1;
        bot.starts_reset = now + DAY;
    }
    let (id, key) = (bot.id, shard.0 % bot.max_concurrency);
    let is_spent = bot.starts.0 == 0;
    if is_spent {
        // "All active sessions for the app will be terminated, the bot token will be reset": #identifying.
        bot.token = format!("reset by the platform at {}", now.as_secs());
        state.ledger.early_identifies += 1;
        state.hub.expel(id, CloseCode::AuthenticationFailed);
        return Some(close(CloseCode::AuthenticationFailed));
    }
    let mine = |guild: &&Guild| guild.members.contains_key(&id) && guild.id.shard(shard.1) == shard.0;
    let is_crowded = state.world.guilds.values().filter(mine).count() > state.hub.rules.shard_guilds_max;
    if is_crowded || shard.1 < state.world.bots[&id].shards_min {
        return Some(close(CloseCode::ShardingRequired));
    }
    // discord.com/developers/docs/topics/gateway#session-start-limit-object: `rate_limit_key = shard_id % max_concurrency`.
    let last = state.hub.identified.get(&(id, key));
    if last.is_some_and(|last| now < *last + state.hub.rules.identify_every) {
        state.ledger.early_identifies += 1;
        return Some(invalid_session(false));
    }
    state.hub.identified.insert((id, key), now);
    state.world.bots.get_mut(&id).expect("it was found").starts.0 -= 1;
    let session = format!("{:032x}", state.chance.u128(..));
    let session = Session::new(session, id, shard, intents, state.hub.rules.replay_max);
    begin(state, socket, session);
    None
}

/// READY, then the guilds: discord.com/developers/docs/topics/gateway-events#ready.
fn begin(state: &mut State, socket: u64, mut session: Session) {
    let (bot, world) = (session.bot, &state.world);
    let mine = |guild: &&Guild| guild.members.contains_key(&bot) && guild.id.shard(session.shard.1) == session.shard.0;
    let guilds: Vec<&Guild> = world.guilds.values().filter(mine).collect();
    let resume_url = state.resume_url.clone().unwrap_or_else(|| state.gateway_url());
    let ready = json!({
        "v": 10, "user": me(state, bot), "session_type": "normal", "session_id": session.id,
        "resume_gateway_url": resume_url, "shard": [session.shard.0, session.shard.1],
        "guilds": guilds.iter().map(|guild| json!({ "id": guild.id, "unavailable": true })).collect::<Vec<_>>(),
        "application": { "id": bot, "flags": 0 }, "private_channels": [], "relationships": [], "user_settings": {},
        "geo_ordered_rtc_regions": [], "_trace": [],
    });
    session.dispatch("READY", &ready);
    if session.intents.has(Intents::GUILDS.0) {
        let knows_members = session.intents.has(Intents::GUILD_MEMBERS.0);
        for guild in guilds {
            session.dispatch("GUILD_CREATE", &world.guild_create_json(guild, bot, knows_members));
        }
    }
    session.socket = Some(socket);
    state.hub.identifies += 1;
    attach(&mut state.hub, socket, &session.id, 0);
    state.hub.sessions.insert(session.id.clone(), session);
}

/// The bot's own user, with what only it sees.
fn me(state: &State, bot: Snowflake) -> Value {
    let mut me = state.world.user_json(bot);
    me["verified"] = json!(true);
    me["mfa_enabled"] = json!(true);
    me["email"] = Value::Null;
    me
}

fn attach(hub: &mut Hub, socket: u64, session: &str, sent: u64) {
    if let Some(wire) = hub.wires.get_mut(&socket) {
        wire.session = Some(session.to_owned());
        wire.sent = sent;
        wire.wake.notify_one();
    }
}

/// discord.com/developers/docs/topics/gateway#resuming: everything after `seq`, then RESUMED.
pub(super) fn resume(state: &mut State, socket: u64, payload: &Value) -> Option<Order> {
    let now = state.world.clock.now();
    let Some(bot) = bot_of(state, payload).map(|bot| bot.id) else {
        return Some(close(CloseCode::AuthenticationFailed));
    };
    let (Some(id), Some(sequence)) = (payload["session_id"].as_str(), payload["seq"].as_u64()) else {
        return Some(close(CloseCode::DecodeError));
    };
    let hub = &mut state.hub;
    let Some(session) = hub.sessions.get_mut(id).filter(|session| session.bot == bot) else {
        return Some(invalid_session(false));
    };
    if sequence > session.sequence {
        hub.sessions.remove(id);
        return Some(close(CloseCode::InvalidSequence));
    }
    let is_late = session.waits_until.is_some_and(|until| now >= until);
    if is_late || session.after(sequence).is_none() {
        hub.sessions.remove(id);
        return Some(invalid_session(false));
    }
    session.dispatch("RESUMED", &json!({ "_trace": [] }));
    session.waits_until = None;
    let before = session.socket.replace(socket);
    attach(hub, socket, id, sequence);
    hub.resumes += 1;
    if let Some(before) = before {
        // A session has one socket; the old one may be half open.
        if let Some(wire) = hub.wires.get_mut(&before) {
            wire.session = None;
        }
        hub.order(before, close(CloseCode::UnknownError));
    }
    None
}
