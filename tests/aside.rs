//! What the inbox page needs of the agent API besides the acts: lists from their newest end and by what was said, trails
//! read backwards, snooze, whisper, drafts, canned replies, and who is typing.

#![expect(
    clippy::too_many_lines,
    reason = "a test tells one story from beginning to end"
)]

#[path = "aside/approvals.rs"]
mod approvals;
#[path = "pages/customers.rs"]
mod customers;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use customers::{FOR_A_PERSON, write_as};
use futures_util::StreamExt as _;
use segue::app::App;
use segue::config::Config;
use segue::conversation::words::Role;
use segue::ids::ConversationId;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

struct House {
    app: App,
    router: Router,
    dir: TempDir,
}

impl House {
    async fn open() -> Self {
        Self::again(tempfile::tempdir().expect("a folder")).await
    }

    async fn again(dir: TempDir) -> Self {
        let mut config = Config::demonstration();
        config.server.listen = "127.0.0.1:0".parse().expect("an address");
        config.server.ops_listen = "127.0.0.1:0".parse().expect("an address");
        config.storage.data_dir = dir.path().join("data");
        let app = App::start(config).await.expect("it starts");
        let router = segue::http::routes(app.doors().clone());
        Self { app, router, dir }
    }

    fn token(&self, name: &str, role: Role) -> String {
        let token = self.app.doors().desk.grant(name, role).expect("a new name");
        token.reveal().to_owned()
    }

    async fn write(&self, from: &str, text: &str) -> ConversationId {
        write_as(&self.app, from, None, text).await
    }

