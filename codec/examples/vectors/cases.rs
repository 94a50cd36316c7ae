//! The vectors: for each kind and type of envelope a smallest and a full one, chosen from the examples by what the
//! schema says that the kind needs and uses.

use codec::inspect::{hex, json, pairs};
use codec::{
    ActionType, Attachment, Field, HistoryMessage, HistoryMessageView, Inbound, InboundView, Kind, MediaRecord,
    MediaRecordView, Needs, Outbound, OutboundView, Presence, PreviewFrame, PreviewFrameView, event_id,
};

/// One vector.
pub(crate) struct Case {
    /// Envelope, kind or type, and what is special about it.
    pub(crate) name: String,
    /// The map that it is, by the schema's name of it.
    pub(crate) envelope: &'static str,
    /// What our encoder writes.
    pub(crate) bytes: Vec<u8>,
}

/// How much of an envelope a case fills.
#[derive(Clone, Copy, PartialEq)]
enum Filled {
    /// Required fields, what the kind needs, and what we always write.
    Minimal,
    /// All but the fields that other kinds need or use and this one does not.
    Full,
}

const BOTH: [(Filled, &str); 2] = [(Filled::Minimal, "minimal"), (Filled::Full, "full")];

/// In the table of one type's needs, and yet a field of all.
const COMMON: [&str; 1] = ["message_key"];

/// All vectors, in the order of the file.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: String, envelope, bytes: bytes::Bytes| {
        cases.push(Case { name, envelope, bytes: bytes.into() });
    };
    for (filled, word) in BOTH {
        for kind in Kind::ALL {
            add(format!("inbound/{kind}/{word}"), "inbound", inbound(*kind, filled).to_bytes());
        }
        for action in ActionType::ALL {
            add(format!("outbound/{action}/{word}"), "outbound", outbound(*action, filled).to_bytes());
        }
        let frame = chosen(PreviewFrame::FIELDS, &PreviewFrame::example().to_bytes(), &[], "", filled);
        add(format!("preview/{word}"), "preview", PreviewFrameView::decode(&frame).unwrap().into_owned().to_bytes());
        let said = chosen(HistoryMessage::FIELDS, &HistoryMessage::example().to_bytes(), &[], "", filled);
        add(format!("history/{word}"), "history", HistoryMessageView::decode(&said).unwrap().into_owned().to_bytes());
        let file = chosen(MediaRecord::FIELDS, &MediaRecord::example().to_bytes(), &[], "", filled);
        add(format!("media/{word}"), "media", MediaRecordView::decode(&file).unwrap().into_owned().to_bytes());
    }

    add("inbound/every-field".into(), "inbound", Inbound::example().to_bytes());
    add("outbound/every-field".into(), "outbound", Outbound::example().to_bytes());
    let PreviewFrame { message_key, epoch, text, .. } = PreviewFrame::example();
    let next = PreviewFrame { message_key, epoch, seq: 65, offset: text.len() as u64, ..PreviewFrame::default() };
    add("preview/continued".into(), "preview", PreviewFrame { text: "** is".into(), ..next }.to_bytes());

    // Forms that the examples are too short or too small for.
    let message = inbound(Kind::Message, Filled::Minimal);
    let large = Attachment { size: u64::MAX, ..Attachment::default() };
    let long = Inbound { content: "Größe ".repeat(60), ..message.clone() };
    add("inbound/message/long-text".into(), "inbound", long.to_bytes());
    let large = Inbound { attachments: vec![large], ..message };
    add("inbound/message/size-beyond-53-bits".into(), "inbound", large.to_bytes());
    let file = outbound(ActionType::File, Filled::Minimal);
    let long = Outbound { data: Some((0..=255).chain(0..=255).collect()), ..file };
    add("outbound/file/long-data".into(), "outbound", long.to_bytes());
    let call = outbound(ActionType::Rpc, Filled::Minimal);
    // Rounded to a float of any width, this one is still above 53 bits.
    let large = Outbound { deadline: Some((1 << 53) + (1 << 31) + 3), ..call };
    add("outbound/rpc/deadline-beyond-53-bits".into(), "outbound", large.to_bytes());
    // Whole, so that writers may take it for an integer, and exact as a float of 32 bits.
    let said = HistoryMessage { ts: 1_773_480_448.0, ..HistoryMessage::example() };
    add("history/whole-time".into(), "history", said.to_bytes());
    cases
}

