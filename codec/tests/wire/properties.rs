//! Properties that hold for any envelope and any bytes.

use codec::{
    Answer, AnswerView, ENCODE_SPARE, Error, HistoryMessage, HistoryMessageView, Inbound, InboundRoute, InboundView,
    Outbound, OutboundRoute, OutboundView, PreviewFrame, PreviewFrameView, frames, peek_channel_key, peek_inbound,
    peek_lane,
};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;

use crate::envelopes;

/// What the tests do with an envelope, whichever it is.
trait Envelope: Sized + PartialEq + std::fmt::Debug {
    fn size(&self) -> usize;
    fn write(&self, out: &mut Vec<u8>);
    fn write_safely(&self, out: &mut Vec<u8>);
    fn validate(&self) -> Result<(), Error>;
    fn read(bytes: &[u8]) -> Result<Self, Error>;
}

macro_rules! envelopes {
    ($($Owned:ident, $View:ident;)+) => {
        $(impl Envelope for $Owned {
            fn size(&self) -> usize { self.encoded_len() }
            fn write(&self, out: &mut Vec<u8>) { self.encode(out) }
            fn write_safely(&self, out: &mut Vec<u8>) { self.encode_safely(out) }
            fn validate(&self) -> Result<(), Error> { $Owned::validate(self) }
            fn read(bytes: &[u8]) -> Result<Self, Error> { $View::decode(bytes).map($View::into_owned) }
        })+
    };
}

envelopes! {
    Inbound, InboundView;
    Outbound, OutboundView;
    PreviewFrame, PreviewFrameView;
    HistoryMessage, HistoryMessageView;
    Answer, AnswerView;
}

fn bytes_of(envelope: &impl Envelope) -> Vec<u8> {
    let mut out = Vec::new();
    envelope.write(&mut out);
    out
}

fn round_trip<E: Envelope>(envelope: &E) -> Result<(), TestCaseError> {
    prop_assert_eq!(envelope.validate(), Ok(()));
    let mut out = Vec::with_capacity(6 + envelope.size() + ENCODE_SPARE);
    out.extend_from_slice(b"before");
    let room = (out.as_ptr(), out.capacity());
    envelope.write(&mut out);
    prop_assert_eq!((out.as_ptr(), out.capacity()), room, "the buffer had room and was not left");
    let bytes = out.strip_prefix(b"before").unwrap();
    let mut twin = Vec::new();
    envelope.write_safely(&mut twin);
    prop_assert_eq!(bytes, twin);
    prop_assert_eq!(bytes.len(), envelope.size());
    prop_assert_eq!(&E::read(bytes).unwrap(), envelope);
    Ok(())
}

/// Whatever these bytes are: reading them ends, and what is read can be written and read again.
/// True where it was read.
fn stable<E: Envelope>(bytes: &[u8]) -> Result<bool, TestCaseError> {
    let Ok(envelope) = E::read(bytes) else { return Ok(false) };
    prop_assert_eq!(envelope.validate(), Ok(()));
    let again = bytes_of(&envelope);
    prop_assert_eq!(again.len(), envelope.size());
    prop_assert_eq!(E::read(&again).unwrap(), envelope);
    Ok(true)
}

/// `beside` is what else is asked of the damaged bytes.
fn damage<E: Envelope>(envelope: &E, beside: impl Fn(&[u8]) -> Result<(), TestCaseError>) -> Result<(), TestCaseError> {
    let mut bytes = bytes_of(envelope);
    for end in 0..bytes.len() {
        prop_assert!(E::read(&bytes[..end]).is_err(), "whole at {} of {}", end, bytes.len());
        beside(&bytes[..end])?;
    }
    let mut accepted = 0;
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        accepted += usize::from(stable::<E>(&bytes)?);
        beside(&bytes)?;
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    prop_assert!(accepted > 0, "no text with another letter is taken: nothing was compared");
    bytes.push(0xc0);
    prop_assert!(E::read(&bytes).is_err());
    Ok(())
}

/// Whatever these bytes are: what the view takes, route and peek take as well, for the same lane and cause.
fn inbound_lanes_agree(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (lane, peek, route) = (peek_channel_key(bytes), peek_inbound(bytes), InboundRoute::decode(bytes));
    if let Ok(view) = InboundView::decode(bytes) {
        prop_assert_eq!(lane, Ok(view.channel_key));
        prop_assert_eq!(peek.map(|peek| (peek.channel_key, peek.kind)), Ok((view.channel_key, view.kind)));
        let route = route.map(|route| (route.channel_key, route.cause(), route.kind));
        prop_assert_eq!(route, Ok((view.channel_key, view.cause(), view.kind)));
    }
    Ok(())
}

/// The same of what goes out.
fn outbound_lanes_agree(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (lane, route) = (peek_lane(bytes), OutboundRoute::decode(bytes));
    if let Ok(view) = OutboundView::decode(bytes) {
        prop_assert_eq!(lane, Ok(view.lane()));
        let route = route.map(|route| (route.lane(), route.message_key, route.action));
        prop_assert_eq!(route, Ok((view.lane(), view.message_key, view.action)));
    }
    Ok(())
}

