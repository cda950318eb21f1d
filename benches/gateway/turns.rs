//! Whole turns of the AI: webhook, decision, model, reply accepted by the provider; beside a handler that makes the
//! same two calls with the same client and keeps nothing.
//!
//! Model and provider answer at once and are a process of their own, shared by both. A round is a crowd of customers
//! who write one message each; it ends when the provider has accepted as many replies. There is no quiet to wait for
//! before an answer, so the figure is what the processors can do.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use segue::channel::Webhook;
use segue::channel::twilio::signature::{Signed, Verifier};
use segue::clock::monotonic;
use segue::http::listen;
use segue::secret::Secret;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::people::{self, Crowd, Holder};
use crate::target::{self, Figures, Target};
use crate::{CHANNEL, PUBLIC_URL, TOKEN, load, spread, watch};

/// How many customers write at once.
const CONNECTIONS: usize = 256;
/// Calls under way at once, each to the model and to the provider.
const CALLS_MAX: usize = 512;
/// No round takes longer.
const ROUND_MAX: Duration = Duration::from_secs(120);
/// What the model says.
const ANSWER: &str =
    "Claro, lo miro ahora mismo: el pedido salio ayer y llega manana por la manana.";

/// Rounds of `count` customers; prints and answers the figures.
pub fn measure(count: u64, rounds: usize, dir: &Path) -> Value {
    let mut world = Target::sink(&[]);
    let address = world.address.to_string();
    let data = dir.join("turns");
    let variables = [("SEGUE_BENCH_WORLD", address.as_str())];
    let policy = target::config(&data).policy();
    let crowd = Crowd {
        first: 0,
        count,
        messages: 10,
        holder: Holder::Ai,
    };
    people::fill(&data, &CHANNEL.into(), &policy, &[crowd]);
    let mut targets = [
        Target::bare_turns(&variables),
        Target::segue_with("segue", &data, &variables),
    ];
    let mut samples: [Vec<[f64; 2]>; 2] = [Vec::new(), Vec::new()];
    // The first round brings everybody into memory and opens the connections.
    for round in 0..=rounds {
        for (which, target) in targets.iter_mut().enumerate() {
            let sample = run(target, &mut world, count, round as u64 * count);
            target.settle();
            if round > 0 {
                samples[which].push(sample);
            }
        }
    }
    let pairs = samples[1].iter().zip(&samples[0]);
    let share = spread(pairs.map(|(segue, bare)| segue[0] / bare[0]));
    println!("\nwhole turns of the AI, {CONNECTIONS} connections, rounds of {count}");
    for (target, of) in targets.iter().zip(&samples) {
        let [rate, least, most] = spread(of.iter().map(|sample| sample[0]));
        let [cpu, ..] = spread(of.iter().map(|sample| sample[1]));
        let name = &target.name;
        println!("{name:<22} {rate:>8.0}/s [{least:.0}..{most:.0}] {cpu:>7.1} µs CPU");
    }
    println!(
        "segue of bare: {:.0} % [{:.0}..{:.0}]",
        100.0 * share[0],
        100.0 * share[1],
        100.0 * share[2]
    );
    json!({ "share_of_bare": share, "bare": samples[0], "segue": samples[1] })
}

