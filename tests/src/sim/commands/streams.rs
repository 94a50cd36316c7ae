//! Streams without their groups.

use bus::reply::Value;

use super::{Arguments, Done, bulk, int};
use crate::sim::{
    store::{Refused, Store},
    stream::{Id, MAX, Stream, ZERO},
};

pub(super) fn run(store: &mut Store, word: &str, arguments: Arguments<'_>) -> Option<Done> {
    let key = arguments.bytes(1);
    Some(match word {
        "XADD" => add(store, arguments),
        "XLEN" => store.get::<Stream>(key).and_then(|stream| int(stream.map_or(0, |stream| stream.entries.len()))),
        "XRANGE" => range(store, arguments, false),
        "XREVRANGE" => range(store, arguments, true),
        "XDEL" => delete(store, arguments),
        "XTRIM" => trim(store, arguments),
        "XREAD" => read(store, arguments),
        _ => return None,
    })
}

pub(super) fn parse(text: &str, missing: u64) -> Result<Id, Refused> {
    let invalid = || "ERR Invalid stream ID specified as stream command argument".to_owned();
    let number = |text: &str| text.parse::<u64>().map_err(|_| invalid());
    match text.split_once('-') {
        Some((ms, seq)) => Ok((number(ms)?, number(seq)?)),
        None => Ok((number(text)?, missing)),
    }
}

pub(super) fn show(id: Id) -> Value {
    bulk(format!("{}-{}", id.0, id.1))
}

pub(super) fn entry(id: Id, fields: &[Vec<u8>]) -> Value {
    Value::Array(vec![show(id), Value::Array(fields.iter().map(bulk).collect())])
}

fn add(store: &mut Store, arguments: Arguments<'_>) -> Done {
    let key = arguments.bytes(1);
    let mut at = 2;
    let mut most = None;
    if arguments.is(at, "MAXLEN") {
        at += 1;
        at += usize::from(arguments.is(at, "~") || arguments.is(at, "="));
        most = Some(arguments.number::<usize>(at)?);
        at += 1;
    }
    let now = store.now;
    let last = store.get::<Stream>(key)?.map_or(ZERO, |stream| stream.last);
    let text = arguments.text(at);
    let id = match text.as_str() {
        "*" if now > last.0 => (now, 0),
        "*" => (last.0, last.1 + 1),
        text => parse(text, 0)?,
    };
    if id <= last {
        return Err("ERR The ID specified in XADD is equal or smaller than the target stream top item".into());
    }
    let stream = store.make::<Stream>(key)?;
    stream.add(id, arguments.from(at + 1).to_vec());
    while most.is_some_and(|most| stream.entries.len() > most) {
        stream.entries.pop_first();
    }
    Ok(show(id))
}

fn range(store: &mut Store, arguments: Arguments<'_>, is_reversed: bool) -> Done {
    let (low, high) = if is_reversed { (3, 2) } else { (2, 3) };
    let count = arguments.find(4, "COUNT").map(|at| arguments.number::<usize>(at + 1)).transpose()?;
    let end = |at: usize, least: bool| -> Result<Id, Refused> {
        let text = arguments.text(at);
        match text.strip_prefix('(') {
            Some(rest) => {
                let (ms, seq) = parse(rest, if least { 0 } else { u64::MAX })?;
                let beyond = if least { (ms, seq + 1) } else { (ms, seq.saturating_sub(1)) };
                Ok(beyond)
            }
            None if text == "-" => Ok(ZERO),
            None if text == "+" => Ok(MAX),
            None => parse(&text, if least { 0 } else { u64::MAX }),
        }
    };
    let (low, high) = (end(low, true)?, end(high, false)?);
    let Some(stream) = store.get::<Stream>(arguments.bytes(1))? else { return Ok(Value::Array(Vec::new())) };
    if low > high {
        return Ok(Value::Array(Vec::new()));
    }
    let all = stream.entries.range(low..=high).map(|(id, fields)| entry(*id, fields));
    let count = count.unwrap_or(usize::MAX);
    Ok(Value::Array(if is_reversed { all.rev().take(count).collect() } else { all.take(count).collect() }))
}

fn delete(store: &mut Store, arguments: Arguments<'_>) -> Done {
    let ids =
        arguments.from(2).iter().map(|id| parse(&String::from_utf8_lossy(id), 0)).collect::<Result<Vec<_>, _>>()?;
    let Some(stream) = store.get::<Stream>(arguments.bytes(1))? else { return Ok(Value::Int(0)) };
    let count = ids.into_iter().filter(|id| stream.delete(*id)).count();
    if count > 0 {
        store.touch(arguments.bytes(1));
    }
    int(count)
}

fn trim(store: &mut Store, arguments: Arguments<'_>) -> Done {
    let at = 3 + usize::from(arguments.is(3, "~") || arguments.is(3, "="));
    let threshold = arguments.text(at);
    let is_by_id = arguments.is(2, "MINID");
    let Some(stream) = store.get::<Stream>(arguments.bytes(1))? else { return Ok(Value::Int(0)) };
    let before = stream.entries.len();
    if is_by_id {
        let least = parse(&threshold, 0)?;
        stream.entries = stream.entries.split_off(&least);
    } else {
        let most: usize = arguments.number(at)?;
        while stream.entries.len() > most {
            stream.entries.pop_first();
        }
    }
    let count = before - stream.entries.len();
    if count > 0 {
        store.touch(arguments.bytes(1));
    }
    int(count)
}

/// One look; waiting is the session's.
fn read(store: &mut Store, arguments: Arguments<'_>) -> Done {
    let count = arguments.find(1, "COUNT").map_or(Ok(usize::MAX), |at| arguments.number(at + 1))?;
    let at = arguments.find(1, "STREAMS").ok_or("ERR syntax error")? + 1;
    let streams = arguments.from(at);
    let (keys, ids) = streams.split_at(streams.len() / 2);
    let mut found = Vec::new();
    for (key, id) in keys.iter().zip(ids) {
        let after = parse(&String::from_utf8_lossy(id), 0)?;
        let Some(stream) = store.get::<Stream>(key)? else { continue };
        let new = stream.entries.range((after.0, after.1.saturating_add(1))..);
        let entries: Vec<_> = new.take(count).map(|(id, fields)| entry(*id, fields)).collect();
        if !entries.is_empty() {
            found.push(Value::Array(vec![bulk(key), Value::Array(entries)]));
        }
    }
    Ok(if found.is_empty() { Value::Nil } else { Value::Array(found) })
}
