//! What a bot lacks at Discord, asked before anything is started: its token, intents and permissions. Nothing is changed by it.

use reqwest::Method;
use serde_json::Value;
use service::Problem;

use super::{
    REQUESTS_MAX, REQUESTS_WINDOW,
    event::{id, name},
    rest::{Ask, Failure, Rest},
    start::bad_token,
};
use crate::{
    pacing::{Pacer, Rank},
    platform::Found,
};

/// What the bot does takes these: <https://discord.com/developers/docs/topics/permissions>.
const PERMISSIONS: [(u64, &str); 6] = [
    (1 << 10, "View Channels"),
    (1 << 11, "Send Messages"),
    (1 << 38, "Send Messages in Threads"),
    (1 << 15, "Attach Files"),
    (1 << 16, "Read Message History"),
    (1 << 6, "Add Reactions"),
];
const ADMINISTRATOR: u64 = 1 << 3;
/// The intent for texts, for bots in many servers and in few:
/// <https://discord.com/developers/docs/resources/application#application-object-application-flags>.
const MESSAGE_CONTENT: u64 = 1 << 18 | 1 << 19;
/// Servers that are named for what they lack.
const NAMED_MAX: usize = 20;

/// Looks at the bot of one block.
pub(in crate::platform) async fn check(block: &str, settings: &service::Discord) -> Vec<Found> {
    let place = format!("platform.{block}");
    let pacer = Pacer::new(REQUESTS_MAX, REQUESTS_WINDOW, None);
    let token = settings.token.clone().unwrap_or_default();
    let rest = match Rest::new(&settings.api_url, token, pacer) {
        Ok(rest) => rest,
        Err(message) => return vec![Err(Problem { place, message })],
    };
    let checking = Checking { rest, settings, place, found: Vec::new() };
    checking.run().await
}

struct Checking<'s> {
    rest: Rest,
    settings: &'s service::Discord,
    place: String,
    found: Vec<Found>,
}

impl Checking<'_> {
    /// Stops at the first thing without which the others cannot be known.
    async fn run(mut self) -> Vec<Found> {
        if let Err(problem) = self.look().await {
            self.found.push(Err(problem));
        }
        self.found
    }

    async fn look(&mut self) -> Result<(), Problem> {
        let me = self.ask("users/@me", "GET /users/@me").await?;
        self.good(&format!("Discord knows the token of {}", name(&me["username"]).unwrap_or_else(|| "a bot".into())));
        let gateway = self.ask("gateway/bot", "GET /gateway/bot").await?;
        self.connections(&gateway);
        let application = self.ask("applications/@me", "GET /applications").await?;
        self.intents(&application);
        let servers = self.rest.servers().await.map_err(|failure| self.problem("GET /users/@me/guilds", failure))?;
        self.permissions(&servers, id(&application["id"]).unwrap_or_default());
        Ok(())
    }

    fn connections(&mut self, gateway: &Value) {
        let limit = &gateway["session_start_limit"];
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let (left, total, shards) =
            (number(&limit["remaining"]), number(&limit["total"]), number(&gateway["shards"]).max(1));
        let minutes = number(&limit["reset_after"]) / 60_000;
        if left >= shards {
            return self.good(&format!("it may connect {left} more times today, of {total}; a start takes {shards}"));
        }
        self.bad("", format!(
            "the bot may connect {left} more times before {minutes} minutes are over, and a start takes {shards}: wait so long, and \
             find out what starts it so often"
        ));
    }

    fn intents(&mut self, application: &Value) {
        let has_content = application["flags"].as_u64().unwrap_or_default() & MESSAGE_CONTENT != 0;
        match (self.settings.message_content, has_content) {
            (true, true) => self.good("it has the intent Message Content"),
            (false, _) => self.good("it does not ask for the intent Message Content"),
            (true, false) => self.bad(".message_content", format!(
                "the bot has not the intent Message Content: turn it on at discord.com/developers/applications, page Bot of its \
                 application, or set {}.message_content = false",
                self.place
            )),
        }
    }

    fn permissions(&mut self, servers: &[Value], application: u64) {
        let needed = PERMISSIONS.iter().fold(0, |needed, (bit, _)| needed | bit);
        let invite = format!(
            "https://discord.com/oauth2/authorize?client_id={application}&scope=bot+applications.commands&permissions={needed}"
        );
        if servers.is_empty() {
            return self.bad("", format!("the bot is in no server yet: invite it by {invite}"));
        }
        let lacks: Vec<(&Value, Vec<&str>)> =
            servers.iter().map(|server| (server, lacking(server))).filter(|(_, lacks)| !lacks.is_empty()).collect();
        for (server, lacks) in lacks.iter().take(NAMED_MAX) {
            let called = name(&server["name"]).unwrap_or_else(|| "without a name".into());
            self.bad("", format!(
                "in the server {called:?} ({}) the bot lacks {}: give them to its role there (Server Settings, Roles), or invite it \
                 again by {invite}",
                id(&server["id"]).unwrap_or_default(),
                lacks.join(", ")
            ));
        }
        if lacks.len() > NAMED_MAX {
            self.bad("", format!("and {} more servers lack something", lacks.len() - NAMED_MAX));
        }
        let good = servers.len() - lacks.len();
        if good > 0 {
            self.good(&format!("it may do all that it needs in {good} of {} servers", servers.len()));
        }
    }

    async fn ask(&self, path: &str, route: &'static str) -> Result<Value, Problem> {
        let asked = self.rest.ask(Ask::new(Method::GET, path.to_owned(), route, "", Rank::Call)).await;
        asked.map_err(|failure| self.problem(route, failure))
    }

    fn problem(&self, route: &str, failure: Failure) -> Problem {
        match failure {
            Failure::Unauthorized => {
                Problem { place: format!("{}.token", self.place), message: bad_token(&self.place) }
            }
            other => {
                let message = format!(
                    "{route} at {}: {other}; is the network there, and does status.discord.com say anything?",
                    self.settings.api_url
                );
                Problem { place: format!("{}.api_url", self.place), message }
            }
        }
    }

    fn good(&mut self, line: &str) {
        self.found.push(Ok(format!("{}: {line}", self.place)));
    }

    fn bad(&mut self, key: &str, message: String) {
        self.found.push(Err(Problem { place: format!("{}{key}", self.place), message }));
    }
}

/// The names of what the bot may not do in a server, whatever its channels say.
fn lacking(server: &Value) -> Vec<&'static str> {
    let may = server["permissions"].as_str().and_then(|bits| bits.parse::<u64>().ok()).unwrap_or_default();
    if may & ADMINISTRATOR != 0 {
        return Vec::new();
    }
    PERMISSIONS.iter().filter(|(bit, _)| may & bit == 0).map(|(_, name)| *name).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_lacking_has_discords_names() {
        let of = |may: &str| lacking(&json!({ "permissions": may }));
        assert_eq!(of("8"), Vec::<&str>::new());
        assert_eq!(of("274878008384"), Vec::<&str>::new());
        assert_eq!(of("274878008320"), ["Add Reactions"]);
        assert_eq!(of("nonsense").len(), 6);
    }
}
