//! Tables of events, and every absurd one.

use codec::{InboundView, Triggers};
use serde_json::json;
use service::DiscordCommand;

use super::*;

const ME: u64 = 5;

/// What an event becomes for a bot that knows one channel (2) with one thread (3).
fn events(kind: &str, data: &Value, takes_bots: bool) -> Option<Result<Vec<Inbound>, Dropped>> {
    let platform = PlatformName::new("discord").unwrap();
    let mut rooms = Rooms::default();
    rooms.learn("CHANNEL_CREATE", &json!({ "id": "2", "type": 0, "name": "general" }));
    rooms.learn("THREAD_CREATE", &json!({ "id": "3", "type": 11, "name": "bugs", "parent_id": "2" }));
    let triggers = Triggers::new(&["crab".to_owned()]);
    let (platform, triggers, rooms) = (&platform, &triggers, &rooms);
    let commands = &[DiscordCommand {
        name: "ask".into(),
        description: "Asks.".into(),
        option: Some("what".into()),
        option_description: "What to ask".into(),
        option_required: false,
    }];
    let reading = Reading { platform, me: ME, triggers, takes_bots, commands, rooms, now_ms: 1_700_000_000_500 };
    let read = read(&reading, kind, data);
    for inbound in read.iter().flatten().flatten() {
        inbound.validate().unwrap_or_else(|error| panic!("{error}: {inbound:?}"));
        InboundView::decode(&inbound.to_bytes()).unwrap();
    }
    read
}

fn one(kind: &str, data: &Value) -> Result<Inbound, Dropped> {
    events(kind, data, false).unwrap().map(|mut all| {
        assert_eq!(all.len(), 1);
        all.remove(0)
    })
}

fn message(more: &Value) -> Value {
    let mut message = json!({
        "id": "1482309033636531201", "channel_id": "2", "guild_id": "1", "type": 0, "content": "hello",
        "author": { "id": "7", "username": "mira", "global_name": "Mira", "bot": false },
        "member": { "nick": null, "roles": ["11", "12"] }, "mentions": [], "attachments": [], "embeds": [],
    });
    for (field, value) in more.as_object().unwrap() {
        message[field] = value.clone();
    }
    message
}

#[test]
fn a_message_says_where_who_and_what() {
    let inbound =
        one("MESSAGE_CREATE", &message(&json!({ "channel_id": "3", "message_reference": { "message_id": "9" } })))
            .unwrap();
    assert_eq!((inbound.channel_key.as_str(), inbound.channel_id.as_str()), ("discord:3", "2"));
    assert_eq!((inbound.thread_id.as_deref(), inbound.parent_id.as_deref()), (Some("3"), Some("2")));
    assert_eq!(
        (inbound.room_name.as_deref(), inbound.guild_id.as_deref(), inbound.is_dm),
        (Some("bugs"), Some("1"), false)
    );
    assert_eq!((inbound.username.as_str(), inbound.display_name.as_deref()), ("mira", Some("Mira")));
    assert_eq!(
        (inbound.member_roles.as_slice(), inbound.reply_to.as_deref()),
        (&["11".into(), "12".into()][..], Some("9"))
    );
    assert_eq!(inbound.event_id.as_deref(), Some("discord:1482309033636531201"));
    assert_eq!((inbound.timestamp, inbound.is_addressed), (1_773_480_413.589, false));
    // A channel that is not known yet is the same lane.
    let unknown = one("MESSAGE_CREATE", &message(&json!({ "channel_id": "99" }))).unwrap();
    assert_eq!((unknown.channel_key.as_str(), unknown.thread_id), ("discord:99", None));
}

#[test]
fn it_is_addressed_in_private_by_mention_by_reply_and_by_trigger() {
    for more in [
        json!({ "guild_id": null, "channel_id": "50" }),
        json!({ "mentions": [{ "id": "5" }] }),
        json!({ "referenced_message": { "author": { "id": "5" } } }),
        json!({ "content": "Crab?" }),
    ] {
        assert!(one("MESSAGE_CREATE", &message(&more)).unwrap().is_addressed, "{more}");
    }
    assert!(!one("MESSAGE_CREATE", &message(&json!({ "mention_everyone": true }))).unwrap().is_addressed);
    // A channel of a server stays one where an event lacks its server.
    assert!(!one("MESSAGE_CREATE", &message(&json!({ "guild_id": null }))).unwrap().is_dm);
}

