//! Reading only what decides where an envelope goes.
//!
//! Three depths, each at its price: the peeks look at the first few bytes of an envelope that was written in the
//! contract's order, which is all that tells its lane and its shard; a route walks all keys and reads the handful that
//! tells how an entry is worked on; the full view reads everything. Routes are readers that know fewer fields, so the rule for later versions covers them. An envelope that
//! routes well may still be refused by its view; since no key may stand in it twice, both never disagree about the
//! lane.

use std::borrow::Cow;

use crate::choice::{ActionType, Kind};
use crate::constant::Version;
use crate::envelope::view;
use crate::error::{Error, Rule};
use crate::event_id;
use crate::fault::Refused;
use crate::limits;
use crate::names;
use crate::read::Reader;
use crate::schema::{Bound, Field, find};
use crate::wire::Wire;

view! {
    /// The part of an [`Inbound`](crate::Inbound) that tells its lane, its cause, and whether it controls a running
    /// turn.
    InboundRoute, named "inbound", under "";

    /// The lane.
    channel_key: String, Required, Bound::some(limits::KEY_BYTES);
    /// Version of the envelope.
    v: Version, Written, Bound::ANY;
    /// What happened.
    kind: Kind, Written, Bound::ANY;
    /// Name of the platform block.
    platform: String, Required, Bound::PLATFORM;
    /// Who did it.
    user_id: String, Required, Bound::some(limits::ID_BYTES);
    /// The message that was written, changed, deleted or reacted to.
    message_id: String, Required, Bound::some(limits::ID_BYTES);
    /// Identity of the event.
    event_id: Option<String>, Optional, Bound::up_to(limits::KEY_BYTES);
    /// Trace of the message.
    trace_id: String, Written, Bound::up_to(limits::ID_BYTES);
    /// Whether the bot is meant.
    is_addressed: bool, Written, Bound::ANY;
    /// The button, menu or command that was used.
    custom_id: String, Optional, Bound::up_to(limits::ID_BYTES);
}

view! {
    /// The part of an [`Outbound`](crate::Outbound) that tells its lane and its identity.
    OutboundRoute, named "outbound", under "";

    /// The lane of the cause, where the entry says it.
    channel_key: Option<String>, Optional, Bound::up_to(limits::KEY_BYTES);
    /// Channel, room or chat to act in.
    channel_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES);
    /// Version of the envelope.
    v: Version, Written, Bound::ANY;
    /// Name of the platform block.
    platform: String, Required, Bound::PLATFORM;
    /// What to do.
    action ("type"): ActionType, Required, Bound::ANY;
    /// Identity of the action.
    message_key: Option<String>, Optional, Bound::up_to(limits::KEY_BYTES);
    /// Trace of the message that caused it.
    trace_id: String, Written, Bound::up_to(limits::ID_BYTES);
    /// The thread inside the channel.
    thread_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES);
}

/// What puts an inbound envelope in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboundPeek<'a> {
    /// The lane.
    pub channel_key: &'a str,
    /// What happened. Only some kinds can be more than one entry of their lane.
    pub kind: Kind,
}

impl<'a> InboundRoute<'a> {
    /// The cause that the actions derive their ids from.
    #[must_use]
    pub fn cause(&self) -> &'a str {
        names::cause(self.event_id, self.trace_id)
    }

    /// The cause of the message that this changes or deletes; `None` where it is of another kind.
    #[must_use]
    pub fn cause_of_message(&self) -> Option<String> {
        matches!(self.kind, Kind::Edit | Kind::Delete).then(|| event_id::message(self.platform, self.message_id))
    }
}

impl<'a> OutboundRoute<'a> {
    /// The lane of the action, made up where a plain entry does not say; see [`names::lane`].
    #[must_use]
    pub fn lane(&self) -> Cow<'a, str> {
        names::lane(self.platform, self.channel_key, self.channel_id, self.thread_id)
    }
}

/// Lane and kind of an inbound envelope. They are the first things in our writers' envelopes, and nothing behind them is
/// looked at; of one in another order all keys are walked.
///
/// # Errors
/// There is no lane, or the bytes that were looked at are malformed.
pub fn peek_inbound(envelope: &[u8]) -> Result<InboundPeek<'_>, Error> {
    if let Some(peek) = in_order(envelope) {
        return Ok(peek);
    }
    let route = InboundRoute::decode(envelope)?;
    Ok(InboundPeek { channel_key: route.channel_key, kind: route.kind })
}

/// Where the three first keys are those of the contract, and sound.
fn in_order(envelope: &[u8]) -> Option<InboundPeek<'_>> {
    const KEY: &Field = find(InboundRoute::FIELDS, CHANNEL_KEY);
    const VERSION: &Field = find(InboundRoute::FIELDS, "v");
    const KIND: &Field = find(InboundRoute::FIELDS, "kind");

    let mut reader = Reader::<Refused>::new(envelope, "");
    if reader.map().ok()? < 3 || !reader.eat(&KEY.key) {
        return None;
    }
    let channel_key = String::read(&mut reader, &KEY.bound).ok()?;
    if !reader.eat(&VERSION.key) {
        return None;
    }
    Version::read(&mut reader, &VERSION.bound).ok()?;
    if !reader.eat(&KIND.key) {
        return None;
    }
    let kind = Kind::read(&mut reader, &KIND.bound).ok()?;
    Some(InboundPeek { channel_key, kind })
}

