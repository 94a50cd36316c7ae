//! From a request to its answer: who asks, limits, faults, the deed, and a note of it.

use std::{sync::Arc, time::Instant};

use axum::{
    body::{Body as Bytes, to_bytes},
    extract::{ConnectInfo, FromRequestParts, Request, State as Shares, ws::WebSocketUpgrade},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    body::{Body, REQUEST_MAX},
    call::{Call, decoded},
    error::Failure,
    route,
};
use crate::discord::{
    faults::{Fault, When},
    gateway::{self, Wanted},
    id::Snowflake,
    ledger::Exchange,
    limits::{Refused, Scope, Told},
    server::Wire,
    state::{Shared, State},
};

/// What the client is to get.
struct Reply {
    status: u16,
    body: Option<Value>,
    told: Option<Told>,
    /// In the place of the answer, or before it.
    fault: Option<Fault>,
}

/// Every request of the server comes here.
pub(crate) async fn serve(
    Shares(shared): Shares<Arc<Shared>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
) -> Response {
    let arrived = Instant::now();
    let (mut parts, bytes) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    if path == "/" || path.is_empty() {
        let wanted = Wanted::of(&query);
        return match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
            Ok(upgrade) => upgrade.on_upgrade(move |socket| gateway::serve(socket, wanted, shared)),
            Err(refusal) => refusal.into_response(),
        };
    }
    if path.starts_with("/attachments/") {
        return file(&shared, &path, &query);
    }
    let Some(path) = path.strip_prefix("/api/v10/") else {
        let failure = if path.starts_with("/api/") { Failure::NO_VERSION } else { Failure::NO_ROUTE };
        return plain(failure.status, Some(&failure.body()), HeaderMap::new());
    };
    let body = match to_bytes(bytes, REQUEST_MAX).await {
        Ok(bytes) => Body::read(&parts.headers, bytes).await,
        Err(_) => Err(Failure::TOO_LARGE),
    };
    let told_path = if query.is_empty() { format!("/{path}") } else { format!("/{path}?{query}") };
    let method = parts.method.as_str().to_owned();
    let path = path.split('/').map(decoded).collect();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
    let token = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bot ")).unwrap_or_default().to_owned();
    let reply = shared.with(|state| {
        let bot = state.world.bots.values().find(|bot| bot.token == token).map(|bot| bot.id);
        settle(state, arrived, bot, Call { method, path, query, body: Body::default(), bot }, body, told_path)
    });
    send(&shared, &wire, reply).await
}

/// Decides on all of it, under the lock.
fn settle(
    state: &mut State,
    arrived: Instant,
    bot: Option<Snowflake>,
    mut call: Call,
    body: Result<Body, Failure>,
    path: String,
) -> Reply {
    let now = state.world.clock.now();
    if state.ledger.is_banned(now) {
        // Not from Discord, but from Cloudflare before it: no JSON, no headers of limits.
        return Reply { status: 429, body: None, told: None, fault: None };
    }
    if bot.is_none() && !route::needs_no_bot(&call.path) {
        let failure = Failure::UNAUTHORIZED;
        note(state, &call.method, path, Some(failure.status), None, false);
        return Reply { status: failure.status, body: Some(failure.body()), told: None, fault: None };
    }
    let mut told = state.limits.take(now, arrived, call.key());
    if told.refused.is_some() {
        note(state, &call.method, path, Some(429), Some(&told), false);
        return Reply { status: 429, body: None, told: Some(told), fault: None };
    }
    let fault = state.faults.draw(&call.method, &path);
    if let Some(Fault::TooMany(scope, retry_after)) = fault {
        let until = now + retry_after;
        state.limits.pause(&told.key, scope, until);
        told.refused = Some(Refused { scope, until, was_told: false });
        note(state, &call.method, path, Some(429), Some(&told), true);
        return Reply { status: 429, body: None, told: Some(told), fault: None };
    }
    let is_before = matches!(fault, Some(Fault::Status(_, When::Before) | Fault::Cut(When::Before)));
    let answer = match body {
        _ if is_before => Ok(None),
        Ok(body) => {
            call.body = body;
            route::act(state, &call)
        }
        Err(failure) => Err(failure),
    };
    let (status, body) = match (&fault, answer) {
        // "502 (GATEWAY UNAVAILABLE)" and its like bring no JSON: discord.com/developers/docs/topics/opcodes-and-status-codes#http.
        (Some(Fault::Status(status, _)), _) => (*status, None),
        (_, Ok(Some(body))) => (200, Some(body)),
        (_, Ok(None)) => (204, None),
        (_, Err(failure)) => (failure.status, Some(failure.body())),
    };
    let status_told = if matches!(fault, Some(Fault::Cut(_))) { None } else { Some(status) };
    note(state, &call.method, path, status_told, Some(&told), fault.is_some());
    Reply { status, body, told: Some(told), fault }
}

