//! A real Prometheus watches a real Segue under mixed traffic; then every expression of every panel and rule is asked of
//! both: of what Segue exported, and of what the trails and the outside tell. They must agree.
//!
//! Counters begin at zero and every expression is asked at the very moment of a scrape, so `increase` has nothing to
//! guess: agreement is exact to a millionth. Ages may differ by two seconds (the moments of looking differ). What no
//! trail tells (latencies of the machine, memory, files) must have a value and lie within what the run allows. The
//! figures that a support lead reads first are reckoned once more from the trails alone, by their definitions.
//!
//! Without Prometheus on the machine this says `SKIPPED` and proves nothing; `SEGUE_PEERS=required` makes that a failure.
//! With `SEGUE_RENDER=FILE` the answers over time are written there, for `tests/peers/render/render.mjs`.

#![expect(
    clippy::too_many_lines,
    reason = "tables of families, stories and definitions; a test tells one story from beginning to end"
)]

#[path = "prometheus/asked.rs"]
mod asked;
#[path = "prometheus/figures.rs"]
mod figures;
#[path = "prometheus/outside.rs"]
mod outside;
#[path = "dashboards/promql.rs"]
#[expect(dead_code, reason = "the dashboards' own test looks at more of it")]
mod promql;
#[path = "prometheus/server.rs"]
mod server;
#[path = "prometheus/traffic.rs"]
mod traffic;
#[path = "prometheus/truth.rs"]
mod truth;
#[path = "dashboards/yaml.rs"]
mod yaml;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Write as _, stderr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asked::{Asked, everything_asked, filled, is_age};
use axum::routing::get;
use outside::Outside;
use segue::clock::{Clock as _, SystemClock, monotonic};
use serde_json::{Value, json};
use server::{Process, Prometheus, Samples, free_port, wait_for};
use traffic::{Crowd, Line, Story};
use truth::{Told, Truth, known};

/// How often each story is told; more often for a picture.
fn rounds() -> usize {
    if std::env::var_os("SEGUE_RENDER").is_some() {
        10
    } else {
        3
    }
}

/// The range that stands for every window of Grafana's own: longer than the run.
const RANGE: u32 = 240;

const STORIES: [Story; 16] = [
    Story::Answered,
    Story::Served,
    Story::ComesBack,
    Story::Ghost,
    Story::Cancelled,
    Story::Leaves,
    Story::PassedOn,
    Story::Broken,
    Story::Offered,
    Story::Declined,
    Story::Night,
    Story::TimedOut,
    Story::TakenOver,
    Story::Hard("99"),
    Story::Hard("97"),
    Story::Hard("98"),
];

/// A day of the week that is neither today nor one of its neighbours: the queue is closed on all others.
fn another_day() -> &'static str {
    const DAYS: [&str; 7] = [
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "monday",
        "tuesday",
        "wednesday",
    ];
    let days = SystemClock::start().now().as_millis() / 86_400_000;
    // 1 January 1970 was a Thursday.
    DAYS[usize::try_from((days + 3) % 7).expect("a day")]
}

