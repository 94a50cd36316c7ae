//! The page in a real browser: what a visitor sees while things go well, and while they do not.

use tests::{Answer, Browser, Ended, Gate, ModelServer, Pair, Shown, Tab};

/// `role: text` of what the page shows.
fn lines(shown: &[Shown]) -> Vec<String> {
    shown.iter().map(|message| format!("{}: {}", message.role, message.text)).collect()
}

/// The page shows exactly this, and wrote no error to its console.
async fn shows(tab: &Tab<'_>, expected: &[&str]) {
    tab.wait(&format!("{expected:?}"), |shown| {
        lines(shown) == expected && shown.iter().all(|message| message.state == "done")
    })
    .await;
    assert_eq!(tab.console_errors().await, [""; 0]);
}

#[tokio::test]
async fn a_visitor_types_and_watches_the_answer_grow() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    let pieces = [
        "Here is **bold** and a list:\n\n",
        "- one\n",
        "- two\n\n",
        "```rust\nfn main() {}\n```\n",
        "\nDone <script>alert(1)</script>.",
    ];
    model.script(Answer::paced(&gate, pieces));
    let pair = Pair::with_model(&model).await;
    let browser = Browser::new().await;
    let tab = browser.open(&pair.url()).await;
    tab.wait_status("ready").await;
    tab.screenshot("empty").await;
    tab.say("Show me").await;
    tab.wait_answer("waiting", "").await;
    for (count, text) in ["Here is bold and a list:", "one", "two", "fn main() {}"].into_iter().enumerate() {
        gate.release(1);
        let growing =
            |shown: &[Shown]| shown.last().is_some_and(|last| last.state == "streaming" && last.text.contains(text));
        tab.wait(&format!("piece {count}"), growing).await;
    }
    tab.screenshot("growing").await;
    gate.open();
    let answer = tab.wait_answer("done", "Here is bold").await;
    assert!(answer.text.contains("Done") && answer.key.ends_with(":0"), "{answer:?}");
    let of = "const answer = document.querySelector('[data-role=assistant] .markdown');";
    let parts =
        "return [...answer.querySelectorAll('strong, li, pre code, script')].map((part) => part.localName).join(' ')";
    assert_eq!(
        tab.run(&format!("{of} {parts}")).await,
        "strong li li code",
        "Markdown is rendered, and nothing in it is run"
    );
    assert_eq!(tab.run("return document.querySelectorAll('[data-testid=code-copy]').length").await, 1);
    tab.screenshot("done").await;
    assert_eq!(tab.console_errors().await, [""; 0]);
}

#[tokio::test]
async fn stop_and_regenerate() {
    let model = ModelServer::new().await;
    model.script(Answer::stream().token("A first ").token("half").stall());
    model.script(Answer::text("A second try"));
    let pair = Pair::with_model(&model).await;
    let browser = Browser::new().await;
    let tab = browser.open(&pair.url()).await;
    tab.say("Go on").await;
    tab.wait_answer("streaming", "A first half").await;
    tab.click("stop").await;
    tab.wait_answer("done", "A first half").await;
    assert_eq!(model.request(0).await.ended().await, Ended::ClientLeft);
    tab.screenshot("stopped").await;
    tab.click("regenerate").await;
    tab.wait_answer("done", "A second try").await;
    shows(&tab, &["user: Go on", "assistant: A second try"]).await;
}

#[tokio::test]
async fn a_reload_in_the_middle_of_an_answer_loses_nothing() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::paced(&gate, ["Before ", "the reload, ", "and after"]));
    let pair = Pair::with_model(&model).await;
    let browser = Browser::new().await;
    let tab = browser.open(&pair.url()).await;
    tab.say("Go").await;
    gate.release(1);
    tab.wait_answer("streaming", "Before").await;
    tab.reload().await;
    tab.wait_answer("streaming", "Before").await;
    gate.release(1);
    tab.wait_answer("streaming", "Before the reload,").await;
    gate.open();
    tab.wait_answer("done", "Before the reload, and after").await;
    tab.reload().await;
    shows(&tab, &["user: Go", "assistant: Before the reload, and after"]).await;
}

#[tokio::test]
async fn two_tabs_mirror_each_other() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::paced(&gate, ["Both ", "see this"]));
    let pair = Pair::with_model(&model).await;
    let browser = Browser::new().await;
    let first = browser.open(&pair.url()).await;
    first.say("Hello").await;
    first.wait("the chat has its address", |shown| shown.len() == 2).await;
    let chat = first.wait_chat().await;
    let second = browser.open_tab(&format!("{}#{chat}", pair.url())).await;
    gate.release(1);
    for tab in [&first, &second] {
        tab.wait_answer("streaming", "Both").await;
    }
    gate.open();
    for tab in [&first, &second] {
        shows(tab, &["user: Hello", "assistant: Both see this"]).await;
    }
    second.say("From the second").await;
    let says = format!("assistant: {}", ModelServer::SAYS);
    for tab in [&first, &second] {
        shows(tab, &["user: Hello", "assistant: Both see this", "user: From the second", &says]).await;
    }
    // The list of chats is one, too.
    for tab in [&first, &second] {
        assert!(tab.text("chat-list").await.starts_with("Hello"), "{}", tab.text("chat-list").await);
    }
}

