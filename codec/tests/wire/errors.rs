//! Each way to be wrong, and the sentence that says so.

use codec::{Attachment, InboundView, Outbound, OutboundView, Status};
use rmpv::Value;

fn encoded(pairs: &[(&str, Value)]) -> Vec<u8> {
    let pairs = pairs.iter().map(|(key, value)| (Value::from(*key), value.clone())).collect();
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &Value::Map(pairs)).unwrap();
    bytes
}

/// A good inbound envelope with one field put in, or put in another's place.
fn inbound(key: &'static str, value: Value) -> Vec<u8> {
    let mut pairs = vec![
        ("channel_key", Value::from("webchat:abc")),
        ("platform", Value::from("webchat")),
        ("channel_id", Value::from("abc")),
        ("user_id", Value::from("u")),
        ("message_id", Value::from("X")),
        ("timestamp", Value::from(1.5)),
    ];
    match pairs.iter_mut().find(|(name, _)| *name == key) {
        Some(pair) => pair.1 = value,
        None => pairs.push((key, value)),
    }
    encoded(&pairs)
}

fn attachment(key: &str, value: Value) -> Value {
    Value::Array(vec![Value::Map(vec![(Value::from(key), value)])])
}

#[test]
fn an_error_says_which_field_where_and_why() {
    let check = |key, value, expected: &str| {
        assert_eq!(InboundView::decode(&inbound(key, value)).unwrap_err().to_string(), expected);
    };
    check("channel_key", Value::from(""), "field `channel_key` at byte 13: must not be empty");
    check("platform", Value::from("My Bot"), "field `platform` at byte 34: does not match [a-z0-9-]{1,24}");
    check("user_id", Value::from(7), "field `user_id` at byte 65: is not text");
    check("user_id", Value::Nil, "field `user_id` at byte 98: is required and was not there");
    check("timestamp", Value::from("now"), "field `timestamp` at byte 90: is not a number");
    check(
        "timestamp",
        Value::from(f64::NAN),
        "field `timestamp` at byte 90: does not fit a finite number that 64 bits of float hold exactly",
    );
    check("v", Value::from(2), "field `v` at byte 101: is version 2, and only 1 is known");
    check(
        "kind",
        Value::from("poke"),
        "field `kind` at byte 104: is none of `message`, `edit`, `delete`, `reaction`, `interaction`, `job`",
    );
    check("kind", Value::from("reaction"), "field `emoji` at byte 113: is needed by `reaction`");
    check("is_dm", Value::from(1), "field `is_dm` at byte 105: is not a boolean");
    check("thread_id", Value::from("x".repeat(513)), "field `thread_id` at byte 109: is longer than 512 bytes");
    check("values", Value::Array(vec![Value::from("a"); 65]), "field `values` at byte 106: has more than 64 items");
    check("values", Value::Array(vec![Value::from(1)]), "field `values` at byte 107: is not text");
    check("attachments", Value::from("a"), "field `attachments` at byte 111: is not a list");
    check("attachments", Value::Array(vec![Value::from(1)]), "field `attachments` at byte 112: is not a map");
    check(
        "attachments",
        attachment("size", Value::from(-1)),
        "field `attachments.size` at byte 118: does not fit an unsigned integer",
    );
    check(
        "attachments",
        attachment("data", Value::from("text")),
        "field `attachments.data` at byte 118: is not binary",
    );
    let deep = (0..40).fold(Value::Nil, |inner, _| Value::Array(vec![inner]));
    check("embeds", deep.clone(), "field `embeds` at byte 138: is nested deeper than 32 levels");
    check("later", deep, "field `inbound` at byte 137: is nested deeper than 32 levels");
}

