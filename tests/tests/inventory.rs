//! The list of servers and channels: made once over all gateways, and again when somebody asks.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use serde_json::Value;
use tests::{
    Pair, Process, Program, RedisServer,
    discord::{BotRules, DiscordServer, Fault, When},
    eventually, until,
};

const KEY: &str = "sg:inventory:discord";

async fn inventory(redis: &RedisServer) -> Option<Value> {
    serde_json::from_slice(redis.command(["GET", KEY]).await.bytes()).ok()
}

/// The channels of the server, by name and kind.
fn channels(inventory: &Value) -> Vec<(&str, &str)> {
    let channels = inventory["servers"][0]["channels"].as_array().unwrap();
    channels.iter().map(|one| (one["name"].as_str().unwrap(), one["kind"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn servers_and_channels_are_listed_once_and_again_when_asked_for() {
    let (redis, discord) = (RedisServer::new().await, DiscordServer::new(1).await);
    let (alice, bot) = (discord.add_user("alice"), discord.add_bot("crab", BotRules::default()));
    let home = discord.add_guild("home", &alice, &[bot.id]);
    let general = discord.add_channel(home, "general");
    let mut settings = Pair::settings_on(&redis);
    settings.extend([
        ("SG_PLATFORM__WEBCHAT__ENABLED".to_owned(), "false".to_owned()),
        ("SG_PLATFORM__DISCORD__TOKEN".into(), bot.token.clone()),
        ("SG_PLATFORM__DISCORD__API_URL".into(), discord.rest_url()),
    ]);
    let asked =
        || discord.exchanges().iter().filter(|exchange| exchange.path == format!("/guilds/{home}/channels")).count();
    let lists = || discord.exchanges().iter().filter(|exchange| exchange.path.starts_with("/users/@me/guilds")).count();
    let mut first = Process::start(Program::Gateway, settings.clone());
    first.wait_ready().await;
    let made = eventually("there is a list", || inventory(&redis)).await;
    assert_eq!((&made["platform"], &made["servers"][0]["name"]), (&"discord".into(), &"home".into()));
    assert_eq!(
        (made["servers"][0]["id"].as_str(), channels(&made)),
        (Some(&*home.to_string()), vec![("general", "text")])
    );
    assert_eq!(made["servers"][0]["channels"][0]["id"], general.to_string().as_str());
    assert_eq!((made["left_out"]["servers"].as_u64(), asked()), (Some(0), 1));
    // A second gateway makes none. As asked for within a minute, as if it were older.
    let mut second = Process::start(Program::Gateway, settings);
    second.wait_ready().await;
    discord.add_channel(home, "news");
    let mut older = made.clone();
    older["at"] = (made["at"].as_u64().unwrap() - 120_000).into();
    redis.command(["SET", KEY, &older.to_string()]).await;
    assert_eq!(asked(), 1);
    let listen = async || redis.command(["PUBLISH", "sg:pubsub:inventory", "another"]).await.number() == 2;
    until("both listen", listen).await;
    // One answer that fails does not undo the list.
    discord.script("GET", &format!("/guilds/{home}/channels"), Fault::Status(503, When::Before));
    redis.command(["PUBLISH", "sg:pubsub:inventory", "discord"]).await;
    let is_new = async || inventory(&redis).await.filter(|new| new["at"] != older["at"]);
    let new = eventually("it is made anew", is_new).await;
    assert_eq!((channels(&new), asked()), (vec![("general", "text"), ("news", "text")], 3));
    assert_eq!(lists(), 2);
    assert_eq!(discord.limits_broken(), 0);
}
