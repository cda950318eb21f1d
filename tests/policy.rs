//! Rules of the house against a whole Segue, its channels and its model: what no story of one conversation can show.

#![expect(
    clippy::too_many_lines,
    reason = "a test tells one story from beginning to end"
)]

#[path = "world/app.rs"]
mod app;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use segue::app::App;
use segue::channel::twilio::signature::{SIGNATURE, sign};
use segue::clock::monotonic;
use segue::conversation::message::{Body as Said, Customer, Inbound, Medium};
use segue::conversation::words::Role;
use segue::ids::ConversationId;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

/// Far above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the model always says.
const ANSWER: &str = "An answer of the model.";

/// What stands on loopback around Segue: a provider of messages, a gateway and a model.
#[derive(Clone, Default)]
struct Outside {
    /// The gateway refuses whatever is posted to it.
    refuses: Arc<AtomicBool>,
    /// The provider says that the window is shut.
    shut: Arc<AtomicBool>,
    /// What the provider took.
    taken: Arc<Mutex<Vec<String>>>,
    /// Where it is to report on each of them.
    report_to: Arc<Mutex<Vec<String>>>,
    /// What the model was asked.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Outside {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .route(
                "/2010-04-01/Accounts/{account}/Messages.json",
                post(message),
            )
            .route("/callback", post(callback))
            .route("/v1/chat/completions", post(complete))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().expect("no panic").clone()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

async fn message(State(outside): State<Outside>, body: Bytes) -> (StatusCode, Json<Value>) {
    let form: std::collections::HashMap<_, _> =
        form_urlencoded::parse(&body).into_owned().collect();
    let text = form["Body"].clone();
    if outside.shut.load(Ordering::SeqCst) {
        let told = json!({"code": 63016, "message": "outside the allowed window", "status": 400});
        return (StatusCode::BAD_REQUEST, Json(told));
    }
    let mut taken = outside.taken.lock().expect("no panic");
    taken.push(text);
    let mut report_to = outside.report_to.lock().expect("no panic");
    report_to.push(form["StatusCallback"].clone());
    let sid = format!("SM{:032}", taken.len());
    (StatusCode::CREATED, Json(json!({"sid": sid})))
}

async fn callback(State(outside): State<Outside>) -> StatusCode {
    if outside.refuses.load(Ordering::SeqCst) {
        return StatusCode::BAD_REQUEST;
    }
    StatusCode::OK
}

async fn complete(State(outside): State<Outside>, body: Bytes) -> Response {
    let text = String::from_utf8(body.to_vec()).expect("text");
    let streams = text.contains("\"stream\":true");
    outside.asked.lock().expect("no panic").push(text);
    let message = json!({"role": "assistant", "content": ANSWER});
    if streams {
        let piece = |delta: &Value, finish: Value| {
            let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
            format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
        };
        let whole = piece(&message, Value::Null) + &piece(&json!({}), json!("stop"));
        let head = [("content-type", "text/event-stream")];
        return (head, whole + "data: [DONE]\n\n").into_response();
    }
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
    let told = json!({"id": "c", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage});
    Json(told).into_response()
}

struct House {
    app: App,
    router: Router,
    outside: Outside,
    sent: AtomicUsize,
    dir: tempfile::TempDir,
    sections: String,
}

impl House {
    async fn open(sections: &str) -> Self {
        let outside = Outside::default();
        let sections = sections.replace("URL", &outside.start().await);
        let dir = tempfile::tempdir().expect("a folder");
        Self::of(dir, sections, outside, 0).await
    }

    async fn of(dir: tempfile::TempDir, sections: String, outside: Outside, sent: usize) -> Self {
        let app = app::start(dir.path(), &sections).await;
        let router = segue::http::routes(app.doors().clone());
        Self {
            app,
            router,
            outside,
            sent: AtomicUsize::new(sent),
            dir,
            sections,
        }
    }

    /// The same house after a restart: nothing is in memory.
    async fn again(self) -> Self {
        let sent = self.sent.into_inner();
        self.app.stop().await;
        Self::of(self.dir, self.sections, self.outside, sent).await
    }

