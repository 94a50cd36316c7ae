//! Strategies for every envelope that a writer may send: `validate` accepts all of them.

use bytes::Bytes;
use codec::{
    ActionType, Answer, Attachment, Button, HistoryMessage, Inbound, Kind, MediaRecord, Outbound, PreviewFrame, Raw,
    Refusal, Role, Status, TypingState,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

pub(crate) fn inbound() -> impl Strategy<Value = Inbound> {
    let who = (id(), platform(), id(), id(), text(), of(some()), text(), id(), seconds());
    let what = (select(Kind::ALL), vec(attachment(), 0..4), of(some()), of(raw()), of(some()), any::<bool>());
    let place = (of(some()), of(some()), of(some()), of(some()), vec(text(), 0..20), text());
    let rest =
        (seconds(), any::<bool>(), vec(text(), 0..4), of(some()), text(), id(), any::<bool>(), id(), vec(text(), 0..4));
    (who, what, place, rest).prop_map(|(who, what, place, rest)| Inbound {
        channel_key: who.0,
        platform: who.1,
        channel_id: who.2,
        user_id: who.3,
        username: who.4,
        display_name: who.5,
        content: who.6,
        message_id: who.7,
        timestamp: who.8,
        kind: what.0,
        attachments: what.1,
        reply_to: what.2,
        embeds: what.3,
        room_name: what.4,
        is_dm: what.5,
        guild_id: place.0,
        thread_id: place.1,
        parent_id: place.2,
        event_id: place.3,
        member_roles: place.4,
        trace_id: place.5,
        enqueued_at: rest.0,
        is_addressed: rest.1,
        user_aliases: rest.2,
        unified_user_id: rest.3,
        reactions: rest.4,
        emoji: rest.5,
        removed: rest.6,
        custom_id: rest.7,
        values: rest.8,
        ..Inbound::default()
    })
}

pub(crate) fn outbound() -> impl Strategy<Value = Outbound> {
    let place = (of(some()), some(), platform(), select(ActionType::ALL), of(some()), text(), of(some()), of(some()));
    let file = (text(), of(bytes()), of(some()), of(some()), of(some()), vec(vec(button(), 0..4), 0..3));
    let act = (text(), any::<bool>(), of(some()), of(some()), of(select(TypingState::ALL)), of(select(Status::ALL)));
    let call = (of(some()), of(raw()), of(some()), of(any::<u64>()));
    (place, file, act, call).prop_map(|(place, file, act, call)| {
        let mut action = Outbound {
            channel_key: place.0,
            channel_id: Some(place.1),
            platform: place.2,
            action: place.3,
            message_key: place.4,
            trace_id: place.5,
            thread_id: place.6,
            reply_to: place.7,
            text: file.0,
            data: file.1,
            media_key: file.2,
            filename: file.3,
            mimetype: file.4,
            buttons: file.5,
            emoji: act.0,
            removed: act.1,
            target: act.2,
            target_key: act.3,
            state: act.4,
            status: act.5,
            method: call.0,
            args: call.1,
            reply_stream: call.2,
            deadline: call.3,
            ..Outbound::default()
        };
        fill_needs(&mut action);
        action
    })
}

/// Puts something into every field that the type needs. What one needs and another does not stays as it came.
fn fill_needs(action: &mut Outbound) {
    let needs = |name: &str| {
        let row = Outbound::NEEDS.iter().find(|row| row.by == action.action.as_str()).unwrap();
        row.needed.iter().any(|need| need.one_of[0] == name)
    };
    let word = || Some("needed".to_owned());
    let [text, emoji, buttons] = [needs("text"), needs("emoji"), needs("buttons")];
    let [target, data, filename, state] = [needs("target"), needs("data"), needs("filename"), needs("state")];
    let [status, rpc] = [needs("status"), needs("method")];
    if text && action.text.is_empty() {
        action.text.push('t');
    }
    if emoji && action.emoji.is_empty() {
        action.emoji.push('e');
    }
    if buttons && action.buttons.is_empty() {
        action.buttons.push(Vec::new());
    }
    if target && action.target_key.is_none() {
        action.target = word();
    }
    if data && action.media_key.is_none() {
        action.data = Some(Bytes::from_static(b"file"));
    }
    if filename {
        action.filename = word();
    }
    if state {
        action.state = Some(TypingState::Stop);
    }
    if status {
        action.status = Some(Status::Idle);
    }
    if rpc {
        action.message_key = word();
        action.method = word();
        action.reply_stream = word();
        action.deadline = Some(1_700_000_000_000);
    }
}

pub(crate) fn preview() -> impl Strategy<Value = PreviewFrame> {
    (id(), any::<u64>(), any::<u64>(), any::<u64>(), text(), of(some()), of(some()), of(some()), of(some())).prop_map(
        |(message_key, epoch, seq, offset, text, channel_key, channel_id, thread_id, reply_to)| PreviewFrame {
            message_key,
            epoch,
            seq,
            offset,
            text,
            channel_key,
            channel_id,
            thread_id,
            reply_to,
        },
    )
}

pub(crate) fn history() -> impl Strategy<Value = HistoryMessage> {
    let ids = (of(some()), of(some()), of(some()), of(some()));
    let times = (seconds(), of(seconds()), of(seconds()));
    (select(Role::ALL), times, text(), of(some()), ids, vec(attachment(), 0..3)).prop_map(
        |(role, (ts, edited, deleted), text, name, (user_id, message_id, message_key, reply_to), attachments)| {
            HistoryMessage {
                role,
                ts,
                text,
                name,
                user_id,
                message_id,
                message_key,
                reply_to,
                edited,
                deleted,
                attachments,
            }
        },
    )
}

pub(crate) fn media() -> impl Strategy<Value = MediaRecord> {
    (text(), any::<u64>(), of(some()), of(some()), text(), bytes()).prop_map(
        |(mimetype, size, sha256, error, detail, data)| MediaRecord { mimetype, size, sha256, error, detail, data },
    )
}

fn attachment() -> impl Strategy<Value = Attachment> {
    (text(), text(), any::<u64>(), of(some()), of(some()), of(bytes()), of(some())).prop_map(
        |(filename, mimetype, size, source_url, sha256, data, media_key)| Attachment {
            filename,
            mimetype,
            size,
            source_url,
            sha256,
            data,
            media_key,
        },
    )
}

fn button() -> impl Strategy<Value = Button> {
    (text(), of(some()), of(some()), of(some()), of(some())).prop_map(|(label, custom_id, style, emoji, url)| Button {
        label,
        custom_id,
        style,
        emoji,
        url,
    })
}

/// Any text, with some as long as their length's form changes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "\\PC{0,12}", 1 => select(&[31_usize, 32, 255][..]).prop_map(|length| "x".repeat(length))]
}

