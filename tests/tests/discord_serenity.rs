//! Real serenity against the simulated Discord, as the gateway uses it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use serenity::all::{
    ChannelId, ClientBuilder, Context, CreateActionRow, CreateAttachment, CreateButton, CreateInteractionResponse,
    CreateInteractionResponseMessage, CreateMessage, EventHandler, GatewayIntents, HttpBuilder, Interaction, Message,
    MessageId, Nonce, Ready, ResumedEvent,
};
use tests::{
    discord::{BotHandle, BotRules, DiscordServer},
    within,
};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::JoinSet,
};

/// Tells the test what it hears, and answers as bots do.
struct Handler(Sender<String>);

impl Handler {
    async fn tell(&self, line: String) {
        // The test may be over.
        let _ = self.0.send(line).await;
    }
}

#[serenity::async_trait]
impl EventHandler for Handler {
    async fn ready(&self, _: Context, ready: Ready) {
        self.tell(format!("ready {}", ready.user.name)).await;
    }

    async fn resume(&self, _: Context, _: ResumedEvent) {
        self.tell("resumed".into()).await;
    }

    async fn message(&self, context: Context, message: Message) {
        if message.author.bot {
            return;
        }
        self.tell(format!("message {}", message.content)).await;
        let send = || {
            let button = CreateButton::new("stop").label("Stop");
            let answer = CreateMessage::new().content(format!("re: {}", message.content)).reference_message(&message);
            let answer = answer.components(vec![CreateActionRow::Buttons(vec![button])]);
            answer.nonce(Nonce::String(format!("n{}", message.id))).enforce_nonce(true)
        };
        // As after a crash: the same again.
        let first = message.channel_id.send_message(&context.http, send()).await.unwrap();
        let second = message.channel_id.send_message(&context.http, send()).await.unwrap();
        self.tell(format!("sent {}", first.id == second.id)).await;
    }

    async fn message_update(
        &self,
        _: Context,
        _: Option<Message>,
        _: Option<Message>,
        event: serenity::all::MessageUpdateEvent,
    ) {
        self.tell(format!("edited to {}", event.content.unwrap_or_default())).await;
    }

    async fn message_delete(&self, _: Context, _: ChannelId, message: MessageId, _: Option<serenity::all::GuildId>) {
        self.tell(format!("deleted {message}")).await;
    }

    async fn reaction_add(&self, _: Context, reaction: serenity::all::Reaction) {
        self.tell(format!("reaction {}", reaction.emoji)).await;
    }

    async fn interaction_create(&self, context: Context, interaction: Interaction) {
        let Interaction::Component(click) = interaction else { return };
        let stopped = CreateInteractionResponseMessage::new().content("stopped").components(Vec::new());
        click.create_response(&context.http, CreateInteractionResponse::UpdateMessage(stopped)).await.unwrap();
        self.tell(format!("clicked {}", click.data.custom_id)).await;
    }
}

/// A client of the simulated Discord and nothing else, running until the set is dropped.
async fn start(server: &DiscordServer, bot: &BotHandle) -> (JoinSet<()>, Receiver<String>) {
    let http = HttpBuilder::new(&bot.token).proxy(server.rest_url()).ratelimiter_disabled(true).build();
    let (teller, told) = channel(64);
    let mut client =
        ClientBuilder::new_with_http(http, GatewayIntents::all()).event_handler(Handler(teller)).await.unwrap();
    // Where GET /gateway fails, it would go to the real one.
    *client.ws_url.lock().await = server.gateway_url();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { client.start().await.unwrap() });
    (tasks, told)
}

async fn hears(told: &mut Receiver<String>, line: &str) {
    within(&format!("`{line}`"), async { while told.recv().await.unwrap() != line {} }).await;
}

#[tokio::test]
async fn serenity_takes_it_for_discord() {
    let server = DiscordServer::new(5).await;
    let (alice, bot) = (server.add_user("alice"), server.add_bot("crab", BotRules::default()));
    let guild = server.add_guild("home", &alice, &[bot.id]);
    let channel = server.add_channel(guild, "general");
    let (_tasks, mut told) = start(&server, &bot).await;
    hears(&mut told, "ready crab").await;
    let asked = alice.says(channel, "hello");
    hears(&mut told, "message hello").await;
    hears(&mut told, "sent true").await;
    assert_eq!(server.screen(channel), ["alice: hello", "crab: re: hello"], "one message of two requests");
    let answer = server.seen(channel).remove(1);
    assert_eq!((answer.replies_to, answer.buttons.as_slice()), (Some(asked), &["stop".to_owned()][..]));
    alice.clicks(answer.id, "stop");
    hears(&mut told, "clicked stop").await;
    assert_eq!(server.screen(channel)[1], "crab: stopped");
    alice.edits(asked, "hello again");
    hears(&mut told, "edited to hello again").await;
    alice.reacts(asked, "👍");
    hears(&mut told, "reaction 👍").await;
    alice.deletes(asked);
    hears(&mut told, &format!("deleted {asked}")).await;
    // Its session goes on after a cut, with what was said meanwhile.
    server.cut(bot.id);
    alice.says(channel, "are you there?");
    hears(&mut told, "message are you there?").await;
    assert_eq!((server.identifies(), server.resumes()), (1, 1));
    server.reconnect(bot.id);
    server.wait("it resumes", |server| (server.resumes() == 2).then_some(())).await;
    alice.says(channel, "still there?");
    hears(&mut told, "message still there?").await;
    assert_eq!(server.limits_broken(), 0);
}

#[tokio::test]
async fn serenity_sends_files() {
    let server = DiscordServer::new(6).await;
    let (alice, bot) = (server.add_user("alice"), server.add_bot("crab", BotRules::default()));
    let guild = server.add_guild("home", &alice, &[bot.id]);
    let channel = server.add_channel(guild, "general");
    let http = HttpBuilder::new(&bot.token).proxy(server.rest_url()).ratelimiter_disabled(true).build();
    let file = CreateMessage::new().content("a file").add_file(CreateAttachment::bytes(*b"roses", "poem.txt"));
    ChannelId::new(channel.0).send_message(&http, file).await.unwrap();
    assert_eq!(server.seen(channel)[0].files, [("poem.txt".to_owned(), b"roses".as_slice().into())]);
}
