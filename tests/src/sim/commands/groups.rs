//! Consumer groups. What changes a group alone is no change of the key to who watches it.

use std::collections::BTreeMap;

use bus::reply::Value;

use super::{
    Arguments, Done, bulk, int,
    streams::{entry, parse, show},
};
use crate::sim::{
    store::{Refused, Store},
    stream::{Group, Id, MAX, Pending, Stream, ZERO},
};

/// Pending entries that a claim looks at for each one that it may return.
const CLAIM_LOOKS: usize = 10;

pub(super) fn run(store: &mut Store, word: &str, arguments: Arguments<'_>) -> Option<Done> {
    Some(match word {
        "XGROUP" => manage(store, arguments),
        "XREADGROUP" => read(store, arguments),
        "XACK" => ack(store, arguments),
        "XPENDING" => pending(store, arguments),
        "XAUTOCLAIM" => claim(store, arguments),
        "XINFO" => info(store, arguments),
        _ => return None,
    })
}

fn no_group(key: &[u8], group: &[u8]) -> Refused {
    let text = String::from_utf8_lossy;
    format!("NOGROUP No such key '{}' or consumer group '{}'", text(key), text(group))
}

fn manage(store: &mut Store, arguments: Arguments<'_>) -> Done {
    let (key, name) = (arguments.bytes(2), arguments.bytes(3));
    if arguments.is(1, "CREATE") {
        if !store.exists(key) {
            if arguments.find(5, "MKSTREAM").is_none() {
                return Err("ERR The XGROUP subcommand requires the key to exist.".into());
            }
            store.make::<Stream>(key)?;
        }
        let from = arguments.text(4);
        let Some(stream) = store.get::<Stream>(key)? else { return Ok(Value::Nil) };
        if stream.groups.contains_key(name) {
            return Err("BUSYGROUP Consumer Group name already exists".into());
        }
        let last = if from == "$" { stream.last } else { parse(&from, 0)? };
        stream.groups.insert(name.to_vec(), Group { last, ..Group::default() });
        return Ok(Value::Okay);
    }
    let Some(group) = store.get::<Stream>(key)?.and_then(|stream| stream.groups.get_mut(name)) else {
        return Err(no_group(key, name));
    };
    let consumer = arguments.bytes(4);
    let held: Vec<Id> = group.pending.iter().filter(|(_, one)| one.consumer == consumer).map(|(id, _)| *id).collect();
    held.iter().for_each(|id| _ = group.pending.remove(id));
    group.consumers.remove(consumer);
    int(held.len())
}

/// `>` only: our readers read nothing else.
fn read(store: &mut Store, arguments: Arguments<'_>) -> Done {
    let (name, consumer) = (arguments.bytes(2), arguments.bytes(3));
    let count = arguments.find(4, "COUNT").map_or(Ok(usize::MAX), |at| arguments.number(at + 1))?;
    let at = arguments.find(4, "STREAMS").ok_or("ERR syntax error")? + 1;
    let streams = arguments.from(at);
    let keys = &streams[..streams.len() / 2];
    for key in keys {
        if !store.get::<Stream>(key)?.is_some_and(|stream| stream.groups.contains_key(name)) {
            return Err(format!("{} in XREADGROUP with GROUP option", no_group(key, name)));
        }
    }
    let now = store.now;
    let mut found = Vec::new();
    for key in keys {
        let Some(stream) = store.get::<Stream>(key)? else { continue };
        let Some(group) = stream.groups.get_mut(name) else { continue };
        let after = (group.last.0, group.last.1.saturating_add(1));
        let new: Vec<(Id, Vec<Vec<u8>>)> =
            stream.entries.range(after..).take(count).map(|(id, fields)| (*id, fields.clone())).collect();
        for (id, _) in &new {
            stream.note_read(name, *id);
            if let Some(group) = stream.groups.get_mut(name) {
                let held = Pending { consumer: consumer.to_vec(), since: now, count: 1 };
                group.pending.insert(*id, held);
                group.consumers.insert(consumer.to_vec(), now);
            }
        }
        if !new.is_empty() {
            let entries = new.iter().map(|(id, fields)| entry(*id, fields)).collect();
            found.push(Value::Array(vec![bulk(key), Value::Array(entries)]));
        }
    }
    Ok(if found.is_empty() { Value::Nil } else { Value::Array(found) })
}

fn ack(store: &mut Store, arguments: Arguments<'_>) -> Done {
    let (key, name) = (arguments.bytes(1), arguments.bytes(2));
    let ids =
        arguments.from(3).iter().map(|id| parse(&String::from_utf8_lossy(id), 0)).collect::<Result<Vec<_>, _>>()?;
    let Some(group) = store.get::<Stream>(key)?.and_then(|stream| stream.groups.get_mut(name)) else {
        return Ok(Value::Int(0));
    };
    int(ids.iter().filter(|id| group.pending.remove(id).is_some()).count())
}

