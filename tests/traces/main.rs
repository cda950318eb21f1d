//! What a running Segue says of itself: log lines and exported spans of the real binary, through a whole day's troubles.
//!
//! Secrets, numbers, names and texts are planted everywhere; none may be found in what it said. Spans are looked at as a
//! collector gets them: by OpenTelemetry's Rust types, by its own Python library (`tests/peers/otlp`), and through a
//! collector that others wrote (`tests/peers/rotel`).

mod collector;
#[path = "../world/customer.rs"]
mod customer;
mod day;
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
mod spans;

use std::fs;
use std::path::Path;
use std::time::Duration;

use segue::clock::monotonic;
use serde_json::Value;

use self::collector::{Collector, passed_on};
use self::customer::{AUTH_TOKEN, Line};
use self::day::{Day, a_day, add_agent};
use self::house::{House, free_port, said};
use self::outside::{ANSWER, NO_ANSWER, Outside};
use self::seen::{Seen, read};
use self::spans::{
    a_handoff_is_a_span_of_its_own, a_model_span_goes_by_the_conventions, every_event_is_a_span,
    lines_name_their_trace, named, one_message_is_one_trace, what_fails_is_marked,
    whoever_refuses_is_named,
};

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

/// Nothing of `hidden` was said.
fn hides(said: &str, hidden: &[&str]) {
    for word in hidden {
        let found = said.lines().find(|line| line.contains(word));
        assert!(found.is_none(), "`{word}` was said: {found:?}");
    }
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
