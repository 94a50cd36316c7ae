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

use service::Exit;

use crate::{
    Refusal,
    arguments::{Dlq, Look},
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

/// What Redis said, for a person.
fn refused(error: &bus::Error) -> Refusal {
    let exit = if error.next() == bus::Next::Retry { Exit::NoRedis } else { Exit::Configuration };
    Refusal { exit, lines: vec![error.to_string()] }
}
