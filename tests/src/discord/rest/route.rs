//! Which request means what.

use super::{
    answers,
    call::{Answer, Call},
    error::Failure,
    messages, places,
};
use crate::discord::state::State;

/// Does what is asked.
pub(crate) fn act(state: &mut State, call: &Call) -> Answer {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", ["gateway"] | ["gateway", "bot"]) => places::gateway(state, call),
        ("GET", ["users", _]) => places::user(state, call),
        ("GET", ["users", "@me", "guilds"]) => places::guilds(state, call),
        ("POST", ["users", "@me", "channels"]) => places::open_dm(state, call),
        ("GET", ["oauth2", "applications", "@me"] | ["applications", "@me"]) => places::application(state, call),
        (_, ["applications", _, "commands"] | ["applications", _, "guilds", _, "commands"]) => {
            places::commands(state, call)
        }
        ("GET", ["channels", _]) => places::channel(state, call),
        ("POST", ["channels", _, "typing"]) => places::typing(state, call),
        ("POST", ["channels", _, "threads"] | ["channels", _, "messages", _, "threads"]) => {
            places::start_thread(state, call)
        }
        ("PUT", ["channels", _, "thread-members", "@me"]) => places::join_thread(state, call),
        ("POST", ["channels", _, "messages"]) => messages::create(state, call),
        ("GET", ["channels", _, "messages"]) => messages::many(state, call),
        ("POST", ["channels", _, "messages", "bulk-delete"]) => messages::delete_many(state, call),
        ("GET", ["channels", _, "messages", _]) => messages::one(state, call),
        ("PATCH", ["channels", _, "messages", _]) => messages::edit(state, call),
        ("DELETE", ["channels", _, "messages", _]) => messages::delete(state, call),
        (_, ["channels", _, "messages", _, "reactions", _] | ["channels", _, "messages", _, "reactions", _, _]) => {
            places::reaction(state, call)
        }
        ("GET", ["guilds", _] | ["guilds", _, _] | ["guilds", _, "members", _]) => places::of_guild(state, call),
        ("POST", ["interactions", _, _, "callback"]) => answers::callback(state, call),
        (_, ["webhooks", _, _] | ["webhooks", _, _, "messages", _]) => answers::webhook(state, call),
        _ => Err(Failure::NO_ROUTE),
    }
}

/// Whether the path's own token is enough: interactions, and their webhooks.
pub(crate) fn needs_no_bot(path: &[String]) -> bool {
    matches!(path.first().map(String::as_str), Some("interactions" | "webhooks"))
        || path.len() == 1 && path[0] == "gateway"
}
