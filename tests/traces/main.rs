//! What a running Segue says of itself: log lines and exported spans of the real binary, through a whole day's troubles.
//!
//! Secrets, numbers, names and texts are planted everywhere; none may be found in what it said. Spans are looked at as a
//! collector gets them: by OpenTelemetry's Rust types, by its own Python library (`tests/peers/otlp`), and through a
//! collector that others wrote (`tests/peers/rotel`).

mod collector;
#[path = "../world/customer.rs"]
mod customer;
#[expect(dead_code, reason = "nobody is killed here")]
#[path = "../world/house.rs"]
mod house;
mod outside;
mod peer;
#[path = "../peers"]
mod peers {
    pub mod install;
    pub mod python;
    pub mod skip;
}
mod seen;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use segue::clock::monotonic;
use serde_json::{Value, json};

use self::collector::{Collector, passed_on};
use self::customer::{AUTH_TOKEN, Line};
use self::house::{House, free_port, said};
use self::outside::{ANSWER, NO_ANSWER, NOT_US, Outside, REFUSED};
use self::seen::{Seen, read};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What nobody may find: secrets of the house and of customers.
const SECRETS: &[&str] = &[
    AUTH_TOKEN,
    "planted-gate-token",
    "planted-callback-secret",
    "planted-model-key",
    "planted-collector-key",
    "planted-wrong-token",
    "planted-in-a-fault",
    VISITOR,
];
/// The web chat's secret of a browser.
const VISITOR: &str = "feedfacecafef00dfeedfacecafef00d";
/// Words in everything that a customer, a person or the model writes here; and names.
const WORDS: &[&str] = &["zebra", NO_ANSWER, "Quetzalcoatl"];
const NUMBERS: &[&str] = &["34600111222", "34600333444", "34600999888", "34600777666"];
/// What the log says of a channel whose messages are refused.
const LOST: &str = "messages do not get through";
/// The trace of the gateway's own.
const THEIRS: &str = "0af7651916cd43dd8448eb211c80319c";
const THEIR_SPAN: &str = "b7ad6b7169203331";

fn configure(dir: &Path, port: u16, outside: &str, level: &str, more: &str) {
    let text = format!(
        r#"
[server]
listen = "127.0.0.1:{port}"
ops_listen = "127.0.0.1:0"
public_url = "http://127.0.0.1:{port}"
[storage]
data_dir = "data"
cache_mb = 32
[channels.wa]
kind = "twilio"
account_sid = "AC00000000000000000000000000000000"
auth_token = "{AUTH_TOKEN}"
from = "whatsapp:+15005550006"
api_base_url = "{outside}"
[channels.sms]
kind = "twilio"
account_sid = "AC00000000000000000000000000000000"
auth_token = "{AUTH_TOKEN}"
from = "+15005550006"
api_base_url = "{outside}"
[channels.gate]
kind = "http"
token = "planted-gate-token"
callback_url = "{outside}/callback"
callback_secret = "planted-callback-secret"
[channels.web]
kind = "webchat"
[model]
provider = "openai"
name = "m-1"
api_key = "planted-model-key"
base_url = "{outside}/v1"
[log]
format = "json"
level = "{level}"
{more}
"#
    );
    fs::write(dir.join("segue.toml"), text).expect("written");
}

fn exported(outside: &str) -> String {
    format!(
        "[tracing]\notlp_endpoint = \"{outside}\"\nservice_name = \"segue-test\"\n\
         headers = {{ authorization = \"Bearer planted-collector-key\" }}\n"
    )
}

/// Waits until there is something.
async fn until<T>(what: &str, dir: &Path, mut found: impl FnMut() -> Option<T>) -> T {
    let end = monotonic() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(monotonic() < end, "never: {what}\n{}", said(dir));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One Segue, and whoever talks to it.
struct Day<'a> {
    dir: &'a Path,
    line: Line,
    outside: &'a Outside,
    agent: String,
}

