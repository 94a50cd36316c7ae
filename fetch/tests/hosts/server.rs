//! A server that answers as a test says, byte by byte.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// What it does with a request. Afterwards the connection is closed.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Write(Vec<u8>),
    /// This again and again, for as long as it is taken.
    Repeat(Vec<u8>),
    /// The same, one each so often.
    Drip(Vec<u8>, Duration),
    /// Nothing more, and no end.
    Hang,
}

/// A server on this machine, gone with this value.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl Server {
    /// Answers each request (its head, as text) with what `answer` says.
    pub(crate) async fn new(answer: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::on(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0), answer).await
    }

    pub(crate) async fn on(address: SocketAddr, answer: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, answer) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(answer));
        let mut serving = JoinSet::new();
        let seen = Arc::clone(&requests);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                connections.spawn(async move {
                    let Some(head) = head(&mut stream).await else { return };
                    let steps = answer(&head);
                    seen.lock().unwrap().push(head);
                    play(&mut stream, steps).await;
                });
            }
        });
        Self { address, requests, _serving: serving }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL of it under another name.
    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.address.port())
    }

    /// The heads of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// Ends early when the other side has had enough.
async fn play(stream: &mut TcpStream, steps: Vec<Step>) {
    for step in steps {
        match step {
            Step::Write(bytes) => _ = stream.write_all(&bytes).await,
            Step::Repeat(bytes) => while stream.write_all(&bytes).await.is_ok() {},
            Step::Drip(bytes, every) => {
                let mut every = tokio::time::interval(every);
                while stream.write_all(&bytes).await.is_ok() {
                    every.tick().await;
                }
            }
            Step::Hang => std::future::pending().await,
        }
    }
}

/// An answer with a body and its length.
pub(crate) fn ok(body: &str) -> Vec<Step> {
    answer("200 OK", &[&format!("Content-Length: {}", body.len()), "Content-Type: text/plain"], body)
}

pub(crate) fn answer(status: &str, headers: &[&str], body: &str) -> Vec<Step> {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    vec![Step::Write(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n{body}").into_bytes())]
}

pub(crate) fn redirect(to: &str) -> Vec<Step> {
    answer("302 Found", &[&format!("Location: {to}"), "Content-Length: 0"], "")
}
