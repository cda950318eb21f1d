//! What comes in broken, too large, too slow, too often or from the wrong person: each gets its own answer, nothing of it
//! harms what is in order, and whatever was signed is kept.
//!
//! Through real HTTP throughout; where the process itself is the matter, through the real binary.

#[path = "world/app.rs"]
mod app;
#[path = "world/customer.rs"]
mod customer;
#[path = "world/house.rs"]
mod house;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use redb::{Database, ReadableDatabase as _, TableDefinition};
use reqwest::{Method, Response, StatusCode};
use segue::app::App;
use segue::channel::twilio::signature::sign;
use segue::clock::monotonic;
use segue::conversation::words::Role;
use segue::http::chat::visitor::Visitor;
use segue::http::listen::serve_within;
use segue::ids::ConversationId;
use segue::secret::Secret;
use segue::store::state::HEADS;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::customer::Line;
use self::house::House;

const FORM: &str = "application/x-www-form-urlencoded";
/// How long a body may take; the listener's own limit and some room.
const BODY_WITHIN: Duration = Duration::from_secs(15);

/// Three channels, nobody who answers their provider, and little room for a body.
fn sections() -> String {
    format!(
        r#"
        [channels.sms]
        kind = "twilio"
        account_sid = "AC00000000000000000000000000000000"
        auth_token = "{}"
        from = "{}"
        api_base_url = "http://127.0.0.1:9"
        [channels.web]
        kind = "webchat"
        [channels.gate]
        kind = "http"
        token = "gate-token"
        callback_url = "http://127.0.0.1:9/callback"
        callback_secret = "gate-secret"
        "#,
        customer::AUTH_TOKEN,
        customer::OURS,
    )
}

/// A Segue in this process, and its customers' line.
struct Bed {
    app: App,
    line: Line,
    dir: TempDir,
}

impl Bed {
    async fn new() -> Self {
        Self::on(tempfile::tempdir().expect("a directory")).await
    }

    async fn on(dir: TempDir) -> Self {
        let app = app::start(dir.path(), &sections()).await;
        let line = Line::to(format!("http://{}", app.public_address()));
        Self { app, line, dir }
    }

    fn address(&self) -> SocketAddr {
        self.app.public_address()
    }

    /// Somebody of ours, with a token.
    fn person(&self, name: &str, role: Role) -> String {
        let token = self
            .app
            .doors()
            .desk
            .people()
            .add(name, role, BTreeSet::new());
        token.expect("a person").reveal().to_owned()
    }

    async fn ask(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Response {
        let mut request = self
            .line
            .client
            .request(method, format!("{}{path}", self.line.base))
            .bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.expect("an answer")
    }

    async fn write(&self, id: &str, from: &str, text: &str) -> Response {
        self.line
            .post("/webhooks/sms", &Line::form(id, from, text))
            .await
            .expect("an answer")
    }

    fn id(&self, from: &str) -> ConversationId {
        self.app
            .doors()
            .runtime
            .conversation_id(&"sms".into(), from)
    }

    async fn parked(&self, token: &str) -> Vec<Value> {
        let page: Value = self
            .ask(Method::GET, "/api/v1/parked", token, None)
            .await
            .json()
            .await
            .expect("JSON");
        page["items"].as_array().expect("a list").clone()
    }
}

/// A request as it would never be sent by a client: exactly these bytes. Returns all that came back.
async fn raw(to: SocketAddr, bytes: &[u8], ends_early: bool) -> String {
    let mut stream = TcpStream::connect(to).await.expect("a connection");
    stream.write_all(bytes).await.expect("written");
    if ends_early {
        stream.shutdown().await.expect("half closed");
    }
    let mut answer = Vec::new();
    // A reset is as good an end as any.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn status_of(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

async fn check(bed: &Bed, what: &str, request: reqwest::RequestBuilder, expected: u16) -> Value {
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), expected, "{what}");
    let kind = answer
        .headers()
        .get("content-type")
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or("")
        .to_owned();
    let body = answer.text().await.expect("text");
    // Whoever integrates needs to learn why.
    if expected >= 400 && expected != 405 {
        assert_eq!(kind, "application/problem+json", "{what}: {body}");
        let problem: Value = serde_json::from_str(&body).expect("JSON");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty()),
            "{what}: {body}"
        );
        assert!(
            !body.contains(bed.dir.path().to_str().expect("text")),
            "{what}: a path leaks: {body}"
        );
        return problem;
    }
    serde_json::from_str(&body).unwrap_or(Value::Null)
}

