//! `stargazer config check --online`: what Redis, the model and Discord say to the settings.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use tests::{
    FreePort, ModelServer, Program, RedisServer, Settings,
    discord::{BotRules, DiscordServer, Intents, Permissions},
};

/// Exit code, what was good, and what was not.
async fn check(settings: &Settings) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::new(Program::Cli.path());
    command.args(["config", "check", "--online"]).env_clear().envs(settings).current_dir(folder.path());
    let output = tests::within("it is checked", command.output()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "missing {line:?} in\n{text}");
    }
}

#[tokio::test]
async fn what_is_there_is_said_and_what_is_lacking_with_what_to_do() {
    let (redis, model, discord) = (RedisServer::new().await, ModelServer::new().await, DiscordServer::new(1).await);
    let (alice, bot) = (discord.add_user("alice"), discord.add_bot("crab", BotRules::default()));
    let home = discord.add_guild("home", &alice, &[bot.id]);
    let mut settings: Settings = [
        ("SG_REDIS_URL".to_owned(), redis.url()),
        ("SG_MODEL_BASE_URL".into(), model.base_url()),
        ("SG_MODEL_NAME".into(), ModelServer::MODEL.into()),
        ("SG_PLATFORM__DISCORD__TOKEN".into(), bot.token.clone()),
        ("SG_PLATFORM__DISCORD__API_URL".into(), discord.rest_url()),
    ]
    .into();
    let (code, good, bad) = check(&settings).await;
    assert_eq!((code, bad.as_str()), (0, ""), "{good}");
    has(
        &good,
        &[
            "ok\n",
            "redis: it answers (the one that is set)\n",
            "/v1/models answers\n",
            "platform.discord: Discord knows the token of crab\n",
            "platform.discord: it may connect 1000 more times today, of 1000; a start takes 1\n",
            "platform.discord: it has the intent Message Content\n",
            "platform.discord: it may do all that it needs in 1 of 1 servers\n",
        ],
    );
    // More servers than a page has, one of them without two permissions.
    for number in 0..201 {
        discord.add_guild(&format!("server {number}"), &alice, &[bot.id]);
    }
    discord
        .everyone_may(home, Permissions::USUAL.without(Permissions::ATTACH_FILES).without(Permissions::ADD_REACTIONS));
    settings.insert("SG_MODEL_NAME".into(), "another".into());
    let (code, good, bad) = check(&settings).await;
    assert_eq!((code, bad.lines().count()), (64, 1), "{bad}");
    has(
        &bad,
        &[
            "platform.discord: in the server \"home\"",
            "lacks Attach Files, Add Reactions:",
            "scope=bot+applications.commands",
        ],
    );
    has(
        &good,
        &["in 201 of 202 servers", &format!("it does not list `another` (SG_MODEL_NAME), but {}", ModelServer::MODEL)],
    );
    assert!(!good.contains(&bot.token) && !bad.contains(&bot.token));
}

#[tokio::test]
async fn a_redis_that_loses_what_it_has_is_said_to() {
    let redis = RedisServer::new().await;
    redis.command(["CONFIG", "SET", "appendonly", "no"]).await;
    redis.command(["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    let (code, good, bad) = check(&[("SG_REDIS_URL".to_owned(), redis.url())].into()).await;
    assert_eq!((code, bad.as_str()), (0, ""), "{good}");
    has(
        &good,
        &["redis has no append-only file", "throws away what is in it when its memory is used up (allkeys-lru)"],
    );
}

#[tokio::test]
async fn each_fault_is_one_line() {
    let (redis, discord) = (RedisServer::new().await, DiscordServer::new(2).await);
    let rules = BotRules { privileged: Intents(0), starts_max: 0, ..BotRules::default() };
    let bot = discord.add_bot("shrimp", rules);
    let nowhere = FreePort::new();
    let mut settings: Settings = [
        ("SG_REDIS_URL".to_owned(), format!("redis://{nowhere}")),
        ("SG_MODEL_BASE_URL".into(), format!("http://{nowhere}/v1")),
        ("SG_MODEL_NAME".into(), "m".into()),
        ("SG_PLATFORM__DISCORD__TOKEN".into(), bot.token.clone()),
        ("SG_PLATFORM__DISCORD__API_URL".into(), discord.rest_url()),
    ]
    .into();
    let (code, _, bad) = check(&settings).await;
    assert_eq!((code, bad.lines().count()), (64, 5), "{bad}");
    has(
        &bad,
        &[
            "redis.url: ",
            "model.base_url: no connection to",
            "the bot may connect 0 more times before",
            "platform.discord.message_content: the bot has not the intent Message Content",
            "the bot is in no server yet: invite it by https://discord.com/oauth2/authorize?client_id=",
        ],
    );
    settings.insert("SG_REDIS_URL".into(), redis.url());
    settings.insert("SG_PLATFORM__DISCORD__TOKEN".into(), "bad.bad.bad".into());
    let (code, _, bad) = check(&settings).await;
    assert_eq!((code, bad.lines().count()), (64, 2), "{bad}");
    has(&bad, &["platform.discord.token: Discord does not know this bot's token"]);
    settings.insert("SG_PLATFORM__DISCORD__API_URL".into(), format!("http://{nowhere}"));
    has(&check(&settings).await.2, &["platform.discord.api_url: GET /users/@me at http://127.0.0.1:"]);
}
