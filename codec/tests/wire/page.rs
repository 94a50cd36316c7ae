//! `docs/wire.md` says what the code does: its tables are those of the code, and its bytes, read out of the page
//! itself, are the envelopes that it says they are.

use std::path::Path;

use codec::inspect::{bytes, json};
use codec::{
    Answer, AnswerView, Attachment, AttachmentView, Button, ButtonView, HistoryMessage, HistoryMessageView, Inbound,
    InboundView, Outbound, OutboundView, PreviewFrame, PreviewFrameView, Refusal, RefusalView,
};
use serde_json::Value;

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/wire.md")).unwrap()
}

#[test]
fn the_tables_of_the_wire_page_are_those_of_the_code() {
    let page = page();
    let maps = ["inbound", "attachment", "outbound", "button", "preview", "history"];
    let examples = maps.map(|map| format!("{map}-example"));
    for name in
        maps.into_iter().chain(examples.iter().map(String::as_str)).chain(["kinds", "types", "limits", "message-bytes"])
    {
        assert!(page.contains(&format!("<!-- table: {name} -->")), "docs/wire.md has no table `{name}`");
    }
    for (line, (is, should)) in page.lines().zip(codec::tables::fill(&page).lines()).enumerate() {
        assert_eq!(is, should, "docs/wire.md, line {}; see codec/examples/wire_tables.rs", line + 1);
    }
    assert_eq!(page, codec::tables::fill(&page), "see codec/examples/wire_tables.rs");
}

/// What stands between the markers of this name.
fn block<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, after) = page.split_once(&format!("<!-- table: {name} -->\n")).unwrap();
    after.split_once("<!-- end -->").unwrap().0
}

/// The rows of a table of examples: field, example, hex of the key, hex of the value.
fn rows<'a>(page: &'a str, map: &str) -> Vec<[&'a str; 4]> {
    let name = format!("{map}-example");
    let cells = |line: &'a str| {
        let spans: Vec<_> = line.split('`').skip(1).step_by(2).collect();
        spans.try_into().unwrap_or_else(|spans| panic!("docs/wire.md, {name}: {spans:?}"))
    };
    block(page, &name).lines().skip(2).map(cells).collect()
}

/// A whole map out of the table of its examples, as a reader of the page would put it together.
fn envelope(page: &str, map: &str) -> Vec<u8> {
    let rows = rows(page, map);
    let mut encoded = Vec::new();
    rmpv::encode::write_value(&mut encoded, &rmpv::Value::Map(vec![])).unwrap();
    // The head of a map of so many pairs: one byte up to 15, three above.
    match u8::try_from(rows.len()).unwrap() {
        few @ 0..=15 => encoded[0] |= few,
        many => encoded = vec![0xde, 0, many],
    }
    for [_, _, key, value] in rows {
        encoded.extend(bytes(key).unwrap());
        encoded.extend(match value.split_once(' ') {
            Some((lists, "Attachment")) => [bytes(lists).unwrap(), envelope(page, "attachment")].concat(),
            Some((lists, "Button")) => [bytes(lists).unwrap(), envelope(page, "button")].concat(),
            Some((lists, "Refusal")) => [bytes(lists).unwrap(), envelope(page, "refusal")].concat(),
            _ => bytes(value).unwrap(),
        });
    }
    encoded
}

#[test]
fn the_bytes_of_the_page_are_its_examples() {
    let page = page();
    let read = |map| envelope(&page, map);
    assert_eq!(InboundView::decode(&read("inbound")).unwrap().into_owned(), Inbound::example());
    assert_eq!(AttachmentView::decode(&read("attachment")).unwrap().into_owned(), Attachment::example());
    assert_eq!(OutboundView::decode(&read("outbound")).unwrap().into_owned(), Outbound::example());
    assert_eq!(ButtonView::decode(&read("button")).unwrap().into_owned(), Button::example());
    assert_eq!(PreviewFrameView::decode(&read("preview")).unwrap().into_owned(), PreviewFrame::example());
    assert_eq!(AnswerView::decode(&read("answer")).unwrap().into_owned(), Answer::example());
    assert_eq!(RefusalView::decode(&read("refusal")).unwrap().into_owned(), Refusal::example());
    assert_eq!(HistoryMessageView::decode(&read("history")).unwrap().into_owned(), HistoryMessage::example());
}

#[test]
fn a_foreign_reader_finds_the_examples_of_the_page() {
    let page = page();
    let foreign = |hex: &str| {
        let (bytes, mut again) = (bytes(hex).unwrap(), Vec::new());
        let value = rmpv::decode::read_value(&mut &bytes[..]).unwrap();
        rmpv::encode::write_value(&mut again, &value).unwrap();
        assert_eq!(again, bytes, "{hex} is not one value, or not in its shortest form");
        value
    };
    for map in ["inbound", "attachment", "outbound", "button", "preview", "history", "answer", "refusal"] {
        for [field, example, key, value] in rows(&page, map) {
            assert_eq!(foreign(key).as_str(), Some(field));
            if !matches!(example, "[Attachment]" | "[[Button]]" | "Refusal") {
                assert_eq!(as_json(&foreign(value)), serde_json::from_str::<Value>(example).unwrap(), "{map}.{field}");
            }
        }
    }
}

/// What a foreign reader saw, in the form of the page.
fn as_json(value: &rmpv::Value) -> Value {
    match value {
        rmpv::Value::Nil => Value::Null,
        rmpv::Value::Boolean(value) => (*value).into(),
        rmpv::Value::Integer(value) => value.as_u64().unwrap().into(),
        rmpv::Value::F32(value) => f64::from(*value).into(),
        rmpv::Value::F64(value) => (*value).into(),
        rmpv::Value::String(text) => text.as_str().unwrap().into(),
        rmpv::Value::Binary(bytes) => serde_json::json!({ "bin": codec::inspect::hex(bytes) }),
        rmpv::Value::Array(items) => items.iter().map(as_json).collect(),
        rmpv::Value::Map(pairs) => {
            pairs.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), as_json(value))).collect()
        }
        rmpv::Value::Ext(..) => panic!("no example holds an extension"),
    }
}

#[test]
fn the_envelope_shown_byte_by_byte_is_a_message() {
    let page = page();
    let lines = block(&page, "message-bytes").lines().filter(|line| !line.starts_with("```"));
    let mut encoded = Vec::new();
    for line in lines {
        let mut words = line.split_ascii_whitespace();
        assert_eq!(words.next().unwrap().parse(), Ok(encoded.len()), "the offset of: {line}");
        let part = bytes(words.next().unwrap()).unwrap();
        if !encoded.is_empty() {
            assert!(line.ends_with(&json(&part).unwrap()), "the meaning of: {line}");
        }
        encoded.extend(part);
    }
    let action = OutboundView::decode(&encoded).unwrap().into_owned();
    let Outbound { channel_id, platform, text, .. } = Outbound::example();
    assert_eq!(action, Outbound { channel_id, platform, text, ..Outbound::default() });
    assert_eq!(action.to_bytes(), encoded);
}
