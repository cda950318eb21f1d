//! How often one party may come, through a real server: who is held back, how they are told, and who is not.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use segue::app::App;
use segue::config::{Config, Environment};
use segue::conversation::words::Role;
use segue::http::chat::visitor::Visitor;
use segue::metrics::Figures;
use serde_json::{Value, json};

const GATEWAY: &str = "[channels.web]\nkind = \"webchat\"\n[channels.gate]\nkind = \"http\"\n\
                       token = \"a-token-of-the-gateway\"\ncallback_url = \"http://127.0.0.1:9\"\n\
                       callback_secret = \"a-secret-of-the-gateway\"\n[limits]\n";

struct House {
    app: App,
    client: Client,
    _dir: tempfile::TempDir,
}

impl House {
    /// Segue with these lines under `[limits]`.
    async fn with(limits: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
        let text = format!("{GATEWAY}{limits}");
        let mut config =
            Config::parse("t.toml", &text, dir.path(), &environment).expect("no faults");
        config.storage.data_dir = dir.path().join("data");
        config.server.listen = "127.0.0.1:0".parse().expect("an address");
        config.server.ops_listen = "127.0.0.1:0".parse().expect("an address");
        let app = App::start(config).await.expect("it starts");
        Self {
            app,
            client: Client::builder()
                .timeout(Duration::from_secs(20))
                .build()
                .expect("a client"),
            _dir: dir,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.public_address())
    }

    async fn write(&self, from: &str, id: &str) -> Response {
        let body = json!({ "channel": "gate", "from": from, "id": id, "text": "hello" });
        self.client
            .post(self.url("/api/v1/messages"))
            .bearer_auth("a-token-of-the-gateway")
            .json(&body)
            .send()
            .await
            .expect("an answer")
    }

    async fn chat(&self, visitor: &Visitor, id: &str) -> Response {
        let body = json!({ "type": "say", "id": id, "text": "hello" });
        self.client
            .post(self.url("/chat/web/messages"))
            .bearer_auth(visitor.reveal())
            .json(&body)
            .send()
            .await
            .expect("an answer")
    }

    async fn agents(&self, token: &str) -> Response {
        self.client
            .get(self.url("/api/v1/agents/me"))
            .bearer_auth(token)
            .send()
            .await
            .expect("an answer")
    }

    fn refused(&self, limit: &str) -> String {
        let name = format!("segue_rate_limited_total{{limit=\"{limit}\"}} ");
        let text = self.app.metrics().render(&Figures::default());
        let found = text.lines().find_map(|line| line.strip_prefix(&name));
        found.expect("the family is there").to_owned()
    }
}

/// A sign-in as it comes through a proxy: what it says of where the request is from.
async fn sign_in(house: &House, forwarded: &str, token: &str) -> Response {
    let request = house.client.post(house.url("/api/v1/session"));
    let request = request.header("x-forwarded-for", forwarded);
    let request = request.json(&json!({"token": token})).send().await;
    request.expect("an answer")
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_limits_of_its_own() {
    let house =
        House::with("per_address = \"2/m\"\n[server]\ntrusted_proxies = [\"127.0.0.1\"]").await;
    let visitor = Visitor::mint();
    let chat = async |forwarded: &'static str, id: &str| {
        let body = json!({ "type": "say", "id": id, "text": "hello" });
        let request = house.client.post(house.url("/chat/web/messages"));
        let request = request.bearer_auth(visitor.reveal());
        let request = request.header("x-forwarded-for", forwarded);
        request.json(&body).send().await.expect("an answer")
    };
    // What a client writes before its own address changes nothing.
    for (id, forwarded) in [("1", "203.0.113.7"), ("2", "1.1.1.1, 203.0.113.7")] {
        assert_eq!(chat(forwarded, id).await.status(), StatusCode::OK);
    }
    let refused = chat("2.2.2.2, 203.0.113.7", "3").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(chat("203.0.113.8", "4").await.status(), StatusCode::OK);

    // The brake on sign-ins sees the same, and so does what is kept of them.
    let people = house.app.doors().desk.people();
    let token = people
        .add("Ana", Role::Lead, [].into())
        .expect("a new name");
    for _ in 0..10 {
        let told = sign_in(&house, "203.0.113.7", "sgt_guess").await;
        assert_eq!(told.status(), StatusCode::UNAUTHORIZED);
    }
    for (forwarded, status) in [
        ("203.0.113.7", StatusCode::TOO_MANY_REQUESTS),
        ("203.0.113.8", StatusCode::UNAUTHORIZED),
    ] {
        let told = sign_in(&house, forwarded, "sgt_guess").await;
        assert_eq!(told.status(), status, "{forwarded}");
    }
    let told = sign_in(&house, "203.0.113.7", token.reveal()).await;
    assert_eq!(told.status(), StatusCode::OK);
    let kept = house.client.get(house.url("/api/v1/sign-ins"));
    let kept = kept.bearer_auth(token.reveal()).send().await;
    let kept: Value = kept.expect("an answer").json().await.expect("JSON");
    let from = kept["items"].as_array().expect("lines").iter();
    let from: Vec<_> = from.map(|line| line["from"].as_str()).collect();
    let (guesser, other) = (Some("203.0.113.7"), Some("203.0.113.8"));
    assert_eq!(from, [guesser, other, guesser, guesser], "{kept}");
    house.app.stop().await;
}

