//! A scripted model: an OpenAI-compatible server that streams, stalls, cuts, floods and fails as a test tells it.
//!
//! It speaks over a bare socket, so that every byte and every cut is where the script has it.

mod answer;
mod connection;
mod gate;
mod request;

use std::{
    collections::VecDeque,
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

pub use answer::Answer;
pub use gate::Gate;
pub use request::{Ended, Request};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::within;

/// See the module. Requests take the scripted answers in the order in which they arrive.
#[derive(Debug)]
pub struct ModelServer {
    address: SocketAddr,
    desk: Arc<Desk>,
    /// Aborted with this value, and all connections with it.
    _tasks: JoinSet<()>,
}

/// What connections share.
struct Desk {
    script: Mutex<Script>,
    /// Answers instead of the script. Its requests are not kept, so that it can answer for hours.
    speaker: Option<Speaker>,
    requests: watch::Sender<Vec<Request>>,
}

type Speaker = Box<dyn Fn(&Request) -> Answer + Send + Sync>;

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("script", &self.script).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Script {
    next: VecDeque<Answer>,
    otherwise: Answer,
}

impl ModelServer {
    /// The name under which it knows its one model.
    pub const MODEL: &str = "scripted";
    /// What it says when it was told nothing else.
    pub const SAYS: &str = "Hello from the scripted model.";

    /// Starts one on a free port.
    pub async fn new() -> Self {
        Self::start(None).await
    }

    /// Starts one whose every answer is this function of the request.
    pub async fn speaking(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(Some(Box::new(answer))).await
    }

    async fn start(speaker: Option<Speaker>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let script = Script { next: VecDeque::new(), otherwise: Answer::text(Self::SAYS) };
        let desk = Arc::new(Desk { script: Mutex::new(script), speaker, requests: watch::Sender::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&desk)));
        Self { address, desk, _tasks: tasks }
    }

    /// What clients have as their base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Answers the next request that has no answer yet.
    pub fn script(&self, answer: Answer) {
        self.desk.script.lock().unwrap().next.push_back(answer);
    }

    /// Answers every request that nothing was scripted for.
    pub fn otherwise(&self, answer: Answer) {
        self.desk.script.lock().unwrap().otherwise = answer;
    }

    /// All requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.desk.requests.borrow().clone()
    }

    /// The request with this index, as soon as it is there.
    pub async fn request(&self, index: usize) -> Request {
        let mut requests = self.desk.requests.subscribe();
        let arrived = requests.wait_for(|requests| requests.len() > index);
        let requests = within(&format!("request {index} at the model"), arrived).await.expect("the server lives");
        requests[index].clone()
    }
}

async fn accept(listener: TcpListener, desk: Arc<Desk>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection::serve(stream, Arc::clone(&desk)));
        while connections.try_join_next().is_some() {}
    }
}

impl Desk {
    /// Notes a request; its answer, and where to tell how it ended.
    fn admit(&self, mut request: Request) -> (Answer, watch::Sender<Option<Ended>>) {
        let ended = watch::Sender::new(None);
        request.ended = ended.subscribe();
        if let Some(speaker) = &self.speaker {
            return (speaker(&request), ended);
        }
        let mut script = self.script.lock().unwrap();
        let answer = script.next.pop_front().unwrap_or_else(|| script.otherwise.clone());
        // Under the lock: the order of requests is that of answers.
        self.requests.send_modify(|requests| requests.push(request));
        (answer, ended)
    }
}
