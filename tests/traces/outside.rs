//! Everything outside of one Segue, on one port of loopback: a provider, a gateway, a model and a collector of spans.
//! It keeps what it was told, headers included.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the model says.
pub const ANSWER: &str = "Your zebra-parcel has left the harbour.";
/// A customer who writes this gets no answer of the model.
pub const NO_ANSWER: &str = "walrus";
/// A number that the provider refuses.
pub const REFUSED: &str = "+34600999888";

/// A number for which the provider no longer believes that it is us.
pub const NOT_US: &str = "+34600777666";

/// A request that came.
#[derive(Clone, Debug)]
pub struct Call {
    /// Where to: `messages`, `callback`, `model` or `traces`.
    pub door: &'static str,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Call {
    /// A header's text; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("visible characters"))
    }
}

/// The running outside; ends with the runtime it was started on.
#[derive(Clone)]
pub struct Outside {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Outside {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let outside = Self {
            address,
            calls: Arc::default(),
        };
        let router = Router::new()
            .route(
                "/2010-04-01/Accounts/{account}/Messages.json",
                post(messages),
            )
            .route("/callback", post(callback))
            .route("/v1/chat/completions", post(model))
            .route("/v1/traces", post(traces))
            .with_state(outside.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        outside
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came to `door` so far.
    pub fn calls(&self, door: &str) -> Vec<Call> {
        let calls = self.calls.lock().expect("no panic");
        calls
            .iter()
            .filter(|call| call.door == door)
            .cloned()
            .collect()
    }

    fn keep(&self, door: &'static str, headers: HeaderMap, body: &Bytes) {
        let call = Call {
            door,
            headers,
            body: body.clone(),
        };
        self.calls.lock().expect("no panic").push(call);
    }
}

async fn messages(State(outside): State<Outside>, headers: HeaderMap, body: Bytes) -> Response {
    outside.keep("messages", headers, &body);
    let to = form_urlencoded::parse(&body).find(|(name, _)| name == "To");
    if to.as_ref().is_some_and(|(_, to)| to.ends_with(REFUSED)) {
        let told =
            json!({"code": 21610, "message": format!("{REFUSED} has unsubscribed"), "status": 400});
        return (StatusCode::BAD_REQUEST, axum::Json(told)).into_response();
    }
    if to.is_some_and(|(_, to)| to.ends_with(NOT_US)) {
        let told =
            json!({"code": 20003, "message": format!("Authenticate {NOT_US}"), "status": 401});
        return (StatusCode::UNAUTHORIZED, axum::Json(told)).into_response();
    }
    let sid = format!("SM{:032x}", outside.calls("messages").len());
    (StatusCode::CREATED, axum::Json(json!({"sid": sid}))).into_response()
}

async fn callback(State(outside): State<Outside>, headers: HeaderMap, body: Bytes) -> StatusCode {
    outside.keep("callback", headers, &body);
    StatusCode::OK
}

async fn model(State(outside): State<Outside>, headers: HeaderMap, body: Bytes) -> Response {
    outside.keep("model", headers, &body);
    let asked: Value = serde_json::from_slice(&body).expect("a question is JSON");
    if asked["messages"].to_string().contains(NO_ANSWER) {
        return (StatusCode::INTERNAL_SERVER_ERROR, "no").into_response();
    }
    let usage = json!({"prompt_tokens": 120, "completion_tokens": 9, "total_tokens": 129,
                       "prompt_tokens_details": {"cached_tokens": 100}});
    if asked["stream"] == json!(true) {
        let piece = |choices: Value, usage: &Value| {
            let piece = json!({"id": "c", "choices": choices, "usage": usage});
            format!("data: {piece}\n\n")
        };
        let said = json!([{"index": 0, "delta": {"content": ANSWER}, "finish_reason": null}]);
        let end = json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]);
        let body = [
            piece(said, &Value::Null),
            piece(end, &Value::Null),
            piece(json!([]), &usage),
            "data: [DONE]\n\n".to_owned(),
        ];
        return ([("content-type", "text/event-stream")], body.concat()).into_response();
    }
    let message = json!({"role": "assistant", "content": ANSWER});
    let choices = json!([{"index": 0, "message": message, "finish_reason": "stop"}]);
    axum::Json(json!({"id": "c", "object": "chat.completion", "model": "m", "choices": choices, "usage": usage}))
        .into_response()
}

async fn traces(State(outside): State<Outside>, headers: HeaderMap, body: Bytes) -> Response {
    outside.keep("traces", headers, &body);
    ([("content-type", "application/x-protobuf")], Bytes::new()).into_response()
}