fn pending(store: &mut Store, arguments: Arguments<'_>) -> Done {
    let (key, name, now) = (arguments.bytes(1), arguments.bytes(2), store.now);
    let Some(group) = store.get::<Stream>(key)?.and_then(|stream| stream.groups.get_mut(name)) else {
        return Err(no_group(key, name));
    };
    if arguments.0.len() > 3 {
        let end = |at: usize, other: Id| match arguments.text(at).as_str() {
            "-" => Ok(ZERO),
            "+" => Ok(MAX),
            text => parse(text, other.1),
        };
        let (low, high, count) = (end(3, ZERO)?, end(4, MAX)?, arguments.number(5)?);
        let one = |(id, held): (&Id, &Pending)| {
            let idle = now.saturating_sub(held.since);
            Value::Array(vec![show(*id), bulk(&held.consumer), Value::Int(idle as i64), Value::Int(held.count as i64)])
        };
        return Ok(Value::Array(group.pending.range(low..=high).take(count).map(one).collect()));
    }
    let mut by_consumer: BTreeMap<&[u8], usize> = BTreeMap::new();
    group.pending.values().for_each(|held| *by_consumer.entry(&held.consumer).or_default() += 1);
    let ends = [group.pending.keys().next(), group.pending.keys().next_back()];
    let [low, high] = ends.map(|id| id.map_or(Value::Nil, |id| show(*id)));
    let consumers: Vec<_> =
        by_consumer.into_iter().map(|(name, count)| Value::Array(vec![bulk(name), bulk(count.to_string())])).collect();
    let consumers = if consumers.is_empty() { Value::Nil } else { Value::Array(consumers) };
    Ok(Value::Array(vec![Value::Int(group.pending.len() as i64), low, high, consumers]))
}

fn claim(store: &mut Store, arguments: Arguments<'_>) -> Done {
    let (key, name, consumer) = (arguments.bytes(1), arguments.bytes(2), arguments.bytes(3));
    let (least, start) = (arguments.number::<u64>(4)?, parse(&arguments.text(5), 0)?);
    let count = arguments.find(6, "COUNT").map_or(Ok(100), |at| arguments.number::<usize>(at + 1))?;
    let now = store.now;
    let stream = store.get::<Stream>(key)?;
    let Some(Stream { entries, groups, .. }) = stream else { return Err(no_group(key, name)) };
    let Some(group) = groups.get_mut(name) else { return Err(no_group(key, name)) };
    let ids: Vec<Id> = group.pending.range(start..).map(|(id, _)| *id).collect();
    let (mut claimed, mut gone, mut looks) = (Vec::new(), Vec::new(), 0);
    let mut cursor = ZERO;
    for id in ids {
        if claimed.len() + gone.len() >= count || looks >= count * CLAIM_LOOKS {
            cursor = id;
            break;
        }
        looks += 1;
        let Some(fields) = entries.get(&id) else {
            group.pending.remove(&id);
            gone.push(show(id));
            continue;
        };
        if let Some(held) = group.pending.get_mut(&id).filter(|held| now.saturating_sub(held.since) >= least) {
            *held = Pending { consumer: consumer.to_vec(), since: now, count: held.count + 1 };
            group.consumers.insert(consumer.to_vec(), now);
            claimed.push(entry(id, fields));
        }
    }
    Ok(Value::Array(vec![show(cursor), Value::Array(claimed), Value::Array(gone)]))
}

fn info(store: &mut Store, arguments: Arguments<'_>) -> Done {
    let (key, now) = (arguments.bytes(2), store.now);
    let Some(stream) = store.get::<Stream>(key)? else { return Err("ERR no such key".into()) };
    let pair = |name: &str, value: Value| [bulk(name), value];
    let number = |number: usize| Value::Int(number as i64);
    if arguments.is(1, "GROUPS") {
        let told = stream.groups.iter().map(|(name, group)| {
            let maybe = |number: Option<u64>| number.map_or(Value::Nil, |number| Value::Int(number as i64));
            let fields = [
                pair("name", bulk(name)),
                pair("consumers", number(group.consumers.len())),
                pair("pending", number(group.pending.len())),
                pair("last-delivered-id", show(group.last)),
                pair("entries-read", maybe(group.read)),
                pair("lag", maybe(stream.lag(group))),
            ];
            Value::Array(fields.concat())
        });
        return Ok(Value::Array(told.collect()));
    }
    let name = arguments.bytes(3);
    let Some(group) = stream.groups.get(name) else { return Err(no_group(key, name)) };
    let told = group.consumers.iter().map(|(name, seen)| {
        let held = group.pending.values().filter(|held| held.consumer == *name).count();
        let idle = now.saturating_sub(*seen) as usize;
        Value::Array([pair("name", bulk(name)), pair("pending", number(held)), pair("idle", number(idle))].concat())
    });
    Ok(Value::Array(told.collect()))
}
