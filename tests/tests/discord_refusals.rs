//! What a simulated Discord refuses for good: it lies among the dead letters with its code, and everything else goes on.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use bus::{Role, Shards};
use codec::{ActionType, Outbound};
use serde_json::Value;
use tests::{
    Answer, Gate, ModelServer, Pair, Process, Program, Settings,
    discord::{Home, Permissions, Snowflake},
    eventually, until,
};

/// All dead letters as `stargazer dlq list` shows them, once there are so many: lane, code, role and number of tries.
async fn letters(pair: &Pair, count: usize) -> Vec<(String, String, String, u64)> {
    until("they are dead letters", || async { pair.dead_letters().await.len() >= count }).await;
    let mut list = Process::start_with(Program::Cli, &["dlq", "list", "--json"], pair.settings());
    assert_eq!(list.exit_code().await, 0);
    let lines = eventually("the list is read", || async {
        let lines: Vec<Value> = list.log().lines().iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (lines.len() >= count).then_some(lines)
    })
    .await;
    let text = |line: &Value, field: &str| line[field].as_str().unwrap().to_owned();
    let letter =
        |line: &Value| (text(line, "lane"), text(line, "code"), text(line, "role"), line["attempt"].as_u64().unwrap());
    let mut letters: Vec<_> = lines.iter().map(letter).collect();
    letters.sort();
    letters
}

/// Letters of actions that were tried once.
fn expected(letters: &[(Snowflake, &str)]) -> Vec<(String, String, String, u64)> {
    let letter = |(place, code): &(Snowflake, &str)| {
        (format!("discord:{place}"), (*code).to_owned(), "outbound:discord".to_owned(), 1)
    };
    let mut letters: Vec<_> = letters.iter().map(letter).collect();
    letters.sort();
    letters
}

/// What the bot shows there.
fn said(home: &Home, place: Snowflake) -> Vec<String> {
    let seen = home.server.seen(place).into_iter();
    seen.filter(|seen| !seen.is_deleted && seen.author == "crab").map(|seen| seen.content).collect()
}

#[tokio::test]
async fn an_answer_that_may_not_be_there_any_more_is_a_dead_letter_and_the_lanes_go_on() {
    let home = Home::new(1).await;
    let (gone, other) = (home.server.add_channel(home.guild, "gone"), home.server.add_channel(home.guild, "other"));
    let private = home.alice.opens_dm(&home.bot);
    let pair = home.pair(Settings::new()).await;
    let asks = |place: Snowflake| home.alice.says(place, &format!("<@{}> hello", home.bot.id));
    let gate = Gate::new();
    let places = [home.channel, gone, private];
    for (number, place) in places.into_iter().enumerate() {
        home.model.script(Answer::stream().wait(&gate).token("never seen").done());
        asks(place);
        home.model.request(number).await;
    }
    home.server.deny(home.channel, home.bot.id, Permissions::SEND_MESSAGES);
    home.server.delete_channel(gone);
    home.alice.closes_dms(true);
    gate.open();
    let codes = [(home.channel, "forbidden"), (gone, "channel_gone"), (private, "blocked")];
    assert_eq!(letters(&pair, 3).await, expected(&codes));
    for place in places {
        let path = format!("/channels/{place}/messages");
        let tries = home.server.exchanges().into_iter().filter(|one| one.method == "POST" && one.path == path).count();
        // One to show it while it is being written, and one for all of it.
        assert!((1..=2).contains(&tries), "{place}: {:#?}", home.server.exchanges());
    }
    assert_eq!(pair.gateway.log().with("not delivered yet"), Vec::<String>::new());
    asks(other);
    home.server.wait_seen(other, ModelServer::SAYS).await;
    home.server.allow(home.channel, home.bot.id, Permissions::SEND_MESSAGES);
    home.alice.closes_dms(false);
    for place in [home.channel, private] {
        asks(place);
        home.server.wait_seen(place, ModelServer::SAYS).await;
        assert_eq!(said(&home, place), [ModelServer::SAYS], "what was given up does not come later");
    }
    until("nothing is left to do", || async { pair.unfinished().await == 0 }).await;
    assert_eq!((pair.dead_letters().await.len(), home.server.limits_broken()), (3, 0));
}

#[tokio::test]
async fn an_action_that_is_refused_holds_up_nothing_behind_it_in_its_lane() {
    let home = Home::new(2).await;
    let pair = home.pair(Settings::new()).await;
    let (theirs, deleted) = (home.alice.says(home.channel, "mine"), home.alice.says(home.channel, "not for long"));
    home.alice.deletes(deleted);
    let lane = format!("discord:{}", home.channel);
    let bus = pair.redis.bus(Shards::DEFAULT).await;
    let stream = bus.names().stream(&Role::Outbound("discord".into()), bus.names().shards.of(&lane));
    let about =
        |action, target: Snowflake| Outbound { action, target: Some(target.to_string()), ..Outbound::default() };
    let message = |text: &str| Outbound { action: ActionType::Message, text: text.into(), ..Outbound::default() };
    let actions = [
        message("first"),
        Outbound { text: "yours".into(), ..about(ActionType::Edit, theirs) },
        about(ActionType::Delete, theirs),
        message("second"),
        Outbound { emoji: "thumb".into(), ..about(ActionType::Reaction, theirs) },
        Outbound { text: "late".into(), ..about(ActionType::Edit, deleted) },
        message("third"),
    ];
    for (number, action) in actions.into_iter().enumerate() {
        let action = Outbound {
            channel_key: Some(lane.clone()),
            channel_id: Some(home.channel.to_string()),
            platform: "discord".into(),
            message_key: Some(format!("service:{number}:0")),
            trace_id: "t".into(),
            ..action
        };
        assert_eq!(action.validate(), Ok(()));
        pair.append(&stream, &action.to_bytes()).await;
    }
    home.hears(&["first", "second", "third"]).await;
    let codes = ["forbidden", "forbidden", "invalid", "gone"].map(|code| (home.channel, code));
    assert_eq!(letters(&pair, 4).await, expected(&codes));
    assert_eq!(pair.gateway.log().with("not delivered yet"), Vec::<String>::new());
    assert_eq!(home.server.limits_broken(), 0);
}
