//! Changed rules and changed knowledge, while Segue runs in this process.

use std::path::Path;
use std::time::Duration;

use segue::app::App;
use segue::clock::monotonic;
use segue::config::{Config, Environment};
use segue::conversation::decision::Answer;
use segue::conversation::message::{Body, Customer, Inbound, Medium};
use segue::metrics::Figures;
use tokio::signal::unix::{SignalKind, signal};

/// Far above the few seconds after which a changed file is read.
const PATIENCE: Duration = Duration::from_secs(30);

fn write(dir: &Path, claim_within: &str) {
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\n[storage]\ndata_dir = \"data\"\ncache_mb = 32\n\
         [channels.web]\nkind = \"webchat\"\n[knowledge]\ndir = \"knowledge\"\n[queues.support]\nclaim_within = {claim_within}\n"
    );
    std::fs::write(dir.join("segue.toml"), text).expect("written");
}

fn know(dir: &Path, file: &str, bytes: &[u8]) {
    let folder = dir.join("knowledge");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(file), bytes).expect("written");
}

async fn start(dir: &Path) -> App {
    let path = dir.join("segue.toml");
    let config = Config::load(Some(&path), &Environment::default()).expect("a good configuration");
    let mut app = App::start(config).await.expect("it starts");
    app.follow(Some(path), signal(SignalKind::hangup()).expect("signals"));
    app
}

/// Waits until `what` was read again with `result` so often.
async fn until(app: &App, what: &str, result: &str, times: u32) {
    let line = format!("segue_reloads_total{{what=\"{what}\",result=\"{result}\"}} {times}");
    let end = monotonic() + PATIENCE;
    while !app.metrics().render(&Figures::default()).contains(&line) {
        assert!(monotonic() < end, "never: {line}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_changes_are_put_in_force_and_bad_ones_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    write(dir, "\"5m\"");
    know(dir, "hours.md", b"# Hours\n\nWe open at nine.\n");
    let app = start(dir).await;
    let runtime = app.doors().runtime.clone();
    let first = runtime.policy().hash;
    let inbound = Inbound {
        channel: "web".into(),
        medium: Medium::Webchat,
        from: Customer {
            address: "one".into(),
            name: None,
            language: None,
        },
        to: String::new(),
        id: "1".into(),
        sent_at: None,
        body: Body::Text("a human please".into()),
    };
    assert_eq!(runtime.deliver(inbound).await, Ok(Answer::Accepted));
    let id = runtime.conversation_id(&"web".into(), "one");
    write(dir, "\"five minutes\"");
    until(&app, "config", "refused", 1).await;
    assert_eq!(runtime.policy().hash, first, "what ran goes on");
    write(dir, "\"7m\"");
    until(&app, "config", "applied", 1).await;
    let policy = runtime.policy();
    let rules = |policy: &segue::conversation::policy::Policy| {
        policy.queue_rules(&"support".into()).claim_within
    };
    assert_eq!(rules(&policy), Duration::from_mins(7));
    let waiting = runtime.read(id).await.expect("readable").expect("known");
    assert_eq!(waiting.pinned(), Some(first));
    let kept = |policy: &segue::conversation::policy::Policy| {
        policy.queue_rules_of(waiting.common()).claim_within
    };
    assert_eq!(kept(&policy), Duration::from_mins(5));
    know(dir, "hours.md", b"# Hours\n\nWe open at caf\xe9.\n");
    until(&app, "knowledge", "refused", 1).await;
    know(dir, "hours.md", b"# Hours\n\nWe open at ten o'clock.\n");
    until(&app, "knowledge", "applied", 1).await;
    app.stop().await;
    // After a restart under the changed rules, what waits still goes on by its own.
    let app = start(dir).await;
    let policy = app.doors().runtime.policy();
    assert_eq!(rules(&policy), Duration::from_mins(7));
    assert_eq!(kept(&policy), Duration::from_mins(5));
    app.stop().await;
}
