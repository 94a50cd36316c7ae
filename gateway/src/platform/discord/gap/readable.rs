//! Which channels of a server have messages that the bot may read. Others are not asked: Discord counts requests that it refuses,
//! and shuts out a bot that makes too many of them.

use std::collections::HashMap;

use serde_json::Value;

use super::super::event::{id, list};

/// <https://discord.com/developers/docs/topics/permissions>
const ADMINISTRATOR: u64 = 1 << 3;
const READS: u64 = 1 << 10 | 1 << 16;
/// In voice and stage channels, which are 2 and 13, it takes this as well.
const CONNECT: u64 = 1 << 20;
/// Categories, directories, forums and media channels: of the last two the posts have messages, which are threads.
/// <https://discord.com/developers/docs/resources/channel#channel-object-channel-types>
const WITHOUT_MESSAGES: [u64; 4] = [4, 14, 15, 16];

/// The channels and threads of a server that may have messages.
pub(super) fn rooms(guild: &Value) -> impl Iterator<Item = &Value> {
    let has_messages = |room: &&Value| room["type"].as_u64().is_none_or(|kind| !WITHOUT_MESSAGES.contains(&kind));
    list(&guild["channels"]).iter().chain(list(&guild["threads"])).filter(has_messages)
}

/// What the bot may do in a server. Where that was not told, it is assumed that it may read.
pub(super) struct Rights<'a> {
    me: u64,
    /// Its roles, that of everybody included.
    roles: Vec<u64>,
    /// Of everybody.
    everyone: u64,
    /// In channels that say nothing else. None where it is not known, or everything.
    may: Option<u64>,
    channels: HashMap<u64, &'a Value>,
}

impl<'a> Rights<'a> {
    pub(super) fn of(guild: &'a Value, me: u64) -> Self {
        let everyone = id(&guild["id"]).unwrap_or_default();
        let member = list(&guild["members"]).iter().find(|member| id(&member["user"]["id"]) == Some(me));
        let of_member = member.map_or(&[][..], |member| list(&member["roles"])).iter().filter_map(id);
        let roles: Vec<u64> = of_member.chain([everyone]).collect();
        let granted = list(&guild["roles"]).iter().filter(|role| id(&role["id"]).is_some_and(|id| roles.contains(&id)));
        let may = granted.fold(0, |may, role| may | bits(&role["permissions"]));
        let is_told = member.is_some() && may != 0 && may & ADMINISTRATOR == 0 && id(&guild["owner_id"]) != Some(me);
        let channels = list(&guild["channels"]).iter().filter_map(|channel| Some((id(&channel["id"])?, channel)));
        Self { me, roles, everyone, may: is_told.then_some(may), channels: channels.collect() }
    }

    /// Whether it may read what was said there.
    pub(super) fn reads(&self, room: &Value) -> bool {
        let Some(mut may) = self.may else { return true };
        // A thread has the permissions of the channel that it is in.
        let parent = id(&room["parent_id"]).and_then(|parent| self.channels.get(&parent));
        let place = if is_thread(room) { parent.copied().unwrap_or(room) } else { room };
        let overwrites = || list(&place["permission_overwrites"]).iter().filter_map(|one| Some((id(&one["id"])?, one)));
        // In this order: what is said for everybody, for roles together, and for the member.
        for is_meant in [
            (|of, rights| of == rights.everyone) as fn(u64, &Self) -> bool,
            |of, rights| of != rights.everyone && rights.roles.contains(&of),
            |of, rights| of == rights.me,
        ] {
            let (mut denied, mut allowed) = (0, 0);
            for (_, one) in overwrites().filter(|(of, _)| is_meant(*of, self)) {
                denied |= bits(&one["deny"]);
                allowed |= bits(&one["allow"]);
            }
            may = may & !denied | allowed;
        }
        let needed = if matches!(room["type"].as_u64(), Some(2 | 13)) { READS | CONNECT } else { READS };
        may & needed == needed
    }
}

fn is_thread(room: &Value) -> bool {
    matches!(room["type"].as_u64(), Some(10..=12))
}

fn bits(value: &Value) -> u64 {
    value.as_str().and_then(|bits| bits.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_messages_is_told_by_its_type() {
        let guild = json!({ "channels": [{ "id": "1", "type": 0 }, { "id": "2", "type": 15 }, { "id": "3", "type": 4 }, { "id": "4" }],
            "threads": [{ "id": "5", "type": 11 }] });
        assert_eq!(rooms(&guild).filter_map(|room| id(&room["id"])).collect::<Vec<_>>(), [1, 4, 5]);
    }

    #[test]
    fn what_the_bot_may_read_follows_roles_and_overwrites() {
        let text = |bits: u64| json!(bits.to_string());
        let overwrite =
            |id: u64, deny: u64, allow: u64| json!({ "id": id.to_string(), "deny": text(deny), "allow": text(allow) });
        let guild = |mine: u64| {
            json!({ "id": "1", "owner_id": "2", "members": [{ "user": { "id": "9" }, "roles": ["7"] }],
                "roles": [
                    { "id": "1", "permissions": text(READS) }, { "id": "7", "permissions": text(mine) },
                    { "id": "8", "permissions": text(ADMINISTRATOR) },
                ],
                "channels": [
                    { "id": "20", "type": 0 },
                    { "id": "21", "type": 0, "permission_overwrites": [overwrite(1, 1 << 10, 0)] },
                    { "id": "22", "type": 0, "permission_overwrites": [overwrite(1, 1 << 10, 0), overwrite(7, 0, 1 << 10)] },
                    { "id": "23", "type": 0, "permission_overwrites": [overwrite(7, 0, 1 << 16), overwrite(9, 1 << 16, 0)] },
                    { "id": "24", "type": 0, "permission_overwrites": [overwrite(8, READS, 0)] },
                    { "id": "25", "type": 2 },
                    { "id": "26", "type": 13, "permission_overwrites": [overwrite(9, 0, CONNECT)] },
                ],
                "threads": [{ "id": "30", "type": 11, "parent_id": "21" }, { "id": "31", "type": 11, "parent_id": "22" }] })
        };
        let read = |guild: &Value, me| {
            let rights = Rights::of(guild, me);
            rooms(guild).filter(|room| rights.reads(room)).filter_map(|room| id(&room["id"])).collect::<Vec<_>>()
        };
        assert_eq!(read(&guild(0), 9), [20, 22, 24, 26, 31]);
        assert_eq!(read(&guild(ADMINISTRATOR), 9).len(), 9, "who may do everything");
        assert_eq!(read(&guild(0), 2).len(), 9, "the owner");
        assert_eq!(read(&guild(0), 5).len(), 9, "who was not told");
        assert!(Rights::of(&json!(null), 9).reads(&json!(null)));
    }
}
