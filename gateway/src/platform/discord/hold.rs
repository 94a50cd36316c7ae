//! How a command's answer gets to where Discord shows "thinking": with the token of its use, which is a secret and good for 15
//! minutes. It stands in Redis for so long, since the gateway that answers need not be the one that was told.

use std::{fmt, time::Duration};

use bus::{Bus, Error, Names, Records};
use codec::{PlatformName, names};
use serde_json::Value;

use super::event::{id, time_of};

/// "Interaction tokens are valid for 15 minutes":
/// <https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object>.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// So long before its end nothing is begun with one: what is begun may have to be repeated for a minute.
const RESERVE: Duration = Duration::from_secs(90);
/// Permissions that writing in a channel takes: <https://discord.com/developers/docs/topics/permissions>.
const ADMINISTRATOR: u64 = 1 << 3;
const VIEW_CHANNEL: u64 = 1 << 10;
const SEND_MESSAGES: u64 = 1 << 11;
const SEND_IN_THREADS: u64 = 1 << 38;
/// Types of channels that are threads: <https://discord.com/developers/docs/resources/channel#channel-object-channel-types>.
const THREADS: std::ops::RangeInclusive<u64> = 10..=12;

/// What it takes to answer a use.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Hold {
    token: String,
    application: u64,
    /// The bot writes there by itself as well. It need not: commands work where a bot cannot look.
    is_at_home: bool,
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("application", &self.application).finish_non_exhaustive()
    }
}

impl Hold {
    pub(super) fn of(data: &Value) -> Option<Self> {
        let token = token(data["token"].as_str()?)?;
        let may = data["app_permissions"].as_str().and_then(|bits| bits.parse::<u64>().ok());
        let is_at_home = may.is_none_or(|may| {
            let has = |bits: u64| may & bits != 0;
            let is_thread = THREADS.contains(&data["channel"]["type"].as_u64().unwrap_or(0));
            let send = if is_thread { SEND_IN_THREADS } else { SEND_MESSAGES };
            has(ADMINISTRATOR) || (has(VIEW_CHANNEL) && has(send))
        });
        Some(Self { token, application: id(&data["application_id"])?, is_at_home })
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn is_at_home(&self) -> bool {
        self.is_at_home
    }

    /// Where messages are made and changed with it.
    pub(super) fn path(&self, under: &str) -> String {
        format!("webhooks/{}/{}{under}", self.application, self.token)
    }
}

/// One that can stand in a path.
fn token(text: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=');
    ((1..=512).contains(&text.len()) && text.bytes().all(is_plain)).then(|| text.to_owned())
}

/// The use that an action answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Use<'k> {
    pub(super) id: u64,
    /// The action.
    key: &'k str,
}

impl<'k> Use<'k> {
    /// Of an action by its key, and whether the part is its first message; none where it answers something else.
    pub(super) fn of_part(platform: &PlatformName, part_key: &'k str) -> Option<(Self, bool)> {
        let (key, part) = part_key.rsplit_once('.')?;
        Some((Self::of_action(platform, key)?, matches!(part, "0" | "preview")))
    }

    pub(super) fn of_action(platform: &PlatformName, key: &'k str) -> Option<Self> {
        let cause = names::cause_of_dead(key).or_else(|| Some(names::parse_message_key(key)?.0))?;
        let id = cause.strip_prefix(platform.as_str())?.strip_prefix(":interaction:")?.parse().ok()?;
        Some(Self { id, key })
    }

    /// How long ago it was.
    pub(super) fn age(self) -> Duration {
        Duration::from_millis(bus::unix_ms().saturating_sub(time_of(self.id)))
    }
}

/// Those of a bot.
#[derive(Debug)]
pub(super) struct Holds {
    records: Records,
    platform: PlatformName,
}

const TOKEN: &str = "token";
const APPLICATION: &str = "application";
const AT_HOME: &str = "at_home";
/// The key of the action that is shown in the place of "thinking".
const BY: &str = "by";