#[test]
fn bots_and_what_nobody_wrote_are_dropped() {
    let bot = json!({ "author": { "id": "8", "bot": true } });
    for (more, why) in [
        (json!({ "author": { "id": "5", "bot": true } }), Dropped::Own),
        (bot.clone(), Dropped::Bot),
        (json!({ "webhook_id": "77" }), Dropped::Bot),
        (json!({ "type": 7 }), Dropped::System),
        (json!({ "type": 4_000_000_000u64 }), Dropped::System),
        (json!({ "content": "" }), Dropped::Empty),
    ] {
        assert_eq!(one("MESSAGE_CREATE", &message(&more)).unwrap_err(), why, "{more}");
    }
    let taken = events("MESSAGE_CREATE", &message(&bot), true).unwrap().unwrap();
    assert_eq!((taken[0].user_id.as_str(), taken[0].username.as_str()), ("8", "8"));
    let own = message(&json!({ "author": { "id": "5" } }));
    assert_eq!(events("MESSAGE_CREATE", &own, true), Some(Err(Dropped::Own)), "whatever is set");
}

#[test]
fn an_edit_has_its_own_identity_and_time() {
    let edit = message(&json!({ "edited_timestamp": "2026-03-14T09:30:00.250000+00:00", "content": "hello again" }));
    let inbound = one("MESSAGE_UPDATE", &edit).unwrap();
    assert_eq!(
        (inbound.kind, inbound.content.as_str(), inbound.timestamp),
        (Kind::Edit, "hello again", 1_773_480_600.25)
    );
    let event = "discord:edit:1482309033636531201:2026-03-14T09:30:00.250000+00:00";
    assert_eq!(inbound.event_id.as_deref(), Some(event));
    // The preview of a link comes as an update as well.
    assert_eq!(one("MESSAGE_UPDATE", &message(&json!({ "edited_timestamp": null }))), Err(Dropped::NoChange));
    let partial = json!({ "id": "1", "channel_id": "2", "embeds": [{}] });
    assert_eq!(one("MESSAGE_UPDATE", &partial), Err(Dropped::NoChange));
    assert!(one("MESSAGE_UPDATE", &message(&json!({ "edited_timestamp": "yesterday" }))).is_ok());
}

#[test]
fn what_is_gone_is_told_one_by_one() {
    let gone = one("MESSAGE_DELETE", &json!({ "id": "9", "channel_id": "3", "guild_id": "1" })).unwrap();
    assert_eq!(
        (gone.kind, gone.channel_key.as_str(), gone.event_id.as_deref()),
        (Kind::Delete, "discord:3", Some("discord:delete:9"))
    );
    let bulk = json!({ "ids": ["9", "10", null, "x"], "channel_id": "2", "guild_id": "1" });
    let ids: Vec<_> =
        events("MESSAGE_DELETE_BULK", &bulk, false).unwrap().unwrap().into_iter().map(|gone| gone.message_id).collect();
    assert_eq!(ids, ["9", "10"]);
    assert_eq!(events("MESSAGE_DELETE_BULK", &json!({ "ids": 5 }), false), Some(Err(Dropped::Malformed)));
}

#[test]
fn reactions_name_their_emoji_as_the_api_wants_it() {
    let reaction =
        |emoji: Value| json!({ "user_id": "7", "channel_id": "2", "guild_id": "1", "message_id": "9", "emoji": emoji });
    let mut added = reaction(json!({ "id": null, "name": "👍" }));
    added["member"] = json!({ "user": { "id": "7", "username": "mira" }, "roles": ["11"] });
    let inbound = one("MESSAGE_REACTION_ADD", &added).unwrap();
    assert_eq!((inbound.emoji.as_str(), inbound.username.as_str(), inbound.removed), ("👍", "mira", false));
    assert_eq!(inbound.event_id.as_deref(), Some("discord:reaction:9:7:👍:added"));
    let removed = one("MESSAGE_REACTION_REMOVE", &reaction(json!({ "id": "40", "name": "crab" }))).unwrap();
    assert_eq!((removed.emoji.as_str(), removed.username.as_str(), removed.removed), ("crab:40", "7", true));
    added["member"]["user"]["bot"] = json!(true);
    assert_eq!(one("MESSAGE_REACTION_ADD", &added), Err(Dropped::Bot));
    for absurd in [json!(null), json!({ "name": "" }), json!({ "name": "\n" }), json!({ "name": "x".repeat(5000) })] {
        assert_eq!(one("MESSAGE_REACTION_ADD", &reaction(absurd.clone())), Err(Dropped::Malformed), "{absurd}");
    }
    assert!(one("MESSAGE_REACTION_ADD", &reaction(json!({ "id": "4", "name": "x".repeat(5000) }))).is_ok());
}

