//! Several gateways and one bot on a simulated Discord: its shards are shared out, move, and lose nothing that was said meanwhile.

use std::collections::BTreeMap;

use rustix::process::Signal;
use tests::{
    Answer, FreePort, ModelServer, PATIENCE, Pair, Process, Settings,
    discord::{BotHandle, BotRules, DiscordServer, Exchange, Person, Snowflake},
    until,
};

const HELD: &str = "stargazer_discord_shards_held";
const CONNECTED: &str = "stargazer_discord_shards_connected";

/// A bot with a channel on each of its shards, and a model that repeats the last word that it was told.
struct Town {
    server: DiscordServer,
    alice: Person,
    bot: BotHandle,
    channels: Vec<Snowflake>,
    model: ModelServer,
    /// What was asked in each channel, in order.
    asked: BTreeMap<Snowflake, Vec<String>>,
}

impl Town {
    async fn new(seed: u64, shards: u64) -> Self {
        let server = DiscordServer::new(seed).await;
        let rules = BotRules { shards, max_concurrency: shards, ..BotRules::default() };
        let (alice, bot) = (server.add_user("alice"), server.add_bot("crab", rules));
        let mut channels = Vec::new();
        for shard in 0..shards {
            // A guild's shard is in its id, and ids are what the clock makes them.
            let guild = loop {
                let guild = server.add_guild("home", &alice, &[]);
                if guild.shard(shards) == shard {
                    break guild;
                }
                tokio::task::yield_now().await;
            };
            server.add_member(guild, bot.id);
            channels.push(server.add_channel(guild, "general"));
        }
        let model = ModelServer::speaking(|request| {
            let conversation = request.conversation();
            let question = conversation.last().and_then(|line| line.split_whitespace().last()).unwrap_or_default();
            Answer::text(&format!("re {question}"))
        });
        Self { server, alice, bot, channels, model: model.await, asked: BTreeMap::new() }
    }

    async fn pair(&self) -> Pair {
        let settings: [(&str, &str); 6] = [
            ("SG_PLATFORM__DISCORD__TOKEN", &self.bot.token),
            ("SG_PLATFORM__DISCORD__API_URL", &self.server.rest_url()),
            ("SG_PLATFORM__WEBCHAT__ENABLED", "false"),
            ("SG_MODEL_BASE_URL", &self.model.base_url()),
            ("SG_MODEL_NAME", ModelServer::MODEL),
            ("SG_MEDIA__ALLOW", "127.0.0.0/8"),
        ];
        Pair::with(&settings).await
    }

    /// Asks once more in every channel.
    fn asks(&mut self, question: &str) {
        for channel in self.channels.clone() {
            self.asks_in(channel, question);
        }
    }

    fn asks_in(&mut self, channel: Snowflake, question: &str) {
        self.alice.says(channel, &format!("<@{}> {question}", self.bot.id));
        self.asked.entry(channel).or_default().push(format!("re {question}"));
    }

    fn said(&self, channel: Snowflake) -> Vec<String> {
        let seen = self.server.seen(channel).into_iter();
        seen.filter(|seen| !seen.is_deleted && seen.author == "crab").map(|seen| seen.content).collect()
    }

    /// Every question is answered once, and in its order.
    async fn hears_all(&self) {
        // A little earlier than the wait gives up, to show what is missing.
        let all = self.server.wait("everything is answered", |_| self.missing().is_empty().then_some(()));
        let is_all = tokio::time::timeout(PATIENCE.mul_f64(0.9), all).await.is_ok();
        assert!(is_all, "said, and not as it was asked: {:#?}", self.missing());
    }

    /// What was said where it is not what was asked.
    fn missing(&self) -> BTreeMap<Snowflake, (Vec<String>, &Vec<String>)> {
        let asked = self.asked.iter().map(|(channel, asked)| (*channel, (self.said(*channel), asked)));
        asked.filter(|(_, (said, asked))| said != *asked).collect()
    }

    /// It is written down how far each channel was read.
    async fn is_noted(&self, pair: &Pair) {
        for channel in &self.channels {
            let channel = channel.to_string();
            until("it is noted how far the channel was read", || async {
                let has = async |key| pair.redis.command(["HEXISTS", key, &channel]).await.number() == 1;
                has("sg:watermarks:discord").await || has("sg:watermarks:discord:private").await
            })
            .await;
        }
    }

    /// A first question is answered, and it is noted where reading goes on; then the gateway is stopped.
    async fn hears_and_stops(&mut self, pair: &mut Pair) {
        self.asks("a");
        self.hears_all().await;
        self.is_noted(pair).await;
        pair.gateway.signal(Signal::TERM);
        assert_eq!(pair.gateway.exit_code().await, 0);
    }

    /// No limit was met that anybody was told of, and nothing was given up.
    async fn is_clean(&self, pair: &Pair) {
        let refused: Vec<Exchange> = self.server.exchanges().into_iter().filter(|one| one.broke_limit).collect();
        assert!(refused.is_empty(), "{refused:#?}");
        assert_eq!((self.server.identifies_broken(), pair.dead_letters().await), (0, Vec::new()));
    }

