//! An independent client against the simulated Discord: what discord.py takes for Discord is like Discord.

use std::time::Duration;

use serde_json::json;
use tests::discord::{BotHandle, BotRules, DiscordPy, DiscordServer, Fault, Group, Person, Snowflake, When};

/// The bot in a guild with a person.
struct Scene {
    server: DiscordServer,
    alice: Person,
    bot: BotHandle,
    channel: Snowflake,
    client: DiscordPy,
}

impl Scene {
    /// Waits until the bot is ready.
    async fn new() -> Self {
        // The same rules with shorter windows: the client waits for them in earnest.
        let second = Duration::from_secs(1);
        let builder = DiscordServer::builder(3).limit(Group::Messages, 5, second).limit(Group::History, 5, second);
        let server = builder.identify_every(Duration::ZERO).start().await;
        let (alice, bot) = (server.add_user("alice"), server.add_bot("python", BotRules::default()));
        let guild = server.add_guild("home", &alice, &[bot.id]);
        let channel = server.add_channel(guild, "general");
        let client = DiscordPy::start(&server, &bot);
        client.log().line("synced 1").await;
        client.log().line("ready python in ['home']").await;
        Self { server, alice, bot, channel, client }
    }

    fn says(&self, text: &str) -> Snowflake {
        self.alice.says(self.channel, text)
    }

    async fn line(&self, text: &str) {
        self.client.log().line(text).await;
    }
}

#[tokio::test]
async fn messages_go_both_ways() {
    let scene = Scene::new().await;
    let (server, channel) = (&scene.server, scene.channel);
    let asked = scene.says("ping");
    assert_eq!(server.wait_seen(channel, "pong").await.replies_to, Some(asked));
    scene.says("edit");
    assert_eq!(server.wait_seen(channel, "after").await.earlier, ["before"]);
    scene.says("delete");
    let gone = |server: &DiscordServer| {
        server.seen(channel).into_iter().find(|seen| seen.content == "going" && seen.is_deleted)
    };
    server.wait("it is deleted", gone).await;
    let liked = scene.says("react");
    let reactions = |server: &DiscordServer| {
        let seen = server.seen(channel).into_iter().find(|seen| seen.id == liked)?;
        (seen.reactions.len() == 2).then_some(seen.reactions)
    };
    assert_eq!(server.wait("two reactions", reactions).await[0], ("👍".to_owned(), vec!["python".to_owned()]));
    scene.says("history");
    scene.line("history ['history', 'react', ").await;
    scene.says("nobody");
    scene.line("refused 400 50035").await;
    scene.says("type");
    server.wait_seen(channel, "typed").await;
    scene.alice.edits(asked, "pings");
    scene.line("edited ping to pings").await;
    scene.alice.reacts(liked, "👍");
    scene.line("reaction 👍 by alice").await;
    scene.alice.types(channel);
    scene.line("typing alice").await;
    scene.alice.deletes(asked);
    scene.line("deleted pings").await;
    let dm = scene.alice.opens_dm(&scene.bot);
    scene.alice.says(dm, "ping");
    server.wait_seen(dm, "pong").await;
    assert_eq!(server.limits_broken(), 0);
}

#[tokio::test]
async fn files_threads_buttons_and_commands_work() {
    let scene = Scene::new().await;
    let (server, channel) = (&scene.server, scene.channel);
    scene.says("file");
    let sent = server.wait_seen(channel, "a file").await;
    assert_eq!(sent.files, [("poem.txt".to_owned(), b"roses".as_slice().into())]);
    scene.alice.uploads(channel, "more.txt", "violets", "");
    server.wait_seen(channel, "more.txt has 7 bytes").await;
    let topic = scene.says("thread");
    server.wait_seen(topic, "inside").await;
    scene.says("button");
    let shown = server.wait_seen(channel, "press it").await;
    assert_eq!(shown.buttons, ["press"]);
    let click = scene.alice.clicks(shown.id, "press");
    assert!(server.wait_seen(channel, "pressed by alice").await.buttons.is_empty());
    assert_eq!(server.answered(click), Some(7));
    assert_eq!(server.wait_seen(channel, "thanks").await.only_for.as_deref(), Some("alice"));
    let options = json!([{ "name": "name", "type": 3, "value": "you" }]);
    let asked = scene.alice.runs(&scene.bot, channel, "greet", &options);
    assert!(!server.wait_seen(channel, "hello, you").await.is_thinking);
    assert_eq!(server.answered(asked), Some(5));
    assert_eq!(server.limits_broken(), 0);
}

#[tokio::test]
async fn sessions_are_resumed_and_begun_again() {
    let scene = Scene::new().await;
    let (server, bot) = (&scene.server, scene.bot.id);
    let breaks: [&dyn Fn(); 3] =
        [&|| server.reconnect(bot), &|| server.cut(bot), &|| server.close(bot, 4000, "Unknown error.")];
    for (at, end) in (1..).zip(breaks) {
        end();
        // Said while nobody listens, or before the client has seen the end.
        scene.says(&format!("missed {at}"));
        server.wait("it resumes", |server| (server.resumes() == at).then_some(())).await;
        scene.line(&format!("message missed {at}")).await;
    }
    assert_eq!((server.identifies(), server.resumes()), (1, 3));
    server.invalidate(bot, false);
    server.wait("it identifies again", |server| (server.identifies() == 2).then_some(())).await;
    scene.says("ping");
    server.wait_seen(scene.channel, "pong").await;
}

#[tokio::test]
async fn limits_are_kept_and_failures_tried_again() {
    let scene = Scene::new().await;
    let (server, channel) = (&scene.server, scene.channel);
    scene.says("many");
    scene.line("sent all").await;
    let lines = server.screen(channel).iter().filter(|line| line.contains("line ")).count();
    assert_eq!(lines, 12);
    server.script("POST", "/messages", Fault::Status(502, When::Before));
    scene.says("ping");
    server.wait_seen(channel, "pong").await;
    let statuses: Vec<_> = server.exchanges().iter().filter_map(|one| one.status).collect();
    assert!(statuses.contains(&502), "{statuses:?}");
    assert_eq!(server.limits_broken(), 0, "what the headers say is understood as it is meant");
}