#[tokio::test]
async fn a_gateway_that_restarts_costs_no_word() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::paced(&gate, ["Over ", "a gap"]));
    let mut pair = Pair::with_model(&model).await;
    let browser = Browser::new().await;
    let tab = browser.open(&pair.url()).await;
    tab.say("Go").await;
    gate.release(1);
    tab.wait_answer("streaming", "Over").await;
    pair.gateway.kill9();
    tab.wait_status("offline").await;
    tab.screenshot("offline").await;
    assert!(tab.text("banner").await.contains("The connection is lost"), "{}", tab.text("banner").await);
    gate.open();
    pair.gateway.restart();
    tab.wait_status("ready").await;
    shows(&tab, &["user: Go", "assistant: Over a gap"]).await;
    assert_eq!(tab.text("banner").await, "", "nothing is said any more");
}

#[tokio::test]
async fn what_is_written_while_offline_is_sent_once_later() {
    let model = ModelServer::new().await;
    let mut pair = Pair::with_model(&model).await;
    let browser = Browser::new().await;
    let tab = browser.open(&pair.url()).await;
    tab.wait_status("ready").await;
    pair.gateway.kill9();
    tab.wait_status("offline").await;
    tab.say("Into the dark").await;
    tab.wait("it waits", |shown| matches!(shown, [message] if message.state == "sending")).await;
    pair.gateway.restart();
    let says = format!("assistant: {}", ModelServer::SAYS);
    shows(&tab, &["user: Into the dark", &says]).await;
    assert_eq!(model.requests().len(), 1);
}

#[tokio::test]
async fn a_worker_that_is_killed_is_replaced_in_the_same_message() {
    let model = ModelServer::new().await;
    model.script(Answer::stream().token("The first ").token("worker").stall());
    model.script(Answer::text("The first worker died, the second went on"));
    let mut pair = Pair::with_model(&model).await;
    let browser = Browser::new().await;
    let tab = browser.open(&pair.url()).await;
    tab.say("Go").await;
    let begun = tab.wait_answer("streaming", "The first worker").await;
    pair.workers[0].restart();
    let answer = tab.wait_answer("done", "The first worker died, the second went on").await;
    assert_eq!(answer.key, begun.key);
    shows(&tab, &["user: Go", "assistant: The first worker died, the second went on"]).await;
}

#[tokio::test]
async fn chats_are_made_named_and_deleted() {
    let pair = Pair::with_model(&ModelServer::new().await).await;
    let browser = Browser::new().await;
    let tab = browser.open(&pair.url()).await;
    tab.say("The first chat").await;
    tab.wait("an answer", |shown| shown.len() == 2).await;
    tab.click("new-chat").await;
    tab.wait("an empty chat", <[Shown]>::is_empty).await;
    tab.say("The second chat").await;
    tab.wait("an answer", |shown| shown.len() == 2).await;
    let titles = "return [...document.querySelectorAll('.chat-title')].map((title) => title.innerText).join('|')";
    tab.wait_script(titles, "The second chat|The first chat").await;
    // Its buttons show when the chat has the focus or the pointer.
    tab.run("document.querySelector('[data-testid=rename-chat]').click()").await;
    tab.keys("rename-input", "\u{e009}a\u{e000}A new name\u{e007}").await;
    tab.wait_script(titles, "A new name|The first chat").await;
    tab.run("document.querySelector('[data-testid=delete-chat]').click()").await;
    tab.click("confirm-yes").await;
    tab.wait_script(titles, "The first chat").await;
    tab.reload().await;
    tab.wait_script(titles, "The first chat").await;
    assert_eq!(tab.console_errors().await, [""; 0]);
}

#[tokio::test]
async fn the_page_fits_a_phone_and_the_dark() {
    let pair = Pair::new().await;
    let browser = Browser::new().await;
    let tab = browser.open(&pair.url()).await;
    tab.wait_status("ready").await;
    tab.resize(375, 720).await;
    let wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
    assert_eq!(tab.run(wide).await, false, "nothing sticks out");
    tab.click("drawer-open").await;
    tab.click("new-chat").await;
    tab.say("From a phone").await;
    tab.wait_answer("done", "I am the built-in echo").await;
    assert_eq!(tab.run(wide).await, false, "nothing sticks out");
    let ground = "return getComputedStyle(document.body).backgroundColor";
    let light = tab.run(ground).await;
    tab.click("theme").await;
    assert_ne!(tab.run(ground).await, light);
    tab.screenshot("dark").await;
    tab.reload().await;
    assert_ne!(tab.run(ground).await, light, "the choice is kept");
    assert_eq!(tab.console_errors().await, [""; 0]);
}

#[tokio::test]
async fn who_is_slowed_down_is_told_why() {
    // The first message is two requests: the chat, and what is said in it.
    let pair = Pair::with(&[("SG_PLATFORM__WEBCHAT__MESSAGES_PER_MINUTE", "2")]).await;
    let browser = Browser::new().await;
    let tab = browser.open(&pair.url()).await;
    tab.wait_status("ready").await;
    tab.say("one").await;
    tab.wait_answer("done", "").await;
    tab.say("two").await;
    let note = "[...document.querySelectorAll('[data-state=sending] .note')].map((note) => note.textContent).join()";
    tab.wait_script(&format!("return {note}.includes('a bit fast') ? 'told' : ''"), "told").await;
}