    async fn connected(&self, gateways: &[(&Process, f64)]) {
        for (gateway, shards) in gateways {
            until(&format!("it has {shards} shards"), || async {
                gateway.metric(HELD).await == *shards && gateway.metric(CONNECTED).await == *shards
            })
            .await;
        }
    }
}

fn settings(pair: &Pair, more: &[(&str, &str)]) -> Settings {
    let mut settings = pair.settings();
    settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    settings
}

#[tokio::test]
async fn shards_are_shared_out_and_those_of_a_dead_gateway_are_taken_over_with_what_was_said() {
    let mut town = Town::new(21, 4).await;
    let mut pair = town.pair().await;
    let (second, _port) = pair.another_gateway().await;
    town.connected(&[(&pair.gateway, 2.0), (&second, 2.0)]).await;
    town.asks("a");
    town.hears_all().await;
    town.is_noted(&pair).await;
    pair.gateway.kill9();
    town.asks("b");
    town.asks("c");
    town.hears_all().await;
    town.connected(&[(&second, 4.0)]).await;
    town.asks("d");
    town.hears_all().await;
    assert!(second.metric("stargazer_discord_gap_messages_total").await >= 4.0);
    town.is_clean(&pair).await;
}

#[tokio::test]
async fn a_rolling_restart_while_people_write_answers_everything_once_in_order() {
    let mut town = Town::new(22, 4).await;
    let mut pair = town.pair().await;
    let (mut second, _port) = pair.another_gateway().await;
    town.connected(&[(&pair.gateway, 2.0), (&second, 2.0)]).await;
    town.asks("0");
    town.hears_all().await;
    let mut number = 0;
    for round in 0..2 {
        let gateway = if round == 0 { &mut pair.gateway } else { &mut second };
        let mut asks = |town: &mut Town| {
            number += 1;
            town.asks(&number.to_string());
        };
        asks(&mut town);
        gateway.signal(Signal::TERM);
        asks(&mut town);
        assert_eq!(gateway.exit_code().await, 0);
        asks(&mut town);
        gateway.restart();
        asks(&mut town);
        gateway.wait_ready().await;
        asks(&mut town);
        town.connected(&[(&pair.gateway, 2.0), (&second, 2.0)]).await;
        asks_last(&mut town, &mut number);
        town.hears_all().await;
    }
    town.is_clean(&pair).await;
}

fn asks_last(town: &mut Town, number: &mut u32) {
    *number += 1;
    town.asks(&number.to_string());
}

#[tokio::test]
async fn what_a_session_missed_that_cannot_be_resumed_is_read_before_what_follows() {
    let mut town = Town::new(23, 1).await;
    let channel = town.channels[0];
    // From before the bot was ever here.
    let old = town.alice.says(channel, &format!("<@{}> too old", town.bot.id));
    let pair = town.pair().await;
    let private = town.alice.opens_dm(&town.bot);
    town.channels.push(private);
    town.asks("a");
    town.hears_all().await;
    town.is_noted(&pair).await;
    for round in 0..2 {
        town.server.gap(town.bot.id);
        town.asks(&format!("b{round}"));
        town.alice.says(channel, "just talking");
        town.asks(&format!("c{round}"));
        town.server.invalidate(town.bot.id, false);
        town.asks(&format!("d{round}"));
        town.hears_all().await;
        town.asks(&format!("e{round}"));
        town.hears_all().await;
    }
    let read = async || pair.gateway.metric("stargazer_discord_gap_messages_total").await;
    let before = read().await;
    assert!(before >= 8.0);
    // All of it once more, as if no mark had been written since: it is the same to us, read by HTTP or told by the socket.
    let last = town.server.seen(channel).last().unwrap().id.to_string();
    let (key, field) = ("sg:watermarks:discord", &*channel.to_string());
    until("the last mark is written", || async { pair.redis.command(["HGET", key, field]).await.text() == last }).await;
    pair.redis.command(["HSET", key, field, &old.to_string()]).await;
    town.server.invalidate(town.bot.id, false);
    until("all of it is read again", || async { read().await >= before + 10.0 }).await;
    town.asks("f");
    town.hears_all().await;
    assert!(
        !pair.gateway.log().with("messages that were missed are taken").is_empty(),
        "{:?}",
        pair.gateway.log().lines()
    );
    town.is_clean(&pair).await;
}

