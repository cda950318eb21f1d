//! A model on loopback that speaks OpenAI's Chat Completions: it takes its time, whole or sentence by sentence, and
//! counts who hung up on it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::chance::Chance;

/// How many sentences a streamed answer has.
pub const SENTENCES: usize = 12;

/// The running model; ends with the runtime it was started on.
#[derive(Clone)]
pub struct Model {
    address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    chance: Mutex<Chance>,
    /// A whole answer takes from so many to below so many milliseconds; each sentence of a stream a tenth of it.
    takes: (u64, u64),
    asked: AtomicUsize,
    hung_up: AtomicUsize,
}

impl Model {
    /// Starts it on a free port; answers take `from` to below `to` milliseconds.
    pub async fn start(chance: Chance, from: u64, to: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let inner = Arc::new(Inner {
            chance: Mutex::new(chance),
            takes: (from, to),
            asked: AtomicUsize::new(0),
            hung_up: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/v1/chat/completions", post(complete))
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, inner }
    }

    /// What belongs into `model.base_url`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// How many questions came.
    pub fn asked(&self) -> usize {
        self.inner.asked.load(Ordering::SeqCst)
    }

    /// How many askers hung up before their answer was whole.
    pub fn hung_up(&self) -> usize {
        self.inner.hung_up.load(Ordering::SeqCst)
    }
}

/// Counts an asker who hangs up.
struct Listening(Arc<Inner>, bool);

impl Listening {
    fn to_the_end(mut self) {
        self.1 = true;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if !self.1 {
            self.0.hung_up.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn complete(State(inner): State<Arc<Inner>>, body: Bytes) -> Response {
    inner.asked.fetch_add(1, Ordering::SeqCst);
    let body: Value = serde_json::from_slice(&body).expect("a question is JSON");
    let takes = {
        let (from, to) = inner.takes;
        inner.chance.lock().expect("no panic").millis(from, to)
    };
    let listening = Listening(inner, false);
    if body["stream"] == json!(true) {
        return streamed(takes / 10, listening);
    }
    tokio::time::sleep(takes).await;
    listening.to_the_end();
    let message = json!({"role": "assistant", "content": "The answer of the model."});
    axum::Json(json!({
        "id": "c", "object": "chat.completion", "model": "slow",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }))
    .into_response()
}

fn streamed(pause: Duration, listening: Listening) -> Response {
    let pieces = stream::unfold((0, listening), move |(at, listening)| async move {
        if at > SENTENCES {
            listening.to_the_end();
            return None;
        }
        tokio::time::sleep(pause).await;
        let piece = if at < SENTENCES {
            chunk(
                &json!({"content": format!("This is sentence {at} of the answer. ")}),
                &Value::Null,
            )
        } else {
            format!("{}data: [DONE]\n\n", chunk(&json!({}), &json!("stop")))
        };
        Some((Ok::<_, Infallible>(piece), (at + 1, listening)))
    });
    (
        [("content-type", "text/event-stream")],
        Body::from_stream(pieces),
    )
        .into_response()
}

fn chunk(delta: &Value, finish: &Value) -> String {
    let chunk =
        json!({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    format!("data: {chunk}\n\n")
}
