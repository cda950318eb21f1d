//! Queues by use: a real `segue serve` from a configuration file, customers at a gateway, several agents over HTTP.

#[path = "world/house.rs"]
#[expect(dead_code, reason = "nobody is killed here")]
mod house;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use house::{House, free_port, said};
use reqwest::Method;
use segue::clock::monotonic;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Far above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(40);

/// What the gateway was given: to whom, and what.
type Told = Arc<Mutex<Vec<(String, String)>>>;

/// A running Segue, with a gateway that takes its replies.
struct Site {
    house: House,
    dir: tempfile::TempDir,
    client: reqwest::Client,
    base: String,
    told: Told,
}

async fn callback(State(told): State<Told>, Json(body): Json<Value>) -> StatusCode {
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let mut said = text("text");
    for choice in body["choices"].as_array().into_iter().flatten() {
        said.push('\n');
        said.push_str(choice["title"].as_str().unwrap_or_default());
    }
    told.lock().expect("no panic").push((text("to"), said));
    StatusCode::OK
}

impl Site {
    /// Starts it with `sections`, and with these people: their tokens.
    async fn open<const N: usize>(
        sections: &str,
        people: [(&str, &str); N],
    ) -> (Self, [String; N]) {
        segue::channel::carrier::install_crypto();
        let told = Arc::new(Mutex::new(Vec::new()));
        let gateway = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", gateway.local_addr().expect("an address"));
        let router = Router::new()
            .route("/callback", post(callback))
            .with_state(Arc::clone(&told));
        tokio::spawn(async move { axum::serve(gateway, router).await });
        let (dir, port) = (tempfile::tempdir().expect("a folder"), free_port());
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\nops_listen = \"127.0.0.1:0\"\n\
             [storage]\ndata_dir = \"data\"\ncache_mb = 32\n\
             [channels.gate]\nkind = \"http\"\ntoken = \"gate-token\"\ncallback_url = \"{url}/callback\"\n\
             callback_secret = \"gate-secret\"\nlanguage = \"en\"\nburst = {{ quiet_ms = 0, max_ms = 1 }}\n{sections}"
        );
        fs::write(dir.path().join("segue.toml"), text).expect("written");
        let tokens = people.map(|(name, role)| token(dir.path(), name, role));
        let house = House::start(dir.path());
        house.wait_ready(dir.path());
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build()
            .expect("a client");
        let base = format!("http://127.0.0.1:{port}");
        let site = Self {
            house,
            dir,
            client,
            base,
            told,
        };
        (site, tokens)
    }

    /// The customer `from` writes.
    async fn writes(&self, from: &str, id: &str, text: &str) {
        let body = json!({"channel": "gate", "from": from, "id": id, "text": text});
        let (status, told) = self
            .call(Method::POST, "/messages", "gate-token", body)
            .await;
        assert_eq!(status, 200, "{told}");
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: Value) -> (u16, Value) {
        let request = self
            .client
            .request(method, format!("{}/api/v1{path}", self.base))
            .bearer_auth(token);
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let answer = request.send().await.unwrap_or_else(|fault| {
            panic!("{path}: {fault}\n{}", said(self.dir.path()));
        });
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
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

    async fn is(&self, token: &str, presence: &str) {
        let body = json!({"presence": presence});
        let (status, told) = self
            .call(Method::PUT, "/agents/me/presence", token, body)
            .await;
        assert_eq!(status, 200, "{told}");
    }

    /// Those who wait, in the order of the line: who, and whom it is offered to.
    async fn line(&self, token: &str) -> Vec<(String, Option<String>)> {
        let page = self
            .get("/conversations?mode=waiting&limit=200", token)
            .await;
        let items = page["items"].as_array().expect("a list").iter();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        items
            .map(|one| {
                let who = text(&one["customer"]["address"]).expect("an address");
                (who, text(&one["offered_to"]))
            })
            .collect()
    }

    /// Waits until the line is this.
    async fn line_is(&self, token: &str, wanted: &[(&str, Option<&str>)]) {
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(who, to)| ((*who).to_owned(), to.map(str::to_owned)))
            .collect();
        let end = monotonic() + PATIENCE;
        loop {
            let found = self.line(token).await;
            if found == wanted {
                return;
            }
            assert!(
                monotonic() < end,
                "the line is {found:?} and not {wanted:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The conversation of `from`.
    async fn of(&self, from: &str, token: &str) -> Value {
        let page = self
            .get(&format!("/conversations?q={from}&limit=200"), token)
            .await;
        let items = page["items"].as_array().expect("a list").iter();
        let mut of = items.filter(|one| one["customer"]["address"] == from);
        of.next()
            .unwrap_or_else(|| panic!("{from}: {page}"))
            .clone()
    }

    async fn path(&self, from: &str, token: &str) -> String {
        let one = self.of(from, token).await;
        format!("/conversations/{}", one["id"].as_str().expect("an id"))
    }

    async fn claims(&self, from: &str, token: &str) {
        let path = self.path(from, token).await;
        self.post(&format!("{path}/claim"), token, json!({})).await;
    }

    async fn hands_back(&self, from: &str, token: &str) {
        let path = self.path(from, token).await;
        let note = json!({"note": "settled"});
        self.post(&format!("{path}/handback"), token, note).await;
    }

    /// Waits until `to` was told something with `part` in it: the whole of it.
    async fn hears(&self, to: &str, part: &str) -> String {
        let end = monotonic() + PATIENCE;
        loop {
            let told = self.told.lock().expect("no panic").clone();
            let mut theirs = told.iter().filter(|(one, _)| one == to);
            if let Some((_, text)) = theirs.find(|(_, text)| text.contains(part)) {
                return text.clone();
            }
            assert!(monotonic() < end, "{to} never heard {part:?}: {told:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn close(self) {
        assert!(
            self.house.terminate().success(),
            "{}",
            said(self.dir.path())
        );
    }
}

/// Adds somebody; their token.
fn token(dir: &Path, name: &str, role: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_segue"))
        .args(["agent", "add", name, "--role", role, "--data"])
        .arg(dir.join("data"))
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let token = String::from_utf8(output.stdout).expect("text");
    token.trim().to_owned()
}

/// Forty customers ask for a person in the same moment: each is told a place of their own; and whoever's wait comes above
/// the limit only later hears then what they can do instead.
async fn forty_ask_at_once(site: &Site) {
    let asks = (0..40).map(|n| async move {
        let from = format!("customer-{n}");
        site.writes(&from, &format!("m{n}"), "a human please").await;
    });
    futures_util::future::join_all(asks).await;
    let mut places = std::collections::BTreeMap::new();
    for n in 0..40 {
        let from = format!("customer-{n}");
        let told = site.hears(&from, "in line").await;
        let place = told
            .split("number ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        let place = place
            .and_then(|place| place.parse::<u32>().ok())
            .expect("a place");
        let other = places.insert(place, from);
        assert!(other.is_none(), "{other:?} was told {place} too");
    }
    assert!(places.keys().copied().eq(1..=40), "{places:?}");
    // Their estimate was below the limit when they asked. Nobody is claimed any more: as soon as it is above, they hear.
    let waits = &places[&12];
    site.hears(waits, "You do not have to wait for that").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let told = site.told.lock().expect("no panic").clone();
    let offered =
        |(to, text): &&(String, String)| to == waits && text.contains("You do not have to wait");
    assert_eq!(told.iter().filter(offered).count(), 1, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_in_line_is_told_and_above_the_limit_what_can_be_done_instead() {
    let (site, [ana]) = Site::open(
        "[queues.support]\ntell_position = true\ntell_estimate = true\nalternatives_after = \"1m\"\n",
        [("Ana", "agent")],
    )
    .await;
    // Queues are counted once a second.
    tokio::time::sleep(Duration::from_secs(2)).await;
    site.writes("first", "a", "a human please").await;
    // One place in line, and nobody has been seen to claim anything: no figure that nobody measured.
    let told = site.hears("first", "in line").await;
    assert!(told.contains("number 1 in line"), "{told}");
    assert!(!told.contains("pace"), "{told}");
    // Within the second in which nothing is counted: nobody is told a place that somebody has.
    for (from, id, place) in [("second", "b", "number 2"), ("third", "c", "number 3")] {
        site.writes(from, id, "a human please").await;
        let told = site.hears(from, "in line").await;
        assert!(told.contains(place), "{told}");
    }
    // Three are claimed, some seconds apart: that is a pace.
    for from in ["first", "second", "third"] {
        tokio::time::sleep(Duration::from_secs(3)).await;
        site.claims(from, &ana).await;
    }
    forty_ask_at_once(&site).await;
    site.writes("late", "l", "a human please").await;
    let told = site.hears("late", "in line").await;
    assert!(told.contains("number 41 in line"), "{told}");
    assert!(
        told.contains("At the present pace it takes about"),
        "{told}"
    );
    assert!(
        !told.contains("within 5 min"),
        "there are not two truths: {told}"
    );
    let told = site.hears("late", "You do not have to wait for that").await;
    for way in ["1. Leave a message", "2. Be called back", "3. Go on with"] {
        assert!(told.contains(way), "{told}");
    }
    // A message, a call-back, the AI: each does what it says.
    for (from, choice, tag) in [("late", "1", "message"), ("other", "2", "call-back")] {
        if from == "other" {
            site.writes(from, "o", "a human please").await;
            site.hears(from, "You do not have to wait for that").await;
        }
        site.writes(from, &format!("{from}-chooses"), choice).await;
        let one = site.of(from, &ana).await;
        assert_eq!(one["mode"], "waiting", "{one}");
        assert!(
            one["tags"]
                .as_array()
                .is_some_and(|tags| tags.contains(&json!(tag))),
            "{one}"
        );
    }
    site.writes("third-way", "t", "a human please").await;
    site.hears("third-way", "You do not have to wait for that")
        .await;
    site.writes("third-way", "t3", "3").await;
    assert_eq!(site.of("third-way", &ana).await["mode"], "ai");
    site.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_drains_to_whoever_comes_and_a_lapsed_one_goes_to_the_front_and_to_somebody_else()
{
    let (site, [ana, ben, olga]) = Site::open(
        "[queues.support]\nassignment = \"least_loaded\"\ncapacity = 2\noffer_for = \"1m\"\n\
         agent_silence = \"4s\"\nanswer_within = \"2s\"\nlease = \"4s\"\non_lapse = \"requeue\"\n",
        [("Ana", "agent"), ("Ben", "agent"), ("Olga", "observer")],
    )
    .await;
    for (from, id) in [("one", "a"), ("two", "b"), ("three", "c")] {
        site.writes(from, id, "a human please").await;
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    site.line_is(&olga, &[("one", None), ("two", None), ("three", None)])
        .await;
    // Whoever comes is given as much as they have room for, the oldest first.
    site.is(&ana, "available").await;
    site.line_is(
        &olga,
        &[("one", Some("Ana")), ("two", Some("Ana")), ("three", None)],
    )
    .await;
    let since = site.of("one", &olga).await["waiting_since"].clone();
    assert!(since.is_string());
    site.claims("one", &ana).await;
    site.is(&ben, "available").await;
    site.line_is(&olga, &[("two", Some("Ana")), ("three", Some("Ben"))])
        .await;
    // Ana says nothing at all: she is asked and loses it, and it stands before those who came later, its clock kept. Both
    // have as much to do, and it would be Ana's turn; but she is asked last.
    site.line_is(
        &olga,
        &[
            ("one", Some("Ben")),
            ("two", Some("Ana")),
            ("three", Some("Ben")),
        ],
    )
    .await;
    assert_eq!(site.of("one", &olga).await["waiting_since"], since);
    let path = site.path("one", &olga).await;
    let text = json!({"text": "Sorry, here I am."});
    let (status, told) = site
        .call(Method::POST, &format!("{path}/reply"), &ana, text)
        .await;
    assert_eq!(status, 409, "{told}");
    // Whoever leaves makes no room; what they were offered goes to somebody who has some.
    site.is(&ben, "away").await;
    site.line_is(
        &olga,
        &[("one", Some("Ana")), ("two", Some("Ana")), ("three", None)],
    )
    .await;
    site.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_offered_to_their_own_person_and_to_another_where_that_one_is_not_there() {
    let (site, [ana, ben, cleo]) = Site::open(
        "[queues.support]\nassignment = \"round_robin\"\noffer_for = \"5s\"\npin_attribute = \"manager\"\n\
         pin_last_agent = true\n",
        [("Ana", "agent"), ("Ben", "agent"), ("Cleo", "agent")],
    )
    .await;
    for who in [&ana, &ben] {
        site.is(who, "available").await;
    }
    site.writes("one", "a", "a human please").await;
    site.line_is(&ana, &[("one", Some("Ana"))]).await;
    // Whoever had them last is asked first, although it is somebody else's turn.
    site.claims("one", &ben).await;
    site.hands_back("one", &ben).await;
    site.writes("two", "b", "a human please").await;
    site.line_is(&ana, &[("two", Some("Ana"))]).await;
    site.claims("two", &ana).await;
    site.writes("one", "a2", "a human please").await;
    site.line_is(&ana, &[("one", Some("Ben"))]).await;
    // The account manager goes before all, once there; who lets it lapse is passed over.
    let path = site.path("one", &ben).await;
    let link = json!({"attributes": {"manager": "Cleo"}});
    let (status, told) = site.call(Method::PATCH, &path, &ben, link).await;
    assert_eq!(status, 200, "{told}");
    site.claims("one", &ben).await;
    site.hands_back("one", &ben).await;
    site.is(&ben, "busy").await;
    site.writes("one", "a3", "a human please").await;
    site.line_is(&ana, &[("one", Some("Ana"))]).await;
    site.claims("one", &ana).await;
    site.hands_back("one", &ana).await;
    site.is(&cleo, "available").await;
    site.writes("one", "a4", "a human please").await;
    site.line_is(&ana, &[("one", Some("Cleo"))]).await;
    site.line_is(&ana, &[("one", Some("Ana"))]).await;
    site.close();
}
