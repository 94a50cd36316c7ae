//! Hashes, sets, sorted sets and lists.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bus::reply::Value;

use super::{Arguments, Done, bulk, int, maybe, slice};
use crate::sim::store::{Refused, Store};

type Hash = Vec<(Vec<u8>, Vec<u8>)>;
type Set = BTreeSet<Vec<u8>>;
type Sorted = BTreeMap<Vec<u8>, f64>;
type List = VecDeque<Vec<u8>>;

pub(super) fn run(store: &mut Store, word: &str, arguments: Arguments<'_>) -> Option<Done> {
    let key = arguments.bytes(1);
    Some(match word {
        "HSET" => hash_set(store, key, arguments.from(2)),
        "HSETNX" => hash_set_new(store, key, arguments),
        "HGET" => store.get::<Hash>(key).and_then(|hash| {
            let found = hash.and_then(|hash| hash.iter().find(|(name, _)| name == arguments.bytes(2)));
            maybe(found.map(|(_, value)| value))
        }),
        "HEXISTS" => {
            let found = store.get::<Hash>(key);
            let found =
                found.map(|hash| hash.is_some_and(|hash| hash.iter().any(|(name, _)| name == arguments.bytes(2))));
            found.and_then(|found| int(found.into()))
        }
        "HGETALL" => store.get::<Hash>(key).map(|hash| {
            let pairs = hash.into_iter().flatten().flat_map(|(name, value)| [bulk(name), bulk(value)]);
            Value::Array(pairs.collect())
        }),
        "HDEL" => removed::<Hash>(store, key, arguments, |hash, name| {
            let place = hash.iter().position(|(other, _)| other == name);
            place.map(|place| hash.remove(place)).is_some()
        }),
        "SADD" => store
            .make::<Set>(key)
            .and_then(|set| int(arguments.from(2).iter().filter(|member| set.insert((*member).clone())).count())),
        "SISMEMBER" => {
            let found = store.get::<Set>(key).map(|set| set.is_some_and(|set| set.contains(arguments.bytes(2))));
            found.and_then(|found| int(found.into()))
        }
        "SMISMEMBER" => store.get::<Set>(key).map(|set| {
            let set = set.map(|set| &*set);
            let is_there = |member: &Vec<u8>| set.is_some_and(|set| set.contains(member));
            Value::Array(arguments.from(2).iter().map(|member| Value::Int(is_there(member).into())).collect())
        }),
        "SCARD" => store.get::<Set>(key).and_then(|set| int(set.map_or(0, |set| set.len()))),
        // Redis takes any; so are the first ones.
        "SPOP" if !arguments.from(2).is_empty() => pop(store, key, arguments),
        "SPOP" => store.get::<Set>(key).map(|set| set.and_then(Set::pop_first)).and_then(|popped| {
            store.touch(key);
            store.tidy::<Set>(key);
            maybe(popped.as_ref())
        }),
        "ZADD" => sorted_add(store, key, arguments),
        "ZREM" => removed::<Sorted>(store, key, arguments, |sorted, member| sorted.remove(member).is_some()),
        "ZCARD" => store.get::<Sorted>(key).and_then(|sorted| int(sorted.map_or(0, |sorted| sorted.len()))),
        "ZSCORE" => store.get::<Sorted>(key).map(|sorted| {
            let score = sorted.and_then(|sorted| sorted.get(arguments.bytes(2)).copied());
            score.map_or(Value::Nil, |score| bulk(score.to_string()))
        }),
        "ZRANK" => ranked(store, key).map(|ranked| {
            let place = ranked.iter().position(|(_, member)| member == arguments.bytes(2));
            place.map_or(Value::Nil, |place| Value::Int(place as i64))
        }),
        "ZRANGE" => sorted_range(store, key, arguments),
        "ZREMRANGEBYRANK" => sorted_cut(store, key, arguments, |ranked, arguments| {
            let range = slice(ranked.len(), arguments.number(2)?, arguments.number(3)?);
            Ok(ranked[range].to_vec())
        }),
        "ZREMRANGEBYSCORE" => sorted_cut(store, key, arguments, |ranked, arguments| {
            let is_meant = scores(arguments)?;
            Ok(ranked.iter().filter(|(score, _)| is_meant(*score)).cloned().collect())
        }),
        "RPUSH" => store.make::<List>(key).and_then(|list| {
            list.extend(arguments.from(2).iter().cloned());
            int(list.len())
        }),
        "LRANGE" => store.get::<List>(key).and_then(|list| {
            let items: Vec<Value> = list.into_iter().flatten().map(bulk).collect();
            let range = slice(items.len(), arguments.number(2)?, arguments.number(3)?);
            Ok(Value::Array(items[range].to_vec()))
        }),
        "LTRIM" => list_trim(store, key, arguments),
        _ => return None,
    })
}

fn pop(store: &mut Store, key: &[u8], arguments: Arguments<'_>) -> Done {
    let count = arguments.number(2)?;
    let set = store.get::<Set>(key)?;
    let popped: Vec<_> =
        set.map(|set| (0..count).map_while(|_| set.pop_first()).map(bulk).collect()).unwrap_or_default();
    store.touch(key);
    store.tidy::<Set>(key);
    Ok(Value::Array(popped))
}

