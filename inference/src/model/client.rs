//! A streaming client for any endpoint that speaks OpenAI's chat completions.
#![expect(clippy::disallowed_types, reason = "its address is a setting, and often a private one: not for `fetch`")]

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, stream, stream::BoxStream};
use reqwest::{Response, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use service::{causes, is_local};
use tokio::time::{Instant, timeout_at};

use super::{ChatMessage, Delta, Model, ModelError, SseParser, chunk};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an error body, or of an answer that was not streamed, that are read.
const BODY_MAX: usize = 4 << 20;
/// How long the rest of a stream (the usage) may take once the endpoint said that the answer is complete. Some never close.
const EPILOGUE: Duration = Duration::from_secs(1);
/// Characters of an error body that are quoted.
const DETAIL_MAX: usize = 300;

/// See the module. One connection pool for all turns.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    endpoint: Arc<Endpoint>,
}

#[derive(Debug)]
struct Endpoint {
    url: String,
    /// The URL without what may be a password in it, for people.
    shown: String,
    model: String,
    key: Option<SecretString>,
    max_tokens: Option<u32>,
    temperature: Option<f32>,
    first_token: Duration,
    token: Duration,
    total: Duration,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: &'a [ChatMessage],
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// What speaks HTTP with an endpoint.
pub(super) fn http(base_url: &str) -> Result<reqwest::Client, String> {
    // Of the whole process, and there already where somebody was quicker: with more than one in a build rustls takes none by itself.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().tls_backend_rustls();
    let mut builder = builder.connect_timeout(CONNECT_TIMEOUT).user_agent("stargazer");
    if base_url.starts_with("http://") {
        // Without TLS no certificates are needed, so a machine that has none can still talk to a local model.
        builder = builder.tls_certs_only([]);
    }
    if is_local(base_url) {
        // A proxy of the machine's is for what is elsewhere.
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| {
        let url = without_password(base_url);
        format!("no TLS for {url}: {error}; install the system's certificates (package ca-certificates)")
    })
}

impl Client {
    /// A client of `base_url` for the model `name`.
    ///
    /// # Errors
    /// One line that says what to do, when no TLS can be set up.
    pub fn new(base_url: &str, name: &str, settings: &service::Model) -> Result<Self, String> {
        let http = http(base_url)?;
        let url = format!("{}/chat/completions", base_url.trim_end_matches('/'));
        let endpoint = Endpoint {
            shown: without_password(&url),
            url,
            model: name.to_owned(),
            key: settings.api_key.clone(),
            max_tokens: settings.max_tokens,
            temperature: settings.temperature,
            first_token: settings.first_token_timeout,
            token: settings.token_timeout,
            total: settings.total_timeout,
        };
        Ok(Self { http, endpoint: Arc::new(endpoint) })
    }
}

impl Model for Client {
    fn ask(&self, messages: Vec<ChatMessage>) -> BoxStream<'static, Result<Delta, ModelError>> {
        let (http, endpoint) = (self.http.clone(), Arc::clone(&self.endpoint));
        async move {
            let mut answer = Answer::new(endpoint);
            let opened = answer.open(&http, &messages).await;
            let first = stream::iter(opened.err().map(Err));
            first.chain(stream::unfold(answer, |mut answer| async move {
                let piece = answer.next().await?;
                Some((piece, answer))
            }))
        }
        .flatten_stream()
        .boxed()
    }

    fn name(&self) -> &str {
        &self.endpoint.model
    }
}

/// One request's answer while it comes in.
struct Answer {
    endpoint: Arc<Endpoint>,
    response: Option<Response>,
    parser: SseParser,
    /// Pieces of one event that wait to be taken.
    waiting: Vec<Delta>,
    /// The first token has to be there by then.
    begins_by: Instant,
    ends_at: Instant,
    /// A token has come.
    has_begun: bool,
    /// The endpoint said why it ended.
    is_finished: bool,
}

impl Answer {
    fn new(endpoint: Arc<Endpoint>) -> Self {
        let (begins_by, ends_at) = (Instant::now() + endpoint.first_token, Instant::now() + endpoint.total);
        Self {
            endpoint,
            response: None,
            parser: SseParser::default(),
            waiting: Vec::new(),
            begins_by,
            ends_at,
            has_begun: false,
            is_finished: false,
        }
    }

    /// Sends the request, and leaves a response that streams, or the pieces of one that came whole.
    async fn open(&mut self, http: &reqwest::Client, messages: &[ChatMessage]) -> Result<(), ModelError> {
        let endpoint = Arc::clone(&self.endpoint);
        let request = Request {
            model: &endpoint.model,
            messages,
            stream: true,
            stream_options: StreamOptions { include_usage: true },
            max_tokens: endpoint.max_tokens,
            temperature: endpoint.temperature,
        };
        let body = serde_json::to_vec(&request).map_err(|error| ModelError::Cut(error.to_string()))?;
        let mut builder = http
            .post(&endpoint.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream")
            .body(body);
        if let Some(key) = &endpoint.key {
            builder = builder.bearer_auth(key.expose_secret());
        }
        let by = self.deadline();
        let response = match timeout_at(by, builder.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                return Err(ModelError::Unreachable { url: endpoint.shown.clone(), cause: reason(error) });
            }
            Err(_) => return Err(self.timed_out()),
        };
        let status = response.status();
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        if status.is_success() && kind.starts_with("text/event-stream") {
            self.response = Some(response);
            return Ok(());
        }
        let body = timeout_at(by, whole(response)).await.map_err(|_| self.timed_out())?;
        if !status.is_success() {
            return Err(endpoint.refusal(status, &body));
        }
        // An endpoint that ignores `stream` answers with the whole completion.
        match chunk::read(&body) {
            Ok(said) if said.error.is_some() || said.finish.is_some() || !said.text.is_empty() => self.take(said),
            _ => {
                Err(ModelError::NotAModel { url: endpoint.shown.clone(), detail: endpoint.without_key(&quote(&body)) })
            }
        }
    }

