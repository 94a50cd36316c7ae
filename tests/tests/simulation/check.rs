//! What has to hold when a world has come to rest, by the invariants' numbers.

use std::collections::BTreeMap;

use bus::{Role, reply::Value};

use super::{SEEDS_OF_PAIR, handlers::PLATFORM, world::World};

/// What one world came through.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) sent: u64,
    pub(crate) copies: u64,
    pub(crate) kills: u64,
    pub(crate) stops: u64,
    pub(crate) outages: u64,
    pub(crate) late: u64,
    pub(crate) freezes: u64,
    pub(crate) broken: u64,
    /// What the platform was sent twice, and took once.
    pub(crate) sent_again: u64,
    /// Sends whose answer the platform lost.
    pub(crate) answers_lost: u64,
    /// Messages that showed what was being written, the texts that they were given meanwhile, and those taken away.
    pub(crate) previews: u64,
    pub(crate) preview_edits: u64,
    pub(crate) retracted: u64,
    /// Times that the platform showed that somebody writes.
    pub(crate) typings: u64,
    /// Messages of the further parts of texts that were too long for one.
    pub(crate) further_parts: u64,
    /// Messages of channels that a subscriber did not get.
    pub(crate) pushes_lost: u64,
    /// Scripts that had a safeguard taken out.
    pub(crate) sabotaged: u64,
}

/// The sum over all worlds.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    worlds: u64,
    all: Run,
}

impl Run {
    /// What a report tells, with its words.
    fn counts(&mut self) -> [(&'static str, &mut u64); 16] {
        [
            ("messages sent", &mut self.sent),
            ("copies of them", &mut self.copies),
            ("processes killed", &mut self.kills),
            ("told to stop", &mut self.stops),
            ("frozen", &mut self.freezes),
            ("outages of the server", &mut self.outages),
            ("commands that came late", &mut self.late),
            ("connections that broke", &mut self.broken),
            ("sends that the platform had already", &mut self.sent_again),
            ("answers that the platform lost", &mut self.answers_lost),
            ("previews shown", &mut self.previews),
            ("their edits", &mut self.preview_edits),
            ("taken away again", &mut self.retracted),
            ("times that somebody was seen writing", &mut self.typings),
            ("further parts of long answers", &mut self.further_parts),
            ("pushes lost", &mut self.pushes_lost),
        ]
    }
}

impl Totals {
    pub(crate) fn add(&mut self, mut run: Run) {
        self.worlds += 1;
        for ((_, sum), (_, one)) in self.all.counts().into_iter().zip(run.counts()) {
            *sum += *one;
        }
    }

