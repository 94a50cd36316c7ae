//! The pair as it is, on a simulated Discord: what people see there, whatever happens on the way.

use std::time::Duration;

use codec::{ActionType, Button, Outbound, Status, TypingState};
use tests::{
    Answer, Gate, ModelServer, Pair, Process, Program, RedisServer, Settings,
    discord::{BotRules, Fault, Home, Intents, Scope, Snowflake, When},
    until,
};

#[tokio::test]
async fn who_calls_the_bot_is_answered_in_order_and_nobody_else() {
    let home = Home::new(1).await;
    let _pair = home.pair(Settings::new()).await;
    home.model.script(Answer::text("one"));
    home.model.script(Answer::text("two"));
    home.model.script(Answer::text("three"));
    home.alice.says(home.channel, "just talking");
    home.asks("first");
    home.asks("second");
    home.hears(&["one", "two"]).await;
    let answer = home.server.seen(home.channel).into_iter().find(|seen| seen.content == "two").unwrap();
    home.alice.replies(answer.id, "and a third");
    home.hears(&["one", "two", "three"]).await;
    // What was said to others is known, and was not answered.
    let requests = home.model.requests();
    assert_eq!(requests.len(), 3);
    assert!(format!("{:?}", requests[0]).contains("just talking"));
    assert_eq!(home.server.limits_broken(), 0);
}

#[tokio::test]
async fn a_private_word_and_a_thread_are_conversations_of_their_own() {
    let home = Home::new(2).await;
    let _pair = home.pair(Settings::new()).await;
    let private = home.alice.opens_dm(&home.bot);
    home.model.script(Answer::text("in private"));
    home.alice.says(private, "psst");
    home.server.wait_seen(private, "in private").await;
    let start = home.alice.says(home.channel, "a topic");
    let thread = home.alice.starts_thread(start, "topic");
    home.model.script(Answer::text("in the thread"));
    home.alice.says(thread, &format!("<@{}> here?", home.bot.id));
    home.server.wait_seen(thread, "in the thread").await;
    assert_eq!((home.said(), home.server.limits_broken()), (Vec::new(), 0));
}

#[tokio::test]
async fn an_edit_while_it_is_answered_changes_the_answer_in_its_place() {
    let home = Home::new(3).await;
    let _pair = home.pair(Settings::new()).await;
    let gate = Gate::new();
    home.model.script(Answer::paced(&gate, ["old ", "answer ", "goes ", "on"]));
    home.model.script(Answer::text("new answer"));
    let asked = home.asks("the old question");
    home.model.request(0).await;
    gate.release(2);
    home.server.wait_seen(home.channel, "old").await;
    home.alice.edits(asked, &format!("<@{}> the new question", home.bot.id));
    home.hears(&["new answer"]).await;
    let answers: Vec<_> = home.server.seen(home.channel).into_iter().filter(|seen| seen.author == "crab").collect();
    assert_eq!(answers.len(), 1, "one message, which was changed: {answers:?}");
    assert_eq!(home.server.limits_broken(), 0);
}

#[tokio::test]
async fn a_long_answer_comes_in_parts_in_order() {
    let home = Home::new(4).await;
    let _pair = home.pair(Settings::new()).await;
    let words: Vec<String> = (0..900).map(|n| format!("w{n}")).collect();
    home.model.script(Answer::text(&words.join(" ")));
    let asked = home.asks("tell me everything");
    let whole = |home: &Home| home.said().join(" ").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    home.server.wait("all of it", |_| (whole(&home) == words).then_some(())).await;
    assert!(home.said().len() > 1 && home.said().iter().all(|part| part.chars().count() <= 2000));
    let answered = home.server.seen(home.channel).into_iter().filter(|seen| seen.author == "crab");
    let answered: Vec<_> = answered.map(|seen| seen.replies_to).collect();
    assert!(answered[0] == Some(asked) && answered[1..].iter().all(Option::is_none), "{answered:?}");
    assert_eq!(home.server.limits_broken(), 0);
}

#[tokio::test]
async fn typing_is_shown_until_there_is_something_to_see() {
    let home = Home::new(16).await;
    let gate = Gate::new();
    home.model.script(Answer::stream().wait(&gate).token("hello").done());
    let pair = home.pair(Settings::new()).await;
    home.asks("are you there?");
    let requests = |what: &str| {
        let exchanges = home.server.exchanges();
        exchanges.iter().enumerate().filter(|(_, one)| one.path.contains(what)).map(|(at, _)| at).collect::<Vec<_>>()
    };
    home.server.wait("typing", |_| (!requests("/typing").is_empty()).then_some(())).await;
    gate.open();
    home.hears(&["hello"]).await;
    home.asks("and now?");
    home.hears(&["hello", ModelServer::SAYS]).await;
    drop(pair);
    let (typing, said) = (requests("/typing"), requests("/messages"));
    assert!(typing.last() < said.last(), "somebody writes when all is said: {typing:?} {said:?}");
}

