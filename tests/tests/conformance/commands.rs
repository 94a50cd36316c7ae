//! Random commands and scripts of the bus, from few keys and values, so that they meet.

use fastrand::Rng;

/// The words of a command. A script stands by its name, behind an `@`.
pub(crate) type Command = Vec<String>;

const MAY: &str = include_str!("../../../bus/src/lease/may.lua");
const PASS: &str = include_str!("../../../bus/src/lease/pass.lua");
const MARKS: &str = include_str!("../../../bus/src/ledger/marks.lua");
const ACK: &str = include_str!("../../../bus/src/ledger/ack.lua");

/// The scripts that are compared, with what is put in front of each, and the number of their keys.
const SCRIPTS: [(&str, &[&str], &str, usize); 19] = [
    ("acquire", &[], include_str!("../../../bus/src/lease/acquire.lua"), 2),
    ("renew", &[], include_str!("../../../bus/src/lease/renew.lua"), 2),
    ("hand_over", &[], include_str!("../../../bus/src/lease/hand_over.lua"), 4),
    ("renew_guests", &[], include_str!("../../../bus/src/lease/renew_guests.lua"), 1),
    ("members", &[], include_str!("../../../bus/src/lease/members.lua"), 1),
    ("start", &[PASS, MARKS, ACK], include_str!("../../../bus/src/ledger/start.lua"), 7),
    ("attempt", &[MAY], include_str!("../../../bus/src/ledger/attempt.lua"), 3),
    ("note", &[MAY], include_str!("../../../bus/src/ledger/note.lua"), 4),
    ("note_ahead", &[MAY], include_str!("../../../bus/src/ledger/note_ahead.lua"), 3),
    ("earlier", &[], include_str!("../../../bus/src/ledger/earlier.lua"), 1),
    ("record", &[PASS, MARKS, ACK], include_str!("../../../bus/src/ledger/record.lua"), 9),
    ("commit", &[MAY, MARKS, ACK], include_str!("../../../bus/src/ledger/commit.lua"), 10),
    ("dead_letter", &[MAY, MARKS, ACK], include_str!("../../../bus/src/ledger/dead_letter.lua"), 10),
    ("touch", &[], include_str!("../../../bus/src/reader/touch.lua"), 1),
    ("trim", &[], include_str!("../../../bus/src/trim.lua"), 2),
    ("drop_idle", &[], include_str!("../../../bus/src/reader/drop_idle_consumers.lua"), 1),
    ("lock", &[], include_str!("../../../bus/src/lock/acquire.lua"), 3),
    ("unlock", &[], include_str!("../../../bus/src/lock/release.lua"), 3),
    ("log", &[include_str!("../../../bus/src/unfinished.lua")], include_str!("../../../bus/src/log.lua"), 3),
];

pub(crate) fn words(text: &str) -> Command {
    text.split(' ').map(str::to_owned).collect()
}

fn script(name: &str, keys: &[&str], arguments: &[&str]) -> Command {
    let (.., count) = SCRIPTS.iter().find(|(other, ..)| *other == name).unwrap();
    assert_eq!(keys.len(), *count, "{name}");
    let head = [format!("@{name}"), count.to_string()];
    let head = std::iter::once("EVAL").chain(head.iter().map(String::as_str));
    head.chain(keys.iter().copied()).chain(arguments.iter().copied()).map(str::to_owned).collect()
}

/// What is sent of a command, with the text of its script.
pub(crate) fn sent(command: &[String]) -> Vec<Vec<u8>> {
    let word = |word: &String| match SCRIPTS.iter().find(|(name, ..)| word.strip_prefix('@') == Some(*name)) {
        Some((_, before, code, _)) => [&before.concat(), *code].concat().into_bytes(),
        None => word.clone().into_bytes(),
    };
    command.iter().map(word).collect()
}

