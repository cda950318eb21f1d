//! A mixed run: questions, handoffs of every end, people who come, fall silent, take over and pass on, and a gateway that
//! is not always well. On the real clock, with deadlines of seconds.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use segue::app::App;
use segue::clock::monotonic;
use segue::config::{Config, Environment};
use segue::conversation::decision::Answer;
use segue::conversation::event::Act;
use segue::conversation::message::{Body, Customer, Inbound, Medium};
use segue::conversation::policy::{QueuePolicy, Rung, RungAction};
use segue::conversation::words::{Role, Verdict};
use segue::ids::{ConversationId, HandoffId};
use segue::metrics::Metrics;
use serde_json::Value;
use tempfile::TempDir;

use super::fault;
use super::scrape::Scrape;

const SECOND: Duration = Duration::from_secs(1);
/// Far above the seconds in which everything has happened.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running Segue to which much has happened.
pub struct Run {
    app: App,
    client: Client,
    dir: TempDir,
}

fn hasty(queue: &mut QueuePolicy) {
    queue.claim_within = 3 * SECOND;
    queue.first_response_within = 4 * SECOND;
    queue.next_response_within = 2 * SECOND;
    queue.resolve_within = Some(5 * SECOND);
    queue.agent_silence = 4 * SECOND;
    queue.answer_within = SECOND;
    queue.lease = SECOND;
    queue.idle_close = 8 * SECOND;
    let rung = |n: u32, action| Rung {
        after: n * SECOND,
        action,
    };
    queue.ladder = vec![rung(3, RungAction::Notify), rung(6, RungAction::Apologise)];
}

async fn config(dir: &Path) -> Config {
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\n\
         [storage]\ndata_dir = \"data\"\ncache_mb = 32\n[channels.web]\nkind = \"webchat\"\n\
         [channels.gate]\nkind = \"http\"\ntoken = \"a-token-of-the-gateway\"\n\
         callback_url = \"http://{}/replies\"\ncallback_secret = \"a-secret-of-the-gateway\"\n\
         [queues.support]\n[queues.sales]\n",
        fault::gateway().await
    );
    let mut config = Config::parse("segue.toml", &text, dir, &Environment::default())
        .expect("a good configuration");
    config.queues.values_mut().for_each(hasty);
    config
}

