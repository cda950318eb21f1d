//! A model on loopback that speaks OpenAI's Chat Completions and says its next sentence when the test lets it: whatever
//! happens between two sentences happens there each time, however slow the machine is.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// How many sentences an answer has.
pub const SENTENCES: usize = 6;

/// The running model; ends with the runtime it was started on.
pub struct Model {
    address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    /// A permit is a sentence that may be said.
    may_say: Semaphore,
    asked: Mutex<Vec<String>>,
    hung_up: AtomicUsize,
}

impl Model {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let inner = Arc::new(Inner {
            may_say: Semaphore::new(0),
            asked: Mutex::new(Vec::new()),
            hung_up: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/v1/chat/completions", post(complete))
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, inner }
    }

    /// A house whose AI this is.
    pub fn config(&self) -> String {
        format!(
            "[channels.web]\nkind = \"webchat\"\nburst = {{ quiet_ms = 0, max_ms = 50 }}\n\
             [model]\nprovider = \"openai\"\nname = \"slow\"\nbase_url = \"http://{}/v1\"\n",
            self.address
        )
    }

    /// Lets it say so many sentences more.
    pub fn may_say(&self, sentences: usize) {
        self.inner.may_say.add_permits(sentences);
    }

    /// What it was asked, as JSON, one after the other.
    pub fn asked(&self) -> Vec<String> {
        self.inner.asked.lock().expect("no panic").clone()
    }

    /// How many askers hung up before their answer was whole.
    pub fn hung_up(&self) -> usize {
        self.inner.hung_up.load(Ordering::SeqCst)
    }
}

/// The sentence `n` of every answer.
pub fn sentence(n: usize) -> String {
    format!("This is sentence {n} of the answer.")
}

/// Counts an asker who hangs up.
struct Listening(Arc<Inner>, bool);

impl Drop for Listening {
    fn drop(&mut self) {
        if !self.1 {
            self.0.hung_up.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn complete(State(inner): State<Arc<Inner>>, body: String) -> Response {
    inner.asked.lock().expect("no panic").push(body);
    let said = stream::unfold(
        (0, Listening(inner, false)),
        |(at, mut listening)| async move {
            if at > SENTENCES {
                return None;
            }
            let piece = if at < SENTENCES {
                let inner = Arc::clone(&listening.0);
                inner.may_say.acquire().await.expect("open").forget();
                chunk(
                    &json!({"content": format!("{} ", sentence(at))}),
                    &Value::Null,
                )
            } else {
                listening.1 = true;
                format!("{}data: [DONE]\n\n", chunk(&json!({}), &json!("stop")))
            };
            Some((Ok::<_, Infallible>(piece), (at + 1, listening)))
        },
    );
    let kind = [("content-type", "text/event-stream")];
    (kind, Body::from_stream(said)).into_response()
}

fn chunk(delta: &Value, finish: &Value) -> String {
    let chunk =
        json!({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    format!("data: {chunk}\n\n")
}
