//! The agent API against a whole running Segue: who gets a conversation, what is refused and how, what a stream brings.

#![expect(
    clippy::too_many_lines,
    reason = "a test tells one story from beginning to end"
)]

#[path = "api/claims.rs"]
mod claims;
#[path = "api/commands.rs"]
mod commands;
#[path = "pages/customers.rs"]
mod customers;
#[path = "api/once.rs"]
mod once;
#[path = "api/refusals.rs"]
mod refusals;
#[path = "api/shown.rs"]
mod shown;
#[path = "api/streams.rs"]
mod streams;

use std::collections::BTreeSet;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use customers::{FOR_A_PERSON, write_as};
use segue::app::App;
use segue::config::Config;
use segue::conversation::words::Role;
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
        DELETE /session|GET /sign-ins|GET /stats|GET /openapi.json";
    let file = &paths["/api/v1/conversations/{id}/files"]["post"]["requestBody"]["content"];
    let format = &file["application/octet-stream"]["schema"]["format"];
    assert_eq!(format, "binary", "{file}");
    for route in promised.split('|').map(str::trim) {
        assert!(listed.contains(route), "{route} is missing in {listed:?}");
    }
    house.app.stop().await;
}
