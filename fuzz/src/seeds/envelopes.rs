//! Envelopes as the daemons write them, one for each kind and type, and edge cases of their fields.

use bytes::Bytes;
use codec::{
    ActionType, Attachment, Button, HistoryMessage, Inbound, Kind, Outbound, PreviewFrame, Raw, Role, Status,
    TypingState,
};

use super::{
    Inputs,
    edges::{Pairs, of_any_map, with},
};

const TRACE: &str = "0190b5a0-7c3e-7abc-8def-0123456789ab";

/// Each kind, and edge cases.
pub(super) fn inbound() -> Inputs {
    let mut inputs: Inputs =
        Kind::ALL.iter().map(|kind| (format!("kind-{kind}"), event(*kind).to_bytes().to_vec())).collect();
    let small = Inbound { content: "hi".into(), ..place(Kind::Message) };
    let bytes = small.to_bytes();
    inputs.push(("small".into(), bytes.to_vec()));
    inputs.extend(of_any_map(&bytes, "channel_key"));
    let edges: [(&str, Pairs<'_>); 7] = [
        ("edge-nil-fields", &[("reply_to", b"\xc0"), ("attachments", b"\xc0"), ("removed", b"\xc0")]),
        ("edge-empty-fields", &[("reply_to", b"\xa0"), ("attachments", b"\x90"), ("values", b"\x90")]),
        ("edge-wide-numbers", &[("attachments", b"\x91\x81\xa4size\xcf\x00\x00\x00\x00\x00\x00\x00\x05")]),
        ("edge-whole-float", &[("attachments", b"\x91\x81\xa4size\xcb\x40\x14\x00\x00\x00\x00\x00\x00")]),
        ("edge-negative", &[("attachments", b"\x91\x81\xa4size\xff")]),
        ("edge-not-utf8", &[("room_name", b"\xa2\xff\xfe")]),
        ("edge-other-type", &[("thread_id", b"\x07")]),
    ];
    inputs.extend(edges.map(|(name, pairs)| (name.to_owned(), with(&bytes, pairs))));
    // By hand, since our writers have one order and one width.
    let foreign = b"\x87\xa9timestamp\xca\x4e\xca\xa7\xc6\xaamessage_id\xd9\x01m\xa7user_id\xa1u\xa8platform\xa1p\
        \xaachannel_id\xa1c\xa1v\xcd\x00\x01\xabchannel_key\xa3p:c";
    inputs.push(("edge-foreign-order".into(), foreign.to_vec()));
    inputs
}

fn place(kind: Kind) -> Inbound {
    Inbound {
        channel_key: "discord:42".into(),
        kind,
        platform: "discord".into(),
        channel_id: "42".into(),
        user_id: "7".into(),
        username: "ada".into(),
        message_id: "99".into(),
        timestamp: 1_700_000_000.25,
        trace_id: TRACE.into(),
        ..Inbound::default()
    }
}

fn event(kind: Kind) -> Inbound {
    let mut event = Inbound {
        display_name: Some("Ada L.".into()),
        guild_id: Some("g".into()),
        event_id: Some(format!("discord:{kind}:99")),
        member_roles: vec!["admin".into(), "1".into()],
        enqueued_at: 1_700_000_000.5,
        is_addressed: true,
        ..place(kind)
    };
    match kind {
        Kind::Message => {
            event.content = "look at this, <@1>: \u{1f980}".into();
            event.attachments = vec![
                Attachment {
                    filename: "a.png".into(),
                    mimetype: "image/png".into(),
                    size: 70_000,
                    source_url: Some("https://cdn.example.org/a.png?sig=x".into()),
                    media_key: Some("sg:media:{3}:ab".into()),
                    ..Attachment::default()
                },
                Attachment {
                    filename: "b.txt".into(),
                    mimetype: "text/plain".into(),
                    size: 4,
                    sha256: Some("88d4266f".into()),
                    data: Some(Bytes::from_static(b"abcd")),
                    ..Attachment::default()
                },
            ];
            event.embeds = raw(b"\x91\x82\xa5title\xa1t\xa6fields\x92\x81\xa1n\x01\x81\xa1n\xca\x3f\x80\x00\x00");
            event.reply_to = Some("98".into());
            event.thread_id = Some("43".into());
            event.parent_id = Some("42".into());
            event.room_name = Some("general".into());
            event.user_aliases = vec!["ada@example.org".into()];
            event.unified_user_id = Some("person-1".into());
            event.reactions = "\u{1f44d} 2".into();
        }
        Kind::Edit => event.content = "look at that".into(),
        Kind::Delete => event.is_dm = true,
        Kind::Reaction => {
            event.emoji = "\u{1f44d}".into();
            event.removed = true;
        }
        Kind::Interaction => {
            event.custom_id = "menu".into();
            event.values = vec!["one".into(), "two".into()];
        }
        Kind::Job => event.content = "daily summary".into(),
    }
    event
}

/// Each type, and edge cases.
pub(super) fn outbound() -> Inputs {
    let mut inputs: Inputs =
        ActionType::ALL.iter().map(|action| (format!("type-{action}"), act(*action).to_bytes().to_vec())).collect();
    let plain = Outbound {
        platform: "matrix".into(),
        channel_id: Some("!room:example.org".into()),
        text: "hi".into(),
        ..Outbound::default()
    };
    let bytes = plain.to_bytes();
    inputs.push(("plain".into(), bytes.to_vec()));
    // Its first key is `channel_id`, so this one brings a lane of its own.
    inputs.extend(of_any_map(&act(ActionType::Message).to_bytes(), "channel_key"));
    let edges: [(&str, Pairs<'_>); 5] = [
        ("edge-late-lane", &[("channel_key", b"\xa8matrix:a")]),
        ("edge-no-lane", &[("channel_key", b"\xc0"), ("thread_id", b"\xa0")]),
        ("edge-empty-rows", &[("buttons", b"\x93\x90\x91\x80\x90")]),
        ("edge-whole-float", &[("deadline", b"\xcb\x42\x78\xbc\xfe\x56\x80\x00\x00")]),
        ("edge-large-number", &[("deadline", b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff")]),
    ];
    inputs.extend(edges.map(|(name, pairs)| (name.to_owned(), with(&bytes, pairs))));
    let unknown = b"\x83\xa8platform\xa1p\xa4type\xa4sing\xaachannel_id\xa1c";
    inputs.push(("edge-unknown-type".into(), unknown.to_vec()));
    inputs
}

fn act(action: ActionType) -> Outbound {
    let mut act = Outbound {
        channel_key: Some("discord:42".into()),
        channel_id: Some("42".into()),
        platform: "discord".into(),
        action,
        message_key: Some("discord:99:0".into()),
        trace_id: TRACE.into(),
        ..Outbound::default()
    };
    match action {
        ActionType::Message => {
            act.text = "**yes**, ```rust\nfn main() {}\n```".into();
            act.reply_to = Some("99".into());
            act.thread_id = Some("43".into());
        }
        ActionType::Edit => {
            act.text = "no".into();
            act.target_key = Some("discord:98:0".into());
        }
        ActionType::File => {
            act.data = Some(Bytes::from_static(b"\x89PNG"));
            act.filename = Some("a.png".into());
            act.mimetype = Some("image/png".into());
        }
        ActionType::Buttons => {
            let button = |label: &str| Button { label: label.into(), ..Button::default() };
            let link = Button { url: Some("https://example.org".into()), style: Some("link".into()), ..button("docs") };
            let press = Button { custom_id: Some("go".into()), emoji: Some("\u{1f680}".into()), ..button("go") };
            act.buttons = vec![vec![press, button("stay")], vec![link]];
        }
        ActionType::Reaction => {
            act.emoji = "\u{1f44d}".into();
            act.target = Some("99".into());
            act.removed = true;
        }
        ActionType::Typing => act.state = Some(TypingState::Stop),
        ActionType::Presence => act.status = Some(Status::Dnd),
        ActionType::Delete => act.target = Some("98".into()),
        ActionType::Rpc => {
            act.method = Some("members".into());
            act.args = raw(b"\x81\xa5limit\x0a");
            act.reply_stream = Some("sg:stream:reply:w1".into());
            act.deadline = Some(1_700_000_030_000);
        }
    }
    act
}

/// Frames alone and in batches, records of each role, and edge cases.
pub(super) fn preview() -> Inputs {
    let frame = |seq: u64, offset: u64, text: &str| PreviewFrame {
        message_key: "webchat:1:0".into(),
        epoch: 1_700_000_000_000,
        seq,
        offset,
        text: text.into(),
        ..PreviewFrame::default()
    };
    let first = PreviewFrame {
        channel_key: Some("webchat:abc".into()),
        channel_id: Some("abc".into()),
        thread_id: Some("t".into()),
        reply_to: Some("99".into()),
        ..frame(0, 0, "Hel")
    };
    let record = |role: Role| HistoryMessage {
        role,
        ts: 1_700_000_000.5,
        text: "hi".into(),
        name: (role == Role::User).then(|| "Ada L.".into()),
        user_id: (role == Role::User).then(|| "7".into()),
        message_id: (role == Role::User).then(|| "99".into()),
        message_key: (role == Role::Assistant).then(|| "discord:99:0".into()),
        edited: (role == Role::User).then_some(1_700_000_001.0),
        ..HistoryMessage::default()
    };
    let batch = [first.to_bytes(), frame(1, 3, "lo").to_bytes(), frame(u64::MAX, u64::MAX, "\u{1f980}").to_bytes()];
    let batch = batch.concat();
    let mut inputs: Inputs =
        Role::ALL.iter().map(|role| (format!("record-{role}"), record(*role).to_bytes().to_vec())).collect();
    inputs.push(("frame-whole".into(), first.to_bytes().to_vec()));
    inputs.push(("frame-piece".into(), frame(1, 3, "lo").to_bytes().to_vec()));
    inputs.push(("batch".into(), batch.clone()));
    inputs.push(("batch-broken".into(), [batch.as_slice(), &[0x80, 0x80]].concat()));
    inputs.extend(of_any_map(&frame(1, 3, "lo").to_bytes(), "message_key"));
    inputs
}

fn raw(value: &'static [u8]) -> Option<Raw> {
    Some(Raw::new(Bytes::from_static(value)).expect("one value, written by hand"))
}
