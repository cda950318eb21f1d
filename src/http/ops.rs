//! The operations listener: for Prometheus, for whoever restarts processes, and for people on call.
//!
//! `GET /metrics`, `/healthz`, `/readyz`, `/status`, and `/` which links them. It reveals volumes and what the model
//! costs, so it listens apart from the public side and never on the internet. It changes nothing, and shows no customer,
//! no address and no text; every name it shows is escaped.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

use crate::metrics::{COMMIT, Figures, Metrics, ProcessUsage, Sight, VERSION};

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

async fn status(State(ops): State<Ops>) -> Response {
    written(HTML, ops, |ops| {
        page(
            "Segue",
            &status_page(&ops.figures(), ops.readiness.conditions()),
        )
    })
    .await
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

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title><style>\
         body{{font:15px/1.5 system-ui,sans-serif;margin:2em;max-width:60em}}\
         table{{border-collapse:collapse;margin:0 0 2em}}\
         th,td{{text-align:left;padding:.2em 1.5em .2em 0;border-bottom:1px solid #ddd}}\
         td.n{{text-align:right;font-variant-numeric:tabular-nums}}\
         .bad{{color:#a00;font-weight:bold}}</style></head><body>{body}</body></html>\n",
        escape(title)
    )
}

/// What `/status` shows.
fn status_page(figures: &Figures, conditions: Conditions) -> String {
    let mut out = format!(
        "<h1>Segue {} <small>({})</small></h1>",
        escape(VERSION),
        escape(COMMIT)
    );
    let named = [
        ("recovered", conditions.recovered),
        ("store_writable", conditions.store_writable),
        ("accepting", conditions.accepting),
        ("not_draining", conditions.not_draining),
    ];
    let rows = named.map(|(name, holds)| {
        let word = if holds { "yes" } else { "no" };
        row(&[name.to_owned(), word.to_owned()], !holds)
    });
    table(&mut out, "Ready", &["condition", "holds"], &rows);
    let modes = figures.conversations;
    let rows = [
        one("with the AI", modes.ai, false),
        one("waiting for a person", modes.waiting, false),
        one("with a person", modes.human, false),
        one(
            "ghosts: promised, overdue, unanswered",
            figures.ghosts_current,
            figures.ghosts_current > 0,
        ),
    ];
    table(&mut out, "Conversations", &["", "now"], &rows);
    queues(&mut out, figures);
    machinery(&mut out, figures);
    out
}

fn queues(out: &mut String, figures: &Figures) {
    let rows: Vec<String> = figures
        .queues
        .iter()
        .map(|queue| {
            let agents = figures.agents.iter();
            let agents: Vec<String> = agents
                .filter(|(name, _, n)| *name == queue.queue && *n > 0)
                .map(|(_, state, n)| format!("{n} {}", state.as_str()))
                .collect();
            let cells = [
                queue.queue.to_string(),
                queue.waiting.to_string(),
                format!("{} s", queue.oldest.as_secs()),
                agents.join(", "),
            ];
            row(&cells, queue.waiting > 0 && agents.is_empty())
        })
        .collect();
    table(
        out,
        "Queues",
        &["queue", "waiting", "oldest", "agents"],
        &rows,
    );
}

fn machinery(out: &mut String, figures: &Figures) {
    let recovery = figures.recovery;
    let mut rows = vec![
        one("conversations in memory", figures.actors_resident, false),
        one("events in mailboxes", figures.mailbox_queued, false),
        one(
            "turns not yet durable",
            figures.journal_pending_events,
            false,
        ),
        one("journal, bytes", figures.journal_bytes, false),
        one(
            "durable and not yet applied, bytes",
            figures.tail_bytes,
            false,
        ),
        one("last start: turns applied", recovery.events, false),
        one(
            "last start: conversations woken",
            recovery.conversations,
            false,
        ),
        one(
            "last start: unreadable, parked",
            recovery.parked,
            recovery.parked > 0,
        ),
        row(
            &[
                "last start: took".to_owned(),
                format!("{:.2} s", recovery.took.as_secs_f64()),
            ],
            false,
        ),
    ];
    for outbox in figures.outbox.iter().flatten() {
        let what = format!("owed on {}", outbox.medium.as_str());
        let value = format!("{} (oldest {} s)", outbox.depth, outbox.oldest.as_secs());
        rows.push(row(&[what, value], false));
    }
    if let Some(usage) = ProcessUsage::read() {
        rows.push(one("memory, bytes", usage.resident_bytes, false));
        rows.push(one("open files", usage.open_fds, false));
        let cpu = format!("{:.1} s", usage.cpu_seconds);
        rows.push(row(&["CPU used".to_owned(), cpu], false));
    }
    table(out, "Machinery", &["", "now"], &rows);
}

fn one(what: &str, n: u64, bad: bool) -> String {
    row(&[what.to_owned(), n.to_string()], bad)
}

fn row(cells: &[String], bad: bool) -> String {
    let class = if bad { " class=\"bad\"" } else { "" };
    let mut out = format!("<tr{class}>");
    for (i, cell) in cells.iter().enumerate() {
        let tag = if i == 0 { "<td>" } else { "<td class=\"n\">" };
        write!(out, "{tag}{}</td>", escape(cell)).expect("a string takes any text");
    }
    out + "</tr>"
}

fn table(out: &mut String, title: &str, heads: &[&str], rows: &[String]) {
    let heads: String = heads
        .iter()
        .map(|head| format!("<th>{}</th>", escape(head)))
        .collect();
    let title = escape(title);
    write!(
        out,
        "<h2>{title}</h2><table><tr>{heads}</tr>{}</table>",
        rows.concat()
    )
    .expect("a string takes any text");
}

/// Makes a text harmless between tags and inside quoted attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
