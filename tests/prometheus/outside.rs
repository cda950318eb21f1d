//! What Segue talks to: a model and a provider on loopback that fail where a message or a number asks for it, and count.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the model says it read and wrote, each time.
pub const TOKENS: (u64, u64, u64) = (120, 40, 25);

/// A message that the provider accepted.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its id there.
    pub sid: String,
    /// To whom.
    pub to: String,
    /// Where its delivery is to be reported.
    pub status_url: String,
}

/// What happened outside so far.
#[derive(Default, Debug)]
pub struct Seen {
    /// What the provider accepted.
    pub sent: Vec<Sent>,
    /// Attempts that reached a provider, whatever came of them, by medium.
    pub attempts: HashMap<&'static str, usize>,
    /// Questions to the model.
    pub asked: usize,
    /// Who was turned away once already.
    failed_once: HashSet<String>,
}

/// The running outside; ends with the runtime it was started on.
#[derive(Clone)]
pub struct Outside {
    /// Where it listens.
    pub url: String,
    seen: Arc<Mutex<Seen>>,
}

impl Outside {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let outside = Self {
            url: format!("http://{address}"),
            seen: Arc::default(),
        };
        let router = Router::new()
            .route(
                "/2010-04-01/Accounts/{account}/Messages.json",
                post(message),
            )
            .route("/callback", post(callback))
            .route("/v1/chat/completions", post(complete))
            .with_state(outside.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        outside
    }

    /// Looks at what happened.
    pub fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().expect("no panic"))
    }

    /// Counts an attempt; whether it is the first for `whom`.
    fn attempt(&self, medium: &'static str, whom: &str) -> bool {
        let mut seen = self.seen.lock().expect("no panic");
        *seen.attempts.entry(medium).or_default() += 1;
        seen.failed_once.insert(whom.to_owned())
    }
}

/// Numbers that end in 99 do not exist, those in 97 wrote too long ago, those in 98 break the connection once.
async fn message(State(outside): State<Outside>, body: Bytes) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let to = form["To"].clone();
    let medium = if to.starts_with("whatsapp:") {
        "whatsapp"
    } else {
        "sms"
    };
    let first = outside.attempt(medium, &to);
    let refused = |code: u32| {
        let said = json!({"code": code, "message": "no", "status": 400});
        (StatusCode::BAD_REQUEST, said.to_string()).into_response()
    };
    if to.ends_with("99") {
        return refused(21_211);
    }
    if to.ends_with("97") {
        return refused(63_016);
    }
    if to.ends_with("98") && first {
        let torn = [Ok("{\"si"), Err(std::io::Error::other("torn"))];
        return Body::from_stream(stream::iter(torn)).into_response();
    }
    let mut seen = outside.seen.lock().expect("no panic");
    let sid = format!("SM{:032x}", seen.sent.len());
    seen.sent.push(Sent {
        sid: sid.clone(),
        to,
        status_url: form["StatusCallback"].clone(),
    });
    (StatusCode::CREATED, json!({"sid": sid}).to_string()).into_response()
}

/// One customer in three of the gateway has to be tried twice.
async fn callback(State(outside): State<Outside>, body: Bytes) -> StatusCode {
    let reply: Value = serde_json::from_slice(&body).expect("a reply is JSON");
    let to = reply["to"].as_str().expect("a text");
    let first = outside.attempt("http", to);
    if first && to.ends_with('3') {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::OK
}

/// `BREAK` in the customer's last message: a failure. `SLOWLY`: an answer that takes its time.
async fn complete(State(outside): State<Outside>, body: Bytes) -> Response {
    let question: Value = serde_json::from_slice(&body).expect("a question is JSON");
    outside.seen.lock().expect("no panic").asked += 1;
    let messages = question["messages"].as_array().expect("messages");
    let last = messages.iter().rfind(|one| one["role"] == "user");
    let last = last.map(Value::to_string).unwrap_or_default();
    if last.contains("BREAK") {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    if last.contains("SLOWLY") {
        tokio::time::sleep(Duration::from_millis(1_200)).await;
    }
    let (input, cached, output) = TOKENS;
    let usage = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
                       "prompt_tokens_details": {"cached_tokens": cached}});
    let answer = "Our shop opens at nine.";
    if question["stream"] == true {
        let event = |event: Value| format!("data: {event}\n\n");
        let piece = |delta: Value, finish: Value| {
            event(
                json!({"id": "c", "model": "gpt-x", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}),
            )
        };
        let parts = [
            piece(json!({"role": "assistant", "content": answer}), Value::Null),
            piece(json!({}), "stop".into()),
            event(json!({"id": "c", "model": "gpt-x", "choices": [], "usage": usage})),
            "data: [DONE]\n\n".to_owned(),
        ];
        let parts = stream::iter(parts.map(Ok::<_, Infallible>));
        let kind = [("content-type", "text/event-stream")];
        return (kind, Body::from_stream(parts)).into_response();
    }
    let message = json!({"role": "assistant", "content": answer});
    axum::Json(json!({
        "id": "c", "object": "chat.completion", "model": "gpt-x", "usage": usage,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }))
    .into_response()
}
