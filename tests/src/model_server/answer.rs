//! Scripts of answers.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

use super::{Gate, ModelServer};

/// What one request gets: a head, then steps. Without a last step that stalls or cuts, the answer ends as it should.
///
/// Everyday ones: [`Answer::text`], [`Answer::paced`], [`Answer::status`]. Others begin with [`Answer::stream`].
#[derive(Debug, Clone)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) framing: Framing,
    pub(super) steps: Vec<Step>,
    line_end: &'static str,
}

/// How a client sees the end of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// In chunks: one a step.
    Chunked,
    /// In chunks of one byte, so that the client meets every cut there can be.
    Bytewise,
    /// It is over when the connection is.
    UntilClose,
    /// Nothing is ever sent, not even a head.
    Silent,
}

/// One thing to do.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Send(Bytes),
    /// The same bytes this many times.
    Flood(Bytes, usize),
    Wait(Gate),
    Pause(Duration),
    Stall,
    Cut,
}

impl Answer {
    /// A stream with nothing in it yet. What is said of its framing and line ends comes first.
    #[must_use]
    pub fn stream() -> Self {
        let headers = vec![("Content-Type".into(), "text/event-stream; charset=utf-8".into())];
        Self { status: 200, headers, framing: Framing::Chunked, steps: Vec::new(), line_end: "\n" }
    }

    /// A whole answer in one token a word.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::stream().tokens(text.split_inclusive(' ')).done()
    }

    /// A whole answer whose every token, and whose end, waits at the gate.
    #[must_use]
    pub fn paced<'a>(gate: &Gate, tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let held = tokens.into_iter().fold(Self::stream(), |answer, token| answer.wait(gate).token(token));
        held.wait(gate).done()
    }

    /// An answer that is not streamed: a status with a JSON body.
    #[must_use]
    pub fn status(status: u16, body: &Value) -> Self {
        Self::whole(status, "application/json", body.to_string())
    }

    /// A web page where an API was expected.
    #[must_use]
    pub fn html(status: u16, page: &str) -> Self {
        Self::whole(status, "text/html; charset=utf-8", page.to_owned())
    }

    /// What an endpoint that ignores `stream` sends.
    #[must_use]
    pub fn completion(text: &str) -> Self {
        let choice =
            json!({ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" });
        let usage = json!({ "prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8 });
        Self::status(200, &json!({ "object": "chat.completion", "choices": [choice], "usage": usage }))
    }

    /// No byte at all, ever.
    #[must_use]
    pub fn silent() -> Self {
        Self { framing: Framing::Silent, ..Self::stream() }.stall()
    }

    fn whole(status: u16, kind: &str, body: String) -> Self {
        let headers = vec![("Content-Type".into(), kind.into())];
        let steps = vec![Step::Send(body.into())];
        Self { status, headers, framing: Framing::Chunked, steps, line_end: "\n" }
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Lines end in CR LF.
    #[must_use]
    pub fn crlf(self) -> Self {
        Self { line_end: "\r\n", ..self }
    }

    /// Every byte comes for itself.
    #[must_use]
    pub fn bytewise(self) -> Self {
        Self { framing: Framing::Bytewise, ..self }
    }

    /// The body has no marked end, so a lost connection looks like one.
    #[must_use]
    pub fn until_close(self) -> Self {
        Self { framing: Framing::UntilClose, ..self }
    }

    /// Bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: impl Into<Bytes>) -> Self {
        self.steps.push(Step::Send(bytes.into()));
        self
    }

    /// A comment, as providers send to keep a connection alive.
    #[must_use]
    pub fn comment(self, text: &str) -> Self {
        let end = self.line_end;
        self.raw(format!(": {text}{end}{end}"))
    }

    /// An event with any JSON.
    #[must_use]
    pub fn event(self, data: &Value) -> Self {
        let event = event(data, self.line_end);
        self.raw(event)
    }

    /// A piece of the text.
    #[must_use]
    pub fn token(self, text: &str) -> Self {
        self.event(&chunk(&json!({ "content": text }), None))
    }

    /// Several pieces.
    #[must_use]
    pub fn tokens<'a>(self, texts: impl IntoIterator<Item = &'a str>) -> Self {
        texts.into_iter().fold(self, Answer::token)
    }

    /// A piece of reasoning, which is not part of the text.
    #[must_use]
    pub fn thought(self, text: &str) -> Self {
        self.event(&chunk(&json!({ "content": null, "reasoning_content": text }), None))
    }

    /// The chunk that says why the text ends: `stop`, `length`.
    #[must_use]
    pub fn finish(self, reason: &str) -> Self {
        self.event(&chunk(&json!({}), Some(reason)))
    }

    /// The chunk that has no choices, only what was counted.
    #[must_use]
    pub fn usage(self, prompt: u64, completion: u64) -> Self {
        let usage =
            json!({ "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion });
        self.event(&json!({ "object": "chat.completion.chunk", "choices": [], "usage": usage }))
    }

    /// An error in the middle of the stream.
    #[must_use]
    pub fn error(self, message: &str) -> Self {
        self.event(&json!({ "error": { "message": message, "type": "server_error", "code": 502 } }))
    }

    /// The end as it should be: reason, usage, `[DONE]`.
    #[must_use]
    pub fn done(self) -> Self {
        let end = self.line_end;
        self.finish("stop").usage(3, 5).raw(format!("data: [DONE]{end}{end}"))
    }

    /// Waits for the test.
    #[must_use]
    pub fn wait(mut self, gate: &Gate) -> Self {
        self.steps.push(Step::Wait(gate.clone()));
        self
    }

    /// Thinks for so long.
    #[must_use]
    pub fn pause(mut self, time: Duration) -> Self {
        self.steps.push(Step::Pause(time));
        self
    }

    /// About this many bytes of text, as fast as they are taken.
    #[must_use]
    pub fn flood(mut self, bytes: usize) -> Self {
        const PIECE: usize = 16 << 10;
        let text = "flood ".repeat(PIECE / 6);
        let piece = event(&chunk(&json!({ "content": text }), None), self.line_end);
        self.steps.push(Step::Flood(piece, bytes.div_ceil(text.len())));
        self
    }

    /// Says nothing more, but holds the connection.
    #[must_use]
    pub fn stall(mut self) -> Self {
        self.steps.push(Step::Stall);
        self
    }

    /// Closes the connection here.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.steps.push(Step::Cut);
        self
    }
}

fn chunk(delta: &Value, finish: Option<&str>) -> Value {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish, "logprobs": null });
    json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": ModelServer::MODEL, "choices": [choice], "usage": null })
}

fn event(data: &Value, line_end: &str) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_slice(format!("data: {data}{line_end}{line_end}").as_bytes());
    bytes.freeze()
}
