//! What a bot does to messages of WebChat, and what a visitor does: by the protocol, and in a real browser.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use codec::{ActionType, Button, InboundView, Kind, Outbound, TypingState};
use serde_json::{Value, json};
use tests::{Answer, Browser, Ended, Gate, ModelServer, Pair, Signal, WebChatClient, eventually};

/// Has the gateway carry an action out, on the plain stream that other services use.
async fn act(pair: &Pair, chat: &str, key: &str, action: Outbound) {
    let action = Outbound {
        channel_id: Some(chat.into()),
        platform: "webchat".into(),
        message_key: Some(key.into()),
        trace_id: "t".into(),
        ..action
    };
    assert_eq!(action.validate(), Ok(()));
    let (stream, data) = (b"sg:stream:outbound:webchat", action.to_bytes());
    let command: [&[u8]; 9] = [b"XADD", stream, b"*", b"data", &data, b"ts", b"1", b"trace_id", b"t"];
    pair.redis.command_bytes(&command).await;
}

fn yes_or_no() -> Vec<Vec<Button>> {
    let button = |label: &str, id: &str, style: &str| Button {
        label: label.into(),
        custom_id: Some(id.into()),
        style: Some(style.into()),
        ..Button::default()
    };
    let link = Button { label: "Rules".into(), url: Some("https://example.org/".into()), ..Button::default() };
    let script = Button { label: "Bad".into(), url: Some("javascript:alert(1)".into()), ..Button::default() };
    vec![vec![button("Yes", "yes", "primary"), button("No", "no", "danger")], vec![link, script]]
}

async fn entry_of(visitor: &mut WebChatClient, chat: &str, kind: &str) -> Value {
    let is_it = |entry: &&Value| entry["kind"] == kind;
    visitor.wait(kind, |visitor| visitor.entries(chat).into_iter().rfind(is_it).cloned()).await
}

async fn a_chat(pair: &Pair) -> (WebChatClient, String, String) {
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Hello").await;
    visitor.answer(&chat, &id).await;
    (visitor, chat, id)
}

#[tokio::test]
async fn every_action_of_a_bot_is_shown() {
    let pair = Pair::new().await;
    let (mut visitor, chat, said) = a_chat(&pair).await;
    let ask =
        Outbound { action: ActionType::Buttons, text: "Play?".into(), buttons: yes_or_no(), ..Outbound::default() };
    act(&pair, &chat, "bot:1:0", ask).await;
    let message = visitor
        .wait("the buttons", |visitor| {
            visitor.entries(&chat).into_iter().find(|entry| entry["key"] == "bot:1:0").cloned()
        })
        .await;
    assert_eq!(message["buttons"][0][1], json!({"label": "No", "id": "no", "style": "danger"}));
    assert_eq!(message["buttons"][1], json!([{"label": "Rules", "url": "https://example.org/"}, {"label": "Bad"}]));

    let react = |removed| Outbound {
        action: ActionType::Reaction,
        emoji: "👍".into(),
        removed,
        target: Some(format!("{chat}:{said}")),
        ..Outbound::default()
    };
    act(&pair, &chat, "bot:1:1", react(false)).await;
    let reaction = entry_of(&mut visitor, &chat, "reaction").await;
    assert_eq!(
        [&reaction["by"], &reaction["target"], &reaction["removed"]],
        [&json!("bot"), &json!(said), &json!(false)]
    );

    let target_key = Some("bot:1:0".to_owned());
    // By its key as the id that the platform knows it by, too.
    let again = vec![vec![Button { label: "Again".into(), custom_id: Some("again".into()), ..Button::default() }]];
    let edit = Outbound { action: ActionType::Edit, text: "Played.".into(), target_key, ..Outbound::default() };
    let by_id = Outbound { target_key: None, target: Some("bot:1:0".into()), buttons: again, ..edit.clone() };
    act(&pair, &chat, "bot:1:2", by_id).await;
    let edited = entry_of(&mut visitor, &chat, "edit").await;
    assert_eq!([&edited["text"], &edited["target"], &edited["buttons"][0][0]["id"]], ["Played.", "bot:1:0", "again"]);
    let press = async |visitor: &mut WebChatClient, button: &str| {
        visitor.ask(json!({"t": "press", "chat": chat, "target": "bot:1:0", "button": button})).await["t"].clone()
    };
    assert_eq!(press(&mut visitor, "again").await, "ok", "the button that the edit brought");
    assert_eq!(press(&mut visitor, "yes").await, "refused", "and not one that it took away");

    for (state, on) in [(TypingState::Start, true), (TypingState::Stop, false)] {
        let typing = Outbound { action: ActionType::Typing, state: Some(state), ..Outbound::default() };
        act(&pair, &chat, &format!("bot:2:{on}"), typing).await;
        let told = json!({"t": "typing", "chat": chat, "on": on});
        visitor.wait("typing", |visitor| visitor.frames().contains(&told).then_some(())).await;
    }
    act(&pair, &chat, "bot:1:3", Outbound { action: ActionType::Delete, text: String::new(), ..edit }).await;
    assert_eq!(entry_of(&mut visitor, &chat, "delete").await["target"], "bot:1:0");
    assert_eq!(pair.dead_letters().await, [""; 0]);
}

