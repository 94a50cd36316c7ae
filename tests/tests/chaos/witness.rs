//! Sees every command that Redis does (`MONITOR`), and judges the one thing that no conversation shows: that a step whose fence
//! has moved changes nothing.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use tests::RawConnection;
use tokio::task::JoinSet;

/// Pause before a Redis that is away is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(10);
/// What a script may not do once its fence has moved.
const WRITES: [&str; 16] = [
    "XADD", "XACK", "XDEL", "XTRIM", "XGROUP", "HSET", "HDEL", "SADD", "SPOP", "RPUSH", "LTRIM", "DEL", "SET",
    "EXPIRE", "PUBLISH", "SPUBLISH",
];

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Steps under a fence.
    pub(crate) steps: u64,
    /// Steps whose fence had moved, and that did nothing.
    pub(crate) refused: u64,
    /// Those of them that would have committed a turn.
    pub(crate) refused_commits: u64,
    /// Steps whose fence had moved, and that did something.
    pub(crate) violations: Vec<String>,
}

pub(crate) struct Witness {
    seen: Arc<Mutex<Seen>>,
    _task: JoinSet<()>,
}

impl Witness {
    /// Watches the server on this socket, over its restarts, until this value goes.
    pub(crate) fn new(socket: PathBuf) -> Self {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let (mut task, noted) = (JoinSet::new(), Arc::clone(&seen));
        task.spawn(async move {
            loop {
                let _ = watch(&socket, &noted).await;
                tokio::time::sleep(ASK_AGAIN).await;
            }
        });
        Self { seen, _task: task }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

async fn watch(socket: &Path, seen: &Mutex<Seen>) -> io::Result<()> {
    let mut monitor = RawConnection::open(socket).await?;
    monitor.command(&[b"MONITOR"]).await?;
    let names: Vec<String> = (0..16)
        .flat_map(|shard| ["inbound", "outbound:webchat"].map(|role| format!("sg:fence:{{{shard}}}:{role}")))
        .collect();
    let question: Vec<&[u8]> = [&b"MGET"[..]].into_iter().chain(names.iter().map(String::as_bytes)).collect();
    let now = RawConnection::open(socket).await?.command(&question).await?;
    let known = names.iter().zip(now.list()).filter(|(_, token)| !token.text().is_empty());
    let mut judge = Judge::new(known.map(|(name, token)| (name.clone(), token.text().to_owned())).collect());
    loop {
        let line = monitor.next().await?;
        judge.line(line.text(), seen);
    }
}

/// Follows the fences through what the monitor tells.
struct Judge {
    /// What the fences held when they were asked for; it counts from the line on that says so.
    asked: Option<HashMap<String, String>>,
    fences: HashMap<String, String>,
    /// Who may still end the turn of a lane, by the key of the guests and the lane.
    passes: HashMap<(String, String), String>,
    /// The script that runs, where its fence has moved.
    stale: Option<Stale>,
}

struct Stale {
    line: String,
    is_commit: bool,
    wrote: Option<String>,
}

impl Judge {
    fn new(asked: HashMap<String, String>) -> Self {
        Self { asked: Some(asked), fences: HashMap::new(), passes: HashMap::new(), stale: None }
    }

    fn line(&mut self, line: &str, seen: &Mutex<Seen>) {
        let Some((head, rest)) = line.split_once("] ") else { return };
        let mut words = words(rest);
        let Some(command) = words.next() else { return };
        if head.ends_with(" lua") {
            if command == "SET"
                && let Some(fence) = words.next().filter(|key| key.starts_with("sg:fence:"))
            {
                self.fences.insert(fence, words.next().unwrap_or_default());
            }
            if matches!(command.as_str(), "HSET" | "HDEL")
                && let Some(guests) = words.next().filter(|key| key.starts_with("sg:guests:"))
            {
                let place = (guests, words.next().unwrap_or_default());
                // A pass is the token and the time at which it ends.
                match words.next().as_deref().and_then(|pass| pass.split(' ').next()) {
                    Some(token) => self.passes.insert(place, token.to_owned()),
                    None => self.passes.remove(&place),
                };
            }
            if let Some(stale) = self.stale.as_mut().filter(|_| WRITES.contains(&command.as_str())) {
                stale.wrote.get_or_insert_with(|| rest.chars().take(200).collect());
            }
            return;
        }
        self.settle(seen);
        match command.to_ascii_uppercase().as_str() {
            "MGET" if self.asked.is_some() => self.fences = self.asked.take().unwrap_or_default(),
            // Of a refused transaction nothing is told.
            "XREADGROUP" | "XAUTOCLAIM" => {
                let words: Vec<String> = words.collect();
                let (consumer, streams) = match words.iter().position(|word| word == "STREAMS") {
                    Some(at) => (words.get(2), &words[at + 1..]),
                    None => (words.get(2), &words[..1.min(words.len())]),
                };
                let fences = streams.iter().filter_map(|stream| fence_of(stream));
                let not_ours = |fence: &String| {
                    let owner = self.fences.get(fence)?.split(':').next()?;
                    (Some(owner) != consumer.map(String::as_str)).then(|| owner.to_owned())
                };
                for (fence, owner) in fences.filter_map(|fence| not_ours(&fence).map(|owner| (fence, owner))) {
                    let reader = consumer.map_or("nobody", String::as_str);
                    let read = format!("{fence} is {owner}'s, and was read by {reader}");
                    seen.lock().unwrap().violations.push(read);
                }
            }
            "EVALSHA" | "EVAL" => {
                let keys = words.nth(1).and_then(|count| count.parse().ok()).unwrap_or(0);
                let keys: Vec<String> = words.by_ref().take(keys).collect();
                let token = words.next().unwrap_or_default();
                if let Some(fence) = keys.first().filter(|key| key.starts_with("sg:fence:")) {
                    seen.lock().unwrap().steps += 1;
                    let place = (keys.get(1).cloned().unwrap_or_default(), words.next().unwrap_or_default());
                    let is_guest = self.passes.get(&place) == Some(&token);
                    let is_stale = !is_guest && self.fences.get(fence).is_some_and(|owner| *owner != token);
                    let is_commit = keys.len() > 6 && keys[4].starts_with("sg:done:");
                    self.stale = is_stale.then(|| {
                        let owner = &self.fences[fence];
                        Stale { line: format!("{fence} is {owner}, and {token} did"), is_commit, wrote: None }
                    });
                }
            }
            _ => {}
        }
    }

    /// The script before this line has ended.
    fn settle(&mut self, seen: &Mutex<Seen>) {
        let Some(Stale { line, is_commit, wrote }) = self.stale.take() else { return };
        let mut seen = seen.lock().unwrap();
        match wrote {
            Some(wrote) => seen.violations.push(format!("{line} {wrote}")),
            None => {
                seen.refused += 1;
                seen.refused_commits += u64::from(is_commit);
            }
        }
    }
}

/// The fence of a sharded stream's consumer.
fn fence_of(stream: &str) -> Option<String> {
    let (role, shard) = stream.strip_prefix("sg:stream:")?.rsplit_once(':')?;
    shard.starts_with('{').then(|| format!("sg:fence:{shard}:{role}"))
}

/// The quoted words of a line, as far as they are asked for.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut rest = text.chars();
    std::iter::from_fn(move || {
        rest.by_ref().find(|letter| *letter == '"')?;
        let mut word = String::new();
        loop {
            match rest.next()? {
                '"' => return Some(word),
                '\\' => word.push(rest.next()?),
                letter => word.push(letter),
            }
        }
    })
}

#[test]
fn a_stale_step_counts_as_refused_unless_it_writes() {
    let run = |lines: &[&str]| {
        let seen = Mutex::new(Seen::default());
        let mut judge = Judge::new([("sg:fence:{1}:inbound".to_owned(), "a:1:x".to_owned())].into());
        lines.iter().for_each(|line| judge.line(line, &seen));
        judge.settle(&seen);
        let seen = seen.into_inner().unwrap();
        (seen.steps, seen.refused, seen.violations.len())
    };
    let ask = r#"1.2 [0 unix:/s] "MGET" "sg:fence:{1}:inbound""#;
    let step =
        |token: &str| format!(r#"1.2 [0 127.0.0.1:1] "EVALSHA" "sha" "2" "sg:fence:{{1}}:inbound" "s\"t" "{token}""#);
    let (ours, theirs) = (step("a:1:x"), step("b:2:y"));
    let add = r#"1.2 [0 lua] "XADD" "s" "*" "data" "\x00\" ""#;
    let moved = r#"1.2 [0 lua] "SET" "sg:fence:{1}:inbound" "b:2:y""#;
    assert_eq!(run(&[&theirs, add]), (1, 0, 0), "nothing is known yet");
    assert_eq!(run(&[ask, &ours, add]), (1, 0, 0));
    assert_eq!(run(&[ask, &theirs]), (1, 1, 0));
    assert_eq!(run(&[ask, &theirs, add, &ours]), (2, 0, 1));
    assert_eq!(run(&[ask, moved, &theirs, add, &ours]), (2, 1, 0));
}

#[test]
fn a_read_by_another_than_the_owner_is_seen() {
    let seen = Mutex::new(Seen::default());
    let mut judge = Judge::new([("sg:fence:{1}:outbound:webchat".to_owned(), "gateway-a:1:x".to_owned())].into());
    judge.line(r#"1.2 [0 unix:/s] "MGET" "sg:fence:{1}:outbound:webchat""#, &seen);
    for consumer in ["gateway-a", "gateway-b"] {
        let streams = r#""STREAMS" "sg:stream:outbound:webchat:{1}" "sg:stream:outbound:webchat:{2}" ">" ">""#;
        judge.line(
            &format!(r#"1.2 [0 127.0.0.1:1] "XREADGROUP" "GROUP" "g" "{consumer}" "COUNT" "9" {streams}"#),
            &seen,
        );
        let claim = r#""XAUTOCLAIM" "sg:stream:outbound:webchat:{1}" "g""#;
        judge.line(&format!(r#"1.2 [0 127.0.0.1:1] {claim} "{consumer}" "0" "0-0""#), &seen);
    }
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.violations.len(), 2, "{:?}", seen.violations);
}

#[test]
fn a_guest_may_write_to_its_lane_as_long_as_it_has_its_pass() {
    let seen = Mutex::new(Seen::default());
    let mut judge = Judge::new([("sg:fence:{1}:inbound".to_owned(), "-:1:-".to_owned())].into());
    let step = |lane: &str| {
        let keys = r#""2" "sg:fence:{1}:inbound" "sg:guests:{1}:inbound""#;
        format!(r#"1.2 [0 127.0.0.1:1] "EVALSHA" "sha" {keys} "a:1:x" "{lane}""#)
    };
    let add = r#"1.2 [0 lua] "XADD" "s" "*" "data" "x""#;
    for line in [
        r#"1.2 [0 unix:/s] "MGET" "sg:fence:{1}:inbound""#,
        r#"1.2 [0 lua] "HSET" "sg:guests:{1}:inbound" "lane" "a:1:x 1700000000000""#,
        &step("lane"),
        add,
        r#"1.2 [0 lua] "HDEL" "sg:guests:{1}:inbound" "lane""#,
        &step("other"),
        &step("lane"),
        add,
        &step("lane"),
    ] {
        judge.line(line, &seen);
    }
    judge.settle(&seen);
    let seen = seen.into_inner().unwrap();
    // Refused are another lane's and the last; what the one between did, it did when its pass was gone.
    assert_eq!((seen.refused, seen.violations.len()), (2, 1));
}
