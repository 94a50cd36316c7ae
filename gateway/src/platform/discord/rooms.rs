//! What is known of the places that a bot sees: their names, and which of them are threads of which.

use std::collections::HashMap;

use serde_json::Value;

use super::event::{id, list, name};

/// Places that are known at once. A bot in very many servers sees some of them without names.
const ROOMS_MAX: usize = 256 * 1024;
/// Types of channels that are threads: <https://discord.com/developers/docs/resources/channel#channel-object-channel-types>.
const THREADS: [u64; 3] = [10, 11, 12];

/// A channel or thread of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) name: Option<String>,
    /// The channel that it is a thread of.
    pub(super) parent: Option<u64>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Rooms(HashMap<u64, Room>);

impl Rooms {
    pub(super) fn get(&self, id: u64) -> Option<&Room> {
        self.0.get(&id)
    }

    /// Learns from an event. False: it is not about places.
    pub(super) fn learn(&mut self, kind: &str, data: &Value) -> bool {
        match kind {
            "GUILD_CREATE" | "THREAD_LIST_SYNC" => {
                // As the platform has them, or by their ids, as serenity does.
                for rooms in [&data["channels"], &data["threads"]] {
                    let by_id = rooms.as_object().into_iter().flat_map(|rooms| rooms.values());
                    list(rooms).iter().chain(by_id).for_each(|room| self.add(room));
                }
            }
            "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE" => self.add(data),
            "CHANNEL_DELETE" | "THREAD_DELETE" => {
                id(&data["id"]).map(|id| self.0.remove(&id));
            }
            _ => return false,
        }
        true
    }

    fn add(&mut self, room: &Value) {
        let Some(own) = id(&room["id"]) else { return };
        if self.0.len() >= ROOMS_MAX && !self.0.contains_key(&own) {
            metrics::counter!("stargazer_discord_rooms_unknown_total").increment(1);
            return;
        }
        let is_thread = room["type"].as_u64().is_some_and(|kind| THREADS.contains(&kind));
        let parent = id(&room["parent_id"]).filter(|_| is_thread);
        self.0.insert(own, Room { name: name(&room["name"]), parent });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_learnt_and_forgotten() {
        let mut rooms = Rooms::default();
        let guild = json!({ "id": "1", "channels": [
            { "id": "2", "type": 0, "name": "general", "parent_id": "9" }, { "type": 0 }, 7, { "id": "x" },
        ], "threads": [{ "id": "3", "type": 11, "name": "a\u{202e}b", "parent_id": "2" }] });
        assert!(rooms.learn("GUILD_CREATE", &guild));
        // The parent of a channel is its category, of which it is no part.
        assert_eq!(rooms.get(2), Some(&Room { name: Some("general".into()), parent: None }));
        assert_eq!(rooms.get(3), Some(&Room { name: Some("ab".into()), parent: Some(2) }));
        assert!(rooms.learn("CHANNEL_UPDATE", &json!({ "id": "2", "type": 0, "name": "lobby" })));
        assert_eq!(rooms.get(2).and_then(|room| room.name.as_deref()), Some("lobby"));
        assert!(rooms.learn("THREAD_DELETE", &json!({ "id": "3" })) && rooms.get(3).is_none());
        for (kind, data) in [
            ("GUILD_CREATE", json!(null)),
            ("CHANNEL_CREATE", json!([])),
            ("THREAD_LIST_SYNC", json!({ "threads": 5 })),
        ] {
            assert!(rooms.learn(kind, &data), "{kind}");
        }
        assert!(
            rooms.learn("GUILD_CREATE", &json!({ "channels": { "4": { "id": "4", "type": 0, "name": "by id" } } }))
        );
        assert!(rooms.get(4).is_some() && rooms.learn("CHANNEL_DELETE", &json!({ "id": "4" })));
        assert!(!rooms.learn("MESSAGE_CREATE", &json!({ "id": "5" })) && rooms.0.len() == 1);
    }
}