#[tokio::test]
async fn of_a_long_gap_the_latest_messages_are_read_and_it_is_said() {
    let mut town = Town::new(24, 1).await;
    let channel = town.channels[0];
    let mut pair = town.pair().await;
    town.hears_and_stops(&mut pair).await;
    town.alice.says(channel, &format!("<@{}> too many", town.bot.id));
    (0..5).for_each(|number| _ = town.alice.says(channel, &format!("talk {number}")));
    town.asks("b");
    let settings = settings(&pair, &[("SG_PLATFORM__DISCORD__GAP_MESSAGES", "3")]);
    let mut gateway = Process::start(tests::Program::Gateway, settings);
    gateway.wait_ready().await;
    town.asks("c");
    town.hears_all().await;
    gateway.log().line("in some channels the latest alone").await;
    assert_eq!(gateway.metric("stargazer_discord_gaps_cut_total").await, 1.0);
}

#[tokio::test]
async fn a_gap_that_is_longer_than_the_buffer_is_taken_as_there_is_room() {
    let mut town = Town::new(26, 1).await;
    let channel = town.channels[0];
    let mut pair = town.pair().await;
    town.hears_and_stops(&mut pair).await;
    (0..80).for_each(|number| _ = town.alice.says(channel, &format!("talk {number}")));
    town.asks("b");
    let mut gateway = Process::start(tests::Program::Gateway, settings(&pair, &[("SG_GATEWAY__BUFFER_ENTRIES", "4")]));
    gateway.wait_ready().await;
    town.hears_all().await;
    assert_eq!(gateway.metric("stargazer_discord_gap_messages_total").await, 81.0);
    assert_eq!(gateway.log().with("an event is lost"), Vec::<String>::new());
    until("all of it is written down", || async { pair.unfinished().await == 0 }).await;
    let history = pair.redis.command(["KEYS", "sg:history:*"]).await.list()[0].text().to_owned();
    assert_eq!(pair.redis.command(["LLEN", &history]).await.number(), 84, "and each once");
}

#[tokio::test]
async fn messages_that_there_is_no_room_for_are_read_again() {
    let mut town = Town::new(28, 1).await;
    let channel = town.channels[0];
    let mut pair = town.pair().await;
    town.hears_and_stops(&mut pair).await;
    let mut gateway = Process::start(tests::Program::Gateway, settings(&pair, &[("SG_GATEWAY__BUFFER_ENTRIES", "4")]));
    gateway.wait_ready().await;
    // Nothing is read from before any more, for which events would wait.
    town.asks("second");
    town.hears_all().await;
    pair.redis.kill();
    (0..40).for_each(|number| _ = town.alice.says(channel, &format!("talk {number}")));
    town.asks("b");
    until("there was no room for some", || async { gateway.metric("stargazer_ingress_refused_total").await > 0.0 })
        .await;
    pair.redis.start().await;
    town.hears_all().await;
    assert_eq!(gateway.log().with("an event is lost"), Vec::<String>::new());
    until("all of it is written down", || async { pair.unfinished().await == 0 }).await;
    let history = pair.redis.command(["KEYS", "sg:history:*"]).await.list()[0].text().to_owned();
    assert_eq!(pair.redis.command(["LLEN", &history]).await.number(), 46, "and each once");
}

#[tokio::test]
async fn a_gateway_without_a_way_to_discord_leaves_its_shards_to_the_others() {
    let mut town = Town::new(27, 2).await;
    let pair = town.pair().await;
    town.connected(&[(&pair.gateway, 2.0)]).await;
    // Nobody listens there.
    let url = format!("ws://{}", FreePort::new());
    let lost = Process::start(tests::Program::Gateway, settings(&pair, &[("SG_PLATFORM__DISCORD__GATEWAY_URL", &url)]));
    let began = std::time::Instant::now();
    town.connected(&[(&pair.gateway, 1.0)]).await;
    town.asks("a");
    until("it has waited for a connection for half a minute", || async { began.elapsed() > PATIENCE.mul_f64(0.9) })
        .await;
    until("and for another one", || async { began.elapsed() > PATIENCE.mul_f64(1.8) }).await;
    lost.log().line("left to the other gateways until there is a way to Discord").await;
    town.connected(&[(&pair.gateway, 2.0)]).await;
    town.hears_all().await;
    let ready = lost.get("/readyz").await.expect("it answers");
    assert!(ready.status != 200 && ready.body.contains("no connection to Discord's gateway"), "{}", ready.body);
}

#[tokio::test]
async fn a_bot_that_has_outgrown_its_shards_connects_with_more() {
    let mut town = Town::new(25, 1).await;
    let pair = town.pair().await;
    let (second, _port) = pair.another_gateway().await;
    town.connected(&[(&pair.gateway, 1.0), (&second, 0.0)]).await;
    town.asks("a");
    town.hears_all().await;
    town.server.outgrows(town.bot.id, 2);
    let line = pair.gateway.log().line("does not take the bot with 1 shards any more (4011)").await;
    assert!(line.contains("asked for their number"), "{line}");
    town.connected(&[(&pair.gateway, 1.0), (&second, 1.0)]).await;
    assert_eq!(town.server.sockets(town.bot.id), 2);
    town.asks("b");
    town.hears_all().await;
    assert_eq!(pair.gateway.log().with("does not take the bot").len(), 1);
    town.is_clean(&pair).await;
}