impl Run {
    /// All of it, until every kind of thing has happened.
    pub async fn mixed() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let app = App::start(config(dir.path()).await).await;
        let client = Client::builder().timeout(20 * SECOND).build();
        let run = Self {
            app: app.expect("it starts"),
            client: client.expect("a client"),
            dir,
        };
        for channel in ["gate", "web"] {
            run.questions(channel).await;
            run.handoffs(channel).await;
        }
        run.write("gate", "bad-1", "What are your opening hours?")
            .await;
        run.write("gate", "down-1", "What are your opening hours?")
            .await;
        run.until(
            "questions answered",
            "segue_conversations_ai_involved_total",
            6.0,
        )
        .await;
        for channel in ["gate", "web"] {
            run.takeovers(channel).await;
        }
        for (what, family, least) in [
            (
                "somebody gave up",
                "segue_handoffs_settled_total{timed_out",
                2.0,
            ),
            (
                "somebody never came",
                "segue_handoff_ghosts_total{never_claimed",
                2.0,
            ),
            (
                "somebody said nothing",
                "segue_handoff_ghosts_total{claimed_silent",
                1.0,
            ),
            ("a lease lapsed", "segue_lease_lapses_total", 1.0),
            ("somebody left", "segue_conversations_closed_total", 6.0),
            ("a reply was refused", "segue_delivery_failures_total", 1.0),
            (
                "a reply was tried again",
                "segue_delivery_retries_total",
                1.0,
            ),
        ] {
            run.until(what, family, least).await;
        }
        run
    }

    async fn questions(&self, channel: &str) {
        for n in 0..3 {
            let from = format!("asks-{n}");
            self.write(channel, &from, "What are your opening hours?")
                .await;
        }
    }

    async fn handoffs(&self, channel: &str) {
        let ask = |from: &'static str| self.write(channel, from, "I want to talk to a human");
        let well = ask("well").await;
        self.act(well, "Ana", Act::Claim { force: false }).await;
        self.reply(well, "Ana").await;
        self.review(well, Verdict::Justified).await;
        self.act(well, "Ana", hand_back()).await;
        ask("well").await;
        self.act(well, "Ana", Act::Claim { force: false }).await;
        self.write(channel, "well", "hello?").await;
        self.reply(well, "Ana").await;
        self.act(well, "Ana", resolve()).await;
        for from in ["ghost-1", "ghost-2"] {
            ask(from).await;
        }
        let silent = ask("silent").await;
        self.act(silent, "Bo", Act::Claim { force: false }).await;
        let cancelled = ask("cancelled").await;
        self.act(cancelled, "Ana", resolve()).await;
        ask("leaves").await;
        self.write(channel, "leaves", "/end").await;
        let passed = ask("passed").await;
        self.act(passed, "Ana", Act::Claim { force: false }).await;
        let to = Act::Transfer {
            queue: Some("sales".into()),
            to: None,
        };
        self.act(passed, "Ana", to).await;
        self.act(passed, "Leo", Act::Claim { force: false }).await;
        self.reply(passed, "Leo").await;
        self.review(passed, Verdict::Unnecessary).await;
        self.act(passed, "Leo", resolve()).await;
    }

    /// Unasked, and from a person who has it.
    async fn takeovers(&self, channel: &str) {
        let taken = self.write(channel, "asks-0", "And on Sundays?").await;
        self.act(taken, "Ana", Act::TakeOver { force: false }).await;
        self.act(taken, "Leo", Act::Claim { force: true }).await;
        self.reply(taken, "Leo").await;
        self.act(taken, "Leo", resolve()).await;
    }

    /// A customer writes, and the webhook comes twice.
    async fn write(&self, channel: &str, from: &str, text: &str) -> ConversationId {
        let runtime = &self.app.doors().runtime;
        let medium = if channel == "web" {
            Medium::Webchat
        } else {
            Medium::Http
        };
        let inbound = Inbound {
            channel: channel.into(),
            medium,
            from: Customer {
                address: from.to_owned(),
                name: None,
                language: Some("en".to_owned()),
            },
            to: String::new(),
            id: format!("{from}-{:?}", monotonic()),
            sent_at: None,
            body: Body::Text(text.to_owned()),
        };
        let first = runtime.deliver(inbound.clone()).await;
        assert_eq!(first, Ok(Answer::Accepted), "{from}: {text}");
        assert_eq!(runtime.deliver(inbound).await, Ok(Answer::Duplicate));
        runtime.conversation_id(&channel.into(), from)
    }

    async fn act(&self, id: ConversationId, agent: &str, act: Act) {
        let runtime = &self.app.doors().runtime;
        let told = format!("{act:?}");
        let answer = runtime.act(id, agent.into(), Role::Lead, act, None).await;
        match answer.expect("taken") {
            Answer::Refused(why) => panic!("{agent} {told}: {why}"),
            Answer::Accepted
            | Answer::Duplicate
            | Answer::Ignored
            | Answer::Claimed { .. }
            | Answer::Wrote { .. }
            | Answer::Parked { .. }
            | Answer::Asked { .. } => {}
        }
    }

    async fn reply(&self, id: ConversationId, agent: &str) {
        let (text, epoch) = ("Gladly.".to_owned(), None);
        self.act(id, agent, Act::Reply { text, epoch }).await;
    }

    /// Judges the first handoff.
    async fn review(&self, id: ConversationId, verdict: Verdict) {
        let handoff = Some(HandoffId(1));
        self.act(id, "Lea", Act::Review { handoff, verdict }).await;
    }

    /// Waits until a counter, over all its series that name a word in braces, is at least so high.
    async fn until(&self, what: &str, counter: &str, least: f64) {
        let (name, word) = counter.split_once('{').unwrap_or((counter, ""));
        let end = monotonic() + PATIENCE;
        loop {
            let found = self.scrape().await.sum(name, &[word]);
            if found >= least {
                return;
            }
            assert!(
                monotonic() < end,
                "{what}: {counter} is {found}, not {least}"
            );
            tokio::time::sleep(SECOND / 5).await;
        }
    }

    /// What Prometheus would get now.
    pub async fn scrape(&self) -> Scrape {
        let url = format!("http://{}/metrics", self.app.ops_address());
        let answer = self.client.get(url).send().await.expect("an answer");
        Scrape::of(&answer.text().await.expect("text"))
    }

    async fn get(&self, url: String, token: &str) -> Value {
        let asked = self.client.get(&url).bearer_auth(token);
        let answer = asked.header("accept", "application/json").send().await;
        let text = answer.expect("an answer").text().await.expect("text");
        serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{url}: {fault}: {text}"))
    }

    /// Every entry of every trail stands in a step that says why.
    pub async fn check_explained(&self) {
        let doors = self.app.doors();
        let token = doors.desk.grant("Eve", Role::Lead).expect("a new name");
        let store = doors.runtime.store();
        for id in store.conversations(None, 1_000).expect("readable") {
            let path = format!("/api/v1/conversations/{id}/explain?limit=200");
            let url = format!("http://{}{path}", self.app.public_address());
            let told = self.get(url, token.reveal()).await;
            let mut next = 0;
            for item in told["items"].as_array().expect("a list") {
                assert_eq!(item["entries"][0], next, "{told:#}");
                next = item["entries"][1].as_u64().expect("a number") + 1;
                let because = item["because"].as_str().expect("a sentence");
                assert!(because.contains(' '), "{item:#}");
                assert_ne!(because, "nothing followed from it", "{item:#}");
            }
            assert!(next > 0, "{told:#}");
        }
    }

    /// The status page of a process that has been through all this.
    pub async fn check_status(&self) {
        let url = format!("http://{}/status", self.app.ops_address());
        let status = self.get(url.clone(), "").await;
        assert_eq!(status["ready"], true, "{status:#}");
        assert_eq!(status["waiting_without_deadline"], 0, "{status:#}");
        let slowest = status["slowest"].as_array().expect("a list");
        assert!(!slowest.is_empty(), "{status:#}");
        let took = |one: &Value| one["total_ms"].as_u64().expect("a number");
        assert!(
            slowest.is_sorted_by(|a, b| took(a) >= took(b)),
            "{status:#}"
        );
        assert!(
            status["runtime"]["workers"].as_u64() >= Some(1),
            "{status:#}"
        );
        assert!(
            status["store"]["journal_bytes"].as_u64() > Some(0),
            "{status:#}"
        );
        let page = self.client.get(url).send().await.expect("an answer");
        let page = page.text().await.expect("text");
        for title in [
            "Slowest of the last minutes",
            "Last errors and warnings",
            "worker threads",
        ] {
            assert!(page.contains(title), "{title} is not in {page}");
        }
        assert!(
            !page.contains("opening hours"),
            "a customer's words: {page}"
        );
    }

    /// Ends it; what it has counted, and where its data is.
    pub async fn stop(self) -> (Arc<Metrics>, TempDir) {
        let metrics = Arc::clone(&self.app.doors().metrics);
        self.app.stop().await;
        (metrics, self.dir)
    }
}

fn hand_back() -> Act {
    let (note, seen) = ("all clear".to_owned(), None);
    Act::HandBack { note, seen }
}

fn resolve() -> Act {
    let (outcome, note) = (None, "done".to_owned());
    Act::Resolve { outcome, note }
}

/// Everything under `src` but what stands below `room`.
pub fn sources_outside(room: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut text, mut left) = (String::new(), vec![root.join("src")]);
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder");
            left.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else if !path.starts_with(root.join(room)) {
            text += &std::fs::read_to_string(&path).unwrap_or_default();
        }
    }
    text
}