impl Holds {
    pub(super) fn new(bus: Bus, platform: PlatformName) -> Self {
        Self { records: Records::new(bus), platform }
    }

    /// Notes how a use is answered. Once more changes nothing.
    pub(super) async fn note(&self, id: u64, hold: &Hold) -> Result<(), Error> {
        let application = hold.application.to_string();
        let at_home: &[u8] = if hold.is_at_home { b"1" } else { b"0" };
        let fields = [(TOKEN, hold.token.as_bytes()), (APPLICATION, application.as_bytes()), (AT_HOME, at_home)];
        self.records.set_fields(&Names::interaction(self.platform.as_str(), id), &fields, LIFE).await
    }

    /// How a use is answered, while it can be, and whether this action is the one that stands in the place of "thinking": the
    /// first one that `may`.
    pub(super) async fn get(&self, of: Use<'_>, may: bool) -> Result<Option<(Hold, bool)>, Error> {
        let age = of.age();
        if age >= LIFE {
            return Ok(None);
        }
        let key = Names::interaction(self.platform.as_str(), of.id);
        let fields = self.records.claim_field(&key, BY, of.key.as_bytes(), may && age + RESERVE < LIFE).await?;
        let field = |wanted: &str| {
            let found = fields.iter().find(|(name, _)| name == wanted);
            found.and_then(|(_, value)| std::str::from_utf8(value).ok())
        };
        let (Some(token), Some(application)) = (field(TOKEN), field(APPLICATION).and_then(|id| id.parse().ok())) else {
            return Ok(None);
        };
        let hold = Hold { token: token.to_owned(), application, is_at_home: field(AT_HOME) != Some("0") };
        Ok(Some((hold, field(BY) == Some(of.key))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_token_that_is_one_stands_in_a_path() {
        assert!(token("aW50ZXJhY3Rpb24_-=.").is_some());
        for bad in ["", "../../x", "a?b", "a/b", &"x".repeat(600)] {
            assert_eq!(token(bad), None, "{bad}");
        }
        let hold = |may: Value| Hold::of(&json!({ "token": "t", "application_id": "5", "app_permissions": may }));
        assert_eq!(
            hold(json!(null)).map(|hold| (hold.is_at_home, hold.path("/x"))),
            Some((true, "webhooks/5/t/x".into()))
        );
        for (may, is_at_home) in [("0", false), ("8", true), ("3072", true), ("1024", false), ("274877907968", false)] {
            assert_eq!(hold(json!(may)).map(|hold| hold.is_at_home), Some(is_at_home), "{may}");
        }
        let thread = json!({
            "token": "t", "application_id": "5", "app_permissions": "274877907968", "channel": { "type": 11 },
        });
        assert_eq!(Hold::of(&thread).map(|hold| hold.is_at_home), Some(true), "in a thread");
        assert!(Hold::of(&json!({ "token": "t" })).is_none() && Hold::of(&json!(null)).is_none());
        assert!(!format!("{:?}", hold(json!("0"))).contains("\"t\""));
    }

    #[test]
    fn an_action_tells_what_it_answers() {
        let platform = PlatformName::new("discord").unwrap();
        let of = |part: &str| Use::of_part(&platform, part).map(|(of, is_first)| (of.id, of.key.to_owned(), is_first));
        let key = "discord:interaction:7:0".to_owned();
        assert_eq!(of("discord:interaction:7:0.0"), Some((7, key.clone(), true)));
        assert_eq!(of("discord:interaction:7:0.preview"), Some((7, key.clone(), true)));
        assert_eq!(of("discord:interaction:7:0.1"), Some((7, key, false)));
        assert_eq!(of("discord:interaction:7:dead.0").map(|(id, ..)| id), Some(7));
        for other in
            ["discord:7:0.0", "second:interaction:7:0.0", "discord:interaction:x:0.0", "discord:interaction:7", ""]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