fn note(state: &mut State, method: &str, path: String, status: Option<u16>, told: Option<&Told>, had_fault: bool) {
    let refused = told.and_then(|told| told.refused);
    let exchange = Exchange {
        at: state.world.clock.now(),
        method: method.to_owned(),
        path,
        status,
        bucket: told.map_or_else(String::new, |told| told.bucket.clone()),
        broke_limit: refused.is_some_and(|refused| refused.was_told),
        had_fault,
    };
    state.ledger.note(exchange, refused.is_some_and(|refused| refused.scope == Scope::Shared));
}

/// Sends it, with what is in its way.
async fn send(shared: &Shared, wire: &Wire, reply: Reply) -> Response {
    match reply.fault {
        Some(Fault::Cut(_)) => {
            wire.cut();
            // The connection is gone, and this task with it.
            std::future::pending::<()>().await;
        }
        Some(Fault::Held(gate, _)) => gate.pass().await,
        Some(Fault::Slow(by, _)) => shared.clock.reach(shared.clock.now() + by).await,
        Some(Fault::Status(..) | Fault::TooMany(..)) | None => {}
    }
    let Some(told) = reply.told else {
        return plain(reply.status, reply.body.as_ref(), HeaderMap::new());
    };
    // From here on the client is to know.
    shared.with(|state| state.limits.went_out(&told));
    let (headers, body) = limited(shared, &told, reply.body);
    plain(reply.status, body.as_ref(), headers)
}

/// discord.com/developers/docs/topics/rate-limits#header-format, and #exceeding-a-rate-limit.
fn limited(shared: &Shared, told: &Told, body: Option<Value>) -> (HeaderMap, Option<Value>) {
    let mut headers = HeaderMap::new();
    let mut add = |name: &'static str, value: String| {
        headers.insert(name, value.parse().expect("digits and letters"));
    };
    let after = told.reset.saturating_sub(shared.clock.now());
    let is_global = told.refused.is_some_and(|refused| refused.scope == Scope::Global);
    if !is_global {
        add("x-ratelimit-limit", told.limit.to_string());
        add("x-ratelimit-remaining", told.remaining.to_string());
        add("x-ratelimit-reset", format!("{:.3}", told.reset.as_secs_f64()));
        add("x-ratelimit-reset-after", format!("{:.3}", after.as_secs_f64()));
        add("x-ratelimit-bucket", told.bucket.clone());
    }
    let Some(refused) = told.refused else { return (headers, body) };
    let seconds = refused.until.saturating_sub(shared.clock.now()).as_secs_f64();
    add("retry-after", format!("{:.0}", seconds.ceil()));
    add("x-ratelimit-scope", refused.scope.name().into());
    if is_global {
        add("x-ratelimit-global", "true".into());
    }
    let message = "You are being rate limited.";
    (headers, Some(json!({ "message": message, "retry_after": seconds, "global": is_global })))
}

fn plain(status: u16, body: Option<&Value>, mut headers: HeaderMap) -> Response {
    // Clients tell Discord from Cloudflare by it.
    headers.insert(header::VIA, header::HeaderValue::from_static("1.1 google"));
    let status = StatusCode::from_u16(status).expect("a status");
    match body {
        Some(body) => {
            headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
            (status, headers, body.to_string()).into_response()
        }
        None => (status, headers, Bytes::empty()).into_response(),
    }
}

/// A file by its signed address: discord.com/developers/docs/reference#signed-attachment-cdn-urls.
fn file(shared: &Shared, path: &str, query: &str) -> Response {
    let found = shared.look(|state| {
        let is_good = state.world.cdn.is_good(state.world.clock.now(), &decoded(path), query);
        let mut parts = path.split('/').skip(2);
        let (channel, id) = (Snowflake::parse(parts.next()?)?, Snowflake::parse(parts.next()?)?);
        let mut messages = state.world.channels.get(&channel)?.messages.values().filter(|message| !message.is_deleted);
        let file = messages.find_map(|message| message.attachments.iter().find(|file| file.id == id))?;
        is_good.then(|| (file.content_type.clone(), file.bytes.clone()))
    });
    let Some((kind, bytes)) = found else {
        return (StatusCode::NOT_FOUND, "This content is no longer available.").into_response();
    };
    let kind = kind.unwrap_or_else(|| "application/octet-stream".into());
    ([(header::CONTENT_TYPE, kind)], bytes).into_response()
}
