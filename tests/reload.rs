//! Changed rules and changed knowledge, while Segue runs in this process.

#[path = "world/house.rs"]
mod house;

use std::path::Path;
use std::time::Duration;

use segue::app::App;
use segue::clock::monotonic;
use segue::config::{Config, Environment};
use segue::conversation::decision::Answer;
use segue::conversation::message::{Body, Customer, Inbound, Medium};
use segue::conversation::words::ModeName;
use segue::metrics::Figures;
use tokio::signal::unix::{SignalKind, signal};

use house::House;

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

fn said_by(from: &str, id: &str, text: &str) -> Inbound {
    Inbound {
        channel: "web".into(),
        medium: Medium::Webchat,
        from: Customer {
            address: from.into(),
            name: None,
            language: None,
        },
        to: String::new(),
        id: id.into(),
        sent_at: None,
        body: Body::Text(text.into()),
    }
}

/// Who answers a new customer with these words.
async fn goes_to(app: &App, from: &str, text: &str) -> ModeName {
    let runtime = &app.doors().runtime;
    let told = runtime.deliver(said_by(from, from, text)).await;
    assert_eq!(told, Ok(Answer::Accepted));
    let id = runtime.conversation_id(&"web".into(), from);
    let read = runtime.read(id).await.expect("readable");
    read.expect("known").mode().name()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phrases_of_a_file_are_in_force_as_soon_as_the_file_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let house = |file: &str| {
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\n[storage]\ndata_dir = \"data\"\ncache_mb = 32\n\
             [channels.web]\nkind = \"webchat\"\n[triage]\nphrases_file = \"{file}\"\n"
        );
        std::fs::write(dir.join("segue.toml"), text).expect("written");
    };
    let phrases = |file: &str, phrase: &str| {
        let text = format!("explicit = {{ en = [\"{phrase}\"] }}\n");
        std::fs::write(dir.join(file), text).expect("written");
    };
    house("one.phrases");
    phrases("one.phrases", "the blue parrot");
    let app = start(dir).await;
    let green = "the green parrot";
    assert_eq!(
        goes_to(&app, "a", "the blue parrot").await,
        ModeName::Waiting
    );
    assert_eq!(goes_to(&app, "b", green).await, ModeName::Ai);
    phrases("one.phrases", green);
    until(&app, "config", "applied", 1).await;
    assert_eq!(goes_to(&app, "c", green).await, ModeName::Waiting);
    assert_eq!(goes_to(&app, "d", "the blue parrot").await, ModeName::Ai);
    std::fs::write(dir.join("one.phrases"), "explicit = {\n").expect("written");
    until(&app, "config", "refused", 1).await;
    assert_eq!(goes_to(&app, "e", green).await, ModeName::Waiting);
    // Another file is followed from the moment on in which it is named.
    phrases("two.phrases", "the red parrot");
    house("two.phrases");
    until(&app, "config", "applied", 2).await;
    assert_eq!(
        goes_to(&app, "f", "the red parrot").await,
        ModeName::Waiting
    );
    assert_eq!(goes_to(&app, "g", green).await, ModeName::Ai);
    phrases("two.phrases", green);
    until(&app, "config", "applied", 3).await;
    assert_eq!(goes_to(&app, "h", green).await, ModeName::Waiting);
    app.stop().await;
}

/// Waits until the process has complained of `what` so often.
fn hear(dir: &Path, what: &str, times: usize) {
    let end = monotonic() + PATIENCE;
    loop {
        let said = house::said(dir);
        if said.matches(what).count() == times {
            return;
        }
        assert!(monotonic() < end, "not {times} times {what}:\n{said}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_address_that_changes_while_it_runs_waits_for_a_restart_and_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let write = |listen: &str, rest: &str| {
        let text = format!(
            "[server]\nlisten = \"{listen}\"\nops_listen = \"127.0.0.1:0\"\n[storage]\ndata_dir = \"data\"\ncache_mb = 32\n\
             [channels.web]\nkind = \"webchat\"\n[log]\nlevel = \"info\"\n{rest}"
        );
        std::fs::write(dir.join("segue.toml"), text).expect("written");
    };
    let (here, there) = (house::free_port(), house::free_port());
    let at = |port: u16| format!("127.0.0.1:{port}");
    let answers = |port: u16| std::net::TcpStream::connect(at(port)).is_ok();
    write(&at(here), "");
    let running = House::start(dir);
    running.wait_ready(dir);
    // What it was started with is what the file says once it has begun to look.
    std::thread::sleep(Duration::from_secs(3));
    write(&at(there), "[queues.support]\nclaim_within = \"7m\"\n");
    hear(dir, "these changes need a restart", 1);
    hear(dir, "sections=\"server\"", 1);
    // What needs none is in force all the same.
    hear(dir, "changed rules are in force", 1);
    assert!(answers(here) && !answers(there), "it stays where it is");
    // Taken back: there is nothing left to restart for.
    write(&at(here), "[queues.support]\nclaim_within = \"8m\"\n");
    hear(dir, "changed rules are in force", 2);
    hear(dir, "these changes need a restart", 1);
    write(&at(there), "[queues.support]\nclaim_within = \"8m\"\n");
    hear(dir, "these changes need a restart", 2);
    assert!(running.terminate().success());
    let running = House::start(dir);
    running.wait_ready(dir);
    assert!(
        answers(there) && !answers(here),
        "after the restart it has moved"
    );
    running.kill9();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_while_it_starts_is_in_force_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    write(dir, "\"5m\"");
    know(dir, "hours.md", b"# Hours\n\nWe open at nine.\n");
    let path = dir.join("segue.toml");
    let config = Config::load(Some(&path), &Environment::default()).expect("a good configuration");
    let mut app = App::start(config).await.expect("it starts");
    write(dir, "\"7m\"");
    app.follow(Some(path), signal(SignalKind::hangup()).expect("signals"));
    until(&app, "config", "applied", 1).await;
    let policy = app.doors().runtime.policy();
    let within = policy.queue_rules(&"support".into()).claim_within;
    assert_eq!(within, Duration::from_mins(7));
    app.stop().await;
}