/// Asks one after the other.
async fn check_each<const N: usize>(bed: &Bed, table: [(&str, reqwest::RequestBuilder, u16); N]) {
    for (what, request, expected) in table {
        check(bed, what, request, expected).await;
    }
}

#[tokio::test]
async fn a_signed_webhook_that_cannot_be_taken_is_told_why() {
    let bed = Bed::new().await;
    let url = format!("{}/webhooks/sms", bed.line.base);
    let form = Line::form("SM1", "+17000000001", "hello");
    let signature = sign(&Secret::from(customer::AUTH_TOKEN), &url, form.as_bytes());
    let plain = |to: &str, kind: &str, body: String| {
        let request = bed.line.client.post(to).header("content-type", kind);
        request.body(body)
    };
    let signed = |to: &str, kind: &str, body: &str| {
        plain(to, kind, body.to_owned()).header("x-twilio-signature", &signature)
    };
    let (query, nowhere) = (format!("{url}?x=1"), url.replace("sms", "sm"));
    let (other, long) = (form.replace("hello", "hallo"), "a".repeat(2 * 1024 * 1024));
    let table = [
        ("no signature", plain(&url, FORM, form.clone()), 401),
        ("another body", signed(&url, FORM, &other), 403),
        ("another URL", signed(&query, FORM, &form), 403),
        (
            "no form by its name",
            signed(&url, "text/plain", &form),
            403,
        ),
        (
            "no channel of this name",
            signed(&nowhere, FORM, &form),
            404,
        ),
        ("another method", bed.line.client.put(&url), 405),
        ("too large", signed(&url, FORM, &long), 413),
        ("in order, after all that", signed(&url, FORM, &form), 200),
    ];
    check_each(&bed, table).await;
    let runtime = &bed.app.doors().runtime;
    let trail = runtime.trail(bed.id("+17000000001"), 0, 100).await;
    assert!(!trail.expect("a trail").is_empty());
    bed.app.stop().await;
}

#[tokio::test]
async fn a_gateways_message_that_cannot_be_taken_is_told_why() {
    let bed = Bed::new().await;
    let gate = format!("{}/api/v1/messages", bed.line.base);
    let message = json!({"channel": "gate", "from": "ana", "id": "1", "text": "hello"});
    let nameless = json!({"channel": "gate", "from": "ana", "text": "hello"}).to_string();
    let anybody = |kind: &str, body: &str| {
        let request = bed.line.client.post(&gate).header("content-type", kind);
        request.body(body.to_owned())
    };
    let ours = |kind: &str, body: &str| anybody(kind, body).bearer_auth("gate-token");
    let (json, message) = ("application/json", message.to_string());
    let stranger = anybody(json, &message).bearer_auth("gate-tokem");
    let table = [
        ("no token", anybody(json, &message), 401),
        ("another token", stranger, 403),
        ("no JSON by its name", ours("text/plain", &message), 415),
        ("no JSON", ours(json, "{\"channel\":"), 422),
        ("in order, after all that", ours(json, &message), 200),
    ];
    check_each(&bed, table).await;
    let problem = check(&bed, "no id", ours(json, &nameless), 422).await;
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.contains("id"), "it names the field: {detail}");
    bed.app.stop().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused_and_the_signed_nonsense_is_kept_for_people() {
    let bed = Bed::new().await;
    let host = bed.address();
    let head = format!(
        "POST /webhooks/sms HTTP/1.1\r\nhost: {host}\r\ncontent-type: {FORM}\r\n\
         x-twilio-signature: c2lnbmVk\r\ncontent-length: 100\r\n\r\nMessageSid="
    );
    let answer = raw(host, head.as_bytes(), true).await;
    assert_eq!(status_of(&answer), Some(400), "{answer}");
    for nonsense in ["NumMedia=0&Body=hello", "MessageSid=SM1", ""] {
        let answer = bed
            .line
            .post("/webhooks/sms", nonsense)
            .await
            .expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{nonsense}");
    }
    let admin = bed.person("root", Role::Admin);
    let parked = bed.parked(&admin).await;
    let raws: Vec<&str> = parked
        .iter()
        .filter_map(|one| one["raw"].as_str())
        .collect();
    assert_eq!(raws, ["NumMedia=0&Body=hello", "MessageSid=SM1", ""]);
    assert!(
        parked
            .iter()
            .all(|one| one["origin"] == "sms" && one["kind"] == "webhook"),
        "{parked:?}"
    );
    bed.app.stop().await;
}

