//! The operations listener: for Prometheus, for whoever restarts processes, and for people on call.
//!
//! `GET /metrics`, `/healthz`, `/readyz`, `/status` (see `status.rs`), and `/` which links them. It reveals volumes and
//! what the model costs, so it listens apart from the public side and never on the internet. It changes nothing, and
//! shows no customer, no address and no text; every name it shows is escaped.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

use super::status;
use super::table::page;
use crate::metrics::{Figures, Metrics, Sight};

/// The text format of Prometheus, version 0.0.4.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
/// A page of this listener loads nothing and runs nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Whoever knows whether the process can take work.
pub trait Readiness: Send + Sync + 'static {
    /// The conditions of this moment. Must not wait.
    fn conditions(&self) -> Conditions;
}

/// What has to hold for the process to take work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct Conditions {
    /// The start has read what was on disk.
    pub recovered: bool,
    /// The store takes commits.
    pub store_writable: bool,
    /// There is room: neither the disk nor the tail is full.
    pub accepting: bool,
    /// Nobody has asked the process to stop.
    pub not_draining: bool,
}

impl Conditions {
    /// Whether all of them hold.
    pub const fn ready(self) -> bool {
        self.recovered && self.store_writable && self.accepting && self.not_draining
    }
}

/// The answer of `/readyz`.
#[derive(Debug, Serialize)]
struct Ready {
    ready: bool,
    conditions: Conditions,
}

/// What the listener looks at.
#[derive(Clone)]
pub struct Ops {
    /// The figures of the past.
    pub metrics: Arc<Metrics>,
    /// How things stand.
    pub sight: Arc<dyn Sight>,
    /// Whether the process can take work.
    pub readiness: Arc<dyn Readiness>,
}

impl Ops {
    /// How things stand, with the one truth about readiness.
    fn figures(&self) -> Figures {
        let mut figures = self.sight.figures();
        figures.ready = self.readiness.conditions().ready();
        figures
    }

    /// What the status page shows.
    fn status(&self) -> status::Status {
        status::Status {
            figures: self.figures(),
            conditions: self.readiness.conditions(),
            slowest: self.sight.slowest(),
            complaints: self.sight.complaints(),
        }
    }
}

/// The routes of the operations listener.
pub fn router(ops: Ops) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/status", get(status))
        .fallback(not_found)
        .with_state(ops)
}

async fn metrics(State(ops): State<Ops>) -> Response {
    written(PROMETHEUS_TEXT, ops, |ops| {
        ops.metrics.render(&ops.figures())
    })
    .await
}

async fn status(State(ops): State<Ops>, headers: HeaderMap) -> Response {
    if wants_json(&headers) {
        return written(JSON, ops, |ops| status::json(&ops.status())).await;
    }
    written(HTML, ops, |ops| page("Segue", &status::html(&ops.status()))).await
}

/// Whether whoever asks is a program. Browsers name HTML.
fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains(JSON) && !accepted.contains("text/html"))
}

/// Writes an answer where it holds nobody up: a scrape takes milliseconds of computing.
async fn written(kind: &'static str, ops: Ops, write: fn(&Ops) -> String) -> Response {
    match tokio::task::spawn_blocking(move || write(&ops)).await {
        Ok(text) => answer(StatusCode::OK, kind, text),
        Err(fault) => {
            tracing::error!(%fault, "the operations listener could not write an answer");
            let text = "could not be written; see the log\n".to_owned();
            answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, text)
        }
    }
}

async fn healthz() -> Response {
    answer(StatusCode::OK, TEXT, "ok\n".to_owned())
}

async fn readyz(State(ops): State<Ops>) -> Response {
    let conditions = ops.readiness.conditions();
    let ready = conditions.ready();
    let code = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = serde_json::to_string(&Ready { ready, conditions })
        .expect("five booleans can be written as JSON");
    answer(code, JSON, body)
}

async fn index() -> Response {
    let links = ["/status", "/metrics", "/readyz", "/healthz"]
        .map(|path| format!("<li><a href=\"{path}\">{path}</a></li>"));
    let body = format!("<h1>Segue, operations</h1><ul>{}</ul>", links.concat());
    answer(StatusCode::OK, HTML, page("Segue, operations", &body))
}

async fn not_found() -> Response {
    let text = "nothing here; try /status, /metrics, /readyz or /healthz\n";
    answer(StatusCode::NOT_FOUND, TEXT, text.to_owned())
}

fn answer(code: StatusCode, kind: &'static str, body: String) -> Response {
    let headers: [(HeaderName, &str); 4] = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (code, headers, body).into_response()
}