impl Day<'_> {
    async fn hears(&self, door: &str, text: &str) {
        let encoded = form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let heard = |body: &[u8]| {
            let body = String::from_utf8_lossy(body);
            body.contains(text) || body.contains(&encoded)
        };
        until(&format!("{door}: {text}"), self.dir, || {
            let calls = self.outside.calls(door);
            calls.iter().any(|call| heard(&call.body)).then_some(())
        })
        .await;
    }

    async fn writes(&self, channel: &str, from: &str, id: &str, text: &str) {
        let form = Line::form(id, from, text) + "&ProfileName=Quetzalcoatl";
        let answer = self.line.post(&format!("/webhooks/{channel}"), &form).await;
        let status = answer.expect("an answer").status();
        assert_eq!(status, StatusCode::OK, "{}", said(self.dir));
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.line.base);
        let request = self.line.client.request(method, url).bearer_auth(token);
        let answer = request.json(body).send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    async fn acts(&self, id: &str, act: &str, body: Value) {
        let path = format!("/api/v1/conversations/{id}/{act}");
        let (status, told) = self.call(Method::POST, &path, &self.agent, &body).await;
        assert_eq!(status, 200, "{act}: {told}");
    }

    /// The conversation that waits.
    async fn waiting(&self) -> String {
        let end = monotonic() + PATIENCE;
        loop {
            let path = "/api/v1/conversations?mode=waiting";
            let (_, told) = self
                .call(Method::GET, path, &self.agent, &Value::Null)
                .await;
            if let Some(id) = told.pointer("/items/0/id").and_then(Value::as_str) {
                return id.to_owned();
            }
            assert!(monotonic() < end, "nobody waits: {told}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every channel, answered by the model.
    async fn answers(&self) {
        let wa = "whatsapp:+34600111222";
        self.writes("wa", wa, "SM01", "Where is my zebra parcel?")
            .await;
        self.hears("messages", ANSWER).await;
        self.writes("wa", wa, "SM01", "Where is my zebra parcel?")
            .await;
        let sent = self.outside.calls("messages");
        let status = form_urlencoded::parse(&sent[0].body)
            .find(|(name, _)| name == "StatusCallback")
            .expect("it wants reports")
            .1
            .into_owned();
        let path = status.strip_prefix(&self.line.base).expect("ours");
        let form = "MessageSid=SM1&MessageStatus=delivered&To=whatsapp%3A%2B34600111222";
        let told = self.line.post(path, form).await.expect("an answer");
        assert_eq!(told.status(), StatusCode::OK, "{}", said(self.dir));

        let url = format!("{}/api/v1/messages", self.line.base);
        let told = self
            .line
            .client
            .post(url)
            .bearer_auth("planted-gate-token")
            .header("traceparent", format!("00-{THEIRS}-{THEIR_SPAN}-01"))
            .json(
                &json!({"channel": "gate", "from": "customer-zebra", "id": "g1",
                          "text": "Is the zebra late?", "name": "Quetzalcoatl"}),
            )
            .send()
            .await
            .expect("an answer");
        assert_eq!(told.status(), StatusCode::OK);
        self.hears("callback", ANSWER).await;

        let said = json!({"type": "say", "id": "w1", "text": "A zebra on the web?", "name": "Quetzalcoatl"});
        let (status, told) = self
            .call(Method::POST, "/chat/web/messages", VISITOR, &said)
            .await;
        assert_eq!(status, 200, "{told}");
        self.hears("model", "A zebra on the web?").await;
    }

    /// A person is asked for, comes, writes, and hands back.
    async fn hands_over(&self) {
        let from = "+34600333444";
        self.writes(
            "sms",
            from,
            "SM11",
            "zebra! I want to talk to a human please",
        )
        .await;
        let id = self.waiting().await;
        self.acts(&id, "claim", json!({})).await;
        self.acts(&id, "reply", json!({"text": "The zebra is on its way."}))
            .await;
        self.hears("messages", "The zebra is on its way.").await;
        self.acts(&id, "note", json!({"text": "zebra, again"}))
            .await;
        self.acts(&id, "handback", json!({"note": "zebra explained"}))
            .await;
    }

    /// What goes wrong: the model, the provider, strangers, tokens, bodies, the configuration.
    async fn goes_wrong(&self, port: u16) {
        self.writes(
            "wa",
            "whatsapp:+34600111222",
            "SM21",
            &format!("And the {NO_ANSWER}?"),
        )
        .await;
        self.waiting().await;
        self.writes("sms", REFUSED, "SM31", "zebra to nowhere")
            .await;
        until("a refusal", self.dir, || {
            let calls = self.outside.calls("messages");
            let digits = NUMBERS[2];
            let refused = |body: &[u8]| String::from_utf8_lossy(body).contains(digits);
            calls.iter().any(|call| refused(&call.body)).then_some(())
        })
        .await;
        self.writes("sms", NOT_US, "SM32", "zebra, and nobody knows us")
            .await;
        until("a refusal for all", self.dir, || {
            said(self.dir).contains(LOST).then_some(())
        })
        .await;

        let Line { client, base } = &self.line;
        let form = Line::form("SM41", "whatsapp:+34600111222", "zebra by a stranger");
        let url = format!("{base}/webhooks/wa");
        let stranger = client
            .post(&url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-twilio-signature", "planted-wrong-token")
            .body(form);
        let told = stranger.send().await.expect("an answer");
        assert_eq!(told.status(), StatusCode::FORBIDDEN);
        let told = self
            .line
            .post("/webhooks/wa", "zebra=1&From=%2B34600111222");
        assert_eq!(told.await.expect("an answer").status(), StatusCode::OK);
        let told = self.line.post("/webhooks/moved", "zebra=1").await;
        assert_eq!(told.expect("an answer").status(), StatusCode::NOT_FOUND);
        let messages = "/api/v1/messages";
        for (token, body, expected) in [
            ("planted-wrong-token", json!({"text": "zebra"}), 403),
            ("planted-gate-token", json!({"zebra": "+34600111222"}), 422),
            (
                "planted-gate-token",
                json!({"channel": "nowhere", "from": "+34600111222"}),
                403,
            ),
        ] {
            let (status, told) = self.call(Method::POST, messages, token, &body).await;
            assert_eq!(status, expected, "{told}");
        }
        for (path, body) in [
            ("/api/v1/conversations/zebra/claim", json!({})),
            ("/api/v1/session", json!({"token": "planted-wrong-token"})),
        ] {
            let (status, _) = self
                .call(Method::POST, path, "planted-wrong-token", &body)
                .await;
            assert!((400..500).contains(&status), "{path}: {status}");
        }
        let broken = "[channels.more]\nkind = \"http\"\ntoken = \"planted-in-a-fault\\u0007\"\n";
        configure(self.dir, port, &self.outside.url(), "debug", broken);
        until("a refused configuration", self.dir, || {
            said(self.dir).contains("is not put in force").then_some(())
        })
        .await;
    }
}

fn add_agent(dir: &Path) -> String {
    let added = Command::new(env!("CARGO_BIN_EXE_segue"))
        .args(["agent", "add", "Ana", "--role", "lead", "--data"])
        .arg(dir.join("data"))
        .output()
        .expect("it runs");
    let told = String::from_utf8(added.stdout).expect("text");
    let token = told
        .split_whitespace()
        .find(|word| word.starts_with("sgt_"));
    token.expect("a token is shown").to_owned()
}

/// Nothing of `hidden` was said.
fn hides(said: &str, hidden: &[&str]) {
    for word in hidden {
        let found = said.lines().find(|line| line.contains(word));
        assert!(found.is_none(), "`{word}` was said: {found:?}");
    }
}

/// A whole day, logged from `level` on: what was logged, who was there, and the agent's token.
async fn a_day(level: &str) -> (String, Outside, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let (outside, port) = (Outside::start().await, free_port());
    configure(dir, port, &outside.url(), level, &exported(&outside.url()));
    let house = House::start(dir);
    house.wait_ready(dir);
    let day = Day {
        dir,
        line: Line::to(format!("http://127.0.0.1:{port}")),
        outside: &outside,
        agent: add_agent(dir),
    };
    day.answers().await;
    day.hands_over().await;
    day.goes_wrong(port).await;
    let agent = day.agent;
    let ended = tokio::task::spawn_blocking(move || house.terminate()).await;
    assert!(ended.expect("it ends").success(), "{}", said(dir));
    (said(dir), outside, agent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_day_tells_no_secret_no_number_and_no_word_of_anybody() {
    let (log, outside, agent) = a_day("debug").await;
    for line in log.lines() {
        let line: Result<Value, _> = serde_json::from_str(line);
        assert!(line.is_ok_and(|line| line["level"].is_string()));
    }
    assert!(log.contains("\"decided\"") && log.contains("handoff_requested"));
    let calls = outside.calls("traces");
    assert!(!calls.is_empty(), "nothing was exported: {log}");
    for call in &calls {
        assert_eq!(call.header("authorization"), "Bearer planted-collector-key");
        assert_eq!(call.header("content-type"), "application/x-protobuf");
        assert_eq!(
            call.header("traceparent"),
            "",
            "the export is no part of a trace"
        );
    }
    let bodies: Vec<&[u8]> = calls.iter().map(|call| &call.body[..]).collect();
    let (spans, resource) = read(bodies.iter().copied());
    assert_eq!(resource["service.name"], "segue-test");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    let raw: String = bodies
        .iter()
        .map(|body| String::from_utf8_lossy(body))
        .collect();
    for said in [&log, &raw, &format!("{spans:?}")] {
        hides(said, SECRETS);
        hides(said, &[&agent]);
        hides(said, WORDS);
        hides(said, NUMBERS);
    }
    one_message_is_one_trace(&spans, &outside);
    every_event_is_a_span(&spans);
    a_model_span_goes_by_the_conventions(&spans);
    what_fails_is_marked(&spans);
    a_handoff_is_a_span_of_its_own(&spans);
    lines_name_their_trace(&log, &spans);
    whoever_refuses_is_named(&log);
    assert_eq!(log.matches("\"message\":\"started\"").count(), 1);
    peer::agrees(&bodies);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_even_everything_tells_a_secret() {
    let (log, _, agent) = a_day("trace").await;
    assert!(log.contains("\"TRACE\""));
    hides(&log, SECRETS);
    hides(&log, &[&agent]);
}

/// Who looks at the log at night learns which channel, and what its provider says; a customer who opted out is no trouble.
fn whoever_refuses_is_named(log: &str) {
    let fields = |message: &str| -> Vec<Value> {
        let lines = log
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        let fields = lines.map(|line: Value| line["fields"].clone());
        fields.filter(|line| line["message"] == message).collect()
    };
    let lost = fields(LOST);
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(lost[0]["channel"], "sms");
    assert_eq!(lost[0]["code"], "20003");
    assert_eq!(lost[0]["cause"], "provider_error");
    let away = fields("a webhook was turned away");
    for (medium, why) in [
        ("whatsapp", "signature"),
        ("http", "no channel has this token"),
        ("other", "no channel \"moved\" is configured"),
    ] {
        let has = |line: &Value| {
            line["medium"] == medium && line["why"].to_string().replace('\\', "").contains(why)
        };
        assert!(away.iter().any(has), "{medium}: {away:?}");
    }
}

fn named<'a>(spans: &'a [Seen], name: &str) -> Vec<&'a Seen> {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    assert!(!found.is_empty(), "no span is called `{name}`");
    found
}

/// The span `name` that comes from `cause`.
fn after<'a>(spans: &'a [Seen], cause: &Seen, name: &str) -> &'a Seen {
    let is_it = |span: &&Seen| span.name == name && span.parent == cause.id;
    let found = spans.iter().find(is_it);
    found.unwrap_or_else(|| panic!("no `{name}` comes from {cause:?}"))
}

fn one_message_is_one_trace(spans: &[Seen], outside: &Outside) {
    let knocked = named(spans, "POST /api/v1/messages")
        .into_iter()
        .find(|span| span.trace == THEIRS)
        .expect("their trace goes on");
    assert_eq!((knocked.parent.as_str(), knocked.kind), (THEIR_SPAN, 2));
    assert_eq!(knocked.says("http.route"), "/api/v1/messages");
    assert_eq!(knocked.says("instance"), "gate");
    let heard = after(spans, knocked, "event customer_wrote");
    let asked = after(spans, heard, "answer");
    let chat = after(spans, asked, "chat m-1");
    let answered = after(spans, asked, "event model_answered");
    let sent = after(spans, answered, "send http");
    let settled = after(spans, sent, "event send_settled");
    for span in [heard, asked, chat, answered, sent, settled] {
        assert_eq!(span.trace, THEIRS);
        assert!(span.times.0 <= span.times.1);
    }
    assert!(
        knocked.times.1 <= answered.times.0,
        "a webhook is over before its answer: {knocked:?}"
    );
    let told = |door: &str, span: &Seen| {
        let parent = format!("00-{THEIRS}-{}-01", span.id);
        let calls = outside.calls(door);
        let found = calls
            .iter()
            .any(|call| call.header("traceparent") == parent);
        assert!(found, "{door} was not told {parent}");
    };
    told("model", chat);
    told("callback", sent);
    for door in ["messages", "model", "callback"] {
        for call in outside.calls(door) {
            assert_ne!(call.header("traceparent"), "", "{door} was told nothing");
        }
    }
}

fn every_event_is_a_span(spans: &[Seen]) {
    let heard = named(spans, "event customer_wrote");
    for span in &heard {
        assert!(span.says("conversation").starts_with('c'), "{span:?}");
        assert_eq!(span.says("event"), "customer_wrote");
    }
    let channels: Vec<_> = heard.iter().map(|span| span.says("channel")).collect();
    for channel in ["whatsapp", "sms", "http", "webchat"] {
        assert!(channels.contains(&channel), "{channel}: {channels:?}");
    }
    let decided = |decision: &str| heard.iter().any(|span| span.says("decision") == decision);
    assert!(decided("accepted") && decided("duplicate"));
    let claim = named(spans, "event claim")[0];
    let says = ["mode", "decision", "then", "channel"].map(|what| claim.says(what));
    assert_eq!(says, ["waiting", "claimed", "human", "sms"]);
    assert!(claim.says("facts").contains("handoff_settled"), "{claim:?}");
    for name in [
        "event reply",
        "event note",
        "event handback",
        "event reported",
        "event model_failed",
    ] {
        named(spans, name);
    }
    // Whoever proved nothing leaves no span: as many as there were signed ones.
    let signed = named(spans, "POST /webhooks/{channel}").len();
    assert_eq!(signed, 6);
}

fn a_model_span_goes_by_the_conventions(spans: &[Seen]) {
    let chats = named(spans, "chat m-1");
    let answered = chats
        .iter()
        .find(|span| span.trace == THEIRS)
        .expect("theirs");
    let check = |what: &str, said: &str| assert_eq!(answered.says(what), said, "{what}");
    assert_eq!(answered.kind, 3);
    check("gen_ai.operation.name", "chat");
    check("gen_ai.provider.name", "openai");
    check("gen_ai.request.model", "m-1");
    check("gen_ai.request.stream", "false");
    check("gen_ai.usage.input_tokens", "120");
    check("gen_ai.usage.output_tokens", "9");
    check("gen_ai.usage.cache_read.input_tokens", "100");
    check("gen_ai.response.finish_reasons", "[stop]");
    check("server.address", "127.0.0.1");
    check("http.response.status_code", "200");
    check("error.type", "");
    assert!(answered.says("gen_ai.conversation.id").starts_with('c'));
    let streamed = chats
        .iter()
        .find(|span| span.says("gen_ai.request.stream") == "true")
        .expect("the web chat's");
    let first = streamed.says("gen_ai.response.time_to_first_chunk");
    assert!(first.parse::<f64>().is_ok_and(|first| first > 0.0));
    let failed: Vec<_> = chats.iter().filter(|span| span.failed).collect();
    assert_eq!(failed.len(), 2, "asked twice in vain");
    for span in failed {
        assert_eq!(span.says("error.type"), "server_error");
        assert_eq!(span.says("http.response.status_code"), "500");
    }
}

fn what_fails_is_marked(spans: &[Seen]) {
    let refused = named(spans, "send sms")
        .into_iter()
        .find(|span| span.failed)
        .expect("the refused one");
    assert_eq!(refused.says("outcome"), "rejected");
    assert_eq!(refused.says("error.type"), "21610");
    let asked = named(spans, "answer");
    let failed = asked.iter().find(|span| span.failed).expect("one failed");
    assert_eq!(failed.says("error.type"), "server_error");
}

fn a_handoff_is_a_span_of_its_own(spans: &[Seen]) {
    let handoff = named(spans, "handoff.episode")[0];
    assert_eq!(handoff.parent, "");
    assert_eq!(handoff.says("handoff.outcome"), "claimed");
    assert_eq!(handoff.says("handoff.reason"), "user_request");
    assert_eq!(handoff.says("handoff.queue"), "support");
    let linked = handoff.links.iter().map(|id| {
        let linked = spans.iter().find(|span| span.id == *id);
        linked.expect("a link leads to a span").name.as_str()
    });
    let linked: Vec<_> = linked.collect();
    assert_eq!(linked, ["event customer_wrote", "event claim"]);
}

fn lines_name_their_trace(log: &str, spans: &[Seen]) {
    let lines = log.lines().filter(|line| line.contains("\"decided\""));
    let mut named = 0;
    for line in lines {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let trace = line["trace_id"].as_str().unwrap_or_default();
        assert!(spans.iter().any(|span| span.trace == trace), "{line}");
        named += 1;
    }
    assert!(named > 10, "{named} lines");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_not_there_is_told_once_and_hurts_nobody() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let (outside, port) = (Outside::start().await, free_port());
    let nobody = format!("http://127.0.0.1:{}", free_port());
    configure(dir, port, &outside.url(), "info", &exported(&nobody));
    let (file, ops) = (dir.join("segue.toml"), free_port());
    let text = fs::read_to_string(&file).expect("just written");
    let known = format!("ops_listen = \"127.0.0.1:{ops}\"");
    let text = text.replace("ops_listen = \"127.0.0.1:0\"", &known);
    fs::write(&file, text).expect("written");
    let house = House::start(dir);
    house.wait_ready(dir);
    let day = Day {
        dir,
        line: Line::to(format!("http://127.0.0.1:{port}")),
        outside: &outside,
        agent: String::new(),
    };
    let told = |dir: &Path| said(dir).matches("spans cannot be exported").count();
    day.answers().await;
    until("the fault", dir, || (told(dir) == 1).then_some(())).await;
    day.writes("wa", "whatsapp:+34600333444", "SM51", "zebra?")
        .await;
    day.hears("messages", "34600333444").await;
    let url = format!("http://127.0.0.1:{ops}/metrics");
    let scrape = day.line.client.get(url).send().await.expect("a scrape");
    let scrape = scrape.text().await.expect("text");
    let count = |series: &str| -> u64 {
        let value = scrape.lines().find_map(|line| line.strip_prefix(series));
        let value = value.unwrap_or_else(|| panic!("no {series}"));
        value.trim().parse().expect("a number")
    };
    assert!(count("segue_spans_lost_total{cause=\"failed\"}") > 0);
    assert_eq!(count("segue_spans_lost_total{cause=\"full\"}"), 0);
    assert_eq!(count("segue_spans_exported_total"), 0);
    let began = monotonic();
    let ended = tokio::task::spawn_blocking(move || house.terminate()).await;
    assert!(ended.expect("it ends").success(), "{}", said(dir));
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "it waits for nobody"
    );
    let log = said(dir);
    assert_eq!(told(dir), 1, "{log}");
    assert!(log.contains("cannot connect to the collector"), "{log}");
    assert!(log.contains("spans were lost since the start"), "{log}");
    hides(&log, SECRETS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_of_others_understands_every_span_and_passes_it_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let (outside, port) = (Outside::start().await, free_port());
    let Some(collector) = Collector::start(dir, &outside) else {
        return;
    };
    let tracing = exported(&collector.url());
    configure(dir, port, &outside.url(), "info", &tracing);
    let house = House::start(dir);
    house.wait_ready(dir);
    let day = Day {
        dir,
        line: Line::to(format!("http://127.0.0.1:{port}")),
        outside: &outside,
        agent: add_agent(dir),
    };
    day.answers().await;
    day.hands_over().await;
    let ended = tokio::task::spawn_blocking(move || house.terminate()).await;
    assert!(ended.expect("it ends").success(), "{}", said(dir));
    let log = said(dir);
    assert!(!log.contains("spans cannot be exported"), "{log}");
    assert!(!log.contains("spans were lost"), "{log}");
    // The handoff's span ends with the claim, long before the last event.
    until("the last event", dir, || {
        let spans = passed_on(&outside);
        let last = |span: &Seen| span.name == "event handback";
        spans.iter().any(last).then_some(())
    })
    .await;
    let spans = passed_on(&outside);
    one_message_is_one_trace(&spans, &outside);
    a_handoff_is_a_span_of_its_own(&spans);
    let chats = named(&spans, "chat m-1");
    let chat = chats.iter().find(|span| span.trace == THEIRS);
    let chat = chat.expect("theirs");
    assert_eq!(chat.says("gen_ai.provider.name"), "openai");
    assert_eq!(chat.says("gen_ai.usage.input_tokens"), "120");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_level_of_the_log_changes_while_it_runs() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let (outside, port) = (Outside::start().await, free_port());
    configure(dir, port, &outside.url(), "info", "");
    let house = House::start(dir);
    house.wait_ready(dir);
    let line = Line::to(format!("http://127.0.0.1:{port}"));
    let day = Day {
        dir,
        line,
        outside: &outside,
        agent: String::new(),
    };
    let decided = |dir: &Path| said(dir).matches("\"decided\"").count();
    day.writes("wa", "whatsapp:+34600111222", "SM61", "zebra?")
        .await;
    day.hears("messages", ANSWER).await;
    assert_eq!(decided(dir), 0);
    for call in outside.calls("messages") {
        assert_eq!(call.header("traceparent"), "", "nothing is traced");
    }
    configure(dir, port, &outside.url(), "debug", "");
    until("another level", dir, || {
        said(dir).contains("the level of the log").then_some(())
    })
    .await;
    day.writes("wa", "whatsapp:+34600111222", "SM62", "zebra again?")
        .await;
    until("a line at DEBUG", dir, || (decided(dir) > 0).then_some(())).await;
    let log = said(dir);
    let line = log.lines().find(|line| line.contains("\"decided\""));
    let line: Value = serde_json::from_str(line.expect("it is there")).expect("JSON");
    assert_eq!(line["span"]["event"], "customer_wrote", "{line}");
    assert_eq!(line["span"]["channel"], "whatsapp", "{line}");
    hides(&log, WORDS);
    drop(house);
}

/// What is exported of a morning of which nothing begun here is kept, with `more` in `[tracing]`.
async fn kept(more: &str) -> Vec<Seen> {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let (outside, port) = (Outside::start().await, free_port());
    let tracing = format!("{}sample_ratio = 0\n{more}", exported(&outside.url()));
    configure(dir, port, &outside.url(), "info", &tracing);
    let house = House::start(dir);
    house.wait_ready(dir);
    let day = Day {
        dir,
        line: Line::to(format!("http://127.0.0.1:{port}")),
        outside: &outside,
        agent: String::new(),
    };
    day.answers().await;
    let ended = tokio::task::spawn_blocking(move || house.terminate()).await;
    assert!(ended.expect("it ends").success(), "{}", said(dir));
    let calls = outside.calls("traces");
    read(calls.iter().map(|call| &call.body[..])).0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_to_be_kept_is_exported() {
    let spans = kept("").await;
    assert!(!spans.is_empty(), "whoever began it keeps it");
    assert!(spans.iter().all(|span| span.trace == THEIRS), "{spans:?}");
    let spans = kept("continue_inbound = false\n").await;
    assert!(spans.is_empty(), "{spans:?}");
}
