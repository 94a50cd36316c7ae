//! The list itself, bounded in count and bytes: what is left out is told in it.

use serde::Serialize;
use serde_json::json;

/// Servers that are listed.
const SERVERS_MAX: usize = 10_000;
/// Channels of one server: as many as Discord has at most.
const CHANNELS_MAX: usize = 500;
/// Bytes of all servers, as JSON.
const BYTES_MAX: usize = 4 << 20;

/// A place in a server where something can be said, or what such places are sorted under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Channel {
    /// The platform's id.
    pub id: String,
    /// As people see it, where it has a name.
    pub name: Option<String>,
    /// What it is: `text`, `voice`, `category` and so on.
    pub kind: &'static str,
}

#[derive(Serialize)]
struct Server<'a> {
    id: &'a str,
    name: Option<&'a str>,
    channels: &'a [Channel],
}

/// See the module.
#[derive(Debug)]
pub struct Inventory {
    platform: String,
    at_ms: u64,
    /// JSON, with commas between.
    servers: String,
    count: usize,
    left_out: (usize, usize),
}

impl Inventory {
    /// An empty one, begun at this time in ms since the epoch.
    #[must_use]
    pub fn new(platform: &str, at_ms: u64) -> Self {
        Self { platform: platform.to_owned(), at_ms, servers: String::new(), count: 0, left_out: (0, 0) }
    }

    /// Whether there is no room for a further server, so that its channels need not be asked for.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.count >= SERVERS_MAX || self.servers.len() >= BYTES_MAX
    }

    /// Adds a server, or counts it where there is no room.
    pub fn add(&mut self, id: &str, name: Option<&str>, channels: &[Channel]) {
        let listed = &channels[..channels.len().min(CHANNELS_MAX)];
        let json = serde_json::to_string(&Server { id, name, channels: listed }).unwrap_or_default();
        if self.is_full() || self.servers.len() + json.len() > BYTES_MAX {
            self.left_out.0 += 1;
            self.left_out.1 += channels.len();
            return;
        }
        if self.count > 0 {
            self.servers.push(',');
        }
        self.servers.push_str(&json);
        self.count += 1;
        self.left_out.1 += channels.len() - listed.len();
    }

    /// As it stands in Redis; `docs/wire.md` has the fields.
    #[must_use]
    pub fn to_json(&self) -> String {
        let (servers, channels) = self.left_out;
        format!(
            r#"{{"platform":{},"at":{},"left_out":{{"servers":{servers},"channels":{channels}}},"servers":[{}]}}"#,
            json!(self.platform),
            self.at_ms,
            self.servers
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn channels(count: usize, name: &str) -> Vec<Channel> {
        let channel = |id: usize| Channel { id: id.to_string(), name: Some(name.into()), kind: "text" };
        (0..count).map(channel).collect()
    }

    #[test]
    fn what_is_left_out_is_told() {
        let mut inventory = Inventory::new("discord", 5);
        inventory.add("1", Some("a \"b\""), &channels(501, "c"));
        inventory.add("2", None, &[]);
        let read: Value = serde_json::from_str(&inventory.to_json()).unwrap();
        assert_eq!((&read["platform"], &read["at"]), (&json!("discord"), &json!(5)));
        assert_eq!(read["left_out"], json!({ "servers": 0, "channels": 1 }));
        assert_eq!((&read["servers"][0]["name"], &read["servers"][1]["name"]), (&json!("a \"b\""), &Value::Null));
        assert_eq!(read["servers"][0]["channels"][1], json!({ "id": "1", "name": "c", "kind": "text" }));
    }

    #[test]
    fn it_is_bounded_in_bytes_and_count() {
        let (mut inventory, many) = (Inventory::new("discord", 5), channels(500, &"x".repeat(100)));
        (0..200).for_each(|id: usize| inventory.add(&id.to_string(), None, &many));
        let read: Value = serde_json::from_str(&inventory.to_json()).unwrap();
        let listed = read["servers"].as_array().unwrap().len();
        assert!((20..200).contains(&listed) && inventory.to_json().len() < BYTES_MAX + 1024);
        assert_eq!(read["left_out"], json!({ "servers": 200 - listed, "channels": (200 - listed) * 500 }));
        let mut inventory = Inventory::new("discord", 5);
        (0..=SERVERS_MAX).for_each(|id| inventory.add(&id.to_string(), None, &[]));
        assert!(inventory.is_full() && inventory.to_json().contains(r#""left_out":{"servers":1,"#));
    }
}
