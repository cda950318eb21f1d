//! One voice: once a person has taken a conversation, the AI is silent in it, whatever it was about to say.
//!
//! Segue runs in this process, between a provider and a model on loopback that take a random time. `SEGUE_SEED` repeats a
//! run as far as the scheduler lets it.

#![expect(
    clippy::wildcard_enum_match_arm,
    clippy::wrong_self_convention,
    reason = "a story in one piece; it looks for single facts and lets the others pass"
)]

#[path = "world/app.rs"]
mod app;
#[path = "world/chance.rs"]
mod chance;
#[path = "world/customer.rs"]
mod customer;
#[path = "takeover/late.rs"]
mod late;
#[path = "world/model.rs"]
mod model;
#[path = "world/provider.rs"]
mod provider;
#[path = "takeover/races.rs"]
mod races;
#[path = "takeover/stops.rs"]
mod stops;
#[path = "takeover/streams.rs"]
mod streams;

use std::ops::Range;
use std::time::Duration;

use segue::app::App;
use segue::clock::monotonic;
use segue::conversation::decision::Answer;
use segue::conversation::event::Act;
use segue::conversation::trail::Entry;
use segue::conversation::words::Role;
use segue::ids::{AgentName, ConversationId};
use segue::runtime::Runtime;
use tempfile::TempDir;

use self::chance::Chance;
use self::customer::Line;
use self::model::Model;
use self::provider::{Pace, Provider};

/// Races at once.
const AT_ONCE: usize = 24;

/// A run called `name`, before Segue: its chances, where it keeps its data, and a provider that takes `within` milliseconds
/// once in so many sends.
async fn begin(name: &str, once_in: u64, within: Range<u64>) -> (Chance, TempDir, Provider) {
    let mut chance = Chance::of_this_run(name);
    let dir = tempfile::tempdir().expect("a directory");
    let pace = Pace {
        once_in,
        from: within.start,
        to: within.end,
    };
    let provider = Provider::start(chance.fork(), pace).await;
    (chance, dir, provider)
}

fn sections(provider: &str, model: &str) -> String {
    format!(
        r#"
        [channels.sms]
        kind = "twilio"
        account_sid = "AC00000000000000000000000000000000"
        auth_token = "{}"
        from = "{}"
        api_base_url = "{provider}"
        burst = {{ quiet_ms = 20, max_ms = 80 }}
        [channels.web]
        kind = "webchat"
        burst = {{ quiet_ms = 0, max_ms = 50 }}
        {model}
        "#,
        customer::AUTH_TOKEN,
        customer::OURS,
    )
}

fn asks(model: &Model) -> String {
    format!(
        "[model]\nprovider = \"openai\"\nname = \"slow\"\nbase_url = \"{}\"\nmax_concurrent = 500",
        model.url()
    )
}

fn line(app: &App) -> Line {
    Line::to(format!("http://{}", app.public_address()))
}

fn address(n: usize) -> String {
    format!("+1700{n:07}")
}

async fn write(line: &Line, n: usize, id: &str, text: &str) {
    let form = Line::form(&format!("SM{n}{id}"), &address(n), text);
    let answered = line.post("/webhooks/sms", &form).await.expect("an answer");
    assert!(answered.status().is_success(), "{}", answered.status());
}

async fn act(runtime: &Runtime, id: ConversationId, who: &str, act: Act) -> Answer {
    let answer = runtime
        .act(id, AgentName::from(who), Role::Agent, act, None)
        .await;
    answer.expect("the store takes it")
}

async fn trail(runtime: &Runtime, id: ConversationId) -> Vec<Entry> {
    runtime.trail(id, 0, 10_000).await.expect("a trail")
}

/// Waits until `done`, for at most five seconds.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = monotonic() + Duration::from_secs(5);
    while !done() {
        assert!(monotonic() < end, "{what} does not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
