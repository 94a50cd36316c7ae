//! The HTTP API, version 10: discord.com/developers/docs/reference#http-api.

mod answers;
mod body;
mod call;
mod check;
mod error;
mod messages;
mod places;
mod route;
mod serve;

pub(crate) use messages::mention;
pub(crate) use serve::serve;
