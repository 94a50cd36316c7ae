//! The walker of stream replies: the shapes that it reads, those that it refuses and how, and any shape at all.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use bus::{
    EntryId, Error,
    reply::{Value, claimed, entries, parse, streams},
};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest},
};

fn bulk(text: impl AsRef<[u8]>) -> Value {
    Value::BulkString(text.as_ref().to_vec())
}

fn pair(one: Value, other: Value) -> Value {
    Value::Array(vec![one, other])
}

fn attributed(value: Value) -> Value {
    Value::Attribute { data: Box::new(value), attributes: vec![(bulk("ttl"), Value::Int(3600))] }
}

fn entry(id: &str, fields: &[&[u8]]) -> Value {
    pair(bulk(id), Value::Array(fields.iter().map(bulk).collect()))
}

fn one_entry() -> Value {
    Value::Array(vec![entry(
        "5-1",
        &[b"data", b"\xffbody", b"ts", b"1700000000000", b"trace_id", b"t", b"other", b"x"],
    )])
}

fn message<T>(read: Result<T, Error>) -> String {
    let message = read.err().unwrap().to_string();
    message.split("; is this").next().unwrap().to_owned()
}

#[test]
fn both_protocols_read_alike() {
    let resp2 = Value::Array(vec![pair(bulk("s"), one_entry())]);
    let resp3 = Value::Map(vec![(bulk("s"), one_entry())]);
    let with_attributes = attributed(Value::Map(vec![(attributed(bulk("s")), attributed(one_entry()))]));
    for reply in [resp2, resp3, with_attributes] {
        let read = streams(reply).unwrap();
        assert_eq!(read.len(), 1);
        let (name, list) = &read[0];
        assert_eq!(name, "s");
        assert_eq!((list[0].id, list[0].ts_ms), (EntryId { ms: 5, seq: 1 }, 1_700_000_000_000));
        assert_eq!((list[0].data.as_ref(), list[0].trace_id.as_ref()), (b"\xffbody".as_ref(), b"t".as_ref()));
    }
    assert!(streams(Value::Nil).unwrap().is_empty());
}

#[test]
fn a_payload_is_moved_and_not_copied() {
    let payload = vec![7_u8; 100];
    // A parser's texts are as large as their room; one with room to spare must not be copied either.
    let mut spare = Vec::with_capacity(200);
    spare.extend_from_slice(&payload);
    for data in [payload.into_boxed_slice().into_vec(), spare] {
        let place = data.as_ptr();
        let fields = Value::Array(vec![bulk("data"), Value::BulkString(data)]);
        let read = entries(Value::Array(vec![pair(bulk("5-1"), fields)])).unwrap();
        assert_eq!(read[0].data.as_ptr(), place);
    }
}

/// Whoever appends decides about an entry's fields, so none of this may make the read fail.
#[test]
fn an_entry_of_any_fields_is_read() {
    let read = |fields: &[&[u8]]| entries(Value::Array(vec![entry("5-1", fields)])).unwrap().remove(0);
    assert!(read(&[b"x", b"y"]).data.is_empty());
    assert!(read(&[]).data.is_empty());
    assert_eq!(read(&[b"data", b"first", b"data", b"last"]).data, "last");
    assert_eq!(read(&[b"\xff\xfe", b"\xff", b"data", b"OK"]).data, "OK");
    for ts in ["", "now", "-1", "+1", "1.5", "18446744073709551616"] {
        assert_eq!(read(&[b"ts", ts.as_bytes()]).ts_ms, 0, "{ts}");
    }
    assert_eq!(read(&[b"ts", b"18446744073709551615"]).ts_ms, u64::MAX);
}

#[test]
fn a_claim_counts_what_is_gone() {
    let claim = |rest: Vec<Value>| claimed(Value::Array([vec![bulk("7-0"), one_entry()], rest].concat()));
    let gone = |rest: Vec<Value>| claim(rest).unwrap().gone;
    assert_eq!(gone(vec![]), 0);
    assert_eq!(gone(vec![Value::Nil]), 0);
    assert_eq!(gone(vec![Value::Array(vec![bulk("1-1"), bulk("1-2")])]), 2);
    assert_eq!(gone(vec![Value::Array(vec![]), Value::Int(1)]), 0, "what a later version may add");
    assert_eq!(
        message(claim(vec![Value::Int(1)])),
        "redis gave an unexpected reply to a claim: expected a list of ids, found an integer"
    );
}

#[test]
fn what_is_gone_is_left_out() {
    let bodiless = [Value::Nil, attributed(Value::Nil)].map(|fields| pair(bulk("4-1"), fields));
    let gone = [vec![Value::Nil, attributed(Value::Nil)], bodiless.to_vec()].concat();
    let list = Value::Array([gone, vec![entry("5-1", &[])]].concat());
    assert_eq!(entries(list).unwrap().len(), 1);
    // As Redis answers who reads what is pending under its own name, and some of that was deleted.
    let own = parse(include_bytes!("../../fuzz/seeds/reply/resp2-xreadgroup-own-pending")).unwrap();
    let streams = streams(own).unwrap();
    assert!(streams.iter().all(|(_, entries)| !entries.is_empty()), "{streams:?}");
}

