//! What is different in some rooms.

use codec::{InboundView, Triggers};
use service::Room;

use crate::subject::is_in;

/// The blocks of the settings.
#[derive(Debug)]
pub(crate) struct Rooms {
    blocks: Vec<(Room, Triggers)>,
    has_triggers: bool,
}

impl Rooms {
    pub(crate) fn new(rooms: &[Room]) -> Self {
        let blocks: Vec<_> = rooms.iter().map(|room| (room.clone(), Triggers::new(&room.triggers))).collect();
        let has_triggers = blocks.iter().any(|(_, triggers)| !triggers.is_empty());
        Self { blocks, has_triggers }
    }

    /// Who the assistant is there, where that is another one than elsewhere.
    pub(crate) fn persona(&self, inbound: &InboundView<'_>) -> Option<&str> {
        self.last(inbound, |room| room.persona.as_deref())
    }

    /// The model that answers there, where that is another one.
    pub(crate) fn model(&self, inbound: &InboundView<'_>) -> Option<&str> {
        self.last(inbound, |room| room.model.as_deref())
    }

    /// All models that are named.
    pub(crate) fn models(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().filter_map(|(room, _)| room.model.as_deref())
    }

    /// Whether a message has to be looked at for words that call.
    pub(crate) fn has_triggers(&self) -> bool {
        self.has_triggers
    }

    /// Whether a message has a word in it that calls there.
    pub(crate) fn calls(&self, inbound: &InboundView<'_>) -> bool {
        self.has_triggers
            && (self.blocks.iter())
                .any(|(room, triggers)| is_in(&room.applies_to, inbound) && triggers.are_in(inbound.content))
    }

    fn last<'a, T>(&'a self, inbound: &InboundView<'_>, of: impl Fn(&'a Room) -> Option<T>) -> Option<T> {
        self.blocks.iter().rev().filter(|(room, _)| is_in(&room.applies_to, inbound)).find_map(|(room, _)| of(room))
    }
}

#[cfg(test)]
mod tests {
    use codec::Inbound;

    use super::*;

    #[test]
    fn the_last_block_that_applies_and_says_something_counts() {
        let room = |applies_to: &str, persona: Option<&str>, model: Option<&str>, triggers: &[&str]| Room {
            applies_to: vec![applies_to.parse().unwrap()],
            persona: persona.map(str::to_owned),
            model: model.map(str::to_owned),
            triggers: triggers.iter().map(|word| (*word).to_owned()).collect(),
        };
        let rooms = Rooms::new(&[
            room("server:discord:3", Some("a crab"), Some("small"), &["crab"]),
            room("channel:discord:5", Some("a judge"), None, &[]),
            room("channel:discord:6", None, Some("large"), &["judge"]),
        ]);
        let bytes = Inbound {
            platform: "discord".into(),
            channel_id: "5".into(),
            guild_id: Some("3".into()),
            content: "crab, who is the judge?".into(),
            ..Inbound::example()
        }
        .to_bytes();
        let inbound = InboundView::decode(&bytes).unwrap();
        assert_eq!((rooms.persona(&inbound), rooms.model(&inbound)), (Some("a judge"), Some("small")));
        assert!(rooms.calls(&inbound));
        let elsewhere = InboundView { guild_id: None, ..inbound };
        assert_eq!((rooms.persona(&elsewhere), rooms.model(&elsewhere)), (Some("a judge"), None));
        assert!(!rooms.calls(&elsewhere), "the words of another room call nobody here");
        assert_eq!(rooms.models().collect::<Vec<_>>(), ["small", "large"]);
    }
}
