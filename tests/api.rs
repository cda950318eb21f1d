//! The agent API against a whole running Segue: who gets a conversation, what is refused and how, what a stream brings.

#![expect(
    clippy::too_many_lines,
    reason = "a test tells one story from beginning to end"
)]

#[path = "pages/customers.rs"]
mod customers;

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use customers::{FOR_A_PERSON, write_as};
use futures_util::StreamExt as _;
use segue::app::App;
use segue::config::Config;
use segue::conversation::words::{ModeName, Role};
use segue::ids::ConversationId;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// A running Segue with people in it.
struct House {
    app: App,
    router: Router,
    dir: TempDir,
}

struct Told {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Told {
    fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}

async fn start_in(dir: TempDir) -> House {
    let mut config = Config::demonstration();
    config.server.listen = "127.0.0.1:0".parse().expect("an address");
    config.server.ops_listen = "127.0.0.1:0".parse().expect("an address");
    config.storage.data_dir = dir.path().to_owned();
    let sales = config.queues.values().next().expect("a queue").clone();
    config.queues.insert("sales".into(), sales);
    let app = App::start(config).await.expect("starts");
    let router = segue::http::routes(app.doors().clone());
    House { app, router, dir }
}

async fn house() -> House {
    start_in(tempfile::tempdir().expect("a folder")).await
}

impl House {
    fn token(&self, name: &str, role: Role) -> String {
        let token = self.app.doors().desk.grant(name, role).expect("a new name");
        token.reveal().to_owned()
    }

    fn limited(&self, name: &str, queue: &str) -> String {
        let queues = BTreeSet::from([queue.into()]);
        let people = self.app.doors().desk.people();
        people
            .add(name, Role::Agent, queues)
            .expect("a new name")
            .reveal()
            .to_owned()
    }

    /// A customer writes; the conversation's id.
    async fn write(&self, from: &str, text: &str) -> ConversationId {
        write_as(&self.app, from, None, text).await
    }

    /// A customer asks for a person.
    async fn ask(&self, from: &str) -> ConversationId {
        self.write(from, FOR_A_PERSON).await
    }

    async fn send(&self, request: Request<Body>) -> Told {
        let answer = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = to_bytes(answer.into_body(), 16 << 20)
            .await
            .expect("a body");
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).expect("JSON")
        };
        Told {
            status,
            headers,
            body,
        }
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: Value) -> Told {
        self.send(request(method, path, token, body).body_of(&[]))
            .await
    }

    async fn get(&self, path: &str, token: &str) -> Told {
        self.call(Method::GET, path, token, Value::Null).await
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Told {
        self.call(Method::POST, path, token, body).await
    }
}

struct Asking(axum::http::request::Builder, Value);

fn request(method: Method, path: &str, token: &str, body: Value) -> Asking {
    let mut builder = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"));
    if !token.is_empty() {
        builder = builder.header("authorization", format!("Bearer {token}"));
    }
    Asking(builder, body)
}