    fn token(&self, name: &str, role: Role) -> String {
        let token = self.app.doors().desk.grant(name, role).expect("a new name");
        token.reveal().to_owned()
    }

    async fn write(
        &self,
        (channel, medium): (&str, Medium),
        from: &str,
        text: &str,
    ) -> ConversationId {
        let inbound = Inbound {
            channel: channel.into(),
            medium,
            from: Customer {
                address: from.into(),
                name: None,
                language: Some("en".into()),
            },
            to: String::new(),
            id: format!("m{}", self.sent.fetch_add(1, Ordering::Relaxed)),
            sent_at: None,
            body: Said::Text(text.into()),
        };
        let runtime = &self.app.doors().runtime;
        runtime.deliver(inbound).await.expect("delivered");
        runtime.conversation_id(&channel.into(), from)
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(body)
            .expect("a request");
        let answer = self.router.clone().oneshot(request).await;
        let answer = answer.expect("infallible");
        let status = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body(), 16 << 20)
            .await
            .expect("a body");
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        (status, body)
    }

    async fn get(&self, path: &str, token: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, token, Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Value {
        let (status, body) = self.call(Method::POST, path, token, body).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

/// The token of the provider in [`PHONE`].
const PROVIDERS: &str = "a-token-of-the-tests";

impl House {
    /// The provider reports on the message that it took as the `n`th, from 0.
    async fn report(&self, n: usize, status: &str, code: &str) {
        let url = self.outside.report_to.lock().expect("no panic")[n].clone();
        let form = format!(
            "MessageSid=SM{:032}&MessageStatus={status}&To=whatsapp%3A%2B15005550001&ErrorCode={code}",
            n + 1
        );
        let at = url.find("/webhooks/").expect("one of ours");
        let request = Request::builder()
            .method(Method::POST)
            .uri(&url[at..])
            .header("content-type", "application/x-www-form-urlencoded")
            .header(SIGNATURE, sign(&PROVIDERS.into(), &url, form.as_bytes()))
            .body(Body::from(form))
            .expect("a request");
        let answer = self.router.clone().oneshot(request).await;
        assert_eq!(answer.expect("infallible").status(), StatusCode::OK);
    }
}

/// Waits until `done`.
async fn until(what: &str, done: impl AsyncFn() -> bool) {
    let end = monotonic() + PATIENCE;
    while !done().await {
        assert!(monotonic() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const PHONE: &str = "
[channels.phone]
kind = \"twilio\"
account_sid = \"AC00000000000000000000000000000000\"
auth_token = \"a-token-of-the-tests\"
from = \"whatsapp:+15005550006\"
api_base_url = \"URL\"
burst = { quiet_ms = 0, max_ms = 1 }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_to_a_shut_window_is_parked_shown_taken_back_and_leaves_when_the_customer_writes() {
    let house = House::open(PHONE).await;
    let ana = house.token("Ana", Role::Agent);
    let phone = ("phone", Medium::Whatsapp);
    let customer = "whatsapp:+15005550001";
    let id = house.write(phone, customer, "a human please").await;
    let one = format!("/conversations/{id}");
    until("it is acknowledged", async || {
        house.outside.taken().len() == 1
    })
    .await;
    house.post(&format!("{one}/claim"), &ana, json!({})).await;
    until("Ana has joined", async || house.outside.taken().len() == 2).await;
    house.outside.shut.store(true, Ordering::SeqCst);
    let reply = async |text: &str| {
        let path = format!("{one}/reply");
        house.post(&path, &ana, json!({"text": text})).await
    };
    let first = reply("It is here.").await;
    assert_eq!(first["result"], "wrote", "{first}");
    let outbox = async || house.get(&one, &ana).await["outbox"].clone();
    let states = async || -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let outbox = outbox().await;
        let owed = outbox.as_array().expect("a list").iter();
        owed.map(|one| (text(&one["message"]), text(&one["state"])))
            .collect()
    };
    let message = |told: &Value| told["message"].as_str().expect("its number").to_owned();
    let parked = |told: &Value| (message(told), "parked".to_owned());
    until("the provider refuses it", async || {
        states().await == [parked(&first)]
    })
    .await;
    // What is written now is parked at once, and the answer says so.
    let second = reply("Not at the counter.").await;
    let third = reply("At the back door.").await;
    assert_eq!(
        (&second["result"], &second["state"]),
        (&json!("wrote"), &json!("parked"))
    );
    assert!(second["until"].is_string(), "{second}");
    assert_eq!(
        states().await,
        [parked(&first), parked(&second), parked(&third)]
    );
    assert!(outbox().await[0]["until"].is_string());
    let path = format!("{one}/pending/{}", message(&second));
    let (status, _) = house.call(Method::DELETE, &path, &ana, Value::Null).await;
    assert_eq!(status, 200);
    let (status, told) = house.call(Method::DELETE, &path, &ana, Value::Null).await;
    assert_eq!(
        (status, &told["code"]),
        (409, &json!("not_pending")),
        "{told}"
    );
    // The trail tells of it, in the words of the API.
    let trail = house.get(&format!("{one}/trail"), &ana).await;
    let items = trail["items"].as_array().expect("a list");
    let settled = |number: &str| -> Vec<(&str, &str)> {
        let of = items
            .iter()
            .filter(|one| one["kind"] == "settled" && one["message"] == number);
        of.map(|one| {
            (
                one["state"].as_str().unwrap_or_default(),
                one["code"].as_str().unwrap_or_default(),
            )
        })
        .collect()
    };
    assert_eq!(settled(&message(&first)), [("parked", "window_closed")]);
    assert_eq!(
        settled(&message(&second)),
        [("parked", "window_closed"), ("suppressed", "undone")]
    );
    let words = items.iter().find(|one| one["text"] == "At the back door.");
    assert_eq!(words.expect("it is told")["state"], "parked");
    house.outside.shut.store(false, Ordering::SeqCst);
    house.write(phone, customer, "where is it?").await;
    until("all that was kept has left", async || {
        states().await.is_empty()
    })
    .await;
    let taken = house.outside.taken();
    let said: Vec<&str> = taken.iter().skip(2).map(String::as_str).collect();
    assert!(
        matches!(said[..], [a, b] if a.contains("It is here.") && b.contains("At the back door.")),
        "{said:?}"
    );
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_a_late_report_refuses_is_parked_or_has_answered_nobody() {
    let house = House::open(PHONE).await;
    let ana = house.token("Ana", Role::Agent);
    let phone = ("phone", Medium::Whatsapp);
    let customer = "whatsapp:+15005550001";
    let id = house.write(phone, customer, "a human please").await;
    let one = format!("/conversations/{id}");
    let taken = async |n: usize| {
        until("the provider takes it", async || {
            house.outside.taken().len() == n
        })
        .await;
    };
    taken(1).await;
    house.post(&format!("{one}/claim"), &ana, json!({})).await;
    taken(2).await;
    let text = json!({"text": "It is here."});
    let told = house.post(&format!("{one}/reply"), &ana, text).await;
    assert_eq!(told["result"], "wrote", "{told}");
    taken(3).await;
    let shown = async || house.get(&one, &ana).await;
    until("it has left", async || shown().await["outbox"] == json!([])).await;
    assert_eq!(shown().await["waiting_since"], Value::Null);
    // Taken, and refused in a report: the window was shut. After a restart, too, its words are still there.
    house.report(2, "undelivered", "63016").await;
    let kept = shown().await["outbox"].clone();
    assert_eq!(kept[0]["message"], told["message"], "{kept}");
    assert_eq!(kept[0]["state"], "parked", "{kept}");
    let house = house.again().await;
    house.write(phone, customer, "where is it?").await;
    until("what was kept leaves", async || {
        house.outside.taken().len() == 4
    })
    .await;
    assert!(house.outside.taken()[3].contains("It is here."));
    let lea = house.token("Lea", Role::Lead);
    let shown = async || house.get(&one, &lea).await;
    until("it has left once more", async || {
        shown().await["outbox"] == json!([])
    })
    .await;
    // Answered, as it seems, and then it did not arrive: they have waited since they asked.
    let asked_at = shown().await["waiting_since"].clone();
    assert!(asked_at.is_string(), "{asked_at}");
    let force = json!({"force": true});
    house.post(&format!("{one}/claim"), &lea, force).await;
    let text = json!({"text": "At the counter."});
    house.post(&format!("{one}/reply"), &lea, text).await;
    until("the provider takes it, too", async || {
        house.outside.taken().len() == 6 && shown().await["outbox"] == json!([])
    })
    .await;
    assert_eq!(shown().await["waiting_since"], Value::Null);
    house.report(5, "failed", "30008").await;
    assert_eq!(shown().await["waiting_since"], asked_at);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_channels_of_one_customer_are_told_to_whoever_answers() {
    let house = House::open(
        &(PHONE.to_owned()
            + "
[channels.gate]
kind = \"http\"
token = \"gate-token\"
callback_url = \"URL/callback\"
callback_secret = \"gate-secret\"
burst = { quiet_ms = 0, max_ms = 1 }
[channels.web]
kind = \"webchat\"
[model]
provider = \"openai\"
name = \"m\"
base_url = \"URL/v1\"
"),
    )
    .await;
    let number = "+15005550001";
    let (gate, phone) = (("gate", Medium::Http), ("phone", Medium::Whatsapp));
    let (over, web) = (format!("whatsapp:{number}"), ("web", Medium::Webchat));
    let outside = house.outside.clone();
    // What the model was told with the last of `n` questions.
    let also = async |n: usize| -> Option<String> {
        until("the model is asked", async || outside.asked().len() == n).await;
        let asked = outside.asked();
        let line = asked[n - 1]
            .split("The customer also writes to us on: ")
            .nth(1)?;
        Some(line.split(". What was said").next()?.to_owned())
    };
    let first = house.write(gate, number, "when do you open?").await;
    assert_eq!(also(1).await, None, "there is no other yet");
    // The same number on WhatsApp, and somebody whom only an attribute names.
    let second = house.write(phone, &over, "and where are you?").await;
    assert_eq!(also(2).await.as_deref(), Some("http"));
    let third = house.write(web, "visitor-1", "hello there").await;
    assert_eq!(also(3).await, None, "nobody has said whose it is");
    let ana = house.token("Ana", Role::Agent);
    let path = format!("/conversations/{second}/takeover");
    house.post(&path, &ana, json!({})).await;
    let link = json!({"attributes": {"phone": number}});
    let path = format!("/conversations/{third}");
    let (status, _) = house.call(Method::PATCH, &path, &ana, link).await;
    assert_eq!(status, 200);
    // Whoever had it gives it back: what the AI is shown is read anew.
    house
        .post(&format!("{path}/takeover"), &ana, json!({}))
        .await;
    let note = json!({"note": "asked for the number"});
    house.post(&format!("{path}/handback"), &ana, note).await;
    house.write(web, "visitor-1", "what does it cost?").await;
    let told = also(4).await.expect("it is told");
    assert!(
        told.contains("whatsapp (a person is with them there)") && told.contains("http"),
        "{told}"
    );
    // The first one, too, learns of what came after it.
    let house = house.again().await;
    let ana = house.token("Ann", Role::Agent);
    house.write(gate, number, "do you deliver?").await;
    let told = also(5).await;
    assert_eq!(
        told.as_deref(),
        Some("whatsapp (a person is with them there)")
    );
    let others = async |id: ConversationId| -> Vec<String> {
        let shown = house.get(&format!("/conversations/{id}"), &ana).await;
        let others = shown["others"].as_array().expect("a list").iter();
        let mut ids: Vec<String> = others
            .map(|one| one["id"].as_str().expect("an id").to_owned())
            .collect();
        ids.sort();
        ids
    };
    let of = |ids: &[ConversationId]| {
        let mut ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        ids.sort();
        ids
    };
    assert_eq!(others(first).await, of(&[second]));
    assert_eq!(others(second).await, of(&[first]));
    assert_eq!(others(third).await, of(&[first, second]));
    let seller = {
        let people = house.app.doors().desk.people();
        let queues = std::collections::BTreeSet::from(["sales".into()]);
        people.add("Sam", Role::Agent, queues).expect("a new name")
    };
    let path = format!("/conversations/{first}");
    let (status, _) = house
        .call(Method::GET, &path, seller.reveal(), Value::Null)
        .await;
    assert_eq!(status, 404, "nobody learns of what they may not see");
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_is_not_shown_as_said_what_never_reached_the_customer() {
    let house = House::open(
        "[channels.gate]
kind = \"http\"
token = \"gate-token\"
callback_url = \"URL/callback\"
callback_secret = \"gate-secret\"
burst = { quiet_ms = 0, max_ms = 1 }
[model]
provider = \"openai\"
name = \"m\"
base_url = \"URL/v1\"
",
    )
    .await;
    let ana = house.token("Ana", Role::Agent);
    let gate = ("gate", Medium::Http);
    let outside = house.outside.clone();
    // How often the `n`th question, from 1, shows the model's own answer.
    let shown = async |n: usize| -> usize {
        until("the model is asked", async || outside.asked().len() == n).await;
        outside.asked()[n - 1].matches(ANSWER).count()
    };
    let mut path = String::new();
    let settled = async |path: &str, n: usize| {
        until("the answer is settled", async || {
            let trail = house.get(path, &ana).await;
            let items = trail["items"].as_array().expect("a list").iter();
            items.filter(|one| one["kind"] == "settled").count() == n
        })
        .await;
    };
    for (n, (text, refuses, said)) in [
        ("when do you open?", true, 0),
        ("what does it cost?", false, 0),
    ]
    .into_iter()
    .enumerate()
    {
        outside.refuses.store(refuses, Ordering::SeqCst);
        let id = house.write(gate, "+15005550001", text).await;
        path = format!("/conversations/{id}/trail");
        assert_eq!(shown(n + 1).await, said, "{text}");
        settled(&path, n + 1).await;
    }
    // Nor after a restart, when it is read from the disk.
    let house = house.again().await;
    house
        .write(gate, "+15005550001", "which sizes are there?")
        .await;
    assert_eq!(shown(3).await, 1, "{path}");
    house.app.stop().await;
}

/// More than the log looks through at once.
const MANY: usize = 5_040;

#[tokio::test(flavor = "multi_thread")]
async fn the_handoff_log_of_thousands_is_paged_from_the_newest_to_the_oldest() {
    let house = House::open("[channels.web]\nkind = \"webchat\"\n").await;
    let lea = house.token("Lea", Role::Lead);
    let web = ("web", Medium::Webchat);
    for few in (0..MANY).collect::<Vec<_>>().chunks(48) {
        let asks = few.iter().map(|n| {
            let from = format!("visitor-{n}");
            let house = &house;
            async move { house.write(web, &from, "a human please").await }
        });
        futures_util::future::join_all(asks).await;
    }
    let walk = async |query: &str| -> Vec<(String, String)> {
        let (mut all, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = house
                .get(&format!("/handoffs?limit=200{query}{cursor}"), &lea)
                .await;
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let items = page["items"].as_array().expect("a list").iter();
            all.extend(items.map(|one| (text(&one["requested_at"]), text(&one["id"]))));
            pages += 1;
            assert!(pages <= 40, "it does not end");
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    };
    let all = walk("").await;
    assert_eq!(all.len(), MANY);
    assert!(all.is_sorted_by(|a, b| a.0 >= b.0), "the newest first");
    let ids: std::collections::BTreeSet<_> = all.iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), MANY, "each once");
    // Nothing is read beyond what is asked for.
    let since = all[100].0.clone();
    let newer = all.iter().filter(|(at, _)| *at >= since).count();
    assert_eq!(walk(&format!("&since={since}")).await.len(), newer);
    assert_eq!(walk("&verdict=none").await.len(), MANY);
    assert_eq!(walk("&reason=deflection").await.len(), 0);
    for wrong in ["w.1", "w.x.y", &ids.first().expect("one").to_string()] {
        let path = format!("/handoffs?cursor={wrong}");
        let (status, _) = house.call(Method::GET, &path, &lea, Value::Null).await;
        assert_eq!(status, 400, "{wrong}");
    }
    house.app.stop().await;
}