/// One command.
pub(crate) fn command(rng: &mut Rng) -> Command {
    let pick = |rng: &mut Rng, from: &[&'static str]| from[rng.usize(..from.len())];
    let (n, m) = (rng.u8(1..40), rng.u8(0..3));
    let stream = pick(rng, &["x1", "x2", "x3"]);
    let member = pick(rng, &["a", "b", "c", "d"]);
    let consumer = pick(rng, &["c1", "c2"]);
    let text = match rng.u8(..44) {
        43 => format!("GETRANGE {} {m} {n}", pick(rng, &["t", "h", "nothing"])),
        42 => format!("SMISMEMBER s {member} a"),
        40 => format!("INCR {}", pick(rng, &["n", "t", "h"])),
        41 => format!("PERSIST {}", pick(rng, &["t", "h", "nothing"])),
        0 => format!("SET t {member}"),
        1 => format!("SET t {member} NX PX 100000"),
        2 => "GET t".into(),
        3 => format!("GET {}", pick(rng, &["h", "x1", "nothing"])),
        4 => format!("DEL {}", pick(rng, &["t", "h", "s", "z", "l", "x3"])),
        5 => format!("EXISTS t h {member}"),
        6 => format!("PTTL {}", pick(rng, &["t", "h", "nothing"])),
        7 => format!("PEXPIRE {} 100000", pick(rng, &["t", "h", "nothing"])),
        8 => format!("HSET h {member} {n} {} {m}", pick(rng, &["a", "e"])),
        9 => format!("HSETNX h {member} {n}"),
        10 => format!("HGET h {member}"),
        11 => "HGETALL h".into(),
        12 => format!("HDEL h {member} a"),
        13 => format!("SADD s {member} b"),
        14 => format!("SISMEMBER s {member}"),
        15 => "SCARD s".into(),
        16 => format!("ZADD z {m} {member}"),
        17 => format!("ZADD z NX {n} {member}"),
        18 => format!("ZREM z {member}"),
        19 => format!("ZRANGE z 0 {} WITHSCORES", i16::from(m) - 1),
        20 => format!("ZRANGE z {m} +inf BYSCORE"),
        21 => format!("ZRANK z {member}"),
        22 => format!("ZREMRANGEBYRANK z 0 -{}", n % 5 + 1),
        23 => format!("ZREMRANGEBYSCORE z -inf ({m}"),
        24 => format!("RPUSH l {member} {n}"),
        25 => format!("LTRIM l -{} -1", n % 6 + 1),
        26 => "LRANGE l 0 -1".into(),
        27 => format!("XADD {stream} {n}-{m} data {member} ts {n}"),
        28 => format!("XADD {stream} * data {member}"),
        29 => format!("XRANGE {stream} {} + COUNT {}", pick(rng, &["-", "5", "(7-1"]), m + 1),
        30 => format!("XREVRANGE {stream} + {} COUNT 2", pick(rng, &["-", "(3-0"])),
        31 => format!("XDEL {stream} {n}-{m} {n}-0"),
        32 => format!("XTRIM {stream} MINID ~ {n}"),
        33 => format!("XGROUP CREATE {stream} g {} MKSTREAM", pick(rng, &["0", "0", "$"])),
        34 => format!("XREADGROUP GROUP g {consumer} COUNT {} STREAMS x1 x2 > >", m + 1),
        35 => format!("XREADGROUP GROUP g {consumer} COUNT {} STREAMS {stream} >", n % 5 + 1),
        36 => format!("XACK {stream} g {n}-{m} {n}-0 {n}-1"),
        37 => format!("XPENDING {stream} g"),
        38 => format!("XINFO GROUPS {stream}"),
        _ => format!("XAUTOCLAIM {stream} g {consumer} 0 {} COUNT {}", pick(rng, &["0-0", "5-0"]), m + 1),
    };
    match rng.u8(..10) {
        0..6 => words(&text),
        _ => scripted(rng),
    }
}

/// A script of the bus, on the shard whose stream is `x1`.
fn scripted(rng: &mut Rng) -> Command {
    let pick = |rng: &mut Rng, from: &[&'static str]| from[rng.usize(..from.len())];
    // Ours, and one that the fence never holds.
    let token = pick(rng, &["o:5:T", "o:5:T", "o:5:T", "other"]);
    let (entry, other) = (format!("{}-{}", rng.u8(1..40), rng.u8(0..3)), format!("{}-0", rng.u8(1..40)));
    let cause = pick(rng, &["cause-1", "cause-2", "cause-3", "cause-4"]);
    let owner = pick(rng, &["worker-1", "worker-2"]);
    let lane = pick(rng, &["lane-1", "lane-2"]);
    let deletes = pick(rng, &["0", "0", "1"]);
    // What an owner was answered; beyond what is there, the server forgot some.
    let known = pick(rng, &["0", "0", "1", "2", "3"]);
    match rng.u8(..21) {
        17 => script("touch", &["fence"], &[token]),
        0 => words("SET fence o:5:T"),
        1 => script("acquire", &["lock", "owner"], &[owner, "100000", "random"]),
        2 => script("renew", &["lock", "fence"], &[token, "100000"]),
        3 => {
            let running = ["o:5:T", "100000", lane, &entry, "lane-3", &other];
            script("hand_over", &["lock", "fence", "guests", "attempts"], &running)
        }
        // One only: two in one millisecond would stand by their names.
        4 => script("members", &["members"], &["worker-1", "100000"]),
        5 | 14 => {
            let cause = pick(rng, &["", cause]);
            let keys = ["fence", "guests", "attempts", "x1", "done0", "done1", "settled"];
            let wanted = pick(rng, &["0", "1"]);
            script("start", &keys, &[token, lane, "g", &entry, cause, deletes, "50", wanted, known])
        }
        6 => {
            let counts = [pick(rng, &["0", "1", "2"]), pick(rng, &["0", "1"]), pick(rng, &["0", "60000"])];
            script("attempt", &["fence", "guests", "attempts"], &[&[token, lane, entry.as_str()][..], &counts].concat())
        }
        7 | 8 => {
            let window = pick(rng, &["86400", "86400", "0"]);
            let head =
                [token, lane, "g", window, "1000000", "5", deletes, known, "2", &entry, cause, &other, "cause-9"];
            let notes: &[&str] = if rng.bool() { &["0", "0"] } else { &["1000", "1", "state", "sent"] };
            let history = ["1", pick(rng, &["0", "1"]), pick(rng, &["0", "1"]), "3", "100000", "2", "m1", "m2"];
            let actions = ["2", "0", "action", "trace", "0", "more", "trace"];
            let keys = ["fence", "guests", "x1", "attempts", "done0", "done1", "notes", "l", "settled", "x3"];
            script("commit", &keys, &[&head[..], notes, &history, &actions].concat())
        }
        9 => {
            let letter = [token, lane, "g", &entry, "code: why", "3", "body", "7", "trace", deletes, "1000"];
            let joined = ["86400", "1000000", known, "1", &other, cause];
            let keys = ["fence", "guests", "x1", "attempts", "notes", "dead", "done0", "done1", "settled", "x3"];
            script("dead_letter", &keys, &[&letter[..], &joined, &["notice", "8", "trace"]].concat())
        }
        13 => script("renew_guests", &["guests"], &[token, "100000", "lane-1", "lane-2"]),
        15 => {
            let (anew, run) = (pick(rng, &["0", "1"]), pick(rng, &["9", "10"]));
            let fields = [token, lane, &entry, anew, run, "state", "sending", "at", pick(rng, &["1", "2"])];
            script("note", &["fence", "guests", "attempts", "notes"], &fields)
        }
        19 => {
            let field = pick(rng, &["preview", "over"]);
            let fields = [token, lane, "1000", pick(rng, &["0", "1"]), field, pick(rng, &["1", "2"])];
            script("note_ahead", &["fence", "guests", "notes"], &fields)
        }
        20 => script("earlier", &["x1"], &["g", pick(rng, &["", "5-0", "12-1"])]),
        16 => {
            // Lanes that remember all of their entries, or some.
            let (is_uniform, remembered, message) = if rng.bool() { ("1", "2", "m5") } else { ("0", "1", "") };
            let head = [token, "g", "86400", "1000000", deletes, known, "2", "3", is_uniform];
            let entries = [&entry, &other, "7-0", cause, "cause-8", "cause-1", "m3", message, "m4"];
            let lanes = ["lane-1", "2", remembered, "3", "100000", "lane-2", "1", "1", "3", "100000"];
            let keys = ["fence", "guests", "x1", "attempts", "done0", "done1", "settled", "l", "l2"];
            script("record", &keys, &[&head[..], &entries, &lanes].concat())
        }
        10 => script("trim", &["fence", "x1"], &[token, "g"]),
        11 => script("drop_idle", &["x1"], &["g", pick(rng, &["c1", "c2"]), pick(rng, &["-1", "100000"])]),
        12 => {
            let name = pick(rng, &["lock", "unlock"]);
            let arguments: &[&str] = if name == "lock" { &[owner, "100000", "100000"] } else { &[owner] };
            script(name, &["mutex", "queue", "alive"], arguments)
        }
        _ => {
            let bound = pick(rng, &["4", "1000"]);
            let exists = pick(rng, &["0", "1"]);
            let (at, again) = (pick(rng, &["5", "6", "7"]), pick(rng, &["0", "0", "1"]));
            let entry = [cause, "body", "1000", "100000", "PUBLISH", exists, bound, "payload", at, "trace", "g", again];
            script("log", &["log", "log:ids", "x2"], &entry)
        }
    }
}
