//! `docs/wire.md`, "How it may change": old writers and new readers, new writers and old readers, and the schema itself
//! against the one that is kept.

use codec::{Error, InboundRoute, OutboundRoute, Rule, inspect, peek_lane};
use rmpv::Value;

use crate::cases::{self, Case};
use crate::kept::{self, Kept};
use crate::rule;
use crate::snapshot::Schema;
use crate::vectors::{REDO, file, pairs, rewritten};

/// The pairs of a map behind a head of 16 bits, which has room for more.
fn encoded(pairs: Vec<(Value, Value)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &Value::Map(pairs)).unwrap();
    bytes
}

/// Everything that `old` says is in `new`, which may say more.
fn contains(new: &serde_json::Value, old: &serde_json::Value) -> bool {
    match (new, old) {
        (serde_json::Value::Object(new), serde_json::Value::Object(old)) => {
            old.iter().all(|(key, old)| new.get(key).is_some_and(|new| contains(new, old)))
        }
        (serde_json::Value::Array(new), serde_json::Value::Array(old)) => {
            new.len() == old.len() && new.iter().zip(old).all(|(new, old)| contains(new, old))
        }
        (new, old) => new == old,
    }
}

#[test]
fn what_old_writers_wrote_means_the_same() {
    let kept: Vec<Kept> = serde_json::from_str(&file("kept.json")).unwrap();
    assert!(kept.len() >= cases::cases().len());
    for old in &kept {
        let bytes = rewritten(&old.envelope, &inspect::bytes(&old.bytes).unwrap());
        let bytes = bytes.unwrap_or_else(|error| panic!("{}, as it was once written: {error}", old.name));
        let new = serde_json::from_str(&inspect::json(&bytes).unwrap()).unwrap();
        assert!(contains(&new, &old.value()), "{}: {} became {new}", old.name, old.value());
    }
}

#[test]
fn the_vectors_of_this_schema_are_kept() {
    let kept = file("kept.json");
    assert!(kept::grown(&kept, &cases::file(&cases::cases())) == kept, "kept.json lacks a case; {REDO}");
}

#[test]
fn a_case_with_other_keys_is_kept_beside_the_old_one() {
    let case = |bytes: &str| format!(r#"[{{"name": "a", "envelope": "history", "bytes": "{bytes}", "value": {{}}}}]"#);
    let first = kept::grown("[]", &case("81a16101"));
    assert_eq!(kept::grown(&first, &case("81a16102")), first, "the same keys");
    let second = kept::grown(&first, &case("82a16101a162c0"));
    assert!(second.starts_with(first.trim_end_matches("\n]\n")) && second.lines().count() == 4, "{second}");
}

/// A value of every type in every width, the shortest and the longest where the first byte has a length in it.
fn values() -> Vec<Vec<u8>> {
    let value = |first: u8| {
        // Behind the first byte a length of 1 in the width of the type, and then as many zeros as it asks for.
        let length: &[u8] = match first {
            0xc4 | 0xc7 | 0xd9 => &[1],
            0xc5 | 0xc8 | 0xda | 0xdc | 0xde => &[0, 1],
            0xc6 | 0xc9 | 0xdb | 0xdd | 0xdf => &[0, 0, 0, 1],
            _ => &[],
        };
        let rest = match first {
            0x81..=0x8f => usize::from(first & 0x0f) * 2,
            0x91..=0x9f => usize::from(first & 0x0f),
            0xa1..=0xbf => usize::from(first & 0x1f),
            0xc7..=0xc9 | 0xd1 | 0xcd | 0xd4 | 0xde | 0xdf => 2,
            0xca | 0xce | 0xd2 => 4,
            0xcb | 0xcf | 0xd3 => 8,
            0xcc | 0xd0 | 0xc4..=0xc6 | 0xd9..=0xdd => 1,
            0xd5 => 3,
            0xd6 => 5,
            0xd7 => 9,
            0xd8 => 17,
            _ => 0,
        };
        [&[first], length, &vec![0; rest]].concat()
    };
    let short = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xe0, 0xff];
    short.into_iter().chain(0xc0..=0xdf).filter(|first| *first != 0xc1).map(value).collect()
}

/// A map with one more pair at `place`, and its head in the form with room for many.
fn with(map: &[u8], place: usize, pair: &[u8]) -> Vec<u8> {
    let pairs = inspect::pairs(map).unwrap();
    let mut bytes = vec![0xde, 0, u8::try_from(pairs.len() + 1).unwrap()];
    for (at, (key, value)) in pairs.iter().enumerate() {
        if at == place {
            bytes.extend(pair);
        }
        bytes.extend([*key, *value].concat());
    }
    if place == pairs.len() {
        bytes.extend(pair);
    }
    bytes
}

