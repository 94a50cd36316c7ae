//! Answers to interactions: discord.com/developers/docs/interactions/receiving-and-responding.

use serde_json::{Value, json};

use super::{
    body::Body,
    call::{Answer, Call},
    check,
    error::{Errors, Failure},
    messages::{compose, rewrite},
};
use crate::discord::{
    id::Snowflake,
    interactions::{ANSWER_WITHIN, Interaction},
    state::State,
    world::{FLAG_EPHEMERAL, FLAG_LOADING, Message, TYPE_COMMAND, TYPE_DEFAULT},
};

/// #interaction-response-object-interaction-callback-type.
const MESSAGE: u64 = 4;
const MESSAGE_LATER: u64 = 5;
const UPDATE_LATER: u64 = 6;
const UPDATE: u64 = 7;

/// #create-interaction-response.
pub(crate) fn callback(state: &mut State, call: &Call) -> Answer {
    let (id, now) = (call.id(1)?, state.world.clock.now());
    let known = state.interactions.get(id).filter(|known| known.token == call.path[2]).cloned();
    let interaction = known.ok_or(Failure::UNKNOWN_INTERACTION)?;
    if interaction.answered.is_some() {
        return Err(Failure::ALREADY_ANSWERED);
    }
    if now > interaction.made + ANSWER_WITHIN {
        return Err(Failure::UNKNOWN_INTERACTION);
    }
    let kind = call.body.json["type"].as_u64().unwrap_or_default();
    // What comes with it, with the files beside.
    let body = Body { json: call.body.json["data"].clone(), files: call.body.files.clone() };
    let original = match (kind, interaction.message) {
        (MESSAGE, _) => Some(answer(state, &interaction, id, &body, 0)?),
        (MESSAGE_LATER, _) => Some(answer(state, &interaction, id, &body, FLAG_LOADING)?),
        (UPDATE_LATER, Some(message)) => Some(message),
        (UPDATE, Some(message)) => {
            rewrite(state, &body, interaction.channel, message)?;
            Some(message)
        }
        _ => {
            let mut errors = Errors::default();
            errors.add("type", "BASE_TYPE_CHOICES", "Value must be one of {4, 5, 6, 7}.");
            return Err(errors.result().expect_err("one was added"));
        }
    };
    let kept = state.interactions.get_mut(id).expect("it was found");
    (kept.answered, kept.original) = (Some(kind), original);
    // discord.com/developers/docs/reference#boolean-query-strings.
    if call.query.get("with_response").is_none_or(|wanted| !["true", "True", "1"].contains(&wanted.as_str())) {
        return Ok(None);
    }
    let kind_of = if interaction.message.is_some() { 3 } else { 2 };
    let message = original.and_then(|message| state.world.message(interaction.channel, message));
    Ok(Some(json!({
        "interaction": {
            "id": id, "type": kind_of, "response_message_id": original,
            "response_message_loading": kind == MESSAGE_LATER,
            "response_message_ephemeral": message.is_some_and(|message| message.only_for.is_some()),
        },
        "resource": { "type": kind, "message": message.map(|message| state.world.message_json(message)) },
    })))
}

/// Posts what an interaction is answered with.
fn answer(
    state: &mut State,
    interaction: &Interaction,
    id: Snowflake,
    body: &Body,
    flags: u64,
) -> Result<Snowflake, Failure> {
    let is_loading = flags & FLAG_LOADING != 0;
    check::message(body)?;
    if !is_loading && check::is_empty(body) {
        return Err(Failure::EMPTY);
    }
    let mut message = compose(&mut state.world, body, interaction.channel, interaction.application)?;
    let wanted = body.json["flags"].as_u64().unwrap_or_default() & FLAG_EPHEMERAL;
    message.flags |= flags | wanted;
    message.only_for = (wanted != 0).then_some(interaction.user);
    message.kind = if interaction.command.is_some() { TYPE_COMMAND } else { TYPE_DEFAULT };
    let user = state.world.user_json(interaction.user);
    let mut about = json!({ "id": id, "user": user, "authorizing_integration_owners": {} });
    about["type"] = json!(if interaction.command.is_some() { 2 } else { 3 });
    if let Some(name) = &interaction.command {
        about["name"] = json!(name);
    }
    if let Some(message) = interaction.message {
        about["interacted_message_id"] = json!(message);
    }
    message.interaction = Some(about);
    Ok(state.world.post(message))
}

/// #edit-original-interaction-response and its kin, by the interaction's token: 50027 once that is no longer good.
pub(crate) fn webhook(state: &mut State, call: &Call) -> Answer {
    let (application, now) = (call.id(1)?, state.world.clock.now());
    if !state.world.bots.contains_key(&application) {
        return Err(Failure::UNKNOWN_WEBHOOK);
    }
    let found = state.interactions.by_token(now, application, &call.path[2]).cloned();
    let interaction = found.ok_or(Failure::INVALID_TOKEN)?;
    let channel = interaction.channel;
    let Some(which) = call.path.get(4) else {
        // #create-followup-message. The first one after "thinking" takes its place.
        if call.method != "POST" {
            return Err(Failure::NO_METHOD);
        }
        let waiting = interaction.original.filter(|&id| is_loading(state, channel, id));
        let id = match waiting {
            Some(id) => {
                rewrite(state, &call.body, channel, id)?;
                id
            }
            None => {
                let id = state.world.next_id();
                answer(state, &interaction, id, &call.body, 0)?
            }
        };
        return Ok(Some(shown(state, channel, id)));
    };
    let id = if which == "@original" { interaction.original } else { Snowflake::parse(which) };
    let mine = |message: &&Message| message.author == application;
    let id =
        id.filter(|&id| state.world.message(channel, id).filter(mine).is_some()).ok_or(Failure::UNKNOWN_MESSAGE)?;
    match call.method.as_str() {
        "GET" => Ok(Some(shown(state, channel, id))),
        "PATCH" => {
            rewrite(state, &call.body, channel, id)?;
            Ok(Some(shown(state, channel, id)))
        }
        "DELETE" => {
            state.world.delete(channel, &[id], false);
            Ok(None)
        }
        _ => Err(Failure::NO_METHOD),
    }
}

fn is_loading(state: &State, channel: Snowflake, id: Snowflake) -> bool {
    state.world.message(channel, id).is_some_and(|message| message.flags & FLAG_LOADING != 0)
}

fn shown(state: &State, channel: Snowflake, id: Snowflake) -> Value {
    state.world.message(channel, id).map_or(Value::Null, |message| state.world.message_json(message))
}
