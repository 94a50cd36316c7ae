//! Envelopes that a foreign implementation of msgpack wrote or reads: other orders, widths and keys than ours.

use codec::{Inbound, InboundRoute, InboundView, Kind, Outbound, OutboundView, peek_channel_key, peek_lane};
use proptest::prelude::{Just, Strategy, prop_assert_eq, proptest};
use rmpv::Value;

use crate::envelopes;

type Pairs = Vec<(Value, Value)>;

fn pairs(bytes: &[u8]) -> Pairs {
    let mut rest = bytes;
    let Value::Map(pairs) = rmpv::decode::read_value(&mut rest).unwrap() else { panic!("not a map") };
    assert!(rest.is_empty());
    pairs
}

fn encoded(pairs: Pairs) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &Value::Map(pairs)).unwrap();
    bytes
}

/// What a later version, or another service, may put between our keys.
fn unknown() -> Pairs {
    let nested = Value::Map(vec![(Value::from(7), Value::Array(vec![Value::Nil, Value::Ext(5, vec![1, 2, 3])]))]);
    vec![
        (Value::from("later"), nested.clone()),
        (Value::from("Channel_key"), Value::from("another key")),
        (Value::from(3), Value::from("keys need not be text")),
        (nested, Value::F32(0.5)),
        (Value::Nil, Value::Binary(vec![0xc1; 40])),
        (Value::from("x".repeat(300)), Value::from(i64::MIN)),
    ]
}

/// The pairs of any inbound envelope, unknown ones among them, in any order.
fn shuffled() -> impl Strategy<Value = (Inbound, Pairs)> {
    envelopes::inbound().prop_flat_map(|envelope| {
        let pairs = [pairs(&envelope.to_bytes()), unknown()].concat();
        (Just(envelope), Just(pairs).prop_shuffle())
    })
}

/// A required envelope of each direction as the simplest writer would send it.
fn minimal_inbound() -> Pairs {
    [
        ("channel_key", Value::from("webchat:abc")),
        ("platform", Value::from("webchat")),
        ("channel_id", Value::from("abc")),
        ("user_id", Value::from("u")),
        ("message_id", Value::from("X")),
        ("timestamp", Value::from(1_700_000_000)),
    ]
    .map(|(key, value)| (Value::from(key), value))
    .to_vec()
}

proptest! {
    #[test]
    fn any_order_and_unknown_keys((envelope, pairs) in shuffled()) {
        let bytes = encoded(pairs);
        prop_assert_eq!(peek_channel_key(&bytes), Ok(envelope.channel_key.as_str()));
        prop_assert_eq!(InboundRoute::decode(&bytes).unwrap().cause(), envelope.cause());
        prop_assert_eq!(InboundView::decode(&bytes).unwrap().into_owned(), envelope);
    }

    #[test]
    fn the_foreign_reader_sees_the_contract(envelope in envelopes::outbound()) {
        let pairs = pairs(&envelope.to_bytes());
        let order = |key: &str| Outbound::FIELDS.iter().position(|field| field.name == key).unwrap();
        let places: Vec<_> = pairs.iter().map(|(key, _)| order(key.as_str().unwrap())).collect();
        assert!(places.is_sorted(), "{places:?}");
        let value = |key: &str| pairs.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value);
        prop_assert_eq!(value("v"), Some(&Value::from(1)));
        prop_assert_eq!(value("type"), Some(&Value::from(envelope.action.as_str())));
        prop_assert_eq!(value("deadline").and_then(Value::as_u64), envelope.deadline);
        prop_assert_eq!(value("data").and_then(Value::as_slice), envelope.data.as_deref());
        prop_assert_eq!(encoded(pairs), envelope.to_bytes());
    }
}

#[test]
fn absent_fields_take_their_defaults() {
    let bytes = encoded(minimal_inbound());
    let expected = Inbound {
        channel_key: "webchat:abc".into(),
        platform: "webchat".into(),
        channel_id: "abc".into(),
        user_id: "u".into(),
        message_id: "X".into(),
        timestamp: 1_700_000_000.0,
        ..Inbound::default()
    };
    assert_eq!(expected.kind, Kind::Message);
    assert_eq!(InboundView::decode(&bytes).unwrap().into_owned(), expected);

    let action = [("platform", "discord"), ("type", "message"), ("channel_id", "1"), ("text", "hi")];
    let bytes = encoded(action.map(|(key, value)| (Value::from(key), Value::from(value))).to_vec());
    assert_eq!(peek_lane(&bytes).unwrap(), "discord:1");
    let expected =
        Outbound { platform: "discord".into(), channel_id: Some("1".into()), text: "hi".into(), ..Outbound::default() };
    assert_eq!(OutboundView::decode(&bytes).unwrap().into_owned(), expected);
}

#[test]
fn nil_and_empty_optional_text_are_absent() {
    let required: Vec<_> = minimal_inbound();
    let expected = InboundView::decode(&encoded(required.clone())).unwrap().into_owned();
    for field in Inbound::FIELDS {
        if required.iter().any(|(key, _)| key.as_str() == Some(field.name)) {
            continue;
        }
        let with = |value: Value| encoded([required.clone(), vec![(Value::from(field.name), value)]].concat());
        assert_eq!(InboundView::decode(&with(Value::Nil)).unwrap().into_owned(), expected, "{}", field.name);
        if field.ty == codec::Type::Text {
            assert_eq!(InboundView::decode(&with(Value::from(""))).unwrap().into_owned(), expected, "{}", field.name);
        }
    }
}

#[test]
fn the_original_systems_readers_get_what_they_look_for() {
    let envelope = InboundView::decode(&encoded(minimal_inbound())).unwrap().into_owned();
    let pairs = pairs(&envelope.to_bytes());
    assert!(pairs.contains(&(Value::from("strangler_route"), Value::from("microservice"))));
    assert!(pairs.contains(&(Value::from("kind"), Value::from("message"))));
    assert_eq!(pairs[0].0, Value::from("channel_key"));
}