#[tokio::test]
async fn a_kept_body_is_taken_up_again_and_stays_while_nobody_understands_it() {
    let bed = Bed::new().await;
    let answer = bed
        .line
        .post("/webhooks/sms", "NumMedia=0&Body=hello")
        .await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::OK);
    let store = bed.app.doors().runtime.store().clone();
    let whole = "MessageSid=SM1&From=%2B17000000001&To=%2B15005550006&Body=hello&NumMedia=0";
    let at = bed.app.doors().runtime.now();
    let understood = store
        .park("webhook", "sms", whole.as_bytes(), "a test", at)
        .expect("parked");
    store
        .park("damaged_head", "", b"\0", "a test", at)
        .expect("parked");
    let (lead, agent) = (
        bed.person("lea", Role::Lead),
        bed.person("ana", Role::Agent),
    );
    let again = async |id: u64, token: &str| {
        let path = format!("/api/v1/parked/{id}/retry");
        let answer = bed.ask(Method::POST, &path, token, None).await;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.expect("JSON");
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(again(understood, &agent).await.0, 403);
    assert_eq!(again(1, &lead).await, (409, "still_parked".to_owned()));
    assert_eq!(
        again(understood + 1, &lead).await,
        (422, "not_retryable".to_owned())
    );
    assert_eq!(again(understood, &lead).await, (200, String::new()));
    assert_eq!(again(understood, &lead).await.0, 404, "it is settled");
    let read = bed.app.doors().runtime.read(bed.id("+17000000001")).await;
    assert!(
        read.expect("readable").is_some(),
        "the customer has been heard"
    );
    let left = bed.parked(&lead).await;
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(
        left[0]["why"]
            .as_str()
            .is_some_and(|why| why.contains("MessageSid")),
        "{left:?}"
    );
    bed.app.stop().await;
}

