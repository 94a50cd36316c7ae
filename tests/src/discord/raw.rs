//! A bot without a library: one request, one frame at a time, exactly as a test says.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::{
    gateway::Intents,
    server::{BotHandle, DiscordServer},
};
use crate::{Closed, Response, http, within};

/// Speaks HTTP with a bot's token.
#[derive(Debug, Clone)]
pub struct RawBot {
    address: SocketAddr,
    authorization: String,
    token: String,
}

/// What the API answered.
#[derive(Debug, Clone)]
pub struct RawReply {
    /// As it came.
    pub response: Response,
    /// The body; null where there is none.
    pub json: Value,
}

impl RawReply {
    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status
    }

    /// The status and Discord's own code.
    #[must_use]
    pub fn failure(&self) -> (u16, u64) {
        (self.response.status, self.json["code"].as_u64().unwrap_or_default())
    }

    /// A header as a number.
    #[must_use]
    pub fn number(&self, header: &str) -> Option<f64> {
        self.response.header(header)?.parse().ok()
    }

    /// The `id` of what came.
    #[must_use]
    pub fn id(&self) -> super::Snowflake {
        super::Snowflake::of(&self.json["id"]).unwrap_or_else(|| panic!("no id in {}", self.json))
    }
}

impl RawBot {
    /// A bot of this server.
    #[must_use]
    pub fn new(server: &DiscordServer, bot: &BotHandle) -> Self {
        let (address, token) = (server.address(), bot.token.clone());
        Self { address, authorization: format!("Bot {token}"), token }
    }

    /// Asks for `path` below `/api/v10`. `None` where the connection ended without an answer.
    pub async fn try_ask(&self, method: &str, path: &str, body: &Value) -> Option<RawReply> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, "application/json", &body).await
    }

    /// As [`RawBot::try_ask`], where an answer has to come.
    pub async fn ask(&self, method: &str, path: &str, body: &Value) -> RawReply {
        self.try_ask(method, path, body).await.expect("an answer")
    }

    /// Sends `payload_json` and text files, as multipart.
    pub async fn upload(&self, path: &str, payload: &Value, files: &[(&str, &str)]) -> RawReply {
        let mut body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n{payload}\r\n"
        );
        for (index, (name, text)) in files.iter().enumerate() {
            body.push_str(&format!(
                "--b\r\nContent-Disposition: form-data; name=\"files[{index}]\"; filename=\"{name}\"\r\nContent-Type: text/plain\r\n\r\n{text}\r\n"
            ));
        }
        body.push_str("--b--\r\n");
        self.send("POST", path, "multipart/form-data; boundary=b", &body).await.expect("an answer")
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: &str) -> Option<RawReply> {
        let path = format!("/api/v10{path}");
        let headers = [("Authorization", self.authorization.as_str()), ("Content-Type", kind)];
        let ask = http::ask(self.address, http::Ask { method, path: &path, headers: &headers, body });
        let response = within("the API answers", ask).await.ok()?;
        let json = serde_json::from_str(&response.body).unwrap_or_default();
        Some(RawReply { response, json })
    }

    /// Gets a file by its address.
    pub async fn fetch(&self, url: &str) -> Response {
        let path = url.strip_prefix(&format!("http://{}", self.address)).expect("files are on the server");
        http::get(self.address, path).await.expect("an answer")
    }

    /// Opens a socket, and reads HELLO.
    pub async fn connect(&self) -> RawSocket {
        let mut socket = self.connect_with("v=10&encoding=json").await;
        let hello = socket.frame().await;
        assert_eq!(hello["op"], 10, "{hello}");
        socket
    }

    /// Opens a socket with any query.
    pub async fn connect_with(&self, query: &str) -> RawSocket {
        let stream = TcpStream::connect(self.address).await.expect("the gateway listens");
        let (socket, _) = client_async(format!("ws://{}/?{query}", self.address), stream).await.expect("a socket");
        RawSocket { socket, token: self.token.clone(), session: String::new(), sequence: 0 }
    }

    /// Opens a socket and identifies: it has read READY.
    pub async fn identify(&self, intents: Intents) -> RawSocket {
        let mut socket = self.connect().await;
        socket.identify(json!({ "intents": intents.0 })).await;
        socket.event("READY").await;
        socket
    }
}

