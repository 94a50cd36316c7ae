//! The examples are what a writer may send, with every field filled, and agree with one another.

use codec::inspect::{hex, json, pairs};
use codec::{
    Answer, AnswerView, Attachment, AttachmentView, Button, ButtonView, Field, HistoryMessage, HistoryMessageView,
    Inbound, InboundView, Outbound, OutboundView, PreviewFrame, PreviewFrameView, Refusal, RefusalView, event_id,
    names,
};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// The key of each pair of an encoded map.
fn keys(bytes: &[u8]) -> Vec<String> {
    pairs(bytes).unwrap().iter().map(|(key, _)| json(key).unwrap().trim_matches('"').to_owned()).collect()
}

fn is_whole(fields: &[Field], bytes: &[u8]) {
    assert_eq!(keys(bytes), fields.iter().map(|field| field.name).collect::<Vec<_>>());
}

macro_rules! check {
    ($Owned:ident, $View:ident) => {
        let example = $Owned::example();
        assert_eq!(example.validate(), Ok(()));
        let bytes = example.to_bytes();
        is_whole($Owned::FIELDS, &bytes);
        assert_eq!($View::decode(&bytes).unwrap().into_owned(), example);
    };
}

#[test]
fn every_field_is_filled() {
    check!(Inbound, InboundView);
    check!(Attachment, AttachmentView);
    check!(Outbound, OutboundView);
    check!(Button, ButtonView);
    check!(PreviewFrame, PreviewFrameView);
    check!(HistoryMessage, HistoryMessageView);
    check!(Answer, AnswerView);
    check!(Refusal, RefusalView);
}

#[test]
fn the_parts_of_an_event_agree() {
    let event = Inbound::example();
    assert_eq!(event.channel_key, names::channel_key(&event.platform, &event.channel_id, event.thread_id.as_deref()));
    assert_eq!(event.event_id.as_deref(), Some(&*event_id::message(&event.platform, &event.message_id)));
    assert_eq!(event.parent_id.as_ref(), Some(&event.channel_id));
    assert!(event.enqueued_at > event.timestamp);
    // A Discord id holds its time: milliseconds since 2015 above 22 bits.
    let made = (event.message_id.parse::<u64>().unwrap() >> 22) + 1_420_070_400_000;
    assert_eq!(made as f64 / 1000.0, event.timestamp);
    // So does a UUID of version 7, in its first 48 bits.
    let traced = u64::from_str_radix(&event.trace_id.replace('-', "")[..12], 16).unwrap();
    assert_eq!(traced as f64 / 1000.0, event.enqueued_at);

    let attachment = &event.attachments[0];
    let data = attachment.data.as_ref().unwrap();
    assert_eq!(attachment.size, data.len() as u64);
    assert_eq!(attachment.sha256, Some(hex(&Sha256::digest(data))));
    let shard = xxh3_64(event.channel_key.as_bytes()) % 16;
    let id = xxh3_128(format!("{}:0", event.cause()).as_bytes());
    assert_eq!(attachment.media_key, Some(format!("sg:media:{{{shard}}}:{id:032x}")));
}

#[test]
fn the_answer_belongs_to_the_event() {
    let (event, action) = (Inbound::example(), Outbound::example());
    let key = names::message_key(event.cause(), 0);
    assert_eq!(action.message_key.as_ref(), Some(&key));
    assert_eq!(action.channel_key.as_ref(), Some(&event.channel_key));
    assert_eq!((action.channel_id.as_ref(), &action.thread_id), (Some(&event.channel_id), &event.thread_id));
    assert_eq!((&action.platform, &action.trace_id), (&event.platform, &event.trace_id));
    assert_eq!(action.reply_to, Some(event.message_id.clone()));

    let frame = PreviewFrame::example();
    assert_eq!((&frame.message_key, &frame.channel_key), (&key, &action.channel_key));
    assert!(action.text.starts_with(&frame.text));

    let said = HistoryMessage::example();
    assert_eq!((said.text, said.ts, said.name), (event.content, event.timestamp, event.display_name));
    assert_eq!((said.user_id, said.message_id), (Some(event.user_id), Some(event.message_id)));
    assert_eq!(said.message_key, Some(key));
}