fn configuration(dir: &Path, (port, ops): (u16, u16), outside: &str) {
    let gate = |name: &str, queue: &str| {
        format!(
            "[channels.{name}]\nkind = \"http\"\ntoken = \"gate-token\"\ncallback_url = \"{outside}/callback\"\n\
             callback_secret = \"s\"\nqueue = \"{queue}\"\nburst = {{ quiet_ms = 20, max_ms = 80 }}\n"
        )
    };
    let twilio = |name: &str, from: &str| {
        format!(
            "[channels.{name}]\nkind = \"twilio\"\naccount_sid = \"AC00000000000000000000000000000000\"\n\
             auth_token = \"a-token-of-the-tests\"\nfrom = \"{from}\"\napi_base_url = \"{outside}\"\n\
             queue = \"support\"\nburst = {{ quiet_ms = 20, max_ms = 80 }}\n"
        )
    };
    let text = format!(
        r#"
        [server]
        listen = "127.0.0.1:{port}"
        ops_listen = "127.0.0.1:{ops}"
        public_url = "http://127.0.0.1:{port}"
        [storage]
        data_dir = "data"
        cache_mb = 32
        [log]
        level = "warn"
        [model]
        provider = "openai"
        name = "gpt-x"
        base_url = "{outside}/v1"
        prices = {{ input = 3, output = 15, cached = 0.3 }}
        {sms}{wa}{gate}{late}{rush}
        [channels.web]
        kind = "webchat"
        queue = "support"
        burst = {{ quiet_ms = 0, max_ms = 50 }}
        [queues.support]
        claim_within = "4s"
        first_response_within = "6s"
        next_response_within = "5s"
        ladder = [{{ after = "4s", do = "notify" }}, {{ after = "1h", do = "apologise" }}]
        [queues.sales]
        claim_within = "1m"
        first_response_within = "2m"
        [queues.night]
        hours = "another-day"
        [queues.hasty]
        claim_within = "2s"
        first_response_within = "3s"
        ladder = [{{ after = "2s", do = "apologise" }}]
        [calendars.another-day]
        time_zone = "UTC"
        {day} = ["09:00-17:00"]
        "#,
        sms = twilio("sms", "+15005550006"),
        wa = twilio("wa", "whatsapp:+14155238886"),
        gate = gate("gate", "support"),
        late = gate("late", "night"),
        rush = gate("rush", "hasty"),
        day = another_day(),
    );
    fs::write(dir.join("segue.toml"), text).expect("written");
}

fn segue(dir: &Path) -> Process {
    let log = fs::File::create(dir.join("segue.log")).expect("a log");
    let child = Command::new(env!("CARGO_BIN_EXE_segue"))
        .args(["serve", "--config"])
        .arg(dir.join("segue.toml"))
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::from(log))
        .spawn()
        .expect("the binary is built");
    Process(child)
}