/// Any text but an empty one, which an optional field reads as absent.
fn some() -> impl Strategy<Value = String> {
    "\\PC{1,12}"
}

fn id() -> impl Strategy<Value = String> {
    "[!-~]{1,24}"
}

fn platform() -> impl Strategy<Value = String> {
    "[a-z0-9-]{1,24}"
}

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..300).prop_map(Bytes::from)
}

fn seconds() -> impl Strategy<Value = f64> {
    prop_oneof![-1e12..1e12, Just(0.0), Just(1_700_000_000.0)]
}

/// Values of every type, as another program would have written them.
fn raw() -> impl Strategy<Value = Raw> {
    let leaf = prop_oneof![
        Just(rmpv::Value::Nil),
        any::<bool>().prop_map(rmpv::Value::from),
        any::<i64>().prop_map(rmpv::Value::from),
        any::<f64>().prop_map(rmpv::Value::from),
        text().prop_map(rmpv::Value::from),
        vec(any::<u8>(), 0..20).prop_map(rmpv::Value::from),
        (any::<i8>(), vec(any::<u8>(), 0..20)).prop_map(|(ty, data)| rmpv::Value::Ext(ty, data)),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(rmpv::Value::Array),
            vec((inner.clone(), inner), 0..4).prop_map(rmpv::Value::Map),
        ]
    })
    .prop_filter_map("a nil is an absent value", |value| {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &value).unwrap();
        Raw::new(bytes.into()).ok()
    })
}

pub(crate) fn answer() -> impl Strategy<Value = Answer> {
    let refusal = (some(), text()).prop_map(|(code, message)| Refusal { code, message });
    (id(), any::<bool>(), of(raw()), of(refusal)).prop_map(|(id, ok, result, error)| Answer { id, ok, result, error })
}