impl Asking {
    fn body_of(self, headers: &[(&str, &str)]) -> Request<Body> {
        let Self(mut builder, body) = self;
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        if body.is_null() {
            return builder.body(Body::empty()).expect("a request");
        }
        builder
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_claim_at_once_exactly_one_gets_it() {
    let house = house().await;
    let id = house.ask("visitor-1").await;
    let path = format!("/conversations/{id}/claim");
    let tokens: Vec<_> = (0..50)
        .map(|n| house.token(&format!("agent {n}"), Role::Agent))
        .collect();
    let claims = tokens
        .iter()
        .map(|token| house.post(&path, token, json!({})));
    let told = futures_util::future::join_all(claims).await;
    let won: Vec<_> = told.iter().filter(|one| one.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(won[0].body["owner_epoch"].is_u64(), "{}", won[0].body);
    let shown = house
        .get(&format!("/conversations/{id}"), &tokens[0])
        .await
        .body;
    assert_eq!(shown["mode"], "human");
    for lost in told.iter().filter(|one| one.status != 200) {
        assert_eq!(lost.code(), (409, "taken"));
        assert_eq!(lost.body["taken_by"], shown["assignee"]);
        assert!(lost.body["since"].is_string());
        assert_eq!(lost.headers["content-type"], "application/problem+json");
    }
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_under_one_key_is_sent_once() {
    let house = house().await;
    let id = house.ask("visitor-1").await;
    let ana = house.token("Ana", Role::Agent);
    assert_eq!(
        house
            .post(&format!("/conversations/{id}/claim"), &ana, json!({}))
            .await
            .status,
        200
    );
    let path = format!("/conversations/{id}/reply");
    let keyed = |text: &str| {
        request(Method::POST, &path, &ana, json!({"text": text}))
            .body_of(&[("idempotency-key", "k1")])
    };
    let first = house.send(keyed("Hello, how can I help?")).await;
    assert_eq!(
        (first.status, first.body["result"].as_str()),
        (200, Some("wrote"))
    );
    let again = house.send(keyed("Hello, how can I help?")).await;
    assert_eq!(again.body, first.body);
    assert_eq!(
        house.send(keyed("Something else")).await.code(),
        (422, "key_reused")
    );
    let trail = house
        .get(&format!("/conversations/{id}/trail"), &ana)
        .await
        .body;
    let entries = trail["items"].as_array().expect("a list");
    let written: Vec<_> = entries
        .iter()
        .filter(|entry| entry["kind"] == "human_wrote")
        .collect();
    assert_eq!(written.len(), 1);
    assert_eq!(written[0]["message"], first.body["message"]);
    assert!(written[0]["state"].is_string(), "{}", written[0]);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_revoked_agent_held_waits_again_and_nobody_of_that_name_inherits_it() {
    use segue::control::{Reply, Request, ask};
    let house = house().await;
    let root = house.token("Root", Role::Admin);
    let held = async |from: &str, token: &str| {
        let id = house.ask(from).await;
        let path = format!("/conversations/{id}/claim");
        assert_eq!(house.post(&path, token, json!({})).await.status, 200);
        id
    };
    let waits = async |id: ConversationId| {
        let told = house.get(&format!("/conversations/{id}"), &root).await.body;
        assert_eq!(told["mode"], "waiting", "{told}");
        assert!(told["assignee"].is_null(), "{told}");
    };
    let ana = house.limited("Ana", "support");
    let (first, second) = (held("v1", &ana).await, held("v2", &ana).await);
    let gone = house
        .call(Method::DELETE, "/agents/Ana", &root, Value::Null)
        .await;
    assert_eq!(gone.status, 204);
    waits(first).await;
    waits(second).await;
    let why = house
        .get(&format!("/conversations/{first}/trail"), &root)
        .await;
    assert!(
        why.body.to_string().contains("agent.revoked"),
        "{}",
        why.body
    );
    let ana = house.limited("Ana", "support");
    let path = format!("/conversations/{first}/reply");
    let late = house
        .post(&path, &ana, json!({"text": "Hello again"}))
        .await;
    assert_eq!(late.code(), (409, "not_claimed"));
    // By a command, too.
    let third = held("v3", &ana).await;
    let dir = house.dir.path().to_owned();
    let revoke = Request::AgentRevoke { name: "Ana".into() };
    let done = tokio::task::spawn_blocking(move || ask(&dir, &revoke)).await;
    assert_eq!(done.expect("runs").expect("answers"), Some(Reply::Done));
    waits(third).await;
    // And when nothing let go of it: forgotten by a command that found nobody running.
    let ana = house.limited("Ana", "support");
    let fourth = held("v4", &ana).await;
    house
        .app
        .doors()
        .desk
        .people()
        .revoke(&"Ana".into())
        .expect("there");
    let House { app, dir, .. } = house;
    app.stop().await;
    let house = start_in(dir).await;
    let head = house.app.doors().runtime.read(fourth).await;
    let head = head.expect("readable").expect("there");
    assert_eq!(head.mode().name(), ModeName::Waiting);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_the_conversation_cannot_speak_unnoticed() {
    let house = house().await;
    let id = house.ask("visitor-1").await;
    let (ana, lea) = (
        house.token("Ana", Role::Agent),
        house.token("Lea", Role::Lead),
    );
    let claim = format!("/conversations/{id}/claim");
    let old = house.post(&claim, &ana, json!({})).await.body["owner_epoch"].clone();
    assert_eq!(
        house.post(&claim, &lea, json!({})).await.code(),
        (409, "taken")
    );
    let new = house.post(&claim, &lea, json!({"force": true})).await;
    assert_eq!(new.status, 200, "{}", new.body);
    let reply = format!("/conversations/{id}/reply");
    let stale = house
        .post(
            &reply,
            &ana,
            json!({"text": "still me", "owner_epoch": old}),
        )
        .await;
    assert_eq!(stale.status, 409, "{}", stale.body);
    assert_eq!(stale.body["taken_by"], "Lea");
    let fresh = house
        .post(
            &reply,
            &lea,
            json!({"text": "hello", "owner_epoch": new.body["owner_epoch"]}),
        )
        .await;
    assert_eq!(fresh.status, 200, "{}", fresh.body);
    let outdated = house
        .post(&reply, &lea, json!({"text": "hello", "owner_epoch": old}))
        .await;
    assert_eq!(outdated.code(), (409, "stale_epoch"));
    assert_eq!(outdated.body["owner_epoch"], new.body["owner_epoch"]);
    let note = house
        .post(&format!("/conversations/{id}/handback"), &lea, json!({}))
        .await;
    assert_eq!(note.code(), (422, "note_required"));
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_does_what_it_may_and_no_more() {
    let house = house().await;
    let id = house.ask("visitor-1").await;
    let observer = house.token("Olga", Role::Observer);
    let agent = house.token("Ana", Role::Agent);
    let lead = house.token("Lea", Role::Lead);
    let admin = house.token("Ada", Role::Admin);
    let seller = house.limited("Sam", "sales");
    let one = format!("/conversations/{id}");
    let claim = format!("{one}/claim");
    let off = json!({"all": true, "on": false});
    let check = async |method: Method, path: &str, token: &str, body: Value, status: u16| {
        let told = house.call(method.clone(), path, token, body).await;
        assert_eq!(told.status, status, "{method} {path}: {}", told.body);
    };
    check(Method::GET, &one, "", Value::Null, 401).await;
    check(Method::GET, &one, "sgt_wrong", Value::Null, 401).await;
    check(Method::GET, &one, &observer, Value::Null, 200).await;
    check(Method::POST, &claim, &observer, json!({}), 403).await;
    check(Method::GET, &one, &seller, Value::Null, 404).await;
    check(
        Method::GET,
        &format!("{one}/trail"),
        &seller,
        Value::Null,
        404,
    )
    .await;
    check(Method::POST, &claim, &seller, json!({}), 404).await;
    check(Method::GET, "/stats", &seller, Value::Null, 403).await;
    check(Method::PUT, "/ai", &agent, off.clone(), 403).await;
    check(Method::PUT, "/ai", &lead, off, 200).await;
    check(Method::GET, "/parked", &agent, Value::Null, 403).await;
    check(Method::GET, "/parked", &lead, Value::Null, 200).await;
    check(Method::POST, "/parked/77/discard", &lead, Value::Null, 404).await;
    check(
        Method::POST,
        "/agents",
        &lead,
        json!({"name": "Nia", "role": "agent"}),
        403,
    )
    .await;
    check(
        Method::POST,
        "/agents",
        &admin,
        json!({"name": "Nia", "role": "agent"}),
        201,
    )
    .await;
    check(
        Method::POST,
        "/agents",
        &admin,
        json!({"name": "nia", "role": "agent"}),
        409,
    )
    .await;
    check(
        Method::POST,
        &format!("{one}/review"),
        &agent,
        json!({"verdict": "justified"}),
        403,
    )
    .await;
    check(
        Method::POST,
        &format!("{one}/review"),
        &lead,
        json!({"verdict": "justified"}),
        200,
    )
    .await;
    assert_eq!(
        house.get("/conversations", &seller).await.body["items"],
        json!([])
    );
    assert_eq!(
        house.get("/conversations", &agent).await.body["items"][0]["id"],
        id.to_string()
    );
    // Sent to their queue, the limited agent sees it; and may take it.
    assert_eq!(house.post(&claim, &agent, json!({})).await.status, 200);
    check(
        Method::POST,
        &format!("{one}/transfer"),
        &agent,
        json!({"queue": "sales"}),
        200,
    )
    .await;
    check(Method::POST, &claim, &seller, json!({}), 200).await;
    check(Method::DELETE, "/agents/Sam", &admin, Value::Null, 204).await;
    check(Method::GET, &one, &seller, Value::Null, 401).await;
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_stands_in_the_log_can_be_corrected_and_survives_a_restart() {
    let house = house().await;
    let (first, second) = (house.ask("visitor-1").await, house.ask("visitor-2").await);
    house.write("visitor-3", "hello").await;
    let ana = house.token("Ana", Role::Agent);
    // Known beyond a restart, other than those that are granted for the demonstration.
    let lead = |name: &str, queues: &[&str]| {
        let queues = queues.iter().map(|queue| (*queue).into()).collect();
        let people = house.app.doors().desk.people();
        let token = people.add(name, Role::Lead, queues).expect("a new name");
        token.reveal().to_owned()
    };
    let (lea, seller) = (lead("Lea", &[]), lead("Sal", &["sales"]));
    let claimed = house
        .post(&format!("/conversations/{first}/claim"), &ana, json!({}))
        .await;
    assert_eq!(claimed.status, 200);
    let log = house.get("/handoffs", &lea).await;
    assert_eq!(log.status, 200, "{}", log.body);
    let items = log.body["items"].as_array().expect("a list");
    assert_eq!((items.len(), &log.body["next"]), (2, &Value::Null));
    let of = |id: ConversationId| {
        let mut all = items.iter();
        let found = all.find(|one| one["conversation"] == id.to_string());
        found.expect("it is in the log").clone()
    };
    let one = of(first);
    assert_eq!(one["reason"], "user_request");
    assert_eq!(one["claimed_by"], "Ana");
    assert_eq!(of(second)["claimed_by"], Value::Null);
    let path = format!("/handoffs/{}/review", one["id"].as_str().expect("an id"));
    let judge = |token: &str, verdict: &str| {
        let (house, path, token) = (&house, &path, token.to_owned());
        let body = json!({"verdict": verdict});
        async move { house.post(path, &token, body).await }
    };
    assert_eq!(judge(&ana, "justified").await.code(), (403, "not_allowed"));
    assert_eq!(
        house.get("/handoffs", &ana).await.code(),
        (403, "not_allowed")
    );
    assert_eq!(judge(&seller, "justified").await.code(), (404, "not_found"));
    assert_eq!(
        house.get("/handoffs", &seller).await.body["items"],
        json!([])
    );
    assert_eq!(judge(&lea, "perhaps").await.code(), (422, "bad_body"));
    assert_eq!(judge(&lea, "missed").await.code(), (422, "not_missed"));
    for unknown in [
        format!("/handoffs/{first}.0/review"),
        format!("/handoffs/{first}.2/review"),
        format!("/handoffs/c{}.1/review", "0".repeat(32)),
        "/handoffs/7/review".to_owned(),
    ] {
        let told = house
            .post(&unknown, &lea, json!({"verdict": "justified"}))
            .await;
        assert_eq!(told.code(), (404, "not_found"), "{unknown}");
    }
    assert_eq!(judge(&lea, "justified").await.body["result"], "accepted");
    assert_eq!(judge(&lea, "justified").await.body["result"], "ignored");
    assert_eq!(judge(&lea, "unnecessary").await.body["result"], "accepted");
    let whole = format!("/conversations/{second}/review");
    let missed = house.post(&whole, &lea, json!({"verdict": "missed"})).await;
    assert_eq!(missed.status, 200, "{}", missed.body);
    let check = async |house: &House, query: &str, found: usize| {
        let told = house.get(&format!("/handoffs?{query}"), &lea).await;
        let items = told.body["items"].as_array().map(Vec::len);
        assert_eq!(items, Some(found), "{query}: {}", told.body);
    };
    check(&house, "verdict=unnecessary", 1).await;
    check(&house, "verdict=justified", 0).await;
    check(&house, "verdict=none", 1).await;
    check(&house, "reason=user_request&queue=support", 2).await;
    check(&house, "reason=deflection", 0).await;
    check(&house, "until=2020-01-01T00:00:00Z", 0).await;
    check(&house, "since=2020-01-01T00:00:00%2B02:00", 2).await;
    for wrong in [
        "since=yesterday",
        "reason=x",
        "verdict=x",
        "limit=0",
        "cursor=x",
        "page=2",
    ] {
        let told = house.get(&format!("/handoffs?{wrong}"), &lea).await;
        assert_eq!(told.code(), (400, "bad_request"), "{wrong}");
    }
    let page = house.get("/handoffs?limit=1", &lea).await.body;
    let next = page["next"].as_str().expect("there is more");
    let rest = house
        .get(&format!("/handoffs?limit=5&cursor={next}"), &lea)
        .await
        .body;
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest["next"], Value::Null);
    let at = |page: &Value| page["items"][0]["requested_at"].as_str().map(str::to_owned);
    assert!(at(&page) >= at(&rest), "the newest first: {page} {rest}");
    assert_ne!(page["items"][0]["id"], rest["items"][0]["id"]);
    let House { app, dir, .. } = house;
    app.stop().await;
    let house = start_in(dir).await;
    check(&house, "verdict=unnecessary", 1).await;
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_look_back_read_from_the_running_process() {
    use segue::learning::source;

    /// Asks over the control socket, as the commands do.
    struct Socket<'a>(&'a std::path::Path);

    impl segue::learning::Source for Socket<'_> {
        fn ask(&self, ask: segue::learning::Ask) -> Result<segue::learning::Found, String> {
            let request = segue::control::Request::Read { ask };
            match segue::control::ask(self.0, &request) {
                Ok(Some(segue::control::Reply::Read { found })) => Ok(*found),
                other => Err(format!("{other:?}")),
            }
        }
    }

    let house = house().await;
    let id = house.ask("visitor-1").await;
    for n in 0..40 {
        house.write("visitor-2", &format!("hello {n}")).await;
    }
    let dir = house.dir.path().to_owned();
    let seen = tokio::task::spawn_blocking(move || {
        let mut seen = Vec::new();
        let take = |told: segue::learning::Told| {
            let gapless = told.entries.iter().zip(0..).all(|(entry, n)| entry.n == n);
            assert!(gapless, "{:?}", told.entries);
            seen.push((told.facts.id, told.entries.len()));
            Ok(())
        };
        let since = segue::clock::Timestamp::ZERO;
        source::each(&Socket(&dir), None, since, take, |_| {}).expect("it answers");
        let hash = segue::learning::Ask::Policy { hash: 1 };
        let none = segue::learning::Source::ask(&Socket(&dir), hash).expect("it answers");
        assert_eq!(none, segue::learning::Found::Policy(None));
        seen
    });
    let seen = seen.await.expect("no panic");
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().any(|(of, entries)| *of == id && *entries > 1));
    assert!(seen.iter().any(|(_, entries)| *entries > 40), "{seen:?}");
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_request_is_a_problem_that_says_what_is_wrong() {
    let house = house().await;
    let id = house.ask("visitor-1").await;
    let ana = house.token("Ana", Role::Agent);
    let raw = async |method: Method, path: &str, kind: &str, body: Vec<u8>| {
        let builder = request(method, path, &ana, Value::Null).0;
        house
            .send(
                builder
                    .header("content-type", kind)
                    .body(Body::from(body))
                    .expect("a request"),
            )
            .await
    };
    let check = async |told: Told, status: u16, code: &str, says: &str| {
        assert_eq!(told.code(), (status, code), "{}", told.body);
        assert_eq!(told.headers["content-type"], "application/problem+json");
        assert_eq!(told.headers["x-content-type-options"], "nosniff");
        assert_eq!(told.body["status"], status);
        assert!(
            told.body["title"].is_string() && told.body["type"].is_string(),
            "{}",
            told.body
        );
        assert!(
            told.body["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(says)),
            "{}",
            told.body
        );
    };
    let reply = format!("/conversations/{id}/reply");
    let json_type = "application/json";
    let unknown = br#"{"text":"x","txet":"y"}"#.to_vec();
    check(
        raw(Method::POST, &reply, json_type, unknown).await,
        422,
        "bad_body",
        "txet",
    )
    .await;
    check(
        raw(Method::POST, &reply, json_type, b"{\"text\":".to_vec()).await,
        400,
        "bad_request",
        "no JSON",
    )
    .await;
    check(
        raw(Method::POST, &reply, json_type, vec![0xff, 0xfe]).await,
        400,
        "bad_request",
        "no JSON",
    )
    .await;
    check(
        raw(Method::POST, &reply, "text/plain", b"hello".to_vec()).await,
        415,
        "not_json",
        "text/plain",
    )
    .await;
    check(
        raw(Method::POST, &reply, json_type, vec![b' '; 70_000]).await,
        413,
        "too_large",
        "65536",
    )
    .await;
    check(
        house.post(&reply, &ana, json!({"text": "x"})).await,
        409,
        "not_claimed",
        "claim",
    )
    .await;
    check(
        house
            .post(&format!("/conversations/{id}/takeoff"), &ana, json!({}))
            .await,
        404,
        "not_found",
        "nothing",
    )
    .await;
    check(
        house.get("/conversations/c00", &ana).await,
        404,
        "not_found",
        "no such conversation",
    )
    .await;
    check(
        house.get("/conversations/%ff", &ana).await,
        404,
        "not_found",
        "",
    )
    .await;
    check(
        house.get("/conversations?mode=open", &ana).await,
        400,
        "bad_request",
        "waiting",
    )
    .await;
    check(
        house.get("/conversations?cursor=x", &ana).await,
        400,
        "bad_request",
        "cursor",
    )
    .await;
    check(
        house.get("/conversations?limit=0", &ana).await,
        400,
        "bad_request",
        "limit",
    )
    .await;
    check(
        house.get("/conversations?colour=red", &ana).await,
        400,
        "bad_request",
        "colour",
    )
    .await;
    check(
        house.call(Method::PUT, "/queues", &ana, json!({})).await,
        405,
        "method_not_allowed",
        "PUT",
    )
    .await;
    check(
        house.get("/nowhere", "").await,
        404,
        "not_found",
        "/api/v1/nowhere",
    )
    .await;
    let unknown_id = ConversationId::from_bytes([9; 16]);
    check(
        house
            .post(
                &format!("/conversations/{unknown_id}/claim"),
                &ana,
                json!({}),
            )
            .await,
        404,
        "not_found",
        "",
    )
    .await;
    let long_key = request(Method::POST, &reply, &ana, json!({"text": "x"}))
        .body_of(&[("idempotency-key", &"k".repeat(201))]);
    check(
        house.send(long_key).await,
        400,
        "bad_request",
        "Idempotency-Key",
    )
    .await;
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_paged_without_gaps_in_every_mode() {
    let house = house().await;
    let ana = house.token("Ana", Role::Agent);
    let mut waiting = Vec::new();
    for n in 0..7 {
        waiting.push(house.ask(&format!("waits-{n}")).await.to_string());
        // Who began to wait in the same millisecond stands in the order of ids.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let mut with_ai = BTreeSet::new();
    for n in 0..5 {
        with_ai.insert(
            house
                .write(&format!("chats-{n}"), "What are your opening hours?")
                .await
                .to_string(),
        );
    }
    let pages = async |query: &str| {
        let (mut found, mut cursor, mut sizes) = (Vec::new(), String::new(), Vec::new());
        loop {
            let page = house
                .get(&format!("/conversations?limit=3{query}{cursor}"), &ana)
                .await
                .body;
            let items = page["items"].as_array().expect("a list").clone();
            sizes.push(items.len());
            found.extend(
                items
                    .iter()
                    .map(|item| item["id"].as_str().expect("an id").to_owned()),
            );
            let Some(next) = page["next"].as_str() else {
                return (found, sizes);
            };
            cursor = format!("&cursor={next}");
        }
    };
    let (found, sizes) = pages("&mode=waiting").await;
    assert_eq!(found, waiting, "those that wait longest come first");
    assert_eq!(sizes, [3, 3, 1]);
    house
        .post(
            &format!("/conversations/{}/claim", waiting[0]),
            &ana,
            json!({}),
        )
        .await;
    let (found, _) = pages("").await;
    let expected: Vec<_> = waiting[1..].iter().chain(&waiting[..1]).cloned().collect();
    assert_eq!(found, expected, "waiting, then human");
    assert_eq!(pages("&assignee=me").await.0, [waiting[0].clone()]);
    assert_eq!(pages("&q=WAITS-3").await.0, [waiting[3].clone()]);
    assert_eq!(pages("&queue=sales").await.0, [""; 0]);
    let (found, _) = pages("&mode=ai").await;
    assert_eq!(found.len(), 5);
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), with_ai);
    let by_address = house.get("/conversations?q=chats-2", &ana).await.body;
    assert_eq!(
        by_address["items"][0]["customer"]["address"], "chats-2",
        "a whole address is found in any mode"
    );
    let queues = house.get("/queues", &ana).await.body;
    let support = queues["items"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|queue| queue["name"] == "support");
    let support = support.expect("the queue");
    assert_eq!(
        (&support["waiting"], &support["human"]),
        (&json!(6), &json!(1))
    );
    assert_eq!(
        (&support["open"], &support["opens_at"]),
        (&json!(true), &json!(null))
    );
    let stats = house.get("/stats", &ana).await.body;
    assert_eq!(stats["conversations"]["ai"], 5);
    assert_eq!(stats["conversations"]["waiting"], 6);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_lists_every_route_and_every_route_is_there() {
    let house = house().await;
    let document = house.get("/openapi.json", "").await.body;
    let paths = document["paths"].as_object().expect("paths");
    let mut listed = BTreeSet::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("an item") {
            let below = path.strip_prefix("/api/v1").expect("below /api/v1");
            listed.insert(format!("{} {below}", method.to_uppercase()));
            assert!(
                operation["summary"]
                    .as_str()
                    .is_some_and(|about| about.len() > 5),
                "{method} {path}"
            );
            assert!(operation["responses"]["503"].is_object(), "{method} {path}");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let told = house
                .call(
                    method.clone(),
                    &below.replace(['{', '}'], ""),
                    "",
                    json!({}),
                )
                .await;
            let guarded = operation["security"].is_array();
            assert_eq!(
                told.status == 401,
                guarded,
                "{method} {path}: {} {}",
                told.status,
                told.body
            );
            assert_ne!(told.status, 405, "{method} {path}");
        }
    }
    let promised = "GET /conversations|GET /conversations/{id}|GET /conversations/{id}/trail|\
        POST /conversations/{id}/claim|POST /conversations/{id}/takeover|POST /conversations/{id}/reply|\
        POST /conversations/{id}/note|POST /conversations/{id}/typing|POST /conversations/{id}/viewing|\
        POST /conversations/{id}/transfer|POST /conversations/{id}/handback|POST /conversations/{id}/keep|\
        POST /conversations/{id}/resolve|POST /conversations/{id}/escalate|POST /conversations/{id}/review|\
        GET /handoffs|POST /handoffs/{id}/review|\
        GET /conversations/{id}/explain|PATCH /conversations/{id}|DELETE /conversations/{id}/pending/{message}|\
        GET /queues|GET /agents|POST /agents|DELETE /agents/{name}|POST /agents/{name}/token|GET /agents/me|\
        PUT /agents/me/presence|GET /events|PUT /ai|GET /parked|POST /parked/{id}/discard|POST /parked/{id}/retry|POST /session|\
        GET /approvals|POST /conversations/{id}/approvals|POST /conversations/{id}/approvals/{approval}/decide|\
        DELETE /session|GET /stats|GET /openapi.json";
    let file = &paths["/api/v1/conversations/{id}/files"]["post"]["requestBody"]["content"];
    let format = &file["application/octet-stream"]["schema"]["format"];
    assert_eq!(format, "binary", "{file}");
    for route in promised.split('|').map(str::trim) {
        assert!(listed.contains(route), "{route} is missing in {listed:?}");
    }
    house.app.stop().await;
}

/// A server-sent event.
#[derive(Debug, Default, Clone)]
struct Heard {
    id: String,
    event: String,
    data: Value,
}

/// Listens from `last` until `enough` says so or `within` is over.
async fn hear(
    house: &House,
    token: &str,
    query: &str,
    last: &str,
    mut enough: impl FnMut(&Heard) -> bool,
) -> Vec<Heard> {
    let mut headers = Vec::new();
    if !last.is_empty() {
        headers.push(("last-event-id", last));
    }
    let request =
        request(Method::GET, &format!("/events{query}"), token, Value::Null).body_of(&headers);
    let answer = house
        .router
        .clone()
        .oneshot(request)
        .await
        .expect("infallible");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut body = answer.into_body().into_data_stream();
    let (mut text, mut heard) = (String::new(), Vec::new());
    let listening = async {
        while let Some(piece) = body.next().await {
            text.push_str(std::str::from_utf8(&piece.expect("a piece")).expect("text"));
            while let Some(end) = text.find("\n\n") {
                let block: String = text.drain(..end + 2).collect();
                let mut one = Heard::default();
                for line in block.lines() {
                    match line.split_once(':') {
                        Some(("id", id)) => one.id = id.trim().to_owned(),
                        Some(("event", event)) => one.event = event.trim().to_owned(),
                        Some(("data", data)) => {
                            one.data = serde_json::from_str(data).expect("JSON")
                        }
                        _ => {}
                    }
                }
                let done = enough(&one);
                heard.push(one);
                if done {
                    return;
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), listening)
        .await
        .expect("heard in time");
    heard
}

/// How many agents of the queue `sales` the figures call available.
async fn available(house: &House) -> f64 {
    let url = format!("http://{}/metrics", house.app.ops_address());
    let scrape = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
        .get(url)
        .send()
        .await
        .expect("a scrape");
    let scrape = scrape.text().await.expect("text");
    let series = "segue_agents{queue=\"sales\",state=\"available\"} ";
    let value = scrape.lines().find_map(|line| line.strip_prefix(series));
    value.expect("it is exported").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_only_reads_is_not_there_and_an_open_stream_is_a_sign_of_life() {
    let house = std::sync::Arc::new(house().await);
    let ana = house.token("Ana", Role::Admin);
    let ben = house.token("Ben", Role::Agent);
    let olga = house.token("Olga", Role::Observer);
    let id = house.ask("visitor").await;
    let presence_of = async |name: &str| {
        let told = house.get("/agents", &ana).await;
        let items = told.body["items"].as_array().expect("items").clone();
        let one = items.into_iter().find(|one| one["name"] == name);
        one.expect("they are there")["presence"].clone()
    };
    // Reads alone, and what administers: nobody is there.
    house.get("/conversations", &ana).await;
    let off = json!({"queue": "sales", "on": false});
    let told = house.call(Method::PUT, "/ai", &ana, off).await;
    assert_eq!(told.status, 200);
    assert_eq!(presence_of("Ana").await, "away");
    assert_eq!(available(&house).await, 0.0);
    // An observer's page is open, and they cannot answer anybody.
    hear(&house, &olga, "", "", |one| !one.id.is_empty()).await;
    assert_eq!(presence_of("Olga").await, "available");
    assert_eq!(available(&house).await, 0.0);
    // An act makes them present; from here on they only read, and Ben listens, and says nothing.
    let note = json!({"text": "looked at it"});
    let path = format!("/conversations/{id}/note");
    assert_eq!(house.post(&path, &ana, note).await.status, 200);
    assert_eq!(presence_of("Ana").await, "available");
    let listening = tokio::spawn({
        let house = std::sync::Arc::clone(&house);
        async move {
            let request = request(Method::GET, "/events", &ben, Value::Null).body_of(&[]);
            let answer = house.router.clone().oneshot(request).await;
            let mut body = answer.expect("infallible").into_body().into_data_stream();
            while body.next().await.is_some() {}
        }
    });
    let lapsed = segue::clock::monotonic() + segue::desk::presence::LEASE + Duration::from_secs(2);
    while segue::clock::monotonic() < lapsed {
        house.get("/conversations", &ana).await;
        house.get("/agents", &ana).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(presence_of("Ana").await, "away");
    assert_eq!(presence_of("Ben").await, "available");
    assert_eq!(available(&house).await, 1.0);
    listening.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cut_again_and_again_loses_and_doubles_nothing() {
    const MESSAGES: usize = 120;
    let house = std::sync::Arc::new(house().await);
    let ana = house.token("Ana", Role::Agent);
    let hello = hear(&house, &ana, "", "", |one| !one.id.is_empty()).await;
    let mut last = hello.last().expect("a hello").id.clone();
    let writing = {
        let house = std::sync::Arc::clone(&house);
        tokio::spawn(async move {
            let writers = (0..4).map(|n| {
                let house = std::sync::Arc::clone(&house);
                async move {
                    let from = format!("visitor-{n}");
                    let id = house.ask(&from).await;
                    for m in 0..MESSAGES / 4 {
                        house.write(&from, &format!("message {m}")).await;
                    }
                    id
                }
            });
            futures_util::future::join_all(writers).await
        })
    };
    let mut entries: std::collections::BTreeMap<String, Vec<u64>> =
        std::collections::BTreeMap::new();
    let mut messages = 0;
    let mut cuts = 0;
    while messages < MESSAGES + 4 {
        let mut left = 7;
        let mut counted = messages;
        let heard = hear(&house, &ana, "", &last, |one| {
            assert_ne!(one.event, "reset");
            if one.event == "conversation" {
                left -= 1;
                counted += said(one);
            }
            left == 0 || counted >= MESSAGES + 4
        })
        .await;
        cuts += 1;
        for one in heard {
            if !one.id.is_empty() {
                last.clone_from(&one.id);
            }
            if one.event == "conversation" {
                messages += said(&one);
                let id = one.data["conversation"]["id"]
                    .as_str()
                    .expect("an id")
                    .to_owned();
                let numbers = one.data["entries"].as_array().expect("entries").iter();
                let numbers = numbers.map(|entry| entry["n"].as_u64().expect("a number"));
                entries.entry(id).or_default().extend(numbers);
            }
        }
    }
    let ids = writing.await.expect("written");
    assert!(cuts > 5, "cut {cuts} times");
    for id in ids {
        let numbers = &entries[&id.to_string()];
        let expected: Vec<u64> = (0..numbers.len() as u64).collect();
        assert_eq!(*numbers, expected, "every entry of {id} once, in order");
    }
}

/// How many messages of customers an event brings.
fn said(one: &Heard) -> usize {
    let entries = one.data["entries"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    entries
        .iter()
        .filter(|entry| entry["kind"] == "customer_wrote")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_resets_where_it_cannot_resume_and_shows_only_what_one_may_see() {
    let house = house().await;
    let (ana, sam) = (
        house.token("Ana", Role::Agent),
        house.limited("Sam", "sales"),
    );
    let id = house.ask("visitor-1").await;
    for old in ["nonsense", "1-1-0", "ffffffffffffffff-9-9"] {
        // That Ana is there now, because she listens, may be told before.
        let heard = hear(&house, &ana, "", old, |one| one.event != "presence").await;
        let first = heard.last().expect("an event");
        assert_eq!(
            (first.event.as_str(), first.id.is_empty()),
            ("reset", false),
            "{old}"
        );
    }
    let ask_sales = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let claim = format!("/conversations/{id}/claim");
        house.post(&claim, &ana, json!({})).await;
        house
            .post(
                &format!("/conversations/{id}/transfer"),
                &ana,
                json!({"queue": "sales"}),
            )
            .await;
        let took = house.post(&claim, &sam, json!({})).await;
        let back = house
            .post(
                &format!("/conversations/{id}/transfer"),
                &sam,
                json!({"queue": "support"}),
            )
            .await;
        assert_eq!((took.status, back.status), (200, 200));
    };
    let (heard, ()) = tokio::join!(
        hear(&house, &sam, "", "", |one| one.event == "gone"),
        ask_sales
    );
    let shown: Vec<_> = heard
        .iter()
        .filter(|one| one.event == "conversation")
        .collect();
    assert!(!shown.is_empty());
    for one in shown {
        assert_eq!(
            one.data["conversation"]["queue"], "sales",
            "only their queue"
        );
    }
    assert_eq!(heard.last().expect("an event").data["id"], id.to_string());
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_needs_its_token_for_everything_that_changes_something() {
    let house = house().await;
    let id = house.ask("visitor-1").await;
    let ana = house.token("Ana", Role::Agent);
    let signed_in = house.post("/session", "", json!({"token": ana})).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);
    let cookie = signed_in.headers["set-cookie"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let csrf = signed_in.body["csrf"].as_str().expect("a token").to_owned();
    let claim = |headers: &[(&str, &str)]| {
        request(
            Method::POST,
            &format!("/conversations/{id}/claim"),
            "",
            json!({}),
        )
        .body_of(headers)
    };
    assert_eq!(house.send(claim(&[("cookie", &cookie)])).await.status, 403);
    assert_eq!(
        house
            .send(claim(&[("cookie", &cookie), ("x-csrf-token", "guess")]))
            .await
            .status,
        403
    );
    let me = house
        .send(request(Method::GET, "/agents/me", "", Value::Null).body_of(&[("cookie", &cookie)]))
        .await;
    assert_eq!(
        (me.body["name"].as_str(), me.body["csrf"].as_str()),
        (Some("Ana"), Some(csrf.as_str()))
    );
    assert_eq!(
        house
            .send(claim(&[("cookie", &cookie), ("x-csrf-token", &csrf)]))
            .await
            .status,
        200
    );
    let out = request(Method::DELETE, "/session", "", Value::Null)
        .body_of(&[("cookie", &cookie), ("x-csrf-token", &csrf)]);
    assert_eq!(house.send(out).await.status, 204);
    assert_eq!(
        house
            .send(claim(&[("cookie", &cookie), ("x-csrf-token", &csrf)]))
            .await
            .status,
        401
    );
    for _ in 0..10 {
        assert_eq!(
            house
                .post("/session", "", json!({"token": "sgt_guess"}))
                .await
                .status,
            401
        );
    }
    let barred = house
        .post("/session", "", json!({"token": "sgt_guess"}))
        .await;
    assert_eq!(barred.code(), (429, "too_many_tries"));
    assert!(barred.headers.contains_key("retry-after"));
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_is_settled_by_words_and_by_people() {
    let house = house().await;
    let ana = house.token("Ana", Role::Agent);
    let id = house
        .write("visitor-1", "hola, quiero hablar con una persona")
        .await;
    let one = format!("/conversations/{id}");
    let language = async || house.get(&one, &ana).await.body["customer"]["language"].clone();
    assert_eq!(language().await, "es");
    let patch = async |tag: &str| {
        house
            .call(Method::PATCH, &one, &ana, json!({"language": tag}))
            .await
    };
    assert_eq!(patch("Portuguese").await.code(), (422, "bad_language"));
    assert_eq!(patch("pt_BR").await.status, 200);
    house
        .write("visitor-1", "where is my order, and what does it cost?")
        .await;
    assert_eq!(language().await, "pt-br");
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_of_one_customer_know_each_other() {
    let house = house().await;
    let ana = house.token("Ana", Role::Agent);
    let (id, other) = (house.ask("visitor-1").await, house.ask("visitor-2").await);
    let one = format!("/conversations/{id}");
    let others = async |token: &str| house.get(&one, token).await.body["others"].clone();
    assert_eq!(others(&ana).await, json!([]));
    let link = json!({"attributes": {"customer": "visitor-2"}});
    assert_eq!(
        house.call(Method::PATCH, &one, &ana, link).await.status,
        200
    );
    let told = others(&ana).await;
    assert_eq!(told.as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!(
        (&told[0]["id"], &told[0]["mode"], &told[0]["channel"]),
        (&json!(other.to_string()), &json!("waiting"), &json!("web"))
    );
    let page = house.get("/conversations", &ana).await.body;
    assert!(
        page["items"][0].get("others").is_none(),
        "lists do not look it up"
    );
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_shown_whole_and_explained() {
    let house = house().await;
    let id = house.ask("visitor-1").await;
    let ana = house.token("Ana", Role::Agent);
    let one = format!("/conversations/{id}");
    let shown = house.get(&one, &ana).await.body;
    for field in "id channel customer mode queue assignee priority reason owner_epoch waiting_since deadline unread window \
        summary tags attributes opened_at updated_at outbox handoff"
        .split_whitespace()
    {
        assert!(shown.as_object().expect("an object").contains_key(field), "{field} is missing");
    }
    assert_eq!(
        (&shown["mode"], &shown["reason"]),
        (&json!("waiting"), &json!("user_request"))
    );
    assert!(shown["deadline"].is_string() && shown["waiting_since"].is_string());
    let told = house.get(&format!("{one}/explain"), &ana).await.body;
    let first = &told["items"][0];
    assert_eq!(first["came_in"], "customer_wrote", "{told}");
    assert_eq!(first["rule"]["reason"], "user_request", "{told}");
    let edit = json!({"tags": ["vip"], "attributes": {"crm": "42"}, "priority": 3});
    assert_eq!(
        house.call(Method::PATCH, &one, &ana, edit).await.status,
        200
    );
    assert_eq!(
        house
            .post(&format!("{one}/viewing"), &ana, json!({}))
            .await
            .status,
        200
    );
    let shown = house.get(&one, &ana).await.body;
    assert_eq!(
        (
            &shown["tags"],
            &shown["attributes"]["crm"],
            &shown["priority"]
        ),
        (&json!(["vip"]), &json!("42"), &json!(3))
    );
    assert_eq!(shown["viewing"], json!(["Ana"]));
    let (mut numbers, mut after) = (Vec::new(), String::new());
    loop {
        let page = house
            .get(&format!("{one}/trail?limit=2{after}"), &ana)
            .await
            .body;
        numbers.extend(
            page["items"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|entry| entry["n"].as_u64().expect("n")),
        );
        let Some(next) = page["next"].as_u64() else {
            break;
        };
        after = format!("&after={next}");
    }
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
    assert!(numbers.len() > 3);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_reach_the_running_process_and_what_they_did_outlives_it() {
    use segue::control::{Reply, Request, ask, socket};
    use std::os::unix::fs::PermissionsExt as _;
    let house = house().await;
    let path = house.dir.path().to_owned();
    let carry = async |request: Request| {
        let path = path.clone();
        tokio::task::spawn_blocking(move || ask(&path, &request))
            .await
            .expect("runs")
            .expect("answers")
    };
    let mode = std::fs::metadata(socket(&path))
        .expect("the socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let add = Request::AgentAdd {
        name: "Ana".into(),
        role: Role::Agent,
        queues: BTreeSet::new(),
    };
    let Some(Reply::Token { token }) = carry(add.clone()).await else {
        panic!("no token")
    };
    assert_eq!(
        house.get("/agents/me", token.reveal()).await.body["name"],
        "Ana"
    );
    assert!(matches!(carry(add).await, Some(Reply::Failed { .. })));
    let off = serde_json::from_value(json!({"queue": "support", "on": false})).expect("a turn");
    assert!(matches!(
        carry(Request::Ai { turn: off }).await,
        Some(Reply::Ai { .. })
    ));
    let Some(Reply::Status { ai, .. }) = carry(Request::Status).await else {
        panic!("no status")
    };
    assert!(ai.queues_off.contains(&"support".into()));
    let House { app, dir, .. } = house;
    app.stop().await;
    assert!(
        carry(Request::AgentList).await.is_none(),
        "nobody answers any more"
    );
    assert!(!socket(&path).exists());
    let house = start_in(dir).await;
    assert_eq!(
        house.get("/agents/me", token.reveal()).await.body["name"],
        "Ana"
    );
    assert_eq!(
        house.get("/ai", token.reveal()).await.body["queues_off"],
        json!(["support"])
    );
    let Some(Reply::Token { token: renewed }) =
        carry(Request::AgentToken { name: "Ana".into() }).await
    else {
        panic!("no token")
    };
    assert_eq!(house.get("/agents/me", token.reveal()).await.status, 401);
    assert_eq!(house.get("/agents/me", renewed.reveal()).await.status, 200);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_switches_turned_at_once_none_is_lost_and_each_is_on_record() {
    use segue::control::{Request, ask};
    let house = house().await;
    let lead = house.token("Lea", Role::Lead);
    let turns = ["support", "sales"].map(|queue| json!({"queue": queue, "on": false}));
    for round in 1..=8_usize {
        let path = house.dir.path().to_owned();
        let turn = serde_json::from_value(turns[0].clone()).expect("a turn");
        let by_socket = tokio::task::spawn_blocking(move || ask(&path, &Request::Ai { turn }));
        let by_page = house.call(Method::PUT, "/ai", &lead, turns[1].clone());
        let (by_socket, by_page) = tokio::join!(by_socket, by_page);
        assert!(by_socket.expect("runs").is_ok());
        assert_eq!(by_page.status, 200);
        let told = house.get("/ai", &lead).await.body;
        assert_eq!(told["queues_off"], json!(["sales", "support"]));
        let on = json!({"queue": "sales", "on": true});
        assert_eq!(house.call(Method::PUT, "/ai", &lead, on).await.status, 200);
        let on = json!({"queue": "support", "on": true});
        assert_eq!(house.call(Method::PUT, "/ai", &lead, on).await.status, 200);
        let told = house.get("/ai", &lead).await.body;
        assert_eq!(told["queues_off"], json!([]));
        let again = json!({"queue": "support", "on": true});
        let again = house.call(Method::PUT, "/ai", &lead, again).await;
        assert_eq!(
            again.status, 200,
            "nothing is turned, and nothing is recorded"
        );
        let unknown = json!({"queue": "sails", "on": true});
        let unknown = house.call(Method::PUT, "/ai", &lead, unknown).await;
        assert_eq!(unknown.code(), (422, "no_switch"));
        assert!(
            unknown.body.to_string().contains("sales, support"),
            "{}",
            unknown.body
        );
        let told = house.get("/ai", &lead).await.body;
        let changes = told["changes"].as_array().expect("changes").clone();
        assert_eq!(changes.len(), 4 * round);
        let by = |who: &str| changes.iter().filter(|one| one["by"] == who).count();
        assert_eq!((by("Lea"), by("control socket")), (3 * round, round));
    }
    let House { app, dir, .. } = house;
    app.stop().await;
    let house = start_in(dir).await;
    let lead = house.token("Lea", Role::Lead);
    let changes = house.get("/ai", &lead).await.body["changes"].clone();
    assert_eq!(changes.as_array().map(Vec::len), Some(32));
    assert_eq!(changes[0]["by"], "Lea");
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_under_a_key_is_done_once_and_a_token_is_told_once() {
    let house = house().await;
    let root = house.token("Root", Role::Admin);
    let under = async |key: &str, path: &str, body: Value| {
        let asking = request(Method::POST, path, &root, body);
        house
            .send(asking.body_of(&[("idempotency-key", key)]))
            .await
    };
    let ana = json!({"name": "Ana", "role": "agent"});
    assert_eq!(under("k1", "/agents", ana.clone()).await.status, 201);
    let told = under("k1", "/agents", ana.clone()).await;
    assert_eq!(told.code(), (409, "already_done"), "{}", told.body);
    assert_eq!(
        under("k2", "/agents", ana).await.code(),
        (409, "agent_exists")
    );
    let cleo = json!({"name": "Cleo", "role": "agent"});
    let eight = (0..8).map(|_| under("k8", "/agents", cleo.clone()));
    let mut told: Vec<_> = futures_util::future::join_all(eight)
        .await
        .iter()
        .map(|told| told.code().1.to_owned())
        .collect();
    told.sort();
    let mut expected = vec!["already_done"; 8];
    expected[0] = "";
    assert_eq!(told, expected, "at once: one adds, the others learn of it");
    let bob = json!({"name": "Bob", "role": "agent"});
    assert_eq!(
        under("k1", "/agents", bob).await.code(),
        (422, "key_reused")
    );
    let renewed = under("k3", "/agents/Ana/token", Value::Null).await;
    let token = renewed.body["token"].as_str().expect("a token").to_owned();
    let told = under("k3", "/agents/Ana/token", Value::Null).await;
    assert_eq!(told.code(), (409, "already_done"), "{}", told.body);
    assert_eq!(
        house.get("/agents/me", &token).await.status,
        200,
        "still the same"
    );
    let doors = house.app.doors();
    let store = doors.runtime.store();
    let id = store.park("webhook", "x", b"", "a test", doors.runtime.now());
    let path = format!("/parked/{}/discard", id.expect("parked"));
    let first = under("k4", &path, Value::Null).await;
    let second = under("k4", &path, Value::Null).await;
    assert_eq!((first.status, second.status), (200, 200), "{}", second.body);
    assert_eq!(first.body, second.body);
    assert_eq!(under("k5", &path, Value::Null).await.status, 404);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_is_what_the_store_says_after_a_restart() {
    let house = house().await;
    let ana = house.token("Ana", Role::Agent);
    let (first, second) = (house.ask("visitor-1").await, house.ask("visitor-2").await);
    house
        .write("visitor-3", "What are your opening hours?")
        .await;
    house
        .post(&format!("/conversations/{first}/claim"), &ana, json!({}))
        .await;
    let House { app, dir, .. } = house;
    app.stop().await;
    let house = start_in(dir).await;
    let board = house.app.doors().desk.board();
    let ids = |mode| {
        board
            .all(mode)
            .map(|seen| seen.conversation_id())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (ids(ModeName::Human), ids(ModeName::Waiting)),
        (vec![first], vec![second])
    );
    let ana = house.token("Ana", Role::Agent);
    assert_eq!(
        house.get("/conversations?assignee=me", &ana).await.body["items"][0]["id"],
        first.to_string()
    );
    house.app.stop().await;
}
