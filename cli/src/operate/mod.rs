//! The operator's tools on a live deployment: dead letters, lag, shards. They talk to Redis alone, with the settings of the
//! daemons, and run beside them or without them.

mod age;
mod connect;
mod dlq;
mod lag;
mod roles;
mod select;
mod shards;
mod table;

use bytes::Bytes;
use service::Exit;

use crate::{
    Refusal,
    arguments::{Dlq, Look, Place},
    environment::Environment,
};
use connect::Connected;

/// `stargazer dlq`.
pub(crate) fn dlq(arguments: &Dlq, environment: &Environment) -> Result<Exit, Refusal> {
    connect::run(&arguments.place, environment, async |deployment| dlq::dlq(&arguments.command, &deployment).await)
}

/// `stargazer lag`.
pub(crate) fn lag(arguments: &Look, environment: &Environment) -> Result<Exit, Refusal> {
    connect::run(&arguments.place, environment, async |deployment| lag::lag(arguments, &deployment).await)
}

/// `stargazer shards`.
pub(crate) fn shards(arguments: &Look, environment: &Environment) -> Result<Exit, Refusal> {
    connect::run(&arguments.place, environment, async |deployment| shards::shards(arguments, &deployment).await)
}

/// What is remembered of a conversation, oldest first.
pub(crate) fn history(place: &Place, environment: &Environment, lane: &str) -> Result<Vec<Bytes>, Refusal> {
    connect::run(place, environment, async |deployment| {
        deployment.bus.history(lane).await.map_err(|error| refused(&error))
    })
}

/// What Redis said, for a person.
fn refused(error: &bus::Error) -> Refusal {
    let exit = if error.next() == bus::Next::Retry { Exit::NoRedis } else { Exit::Configuration };
    Refusal { exit, lines: vec![error.to_string()] }
}
