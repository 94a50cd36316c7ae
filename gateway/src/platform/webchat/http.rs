//! The page's HTTP server.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Path, State, WebSocketUpgrade},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Shared, files_http,
    ids::Ids,
    page::{self, CONTENT_SECURITY_POLICY},
    socket,
};
use crate::platform::{RunError, Started};

/// Sockets, which is tabs, of one visitor.
const SOCKETS_PER_VISITOR: usize = 32;
/// How long requests that are under way may go on after a stop. One that was half sent would hold it up for ever.
const GRACE: Duration = Duration::from_secs(3);

/// What a handler needs.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) shared: Arc<Shared>,
    sockets: Arc<Semaphore>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

/// Listens and serves until `stop`; then closes every socket and waits for the last.
pub(super) async fn serve(shared: &Arc<Shared>, started: &Started, stop: CancellationToken) -> Result<(), RunError> {
    let addr = shared.settings.addr;
    let listener = tokio::net::TcpListener::bind(addr).await.map_err(|error| {
        RunError(format!(
            "cannot listen on {addr}: {error}; free the port, or set another address with SG_WEBCHAT_ADDR"
        ))
    })?;
    let tracker = TaskTracker::new();
    let sockets = Arc::new(Semaphore::new(shared.settings.sockets_max));
    let server = Server { shared: Arc::clone(shared), sockets, tracker: tracker.clone(), stop: stop.clone() };
    tracing::info!(url = %format!("http://{addr}{}/", shared.settings.base_path), "webchat");
    started.good();
    let service = router(server).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned()).into_future();
    let cut = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let served = tokio::select! {
        served = serving => served,
        () = cut => Ok(()),
    };
    tracker.close();
    let _ = tokio::time::timeout(GRACE, tracker.wait()).await;
    served.map_err(|error| RunError(format!("stopped serving: {error}")))
}

fn router(server: Server) -> Router {
    let base = server.shared.settings.base_path.clone();
    let pages = Router::new()
        .route("/", get(index))
        .route("/assets/{*path}", get(asset))
        .route("/ws", get(upgrade))
        .route("/files/{chat}", post(files_http::upload))
        .route("/files/{chat}/{id}/{name}", get(files_http::download));
    let router = if base.is_empty() {
        pages
    } else {
        // Links in the page are relative, so the page has to be asked for with a slash at its end.
        let slash = format!("{base}/");
        Router::new()
            .route(&base, get(move || std::future::ready(Redirect::permanent(&slash))))
            .nest(&format!("{base}/"), pages)
    };
    router.with_state(server).layer(map_response(harden))
}

async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    // What a file was given stays.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn index(
    State(server): State<Server>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let shared = &server.shared;
    let asker = shared.asker(&headers, peer);
    let visitor = asker.visitor.unwrap_or_else(Ids::new_visitor);
    let is_secure = shared.settings.secure_cookie || asker.is_secure;
    // Set at every visit, so that the year begins anew.
    let cookie = shared.ids.set_cookie(&visitor, &shared.settings.base_path, is_secure);
    let mut response = page::file(page::INDEX, &headers);
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    page::file(&path, &headers)
}

async fn upgrade(
    State(server): State<Server>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let refuse = |status: StatusCode, reason: &'static str| {
        metrics::counter!("stargazer_webchat_refused_total", "reason" => reason).increment(1);
        (status, reason).into_response()
    };
    let asker = server.shared.asker(&headers, peer);
    if !asker.is_welcome {
        return refuse(StatusCode::FORBIDDEN, "foreign origin");
    }
    let Some(visitor) = asker.visitor else { return refuse(StatusCode::UNAUTHORIZED, "no visitor's cookie") };
    if server.shared.hub.sockets_of(&visitor) >= SOCKETS_PER_VISITOR {
        return refuse(StatusCode::TOO_MANY_REQUESTS, "too many sockets of one visitor");
    }
    let Ok(permit) = Arc::clone(&server.sockets).try_acquire_owned() else {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "too many sockets");
    };
    // What is over the bound but within this is told so by a close frame. What is over this, no page of ours sends: the
    // connection just breaks.
    let max = socket::frame_max(&server.shared).saturating_mul(4);
    let Server { shared, tracker, stop, .. } = server;
    let token = tracker.token();
    upgrade.max_message_size(max).max_frame_size(max).on_upgrade(async move |socket| {
        socket::run(shared, socket, visitor, asker.address, stop).await;
        drop((token, permit));
    })
}