fn hash_set(store: &mut Store, key: &[u8], pairs: &[Vec<u8>]) -> Done {
    let hash = store.make::<Hash>(key)?;
    let before = hash.len();
    for pair in pairs.chunks_exact(2) {
        match hash.iter_mut().find(|(name, _)| *name == pair[0]) {
            Some((_, value)) => value.clone_from(&pair[1]),
            None => hash.push((pair[0].clone(), pair[1].clone())),
        }
    }
    int(hash.len() - before)
}

fn hash_set_new(store: &mut Store, key: &[u8], arguments: Arguments<'_>) -> Done {
    let known = store.get::<Hash>(key)?.is_some_and(|hash| hash.iter().any(|(name, _)| name == arguments.bytes(2)));
    if known { Ok(Value::Int(0)) } else { hash_set(store, key, arguments.from(2)) }
}

/// Removes each of the arguments from a value, and the value when it is empty.
fn removed<K: crate::sim::store::Kind>(
    store: &mut Store,
    key: &[u8],
    arguments: Arguments<'_>,
    remove: impl Fn(&mut K, &Vec<u8>) -> bool,
) -> Done {
    let Some(value) = store.get::<K>(key)? else { return Ok(Value::Int(0)) };
    let count = arguments.from(2).iter().filter(|item| remove(value, item)).count();
    if count > 0 {
        store.touch(key);
        store.tidy::<K>(key);
    }
    int(count)
}

fn sorted_add(store: &mut Store, key: &[u8], arguments: Arguments<'_>) -> Done {
    let is_new_only = arguments.is(2, "NX");
    let pairs = arguments.from(if is_new_only { 3 } else { 2 });
    let sorted = store.make::<Sorted>(key)?;
    let before = sorted.len();
    for pair in pairs.chunks_exact(2) {
        let score = String::from_utf8_lossy(&pair[0]).parse().map_err(|_| "ERR value is not a valid float")?;
        if !(is_new_only && sorted.contains_key(&pair[1])) {
            sorted.insert(pair[1].clone(), score);
        }
    }
    int(sorted.len() - before)
}

/// Members by score, and by their bytes where that is the same.
fn ranked(store: &mut Store, key: &[u8]) -> Result<Vec<(f64, Vec<u8>)>, Refused> {
    let sorted = store.get::<Sorted>(key)?;
    let mut ranked: Vec<_> = sorted.into_iter().flatten().map(|(member, score)| (*score, member.clone())).collect();
    ranked.sort_by(|one, other| one.0.total_cmp(&other.0).then_with(|| one.1.cmp(&other.1)));
    Ok(ranked)
}

/// Scores from one bound to another, each with `(` in front where it is left out.
fn scores(arguments: Arguments<'_>) -> Result<impl Fn(f64) -> bool, Refused> {
    let bound = |at: usize| -> Result<(f64, bool), Refused> {
        let text = arguments.text(at);
        let number = text.strip_prefix('(').unwrap_or(&text);
        let number = number.parse().map_err(|_| "ERR min or max is not a float")?;
        Ok((number, text.starts_with('(')))
    };
    let (low, high) = (bound(2)?, bound(3)?);
    Ok(move |score| {
        let above = if low.1 { low.0 < score } else { low.0 <= score };
        let below = if high.1 { score < high.0 } else { score <= high.0 };
        above && below
    })
}

fn sorted_range(store: &mut Store, key: &[u8], arguments: Arguments<'_>) -> Done {
    let ranked = ranked(store, key)?;
    let chosen: Vec<_> = if arguments.find(4, "BYSCORE").is_some() {
        let is_meant = scores(arguments)?;
        ranked.into_iter().filter(|(score, _)| is_meant(*score)).collect()
    } else {
        let range = slice(ranked.len(), arguments.number(2)?, arguments.number(3)?);
        ranked[range].to_vec()
    };
    let has_scores = arguments.find(4, "WITHSCORES").is_some();
    let told = chosen.into_iter().flat_map(|(score, member)| {
        [Some(bulk(member)), has_scores.then(|| bulk(score.to_string()))].into_iter().flatten()
    });
    Ok(Value::Array(told.collect()))
}

fn sorted_cut(
    store: &mut Store,
    key: &[u8],
    arguments: Arguments<'_>,
    choose: impl Fn(&[(f64, Vec<u8>)], Arguments<'_>) -> Result<Vec<(f64, Vec<u8>)>, Refused>,
) -> Done {
    let gone = choose(&ranked(store, key)?, arguments)?;
    if let Some(sorted) = store.get::<Sorted>(key)? {
        for (_, member) in &gone {
            sorted.remove(member);
        }
    }
    if !gone.is_empty() {
        store.touch(key);
        store.tidy::<Sorted>(key);
    }
    int(gone.len())
}

fn list_trim(store: &mut Store, key: &[u8], arguments: Arguments<'_>) -> Done {
    let (start, stop) = (arguments.number(2)?, arguments.number(3)?);
    if let Some(list) = store.get::<List>(key)? {
        let range = slice(list.len(), start, stop);
        *list = list.drain(range).collect();
        store.touch(key);
        store.tidy::<List>(key);
    }
    Ok(Value::Okay)
}