#[test]
fn buttons_and_commands_are_interactions() {
    let click = json!({
        "id": "1482309033636531201", "type": 3, "channel_id": "2", "guild_id": "1", "token": "t", "message": { "id": "9" },
        "member": { "user": { "id": "7", "username": "mira" } }, "data": { "custom_id": "stop", "component_type": 2 },
    });
    let inbound = one("INTERACTION_CREATE", &click).unwrap();
    assert_eq!((inbound.custom_id.as_str(), inbound.message_id.as_str(), inbound.is_addressed), ("stop", "9", true));
    assert_eq!(inbound.event_id.as_deref(), Some("discord:interaction:1482309033636531201"));
    let command = json!({
        "id": "8", "type": 2, "channel_id": "50", "user": { "id": "7" },
        "data": { "name": "ask", "options": [
            { "name": "n", "type": 4, "value": 3 }, { "name": "what", "type": 3, "value": "why?" }, null,
        ] },
    });
    let inbound = one("INTERACTION_CREATE", &command).unwrap();
    assert_eq!((inbound.custom_id.as_str(), inbound.is_dm, inbound.content.as_str()), ("ask", true, "why?"));
    assert_eq!(inbound.values, ["n=3", "what=why?", "="]);
    // Without a text there is something to answer all the same; what is not the bot's own is somebody else's to answer.
    let says = |data: Value| {
        one(
            "INTERACTION_CREATE",
            &json!({ "id": "8", "type": 2, "channel_id": "50", "user": { "id": "7" }, "data": data }),
        )
        .unwrap()
        .content
    };
    assert_eq!(says(json!({ "name": "ask", "type": 1 })), "/ask");
    assert_eq!(says(json!({ "name": "ask", "options": [{ "name": "what", "type": 3, "value": " " }] })), "/ask");
    assert_eq!(says(json!({ "name": "ban", "type": 1 })), "");
    assert_eq!(says(json!({ "name": "ask", "type": 3 })), "", "a command of a message's menu");
    assert_eq!(one("INTERACTION_CREATE", &json!({ "id": "8", "type": 1 })), Err(Dropped::System));
}

#[test]
fn whatever_is_in_a_field_it_is_an_envelope_or_a_reason() {
    let huge = Value::String("x".repeat(3 << 20));
    let many = Value::Array(vec![json!({ "id": "7", "url": "https://x.org/a", "filename": "a" }); 5000]);
    let deep = (0..100).fold(json!(1), |inside, _| json!([inside]));
    let absurd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("\u{0}\u{202e}"),
        json!("7"),
        json!([]),
        json!([null]),
        json!({}),
        json!({ "id": {} }),
        huge,
        many,
        deep,
    ];
    let full = message(&json!({
        "edited_timestamp": "2026-03-14T09:30:00Z", "message_id": "9", "user_id": "7", "emoji": { "name": "👍" }, "ids": ["9"],
        "data": { "custom_id": "c" }, "message": { "id": "9" }, "message_reference": { "message_id": "4" },
        "attachments": [{ "filename": "a", "url": "https://cdn.example.org/a", "size": 1 }], "user": { "id": "7" },
    }));
    let kinds = [
        "MESSAGE_CREATE",
        "MESSAGE_UPDATE",
        "MESSAGE_DELETE",
        "MESSAGE_DELETE_BULK",
        "MESSAGE_REACTION_ADD",
        "MESSAGE_REACTION_REMOVE",
        "INTERACTION_CREATE",
    ];
    let mut seen = 0;
    for kind in kinds {
        for field in full.as_object().unwrap().keys() {
            for value in &absurd {
                let mut event = full.clone();
                event[field] = value.clone();
                seen += usize::from(events(kind, &event, false).unwrap().is_ok());
                event.as_object_mut().unwrap().remove(field);
                let _ = events(kind, &event, false);
            }
        }
        for value in &absurd {
            assert!(events(kind, value, true).unwrap().is_err(), "{kind}");
        }
    }
    assert!(seen > 500, "{seen} of them are envelopes");
    assert_eq!(events("SOMETHING_NEW", &full, false), None);
}

#[test]
fn embeds_are_kept_as_they_are_or_left_out() {
    let with = |embeds: Value| one("MESSAGE_CREATE", &message(&json!({ "embeds": embeds }))).unwrap();
    let kept = with(json!([{ "title": "E0425", "color": 5_793_266 }])).embeds.unwrap();
    assert_eq!(
        rmp_serde::from_slice::<Value>(kept.as_bytes()).unwrap(),
        json!([{ "title": "E0425", "color": 5_793_266 }])
    );
    let inbound = with(json!([{ "description": "x".repeat(10 << 20) }]));
    assert_eq!((inbound.embeds, inbound.content.as_str()), (None, "hello"));
}
