//! The boot contract, watched from inside: the exact sequence of phases, and work that is under way when a signal comes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use std::{collections::BTreeMap, sync::Mutex};

use service::{Context, Daemon, Exit, Origin, Phase, Phases, Problem, Settings, Source, StartError};
use tests::{RedisServer, until, within};

/// What the daemon below was told, in order.
static TOLD: Mutex<Vec<&str>> = Mutex::new(Vec::new());

struct Toy;

impl Daemon for Toy {
    const SERVICE: &'static str = "toy";
    const INSTANCE_PREFIX: &'static str = "toy-";
    const HEALTH_PORT: u16 = 20_000;

    fn refuse(_: &Settings) -> Vec<Problem> {
        Vec::new()
    }

    async fn prepare(context: &Context) -> Result<Self, StartError> {
        assert!(context.instance.starts_with("toy-") && context.instance.len() == 12);
        TOLD.lock().unwrap().push("prepare");
        Ok(Self)
    }

    async fn start(&mut self, context: &Context) -> Result<(), StartError> {
        // All of its own parts are good, as an adapter's is while another one still tries. Whoever saw it ready now and sent
        // a signal would stop a process that is starting.
        context.health.check("adapter").good();
        until("redis is good", || async { context.health.report()["checks"]["redis"] == "ok" }).await;
        assert!(!context.health.is_ready(), "ready while it starts");
        TOLD.lock().unwrap().push("start");
        Ok(())
    }

    fn addresses(&self) -> Vec<String> {
        Vec::new()
    }

    async fn drain(self, context: &Context) {
        assert!(!context.health.is_ready(), "not ready before anything is drained");
        TOLD.lock().unwrap().push("drain");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn phases_come_in_order_and_a_signal_drains() {
    let redis = RedisServer::new().await;
    let environment = [("SG_REDIS_URL", redis.url()), ("SG_BOOT__JITTER", "0s".to_owned())];
    let environment: BTreeMap<_, _> = environment.map(|(name, value)| (name.to_owned(), value)).into();
    let settings = Settings::read(Source::new(None, &environment)).unwrap();
    let phases = Phases::default();

    let running = service::run::<Toy>(settings, Origin::default(), None, &phases);
    let watching = async {
        phases.reached(Phase::Ready).await;
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM).unwrap();
    };
    let (exit, ()) = within("boot and drain", Box::pin(async { tokio::join!(running, watching) })).await;
    assert_eq!(exit, Exit::Clean);
    assert_eq!(*TOLD.lock().unwrap(), ["prepare", "start", "drain"]);
    let expected = [
        Phase::SetUp,
        Phase::Connecting,
        Phase::Listening,
        Phase::Preparing,
        Phase::Registered,
        Phase::Starting,
        Phase::Ready,
        Phase::Draining,
        Phase::Drained,
    ];
    assert_eq!(phases.seen(), expected);
}
