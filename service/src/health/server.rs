//! The listener behind the health endpoints.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener},
    thread::JoinHandle,
};

use axum::{
    Json, Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use tokio_util::sync::CancellationToken;

use super::Health;
use crate::telemetry::Recorder;

/// Ports that are tried after a default that is taken.
const PORTS_FURTHER: u16 = 20;

/// Serves until it is stopped.
#[derive(Debug)]
pub(crate) struct HealthServer {
    address: SocketAddr,
    stop: CancellationToken,
    thread: JoinHandle<()>,
}

impl HealthServer {
    /// Binds `port`, or where none is given `default` or one of the next ones, and serves.
    ///
    /// # Errors
    /// One line that says what to do.
    pub(crate) fn start(
        bind: IpAddr,
        port: Option<u16>,
        default: u16,
        health: Health,
        recorder: Recorder,
    ) -> Result<Self, String> {
        let listener = match port {
            Some(port) => TcpListener::bind((bind, port)).map_err(|error| {
                format!("health endpoints cannot listen on {bind}:{port}: {error}; free the port, or set another one with SG_HEALTH_PORT")
            })?,
            None => first_free(bind, default).map_err(|error| {
                format!("health endpoints found no free port from {bind}:{default} on: {error}; set one with SG_HEALTH_PORT")
            })?,
        };
        listener.set_nonblocking(true).map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name("health".into())
            .spawn(move || serve(listener, health, recorder, &stopped))
            .map_err(|error| error.to_string())?;
        Ok(Self { address, stop, thread })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn stop(self) {
        self.stop.cancel();
        let _ = self.thread.join();
    }
}

fn first_free(bind: IpAddr, default: u16) -> io::Result<TcpListener> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for port in default..=default.saturating_add(PORTS_FURTHER) {
        match TcpListener::bind((bind, port)) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn serve(listener: TcpListener, health: Health, recorder: Recorder, stop: &CancellationToken) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        let router = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(move || std::future::ready(readiness(&health))))
            .route("/metrics", get(move || std::future::ready(exposition(&recorder))));
        // No graceful end: a probe that is cut is asked again.
        stop.run_until_cancelled(async { axum::serve(listener, router).await }).await;
    });
}

fn readiness(health: &Health) -> impl IntoResponse + use<> {
    let code = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(health.report()))
}

fn exposition(recorder: &Recorder) -> impl IntoResponse + use<> {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], recorder.render())
}