/// What a worker would read next on the chat's shard: the newest entries of its inbound stream.
async fn inbound(pair: &Pair, chat: &str, count: usize) -> Vec<codec::Inbound> {
    let names = bus::Shards::DEFAULT;
    let stream = format!("sg:stream:inbound:{{{}}}", names.of(&format!("webchat:{chat}")).number());
    eventually("the events", || async {
        let entries = pair.redis.command(["XREVRANGE", &stream, "+", "-", "COUNT", &count.to_string()]).await;
        let read = |entry: &tests::Reply| InboundView::decode(entry.list()[1].list()[1].bytes()).unwrap().into_owned();
        let events: Vec<_> = entries.list().iter().rev().map(read).collect();
        (events.len() == count).then_some(events)
    })
    .await
}

#[tokio::test]
async fn what_a_visitor_does_to_messages_is_an_event_once() {
    let pair = Pair::new().await;
    let (mut visitor, chat, said) = a_chat(&pair).await;
    let ask =
        Outbound { action: ActionType::Buttons, text: "Play?".into(), buttons: yes_or_no(), ..Outbound::default() };
    act(&pair, &chat, "bot:1:0", ask).await;
    visitor
        .wait("the buttons", |visitor| {
            visitor.entries(&chat).iter().any(|entry| entry["key"] == "bot:1:0").then_some(())
        })
        .await;
    // Nobody takes the events away.
    pair.workers[0].signal(Signal::STOP);
    let requests = [
        json!({"t": "edit", "chat": chat, "target": said, "text": "Hello again"}),
        json!({"t": "react", "chat": chat, "target": "bot:1:0", "emoji": "🎉"}),
        json!({"t": "react", "chat": chat, "target": said, "emoji": "🎉", "removed": true}),
        json!({"t": "press", "chat": chat, "target": "bot:1:0", "button": "yes"}),
        json!({"t": "retract", "chat": chat, "target": said}),
    ];
    for mut request in requests {
        let answer = visitor.ask(request.clone()).await;
        assert_eq!(answer["t"], "ok", "{answer}");
        request["id"] = answer["id"].clone();
        assert_eq!(visitor.ask(request).await["n"], answer["n"], "done once");
    }
    let message_id = format!("{chat}:{said}");
    let events = inbound(&pair, &chat, 5).await;
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [Kind::Edit, Kind::Reaction, Kind::Reaction, Kind::Interaction, Kind::Delete]);
    let [edit, on_bot, on_own, press, retract] = &events[..] else { unreachable!("five") };
    assert_eq!((&edit.message_id, &*edit.content), (&message_id, "Hello again"));
    assert_eq!((&*on_bot.message_id, &*on_bot.emoji, on_bot.removed), ("bot:1:0", "🎉", false));
    assert_eq!((&on_own.message_id, on_own.removed), (&message_id, true));
    assert_eq!((&*press.custom_id, press.reply_to.as_deref()), ("yes", Some("bot:1:0")));
    assert_eq!(retract.message_id, message_id);
    entry_of(&mut visitor, &chat, "retract").await;
    let story = visitor.story(&chat);
    assert_eq!(story[3..], ["change: Hello again", "reaction", "reaction", "press", "retract"]);

    for (request, code) in [
        (json!({"t": "edit", "chat": chat, "target": "bot:1:0", "text": "mine now"}), "not_found"),
        (json!({"t": "edit", "chat": chat, "target": said, "text": " "}), "blank"),
        (json!({"t": "edit", "chat": chat, "target": said, "text": "taken back"}), "not_found"),
        (json!({"t": "retract", "chat": chat, "target": "nothing"}), "not_found"),
        (json!({"t": "react", "chat": chat, "target": said, "emoji": ""}), "malformed"),
        (json!({"t": "react", "chat": chat, "target": said, "emoji": "x".repeat(500)}), "malformed"),
        (json!({"t": "press", "chat": chat, "target": "bot:1:0", "button": "sg:forget"}), "not_found"),
        (json!({"t": "press", "chat": "A".repeat(22), "target": "bot:1:0", "button": "yes"}), "not_found"),
    ] {
        let refused = visitor.ask(request.clone()).await;
        assert_eq!((&refused["t"], &refused["code"]), (&json!("refused"), &json!(code)), "{request}");
    }
    pair.workers[0].signal(Signal::CONT);
}

