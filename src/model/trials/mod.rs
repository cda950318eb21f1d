//! The whole service against small servers that behave badly in one way each.

mod failures;
mod offline;
mod streams;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::settings::{ModelSettings, Prices, Provider};
use super::{Answered, Emit, Service};
use crate::clock::monotonic;
use crate::conversation::question::{Grounds, Line, ModelVerdict, Question};
use crate::conversation::words::{ModelFault, Reason};
use crate::ids::{AskId, ConversationId};
use crate::knowledge::Knowledge;

/// One answer of a fake server.
#[derive(Clone)]
enum Play {
    /// Status, content type, body.
    Whole(u16, &'static str, String),
    /// Status and `retry-after` in seconds.
    Busy(u16, &'static str),
    /// A redirect to this address.
    Elsewhere(String),
    /// Events with a pause before each; afterwards the connection is closed, or held open.
    Stream(Vec<String>, Duration, bool),
    /// Nothing, ever.
    Silence,
}

/// A server that plays its answers in turn, the last one again and again, and keeps what it was asked.
struct Fake {
    base: String,
    asked: Arc<Mutex<Vec<serde_json::Value>>>,
    /// How many bodies of answers were dropped (read to their end or cut off).
    dropped: Arc<AtomicUsize>,
}

struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

async fn fake(plays: Vec<Play>) -> Fake {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let dropped = Arc::new(AtomicUsize::new(0));
    let (log, drops) = (asked.clone(), dropped.clone());
    let app = Router::new().fallback(move |request: Request| {
        let (log, drops, plays) = (log.clone(), drops.clone(), plays.clone());
        async move {
            let body = axum::body::to_bytes(request.into_body(), 1 << 20)
                .await
                .expect("a body");
            let at = {
                let mut log = log.lock().expect("not poisoned");
                log.push(serde_json::from_slice(&body).expect("json"));
                log.len() - 1
            };
            play(plays[at.min(plays.len() - 1)].clone(), Dropped(drops)).await
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Fake {
        base,
        asked,
        dropped,
    }
}

async fn play(play: Play, dropped: Dropped) -> Response {
    let answer = |status: u16| Response::builder().status(status);
    match play {
        Play::Whole(status, kind, body) => answer(status)
            .header("content-type", kind)
            .body(Body::from(body)),
        Play::Busy(status, after) => answer(status)
            .header("retry-after", after)
            .body(Body::from("{}")),
        Play::Elsewhere(base) => answer(307).header("location", base).body(Body::empty()),
        Play::Stream(events, pause, hold) => {
            let pieces = stream::iter(events).then(move |event| async move {
                tokio::time::sleep(pause).await;
                Ok::<_, std::io::Error>(Bytes::from(event))
            });
            let end = stream::once(async move {
                if hold {
                    std::future::pending::<()>().await;
                }
                // so that what came before has left
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(std::io::Error::other("cut"))
            });
            let pieces = pieces.chain(end).map(move |piece| {
                let _until_dropped = &dropped;
                piece
            });
            answer(200)
                .header("content-type", "text/event-stream")
                .body(Body::from_stream(pieces))
        }
        Play::Silence => std::future::pending().await,
    }
    .expect("a response")
}

fn chunk(text: &str) -> String {
    format!(
        "data: {}\n\n",
        serde_json::json!({"choices": [{"delta": {"content": text}}]})
    )
}

fn openai(text: &str) -> Play {
    let body = serde_json::json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 10}});
    Play::Whole(200, "application/json", body.to_string())
}

fn settings(base: &str) -> ModelSettings {
    ModelSettings {
        provider: Provider::OpenAi,
        name: "m".to_owned(),
        api_key: Some("sk-secret".into()),
        base_url: Some(base.to_owned()),
        timeout: Duration::from_millis(1_500),
        prices: Prices {
            input: 1_000_000,
            output: 5_000_000,
            cached: 0,
        },
        ..ModelSettings::default()
    }
}

fn service(settings: ModelSettings) -> Service {
    Service::new(settings, Arc::new(Knowledge::sample())).expect("good settings")
}

fn question(text: &str) -> Question {
    Question {
        conversation: ConversationId::from_bytes([1; 16]),
        ask: AskId(1),
        lines: vec![Line::Customer(text.to_owned())],
        language: None,
        customer: None,
        messages: 0,
        others: None,
        rules: crate::triage::Settings::default(),
    }
}

#[derive(Default)]
struct Screen {
    shown: Mutex<Vec<String>>,
    /// After this many sentences the stream is stopped; 0 for never.
    stop_after: usize,
}

impl Emit for Screen {
    fn emit(&self, text: &str) -> bool {
        let mut shown = self.shown.lock().expect("not poisoned");
        if self.stop_after > 0 && shown.len() == self.stop_after {
            return false;
        }
        shown.push(text.to_owned());
        true
    }
}

async fn ask(settings: ModelSettings) -> Answered {
    service(settings)
        .answer(question("opening hours?"), None, CancellationToken::new())
        .await
}

async fn streamed(settings: ModelSettings, screen: &Arc<Screen>) -> Answered {
    let emit: Arc<dyn Emit> = screen.clone();
    service(settings)
        .answer(
            question("opening hours?"),
            Some(emit),
            CancellationToken::new(),
        )
        .await
}

fn shown(screen: &Screen) -> String {
    screen.shown.lock().expect("not poisoned").concat()
}

fn times(fake: &Fake) -> usize {
    fake.asked.lock().expect("not poisoned").len()
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn an_answer_carries_text_money_and_sources() {
    let fake = fake(vec![openai(" At ten. ")]).await;
    let answer = ask(settings(&fake.base)).await.expect("an answer");
    assert_eq!(
        (answer.text.as_str(), &answer.verdict),
        ("At ten.", &ModelVerdict::Reply)
    );
    assert_eq!(answer.usage.cost_micros, 1_000 + 50);
    assert_eq!(answer.sources[0].chunk, "hours.md#when-is-the-shop-open");
    let asked = fake.asked.lock().expect("not poisoned")[0].to_string();
    assert!(
        asked.contains("Monday to Friday from 10:00"),
        "the knowledge is in the prompt"
    );
}

#[tokio::test]
async fn no_more_calls_than_allowed_run_at_once() {
    let events = vec![chunk("Yes."), "data: [DONE]\n\n".to_owned()];
    let fake = fake(vec![Play::Stream(events, Duration::from_millis(100), true)]).await;
    let settings = ModelSettings {
        max_concurrent: 1,
        ..settings(&fake.base)
    };
    let service = service(settings);
    let calls = (0..2).map(|_| {
        let emit: Arc<dyn Emit> = Arc::new(Screen::default());
        service.answer(question("x"), Some(emit), CancellationToken::new())
    });
    let answers = futures_util::future::join_all(calls).await;
    let took = answers
        .into_iter()
        .map(|answer| answer.expect("an answer").took_ms);
    assert!(took.max() >= Some(400), "one after the other");
}

#[tokio::test]
async fn waiting_for_a_slot_counts_into_the_time() {
    let fake = fake(vec![Play::Silence]).await;
    let settings = ModelSettings {
        max_concurrent: 1,
        timeout: Duration::from_millis(500),
        ..settings(&fake.base)
    };
    let service = Arc::new(service(settings));
    let calls = (0..3).map(|_| service.answer(question("x"), None, CancellationToken::new()));
    let failed = futures_util::future::join_all(calls).await;
    for failed in failed {
        let failed = failed.expect_err("late");
        assert_eq!(failed.fault, ModelFault::Timeout);
        // one after the other they would take 500, 1000 and 1500
        assert!((500..900).contains(&failed.took_ms), "{}", failed.took_ms);
    }
}

#[test]
fn settings_that_cannot_work_are_refused_with_the_models_name() {
    let check = |settings: ModelSettings, want: &str| {
        let error = Service::new(settings, Arc::new(Knowledge::empty()))
            .expect_err("refused")
            .to_string();
        assert_eq!(error, want);
    };
    let good = || settings("http://127.0.0.1:1");
    check(
        ModelSettings {
            max_concurrent: 0,
            ..good()
        },
        "model `m`: max_concurrent must be at least 1",
    );
    check(
        ModelSettings {
            max_tokens: 0,
            ..good()
        },
        "model `m`: max_tokens must be at least 1",
    );
    check(
        ModelSettings {
            timeout: Duration::ZERO,
            ..good()
        },
        "model `m`: timeout must not be zero",
    );
    check(
        settings("nonsense"),
        "model `m`: the base_url is not an http address",
    );
    check(
        ModelSettings {
            handoff_tag: "a b".to_owned(),
            ..good()
        },
        "model `m`: the handoff tag must have at most 64 bytes and no spaces",
    );
    let many = vec![good(); super::service::MODELS_MAX];
    check(
        ModelSettings {
            fallback: many,
            ..good()
        },
        "model `m`: too many fallback models",
    );
}

#[tokio::test]
async fn the_classes_of_the_house_are_told_to_whatever_model_assesses() {
    use crate::triage::specs::{ClassSpec, Spec};
    let check = async |provider, schema: &str, assess, expected: serde_json::Value| {
        let fake = fake(vec![openai("Yes.")]).await;
        let service = service(ModelSettings {
            provider,
            assess,
            ..settings(&fake.base)
        });
        let class = ClassSpec {
            means: Some("buys this week".to_owned()),
            ..ClassSpec::default()
        };
        let mut asked = question("What do lamps cost?");
        asked.rules = crate::triage::Settings::of(Spec {
            classes: [("HOT".to_owned(), class)].into(),
            ..Spec::default()
        });
        // Whether this server's answer is one to that provider is not the question here.
        let _ = service.answer(asked, None, CancellationToken::new()).await;
        let bodies = fake.asked.lock().expect("not poisoned").clone();
        let told = bodies[0]["tools"][2].pointer(schema).cloned();
        let told = told.unwrap_or_default();
        assert_eq!(told["enum"], expected, "{provider:?}");
        let text = told["description"].as_str().unwrap_or_default();
        assert_eq!(text.contains("HOT: buys this week"), assess, "{text}");
    };
    let both = serde_json::json!(["HOT", "none"]);
    let none = serde_json::Value::Null;
    let in_openai = "/function/parameters/properties/lead_class";
    let in_anthropic = "/input_schema/properties/lead_class";
    check(Provider::OpenAi, in_openai, true, both.clone()).await;
    check(Provider::Anthropic, in_anthropic, true, both).await;
    check(Provider::OpenAi, in_openai, false, none.clone()).await;
    check(Provider::Anthropic, in_anthropic, false, none).await;
}