/// Sends this head and then a body, very slowly; it is cut off in time, and told so.
async fn check_is_cut_off(host: SocketAddr, head: String) {
    let began = monotonic();
    let mut stream = TcpStream::connect(host).await.expect("a connection");
    stream.write_all(head.as_bytes()).await.expect("written");
    let (mut reader, mut writer) = stream.into_split();
    let drip = tokio::spawn(async move {
        while writer.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let mut answer = vec![0; 12];
    let read = tokio::time::timeout(BODY_WITHIN * 2, reader.read_exact(&mut answer)).await;
    drip.abort();
    read.unwrap_or_else(|_| panic!("no answer to {head}"))
        .expect("an answer");
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 408", "{head}");
    let took = began.elapsed();
    assert!(
        (BODY_WITHIN..BODY_WITHIN * 2).contains(&took),
        "after {took:?}: {head}"
    );
}

#[tokio::test]
async fn who_sends_a_body_too_slowly_is_cut_off() {
    let bed = Bed::new().await;
    let host = bed.address();
    let ana = bed.person("ana", Role::Admin);
    let visitor = Visitor::mint().reveal();
    let heads = [
        ("/webhooks/sms", FORM, ""),
        ("/api/v1/messages", "application/json", "gate-token"),
        // Nobody needs to be anybody to sign in.
        ("/api/v1/session", "application/json", ""),
        ("/api/v1/agents", "application/json", &ana),
        ("/chat/web/messages", "application/json", &visitor),
    ];
    let mut under_way: JoinSet<()> = heads
        .into_iter()
        .map(|(path, kind, token)| check_is_cut_off(host, head(host, path, kind, token, 1_000)))
        .collect();
    while let Some(done) = under_way.join_next().await {
        done.expect("it was cut off");
    }
    bed.app.stop().await;
}

/// The head of a POST that declares a body of so many bytes.
fn head(host: SocketAddr, path: &str, kind: &str, token: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: {kind}\r\n\
         x-twilio-signature: c2lnbmVk\r\ncontent-length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn who_is_refused_anyway_is_refused_before_the_body() {
    let bed = Bed::new().await;
    let host = bed.address();
    let json = "application/json";
    let (long, longer) = (64 * 1024 + 1, 1024 * 1024 + 1);
    let visitor = Visitor::mint().reveal();
    let ana = bed.person("ana", Role::Admin);
    let mut table = vec![
        (head(host, "/webhooks/sms", FORM, "", longer), 413),
        (
            head(host, "/api/v1/messages", json, "gate-token", longer),
            413,
        ),
        (head(host, "/api/v1/session", json, "", long), 413),
        (head(host, "/api/v1/agents", json, &ana, long), 413),
        (head(host, "/chat/web/messages", json, &visitor, long), 413),
        (head(host, "/api/v1/messages", json, "gate-tokem", 100), 403),
        (head(host, "/api/v1/messages", json, "", 100), 401),
    ];
    let nobody = head(host, "/api/v1/messages", json, "", 100);
    table.push((nobody.replace("authorization: Bearer \r\n", ""), 401));
    let unsigned = head(host, "/webhooks/sms", FORM, "", 100);
    table.push((
        unsigned.replace("x-twilio-signature: c2lnbmVk\r\n", ""),
        401,
    ));
    for (head, expected) in table {
        // Nothing of the body is ever sent.
        let began = monotonic();
        let answer = raw(host, head.as_bytes(), false).await;
        assert_eq!(status_of(&answer), Some(expected), "{head}{answer}");
        assert!(began.elapsed() < BODY_WITHIN / 3, "{head}");
    }
    bed.app.stop().await;
}

#[tokio::test]
async fn who_sends_a_head_too_slowly_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = listener.local_addr().expect("an address");
    let router = axum::Router::new().route("/", axum::routing::get(|| async { "here" }));
    let (stop, within) = (CancellationToken::new(), Duration::from_millis(400));
    let served = tokio::spawn(serve_within(listener, router, stop.clone(), within, within));
    let began = monotonic();
    let mut stream = TcpStream::connect(host).await.expect("a connection");
    stream
        .write_all(b"GET / HTTP/1.1\r\n")
        .await
        .expect("written");
    let (mut reader, mut writer) = stream.into_split();
    let drip = tokio::spawn(async move {
        while writer.write_all(b"x: 1\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut answer = Vec::new();
    let _a_reset_is_an_end_too = reader.read_to_end(&mut answer).await;
    let took = began.elapsed();
    assert!(took >= within && took < within * 10, "after {took:?}");
    assert!(!String::from_utf8_lossy(&answer).contains("here"));
    drip.abort();
    assert!(
        raw(host, b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n", false)
            .await
            .ends_with("here")
    );
    stop.cancel();
    served.await.expect("it ends");
}

/// One conversation may not take the whole house: the 65th message under way is refused, and nothing of the 64 is lost.
#[test]
fn too_much_at_once_in_one_conversation_is_refused_with_a_time_to_come_back() {
    const READERS: usize = 4;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder
        .worker_threads(2)
        .max_blocking_threads(READERS)
        .enable_all()
        .build()
        .expect("threads");
    runtime.block_on(async {
        let bed = Bed::new().await;
        // Nothing can be read from disk until the gates open, so what comes for the conversation has to wait.
        let gates: Vec<_> = (0..READERS)
            .map(|_| {
                let (open, gate) = sync_channel::<()>(1);
                tokio::task::spawn_blocking(move || gate.recv());
                open
            })
            .collect();
        let mut posts = JoinSet::new();
        for n in 0..80 {
            let line = bed.line.clone();
            posts.spawn(async move {
                let form = Line::form(&format!("SM{n}"), "+17000000001", "hello");
                let answer = line.post("/webhooks/sms", &form).await.expect("an answer");
                let later = answer
                    .headers()
                    .get("retry-after")
                    .and_then(|later| later.to_str().ok()?.parse::<u64>().ok());
                (answer.status().as_u16(), later)
            });
        }
        let mut refused = Vec::new();
        while refused.len() < 16 {
            refused.push(
                posts
                    .join_next()
                    .await
                    .expect("sixteen too many")
                    .expect("no panic"),
            );
        }
        assert!(
            refused
                .iter()
                .all(|(status, later)| *status == 429 && later.is_some_and(|later| later > 0)),
            "{refused:?}"
        );
        drop(gates);
        let taken = posts.join_all().await;
        assert!(
            taken.len() == 64 && taken.iter().all(|(status, _)| *status == 200),
            "{taken:?}"
        );
        let id = bed.id("+17000000001");
        let trail = bed
            .app
            .doors()
            .runtime
            .trail(id, 0, 1_000)
            .await
            .expect("a trail");
        let written = trail.iter().filter(|entry| {
            matches!(
                entry.fact,
                segue::conversation::trail::Fact::CustomerWrote { .. }
            )
        });
        assert_eq!(written.count(), 64);
        bed.app.stop().await;
    });
}

#[tokio::test]
async fn people_who_may_not_or_ask_for_what_is_not_there_are_told_so() {
    let bed = Bed::new().await;
    let (agent, observer) = (
        bed.person("ana", Role::Agent),
        bed.person("olga", Role::Observer),
    );
    assert!(
        bed.write("SM1", "+17000000001", "I want to talk to a human")
            .await
            .status()
            .is_success()
    );
    let at = |act: &str| format!("/api/v1/conversations/{}/{act}", bed.id("+17000000001"));
    let check = async |token: &str, path: &str, body: Value, expected: u16| {
        let answer = bed.ask(Method::POST, path, token, Some(body)).await;
        let status = answer.status().as_u16();
        let body = answer.text().await.expect("text");
        assert_eq!(status, expected, "{path}: {body}");
        serde_json::from_str::<Value>(&body).expect("JSON")
    };
    check("sgt_nobody", &at("claim"), json!({}), 401).await;
    check(&observer, &at("claim"), json!({}), 403).await;
    let unknown = bed.id("+17009999999");
    check(
        &agent,
        &format!("/api/v1/conversations/{unknown}/claim"),
        json!({}),
        404,
    )
    .await;
    check(&agent, "/api/v1/conversations/c12/claim", json!({}), 404).await;
    check(&agent, &at("fly"), json!({}), 404).await;
    check(&agent, &at("reply"), json!({"text": "hello"}), 409).await;
    check(&agent, &at("claim"), json!({"force": "yes"}), 422).await;
    check(&agent, &at("claim"), json!({}), 200).await;
    check(&agent, &at("reply"), json!({"text": " "}), 422).await;
    check(
        &agent,
        &at("reply"),
        json!({"text": "a".repeat(9_000)}),
        422,
    )
    .await;
    check(&agent, &at("resolve"), json!({"note": "done"}), 200).await;
    let closed = check(&agent, &at("reply"), json!({"text": "one more thing"}), 409).await;
    assert_eq!(closed["code"], "already_closed", "{closed}");
    check(&agent, &at("claim"), json!({}), 409).await;
    check(&agent, "/api/v1/parked/99/discard", json!({}), 403).await;
    let admin = bed.person("root", Role::Admin);
    check(&admin, "/api/v1/parked/99/discard", json!({}), 404).await;
    bed.app.stop().await;
}

/// Changes the bytes of a head in the state file, so that its checksum does not match any more.
fn damage(data: &Path, id: ConversationId) {
    let database = Database::open(data.join("state.redb")).expect("a redb file");
    let key = id.as_bytes();
    let mut head = {
        let heads = database
            .begin_read()
            .expect("readable")
            .open_table(HEADS)
            .expect("a table");
        heads
            .get(key)
            .expect("readable")
            .expect("a head")
            .value()
            .to_vec()
    };
    let middle = head.len() / 2;
    head[middle] ^= 0xff;
    let writing = database.begin_write().expect("writable");
    writing
        .open_table(HEADS)
        .expect("a table")
        .insert(key, head.as_slice())
        .expect("written");
    writing.commit().expect("committed");
}

#[tokio::test]
async fn what_comes_for_an_unreadable_conversation_is_kept_for_people_and_the_others_go_on() {
    let bed = Bed::new().await;
    let (broken, sound) = ("+17000000001", "+17000000002");
    for (n, from) in [broken, sound].into_iter().enumerate() {
        assert!(
            bed.write(&format!("SM{n}"), from, "I want to talk to a human")
                .await
                .status()
                .is_success()
        );
    }
    let (id, dir) = (bed.id(broken), bed.dir);
    bed.app.stop().await;
    damage(&dir.path().join("data"), id);
    let bed = Bed::on(dir).await;
    let (agent, admin) = (
        bed.person("ana", Role::Agent),
        bed.person("root", Role::Admin),
    );
    for (n, text) in ["are you there?", "hello?"].into_iter().enumerate() {
        assert_eq!(
            bed.write(&format!("SMb{n}"), broken, text).await.status(),
            StatusCode::OK
        );
        assert_eq!(
            bed.write(&format!("SMs{n}"), sound, text).await.status(),
            StatusCode::OK
        );
    }
    let parked = bed.parked(&admin).await;
    assert_eq!(
        parked.len(),
        2,
        "the customer's words and nothing else: {parked:?}"
    );
    for (one, text) in parked.iter().zip(["are you there?", "hello?"]) {
        assert_eq!(one["origin"], id.to_string().as_str());
        assert!(
            one["raw"].as_str().is_some_and(|raw| raw.contains(text)),
            "{one}"
        );
    }
    let claim = format!("/api/v1/conversations/{id}/claim");
    let answer = bed.ask(Method::POST, &claim, &agent, Some(json!({}))).await;
    assert!(
        !answer.status().is_success(),
        "nobody can have what nobody can read: {}",
        answer.status()
    );
    let claim = format!("/api/v1/conversations/{}/claim", bed.id(sound));
    assert_eq!(
        bed.ask(Method::POST, &claim, &agent, Some(json!({})))
            .await
            .status(),
        StatusCode::OK
    );
    bed.app.stop().await;
}

// --- the process itself ---

/// A configuration for the real binary, on a port of its own.
fn house_in(dir: &Path, data: &Path) -> Line {
    let port = house::free_port();
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\nops_listen = \"127.0.0.1:0\"\n[storage]\ndata_dir = \"{}\"\ncache_mb = 32\n{}",
        data.display(),
        sections()
    );
    fs::write(dir.join("segue.toml"), text).expect("written");
    Line::to(format!("http://127.0.0.1:{port}"))
}

/// It does not start, exits with 1, and says this.
fn check_refuses(dir: &Path, says: &[&str]) {
    let status = House::start(dir).wait();
    let said = house::said(dir);
    assert_eq!(status.code(), Some(1), "{said}");
    for one in says {
        assert!(said.contains(one), "it does not say `{one}`:\n{said}");
    }
}

async fn gate(line: &Line, id: &str) -> Response {
    let message =
        json!({"channel": "gate", "from": "ana", "id": id, "text": "What are your opening hours?"});
    let request = line
        .client
        .post(format!("{}/api/v1/messages", line.base))
        .bearer_auth("gate-token")
        .json(&message);
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn it_stops_on_sigterm_and_remembers_after_the_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    for (id, expected) in [("1", "accepted"), ("1", "duplicate")] {
        // Another port, and another line: the old one remembers connections that are gone.
        let line = house_in(dir.path(), &dir.path().join("data"));
        let house = House::start(dir.path());
        house.wait_ready(dir.path());
        let answer: Value = gate(&line, id).await.json().await.expect("JSON");
        assert_eq!(answer["status"], expected);
        let began = monotonic();
        assert!(house.terminate().success(), "{}", house::said(dir.path()));
        let said = house::said(dir.path());
        assert!(
            said.contains("stopping") && !said.contains('\u{1b}'),
            "{said}"
        );
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn a_data_directory_serves_one_process_at_a_time() {
    let (dir, other) = (
        tempfile::tempdir().expect("a directory"),
        tempfile::tempdir().expect("a directory"),
    );
    let data = dir.path().join("data");
    house_in(dir.path(), &data);
    let house = House::start(dir.path());
    house.wait_ready(dir.path());
    house_in(other.path(), &data);
    check_refuses(other.path(), &["in use by another process", "--data"]);
    house.kill9();
    let house = House::start(other.path());
    house.wait_ready(other.path());
    assert!(house.terminate().success());
}

#[test]
fn data_of_a_newer_release_is_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    house_in(dir.path(), &data);
    let house = House::start(dir.path());
    house.wait_ready(dir.path());
    assert!(house.terminate().success());
    let meta: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
    let database = Database::open(data.join("state.redb")).expect("a redb file");
    let writing = database.begin_write().expect("writable");
    let newer = 99_u32.to_le_bytes();
    writing
        .open_table(meta)
        .expect("a table")
        .insert("layout", newer.as_slice())
        .expect("written");
    writing.commit().expect("committed");
    drop(database);
    let before = fs::read(data.join("journal.redb")).expect("a file");
    check_refuses(dir.path(), &["format 99", "backup"]);
    assert!(
        fs::read(data.join("journal.redb")).expect("a file") == before,
        "the journal was touched"
    );
}

/// A small disk of our own; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Of `mb` MiB at `at`. None: not allowed here.
    fn mount(at: &Path, mb: usize) -> Option<Self> {
        fs::create_dir(at).expect("a directory");
        let size = format!("size={mb}m");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at);
        let mounted = mount
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        mounted.then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _gone_or_not = Command::new("umount").arg(&self.0).status();
    }
}

fn skipped(why: &str) {
    writeln!(std::io::stderr(), "SKIPPED: {why}").expect("stderr is open");
}

#[tokio::test]
async fn a_full_disk_is_named_at_the_start_and_refused_with_a_time_to_come_back_later() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("disk");
    let Some(small) = SmallDisk::mount(&data, 40) else {
        return skipped("a full disk: mounting a tmpfs is not allowed here");
    };
    let line = house_in(dir.path(), &data);
    check_refuses(dir.path(), &["no room on the disk"]);
    drop(small);
    fs::remove_dir(&data).expect("unmounted");
    // A disk with room that is filled up by somebody else meanwhile.
    let _disk = SmallDisk::mount(&data, 300).expect("it worked before");
    let house = House::start(dir.path());
    house.wait_ready(dir.path());
    assert_eq!(gate(&line, "1").await.status(), StatusCode::OK);
    fs::write(data.join("somebody-elses"), vec![1; 60 * 1024 * 1024]).expect("written");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let answer = gate(&line, "2").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    fs::remove_file(data.join("somebody-elses")).expect("removed");
    let taken = gate(&line, "2").await;
    assert_eq!(
        taken.status(),
        StatusCode::OK,
        "held until there was room, then taken"
    );
    assert!(house.terminate().success(), "{}", house::said(dir.path()));
}