/// Serves the truth to whoever scrapes it.
async fn publish(scrape: String) -> (u16, Arc<Mutex<String>>) {
    let held = Arc::new(Mutex::new(scrape));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let text = Arc::clone(&held);
    let kind = [("content-type", "text/plain; version=0.0.4")];
    let answer = get(async move || (kind, text.lock().expect("no panic").clone()));
    let router = axum::Router::new().route("/metrics", answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (port, held)
}

/// Everybody lives their story at once; a few seconds lie between the rounds.
async fn traffic(crowd: &Arc<Crowd>) {
    let mut lives = tokio::task::JoinSet::new();
    for round in 0..rounds() {
        for (at, story) in STORIES.into_iter().enumerate() {
            let line = match (story, (at + round) % 4) {
                (Story::Night, _) => Line::Gate("late"),
                (Story::TimedOut, _) => Line::Gate("rush"),
                (Story::Hard("97"), _) | (_, 1) => Line::WhatsApp,
                (Story::Hard(_), _) | (_, 0) => Line::Sms,
                (_, 2) => Line::Gate("gate"),
                _the_fourth => Line::Web,
            };
            // One torn connection is enough: it holds its line for half a minute.
            if story == Story::Hard("98") && round > 0 {
                continue;
            }
            let crowd = Arc::clone(crowd);
            let number = 100 * at + round + 1;
            lives.spawn(async move { crowd.live(story, line, number).await });
        }
        tokio::time::sleep(Duration::from_secs(4)).await;
    }
    while let Some(lived) = lives.join_next().await {
        lived.expect("the story is told to its end");
    }
}

/// Waits until nothing is owed to anybody any more.
async fn rest(crowd: &Crowd) {
    let until = monotonic() + Duration::from_secs(60);
    loop {
        let told = crowd.everything().await;
        let owed = told.iter().any(|one| {
            one.view["outbox"]
                .as_array()
                .is_some_and(|owed| !owed.is_empty())
        });
        if !owed {
            return;
        }
        assert!(monotonic() < until, "something is never delivered");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// What is shown against what is true; the faults.
fn differences(asked: &Asked, segue: &Samples, truth: &Samples) -> Vec<String> {
    let Asked {
        place,
        legend,
        expr,
    } = asked;
    if !segue.keys().eq(truth.keys()) {
        return vec![format!(
            "{place}: {legend}: {segue:?} is shown, {truth:?} is true: {expr}"
        )];
    }
    let mut faults = Vec::new();
    for (labels, value) in segue {
        let real = truth[labels];
        let near = (value - real).abs() <= 1e-6 * real.abs().max(1.0);
        if !(near || *value == real || (value.is_nan() && real.is_nan())) {
            faults.push(format!(
                "{place}: {legend} {labels:?}: {value} is shown, {real} is true: {expr}"
            ));
        }
    }
    faults
}

/// What no trail tells: there is a value, it is a number, and it lies within what the run allows.
fn insanities(asked: &Asked, segue: &Samples) -> Vec<String> {
    let Asked {
        place,
        legend,
        expr,
    } = asked;
    if place == "rules" && legend.starts_with("Segue") {
        return Vec::new(); // An alert whose condition does not hold has no sample.
    }
    let numbers: Vec<f64> = segue
        .values()
        .copied()
        .filter(|value| !value.is_nan())
        .collect();
    if numbers.is_empty() {
        return vec![format!("{place}: {legend}: no number in {segue:?}: {expr}")];
    }
    let duration = expr.starts_with("histogram_quantile") && expr.contains("_seconds_bucket");
    let most = if duration { 60.0 } else { f64::MAX };
    let least = if expr.contains("deriv(") {
        f64::MIN
    } else {
        0.0
    };
    let wrong = numbers
        .iter()
        .filter(|value| !(least..=most).contains(*value));
    wrong
        .map(|value| format!("{place}: {legend}: {value}: {expr}"))
        .collect()
}

struct Moments {
    segue: f64,
    truth: f64,
}

/// What came of asking everything.
#[derive(Default)]
struct Compared {
    agree: usize,
    sane: usize,
    holding: Vec<String>,
    faults: Vec<String>,
}

async fn compare(prometheus: &Prometheus, moments: &Moments) -> Compared {
    let mut done = Compared::default();
    for asked in everything_asked() {
        let tree = promql::parse(&asked.expr).unwrap_or_else(|why| panic!("{}: {why}", asked.expr));
        let selectors = tree.selectors();
        let told = !selectors.is_empty()
            && selectors
                .iter()
                .all(|(selector, _)| known(&selector.name).is_some());
        // A rule looks at all jobs: its selectors are narrowed, a panel has its variable.
        let of = |job: &str| match asked.place.as_str() {
            "rules" => of_job(&filled(&asked.expr, job), job),
            _a_panel => filled(&asked.expr, job),
        };
        let segue = prometheus.query(&of("segue"), Some(moments.segue)).await;
        let faults = if told && !is_age(&asked.expr) {
            let truth = prometheus.query(&of("truth"), Some(moments.truth)).await;
            done.agree += 1;
            differences(&asked, &segue, &truth)
        } else {
            done.sane += 1;
            insanities(&asked, &segue)
        };
        done.faults.extend(faults);
        if asked.legend.starts_with("Segue") && !segue.is_empty() {
            done.holding.push(asked.legend);
        }
    }
    done
}

/// A rule's expression with every selector looking at one job.
fn of_job(expr: &str, job: &str) -> String {
    let tree = promql::parse(expr).expect("it was read before");
    let mut names: Vec<&str> = tree
        .selectors()
        .iter()
        .map(|(selector, _)| selector.name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut out = String::new();
    let mut rest = expr;
    // Names are whole words: what stands before and behind one is no part of a name.
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    while let Some(at) = rest.find(in_name) {
        let end = rest[at..]
            .find(|c| !in_name(c))
            .map_or(rest.len(), |length| at + length);
        let word = &rest[at..end];
        out += &rest[..end];
        rest = &rest[end..];
        if names.contains(&word) {
            let label = format!("job=\"{job}\"");
            if let Some(inner) = rest.strip_prefix('{') {
                out += &format!("{{{label},");
                rest = inner;
            } else {
                out += &format!("{{{label}}}");
            }
        }
    }
    out + rest
}

/// The answers over time, for whoever draws them.
async fn draw(prometheus: &Prometheus, file: &str, (from, to): (f64, f64)) {
    let mut all = BTreeMap::new();
    for asked in everything_asked()
        .iter()
        .filter(|asked| asked.place != "rules")
    {
        // A short window over time, or every line would only grow.
        let expr = asked.expr.replace("$__rate_interval", "15s");
        let answer = prometheus.range(&filled(&expr, "segue"), (from, to)).await;
        all.insert(asked.expr.clone(), answer);
    }
    let text = json!({"from": from, "to": to, "answers": all}).to_string();
    fs::write(file, text).expect("it can be written");
}

fn skipped() -> bool {
    let there = Command::new("prometheus").arg("--version").output().is_ok();
    if !there {
        let required = std::env::var_os("SEGUE_PEERS").is_some_and(|wish| wish == "required");
        assert!(!required, "prometheus is not installed");
        writeln!(
            stderr(),
            "SKIPPED: the dashboards on a live system: prometheus is not installed"
        )
        .expect("it is open");
    }
    !there
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_dashboards_show_is_what_happened() {
    if skipped() {
        return;
    }
    segue::channel::carrier::install_crypto();
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()
        .expect("a client");
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let outside = Outside::start().await;
    let (port, ops) = (free_port(), free_port());
    configuration(dir, (port, ops), &outside.url);
    let segue = segue(dir);
    let metrics = format!("http://127.0.0.1:{ops}/metrics");
    wait_for(&client, &format!("http://127.0.0.1:{ops}/readyz")).await;
    let scrape = async || {
        client
            .get(&metrics)
            .send()
            .await
            .expect("a scrape")
            .text()
            .await
            .expect("text")
    };
    let mut truth = Truth::nothing(&scrape().await);
    let (truth_port, published) = publish(truth.written()).await;
    let prometheus = Prometheus::start(
        dir,
        client.clone(),
        &[("segue", ops), ("truth", truth_port)],
    )
    .await;
    let from = prometheus.next_scrape("segue").await;
    prometheus.next_scrape("truth").await;

    let crowd = Arc::new(Crowd::new(
        client.clone(),
        format!("http://127.0.0.1:{port}"),
        &dir.join("data"),
    ));
    crowd
        .act(
            "Ana",
            "/agents/me/presence",
            json!({"presence": "available"}),
        )
        .await;
    crowd
        .act("Lea", "/agents/me/presence", json!({"presence": "busy"}))
        .await;
    crowd
        .act("Root", "/agents/me/presence", json!({"presence": "away"}))
        .await;
    // First: what is parked is looked at only every quarter of a minute.
    crowd.knock().await;
    traffic(&crowd).await;
    crowd.report(&outside).await;
    rest(&crowd).await;
    crowd
        .act("Root", "/ai", json!({"queue": "sales", "on": false}))
        .await;
    // Presence lasts a minute: it is said again, so that what is looked at is known.
    crowd
        .act(
            "Ana",
            "/agents/me/presence",
            json!({"presence": "available"}),
        )
        .await;
    crowd
        .act("Lea", "/agents/me/presence", json!({"presence": "busy"}))
        .await;
    let at = prometheus.next_scrape("segue").await;

    let told = crowd.everything().await;
    for one in &told {
        truth.learn(one);
    }
    crowd.testify(&mut truth);
    for queue in ["support", "sales", "night", "hasty"] {
        for state in ["available", "busy", "away"] {
            truth.add("segue_agents", &[("queue", queue), ("state", state)], 1.0);
        }
    }
    for queue in ["support", "sales", "hasty", "other"] {
        truth.add("segue_queue_open", &[("queue", queue)], 1.0);
    }
    truth.add("segue_ai_switched_off", &[("scope", "queue")], 1.0);
    truth.add("segue_ready", &[], 1.0);
    let version = [
        ("version", segue::metrics::VERSION),
        ("commit", segue::metrics::COMMIT),
    ];
    truth.add("segue_build_info", &version, 1.0);
    *published.lock().expect("no panic") = truth.written();
    let moments = Moments {
        segue: at,
        truth: prometheus.next_scrape("truth").await,
    };

    if let Ok(file) = std::env::var("SEGUE_RENDER") {
        draw(&prometheus, &file, (from, at)).await;
    }
    check_story(&told);
    check_status(&client, ops).await;
    let mut done = compare(&prometheus, &moments).await;
    done.faults.extend(truth.missing());
    assert!(
        done.faults.is_empty(),
        "{} faults:\n{}",
        done.faults.len(),
        done.faults.join("\n")
    );
    figures::check(&prometheus, &told, at).await;
    figures::check_machine(&prometheus, at, &outside, segue.0.id()).await;
    let expected = [
        "SegueHandoffGhosts",
        "SegueParked",
        "SegueAiSwitchedOff",
        "SegueWatchdog",
    ];
    let missing: Vec<_> = expected
        .into_iter()
        .filter(|name| !done.holding.iter().any(|one| one == name))
        .collect();
    assert!(
        missing.is_empty(),
        "{missing:?} do not hold: {:?}",
        done.holding
    );
    eprintln!(
        "dashboards: {} conversations in {:.0} s; {} expressions agree with the trails, {} more have sane values; the \
         conditions of {:?} hold",
        told.len(),
        at - from,
        done.agree,
        done.sane,
        done.holding,
    );
}

/// The model that refused is among the last errors of the status page, with the way to why.
async fn check_status(client: &reqwest::Client, ops: u16) {
    let request = client.get(format!("http://127.0.0.1:{ops}/status"));
    let answer = request.header("accept", "application/json").send().await;
    let text = answer.expect("it answers").text().await.expect("text");
    let status: Value = serde_json::from_str(&text).expect("JSON");
    let told = status["last_errors"].as_array().expect("a list").iter();
    let model = told
        .filter(|one| {
            let text = one["text"].as_str().unwrap_or_default();
            text.contains("a model does not answer") && text.contains("gpt-x")
        })
        .find(|one| one["explain"].is_string());
    assert!(model.is_some(), "{}", status["last_errors"]);
}

/// The run was what it is meant to be; a quiet one would prove nothing.
fn check_story(told: &[Told]) {
    let count = |kind: &str, field: &str, value: &str| {
        let entries = told.iter().flat_map(|one| &one.trail);
        entries
            .filter(|entry| entry["kind"] == kind && (field.is_empty() || entry[field] == value))
            .count()
    };
    for (kind, field, value) in [
        ("handoff_settled", "outcome", "claimed"),
        ("handoff_settled", "outcome", "abandoned"),
        ("handoff_settled", "outcome", "timed_out"),
        ("handoff_settled", "outcome", "cancelled"),
        ("closed", "outcome", "ai_resolved"),
        ("closed", "outcome", "human_resolved"),
        ("handed_back", "by", "agent"),
        ("handed_back", "by", "customer"),
        ("ghost_declared", "cause", "never_claimed"),
        ("model_failed", "", ""),
        ("transferred", "", ""),
        ("offer_made", "", ""),
        ("reviewed", "verdict", "justified"),
        ("settled", "cause", "invalid_recipient"),
        ("settled", "cause", "window_closed"),
        ("settled", "state", "in_doubt"),
        ("settled", "state", "delivered"),
        ("system_wrote", "class", "after_hours"),
    ] {
        assert!(
            count(kind, field, value) > 0,
            "nothing like {kind} {field}={value} happened"
        );
    }
    let mediums: std::collections::BTreeSet<&str> = told
        .iter()
        .filter_map(|one| one.view["medium"].as_str())
        .collect();
    assert_eq!(
        mediums.into_iter().collect::<Vec<_>>(),
        ["http", "sms", "webchat", "whatsapp"]
    );
}