#[test]
fn errors_name_step_place_and_what_was_there() {
    let told = |read: String| read.strip_prefix("redis gave an unexpected reply to ").unwrap().to_owned();
    let stream = |found: Value| told(message(streams(found)));
    assert_eq!(stream(Value::Double(1.5)), "a stream read: expected streams, found a float");
    assert_eq!(
        stream(Value::Array(vec![Value::Array(vec![bulk("s")])])),
        "a stream read: expected a stream's name and entries, found the end of a list"
    );
    let range = |item: Value| told(message(entries(Value::Array(vec![item]))));
    assert_eq!(range(entry("5-1", &[b"data"])), "a range: expected a field's value, found the end of a list");
    let verbatim = parse(b"=8\r\ntxt:body\r\n").unwrap();
    assert_eq!(
        range(pair(bulk("5-1"), Value::Array(vec![bulk("data"), verbatim]))),
        "a range: expected a field's value, found a verbatim text"
    );
    for id in ["nonsense", "5", "5-", "-1", "+5-1", "5--1", "18446744073709551616-0", "5-18446744073709551616", "5-1-1"]
    {
        assert_eq!(range(entry(id, &[])), "a range: expected an id, found a text that is none", "{id}");
    }
    let push = parse(b">2\r\n+message\r\n+x\r\n").unwrap();
    assert_eq!(range(push), "a range: expected an entry's id and fields, found a push message");
}

#[test]
fn an_error_of_the_server_stays_one() {
    let error = parse(b"-NOGROUP No such key\r\n").unwrap();
    assert!(matches!(streams(error.clone()), Err(Error::Refused(_))));
    assert!(matches!(entries(Value::Array(vec![error])), Err(Error::Refused(_))));
}

#[test]
fn ids_order_as_numbers() {
    let parse = |text: &str| text.parse::<EntryId>().unwrap();
    assert!(parse("9-0") < parse("10-0"));
    assert!(parse("10-2") < parse("10-10"));
    assert_eq!(parse("10-2").to_string(), "10-2");
    assert!("10".parse::<EntryId>().is_err());
}

/// What the client's parser promises, since the walker relies on it against a hostile server.
#[test]
fn the_parser_bounds_depth_and_claims() {
    let nested = |levels: usize| [b"*1\r\n".repeat(levels), b":1\r\n".to_vec()].concat();
    assert!(parse(&nested(99)).is_ok());
    assert!(parse(&nested(1000)).is_err());
    for claim in ["*", "%", "~", "|", "$", "=", "!", ">"] {
        for count in ["9223372036854775807", "4294967295", "-2"] {
            // Only that it returns, at once and in little memory.
            _ = parse(format!("{claim}{count}\r\n").as_bytes());
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        vec(any::<u8>(), 0..8),
        Just(b"5-1".to_vec()),
        Just(b"data".to_vec()),
        Just(b"ts".to_vec()),
        "[0-9]{1,21}-[0-9]{1,21}".prop_map(String::into_bytes),
    ];
    let leaf = prop_oneof![
        4 => text.prop_map(Value::BulkString),
        1 => Just(Value::Nil),
        1 => any::<i64>().prop_map(Value::Int),
        1 => any::<f64>().prop_map(Value::Double),
        1 => any::<bool>().prop_map(Value::Boolean),
        1 => "\\PC{0,4}".prop_map(Value::SimpleString),
        1 => Just(Value::Okay),
        1 => Just(parse(b"=5\r\ntxt:a\r\n").unwrap()),
        1 => Just(parse(b"-ERR no\r\n").unwrap()),
    ];
    leaf.prop_recursive(6, 64, 5, |inner| {
        prop_oneof![
            6 => vec(inner.clone(), 0..5).prop_map(Value::Array),
            1 => vec((inner.clone(), inner.clone()), 0..3).prop_map(Value::Map),
            1 => vec(inner.clone(), 0..3).prop_map(Value::Set),
            1 => inner.prop_map(attributed),
        ]
    })
}

/// An entry's id, and its fields with their values.
type Written = (u64, u64, Vec<(Vec<u8>, Vec<u8>)>);

/// Entries as anybody may append them.
fn written() -> impl Strategy<Value = Vec<Written>> {
    let name = prop_oneof![Just(b"data".to_vec()), Just(b"ts".to_vec()), vec(any::<u8>(), 0..4)];
    vec((any::<u64>(), any::<u64>(), vec((name, vec(any::<u8>(), 0..20)), 0..5)), 0..5)
}

proptest! {
    #[test]
    fn any_value_is_read_or_refused(value in value()) {
        _ = streams(value.clone());
        _ = claimed(value.clone());
        _ = entries(value.clone());
        // Further in, where an arbitrary tree seldom gets.
        _ = streams(Value::Map(vec![(bulk("s"), value.clone())]));
        _ = entries(Value::Array(vec![pair(bulk("5-1"), value)]));
    }

    #[test]
    fn what_was_written_is_read_by_every_command(written in written()) {
        let list = Value::Array(written.iter().map(|(ms, seq, fields)| {
            let fields = fields.iter().flat_map(|(name, value)| [bulk(name), bulk(value)]).collect();
            pair(bulk(format!("{ms}-{seq}")), Value::Array(fields))
        }).collect());
        let read = entries(list.clone()).unwrap();
        prop_assert_eq!(read.len(), written.len());
        for (entry, (ms, seq, fields)) in read.iter().zip(&written) {
            prop_assert_eq!(entry.id, EntryId { ms: *ms, seq: *seq });
            let data = fields.iter().rev().find(|(name, _)| name == b"data").map_or(&[][..], |(_, value)| value);
            prop_assert_eq!(entry.data.as_ref(), data);
        }
        let resp2 = streams(Value::Array(vec![pair(bulk("s"), list.clone())])).unwrap();
        let resp3 = streams(Value::Map(vec![(bulk("s"), list.clone())])).unwrap();
        prop_assert_eq!(&resp2, &resp3);
        prop_assert_eq!(&resp2[0].1, &read);
        let claim = claimed(pair(bulk("0-0"), list)).unwrap();
        prop_assert_eq!(claim.entries, read);
    }

    #[test]
    fn any_bytes_are_a_reply_or_none(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(value) = parse(&bytes) {
            _ = streams(value);
        }
    }
}