/// Turns per second, and processor microseconds of the server per turn.
fn run(target: &mut Target, world: &mut Target, count: u64, first: u64) -> [f64; 2] {
    let signed: Vec<_> = (0..count).map(|n| load::signed(n, first + n)).collect();
    let (before, cpu) = (world.figures().turns, watch::cpu(target.pid()));
    let began = monotonic();
    let run = load::post(target.address, CONNECTIONS, signed, ROUND_MAX);
    assert_eq!(run.refused, 0, "{} refused somebody", target.name);
    while world.figures().turns < before + count {
        assert!(began.elapsed() < ROUND_MAX, "{} lost a reply", target.name);
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = began.elapsed().as_secs_f64();
    let used = watch::total(&watch::between(&cpu, &watch::cpu(target.pid())));
    [count as f64 / took, used.all as f64 / count as f64]
}

/// How long model and provider take for an answer, and what they have done.
struct World {
    model: Duration,
    provider: Duration,
    accepted: AtomicU64,
}

/// The model and the provider. `SEGUE_BENCH_MODEL_MS` and `SEGUE_BENCH_PROVIDER_MS` make them slow.
pub async fn sink() {
    let slow = |name| {
        let millis = std::env::var(name).map_or(0, |text| text.parse().expect("milliseconds"));
        Duration::from_millis(millis)
    };
    let world = Arc::new(World {
        model: slow("SEGUE_BENCH_MODEL_MS"),
        provider: slow("SEGUE_BENCH_PROVIDER_MS"),
        accepted: AtomicU64::new(0),
    });
    let router = Router::new()
        .route("/v1/chat/completions", post(model))
        .route("/2010-04-01/Accounts/{account}/Messages.json", post(accept))
        .with_state(Arc::clone(&world));
    serve(router, move || Figures {
        turns: world.accepted.load(Ordering::Relaxed),
        ..Figures::default()
    })
    .await;
}

async fn pause(long: Duration) {
    if !long.is_zero() {
        tokio::time::sleep(long).await;
    }
}

async fn model(State(world): State<Arc<World>>, _body: Bytes) -> Response {
    pause(world.model).await;
    let message = json!({ "role": "assistant", "content": ANSWER });
    Json(json!({
        "id": "bench", "object": "chat.completion", "model": "bench",
        "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 400, "completion_tokens": 30, "total_tokens": 430 },
    }))
    .into_response()
}

async fn accept(State(world): State<Arc<World>>, _body: Bytes) -> Response {
    pause(world.provider).await;
    let number = world.accepted.fetch_add(1, Ordering::Relaxed);
    let answer = json!({ "sid": format!("SM{number:032x}"), "status": "queued" });
    (StatusCode::CREATED, Json(answer)).into_response()
}

/// Verifies, parses, answers; then asks the model and sends what it says.
struct Bare {
    verifier: Verifier,
    client: reqwest::Client,
    calls: Arc<Semaphore>,
    model: String,
    provider: String,
    /// As long as what Segue asks.
    question: String,
}

/// The handler that keeps nothing.
pub async fn bare(world: SocketAddr) {
    segue::channel::carrier::install_crypto();
    let bare = Arc::new(Bare {
        verifier: Verifier::new(PUBLIC_URL, &[Secret::from(TOKEN)], &[]),
        client: reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client"),
        calls: Arc::new(Semaphore::new(CALLS_MAX)),
        model: format!("http://{world}/v1/chat/completions"),
        provider: format!(
            "http://{world}/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json"
        ),
        question: "You answer for a small shop. ".repeat(60),
    });
    let router = Router::new()
        .route("/webhooks/{channel}", post(turn))
        .with_state(bare);
    serve(router, Figures::default).await;
}

async fn turn(State(bare): State<Arc<Bare>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 1024 * 1024).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let webhook = Webhook {
        method: &parts.method,
        path_and_query: parts.uri.path(),
        headers: &parts.headers,
        body: &body,
    };
    let Ok(Signed::Form(form)) = bare.verifier.verify(&webhook) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let field = |name| form.get(name).unwrap_or_default().to_owned();
    let (from, to, words) = (field("From"), field("To"), field("Body"));
    let me = Arc::clone(&bare);
    tokio::spawn(async move {
        let _call = me.calls.acquire().await.expect("never closed");
        me.answer(&from, &to, &words).await;
    });
    ([(header::CONTENT_TYPE, "text/xml")], "<Response/>").into_response()
}

impl Bare {
    async fn answer(&self, from: &str, to: &str, words: &str) {
        let asked = json!({ "model": "bench", "messages": [
            { "role": "system", "content": self.question }, { "role": "user", "content": words },
        ]});
        let said = self.client.post(&self.model).json(&asked).send().await;
        let said = said.expect("the model answers").bytes().await;
        let said: Value =
            serde_json::from_slice(&said.expect("whole")).expect("the model speaks JSON");
        let text = said["choices"][0]["message"]["content"]
            .as_str()
            .expect("an answer");
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("To", from), ("From", to), ("Body", text)])
            .finish();
        let sent = self
            .client
            .post(&self.provider)
            .basic_auth("AC00000000000000000000000000000000", Some(TOKEN))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await;
        let sent = sent.expect("the provider answers");
        assert_eq!(sent.status(), StatusCode::CREATED);
        let _read = sent.bytes().await.expect("whole");
    }
}

async fn serve(router: Router, figures: impl Fn() -> Figures + Send + 'static) {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = listen::bind(any).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let within = Duration::from_secs(1);
    let serving = tokio::spawn(listen::serve(listener, router, stop.clone(), within));
    target::converse((address, None), move |_| figures()).await;
    stop.cancel();
    serving.await.expect("the listener does not panic");
}
