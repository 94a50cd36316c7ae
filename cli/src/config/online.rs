//! Whether what the settings name is there and takes what they say. Nothing is started and nothing is changed.

use bus::{Bus, BusConfig};
use service::{Problem, Settings};

use crate::{Refusal, environment::Environment, say, up, written::Written};

/// Says a line for each thing that is good; those that are not are the refusal.
pub(super) fn check(settings: &Settings, written: &Written, environment: &Environment) -> Result<(), Refusal> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Refusal::internal(format!("the runtime cannot be made: {error}")))?;
    let problems = runtime.block_on(async {
        let mut problems = Vec::new();
        let mut take = |found: gateway::platform::Found| match found {
            Ok(line) => say::answer(line),
            Err(problem) => problems.push(problem),
        };
        take(redis(settings, written, environment).await);
        take(inference::model::check(&settings.model).await);
        gateway::platform::check(settings).await.into_iter().for_each(take);
        problems
    });
    if problems.is_empty() { Ok(()) } else { Err(Refusal::settings(&problems)) }
}

/// What to do where a Redis that is set cannot be used.
pub(crate) fn unreachable(error: &bus::Error) -> &'static str {
    match error {
        bus::Error::Refused(_) => "check user, password and rights (SG_REDIS_URL)",
        _ => "is Redis running where SG_REDIS_URL (or redis.url) says?",
    }
}

async fn redis(settings: &Settings, written: &Written, environment: &Environment) -> Result<String, Problem> {
    let problem = |key: &str, message: String| Problem { place: key.into(), message };
    let is_set = written.sets("redis.url", Some("SG_REDIS_URL"));
    let private = if is_set { None } else { up::private_redis(None, environment) };
    let (url, what) = match private {
        Some(url) => (url, "that of the running `stargazer up`"),
        None if is_set => (settings.redis_url().to_owned(), "the one that is set"),
        None => (settings.redis_url().to_owned(), "the usual one of this machine, since none is set"),
    };
    let names = settings.names().map_err(|error| problem("bus", error.to_string()))?;
    let bus = match Bus::connect(BusConfig { url, names }).await {
        Ok(bus) => bus,
        Err(_) if !is_set => {
            return Ok("redis: none is set, and none runs here; `stargazer up` brings its own".into());
        }
        Err(error) => return Err(problem("redis.url", format!("{error}; {}", unreachable(&error)))),
    };
    match bus.topology().await {
        Ok(Some(stored)) if stored != settings.bus.shards.to_string() => Err(problem(
            "bus.shards",
            format!(
                "this deployment has {stored} shards, but the settings say {}: set bus.shards = {stored}",
                settings.bus.shards
            ),
        )),
        Ok(_) => match bus.keeping().await {
            Ok(keeping) => {
                let lines = [format!("redis: it answers ({what})")].into_iter();
                Ok(lines
                    .chain(keeping.faults().into_iter().map(|fault| format!("redis: {fault}")))
                    .collect::<Vec<_>>()
                    .join("\n"))
            }
            Err(error) => Err(problem("redis.url", error.to_string())),
        },
        Err(error) => Err(problem("redis.url", error.to_string())),
    }
}
