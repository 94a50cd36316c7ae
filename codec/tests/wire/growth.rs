//! The check of the schema can fail: made-up changes of today's schema, and what is said to them.

use crate::rule;
use crate::snapshot::{FieldEntry, MapEntry, NeedsEntry, Schema};

/// What is said to today's schema after a change.
fn told(change: impl FnOnce(&mut Schema)) -> Vec<String> {
    let kept = Schema::today();
    let mut later = kept.clone();
    change(&mut later);
    let told = rule::broken(&kept, &later);
    assert_eq!(rule::grown(&kept, &later).err(), (!told.is_empty()).then(|| told.clone()));
    told
}

fn map<'a>(schema: &'a mut Schema, name: &str) -> &'a mut MapEntry {
    schema.maps.iter_mut().find(|map| map.name == name).unwrap()
}

fn field<'a>(schema: &'a mut Schema, path: &str) -> &'a mut FieldEntry {
    let (map, name) = path.split_once('.').unwrap();
    self::map(schema, map).fields.iter_mut().find(|field| field.name == name).unwrap()
}

fn needs<'a>(schema: &'a mut Schema, map: &str, by: &str) -> &'a mut NeedsEntry {
    self::map(schema, map).needs.iter_mut().find(|row| row.by == by).unwrap()
}

fn new_field(presence: &str) -> FieldEntry {
    FieldEntry {
        name: "later".into(),
        ty: "uint".into(),
        presence: presence.into(),
        default: "0".into(),
        bytes_min: None,
        bytes_max: None,
        items_max: None,
        pattern: None,
        words: Vec::new(),
    }
}

#[test]
fn a_change_that_breaks_the_rule_is_told_with_what_to_do() {
    let check = |change: fn(&mut Schema), expected: &str| {
        let told = told(change);
        assert!(told.len() == 1 && told[0].starts_with(expected), "{told:#?}");
        assert!(told[0].ends_with('.') && told[0].len() > expected.len(), "says what to do: {told:?}");
    };
    check(|schema| _ = schema.maps.remove(0), "inbound: no map is removed.");
    check(
        |schema| *schema.limits.get_mut("DEPTH_LEVELS").unwrap() -= 1,
        "limits::DEPTH_LEVELS: no bound is lowered, and this one went from 32 to 31 at most.",
    );
    check(
        |schema| _ = schema.limits.remove("ENVELOPE_BYTES"),
        "limits::ENVELOPE_BYTES: no limit is taken out of sight.",
    );
    check(|schema| _ = needs(schema, "inbound", "job").used.pop(), "inbound, `job`: a kind uses what it used");
    check(
        |schema| map(schema, "Button").fields.retain(|field| field.name != "url"),
        "Button.url: no field is removed.",
    );
    check(
        |schema| field(schema, "inbound.timestamp").ty = "uint".into(),
        "inbound.timestamp: no field changes its type",
    );
    check(
        |schema| field(schema, "inbound.kind").default = "job".into(),
        "inbound.kind: no field changes its default, and this one went from \"message\" to \"job\".",
    );
    check(
        |schema| field(schema, "outbound.channel_id").presence = "required".into(),
        "outbound.channel_id: no field becomes required",
    );
    check(
        |schema| field(schema, "history.ts").presence = "optional".into(),
        "history.ts: a required field is always written",
    );
    check(
        |schema| field(schema, "inbound.content").bytes_max = Some(100_000),
        "inbound.content: no bound is lowered, and this one went from 262144 to 100000 bytes.",
    );
    check(
        |schema| field(schema, "preview.seq").bytes_max = Some(8),
        "preview.seq: no bound is lowered, and this one went from none to 8 bytes.",
    );
    check(
        |schema| field(schema, "outbound.buttons").items_max = Some(5),
        "outbound.buttons: no bound is lowered, and this one went from 25 to 5 items.",
    );
    check(
        |schema| field(schema, "inbound.username").bytes_min = Some(1),
        "inbound.username: no bound is made narrower",
    );
    check(
        |schema| field(schema, "inbound.platform").pattern = Some("[a-z]{1,24}".into()),
        "inbound.platform: no field changes its pattern",
    );
    check(
        |schema| field(schema, "outbound.status").words.retain(|word| word != "dnd"),
        "outbound.status: words are only added, and `dnd` is gone.",
    );
    check(
        |schema| map(schema, "inbound").fields.push(new_field("required")),
        "inbound.later: a new field is optional or written, never required",
    );
    check(|schema| map(schema, "history").fields.swap(0, 2), "history: fields keep their order.");
    check(
        |schema| needs(schema, "inbound", "job").needed.push(vec!["content".into()]),
        "inbound, `job`: a kind never needs more than before, and now it needs content.",
    );
    check(
        |schema| _ = needs(schema, "outbound", "delete").needed[1].pop(),
        "outbound, `delete`: a kind never needs more than before, and now it needs target.",
    );
}

#[test]
fn several_breaks_are_all_told() {
    let told = told(|schema| {
        field(schema, "inbound.kind").words.clear();
        field(schema, "Attachment.size").default = "1".into();
    });
    assert_eq!(told.len(), 7, "six words and a default: {told:#?}");
}

#[test]
fn growth_is_taken_over_and_told() {
    let check = |change: fn(&mut Schema), expected: &[&str]| {
        let kept = Schema::today();
        let mut later = kept.clone();
        change(&mut later);
        let (grown, added) = rule::grown(&kept, &later).unwrap();
        assert_eq!(grown, later);
        assert_eq!(added.len(), expected.len(), "{added:#?}");
        assert!(added.iter().zip(expected).all(|(line, start)| line.starts_with(start)), "{added:#?}");
        // And from then on it is kept as well.
        assert_eq!(rule::broken(&grown, &kept).is_empty(), expected.is_empty(), "{expected:?}");
    };
    check(|_| {}, &[]);
    check(|schema| map(schema, "inbound").fields.push(new_field("optional")), &["inbound.later: a new field"]);
    check(|schema| map(schema, "history").fields.insert(1, new_field("written")), &["history.later: a new field"]);
    check(|schema| field(schema, "inbound.kind").words.push("poll".into()), &["inbound.kind: "]);
    check(|schema| field(schema, "inbound.content").bytes_max = Some(1 << 20), &["inbound.content: "]);
    check(|schema| *schema.limits.get_mut("TEXT_BYTES").unwrap() *= 2, &["limits::TEXT_BYTES: 262144 -> 524288"]);
    let poll = NeedsEntry { by: "poll".into(), needed: vec![vec!["text".into()]], used: vec![] };
    let mut later = Schema::today();
    map(&mut later, "outbound").needs.push(poll);
    assert_eq!(rule::grown(&Schema::today(), &later).unwrap().1, ["outbound: kinds need or use something else"]);
}

#[test]
fn the_file_comes_back() {
    let today = Schema::today();
    assert_eq!(serde_json::from_str::<Schema>(&today.file()).unwrap(), today);
}