fn is_same(case: &Case, bytes: &[u8]) {
    let read = rewritten(case.envelope, bytes);
    assert_eq!(read.as_ref(), Ok(&case.bytes), "{}: {}", case.name, inspect::hex(bytes));
    if case.envelope == "inbound" {
        assert_eq!(InboundRoute::decode(bytes), InboundRoute::decode(&case.bytes));
    } else if case.envelope == "outbound" {
        assert_eq!(OutboundRoute::decode(bytes), OutboundRoute::decode(&case.bytes));
        assert_eq!(peek_lane(bytes), peek_lane(&case.bytes));
    }
}

#[test]
fn what_a_later_writer_adds_is_skipped() {
    let (values, key) = (values(), [&[0xa5], &b"later"[..]].concat());
    for value in &values {
        assert!(inspect::pairs(&[&[0x81], &key[..], value].concat()).is_some_and(|pairs| pairs[0].1 == &value[..]));
    }
    for case in cases::cases() {
        for place in 0..=inspect::pairs(&case.bytes).unwrap().len() {
            for value in &values {
                is_same(&case, &with(&case.bytes, place, &[&key, &value[..]].concat()));
                // A key need not be text.
                is_same(&case, &with(&case.bytes, place, &[&value[..], &value[..]].concat()));
            }
        }
    }
}

#[test]
fn what_a_later_writer_adds_to_a_map_inside_is_skipped() {
    let mut changed = 0;
    for case in cases::cases() {
        for value in values() {
            let later = rmpv::decode::read_value(&mut &value[..]).unwrap();
            let mut pairs = pairs(&case.bytes);
            for (_, value) in
                pairs.iter_mut().filter(|(key, _)| matches!(key.as_str(), Some("attachments" | "buttons")))
            {
                add(value, &later);
                changed += 1;
            }
            is_same(&case, &encoded(pairs));
        }
    }
    assert!(changed >= 9 * values().len(), "both maps, in several cases each: {changed}");
}

/// Adds a key to each map in the lists.
fn add(value: &mut Value, later: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| add(item, later)),
        Value::Map(pairs) => pairs.insert(pairs.len() / 2, (Value::from("later"), later.clone())),
        other => panic!("{other} is neither list nor map"),
    }
}

/// An old reader is one to which a field is unknown: the same as if it had another name.
#[test]
fn a_field_that_a_reader_does_not_know_is_as_if_it_were_absent() {
    let read = |case: &Case, pairs: Vec<(Value, Value)>| {
        rewritten(case.envelope, &encoded(pairs)).map_err(|Error { field, rule, .. }| (field, rule))
    };
    for case in cases::cases() {
        let pairs = pairs(&case.bytes);
        for at in 0..pairs.len() {
            let (mut renamed, mut removed) = (pairs.clone(), pairs.clone());
            renamed[at].0 = Value::from(format!("{}_later", pairs[at].0.as_str().unwrap()));
            removed.remove(at);
            assert_eq!(read(&case, renamed), read(&case, removed), "{}: {}", case.name, pairs[at].0);
        }
    }
}

#[test]
fn a_word_that_a_reader_does_not_know_is_refused() {
    let mut fields = Vec::new();
    for case in cases::cases().iter().filter(|case| case.name.contains("every-field") || case.name == "history/full") {
        let pairs = pairs(&case.bytes);
        for (at, (key, _)) in pairs.iter().enumerate() {
            let mut changed = pairs.clone();
            changed[at].1 = Value::from("a later word");
            let Err(error) = rewritten(case.envelope, &encoded(changed)) else { continue };
            if matches!(error.rule, Rule::Choice(_)) {
                assert_eq!(Some(error.field), key.as_str());
                fields.push(error.field);
            }
        }
    }
    assert_eq!(fields, ["role", "kind", "type", "state", "status"]);
}

#[test]
fn only_version_1_is_read() {
    for case in cases::cases() {
        let with = |version: Option<Value>| {
            let mut pairs = pairs(&case.bytes);
            let Some(at) = pairs.iter().position(|(key, _)| key.as_str() == Some("v")) else { return Ok(None) };
            match version {
                Some(version) => pairs[at].1 = version,
                None => _ = pairs.remove(at),
            }
            rewritten(case.envelope, &encoded(pairs)).map(Some).map_err(|error| error.rule)
        };
        let has_version = matches!(case.envelope, "inbound" | "outbound");
        let same = Ok(has_version.then(|| case.bytes.clone()));
        assert_eq!([with(None), with(Some(Value::Nil)), with(Some(1.into()))], [same.clone(), same.clone(), same]);
        if has_version {
            assert_eq!(with(Some(2.into())), Err(Rule::Version(2)));
        }
    }
}

#[test]
fn the_schema_keeps_what_it_promised() {
    let text = file("schema.json");
    let (kept, today): (Schema, _) = (serde_json::from_str(&text).unwrap(), Schema::today());
    let broken = rule::broken(&kept, &today);
    assert!(broken.is_empty(), "\n{}\nSee \"How it may change\" in docs/wire.md.", broken.join("\n"));
    assert!(text == today.file(), "schema.json lacks what was added; {REDO}");
}