/// One socket of it.
#[derive(Debug)]
pub struct RawSocket {
    socket: WebSocketStream<TcpStream>,
    token: String,
    /// Of READY.
    pub session: String,
    /// Of the last dispatch.
    pub sequence: u64,
}

impl RawSocket {
    /// Sends any payload.
    pub async fn send(&mut self, payload: &Value) {
        self.text(&payload.to_string()).await;
    }

    /// Sends anything at all.
    pub async fn text(&mut self, text: &str) {
        // A socket that is closed says so when it is read.
        let _ = self.socket.send(Message::text(text)).await;
    }

    /// IDENTIFY with these fields, and a token where there is none among them.
    pub async fn identify(&mut self, mut fields: Value) {
        if fields["token"].is_null() {
            fields["token"] = json!(self.token);
        }
        fields["properties"] = json!({ "os": "linux", "browser": "raw", "device": "raw" });
        self.send(&json!({ "op": 2, "d": fields })).await;
    }

    /// RESUME of a session.
    pub async fn resume(&mut self, session: &str, sequence: u64) {
        (self.session, self.sequence) = (session.to_owned(), sequence);
        let token = self.token.clone();
        self.send(&json!({ "op": 6, "d": { "token": token, "session_id": session, "seq": sequence } })).await;
    }

    /// A heartbeat.
    pub async fn beat(&mut self) {
        self.send(&json!({ "op": 1, "d": self.sequence })).await;
    }

    /// Closes it with a code.
    pub async fn close(mut self, code: u16) {
        let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame { code: code.into(), reason: "".into() };
        self.socket.close(Some(frame)).await.expect("it is open");
        // Until the other side has heard of it.
        while within("the socket ends", self.socket.next()).await.is_some_and(|end| end.is_ok()) {}
    }

    /// The next message as it came; how the socket ended where it did.
    pub async fn message(&mut self) -> Result<Message, Closed> {
        let lost = || Closed { code: 1006, reason: String::new() };
        match within("a frame comes", self.socket.next()).await {
            Some(Ok(Message::Close(Some(frame)))) => {
                Err(Closed { code: frame.code.into(), reason: frame.reason.to_string() })
            }
            Some(Ok(Message::Close(None)) | Err(_)) | None => Err(lost()),
            Some(Ok(message)) => Ok(message),
        }
    }

    /// The next payload; how the socket ended where it did.
    pub async fn try_frame(&mut self) -> Result<Value, Closed> {
        loop {
            let Message::Text(text) = self.message().await? else { continue };
            let frame: Value = serde_json::from_str(&text).expect("frames are JSON");
            if frame["op"] == 0 {
                let sequence = frame["s"].as_u64().expect("a dispatch has a number");
                assert_eq!(sequence, self.sequence + 1, "numbers have no gaps: {frame}");
                self.sequence = sequence;
            }
            if frame["t"] == "READY" {
                self.session = frame["d"]["session_id"].as_str().expect("READY names the session").to_owned();
            }
            return Ok(frame);
        }
    }

    /// The next payload.
    pub async fn frame(&mut self) -> Value {
        self.try_frame().await.unwrap_or_else(|closed| panic!("the socket was closed: {closed:?}"))
    }

    /// The next dispatch of this name, past all others: its data.
    pub async fn event(&mut self, name: &str) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["t"] == name {
                return frame["d"].clone();
            }
        }
    }

    /// The next payload with this opcode, past all others.
    pub async fn op(&mut self, op: u64) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["op"] == op {
                return frame;
            }
        }
    }

    /// Names of the dispatches that came before the ACK of a heartbeat that is sent now: all that was sent so far.
    pub async fn names(&mut self) -> Vec<String> {
        self.beat().await;
        let mut names = Vec::new();
        loop {
            let frame = self.frame().await;
            match frame["op"].as_u64() {
                Some(0) => names.push(frame["t"].as_str().unwrap_or_default().to_owned()),
                Some(11) => return names,
                _ => {}
            }
        }
    }

    /// Reads until the socket is closed.
    pub async fn closed(&mut self) -> Closed {
        loop {
            if let Err(closed) = self.try_frame().await {
                return closed;
            }
        }
    }
}
