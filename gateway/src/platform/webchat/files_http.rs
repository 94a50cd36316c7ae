//! Files up and down: `POST <base>/files/<chat>` and `GET <base>/files/<chat>/<id>/<name>`.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Json,
    body::to_bytes,
    extract::{ConnectInfo, Path, Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use codec::MediaRecordView;
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use super::{Shared, http::Server, requests::Refusal};
use crate::media::file_name;

/// What a browser may show as what it says to be. Everything else is only ever saved: a file of a chat must not become a page of
/// ours.
const SHOWN: [&str; 9] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "audio/mpeg",
    "audio/ogg",
    "video/mp4",
    "video/webm",
];

/// Whatever it is, it is in a box: no scripts, no forms, nothing from elsewhere.
const BOX: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";

/// How long the bytes of a file may take to come.
const UPLOADED_WITHIN: Duration = Duration::from_secs(120);

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    name: String,
}

/// Takes a file for a chat. What is answered goes into the message that comes with it.
pub(super) async fn upload(
    State(server): State<Server>,
    Path(chat): Path<String>,
    Query(Named { name }): Query<Named>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let shared = &server.shared;
    let asker = shared.asker(&headers, peer);
    let Some(visitor) = asker.visitor.filter(|_| asker.is_welcome) else {
        return refused(StatusCode::FORBIDDEN, &Refusal::new("forbidden", "This page may not do that."));
    };
    let taken = async {
        shared.owned(&visitor, &chat).await?;
        if !shared.limits.allow_message(&visitor, asker.address) {
            return Err(Refusal::new("rate", "That was a bit fast. Please wait a moment."));
        }
        // Nothing of it is read before it is known that it may come.
        let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length.is_none_or(|length| length > shared.files.bytes_max) {
            return Err(too_large(shared));
        }
        let _transfer = shared.files.transfer().ok_or_else(Refusal::busy)?;
        let most = usize::try_from(shared.files.bytes_max).unwrap_or(usize::MAX);
        let body = match timeout(UPLOADED_WITHIN, to_bytes(request.into_body(), most)).await {
            Ok(Ok(body)) => body,
            Ok(Err(error)) => return Err(Refusal::new("malformed", format!("The file did not arrive: {error}."))),
            Err(_) => return Err(Refusal::new("malformed", "The file took too long to arrive.")),
        };
        let mimetype = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        Ok(shared.files.keep(&shared.lane(&chat), &name, mimetype, body).await?)
    };
    match taken.await {
        Ok(file) => Json(file).into_response(),
        Err(refusal) => refused(status(refusal.code), &refusal),
    }
}

fn too_large(shared: &Shared) -> Refusal {
    match shared.files.bytes_max {
        0 => Refusal::new("too_long", "Files are not taken here."),
        max => Refusal::new("too_long", format!("A file may have {} at most.", bytesize::ByteSize::b(max))),
    }
}

fn refused(status: StatusCode, Refusal { code, message }: &Refusal) -> Response {
    metrics::counter!("stargazer_webchat_refused_total", "reason" => *code).increment(1);
    (status, Json(json!({ "code": code, "message": message }))).into_response()
}

fn status(code: &str) -> StatusCode {
    match code {
        "not_found" => StatusCode::NOT_FOUND,
        "rate" => StatusCode::TOO_MANY_REQUESTS,
        "too_long" => StatusCode::PAYLOAD_TOO_LARGE,
        "unavailable" | "busy" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Gives a file to who has its chat.
pub(super) async fn download(
    State(server): State<Server>,
    Path((chat, id, name)): Path<(String, String, String)>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let shared = &server.shared;
    let Some(visitor) = shared.asker(&headers, peer).visitor else { return StatusCode::NOT_FOUND.into_response() };
    let found = async {
        shared.owned(&visitor, &chat).await?;
        let _transfer = shared.files.transfer().ok_or_else(Refusal::busy)?;
        Ok::<_, Refusal>(shared.files.get(&shared.lane(&chat), &id).await?)
    };
    let record = match found.await {
        Ok(Some(record)) => record,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(refusal) => return status(refusal.code).into_response(),
    };
    let Ok(view) = MediaRecordView::decode(&record) else { return StatusCode::NOT_FOUND.into_response() };
    let is_shown = SHOWN.contains(&view.mimetype);
    let kind = if is_shown { view.mimetype } else { "application/octet-stream" };
    let mut response = record.slice_ref(view.data).into_response();
    let disposition = disposition(is_shown, &name);
    for (header, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, BOX),
        (header::CONTENT_DISPOSITION, disposition.as_str()),
        // Its address is what is in it.
        (header::CACHE_CONTROL, "private, max-age=86400, immutable"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(header, value);
        }
    }
    response
}

/// The name for who saves it, percent-encoded as RFC 5987 has it.
fn disposition(is_shown: bool, name: &str) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let encoded: String = (file_name(name).bytes())
        .map(|byte| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    format!("{}; filename*=UTF-8''{encoded}", if is_shown { "inline" } else { "attachment" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_in_a_header() {
        assert_eq!(disposition(true, "a b\"\r\nx.png"), "inline; filename*=UTF-8''a%20b%22x.png");
        assert_eq!(disposition(false, "ü.html"), "attachment; filename*=UTF-8''%C3%BC.html");
    }
}
