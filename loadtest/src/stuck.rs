//! `stuck`: one lane that does not move, among ten thousand that do.

mod observer;

use std::{sync::Arc, time::Duration};

use bus::{Bus, Producer};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    Result, Scale,
    message::{self, Kind, lane},
    ours::{NoOp, Running},
    report::{Report, median, ratio},
    sink::{Latency, Sink},
    target::{Target, forget_memory_peak, own_memory_kib},
};
use observer::Observer;

/// Lanes that move.
const LANES: u64 = 10_000;
/// Entries a second for them, and for the one that does not move.
const RATE: f64 = 1000.0;
const STUCK_RATE: f64 = 500.0;
/// The lane that does not move.
const STUCK: &str = "stuck";
/// How long the others may take after the last of them was sent; what is missing then has taken that long.
const LATE: Duration = Duration::from_secs(3);
const WARM: u64 = 200;

/// What one load came to.
struct Sample {
    latency: Latency,
    /// Of the others, not settled in time.
    missing: u64,
    /// The most that was held at once, and the memory that came on top of what there was.
    window: f64,
    memory_kib: u64,
}

const CASES: [(&str, Kind); 3] =
    [("nothing is stuck", Kind::Plain), ("a turn that never ends", Kind::Hang), ("every turn fails", Kind::Poison)];

pub(crate) async fn run(target: &Target, scale: Scale, report: &mut Report) -> Result<()> {
    let recorder = PrometheusBuilder::new().install_recorder()?;
    let mut samples: [Vec<Sample>; 3] = Default::default();
    for _ in 0..scale.rounds {
        for ((_, kind), samples) in CASES.into_iter().zip(&mut samples) {
            samples.push(measure(target, kind, scale.seconds, &recorder).await?);
        }
    }
    let of = |place: usize, quantile: f64| samples[place].iter().map(move |one| one.latency.quantile(quantile));
    let rows = CASES.iter().enumerate().map(|(place, (name, _))| {
        let most = |figure: fn(&Sample) -> f64| samples[place].iter().map(figure).fold(0.0, f64::max);
        [
            (*name).to_owned(),
            format!("{:.0}", median(of(place, 0.5))),
            format!("{:.0}", median(of(place, 0.99))),
            format!("{:.2}", ratio(of(place, 0.99), of(0, 0.99))),
            format!("{:.0}", most(|one| one.missing as f64)),
            format!("{:.0}", most(|one| one.window)),
            format!("{:.1}", most(|one| one.memory_kib as f64) / 1024.0),
        ]
    });
    let entries = (STUCK_RATE * scale.seconds) as u64;
    report.table(
        &format!(
            "{LANES} lanes with {RATE} turns a second, and one more that gets {entries} entries meanwhile; from append to commit"
        ),
        ["that one", "p50 us", "p99 us", "x", "others missing", "window, entries", "memory, MiB more"],
        rows.collect(),
    );
    for (place, what) in [(1, "one stuck lane among 10,000"), (2, "one poisonous lane among 10,000")] {
        let share = ratio(of(place, 0.99), of(0, 0.99));
        let missing: u64 = samples[place].iter().map(|one| one.missing).sum();
        report.goal(
            what,
            "others' p99 within 10 %, none held up",
            format!("p99 {share:.2} x, {missing} held up"),
            share <= 1.1 && missing == 0,
        );
    }
    Ok(())
}

async fn measure(target: &Target, kind: Kind, seconds: f64, recorder: &PrometheusHandle) -> Result<Sample> {
    target.empty().await?;
    let bus = target.bus(16).await?;
    let sink = Arc::new(Sink::new(false));
    let running = Running::start(bus.clone(), NoOp { sink: Arc::clone(&sink), turns: true });
    let observer = Observer::start(target, bus.names()).await?;
    let producer = Producer::new(bus.clone());
    let first: Vec<_> =
        (0..WARM).map(|number| message::entry(bus.names(), &lane(number), number, Kind::Plain)).collect();
    producer.append(&first).await?;
    observer.reach(WARM).await?;
    observer.restart();

    forget_memory_peak();
    let before = own_memory_kib("VmRSS");
    let (stop, mut watching) = (CancellationToken::new(), JoinSet::new());
    watching.spawn(watch(recorder.clone(), stop.clone()));
    let sent = send(&bus, &producer, kind, seconds).await?;
    let missing = observer.reach_late(sent, LATE).await;
    stop.cancel();
    let window = watching.join_next().await.transpose()?.unwrap_or(0.0);
    let memory_kib = own_memory_kib("VmHWM").saturating_sub(before);
    running.stop().await?;
    let mut latency = observer.stop().await?;
    for _ in 0..missing {
        latency.record(u64::try_from(LATE.as_micros()).unwrap_or(u64::MAX));
    }
    Ok(Sample { latency, missing, window, memory_kib })
}

/// Sends to all lanes at a fixed rate, whatever becomes of it. Gives how many went to those that move.
async fn send(bus: &Bus, producer: &Producer, kind: Kind, seconds: f64) -> Result<u64> {
    let began = tokio::time::Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let (mut others, mut stuck) = (0, 0);
    let due = |rate: f64, elapsed: f64| (rate * elapsed.min(seconds)) as u64;
    loop {
        ticks.tick().await;
        let elapsed = began.elapsed().as_secs_f64();
        let mut entries = Vec::new();
        for number in stuck..due(STUCK_RATE, elapsed) {
            entries.push(message::entry(bus.names(), STUCK, number, kind));
        }
        for number in others..due(RATE, elapsed) {
            entries.push(message::entry(bus.names(), &lane(number % LANES), WARM + number, Kind::Plain));
        }
        (stuck, others) = (due(STUCK_RATE, elapsed), due(RATE, elapsed));
        producer.append(&entries).await?;
        if elapsed >= seconds {
            return Ok(others);
        }
    }
}

/// The most entries that were held at once.
async fn watch(recorder: PrometheusHandle, stop: CancellationToken) -> f64 {
    let mut most: f64 = 0.0;
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    while !stop.is_cancelled() {
        ticks.tick().await;
        // Which also folds what was recorded, as the daemons do.
        let text = recorder.render();
        let value = |line: &str| line.strip_prefix("stargazer_window_entries{")?.rsplit(' ').next()?.parse().ok();
        most = text.lines().filter_map(value).fold(most, f64::max);
    }
    most
}