#[tokio::test]
async fn a_message_that_is_changed_while_it_is_answered_is_answered_anew() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::paced(&gate, ["An answer to the ", "first"]));
    model.script(Answer::text("An answer to the second"));
    model.script(Answer::stream().token("Never to be ").stall());
    let pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "The first").await;
    gate.release(1);
    visitor.wait_preview(&id, "An answer to the").await;
    visitor.ask(json!({"t": "edit", "chat": chat, "target": id, "text": "The second"})).await;
    assert_eq!(visitor.answer(&chat, &id).await["text"], "An answer to the second");
    let asked = model.request(1).await.body.clone();
    assert_eq!(asked["messages"].as_array().unwrap().last().unwrap()["content"], "The second");
    // And one that is taken back is not answered.
    let id = visitor.say(&chat, "Forget it").await;
    visitor.wait_preview(&id, "Never to be").await;
    visitor.ask(json!({"t": "retract", "chat": chat, "target": id})).await;
    entry_of(&mut visitor, &chat, "delete").await;
    assert_eq!(model.request(2).await.ended().await, Ended::ClientLeft);
}

async fn upload(visitor: &WebChatClient, chat: &str, name: &str, kind: &str, body: &str) -> Value {
    let answer = visitor.ask_http("POST", &format!("/files/{chat}?name={name}"), kind, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn files_go_up_with_a_message_and_come_down_to_who_has_the_chat() {
    let pair = Pair::with(&[("SG_PLATFORM__WEBCHAT__FILE_BYTES_MAX", "64 KiB")]).await;
    let (mut visitor, chat, _) = a_chat(&pair).await;
    let small = upload(&visitor, &chat, "..%2Fnotes.txt", "text/plain", "remember this").await;
    assert_eq!(
        [&small["name"], &small["type"], &small["size"]],
        [&json!("notes.txt"), &json!("text/plain"), &json!(13)]
    );
    let large = upload(&visitor, &chat, "big.svg", "image/svg+xml", &"<svg/>".repeat(8000)).await;
    // What it is was said with its upload.
    let large = json!({"id": large["id"], "name": large["name"], "type": "text/html", "size": 1});
    // The worker gets what is small in its envelope, and for the rest the key that it stands under.
    pair.workers[0].signal(Signal::STOP);
    let said = visitor.ask(json!({"t": "send", "chat": chat, "files": [small, large]})).await;
    assert_eq!(said["t"], "ok", "{said}");
    let [message] = &inbound(&pair, &chat, 1).await[..] else { unreachable!("one") };
    let [notes, big] = &message.attachments[..] else { unreachable!("two") };
    assert_eq!(
        (&*notes.filename, notes.data.as_deref(), &notes.media_key),
        ("notes.txt", Some(&b"remember this"[..]), &None)
    );
    assert_eq!((big.size, &*big.mimetype, &big.data), (48_000, "image/svg+xml", &None));
    assert!(pair.redis.command(["EXISTS", big.media_key.as_ref().unwrap()]).await.number() == 1);
    pair.workers[0].signal(Signal::CONT);
    visitor.answer(&chat, said["id"].as_str().unwrap()).await;

    let path =
        |file: &Value| format!("/files/{chat}/{}/{}", file["id"].as_str().unwrap(), file["name"].as_str().unwrap());
    let got = visitor.ask_http("GET", &path(&small), "", "").await;
    assert_eq!((got.status, &*got.body), (200, "remember this"));
    // A file of a chat never becomes a page of ours, whatever it says to be.
    let got = visitor.ask_http("GET", &path(&large), "", "").await;
    assert_eq!(got.header("content-type"), Some("application/octet-stream"));
    assert_eq!(got.header("content-disposition"), Some("attachment; filename*=UTF-8''big.svg"));
    assert!(got.header("content-security-policy").unwrap().starts_with("sandbox"));
    let stranger = pair.visitor().await;
    assert_eq!(stranger.ask_http("GET", &path(&small), "", "").await.status, 404);
    assert_eq!(stranger.ask_http("POST", &format!("/files/{chat}"), "text/plain", "x").await.status, 404);
    let too_large = visitor.ask_http("POST", &format!("/files/{chat}"), "text/plain", &"x".repeat(65 * 1024)).await;
    assert_eq!(too_large.status, 413);
    for (files, code) in [
        (json!([{"id": "0".repeat(64), "name": "a", "type": "b", "size": 1}]), "no_file"),
        (json!([{"id": small["id"], "name": "../a", "type": "text/plain", "size": 13}]), "malformed"),
        (json!([]), "blank"),
    ] {
        let refused = visitor.ask(json!({"t": "send", "chat": chat, "text": " ", "files": files.clone()})).await;
        assert_eq!(refused["code"], code, "{files}");
    }
    // With the chat go its files.
    assert_eq!(visitor.ask(json!({"t": "delete", "chat": chat})).await["t"], "ok");
    assert_eq!(pair.redis.command(["EXISTS", big.media_key.as_ref().unwrap()]).await.number(), 0);
}

#[tokio::test]
async fn the_oldest_files_make_room_and_a_bot_sends_files_too() {
    // A sixteenth of it for each shard: room for eight of nine.
    let pair = Pair::with(&[("SG_PLATFORM__WEBCHAT__FILES_BYTES", "1280 KiB")]).await;
    let (mut visitor, chat, _) = a_chat(&pair).await;
    let mut files = Vec::new();
    for letter in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
        files.push(upload(&visitor, &chat, letter, "text/plain", &letter.repeat(10 * 1024)).await);
    }
    let path = |file: &Value| format!("/files/{chat}/{}/x", file["id"].as_str().unwrap());
    let mut kept = Vec::new();
    for file in &files {
        kept.push(visitor.ask_http("GET", &path(file), "", "").await.status);
    }
    assert_eq!(kept, [404, 200, 200, 200, 200, 200, 200, 200, 200]);
    let too_large = visitor.ask_http("POST", &format!("/files/{chat}"), "text/plain", &"x".repeat(11 * 1024)).await;
    assert!(
        too_large.status == 413 && too_large.body.contains("A file may have 10.0 KiB at most."),
        "{}",
        too_large.body
    );
    let file = Outbound {
        action: ActionType::File,
        text: "Here it is".into(),
        filename: Some("report.csv".into()),
        mimetype: Some("text/csv".into()),
        data: Some("a,b".into()),
        ..Outbound::default()
    };
    act(&pair, &chat, "bot:1:0", file).await;
    let is_it = |entry: &&Value| entry["key"] == "bot:1:0";
    let shown = visitor.wait("the file", |visitor| visitor.entries(&chat).into_iter().find(is_it).cloned()).await;
    assert_eq!([&shown["text"], &shown["file"]["name"]], ["Here it is", "report.csv"]);
    assert_eq!(visitor.ask_http("GET", &path(&shown["file"]), "", "").await.body, "a,b");
}

/// Clicks the first element that a selector finds, whether or not the pointer is over its message.
async fn click(tab: &tests::Tab<'_>, selector: &str) {
    let script =
        format!("const found = document.querySelector('{selector}'); found?.click(); return String(found !== null)");
    tab.wait_script(&script, "true").await;
}

#[tokio::test]
async fn a_visitor_sees_and_does_it_all_in_a_browser() {
    let model = ModelServer::new().await;
    let pair = Pair::with_model(&model).await;
    let browser = Browser::new().await;
    let tab = browser.open(&pair.url()).await;
    tab.say("Hello").await;
    tab.wait_answer("done", ModelServer::SAYS).await;
    let chat = tab.wait_chat().await;
    let ask = Outbound {
        action: ActionType::Buttons,
        text: "Shall we **play**?".into(),
        buttons: yes_or_no(),
        ..Outbound::default()
    };
    act(&pair, &chat, "bot:1:0", ask).await;
    tab.wait_answer("done", "Shall we play?").await;
    let of_buttons = "return [...document.querySelectorAll('.button-row')].map((row) => [...row.children].map((one) => `${one.localName} ${one.innerText}`).join(', ')).join('; ')";
    assert_eq!(tab.run(of_buttons).await, "button Yes, button No; a Rules, button Bad");
    click(&tab, "[data-testid=bot-button]").await;
    tab.wait_script("return document.querySelector('[data-testid=bot-button][aria-pressed=true]')?.innerText", "Yes")
        .await;

    // The bot reacts to what was said; the visitor to the bot's message, and takes it back.
    let said = tab.run("return document.querySelector('.from-user').dataset.id").await.as_str().unwrap().to_owned();
    let react = Outbound {
        action: ActionType::Reaction,
        emoji: "🚀".into(),
        target: Some(format!("{chat}:{said}")),
        ..Outbound::default()
    };
    act(&pair, &chat, "bot:1:1", react).await;
    tab.wait_script("return document.querySelector('.from-user [data-testid=reaction]')?.innerText", "🚀").await;
    click(&tab, "[data-key=\"bot:1:0\"] [data-testid=react]").await;
    click(&tab, "[data-key=\"bot:1:0\"] [data-testid=reaction-choice]").await;
    let own = "[data-key=\"bot:1:0\"] [data-testid=reaction]";
    let pressed = format!("return document.querySelector('{own}')?.ariaPressed ?? 'none'");
    tab.wait_script(&pressed, "true").await;
    tab.screenshot("reacted").await;
    click(&tab, own).await;
    tab.wait_script(&pressed, "none").await;

    // The visitor changes what they said.
    click(&tab, ".from-user [data-testid=edit]").await;
    tab.wait_script("return document.querySelector('[data-testid=composer]').value", "Hello").await;
    tab.screenshot("changing").await;
    tab.say(" there").await;
    tab.wait_script("return document.querySelector('.from-user .bubble').innerText", "Hello there").await;
    tab.wait_script("return document.querySelector('.from-user .note').innerText", "edited").await;
    assert_eq!(tab.run("return document.querySelector('[data-testid=composer]').value").await, "");

    // Typing shows while it lasts; a bot's edit and delete show at once.
    let typing = |state| Outbound { action: ActionType::Typing, state: Some(state), ..Outbound::default() };
    act(&pair, &chat, "bot:2:0", typing(TypingState::Start)).await;
    tab.wait_answer("waiting", "").await;
    tab.screenshot("typing").await;
    act(&pair, &chat, "bot:2:1", typing(TypingState::Stop)).await;
    tab.wait_answer("done", "Shall we play?").await;
    let target_key = Some("bot:1:0".to_owned());
    let edit = Outbound { action: ActionType::Edit, text: "We played.".into(), target_key, ..Outbound::default() };
    act(&pair, &chat, "bot:1:2", edit.clone()).await;
    tab.wait_answer("done", "We played.").await;
    assert_eq!(tab.run("return document.querySelectorAll('.button-row').length").await, 0);
    act(&pair, &chat, "bot:1:3", Outbound { action: ActionType::Delete, text: String::new(), ..edit }).await;
    tab.wait_answer("done", ModelServer::SAYS).await;
    click(&tab, ".from-user [data-testid=retract]").await;
    tab.wait("it is taken back", |shown| shown.iter().all(|message| message.role == "assistant")).await;
    // All of it is the log's, so a reload shows the same.
    tab.reload().await;
    tab.wait("the same", |shown| shown.len() == 1 && shown[0].text.contains(ModelServer::SAYS)).await;
    assert_eq!(tab.console_errors().await, [""; 0]);
}

/// A red dot.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg==";

#[tokio::test]
async fn files_are_added_dropped_pasted_and_shown_in_a_browser() {
    let model = ModelServer::new().await;
    let pair = Pair::with_model(&model).await;
    let browser = Browser::new().await;
    let tab = browser.open(&pair.url()).await;
    tab.wait_status("ready").await;
    let give = |event: &str| {
        format!(
            "const bytes = Uint8Array.from(atob('{PNG}'), (c) => c.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], '{event}.png', {{ type: 'image/png' }}));
            {}",
            match event {
                "drop" =>
                    "document.getElementById('main').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));",
                "paste" =>
                    "document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, cancelable: true }));",
                _ =>
                    "const picker = document.getElementById('picker'); picker.files = data.files; picker.dispatchEvent(new Event('change'));",
            }
        )
    };
    for (count, event) in ["picked", "drop", "paste"].into_iter().enumerate() {
        tab.run(&give(event)).await;
        let there = "return String(document.querySelectorAll('[data-testid=attachment][data-state=done]').length)";
        tab.wait_script(there, &(count + 1).to_string()).await;
    }
    tab.screenshot("attached").await;
    tab.say("Look at these").await;
    tab.wait_answer("done", ModelServer::SAYS).await;
    let loaded = "return String([...document.querySelectorAll('.from-user [data-testid=image]')].filter((image) => image.complete && image.naturalWidth === 5).length)";
    tab.wait_script(loaded, "3").await;
    let chat = tab.wait_chat().await;
    let file = Outbound {
        action: ActionType::File,
        filename: Some("report.csv".into()),
        data: Some("a,b".into()),
        ..Outbound::default()
    };
    act(&pair, &chat, "bot:1:0", file).await;
    tab.wait_script(
        "return document.querySelector('.from-assistant [data-testid=file]')?.innerText.replace(/\\s+/g, ' ')",
        "report.csv 3 B",
    )
    .await;
    tab.screenshot("shown").await;
    tab.reload().await;
    tab.wait_script(loaded, "3").await;
    assert_eq!(tab.run("return document.querySelectorAll('[data-testid=attachment]').length").await, 0);
    assert_eq!(tab.console_errors().await, [""; 0]);
}
