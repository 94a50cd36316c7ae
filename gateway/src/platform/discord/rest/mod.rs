//! Requests to Discord's HTTP API, each with a place of the bot's budgets, which its answer tells of.
//!
//! Not by serenity's client: of a refused request it hides the headers, which say for how long.

mod answer;
mod failure;

use std::time::Duration;

use reqwest::{
    Method,
    multipart::{Form, Part as FormPart},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use service::causes;
use tokio::time::Instant;

pub(super) use failure::Failure;

use crate::{
    pacing::{Pacer, Place, Rank, Told, Want},
    platform::{File, Part, Until},
};

const VERSION: &str = "api/v10";
const USER_AGENT: &str = concat!("DiscordBot (stargazer, ", env!("CARGO_PKG_VERSION"), ")");
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A request that has no answer by then is one of which nothing is known. Files of 10 MiB have to fit.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a request waits for a place. After it the action waits in its lane, and comes again.
const PLACE_WAIT: Duration = Duration::from_secs(20);
/// What is begun later than this before nobody waits for it any more would have no answer by then.
const ANSWERED_WITHIN: Duration = Duration::from_millis(250);
/// What is asked again soon does not wait for longer than this, where it is not known when there is a place.
const NO_PLACE_PAUSE: Duration = Duration::from_millis(500);

/// One request.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    /// What follows the version.
    pub(super) path: String,
    /// Method and path without ids, which budgets are told by.
    pub(super) route: &'static str,
    /// The channel or server, or the interaction, that is counted apart.
    pub(super) major: &'a str,
    pub(super) rank: Rank,
    pub(super) body: Option<Value>,
    pub(super) file: Option<&'a File<'a>>,
    pub(super) until: Option<Until<'a>>,
}

impl<'a> Ask<'a> {
    pub(super) fn new(method: Method, path: String, route: &'static str, major: &'a str, rank: Rank) -> Self {
        Self { method, path, route, major, rank, body: None, file: None, until: None }
    }

    /// What is asked about a channel; `route` is its method and path without ids.
    pub(super) fn of_channel(method: Method, route: &'static str, channel: &'a str, under: &str, rank: Rank) -> Self {
        Self::new(method, format!("channels/{channel}{under}"), route, channel, rank)
    }

    pub(super) fn with(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    /// With the file of a part, and for as long as that is of use.
    pub(super) fn of_part(self, part: &'a Part<'a, '_>) -> Self {
        Self { file: part.file.as_ref(), until: part.until, ..self }
    }
}

#[expect(clippy::disallowed_types, reason = "the API's address is a setting")]
type Http = reqwest::Client;

/// See the module.
#[derive(Debug)]
pub(super) struct Rest {
    http: Http,
    base: String,
    token: SecretString,
    pacer: Pacer,
}

impl Rest {
    /// For a bot's token at this address.
    pub(super) fn new(api_url: &str, token: SecretString, pacer: Pacer) -> Result<Self, String> {
        // Of the whole process, and there already where somebody was quicker. The socket has it from here as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Http::builder()
            // Whatever else is built in: the tests bring OpenSSL along, and would try other code than people run.
            .tls_backend_rustls()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none());
        if api_url.starts_with("http://") {
            // Without TLS no certificates are needed, and what is on this machine has no proxy of the machine's before it.
            builder = builder.tls_certs_only([]).no_proxy();
        }
        let http = builder.build().map_err(|error| {
            format!("no TLS for {api_url}: {error}; install the system's certificates (package ca-certificates)")
        })?;
        Ok(Self { http, base: format!("{}/{VERSION}", api_url.trim_end_matches('/')), token, pacer })
    }

    pub(super) fn token(&self) -> &str {
        self.token.expose_secret()
    }

    /// Asks, when there is a place. What only passes goes at once or not at all.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Value, Failure> {
        let until = Instant::now() + PLACE_WAIT;
        let until = ask.until.map_or(until, |of_use| until.min(of_use.at - ANSWERED_WITHIN));
        let is_whole = !ask.path.starts_with("interactions/") && !ask.path.starts_with("webhooks/");
        let want = Want { route: ask.route, major: ask.major, rank: ask.rank, is_whole, until };
        let place = match ask.rank {
            Rank::Edit | Rank::Typing => {
                let no_place = || Failure::NoPlace(self.cadence(ask.route, ask.major).unwrap_or(NO_PLACE_PAUSE));
                self.pacer.place_now(want).await.ok_or_else(no_place)?
            }
            _ => {
                let placed = self.pacer.place(want);
                let placed = match ask.until {
                    Some(of_use) => of_use.over.run_until_cancelled(placed).await,
                    None => Some(placed.await),
                };
                placed.and_then(Result::ok).ok_or(Failure::NoPlace(NO_PLACE_PAUSE))?
            }
        };
        self.ask_in(place, ask).await
    }

    async fn ask_in(&self, place: Place, ask: Ask<'_>) -> Result<Value, Failure> {
        let mut request = self
            .http
            .request(ask.method, format!("{}/{}", self.base, ask.path))
            .header("authorization", format!("Bot {}", self.token()));
        request = match (ask.body, ask.file) {
            (Some(body), Some(file)) => request.multipart(form(&body, file)),
            (Some(body), None) => request.header("content-type", "application/json").body(body.to_string()),
            (None, _) => request,
        };
        let response = match request.send().await {
            Ok(response) => response,
            // Nothing was written, so nothing was counted.
            Err(error) if error.is_connect() => {
                place.told(&Told::Nothing).await;
                return Err(Failure::Away(reason(&error)));
            }
            // The place says by itself that nothing is known.
            Err(error) => return Err(Failure::Unknown(reason(&error))),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let body = response.bytes().await;
        let json = body.as_ref().ok().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or(Value::Null);
        place.told(&answer::told(status, header, &json)).await;
        if answer::counts_as_invalid(status, header) {
            metrics::counter!("stargazer_discord_refused_total", "status" => status.to_string()).increment(1);
            self.pacer.refused().await;
        }
        match (status, body) {
            // What was made is not known without its answer.
            (200..300, Err(error)) => Err(Failure::Unknown(reason(&error))),
            (200..300, Ok(body)) if json.is_null() && !body.is_empty() => {
                Err(Failure::Unknown("the answer is no JSON".into()))
            }
            (200..300, Ok(_)) => Ok(json),
            _ => Err(answer::failure(status, header, &json)),
        }
    }

    /// How often something that passes may go there.
    pub(super) fn cadence(&self, route: &str, major: &str) -> Option<Duration> {
        self.pacer.cadence(route, major)
    }
}

/// <https://discord.com/developers/docs/reference#uploading-files>
fn form(body: &Value, file: &File<'_>) -> Form {
    let size = file.bytes.len() as u64;
    let part = || FormPart::stream_with_length(file.bytes.clone(), size).file_name(file.name.clone().into_owned());
    // What is no media type is left to the platform.
    let typed = file.mimetype.and_then(|mimetype| part().mime_str(mimetype).ok()).unwrap_or_else(part);
    Form::new().text("payload_json", body.to_string()).part("files[0]", typed)
}

/// Never with its address, which for an interaction holds a secret.
fn reason(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() { "no answer in time" } else { "no answer" };
    let causes = causes(error);
    if causes.is_empty() { what.to_owned() } else { format!("{what}: {causes}") }
}