    /// A table, unless there was nothing to compare.
    #[expect(clippy::print_stdout, reason = "what a run came through is what it is worth")]
    pub(crate) fn report(&mut self, are_of_pair: bool) {
        let Self { worlds, all } = self;
        println!(
            "{worlds} worlds of the {}: nothing lost, doubled or out of order, no step of one who was not the owner",
            if are_of_pair { "pair" } else { "bus" }
        );
        for (what, count) in all.counts().into_iter().filter(|(_, count)| **count > 0) {
            println!("{count:>12} {what}");
        }
        assert!(*worlds > 0 && all.sent > 50 * *worlds, "too little was sent: {all:?}");
        let faults = [all.copies, all.kills, all.stops, all.late, all.freezes, all.broken];
        assert!(*worlds < 20 || faults.iter().all(|count| *count > 0), "a kind of fault never happened: {all:?}");
        let previews = [all.previews, all.preview_edits, all.retracted, all.typings, all.pushes_lost];
        assert!(
            !are_of_pair || *worlds < SEEDS_OF_PAIR || previews.iter().all(|count| *count > 0),
            "nobody saw what was being written: {all:?}"
        );
        assert!(
            !are_of_pair || all.further_parts > 10 * *worlds,
            "hardly a text was too long for one message: {all:?}"
        );
    }
}

/// What the platform has to show for what was sent, by lane: each message that is answered, or the notice that it was given up.
/// Edits are looked at apart, since they come with their message or at their place.
pub(crate) fn expected(sent: &[String]) -> Vec<String> {
    let answer = |payload: &String| if is_given_up(payload) { format!("{payload}:dead") } else { payload.clone() };
    sent.iter().filter(|payload| edit_of(payload).is_none() && !payload.ends_with(":quiet")).map(answer).collect()
}

fn is_given_up(payload: &str) -> bool {
    edit_of(payload).is_none() && (payload.ends_with(":poison") || payload.ends_with(":fragile"))
}

/// The message that this one edits, as the beginning of its payload.
pub(crate) fn edit_of(payload: &str) -> Option<String> {
    let (lane, rest) = payload.split_once(':')?;
    let (_, of) = rest.split_once(":edit:")?;
    Some(format!("{lane}:{of}"))
}

/// I3 for edits: each once, and not before its message.
fn edits(world: &World) {
    let (seed, seen) = (world.seed, world.platform.seen());
    for edit in &world.sent {
        let Some(of) = edit_of(edit) else { continue };
        let places: Vec<usize> =
            seen.iter().enumerate().filter(|(_, one)| *one == edit).map(|(place, _)| place).collect();
        // What joins a message that is given up is given up with it.
        let most_likely = if is_given_up(&of) { 0..=1 } else { 1..=1 };
        assert!(most_likely.contains(&places.len()), "seed {seed}: {edit} was seen {} times", places.len());
        let message = seen.iter().position(|one| *one == of);
        assert!(
            places.iter().all(|place| is_given_up(&of) || message.is_some_and(|message| message < *place)),
            "seed {seed}: {edit} is at {places:?}, and its message at {message:?}"
        );
    }
}

/// Streams with what is pending and unread in them.
fn unfinished(world: &World) -> Vec<(String, i64, i64)> {
    let names = world.bus.names();
    let mut all = Vec::new();
    for role in [Role::Inbound, Role::Outbound(PLATFORM.into())] {
        for stream in names.shards.all().map(|shard| names.stream(&role, shard)) {
            if let Ok(Value::Array(groups)) = world.server.command(&[b"XINFO", b"GROUPS", stream.as_bytes()]) {
                let told = |name: &str| groups.iter().filter_map(|group| number(group, name)).sum();
                all.push((stream, told("pending"), told("lag")));
            }
        }
    }
    all
}

pub(crate) fn has_unfinished(world: &World) -> bool {
    unfinished(world).iter().any(|(_, pending, lag)| pending + lag > 0)
}

/// The whole of one world. A failure names the seed.
pub(crate) fn world(world: &World, expected: &[String]) {
    let seed = world.seed;
    edits(world);
    let answers: Vec<_> = world.platform.seen().into_iter().filter(|one| edit_of(one).is_none()).collect();
    let (seen, expected) = (by_lane(&answers), by_lane(expected));
    // I2, I3: each once, in the order in which its cause arrived.
    for (lane, expected) in &expected {
        let seen = seen.get(lane).cloned().unwrap_or_default();
        let lost: Vec<_> = expected.iter().filter(|one| !seen.contains(one)).collect();
        assert!(lost.is_empty(), "seed {seed}: {lane} lost {lost:?}");
        assert_eq!(seen, *expected, "seed {seed}: {lane} is out of order");
    }
    assert_eq!(seen.len(), expected.len(), "seed {seed}: lanes that nobody wrote to");

    at_rest(world);
    let names = world.bus.names();
    let letters = dead_letters(world);
    // A message is given up once, however often its turn was tried and by whomever. A copy of it is another try, since what was
    // given up leaves no mark.
    for payload in world.sent.iter().filter(|payload| is_given_up(payload)) {
        let letters = letters.iter().filter(|letter| letter.split(' ').any(|text| text == payload)).count();
        let most = world.appended[payload];
        assert!(
            (1..=most).contains(&letters),
            "seed {seed}: {letters} dead letters of {payload}, appended {most} times"
        );
    }
    // I5: one commit for each cause: the history of a lane is what its turns wrote, each once and in order.
    for lane in expected.keys() {
        let key = names.history(&Role::Inbound, names.shards.of(lane), lane);
        let history = strings(&world.server.command(&[b"LRANGE", key.as_bytes(), b"0", b"-1"]).unwrap());
        let is_of_lane = |payload: &&String| {
            payload.starts_with(&format!("{lane}:")) && !is_given_up(payload) && edit_of(payload).is_none()
        };
        let answered: Vec<_> = world.sent.iter().filter(is_of_lane).cloned().collect();
        assert_eq!(history, answered, "seed {seed}: the history of {lane}");
    }
}

/// I1, I5, I6: nobody did a step who was not the owner, and nothing is left behind.
pub(crate) fn at_rest(world: &World) {
    let (seed, names) = (world.seed, world.bus.names());
    assert_eq!(world.server.stale_steps(), 0, "seed {seed}: steps of one who was not the owner");
    for (stream, pending, lag) in unfinished(world) {
        assert_eq!((pending, lag), (0, 0), "seed {seed}: pending and unread entries of {stream}");
    }
    for shard in names.shards.all() {
        for role in [Role::Inbound, Role::Outbound(PLATFORM.into())] {
            for left in [names.attempts(&role, shard), names.guests(&role, shard)] {
                let fields = world.server.command(&[b"HGETALL", left.as_bytes()]).unwrap();
                assert_eq!(fields, Value::Array(Vec::new()), "seed {seed}: something is left at {left}");
            }
        }
    }
}

fn by_lane(payloads: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut lanes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for payload in payloads {
        let lane = payload.split(':').next().unwrap().to_owned();
        lanes.entry(lane).or_default().push(payload.clone());
    }
    lanes
}

/// The dead letters of all shards, each as one text.
pub(crate) fn dead_letters(world: &World) -> Vec<String> {
    let names = world.bus.names();
    let of = |shard| {
        let key = names.dead_letters(&Role::Inbound, shard);
        match world.server.command(&[b"XRANGE", key.as_bytes(), b"-", b"+"]) {
            Ok(Value::Array(letters)) => letters.iter().map(|letter| strings(letter).join(" ")).collect(),
            _ => Vec::new(),
        }
    };
    names.shards.all().flat_map(of).collect()
}

/// Every text in a reply.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::BulkString(bytes) => vec![String::from_utf8_lossy(bytes).into_owned()],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

/// The number under `name` in a list of names and values.
fn number(pairs: &Value, name: &str) -> Option<i64> {
    let Value::Array(items) = pairs else { return None };
    let pair = items.chunks(2).find(|pair| pair[0] == Value::BulkString(name.as_bytes().to_vec()))?;
    if let Value::Int(number) = pair[1] { Some(number) } else { None }
}