#[tokio::test]
async fn whoever_is_no_trusted_proxy_speaks_for_themselves_only() {
    let house =
        House::with("per_address = \"2/m\"\n[server]\ntrusted_proxies = [\"192.0.2.0/24\"]").await;
    for n in 0..10 {
        let told = sign_in(&house, &format!("203.0.113.{n}"), "sgt_guess").await;
        assert_eq!(told.status(), StatusCode::UNAUTHORIZED);
    }
    let told = sign_in(&house, "203.0.113.99", "sgt_guess").await;
    assert_eq!(told.status(), StatusCode::TOO_MANY_REQUESTS);
    house.app.stop().await;
}

/// The answer is a problem that names the limit and says when to come again.
async fn check_too_often(answer: Response, limit: &str) {
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait = answer.headers()["retry-after"].to_str().expect("text");
    let wait: u64 = wait.parse().expect("seconds");
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(
        (&body["code"], &body["limit"]),
        (&"too_often".into(), &limit.into())
    );
}

#[tokio::test]
async fn a_customer_who_writes_too_often_is_refused_and_others_are_not() {
    let house = House::with("per_customer = \"2/m\"").await;
    for id in ["1", "2"] {
        assert_eq!(house.write("ana", id).await.status(), StatusCode::OK);
    }
    check_too_often(house.write("ana", "3").await, "per_customer").await;
    assert_eq!(house.write("ben", "1").await.status(), StatusCode::OK);
    assert_eq!(house.refused("per_customer"), "1");
    let visitor = Visitor::mint();
    for id in ["1", "2"] {
        assert_eq!(house.chat(&visitor, id).await.status(), StatusCode::OK);
    }
    let answer = house.chat(&visitor, "3").await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()["retry-after"], "30");
    assert_eq!(house.refused("per_customer"), "2");
    assert_eq!(house.refused("per_token"), "0");
    house.app.stop().await;
}

#[tokio::test]
async fn a_token_that_is_used_too_often_is_refused_and_others_are_not() {
    let house = House::with("per_token = \"3/m\"").await;
    let token = |name| {
        let people = house.app.doors().desk.people();
        let token = people.add(name, Role::Agent, std::collections::BTreeSet::new());
        token.expect("a new name").reveal().to_owned()
    };
    let (ana, ben) = (token("ana"), token("ben"));
    for _ in 0..3 {
        assert_eq!(house.agents(&ana).await.status(), StatusCode::OK);
    }
    check_too_often(house.agents(&ana).await, "per_token").await;
    assert_eq!(house.agents(&ben).await.status(), StatusCode::OK);
    for id in ["1", "2", "3"] {
        assert_eq!(house.write("ana", id).await.status(), StatusCode::OK);
    }
    check_too_often(house.write("ben", "4").await, "per_token").await;
    assert_eq!(house.refused("per_token"), "2");
    house.app.stop().await;
}

#[tokio::test]
async fn an_address_from_which_too_much_comes_is_refused_at_the_web_chat_alone() {
    let house = House::with("per_address = \"3/m\"").await;
    let socket = house.url("/chat/web/socket").replace("http", "ws");
    let (_tab, _) = tokio_tungstenite::connect_async(&socket)
        .await
        .expect("it opens");
    for id in ["1", "2"] {
        // Every message is another visitor's.
        let answer = house.chat(&Visitor::mint(), id).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let answer = house.chat(&Visitor::mint(), "3").await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(tokio_tungstenite::connect_async(&socket).await.is_err());
    let events = house.client.get(house.url("/chat/web/events")).send().await;
    check_too_often(events.expect("an answer"), "per_address").await;
    assert_eq!(house.refused("per_address"), "3");
    assert_eq!(house.write("ana", "1").await.status(), StatusCode::OK);
    house.app.stop().await;
}

#[tokio::test]
async fn without_limits_nobody_is_held_back() {
    let house = House::with("").await;
    for id in 0..60 {
        let answer = house.write("ana", &id.to_string()).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    house.app.stop().await;
}
