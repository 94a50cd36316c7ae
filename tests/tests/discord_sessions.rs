//! Sessions on a simulated Discord that do not hold, or cannot be gone on with: new ones are begun, neither too often nor too late,
//! and what was said meanwhile is answered.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use bus::unix_ms;
use tests::{FreePort, ModelServer, PATIENCE, Pair, Settings, discord::Home, until};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

const DAMPED: &str = "stargazer_discord_identifies_damped_total";

/// The bot has answered, and it is noted up to where its channel was read.
async fn is_answered(home: &Home, pair: &Pair) {
    home.asks("first");
    home.hears(&[ModelServer::SAYS]).await;
    until("it is noted how far the channel was read", || async {
        let channel = home.channel.to_string();
        pair.redis.command(["HEXISTS", "sg:watermarks:discord", &channel]).await.number() == 1
    })
    .await;
}

/// Waits for the session of this number, and until it has begun.
async fn session(home: &Home, number: u64) {
    let is_there = |_: &_| {
        let is_it = home.server.identifies() == number && home.server.sockets(home.bot.id) == 1;
        is_it.then_some(())
    };
    home.server.wait(&format!("session {number}"), is_there).await;
}

#[tokio::test]
async fn a_bot_whose_sessions_do_not_hold_begins_them_less_and_less_often() {
    let home = Home::new(1).await;
    let pair = home.pair(Settings::new()).await;
    let damped = async || pair.gateway.metric(DAMPED).await;
    is_answered(&home, &pair).await;
    assert_eq!(damped().await, 0.0);
    // As if this session were the fifth in a row, and were begun just now.
    pair.redis.command(["HSET", "sg:lock:identify:discord", "w:0", &format!("{} 5", unix_ms())]).await;
    // Cut off, and what it would resume is not known any more.
    home.server.cut(home.bot.id);
    home.server.forget(home.bot.id);
    until("it is made to wait", || async { damped().await >= 1.0 }).await;
    session(&home, 2).await;
    let too_often = "connects anew too often";
    assert_eq!(pair.gateway.log().with(too_often), Vec::<String>::new(), "ten seconds are not worth a line");
    let before = damped().await;
    home.server.invalidate(home.bot.id, false);
    home.asks("second");
    let line = pair.gateway.log().line(too_often).await;
    let pause = line.split("it does so in ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    assert!(line.contains("in_a_row=6") && pause.is_some_and(|pause| (10..=20).contains(&pause)), "{line}");
    assert!(damped().await > before);
    assert_eq!((home.server.identifies(), home.server.resumes()), (2, 0));
    home.asks("third");
    session(&home, 3).await;
    home.hears(&[ModelServer::SAYS; 3]).await;
    assert_eq!((home.server.identifies_broken(), home.server.limits_broken()), (0, 0));
    assert_eq!(pair.dead_letters().await, Vec::<String>::new());
}

/// Answers whoever connects with 503, and counts them.
async fn closed_door(port: &FreePort, tries: &Arc<AtomicUsize>) -> JoinSet<()> {
    let (listener, tries) = (TcpListener::bind(port.address()).await.unwrap(), Arc::clone(tries));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tries.fetch_add(1, Ordering::Relaxed);
            // Who does not wait for the answer has it all the same.
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    tasks
}

/// Takes a minute and a half: each try waits twice as long as the one before.
#[tokio::test]
async fn a_session_that_cannot_be_resumed_where_discord_says_is_begun_anew() {
    /// Tries of a session.
    const RESUMES: usize = 6;
    let home = Home::new(2).await;
    let (port, tries) = (FreePort::new(), Arc::new(AtomicUsize::new(0)));
    let _door = closed_door(&port, &tries).await;
    home.server.resume_at(&format!("ws://{port}"));
    let pair = home.pair(Settings::new()).await;
    is_answered(&home, &pair).await;
    home.server.cut(home.bot.id);
    home.asks("second");
    for number in 1..=RESUMES {
        until(&format!("try {number}"), || async { tries.load(Ordering::Relaxed) >= number }).await;
        assert_eq!(home.server.identifies(), 1);
    }
    pair.gateway.log().line("the session cannot be resumed; a new one is begun").await;
    home.asks("third");
    let (gave_up, most) = (Instant::now(), PATIENCE.mul_f64(0.9));
    until("it is begun, or most of the longest pause is over", || async {
        home.server.identifies() > 1 || gave_up.elapsed() > most
    })
    .await;
    session(&home, 2).await;
    home.hears(&[ModelServer::SAYS; 3]).await;
    assert_eq!((tries.load(Ordering::Relaxed), home.server.resumes()), (RESUMES, 0));
    assert_eq!((home.server.identifies_broken(), home.server.limits_broken()), (0, 0));
    assert_eq!(pair.dead_letters().await, Vec::<String>::new());
}
