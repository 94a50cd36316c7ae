//! Keys and texts.

use bus::reply::Value;

use super::{Arguments, Done, bulk, int, maybe, slice};
use crate::sim::store::Store;

const NOT_A_NUMBER: &str = "ERR value is not an integer or out of range";

pub(super) fn run(store: &mut Store, word: &str, arguments: Arguments<'_>) -> Option<Done> {
    let key = arguments.bytes(1);
    Some(match word {
        "PING" => Ok(Value::SimpleString("PONG".into())),
        "PUBLISH" | "SPUBLISH" => {
            store.published.push((key.to_vec(), arguments.bytes(2).to_vec()));
            // Who hears it is the server's affair, and nobody of ours asks for their number.
            Ok(Value::Int(0))
        }
        "FLUSHALL" => {
            store.clear();
            Ok(Value::Okay)
        }
        "TIME" => {
            let (seconds, millis) = (store.now / 1000, store.now % 1000);
            Ok(Value::Array(vec![bulk(seconds.to_string()), bulk((millis * 1000).to_string())]))
        }
        "GET" => store.get::<Vec<u8>>(key).and_then(|value| maybe(value.map(|value| &*value))),
        "MGET" => {
            let get = |key: &Vec<u8>| store.get::<Vec<u8>>(key).ok().flatten().map_or(Value::Nil, bulk);
            Ok(Value::Array(arguments.from(1).iter().map(get).collect()))
        }
        "GETRANGE" => store.get::<Vec<u8>>(key).and_then(|value| {
            let text = value.map(|value| value.as_slice()).unwrap_or_default();
            Ok(bulk(&text[slice(text.len(), arguments.number(2)?, arguments.number(3)?)]))
        }),
        "SET" => set(store, arguments),
        "INCR" => {
            let count = store.get::<Vec<u8>>(key).and_then(|value| match value {
                None => Ok(0),
                Some(text) => String::from_utf8_lossy(text).parse::<i64>().map_err(|_| NOT_A_NUMBER.to_owned()),
            });
            count.map(|count| {
                let expires = store.expires(key);
                store.set(key, (count + 1).to_string().into_bytes());
                if let Some(at) = expires {
                    store.expire_at(key, at);
                }
                Value::Int(count + 1)
            })
        }
        "DEL" => int(arguments.from(1).iter().filter(|key| store.remove(key)).count()),
        "EXISTS" => int(arguments.from(1).iter().filter(|key| store.exists(key)).count()),
        "EXPIRE" => arguments.number::<u64>(2).and_then(|seconds| expire(store, key, store.now + seconds * 1000)),
        "PEXPIRE" => arguments.number::<u64>(2).and_then(|millis| expire(store, key, store.now + millis)),
        "EXPIREAT" if arguments.is(3, "NX") && store.exists(key) && store.expires(key).is_some() => Ok(Value::Int(0)),
        "EXPIREAT" => arguments.number::<u64>(2).and_then(|seconds| expire(store, key, seconds * 1000)),
        "PERSIST" => int(usize::from(store.persist(key))),
        "PTTL" => Ok(Value::Int(match (store.exists(key), store.expires(key)) {
            (false, _) => -2,
            (true, None) => -1,
            (true, Some(at)) => at.saturating_sub(store.now) as i64,
        })),
        _ => return None,
    })
}

fn set(store: &mut Store, arguments: Arguments<'_>) -> Done {
    let key = arguments.bytes(1);
    if arguments.find(3, "NX").is_some() && store.exists(key) {
        return Ok(Value::Nil);
    }
    store.set(key, arguments.bytes(2).to_vec());
    for (word, unit) in [("PX", 1), ("EX", 1000)] {
        if let Some(at) = arguments.find(3, word) {
            let life: u64 = arguments.number(at + 1)?;
            store.expire_at(key, store.now + life * unit);
        }
    }
    Ok(Value::Okay)
}

fn expire(store: &mut Store, key: &[u8], at: u64) -> Done {
    int(usize::from(store.expire_at(key, at)))
}