#[test]
fn an_error_about_the_whole_names_the_envelope() {
    let check = |bytes: &[u8], expected: &str| {
        assert_eq!(InboundView::decode(bytes).unwrap_err().to_string(), expected);
    };
    check(&[], "field `inbound` at byte 0: ends before it is complete");
    check(&[0x90], "field `inbound` at byte 0: is not a map");
    check(&[0xc1], "field `inbound` at byte 0: is not a map");
    check(&[0x80], "field `channel_key` at byte 1: is required and was not there");
    check(&[0x81, 0xa1, b'k', 0xc1], "field `inbound` at byte 3: begins with the reserved byte 0xc1");
    check(&vec![0; codec::limits::ENVELOPE_BYTES + 1], "field `inbound` at byte 0: is longer than 10485760 bytes");

    let good = inbound("v", Value::from(1));
    check(&[&good[..], &[0xc0]].concat(), "field `inbound` at byte 102: is followed by bytes that belong to nothing");
    let twice = encoded(&[("v", Value::from(1)), ("v", Value::from(1))]);
    check(&twice, "field `v` at byte 4: appears twice");
    check(
        &[0x81, 0xa8, b'u', b's', b'e', b'r', b'n', b'a', b'm', b'e', 0xa1, 0xff],
        "field `username` at byte 10: is not valid utf-8",
    );
}

#[test]
fn each_type_of_action_names_what_it_lacks() {
    for row in Outbound::NEEDS {
        for need in row.needed {
            let bytes = encoded(&action(row.by, need.one_of));
            let error = OutboundView::decode(&bytes).unwrap_err();
            let instead = need.one_of.get(1).map(|name| format!(", or `{name}` in its place")).unwrap_or_default();
            let expected =
                format!("field `{}` at byte {}: is needed by `{}`{instead}", need.one_of[0], bytes.len(), row.by);
            assert_eq!(error.to_string(), expected);
        }
        OutboundView::decode(&encoded(&action(row.by, &[]))).unwrap();
    }
}

/// An action with everything that any type needs, but for `lacking`.
fn action(by: &'static str, lacking: &[&str]) -> Vec<(&'static str, Value)> {
    let text = |name| (name, Value::from("x"));
    let mut pairs = ["channel_id", "text", "emoji", "target", "target_key", "filename", "media_key", "message_key"]
        .map(text)
        .to_vec();
    pairs.extend(["method", "reply_stream"].map(text));
    pairs.push(("type", Value::from(by)));
    pairs.push(("platform", Value::from("discord")));
    pairs.push(("data", Value::Binary(vec![1])));
    pairs.push(("buttons", Value::Array(vec![Value::Array(vec![])])));
    pairs.push(("state", Value::from("start")));
    pairs.push(("status", Value::from("idle")));
    pairs.push(("deadline", Value::F64(1_700_000_000_000.0)));
    pairs.retain(|(name, _)| !lacking.contains(name));
    pairs
}

#[test]
fn a_writer_is_told_before_it_writes() {
    let mut action = Outbound { platform: "discord".into(), channel_id: Some("1".into()), ..Outbound::default() };
    let told = |action: &Outbound| action.validate().unwrap_err().to_string();
    assert_eq!(told(&action), "field `text`: is needed by `message`");
    action.text = "x".repeat(codec::limits::TEXT_BYTES + 1);
    assert_eq!(told(&action), "field `text`: is longer than 262144 bytes");
    action.text = "x".into();
    action.validate().unwrap();
    action.buttons = vec![vec![codec::Button { url: Some("x".repeat(5_000)), ..Default::default() }]];
    assert_eq!(told(&action), "field `buttons.url`: is longer than 4096 bytes");

    let presence = Outbound {
        platform: "discord".into(),
        action: codec::ActionType::Presence,
        status: Some(Status::Online),
        ..Outbound::default()
    };
    presence.validate().unwrap();
    let large = Attachment { data: Some(vec![0; codec::limits::INLINE_BYTES + 1].into()), ..Attachment::default() };
    assert_eq!(large.validate().unwrap_err().to_string(), "field `attachments.data`: is longer than 32768 bytes");
}