    async fn next(&mut self) -> Option<Result<Delta, ModelError>> {
        let mut by = self.deadline();
        loop {
            if self.is_finished {
                by = by.min(Instant::now() + EPILOGUE);
            }
            if let Some(delta) = self.waiting.pop() {
                self.has_begun = true;
                return Some(Ok(delta));
            }
            match self.parser.next_event() {
                Err(error) => return self.end(Err(ModelError::Cut(error.to_string()))),
                Ok(Some(event)) if event.as_ref() == b"[DONE]" => return self.end(Ok(())),
                Ok(Some(event)) => match chunk::read(&event) {
                    Ok(said) => {
                        if let Err(error) = self.take(said) {
                            return self.end(Err(error));
                        }
                    }
                    Err(_) if self.is_finished => return self.end(Ok(())),
                    Err(error) => {
                        let detail = self.endpoint.without_key(&quote(&event));
                        return self.end(Err(ModelError::Cut(format!("{error} in an event: {detail}"))));
                    }
                },
                Ok(None) => {
                    let response = self.response.as_mut()?;
                    match timeout_at(by, response.chunk()).await {
                        Ok(Ok(Some(chunk))) => self.parser.push(&chunk),
                        Ok(Ok(None)) if self.is_finished => return self.end(Ok(())),
                        Ok(Ok(None)) => return self.end(Err(ModelError::Cut("the connection was closed".into()))),
                        Ok(Err(_)) if self.is_finished => return self.end(Ok(())),
                        Ok(Err(error)) => return self.end(Err(ModelError::Cut(reason(error)))),
                        Err(_) if self.is_finished => return self.end(Ok(())),
                        Err(_) => {
                            let error = self.timed_out();
                            return self.end(Err(error));
                        }
                    }
                }
            }
        }
    }

    fn take(&mut self, said: chunk::Said) -> Result<(), ModelError> {
        if let Some(detail) = said.error {
            let detail = self.endpoint.without_key(&quote(detail.as_bytes()));
            return Err(ModelError::Upstream { url: self.endpoint.shown.clone(), status: 200, detail });
        }
        // In reverse: they are popped.
        self.waiting.extend(said.usage.map(Delta::Usage));
        if let Some(reason) = said.finish {
            self.is_finished = true;
            self.waiting.extend((reason == "length").then_some(Delta::TooLong));
        }
        if !said.text.is_empty() {
            self.waiting.push(Delta::Text(said.text));
        } else if said.is_thinking {
            self.waiting.push(Delta::Thinking);
        }
        Ok(())
    }

    /// By when the next piece has to be there. Keep-alives do not move it.
    fn deadline(&self) -> Instant {
        let next = if self.has_begun { Instant::now() + self.endpoint.token } else { self.begins_by };
        next.min(self.ends_at)
    }

    fn timed_out(&self) -> ModelError {
        if Instant::now() >= self.ends_at {
            ModelError::TookTooLong(self.endpoint.total)
        } else if self.has_begun {
            ModelError::Stalled(self.endpoint.token)
        } else {
            ModelError::NoFirstToken(self.endpoint.first_token)
        }
    }

    /// The last thing that the stream gives.
    fn end(&mut self, how: Result<(), ModelError>) -> Option<Result<Delta, ModelError>> {
        self.response = None;
        self.parser = SseParser::default();
        how.err().map(Err)
    }
}

impl Endpoint {
    /// Some endpoints repeat the key that they refuse.
    fn without_key(&self, text: &str) -> String {
        match self.key.as_ref().map(ExposeSecret::expose_secret) {
            Some(key) if !key.is_empty() => text.replace(key, "***"),
            _ => text.to_owned(),
        }
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> ModelError {
        let detail = serde_json::from_slice(body)
            .map_or_else(|_| quote(body), |error| quote(chunk::error_text(&error).as_bytes()));
        let (url, code, detail) = (self.shown.clone(), status.as_u16(), self.without_key(&detail));
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ModelError::Key { url, status: code, detail },
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                ModelError::NotFound { url, status: code, detail }
            }
            StatusCode::TOO_MANY_REQUESTS => ModelError::RateLimited { url, detail },
            _ => ModelError::Upstream { url, status: code, detail },
        }
    }
}

/// The body up to its bound; what broke off is what was there.
pub(super) async fn whole(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= BODY_MAX {
            break;
        }
    }
    body
}

/// `http://user:password@host/` without what stands before the host.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

fn quote(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() { "an empty body".into() } else { text.chars().take(DETAIL_MAX).collect() }
}

/// What caused an error, or the error itself where nothing did. Its URL, which may hold a secret, is left out.
pub(super) fn reason(error: reqwest::Error) -> String {
    let causes = causes(&error);
    if causes.is_empty() { error.without_url().to_string() } else { causes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_no_password_of_a_url() {
        assert_eq!(without_password("https://me:secret@host:1/v1"), "https://host:1/v1");
        assert_eq!(without_password("https://host/v1/a@b"), "https://host/v1/a@b");
    }
}