    async fn ask(&self, from: &str) -> ConversationId {
        self.write(from, FOR_A_PERSON).await
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: Value) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        let answer = self
            .router
            .clone()
            .oneshot(request.body(body).expect("a request"))
            .await
            .expect("infallible");
        let status = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body(), 16 << 20)
            .await
            .expect("a body");
        (
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }

    async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.call(Method::GET, path, token, Value::Null).await
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, token, body).await
    }

    async fn ids(&self, path: &str, token: &str) -> Vec<String> {
        let (status, page) = self.get(path, token).await;
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().expect("a list").iter();
        items
            .map(|one| one["id"].as_str().expect("an id").to_owned())
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_closed_last_stands_first_and_pages_go_on() {
    let house = House::open().await;
    let ana = house.token("Ana", Role::Agent);
    let mut closed = Vec::new();
    for n in 0..7 {
        let id = house.ask(&format!("visitor-{n}")).await;
        let path = format!("/conversations/{id}/resolve");
        assert_eq!(house.post(&path, &ana, json!({})).await.0, 200);
        closed.insert(0, id.to_string());
    }
    let mut read = Vec::new();
    let mut cursor = String::new();
    for _ in 0..9 {
        let path = format!("/conversations?mode=closed&order=newest&limit=3{cursor}");
        let (status, page) = house.get(&path, &ana).await;
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().expect("a list").iter();
        read.extend(items.map(|one| one["id"].as_str().expect("an id").to_owned()));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(read, closed);
    let oldest = house.ids("/conversations?mode=closed", &ana).await;
    assert_eq!(oldest, closed.iter().rev().cloned().collect::<Vec<_>>());
    let (status, _) = house.get("/conversations?order=newest", &ana).await;
    assert_eq!(status, 400, "only where it means something");
    // After a restart all of it comes from the file.
    house.app.stop().await;
    let house = House::again(house.dir).await;
    let ana = house.token("Ana", Role::Agent);
    let path = "/conversations?mode=closed&order=newest";
    assert_eq!(house.ids(path, &ana).await, closed);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_what_was_said_and_noted() {
    let house = House::open().await;
    let ana = house.token("Ana", Role::Agent);
    let id = house.ask("visitor-1").await;
    house.ask("visitor-2").await;
    house.write("visitor-1", "My Teapot arrived broken").await;
    house
        .post(
            &format!("/conversations/{id}/note"),
            &ana,
            json!({"text": "Courier is Hermes"}),
        )
        .await;
    let check = async |q: &str, found: bool| {
        let ids = house
            .ids(&format!("/conversations?mode=waiting&q={q}"), &ana)
            .await;
        let expected: Vec<_> = found.then(|| id.to_string()).into_iter().collect();
        assert_eq!(ids, expected, "{q}");
    };
    check("teapot", true).await;
    check("hermes", true).await;
    check("visitor-1", true).await;
    check("samovar", false).await;
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trail_is_read_backwards_without_a_gap() {
    let house = House::open().await;
    let ana = house.token("Ana", Role::Agent);
    let id = house.ask("visitor-1").await;
    for n in 0..40 {
        house.write("visitor-1", &format!("message {n}")).await;
    }
    let whole = house
        .get(&format!("/conversations/{id}/trail?limit=500"), &ana)
        .await
        .1;
    let numbers = |page: &Value| -> Vec<u64> {
        let items = page["items"].as_array().expect("a list").iter();
        items
            .map(|one| one["n"].as_u64().expect("a number"))
            .collect()
    };
    let (mut read, mut before) = (Vec::new(), u64::MAX);
    for _ in 0..20 {
        let path = format!("/conversations/{id}/trail?limit=9&before={before}");
        let (status, page) = house.get(&path, &ana).await;
        assert_eq!(status, 200, "{page}");
        let mut part = numbers(&page);
        part.extend(read);
        read = part;
        match page["earlier"].as_u64() {
            Some(earlier) => before = earlier,
            None => break,
        }
    }
    assert_eq!(read, numbers(&whole));
    let both = format!("/conversations/{id}/trail?after=3&before=9");
    assert_eq!(house.get(&both, &ana).await.0, 400);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn snooze_whisper_and_draft_are_for_those_who_may() {
    let house = House::open().await;
    let (ana, ben, lea) = (
        house.token("Ana", Role::Agent),
        house.token("Ben", Role::Agent),
        house.token("Lea", Role::Lead),
    );
    let id = house.ask("visitor-1").await;
    let path = |rest: &str| format!("/conversations/{id}/{rest}");
    let until = "2099-01-01T00:00:00Z";
    let code = |told: (u16, Value)| {
        (
            told.0,
            told.1["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let snooze = json!({"until": until});
    let soon = json!({"until": (segue::clock::Timestamp::from_millis(
        house.app.doors().runtime.now().as_millis() + 3_600_000)).rfc3339()});
    assert_eq!(
        code(house.post(&path("snooze"), &ana, soon.clone()).await),
        (409, "not_claimed".into())
    );
    assert_eq!(
        code(
            house
                .post(&path("whisper"), &lea, json!({"text": "x"}))
                .await
        ),
        (422, "nobody".into())
    );
    assert_eq!(house.post(&path("claim"), &ana, json!({})).await.0, 200);
    assert_eq!(
        code(house.post(&path("snooze"), &ana, snooze).await),
        (422, "too_far".into())
    );
    assert_eq!(
        code(house.post(&path("snooze"), &ben, soon.clone()).await),
        (409, "taken".into())
    );
    assert_eq!(house.post(&path("snooze"), &ana, soon.clone()).await.0, 200);
    let shown = house.get(&format!("/conversations/{id}"), &ana).await.1;
    assert_eq!(shown["attributes"]["snoozed_until"], soon["until"]);
    assert!(shown["assignee_since"].is_string());
    // It is set and ended by snoozing, not by writing the attribute.
    for value in [json!("2098-01-01T00:00:00Z"), Value::Null] {
        let change = json!({"attributes": {"snoozed_until": value}});
        let one = format!("/conversations/{id}");
        let told = house.call(axum::http::Method::PATCH, &one, &lea, change);
        assert_eq!(code(told.await), (403, "not_allowed".into()));
    }
    let still = house.get(&format!("/conversations/{id}"), &ana).await.1;
    assert_eq!(still["attributes"]["snoozed_until"], soon["until"]);
    house.write("visitor-1", "any news?").await;
    let shown = house.get(&format!("/conversations/{id}"), &ana).await.1;
    assert!(
        shown["attributes"].get("snoozed_until").is_none(),
        "{shown}"
    );

    assert_eq!(
        house
            .post(&path("whisper"), &ben, json!({"text": "x"}))
            .await
            .0,
        403
    );
    assert_eq!(
        house
            .post(
                &path("whisper"),
                &lea,
                json!({"text": "Offer them a voucher"})
            )
            .await
            .0,
        200
    );
    let trail = house.get(&path("trail?limit=500"), &ana).await.1;
    let notes: Vec<_> = trail["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|one| one["kind"] == "note_written")
        .collect();
    assert_eq!(
        (notes.len(), &notes[0]["agent"], &notes[0]["text"]),
        (1, &json!("Lea"), &json!("@Ana Offer them a voucher"))
    );

    assert_eq!(
        house
            .post(&path("draft"), &ana, json!({"text": "Dear"}))
            .await
            .0,
        200
    );
    assert_eq!(house.get(&path("draft"), &ana).await.1["text"], "Dear");
    assert_eq!(
        house.get(&path("draft"), &ben).await.1["text"],
        "",
        "nobody else's"
    );
    let long = json!({"text": "x".repeat(9_000)});
    assert_eq!(house.post(&path("draft"), &ana, long).await.0, 422);
    assert_eq!(
        house
            .post(&path("draft"), &ana, json!({"text": ""}))
            .await
            .0,
        200
    );
    assert!(house.get(&path("draft"), &ana).await.1["kept_at"].is_null());
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn canned_replies_are_kept_and_only_leads_change_them() {
    let house = House::open().await;
    let (ana, lea) = (
        house.token("Ana", Role::Agent),
        house.token("Lea", Role::Lead),
    );
    let hello = json!({"name": "hello", "text": "Hello {name}!"});
    assert_eq!(house.post("/canned", &ana, hello.clone()).await.0, 403);
    let (status, added) = house.post("/canned", &lea, hello.clone()).await;
    assert_eq!((status, added["name"].as_str()), (201, Some("hello")));
    assert_eq!(house.post("/canned", &lea, hello).await.0, 409);
    let id = added["id"].as_u64().expect("a number");
    let one = format!("/canned/{id}");
    let changed = json!({"name": "hi", "text": "Hi {name}!", "language": "en"});
    assert_eq!(house.call(Method::PUT, &one, &lea, changed).await.0, 200);
    house.app.stop().await;
    let house = House::again(house.dir).await;
    let (ana, lea) = (
        house.token("Ana", Role::Agent),
        house.token("Lea", Role::Lead),
    );
    let list = house.get("/canned", &ana).await.1;
    assert_eq!(
        list["items"],
        json!([{"id": id, "name": "hi", "text": "Hi {name}!", "language": "en"}])
    );
    assert_eq!(
        house.call(Method::DELETE, &one, &lea, Value::Null).await.0,
        204
    );
    assert_eq!(
        house.call(Method::DELETE, &one, &lea, Value::Null).await.0,
        404
    );
    assert_eq!(house.get("/canned", &ana).await.1["items"], json!([]));
    assert_eq!(house.get("/templates", &ana).await.1["items"], json!([]));
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_types_is_shown_to_whoever_listens() {
    let house = House::open().await;
    let ana = house.token("Ana", Role::Agent);
    let id = house.ask("visitor-1").await;
    let request = Request::builder()
        .uri("/api/v1/events")
        .header("authorization", format!("Bearer {ana}"))
        .body(Body::empty())
        .expect("a request");
    let answer = house
        .router
        .clone()
        .oneshot(request)
        .await
        .expect("infallible");
    let mut stream = answer.into_body().into_data_stream();
    let first = stream.next().await.expect("open").expect("sound");
    assert!(first.starts_with(b"id:"), "the place to resume from");
    house.app.doors().desk.presence().customer_writes(id);
    let mut told = String::new();
    while !told.contains("event: mark") {
        let next = tokio::time::timeout(std::time::Duration::from_secs(20), stream.next());
        let part = next
            .await
            .expect("something comes")
            .expect("open")
            .expect("sound");
        told.push_str(&String::from_utf8_lossy(&part));
    }
    assert!(
        told.contains(&format!("\"conversation\":\"{id}\"")) && told.contains("\"agent\":null"),
        "{told}"
    );
    house.app.stop().await;
}