proptest! {
    #[test]
    fn an_inbound_comes_back(envelope in envelopes::inbound()) {
        round_trip(&envelope)?;
        let bytes = envelope.to_bytes();
        let route = InboundRoute::decode(&bytes).unwrap();
        prop_assert_eq!(route.channel_key, &envelope.channel_key);
        prop_assert_eq!((route.kind, route.cause()), (envelope.kind, envelope.cause()));
        prop_assert_eq!(peek_channel_key(&bytes), Ok(envelope.channel_key.as_str()));
    }

    #[test]
    fn an_outbound_comes_back(envelope in envelopes::outbound()) {
        round_trip(&envelope)?;
        let bytes = envelope.to_bytes();
        let view = OutboundView::decode(&bytes).unwrap();
        let route = OutboundRoute::decode(&bytes).unwrap();
        prop_assert_eq!((route.action, route.message_key), (view.action, view.message_key));
        prop_assert_eq!(peek_lane(&bytes).unwrap(), view.lane());
        prop_assert_eq!(route.lane(), view.lane());
    }

    #[test]
    fn a_preview_comes_back(frame in envelopes::preview()) {
        round_trip(&frame)?;
    }

    #[test]
    fn a_history_message_comes_back(message in envelopes::history()) {
        round_trip(&message)?;
    }

    #[test]
    fn an_answer_comes_back(answer in envelopes::answer()) {
        round_trip(&answer)?;
    }

    /// Only that they are; that what is read stays what it is, damaged envelopes show.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        stable::<Inbound>(&bytes)?;
        stable::<Outbound>(&bytes)?;
        stable::<PreviewFrame>(&bytes)?;
        stable::<HistoryMessage>(&bytes)?;
        stable::<Answer>(&bytes)?;
        frames(&bytes).for_each(drop);
        inbound_lanes_agree(&bytes)?;
        outbound_lanes_agree(&bytes)?;
    }

    /// A writer's check and a reader's agree: on which field, and by which rule.
    #[test]
    fn what_validate_refuses_readers_refuse(
        mut envelope in envelopes::inbound(),
        place in 0..9_usize,
        length in 0..2_000_usize,
    ) {
        let text = "x".repeat(length);
        match place {
            0 => envelope.channel_key = text,
            1 => envelope.platform = text,
            2 => envelope.user_id = text,
            3 => envelope.event_id = Some(text),
            4 => envelope.emoji = text,
            5 => envelope.custom_id = text,
            6 => envelope.timestamp = f64::NAN,
            7 => envelope.member_roles = vec![String::new(); length],
            _ => envelope.attachments = vec![codec::Attachment { filename: text, ..Default::default() }],
        }
        let rule = |checked: Result<(), Error>| checked.map_err(|error| (error.field, error.rule));
        let read = InboundView::decode(&envelope.to_bytes()).map(|_| ());
        prop_assert_eq!(rule(read), rule(envelope.validate()));
    }
}

/// The head of a map is guessed while it is written: both guesses, and both wrong.
#[test]
fn maps_of_any_number_of_pairs_come_back() {
    let inbound = Inbound::example();
    let fewest = Inbound {
        channel_key: inbound.channel_key.clone(),
        platform: inbound.platform.clone(),
        channel_id: inbound.channel_id.clone(),
        user_id: inbound.user_id.clone(),
        message_id: inbound.message_id.clone(),
        ..Inbound::default()
    };
    let one_more = Inbound { guild_id: inbound.guild_id.clone(), ..fewest.clone() };
    for (envelope, head) in [(fewest, &[0x8f][..]), (one_more, &[0xde, 0, 16]), (inbound, &[0xde, 0, 32])] {
        round_trip(&envelope).unwrap();
        assert_eq!(&bytes_of(&envelope)[..head.len()], head);
    }
    let outbound = Outbound::example();
    let few = Outbound { platform: outbound.platform.clone(), ..Outbound::default() };
    for (envelope, head) in [(few, &[0x84][..]), (outbound, &[0xde, 0, 25])] {
        let bytes = bytes_of(&envelope);
        assert_eq!((bytes.len(), &bytes[..head.len()]), (envelope.encoded_len(), head));
    }
}

proptest! {
    // Each case reads thousands of damaged envelopes.
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_damaged_inbound_is_read_or_refused(envelope in envelopes::inbound()) {
        damage(&envelope, inbound_lanes_agree)?;
    }

    #[test]
    fn a_damaged_outbound_is_read_or_refused(envelope in envelopes::outbound()) {
        damage(&envelope, outbound_lanes_agree)?;
    }

    #[test]
    fn a_damaged_preview_is_read_or_refused(frame in envelopes::preview()) {
        damage(&frame, |_| Ok(()))?;
    }

    #[test]
    fn a_damaged_history_message_is_read_or_refused(message in envelopes::history()) {
        damage(&message, |_| Ok(()))?;
    }
}
