//! Live events of channels whose missed messages are still being read: they wait, since what was said before goes first.
//!
//! Of a connection that is given up meanwhile, what is held goes with it: its marks stand before what is missing, so that who
//! connects next reads all of it. What is held is bounded. A channel that has more to say flows on at once: its missed messages then come late, and in their own
//! order.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use super::super::event::id;

/// Events that one channel may hold, and a shard of Discord's in all, with their bytes as JSON.
const OF_CHANNEL_MAX: usize = 256;
const IN_ALL_MAX: usize = 4_096;
const BYTES_MAX: usize = 16 << 20;

/// An event that waits.
#[derive(Debug, PartialEq)]
pub(in super::super) struct Held {
    pub(in super::super) kind: String,
    pub(in super::super) data: Value,
    /// When it came, in ms since the Unix epoch.
    pub(in super::super) now_ms: u64,
}

/// What is to be done with an event that came.
#[derive(Debug, PartialEq)]
pub(in super::super) enum Turn {
    /// It goes on.
    Flows(Held),
    /// It is held.
    Waits,
    /// There was no room: these go on, in this order, and it is the last.
    Overflows(Vec<Held>),
}

/// See the module.
#[derive(Debug, Default)]
pub(in super::super) struct Hold(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    channels: HashMap<u64, Channel>,
    /// Which private channels are to be read is not known yet, so all of them wait.
    holds_private: bool,
    events: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Channel {
    /// Each with its bytes.
    events: VecDeque<(Held, usize)>,
    /// How many still read it; none where it waits with all private ones.
    readers: u32,
}

impl Hold {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds these channels, once more each.
    pub(super) fn begin(&self, channels: impl IntoIterator<Item = u64>) {
        let mut state = self.state();
        for channel in channels {
            state.channels.entry(channel).or_default().readers += 1;
        }
    }

    /// Holds whatever is said in private.
    pub(super) fn begin_private(&self) {
        self.state().holds_private = true;
    }

    /// Of the private channels only these are held from now on. Gives the others that have events, each to be ended.
    pub(super) fn only(&self, private: &[u64]) -> Vec<u64> {
        let mut state = self.state();
        state.holds_private = false;
        for channel in private {
            state.channels.entry(*channel).or_default().readers += 1;
        }
        let waiting: Vec<u64> =
            state.channels.iter().filter(|(_, held)| held.readers == 0).map(|(channel, _)| *channel).collect();
        for channel in &waiting {
            state.channels.entry(*channel).or_default().readers = 1;
        }
        waiting
    }

    /// An event of the socket.
    pub(in super::super) fn turn(&self, held: Held) -> Turn {
        let mut state = self.state();
        if state.channels.is_empty() && !state.holds_private {
            return Turn::Flows(held);
        }
        let Some(channel) = id(&held.data["channel_id"]) else { return Turn::Flows(held) };
        let is_private = held.data["guild_id"].is_null();
        let State { channels, holds_private, events, bytes } = &mut *state;
        let is_held = channels.contains_key(&channel) || (is_private && *holds_private);
        if !is_held {
            return Turn::Flows(held);
        }
        let home = channels.entry(channel).or_default();
        let size = serde_json::to_vec(&held.data).map_or(0, |json| json.len());
        home.events.push_back((held, size));
        *events += 1;
        *bytes += size;
        if home.events.len() <= OF_CHANNEL_MAX && *events <= IN_ALL_MAX && *bytes <= BYTES_MAX {
            return Turn::Waits;
        }
        let flowing = channels.remove(&channel).map(|channel| channel.events).unwrap_or_default();
        *events -= flowing.len();
        *bytes -= flowing.iter().map(|(_, size)| size).sum::<usize>();
        Turn::Overflows(flowing.into_iter().map(|(held, _)| held).collect())
    }

    /// The next event of a channel whose reader is done, until there is none: then the channel flows. `None` as well where
    /// another one still reads it, or it flows already.
    pub(super) fn end(&self, channel: u64, is_first: bool) -> Option<Held> {
        let mut state = self.state();
        let home = state.channels.get_mut(&channel)?;
        if is_first {
            home.readers = home.readers.saturating_sub(1);
        }
        if home.readers > 0 {
            return None;
        }
        match home.events.pop_front() {
            Some((next, size)) => {
                state.events -= 1;
                state.bytes -= size;
                Some(next)
            }
            None => {
                state.channels.remove(&channel);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(channel: u64, number: u64, guild: Option<u64>) -> Held {
        let data = json!({ "id": number.to_string(), "channel_id": channel.to_string(), "guild_id": guild });
        Held { kind: "MESSAGE_CREATE".into(), data, now_ms: number }
    }

    fn numbers(held: &[Held]) -> Vec<u64> {
        held.iter().map(|held| held.now_ms).collect()
    }

    fn drained(hold: &Hold, channel: u64) -> Vec<u64> {
        let first = hold.end(channel, true);
        let rest = std::iter::from_fn(|| hold.end(channel, false));
        let all: Vec<Held> = first.into_iter().chain(rest).collect();
        numbers(&all)
    }

    #[test]
    fn what_is_held_waits_in_its_order_and_everything_else_flows() {
        let hold = Hold::default();
        assert_eq!(hold.turn(said(5, 1, Some(9))), Turn::Flows(said(5, 1, Some(9))));
        hold.begin([5, 6]);
        assert_eq!(hold.turn(said(5, 2, Some(9))), Turn::Waits);
        assert_eq!(hold.turn(said(7, 3, Some(9))), Turn::Flows(said(7, 3, Some(9))));
        assert_eq!(hold.turn(said(5, 4, Some(9))), Turn::Waits);
        let typing = Held { kind: "TYPING_START".into(), data: json!({}), now_ms: 5 };
        assert!(matches!(hold.turn(typing), Turn::Flows(_)));
        // What comes while it ends stands behind what was held.
        assert_eq!(hold.end(5, true).map(|held| held.now_ms), Some(2));
        assert_eq!(hold.turn(said(5, 6, Some(9))), Turn::Waits);
        assert_eq!(numbers(&std::iter::from_fn(|| hold.end(5, false)).collect::<Vec<_>>()), [4, 6]);
        assert_eq!(hold.turn(said(5, 7, Some(9))), Turn::Flows(said(5, 7, Some(9))));
        assert_eq!(hold.turn(said(6, 8, Some(9))), Turn::Waits);
    }

    #[test]
    fn a_channel_that_is_read_twice_waits_for_both() {
        let hold = Hold::default();
        hold.begin([5]);
        hold.begin([5]);
        assert_eq!(hold.turn(said(5, 1, Some(9))), Turn::Waits);
        assert_eq!(drained(&hold, 5), Vec::<u64>::new());
        assert_eq!(hold.turn(said(5, 2, Some(9))), Turn::Waits);
        assert_eq!(drained(&hold, 5), [1, 2]);
    }

    #[test]
    fn private_channels_wait_until_it_is_known_which_are_read() {
        let hold = Hold::default();
        hold.begin_private();
        assert_eq!(hold.turn(said(1, 1, None)), Turn::Waits);
        assert_eq!(hold.turn(said(2, 2, None)), Turn::Waits);
        assert_eq!(hold.turn(said(3, 3, Some(9))), Turn::Flows(said(3, 3, Some(9))));
        assert_eq!(hold.only(&[2, 4]), [1]);
        assert_eq!(drained(&hold, 1), [1]);
        assert_eq!(hold.turn(said(1, 4, None)), Turn::Flows(said(1, 4, None)));
        assert_eq!(hold.turn(said(4, 5, None)), Turn::Waits);
        assert_eq!((drained(&hold, 2), drained(&hold, 4)), (vec![2], vec![5]));
    }

    #[test]
    fn a_channel_with_too_much_to_say_flows() {
        let hold = Hold::default();
        hold.begin([5, 6]);
        assert_eq!(hold.turn(said(6, 1, Some(9))), Turn::Waits);
        let waits = (0..OF_CHANNEL_MAX as u64).all(|number| hold.turn(said(5, number, Some(9))) == Turn::Waits);
        assert!(waits);
        let Turn::Overflows(flowing) = hold.turn(said(5, 999, Some(9))) else { panic!("there is room") };
        assert_eq!((flowing.len(), flowing.last().map(|held| held.now_ms)), (OF_CHANNEL_MAX + 1, Some(999)));
        assert!(matches!(hold.turn(said(5, 1000, Some(9))), Turn::Flows(_)));
        assert_eq!(drained(&hold, 5), Vec::<u64>::new());
        // And many channels together have a bound of their own.
        hold.begin(10..100);
        let mut waiting = 1;
        while hold.turn(said(10 + waiting as u64 % 90, 0, Some(9))) == Turn::Waits {
            waiting += 1;
        }
        assert_eq!(waiting, IN_ALL_MAX);
        // And large ones sooner.
        let hold = Hold::default();
        hold.begin([7]);
        let mut large = said(7, 0, Some(9));
        large.data["content"] = "x".repeat(BYTES_MAX / 8).into();
        let (data, kind) = (large.data, large.kind);
        let waits = (0..8).filter(|now_ms| {
            let held = Held { kind: kind.clone(), data: data.clone(), now_ms: *now_ms };
            hold.turn(held) == Turn::Waits
        });
        assert_eq!(waits.count(), 7);
        let state = hold.state();
        assert_eq!((state.events, state.bytes), (0, 0), "nothing of it is left behind");
    }
}