/// The lane of an inbound envelope, found wherever it stands, and in one that is broken behind it. For people.
///
/// # Errors
/// There is no such key, its value is no lane, or the bytes in front of it are malformed.
pub fn peek_channel_key(envelope: &[u8]) -> Result<&str, Error> {
    let (key, end) = find_channel_key(envelope, "inbound")?;
    key.ok_or(Error { field: CHANNEL_KEY, offset: Some(end), rule: Rule::Missing })
}

/// The lane of an outbound envelope: its `channel_key`, or made from platform and channel where a plain entry has none.
///
/// # Errors
/// The bytes are malformed, or tell no lane.
pub fn peek_lane(envelope: &[u8]) -> Result<Cow<'_, str>, Error> {
    match find_channel_key(envelope, "outbound")? {
        (Some(key), _) => Ok(Cow::Borrowed(key)),
        (None, _) => Ok(OutboundRoute::decode(envelope)?.lane()),
    }
}

const CHANNEL_KEY: &str = "channel_key";

/// The text under the first key `channel_key`, unless it is absent, nil or empty, and how far that was.
fn find_channel_key<'a>(envelope: &'a [u8], name: &'static str) -> Result<(Option<&'a str>, usize), Error> {
    let mut reader: Reader<'_, Error> = Reader::new(envelope, name);
    for _ in 0..reader.map()? {
        if reader.key()? != Some(CHANNEL_KEY.as_bytes()) {
            reader.skip()?;
            continue;
        }
        reader.enter(CHANNEL_KEY);
        if reader.nil() {
            break;
        }
        let at = reader.at();
        let key = reader.text()?;
        Bound::up_to(limits::KEY_BYTES).text(key).map_err(|rule| reader.error(at, rule))?;
        return Ok(((!key.is_empty()).then_some(key), at));
    }
    Ok((None, reader.at()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::Inbound;
    use crate::outbound::Outbound;

    #[test]
    fn routes_read_fields_as_the_envelopes_do() {
        let check = |part: &[Field], whole: &[Field]| {
            for field in part {
                let same = whole.iter().find(|other| other.name == field.name).unwrap();
                assert_eq!(
                    (same.ty, same.presence, same.bound),
                    (field.ty, field.presence, field.bound),
                    "{}",
                    same.name
                );
            }
        };
        check(InboundRoute::FIELDS, Inbound::FIELDS);
        check(OutboundRoute::FIELDS, Outbound::FIELDS);
    }

    #[test]
    fn a_peek_reads_no_further_than_the_key() {
        let cut = [&[0x82, 0xab], CHANNEL_KEY.as_bytes(), &[0xa3], b"w:a", &[0xc1]].concat();
        assert_eq!(peek_channel_key(&cut), Ok("w:a"));
        assert_eq!(peek_lane(&cut), Ok(Cow::Borrowed("w:a")));
    }

    #[test]
    fn a_peek_reads_no_further_than_the_kind() {
        let example = Inbound { kind: Kind::Reaction, ..Inbound::example() };
        let whole = example.to_bytes();
        let end = whole.windows(8).position(|bytes| bytes == b"reaction").unwrap() + 8;
        // As many bytes as the head's claim takes, and none of them a key.
        let cut = [&whole[..end], &[0xc1; 64]].concat();
        let peek = InboundPeek { channel_key: &example.channel_key, kind: Kind::Reaction };
        assert_eq!((peek_inbound(&whole), peek_inbound(&cut)), (Ok(peek), Ok(peek)));
        assert!(InboundRoute::decode(&cut).is_err());
        for refused in [&whole[..end - 1], &[0x90], &[]] {
            assert!(peek_inbound(refused).is_err(), "{refused:02x?}");
        }
    }

    #[test]
    fn a_peek_finds_the_key_in_any_place() {
        let late = [&[0x82, 0xa1, b'v', 0x91, 0x01, 0xab], CHANNEL_KEY.as_bytes(), &[0xa3], b"w:a"].concat();
        assert_eq!(peek_channel_key(&late), Ok("w:a"));
        let none = peek_channel_key(&[0x81, 0xa1, b'v', 0x01]).unwrap_err();
        assert_eq!(none.to_string(), "field `channel_key` at byte 4: is required and was not there");
    }

    #[test]
    fn a_plain_action_gets_the_lane_of_its_channel() {
        let plain = |channel_id: Option<&str>, thread_id: Option<&str>| {
            let action = Outbound {
                platform: "matrix".into(),
                channel_id: channel_id.map(str::to_owned),
                thread_id: thread_id.map(str::to_owned),
                ..Outbound::default()
            };
            peek_lane(&action.to_bytes()).unwrap().into_owned()
        };
        assert_eq!(plain(Some("!room:example.org"), None), "matrix:!room:example.org");
        assert_eq!(plain(Some("!room:example.org"), Some("$root")), "matrix:$root");
        assert_eq!(plain(None, None), "matrix:");
    }
}
