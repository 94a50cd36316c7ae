//! A request as handlers see it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    body::Body,
    error::{Errors, Failure},
};
use crate::discord::{
    gateway::Intents,
    id::Snowflake,
    limits::{Group, Key},
    state::State,
    world::{Channel, Message, Permissions},
};

/// What came, and from whom.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// Below `/api/v10`, decoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Body,
    /// Nobody where the token in the path is enough.
    pub(crate) bot: Option<Snowflake>,
}

/// 200 with a body, or 204.
pub(crate) type Answer = Result<Option<Value>, Failure>;

impl Call {
    /// Who asks; everything but interactions and their webhooks needs it.
    pub(crate) fn me(&self) -> Result<Snowflake, Failure> {
        self.bot.ok_or(Failure::UNAUTHORIZED)
    }

    /// The part of the path at `at` as an id: discord.com/developers/docs/reference#error-messages.
    pub(crate) fn id(&self, at: usize) -> Result<Snowflake, Failure> {
        Snowflake::parse(&self.path[at]).ok_or_else(|| {
            let wrong = format!("Value \"{}\" is not snowflake.", self.path[at]);
            Failure::form(json!({ "id": { "_errors": [{ "code": "NUMBER_TYPE_COERCE", "message": wrong }] } }))
        })
    }

    /// The channel at `at`, with what the caller may do there; 10003 where there is none, 50001 where it is not the caller's to see.
    pub(crate) fn channel<'a>(&self, state: &'a State, at: usize) -> Result<(&'a Channel, Permissions), Failure> {
        let channel = state.world.channels.get(&self.id(at)?).ok_or(Failure::UNKNOWN_CHANNEL)?;
        let permissions = state.world.permissions(self.me()?, channel);
        if permissions.has(Permissions::VIEW_CHANNEL) {
            Ok((channel, permissions))
        } else {
            Err(Failure::MISSING_ACCESS)
        }
    }

    /// The message at `at`, of the channel two parts before.
    pub(crate) fn message<'a>(&self, state: &'a State, at: usize) -> Result<(&'a Message, Permissions), Failure> {
        let (channel, permissions) = self.channel(state, at - 2)?;
        let found = channel.messages.get(&self.id(at)?).filter(|message| message.is_public());
        found.map(|message| (message, permissions)).ok_or(Failure::UNKNOWN_MESSAGE)
    }

    /// A number of the query between two others.
    pub(crate) fn number(&self, name: &str, usual: usize, from: usize, to: usize) -> Result<usize, Failure> {
        let Some(text) = self.query.get(name) else { return Ok(usual) };
        let number = text.parse().ok().filter(|number| (from..=to).contains(number));
        number.ok_or_else(|| {
            let mut errors = Errors::default();
            errors.add(name, "NUMBER_TYPE_MAX", &format!("int value should be between {from} and {to}."));
            errors.result().expect_err("one was added")
        })
    }

    /// A message for the caller, with its own reactions marked. Content is for whom the application's owner turned it on, by
    /// discord.com/developers/docs/topics/gateway#http-restrictions.
    pub(crate) fn shown(&self, state: &State, message: &Message) -> Value {
        let mut shown = state.world.message_json(message);
        let Some(me) = self.bot else { return shown };
        if let Some(reactions) = shown.get_mut("reactions").and_then(Value::as_array_mut) {
            for (reaction, known) in reactions.iter_mut().zip(&message.reactions) {
                reaction["me"] = json!(known.users.contains(&me));
            }
        }
        let may_read = state.world.bots.get(&me).is_some_and(|bot| bot.privileged.has(Intents::MESSAGE_CONTENT));
        let is_own = message.author == me || message.mentions.contains(&me);
        if !may_read && !is_own && state.world.guild_of(message.channel).is_some() {
            crate::discord::gateway::blank(&mut shown);
        }
        shown
    }

    /// Which bucket it counts in: discord.com/developers/docs/topics/rate-limits.
    pub(crate) fn key(&self) -> Key {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let (group, resource) = match (self.method.as_str(), path.as_slice()) {
            ("POST", ["channels", channel, "messages"]) | ("PATCH", ["channels", channel, "messages", _]) => {
                (Group::Messages, *channel)
            }
            ("GET", ["channels", channel, "messages", ..]) => (Group::History, *channel),
            ("DELETE", ["channels", channel, "messages", _]) => (Group::Delete, *channel),
            ("PUT" | "DELETE", ["channels", channel, "messages", _, "reactions", ..]) => (Group::Reactions, *channel),
            ("POST", ["channels", channel, "typing"]) => (Group::Typing, *channel),
            (_, ["interactions", _, token, "callback"]) => (Group::Callback, *token),
            (_, ["webhooks", _, token, ..]) => (Group::Webhook, *token),
            ("PUT" | "POST", ["applications", _, .., "commands"]) => (Group::Commands, ""),
            (_, ["channels" | "guilds", resource, ..]) => (Group::Other, *resource),
            _ => (Group::Other, ""),
        };
        (self.bot, group, resource.to_owned())
    }
}

/// Percent-decodes a part of a path or a value of a query.
pub(crate) fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let code = if *first == b'%' { tail.get(..2) } else { None };
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
