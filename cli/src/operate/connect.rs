//! Which deployment is meant, and a connection to it.

use bus::{Bus, BusConfig};
use service::{Exit, Settings, Source};

use crate::{Refusal, arguments::Place, environment::Environment, up, written::Written};

/// A deployment that answers.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) bus: Bus,
    pub(super) settings: Settings,
}

/// Connects, and does `work`.
pub(super) fn run<T>(
    place: &Place,
    environment: &Environment,
    work: impl AsyncFnOnce(Connected) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Refusal::internal(format!("the runtime cannot be made: {error}")))?;
    runtime.block_on(async { work(Connected::to(place, environment).await?).await })
}

impl Connected {
    /// The Redis that is set; else that of a running `stargazer up`; else the default one.
    async fn to(place: &Place, environment: &Environment) -> Result<Self, Refusal> {
        let file = place.config.as_deref();
        let settings = Settings::read(Source::from_process(file)).map_err(|problems| Refusal::settings(&problems))?;
        let names = settings.names().map_err(|error| Refusal::configuration(error.to_string()))?;
        let is_set = Written::find(file, environment).sets("redis.url", Some("SG_REDIS_URL"));
        let private = if is_set { None } else { up::private_redis(place.data_dir.as_deref(), environment) };
        let is_private = private.is_some();
        let url = private.unwrap_or_else(|| settings.redis_url().to_owned());
        let bus = match Bus::connect(BusConfig { url, names }).await {
            Ok(bus) => bus,
            Err(error @ bus::Error::Setting(_)) => {
                return Err(Refusal::configuration(format!("redis.url (SG_REDIS_URL) {error}")));
            }
            Err(error) => {
                let hint = match (&place.data_dir, is_set, is_private) {
                    (_, true, _) => crate::config::unreachable(&error).to_owned(),
                    (_, false, true) => "the Redis of the running `stargazer up` does not answer".to_owned(),
                    (Some(folder), false, false) => {
                        format!("no Redis is set, and no `stargazer up` runs on {}", folder.display())
                    }
                    (None, false, false) => "no Redis is set, and no `stargazer up` runs on the usual data folder: \
                         set SG_REDIS_URL, or name its folder with --data-dir"
                        .to_owned(),
                };
                return Err(Refusal { exit: Exit::NoRedis, lines: vec![format!("{error}; {hint}")] });
            }
        };
        match bus.topology().await {
            Ok(None) => Err(Refusal::configuration(
                "nothing of Stargazer is in this Redis: no daemon has started on it yet, or another database is meant",
            )),
            Ok(Some(stored)) if stored == settings.bus.shards.to_string() => Ok(Self { bus, settings }),
            Ok(Some(stored)) => Err(Refusal::configuration(format!(
                "this deployment has {stored} shards, but the settings say {}: set bus.shards = {stored}",
                settings.bus.shards
            ))),
            Err(error) => Err(super::refused(&error)),
        }
    }
}
