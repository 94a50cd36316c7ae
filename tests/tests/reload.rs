//! Settings and prompts that change while turns run: the next turn has them, and none is dropped.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tests::{Answer, Gate, ModelServer, Pair, WebChatClient, until};

/// A pair whose settings are in a file.
struct House {
    model: ModelServer,
    folder: tempfile::TempDir,
    pair: Pair,
}

impl House {
    async fn new(settings: &str) -> Self {
        let (model, folder) = (ModelServer::new().await, tempfile::tempdir().unwrap());
        let path = folder.path().join("stargazer.toml");
        std::fs::write(&path, settings).unwrap();
        let url = model.base_url();
        let pair = Pair::with(&[
            ("SG_CONFIG", path.to_str().unwrap()),
            ("SG_MODEL_BASE_URL", &url),
            ("SG_MODEL_NAME", ModelServer::MODEL),
        ])
        .await;
        Self { model, folder, pair }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The system prompt of the last request.
    fn prompt(&self) -> String {
        self.model.requests().last().unwrap().body["messages"][0]["content"].as_str().unwrap().to_owned()
    }

    async fn is_told(&self, visitor: &mut WebChatClient, chat: &str, prompt: &str) {
        let id = visitor.say(chat, "hello").await;
        visitor.answer(chat, &id).await;
        assert_eq!(self.prompt(), prompt);
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

fn prompt_of(text: &str) -> String {
    format!("[prompt]\nsystem = {text:?}\n")
}

#[tokio::test]
async fn settings_are_read_anew_and_no_turn_is_dropped() {
    let house = House::new(&prompt_of("first")).await;
    let worker = &house.pair.workers[0];
    let mut visitor = house.pair.visitor().await;
    let chat = visitor.new_chat().await;
    house.is_told(&mut visitor, &chat, "first").await;
    let gate = Gate::new();
    house.model.script(Answer::paced(&gate, ["still ", "here"]));
    let running = visitor.say(&chat, "wait for it").await;
    gate.release(1);
    visitor.wait_preview(&running, "still").await;
    write(&house.path("stargazer.toml"), &format!("{}\n[bus]\nbacklog = 5000\n", prompt_of("second")));
    worker.signal(Signal::HUP);
    let line = worker.log().line("take effect at the next start").await;
    assert!(line.contains("bus.backlog") && !line.contains("prompt"), "{line}");
    worker.log().line("turns that begin now have the settings").await;
    gate.open();
    assert_eq!(visitor.answer(&chat, &running).await["text"], "still here");
    house.is_told(&mut visitor, &chat, "second").await;
    // Whoever changes the file of many says so to all of them.
    write(&house.path("stargazer.toml"), &prompt_of("third"));
    house.pair.redis.command(["PUBLISH", "sg:pubsub:config", ""]).await;
    let is_taken = async || worker.log().with("turns that begin now have the settings").len() >= 2;
    until("it is taken", is_taken).await;
    house.is_told(&mut visitor, &chat, "third").await;
    // The gateway has heard of it as well, and lives.
    house.pair.gateway.log().line("settings are taken").await;
}

#[tokio::test]
async fn settings_that_cannot_be_used_change_nothing() {
    let house = House::new(&prompt_of("first")).await;
    let worker = &house.pair.workers[0];
    let mut visitor = house.pair.visitor().await;
    let chat = visitor.new_chat().await;
    for (settings, fault) in [("[bus]\nshards = 12\n", "power of two"), (&prompt_of("{{ usr }}"), "cannot be rendered")]
    {
        write(&house.path("stargazer.toml"), settings);
        worker.signal(Signal::HUP);
        let line = worker.log().line(fault).await;
        assert!(line.contains("those before stay"), "{line}");
        house.is_told(&mut visitor, &chat, "first").await;
    }
}

#[tokio::test]
async fn a_template_is_taken_when_it_changes_and_the_last_good_one_stays() {
    let house = House::new("").await;
    let system = house.path("system.md");
    write(&system, "be kind");
    write(&house.path("stargazer.toml"), &format!("[prompt]\nsystem_file = {:?}\n", system.to_str().unwrap()));
    let worker = &house.pair.workers[0];
    worker.signal(Signal::HUP);
    let taken = async |times: usize| {
        until("it is taken", async || worker.log().with("turns that begin now have").len() >= times).await;
    };
    taken(1).await;
    let mut visitor = house.pair.visitor().await;
    let chat = visitor.new_chat().await;
    house.is_told(&mut visitor, &chat, "be kind").await;
    write(&system, "be {{ very }} kind");
    worker.log().line("those before stay").await;
    house.is_told(&mut visitor, &chat, "be kind").await;
    write(&system, "be very kind to {{ user }}");
    taken(2).await;
    let id = visitor.say(&chat, "hello").await;
    visitor.answer(&chat, &id).await;
    assert!(house.prompt().starts_with("be very kind to "), "{}", house.prompt());
}
