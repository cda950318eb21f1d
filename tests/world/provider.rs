//! A provider on loopback: takes what Segue sends, writes it down before it answers, answers 201 with an id.
//!
//! It speaks Twilio's `Messages.json` and, on `/callback`, the gateway's side of the `http` channel. It dawdles now and
//! then, so that a kill or a takeover finds messages on their way. Like the real one it reports deliveries, to whom asks.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use segue::clock::monotonic;
use segue::ids::{ConversationId, EffectId};
use tokio::net::TcpListener;

use crate::chance::Chance;

/// A message that reached the provider.
#[derive(Clone, Debug)]
pub struct Taken {
    /// When its last byte was read.
    pub at: Instant,
    /// Whose.
    pub conversation: ConversationId,
    /// Which send.
    pub effect: EffectId,
    /// What it says.
    pub text: String,
    /// Where its delivery is to be reported.
    pub status_url: String,
}

/// How long the provider takes: one answer in `once_in` from `from` to below `to` milliseconds, the others no time.
#[derive(Clone, Copy)]
pub struct Pace {
    /// One in so many.
    pub once_in: u64,
    /// From so many milliseconds.
    pub from: u64,
    /// To below so many.
    pub to: u64,
}

/// The running provider; ends with the runtime it was started on.
#[derive(Clone)]
pub struct Provider {
    address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    taken: Mutex<Vec<Taken>>,
    chance: Mutex<Chance>,
    pace: Pace,
}

impl Provider {
    /// Starts it on a free port.
    pub async fn start(chance: Chance, pace: Pace) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let inner = Arc::new(Inner {
            taken: Mutex::default(),
            chance: Mutex::new(chance),
            pace,
        });
        let router = Router::new()
            .route(
                "/2010-04-01/Accounts/{account}/Messages.json",
                post(messages),
            )
            .route("/callback", post(callback))
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, inner }
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that reached it so far, in the order in which it did.
    pub fn taken(&self) -> Vec<Taken> {
        self.inner.taken.lock().expect("no panic").clone()
    }
}

impl Inner {
    async fn take(&self, taken: Taken) {
        self.taken.lock().expect("no panic").push(taken);
        let pause = self.pause();
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    fn pause(&self) -> Duration {
        let (mut chance, Pace { once_in, from, to }) =
            (self.chance.lock().expect("no panic"), self.pace);
        if chance.once_in(once_in) {
            chance.millis(from, to)
        } else {
            Duration::ZERO
        }
    }
}

async fn messages(State(inner): State<Arc<Inner>>, body: Bytes) -> (StatusCode, String) {
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let status_url = form["StatusCallback"].clone();
    let query = status_url.split_once('?').expect("our reference").1;
    let reference: HashMap<String, String> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let taken = Taken {
        at: monotonic(),
        conversation: reference["c"].parse().expect("a conversation"),
        effect: EffectId(reference["e"].parse().expect("an effect")),
        text: form["Body"].clone(),
        status_url,
    };
    let sid = format!("SM{}{}", taken.conversation, taken.effect);
    inner.take(taken).await;
    (StatusCode::CREATED, format!("{{\"sid\":\"{sid}\"}}"))
}

async fn callback(State(inner): State<Arc<Inner>>, body: Bytes) -> StatusCode {
    let reply: serde_json::Value = serde_json::from_slice(&body).expect("a reply is JSON");
    let text = |field: &str| reply[field].as_str().expect("a text").to_owned();
    let taken = Taken {
        at: monotonic(),
        conversation: text("conversation").parse().expect("a conversation"),
        effect: EffectId(text("message").parse().expect("an effect")),
        text: text("text"),
        status_url: String::new(),
    };
    inner.take(taken).await;
    StatusCode::OK
}