/// `cases.json`: the bytes in hex, and what they mean as JSON, in the form of [`codec::inspect::json`].
pub(crate) fn file(cases: &[Case]) -> String {
    let object = |case: &Case| {
        format!(
            "  {{\n    \"name\": \"{}\",\n    \"envelope\": \"{}\",\n    \"bytes\": \"{}\",\n    \"value\": {}\n  }}",
            case.name,
            case.envelope,
            hex(&case.bytes),
            json(&case.bytes).unwrap(),
        )
    };
    format!("[\n{}\n]\n", cases.iter().map(object).collect::<Vec<_>>().join(",\n"))
}

fn inbound(kind: Kind, filled: Filled) -> Inbound {
    let mut event = Inbound { kind, ..Inbound::example() };
    let (platform, message, user) = (&event.platform, &event.message_id, &event.user_id);
    event.event_id = Some(match kind {
        Kind::Message => event_id::message(platform, message),
        Kind::Edit => event_id::edit(platform, message, "1773480420.25"),
        Kind::Delete => event_id::delete(platform, message),
        Kind::Reaction => event_id::reaction(platform, message, user, &event.emoji, event.removed),
        Kind::Interaction => event_id::interaction(platform, "1482309067111268352"),
        Kind::Job => event_id::job(platform, "nightly-2026-03-14"),
    });
    let bytes = chosen(Inbound::FIELDS, &event.to_bytes(), Inbound::NEEDS, kind.as_str(), filled);
    InboundView::decode(&bytes).unwrap().into_owned()
}

fn outbound(action: ActionType, filled: Filled) -> Outbound {
    let example = Outbound { action, ..Outbound::example() };
    let bytes = chosen(Outbound::FIELDS, &example.to_bytes(), Outbound::NEEDS, action.as_str(), filled);
    OutboundView::decode(&bytes).unwrap().into_owned()
}

/// The pairs of `example`, which has all, that an envelope of the kind `by` has when so much of it is filled.
fn chosen(fields: &[Field], example: &[u8], table: &[Needs], by: &str, filled: Filled) -> Vec<u8> {
    let has =
        |row: &Needs, name: &str| row.used.contains(&name) || row.needed.iter().any(|need| need.one_of.contains(&name));
    let is_chosen = |field: &Field| {
        let row = table.iter().find(|row| row.by == by);
        match filled {
            Filled::Minimal => {
                let is_needed = |row: &Needs| row.needed.iter().any(|need| need.one_of[0] == field.name);
                field.presence == Presence::Required || row.is_some_and(is_needed)
            }
            Filled::Full => {
                let is_its_own = row.is_some_and(|row| has(row, field.name)) || COMMON.contains(&field.name);
                is_its_own || !table.iter().any(|row| has(row, field.name))
            }
        }
    };
    // The kind is written, and not required, in one of the envelopes; it is chosen whatever its value.
    let is_kind = |field: &Field| matches!(field.ty, codec::Type::Choice(words) if words.contains(&by));
    let pairs = fields.iter().zip(pairs(example).unwrap());
    let chosen: Vec<_> = pairs.filter(|(field, _)| is_kind(field) || is_chosen(field)).collect();
    // The head of a map with 16 bits of length is one that every reader takes.
    let mut bytes = vec![0xde, 0, u8::try_from(chosen.len()).unwrap()];
    chosen.iter().for_each(|(_, (key, value))| bytes.extend([*key, *value].concat()));
    bytes
}