#[tokio::test]
async fn typing_is_shown_again_and_again_while_a_turn_lasts_and_not_after_it() {
    let home = Home::new(17).await;
    let other = home.server.add_channel(home.guild, "other");
    let (first, second) = (Gate::new(), Gate::new());
    for gate in [&first, &second] {
        home.model.script(Answer::stream().wait(gate).token("at last").done());
    }
    let pair = home.pair(Settings::new()).await;
    let typed = |place: Snowflake| home.asked("POST", &format!("/channels/{place}/typing"));
    let types = async |place: Snowflake, times: usize| {
        let is_typed = |_: &_| (typed(place) >= times).then_some(());
        home.server.wait(&format!("typing for the {times}. time"), is_typed).await;
    };
    home.asks("take your time");
    home.model.request(0).await;
    types(home.channel, 1).await;
    // It says when the first one would show it again: a little earlier.
    home.alice.says(other, &format!("<@{}> and you too", home.bot.id));
    types(other, 2).await;
    assert!(typed(home.channel) >= 2, "{}", typed(home.channel));
    first.open();
    home.hears(&["at last"]).await;
    let shown = typed(home.channel);
    types(other, 3).await;
    assert_eq!(typed(home.channel), shown, "somebody writes when all is said");
    assert_eq!(home.server.screen(other).len(), 1);
    second.open();
    home.server.wait_seen(other, "at last").await;
    assert_eq!((pair.dead_letters().await, home.server.limits_broken()), (Vec::new(), 0));
}

#[tokio::test]
async fn two_bots_of_one_deployment_keep_to_themselves() {
    let home = Home::new(5).await;
    let other = home.server.add_bot("prawn", BotRules::default());
    home.server.add_member(home.guild, other.id);
    let _pair = home.pair(home.settings("second", &other)).await;
    home.model.script(Answer::text("crab speaking"));
    home.asks("hello crab");
    home.server.wait_seen(home.channel, "crab speaking").await;
    home.model.script(Answer::text("prawn speaking"));
    home.alice.says(home.channel, &format!("<@{}> hello prawn", other.id));
    home.server.wait_seen(home.channel, "prawn speaking").await;
    let screen = home.server.screen(home.channel);
    assert_eq!((&*screen[1], &*screen[3], screen.len()), ("crab: crab speaking", "prawn: prawn speaking", 4));
}

#[tokio::test]
async fn a_bad_token_and_a_missing_intent_are_one_clear_line() {
    let mut home = Home::new(6).await;
    for (rules, lack) in [(None, "does not know this bot's token"), (Some(Intents(0)), "message_content = false")] {
        match rules {
            None => home.bot.token = "bad.bad.bad".into(),
            Some(privileged) => {
                let rules = BotRules { privileged, ..BotRules::default() };
                home.bot = home.server.add_bot("shrimp", rules);
                home.server.add_member(home.guild, home.bot.id);
            }
        }
        let redis = RedisServer::new().await;
        let mut settings = Pair::settings_on(&redis);
        settings.extend(home.settings("discord", &home.bot));
        settings.insert("SG_PLATFORM__WEBCHAT__ENABLED".into(), "false".into());
        let gateway = Process::start(Program::Gateway, settings);
        let line = gateway.log().line(lack).await;
        assert!(line.contains("discord.com/developers/applications"), "{line}");
        gateway.wait_not_ready().await;
        // Its second try is the one that waits.
        until("it has failed", || async { gateway.metric("stargazer_platform_failures_total").await > 0.0 }).await;
        assert_eq!(gateway.log().with(lack).len(), 1, "{:?}", gateway.log().lines());
    }
    assert!(home.server.invalid_requests() <= 1);
}

