//! What comes in broken, too large, too slow, too often or from the wrong person: each gets its own answer, nothing of it
//! harms what is in order, and whatever was signed is kept.
//!
//! Through real HTTP throughout; where the process itself is the matter, through the real binary.

#[path = "world/app.rs"]
mod app;
#[path = "bad_input/bodies.rs"]
mod bodies;
#[path = "world/customer.rs"]
mod customer;
#[path = "world/house.rs"]
mod house;
#[path = "bad_input/pace.rs"]
mod pace;
#[path = "bad_input/people.rs"]
mod people;
#[path = "bad_input/process.rs"]
mod process;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use reqwest::{Method, Response};
use segue::app::App;
use segue::conversation::words::Role;
use segue::ids::ConversationId;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use self::customer::Line;

const FORM: &str = "application/x-www-form-urlencoded";

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

/// The head of a POST that declares a body of so many bytes.
fn head(host: SocketAddr, path: &str, kind: &str, token: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: {kind}\r\n\
         x-twilio-signature: c2lnbmVk\r\ncontent-length: {length}\r\n\r\n"
    )
}
