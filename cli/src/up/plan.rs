//! What `up` starts, worked out before anything runs.

use std::{ffi::OsString, path::Path, time::Duration};

use service::{Settings, Source};

use super::{
    folders::{self, Sockets},
    lock::Lock,
    program::{Program, Readiness},
    redis,
    siblings::Siblings,
};
use crate::{
    Refusal,
    arguments::{DeathSignal, Up},
    environment::Environment,
    written::Written,
};

/// Beyond a daemon's own drain, for the rest of its end.
const DRAIN_MARGIN: Duration = Duration::from_secs(5);

/// Everything that is to run, and what keeps it safe meanwhile.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) settings: Settings,
    /// The private one, unless a Redis is set.
    pub(super) redis: Option<Program>,
    /// The private Redis' place, for people.
    pub(super) home: Option<Home>,
    pub(super) gateway: Program,
    pub(super) workers: Vec<Program>,
    /// Gone when it is dropped.
    pub(super) sockets: Sockets,
}

/// Where the private Redis lives.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) data: std::path::PathBuf,
    pub(super) url: String,
    _lock: Lock,
}

impl Plan {
    pub(super) fn new(arguments: &Up, environment: &Environment) -> Result<Self, Refusal> {
        let file = arguments.config.as_deref();
        let settings = Settings::read(Source::from_process(file)).map_err(|problems| Refusal::settings(&problems))?;
        let written = Written::find(file, environment);
        let siblings = Siblings::find()?;
        if written.sets("redis.url", Some("SG_REDIS_URL")) {
            let sockets = Sockets::new(None)?;
            return Ok(Self::with(arguments, settings, &written, &siblings, sockets, None));
        }
        let server = redis::find(environment)?;
        let data = folders::data(arguments.data_dir.as_deref(), environment)?;
        let lock = Lock::take(&data)?;
        let sockets = Sockets::new(Some(&data))?;
        let socket = sockets.socket("redis.sock");
        let program = redis::program(&siblings.own, server, &data, &socket);
        let home = Home { data, url: format!("unix://{}", socket.display()), _lock: lock };
        Ok(Self::with(arguments, settings, &written, &siblings, sockets, Some((program, home))))
    }

    fn with(
        arguments: &Up,
        settings: Settings,
        written: &Written,
        siblings: &Siblings,
        sockets: Sockets,
        private: Option<(Program, Home)>,
    ) -> Self {
        let (redis, home) = private.unzip();
        let common =
            Common { arguments, settings: &settings, written, url: home.as_ref().map(|home: &Home| home.url.as_str()) };
        let daemon = |name: String, path: &Path, nth: u16| Program {
            environment: common.environment(nth),
            arguments: common.arguments(),
            readiness: Readiness::Notifies(sockets.socket(&format!("notify-{nth}"))),
            name,
            starter: siblings.own.clone(),
            path: path.to_owned(),
            // Made to be killed: what they had under way is still pending in Redis.
            on_death: DeathSignal::Kill,
            hold: None,
            is_daemon: true,
            deadline: settings.shutdown.drain + DRAIN_MARGIN,
        };
        let gateway = daemon("gateway".into(), &siblings.gateway, 0);
        let name = |nth: u16| if arguments.workers == 1 { "worker".to_owned() } else { format!("worker {nth}") };
        let workers = (1..=arguments.workers).map(|nth| daemon(name(nth), &siblings.inference, nth)).collect();
        Self { redis, home, gateway, workers, sockets, settings }
    }
}

/// What all daemons are started with.
struct Common<'a> {
    arguments: &'a Up,
    settings: &'a Settings,
    written: &'a Written,
    url: Option<&'a str>,
}

impl Common<'_> {
    fn arguments(&self) -> Vec<OsString> {
        self.arguments.config.iter().flat_map(|file| ["--config".into(), file.into()]).collect()
    }

    /// Over our own environment, for the daemon with this number.
    fn environment(&self, nth: u16) -> Vec<(&'static str, Option<OsString>)> {
        let mut variables = Vec::new();
        // Nothing else starts at the same time, so nothing has to keep out of its way.
        if !self.written.sets("boot.jitter", None) {
            variables.push(("SG_BOOT__JITTER", Some("0s".into())));
        }
        if let Some(url) = self.url {
            variables.push(("SG_REDIS_URL", Some(url.into())));
            // An empty one counts as not set, but would contradict.
            variables.push(("SG_REDIS__URL", None));
        }
        // One port cannot serve all of them: it is the first one's, and the others have the next ones.
        if let Some(port) = self.settings.health.port {
            let port = if port == 0 { 0 } else { port.saturating_add(nth) };
            variables.push(("SG_HEALTH_PORT", Some(port.to_string().into())));
            variables.push(("SG_HEALTH__PORT", None));
        }
        if self.arguments.quiet {
            variables.push(("SG_LOG__FILTER", Some("warn".into())));
        }
        variables
    }
}