#[tokio::test]
async fn whatever_an_answer_meets_on_its_way_it_is_there_once() {
    let home = Home::new(7).await;
    let _pair = home.pair(Settings::new()).await;
    let faults = [
        Fault::Status(502, When::After),
        Fault::Status(500, When::Before),
        Fault::Cut(When::After),
        Fault::Cut(When::Before),
        Fault::TooMany(Scope::User, Duration::from_millis(300)),
        Fault::TooMany(Scope::Shared, Duration::from_millis(300)),
        Fault::TooMany(Scope::Global, Duration::from_millis(300)),
    ];
    let mut said = Vec::new();
    for (number, fault) in faults.into_iter().enumerate() {
        home.server.script("POST", "/messages", fault);
        said.push(format!("answer {number}"));
        home.model.script(Answer::text(&said[number]));
        home.asks(&format!("question {number}"));
        home.hears(&said.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    assert_eq!(home.server.limits_broken(), 0);
}

#[tokio::test]
async fn a_gateway_that_dies_in_the_middle_of_a_send_has_sent_it_once() {
    let home = Home::new(8).await;
    let mut pair = home.pair(Settings::new()).await;
    for when in [When::After, When::Before] {
        let gate = Gate::new();
        home.server.script("POST", "/messages", Fault::Held(gate.clone(), when));
        let text = format!("sent {when:?}");
        home.model.script(Answer::text(&text));
        let before = home.server.exchanges().len();
        home.asks("hello");
        let is_made = |home: &Home| home.said().contains(&text);
        match when {
            When::After => home.server.wait("it is made", |_| is_made(&home).then_some(())).await,
            When::Before => {
                home.model.request(1).await;
                until("a send is under way", || async {
                    pair.redis.command(["KEYS", "sg:sends:*"]).await.list().len() > 1
                        || home.server.exchanges().len() > before
                })
                .await;
            }
        }
        pair.gateway.kill9();
        gate.open();
        pair.gateway.restart();
        pair.gateway.wait_ready().await;
        home.server.wait("it is there", |_| is_made(&home).then_some(())).await;
        until("nothing is left to do", || async { pair.unfinished().await == 0 }).await;
    }
    assert_eq!(home.said(), ["sent After", "sent Before"]);
}

#[tokio::test]
async fn other_services_press_react_change_and_take_away() {
    let home = Home::new(9).await;
    let pair = home.pair(Settings::new()).await;
    let does = async |number: u32, action: Outbound| {
        let action = Outbound {
            channel_id: Some(home.channel.to_string()),
            platform: "discord".into(),
            message_key: Some(format!("service:{number}:0")),
            trace_id: "t".into(),
            ..action
        };
        pair.append("sg:stream:outbound:discord", &action.to_bytes()).await;
    };
    let button = Button { label: "Stop".into(), custom_id: Some("sg:stop".into()), ..Button::default() };
    let buttons = Outbound { action: ActionType::Buttons, buttons: vec![vec![button]], ..Outbound::default() };
    does(1, Outbound { text: "Well? @everyone".into(), ..buttons }).await;
    let asked = home.server.wait_seen(home.channel, "Well?").await;
    let click = home.alice.clicks(asked.id, "sg:stop");
    home.server.wait("the click is acknowledged", |server| server.answered(click)).await;
    let target = Some(asked.id.to_string());
    let with = |action| Outbound { action, target: target.clone(), ..Outbound::default() };
    does(2, Outbound { emoji: "\u{1f44d}".into(), ..with(ActionType::Reaction) }).await;
    let find = |id| home.server.seen(home.channel).into_iter().find(|seen| seen.id == id).unwrap();
    home.server.wait("the reaction", |_| (find(asked.id).reactions.len() == 1).then_some(())).await;
    does(3, Outbound { text: "Well.".into(), ..with(ActionType::Edit) }).await;
    home.server.wait("the edit", |_| (find(asked.id).content == "Well.").then_some(())).await;
    let file = Outbound { action: ActionType::File, filename: Some("a b.md".into()), ..Outbound::default() };
    does(4, Outbound { data: Some("roses".into()), text: "a file".into(), ..file }).await;
    let file = home.server.wait_seen(home.channel, "a file").await;
    assert_eq!(file.files.first().map(|(_, bytes)| &bytes[..]), Some(&b"roses"[..]), "{file:?}");
    does(5, Outbound { action: ActionType::Typing, state: Some(TypingState::Start), ..Outbound::default() }).await;
    does(6, Outbound { action: ActionType::Presence, status: Some(Status::Idle), ..Outbound::default() }).await;
    does(7, with(ActionType::Delete)).await;
    home.server.wait("it is gone", |_| find(asked.id).is_deleted.then_some(())).await;
    // Once more: what is gone is as good as taken away.
    does(8, with(ActionType::Delete)).await;
    does(9, Outbound { action: ActionType::Message, text: "the end".into(), ..Outbound::default() }).await;
    let end = home.server.wait_seen(home.channel, "the end").await;
    // What the bot said itself is found by its key, also by who does not know the platform's id.
    let by_key = |key: &str, action| Outbound { action, target_key: Some(key.into()), ..Outbound::default() };
    does(10, Outbound { text: "The end.".into(), ..by_key("service:9:0", ActionType::Edit) }).await;
    home.server.wait("the edit by key", |_| (find(end.id).content == "The end.").then_some(())).await;
    let answer = home.asks("hello");
    home.server.wait_seen(home.channel, ModelServer::SAYS).await;
    let emoji = "\u{1f44d}".to_owned();
    does(11, Outbound { emoji, ..by_key(&format!("discord:{answer}:0"), ActionType::Reaction) }).await;
    let said = || home.server.seen(home.channel).into_iter().find(|seen| seen.content == ModelServer::SAYS);
    home.server.wait("its reaction", |_| said().filter(|seen| !seen.reactions.is_empty()).map(|_| ())).await;
    assert_eq!((pair.dead_letters().await, home.server.limits_broken()), (Vec::new(), 0));
}

#[tokio::test]
async fn a_file_for_the_bot_is_fetched_when_it_comes() {
    let home = Home::new(10).await;
    let pair = home.pair(Settings::new()).await;
    home.alice.uploads(home.channel, "mine.txt", "not for you", "look at this");
    home.alice.uploads(home.channel, "yours.txt", "roses are red", &format!("<@{}> what is in it?", home.bot.id));
    home.hears(&[ModelServer::SAYS]).await;
    until("it is fetched", || async { pair.gateway.metric("stargazer_media_files_total").await > 0.0 }).await;
    assert_eq!(pair.redis.command(["KEYS", "sg:media:*"]).await.list().len(), 1);
}
