//! Looking back: what `report`, `export` and `replay` make of conversations that the core itself has told, in exact figures.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use segue::clock::{Clock as _, SystemClock, Timestamp};
use segue::conversation::Conversation;
use segue::conversation::decision::Perform;
use segue::conversation::event::{Act, Event};
use segue::conversation::message::{Attempt, Body, Customer, Inbound, Medium};
use segue::conversation::policy::{ChannelPolicy, PhraseRule, Policy};
use segue::conversation::question::{ModelAnswer, ModelVerdict};
use segue::conversation::trail::{Entry, Fact, Source, Usage};
use segue::conversation::words::{Class, MessageState, ModeName, Outcome, Reason, Role, Verdict};
use segue::ids::{ConversationId, HandoffId};
use segue::learning::record::{Ended, Handoff, Record};
use segue::learning::source::Facts;
use segue::learning::{fold, source};
use segue::store::{Listing, Observer, Options, Position, Store, Turn};
use serde_json::Value;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// What the model says next.
#[derive(Clone, Copy)]
enum Says {
    /// An answer with knowledge behind it.
    Knows,
    /// "I don't know."
    Nothing,
    /// A person is needed.
    Escalates,
}

/// One customer's story, told to the core.
struct Story {
    conversation: Conversation,
    entries: Vec<Entry>,
    policy: Arc<Policy>,
    now: Timestamp,
    said: u64,
    model: Says,
}

fn policy() -> Arc<Policy> {
    let mut policy = Policy::default();
    let http = ChannelPolicy::of(Medium::Http, "support".into());
    policy.channels.insert("gateway".into(), http);
    Arc::new(policy.sealed())
}

impl Story {
    fn of(name: &str, policy: &Arc<Policy>, began: Timestamp) -> Self {
        let id = ConversationId::derive(&[7; 32], "gateway", name);
        let from = Customer {
            address: name.to_owned(),
            name: Some(format!("{name} Secretname")),
            language: Some("en".to_owned()),
        };
        let (channel, queue) = ("gateway".into(), "support".into());
        let conversation = Conversation::new(id, channel, Medium::Http, from, String::new(), queue);
        Self {
            conversation,
            entries: Vec::new(),
            policy: Arc::clone(policy),
            now: began,
            said: 0,
            model: Says::Knows,
        }
    }

    fn says(mut self, text: &str) -> Self {
        self.said += 1;
        let inbound = Inbound {
            channel: "gateway".into(),
            medium: Medium::Http,
            from: self.conversation.common().customer.clone(),
            to: String::new(),
            id: format!("m{}", self.said),
            sent_at: None,
            body: Body::Text(text.to_owned()),
        };
        self.step(Event::CustomerWrote {
            inbound,
            seen_before: false,
        });
        self
    }

    fn model(mut self, model: Says) -> Self {
        self.model = model;
        self
    }

    fn after(mut self, long: Duration) -> Self {
        self.now = self.now + long;
        self.step(Event::DeadlinePassed);
        self
    }

    fn act(mut self, agent: &str, act: Act) -> Self {
        self.step(Event::Acted {
            agent: agent.into(),
            role: Role::Lead,
            act,
            key: None,
        });
        self
    }

    fn claim(self, agent: &str) -> Self {
        self.act(agent, Act::Claim { force: false })
    }

    fn reply(self, agent: &str, text: &str) -> Self {
        let (text, epoch) = (text.to_owned(), None);
        self.act(agent, Act::Reply { text, epoch })
    }

    fn hand_back(self, agent: &str, note: &str) -> Self {
        let (note, seen) = (note.to_owned(), None);
        self.act(agent, Act::HandBack { note, seen })
    }

    fn resolve(self, agent: &str) -> Self {
        let (outcome, note) = (None, "done".to_owned());
        self.act(agent, Act::Resolve { outcome, note })
    }

    fn review(self, handoff: Option<u64>, verdict: Verdict) -> Self {
        let handoff = handoff.map(HandoffId);
        self.act("Lea", Act::Review { handoff, verdict })
    }

    fn step(&mut self, event: Event) {
        let decision = self.conversation.decide(event, self.now, &self.policy);
        self.entries.extend(decision.entries);
        for perform in decision.perform {
            match perform {
                Perform::Send(effect) => {
                    let provider_id = format!("secret-{}", effect.0);
                    let attempt = Attempt::Accepted { provider_id };
                    self.step(Event::SendSettled { effect, attempt });
                }
                Perform::Ask { ask, .. } => {
                    let answer = self.answer();
                    self.step(Event::ModelAnswered { ask, answer });
                }
            }
        }
    }

    fn answer(&self) -> ModelAnswer {
        let (text, verdict, confidence) = match self.model {
            Says::Knows => ("It takes two days.", ModelVerdict::Reply, Some(80)),
            Says::Nothing => ("I do not know.", ModelVerdict::Reply, Some(0)),
            Says::Escalates => {
                let (reason, summary) = (Reason::LowConfidence, "invoice".to_owned());
                ("", ModelVerdict::Escalate { reason, summary }, None)
            }
        };
        let source = Source {
            chunk: "shipping.md#times".to_owned(),
            score: 700,
        };
        let knows = matches!(self.model, Says::Knows);
        ModelAnswer {
            text: text.to_owned(),
            verdict,
            model: "test".to_owned(),
            usage: Usage::default(),
            took_ms: 10,
            tools: Vec::new(),
            sources: Vec::from_iter(knows.then_some(source)),
            confidence,
            grounds: None,
        }
    }

    fn record(&self) -> Record {
        let facts = Facts::of(&self.conversation);
        fold(
            facts,
            &self.entries,
            Timestamp::ZERO,
            self.now + 60 * MINUTE,
        )
    }

    fn turn(&self) -> Turn {
        let conversation = &self.conversation;
        Turn {
            conversation: conversation.common().id,
            medium: Medium::Http,
            was: ModeName::Closed,
            rev: 1,
            head: conversation.encode(),
            entries: self.entries.clone(),
            due: conversation.due(),
            listing: Listing {
                mode: conversation.mode().name(),
                since: conversation.common().mode_since,
            },
            evicted: Vec::new(),
        }
    }
}

/// Six customers of one morning.
fn morning(policy: &Arc<Policy>, began: Timestamp) -> BTreeMap<&'static str, Story> {
    let story = |name: &'static str| Story::of(name, policy, began);
    let ana = story("ana")
        .says("The parcel with my lamp is broken")
        .says("I want to talk to a person")
        .after(MINUTE)
        .claim("Max")
        .after(30 * SECOND)
        .reply("Max", "Hello, this is Max.")
        .after(4 * MINUTE)
        .hand_back("Max", "a new lamp is on its way")
        .after(10 * MINUTE)
        .says("real person please")
        .after(2 * MINUTE)
        .claim("Eva")
        .resolve("Eva")
        .review(Some(1), Verdict::Justified)
        .review(Some(1), Verdict::Unnecessary)
        .review(None, Verdict::Justified);
    let ben = story("ben")
        .says("I want to talk to a person")
        .after(5 * MINUTE)
        .after(5 * MINUTE);
    let cleo = story("cleo")
        .model(Says::Nothing)
        .says("where is the receipt of my last order");
    let dora = story("dora").says("how long does shipping take to France");
    let eli = story("eli")
        .says("how long does shipping take with a broken lamp")
        .model(Says::Escalates)
        .says("and what about the invoice of the lamp")
        .after(30 * SECOND)
        .claim("Max")
        .resolve("Max");
    let fay = story("fay")
        .says("is the parcel insured on its way")
        .after(MINUTE)
        .says("I asked something else")
        .review(None, Verdict::Missed);
    BTreeMap::from([
        ("ana", ana),
        ("ben", ben),
        ("cleo", cleo),
        ("dora", dora),
        ("eli", eli),
        ("fay", fay),
    ])
}

struct Nobody;

impl Observer for Nobody {
    fn committed(&self, _: Position, _: &[Arc<Turn>]) {}
}

fn open(dir: &Path) -> Store {
    let options = Options {
        apply: false,
        free_bytes_min: 0,
        cache_mb: 32,
        ..Options::default()
    };
    Store::open(dir, options, Arc::new(Nobody))
        .expect("it opens")
        .0
}

/// A data directory with these stories in it, as a Segue that has ended leaves it: half of it applied.
fn kept(stories: &BTreeMap<&'static str, Story>, rules: &Policy) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    for (n, story) in stories.values().enumerate() {
        let (tell, told) = sync_channel(1);
        let done = move |answer| tell.send(answer).expect("the test listens");
        store.submit(vec![story.turn()], store.generation(), Box::new(done));
        told.recv().expect("an answer").expect("a commit");
        if n == 2 {
            store.settle().expect("applied");
        }
        let bytes = serde_json::to_vec(rules).expect("plain data");
        store.put_policy(story.policy.hash, &bytes).expect("kept");
    }
    drop(store);
    dir
}

fn two_hours_ago() -> Timestamp {
    SystemClock::start().now() - Duration::from_hours(2)
}

fn segue(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_segue"))
        .args(arguments)
        .arg("--data")
        .arg(dir)
        .current_dir(dir)
        .output()
        .expect("the binary is built")
}

fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&said(output)).expect("JSON")
}

#[test]
fn a_handoff_is_told_from_its_request_to_its_end() {
    let stories = morning(&policy(), Timestamp::from_millis(1_795_000_000_000));
    let record = stories["ana"].record();
    let [first, second] = &record.handoffs[..] else {
        panic!("{:?}", record.handoffs)
    };
    assert_eq!(first.reason, Reason::UserRequest);
    assert_eq!(first.claimed.as_ref().expect("claimed").0.as_str(), "Max");
    assert_eq!(first.claimed_after_ms(), Some(60_000));
    assert_eq!(first.replied_after_ms(), Some(90_000));
    assert_eq!(first.said, ["Hello, this is Max."]);
    assert_eq!(first.words.len(), 2);
    assert!(matches!(first.ended, Some((Ended::HandedBack(_), _))));
    assert_eq!(first.note, "a new lamp is on its way");
    assert_eq!(first.back_after_ms, Some(600_000));
    let verdict = |one: &Handoff| one.verdict.as_ref().map(|given| given.verdict);
    assert_eq!(
        verdict(first),
        Some(Verdict::Unnecessary),
        "the newest counts"
    );
    assert_eq!(
        verdict(second),
        Some(Verdict::Justified),
        "the newest handoff is meant"
    );
    assert_eq!(second.claimed_after_ms(), Some(120_000));
    assert_eq!(
        second.ended.map(|(how, _)| how),
        Some(Ended::Closed(Outcome::HumanResolved))
    );
    assert_eq!(record.verdict, None);
}

#[test]
fn a_promise_that_nobody_came_for_is_a_ghost() {
    let stories = morning(&policy(), Timestamp::from_millis(1_795_000_000_000));
    let ben = stories["ben"].record();
    assert!(ben.handoffs[0].is_ghost());
    assert_eq!(
        ben.handoffs[0].ended.map(|(how, _)| how),
        Some(Ended::Apologised)
    );
    let late = Story::of("gus", &policy(), Timestamp::from_millis(1_795_000_000_000))
        .says("I want to talk to a person")
        .after(6 * MINUTE)
        .claim("Max")
        .record();
    assert!(
        late.handoffs[0].late && !late.handoffs[0].is_ghost(),
        "late is no ghost"
    );
}

#[test]
fn what_is_passed_on_goes_on_with_the_same_promise() {
    let record = Story::of("gus", &policy(), Timestamp::from_millis(1_795_000_000_000))
        .says("I want to talk to a person")
        .claim("Max")
        .after(MINUTE)
        .act(
            "Max",
            Act::Transfer {
                queue: None,
                to: Some("Eva".into()),
            },
        )
        .after(MINUTE)
        .claim("Eva")
        .reply("Eva", "Hello")
        .record();
    let told: Vec<_> = record
        .handoffs
        .iter()
        .map(|one| (one.passed_on, one.replies))
        .collect();
    assert_eq!(told, [(false, 0), (true, 1)]);
    assert_eq!(
        record.handoffs[0].ended.map(|(how, _)| how),
        Some(Ended::PassedOn)
    );
    assert_eq!(record.handoffs[1].ended, None);
}

#[test]
fn who_falls_silent_after_no_answer_may_have_been_missed() {
    let began = Timestamp::from_millis(1_795_000_000_000);
    let story = |model| Story::of("gus", &policy(), began).model(model);
    let check = |story: Story, silent: bool| {
        assert_eq!(
            story.record().silence.is_some(),
            silent,
            "{:?}",
            story.entries
        );
    };
    let asked = "where is the receipt of my last order";
    check(story(Says::Nothing).says(asked), true);
    check(story(Says::Knows).says(asked), false);
    check(
        story(Says::Nothing)
            .says(asked)
            .model(Says::Knows)
            .says("and the shipping?"),
        false,
    );
    check(
        story(Says::Nothing)
            .says(asked)
            .says("I want to talk to a person"),
        false,
    );
    check(
        story(Says::Nothing)
            .says(asked)
            .act("Max", Act::TakeOver { force: false }),
        false,
    );
    check(story(Says::Nothing).says(asked).resolve("Max"), false);
    let just_now = story(Says::Nothing).says(asked);
    let facts = Facts::of(&just_now.conversation);
    let record = fold(facts, &just_now.entries, began, just_now.now + 29 * MINUTE);
    assert_eq!(record.silence, None, "they may still be reading");
}

#[test]
fn the_report_adds_up() {
    let rules = policy();
    let dir = kept(&morning(&rules, two_hours_ago()), &rules);
    let report = json(&segue(dir.path(), &["report", "--format", "json"]));
    let check = |member: &str, expected: Value| assert_eq!(report[member], expected, "{member}");
    check("conversations", 6.into());
    check("with_ai", 5.into());
    check("handed_off", 3.into());
    check("handoff_percent", 50.0.into());
    check("handed_off_after_ai", 2.into());
    check("ai_answers", 6.into());
    check("deflections", 1.into());
    check("missed", 1.into());
    check("fell_silent", 1.into());
    check("passed_on", 0.into());
    check("unreadable", 0.into());
    let all = &report["all"];
    let check = |member: &str, expected: u64| assert_eq!(all[member], expected, "{member}: {all}");
    check("handoffs", 4);
    check("claimed", 3);
    check("ghosts", 1);
    check("back_soon", 1);
    check("open", 0);
    check("justified", 1);
    check("unnecessary", 1);
    check("unreviewed", 2);
    assert_eq!(all["false_percent"], 50.0);
    assert_eq!(
        all["claim"],
        serde_json::json!({"n": 3, "p50_ms": 60_000, "p90_ms": 120_000, "max_ms": 120_000})
    );
    assert_eq!(all["first_reply"]["n"], 1);
    assert_eq!(all["first_reply"]["p50_ms"], 90_000);
    assert_eq!(report["reasons"][0]["name"], "user_request");
    assert_eq!(report["reasons"][0]["handoffs"], 3);
    assert_eq!(report["reasons"][1]["name"], "low_confidence");
    assert_eq!(
        report["ghost_examples"][0]["words"],
        "I want to talk to a person"
    );
    assert_eq!(
        report["fell_silent_examples"][0]["words"],
        "where is the receipt of my last order"
    );
    let topics = report["topics"].as_array().expect("a list");
    assert!(
        topics.contains(&serde_json::json!(["lamp", 3])),
        "{topics:?}"
    );

    let text = said(&segue(dir.path(), &["report"]));
    let check = |name: &str, share: &str| {
        let line = text.lines().find(|line| line.contains(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
        assert!(line.ends_with(share), "{line}");
    };
    check("a person was asked for in", "50.0 % of 6 conversations");
    check("ghosts: promised, and nobody came", "25.0 % of 4");
    let log = said(&segue(dir.path(), &["report", "--format", "csv"]));
    assert_eq!(log.lines().count(), 5, "{log}");
    assert!(
        log.lines().all(|line| line.matches(',').count() >= 27),
        "{log}"
    );
    assert!(log.contains("Hello, this is Max."), "{log}");
}

#[test]
fn what_happened_before_is_not_counted() {
    let rules = policy();
    let dir = kept(&morning(&rules, two_hours_ago()), &rules);
    let recent = json(&segue(
        dir.path(),
        &["report", "--since", "10m", "--format", "json"],
    ));
    assert_eq!(
        (&recent["conversations"], &recent["all"]["handoffs"]),
        (&0.into(), &0.into())
    );
    let text = said(&segue(dir.path(), &["report", "--since", "10m"]));
    assert!(text.contains("No customer wrote in this time."), "{text}");
}

#[test]
fn an_export_has_what_was_said_and_not_who_the_customer_is() {
    let rules = policy();
    let stories = morning(&rules, two_hours_ago());
    let dir = kept(&stories, &rules);
    let output = segue(dir.path(), &["export"]);
    let text = said(&output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("wrote 6 conversations"));
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 6);
    assert!(
        !text.contains("Secretname") && !text.contains("secret-"),
        "{text}"
    );
    let id = stories["ana"].conversation.common().id.to_string();
    let ana = json(&segue(dir.path(), &["export", "--conversation", &id]));
    assert_eq!(ana["conversation"], Value::String(id));
    let turns = ana["turns"].as_array().expect("a list");
    let by = |role: &str| turns.iter().filter(|turn| turn["role"] == role).count();
    assert_eq!(
        (by("customer"), by("ai"), by("human"), by("handoff")),
        (3, 1, 1, 2)
    );
    assert_eq!(turns[1]["sources"][0]["chunk"], "shipping.md#times");
    assert_eq!(ana["handoffs"][0]["verdict"], "unnecessary");
    let replies = [&ana["handoffs"][0]["said"], &ana["handoffs"][1]["said"]];
    assert_eq!(
        replies.map(Value::to_string),
        ["[\"Hello, this is Max.\"]", "[]"]
    );
    assert_eq!(ana["outcome"], "human_resolved");
    let unknown = format!("c{}", "0".repeat(32));
    let none = segue(dir.path(), &["export", "--conversation", &unknown]);
    assert_eq!(none.status.code(), Some(1));
}

#[test]
fn other_rules_add_and_remove_handoffs() {
    let rules = policy();
    let dir = kept(&morning(&rules, two_hours_ago()), &rules);
    let other = "[triage.explicit]\nen = [\"my last order\"]\n[triage.not_explicit]\nen = [\"real person\"]\n";
    std::fs::write(dir.path().join("other.toml"), other).expect("written");
    let found = json(&segue(
        dir.path(),
        &["replay", "--policy", "other.toml", "--format", "json"],
    ));
    let check =
        |member: &str, expected: Value| assert_eq!(found[member], expected, "{member}: {found}");
    check("conversations", 6.into());
    check("handoffs_before", 4.into());
    check("handoffs_after", 4.into());
    check("kept", 2.into());
    check("not_by_rules", 1.into());
    check("earlier", 0.into());
    check("waiting_minutes_before", 13.5.into());
    check("waiting_minutes_after", 12.5.into());
    assert_eq!(
        found["added"][0]["words"],
        "where is the receipt of my last order"
    );
    assert_eq!(found["added"][0]["rule"], "en:my last order");
    assert_eq!(found["removed"][0]["words"], "real person please");
    assert_eq!(
        (
            found["added"].as_array().map(Vec::len),
            found["removed"].as_array().map(Vec::len)
        ),
        (Some(1), Some(1))
    );
    let queue = &found["queues"][0];
    assert_eq!(
        (
            &queue["before"],
            &queue["added"],
            &queue["removed"],
            &queue["after"]
        ),
        (&4.into(), &1.into(), &1.into(), &4.into())
    );
    let text = said(&segue(dir.path(), &["replay", "--policy", "other.toml"]));
    assert!(text.contains("Removed, for example:"), "{text}");
    let without = segue(dir.path(), &["replay"]);
    assert_eq!(without.status.code(), Some(2));
}

#[test]
fn a_handoff_that_comes_earlier_is_no_added_one() {
    let rules = policy();
    let began = two_hours_ago();
    let eli = Story::of("eli", &rules, began)
        .model(Says::Nothing)
        .says("where is the receipt of my last order")
        .after(MINUTE)
        .says("I want to talk to a person")
        .after(MINUTE)
        .claim("Max")
        .resolve("Max");
    let dir = kept(&BTreeMap::from([("eli", eli)]), &rules);
    std::fs::write(
        dir.path().join("other.toml"),
        "[triage.explicit]\nen = [\"my last order\"]\n",
    )
    .expect("written");
    let found = json(&segue(
        dir.path(),
        &["replay", "--policy", "other.toml", "--format", "json"],
    ));
    assert_eq!(
        (&found["earlier"], &found["handoffs_after"]),
        (&1.into(), &1.into()),
        "{found}"
    );
    assert_eq!(found["added"], serde_json::json!([]));
}

/// Offered a person for two matters: one accepts, the other refuses.
fn offered(rules: &Arc<Policy>) -> BTreeMap<&'static str, Story> {
    let began = two_hours_ago();
    let accepts = Story::of("fay", rules, began)
        .says("cancel my subscription")
        .after(MINUTE)
        .says("yes please")
        .after(MINUTE)
        .claim("Max")
        .resolve("Max");
    let refuses = Story::of("gus", rules, began)
        .says("cancel my subscription")
        .after(MINUTE)
        .says("no thanks");
    BTreeMap::from([("fay", accepts), ("gus", refuses)])
}

#[test]
fn an_offer_that_other_rules_do_not_make_is_accepted_by_nobody() {
    let rules = policy();
    let dir = kept(&offered(&rules), &rules);
    let replay = |other: &str| {
        std::fs::write(dir.path().join("other.toml"), other).expect("written");
        let arguments = ["replay", "--policy", "other.toml", "--format", "json"];
        json(&segue(dir.path(), &arguments))
    };
    let check = |found: &Value, members: [(&str, u64); 5]| {
        for (member, expected) in members {
            assert_eq!(found[member], expected, "{member}: {found}");
        }
    };
    let same = replay("[queues.support]\n");
    check(
        &same,
        [
            ("handoffs_before", 1),
            ("handoffs_after", 1),
            ("offers_before", 2),
            ("offers_added", 0),
            ("offers_removed", 0),
        ],
    );
    let without = replay("[triage]\noff = [\"keyword.cancel\"]\n");
    check(
        &without,
        [
            ("handoffs_before", 1),
            ("handoffs_after", 0),
            ("offers_before", 2),
            ("offers_added", 0),
            ("offers_removed", 2),
        ],
    );
    assert_eq!(without["removed"][0]["words"], "yes please");
    let at_once = replay("[[triage.scope]]\nname = \"keyword.cancel\"\naction = \"handoff\"\n");
    check(
        &at_once,
        [
            ("handoffs_before", 1),
            ("handoffs_after", 2),
            ("offers_before", 2),
            ("earlier", 1),
            ("offers_removed", 2),
        ],
    );
    let report = json(&segue(dir.path(), &["report", "--format", "json"]));
    assert_eq!(
        (
            &report["offers"],
            &report["offers_accepted"],
            &report["offers_refused"]
        ),
        (&2.into(), &1.into(), &1.into())
    );
}

#[test]
fn other_rules_send_what_they_match_to_their_queue() {
    let rules = policy();
    let dir = kept(&offered(&rules), &rules);
    let other = "[queues.support]\n[queues.retention]\nmatch = { reason = [\"keyword\"], channel = [\"gateway\"] }\n\
        [channels.gateway]\nkind = \"http\"\ntoken = \"t\"\ncallback_url = \"http://127.0.0.1:9\"\ncallback_secret = \"s\"\n\
        queue = \"support\"\n";
    std::fs::write(dir.path().join("other.toml"), other).expect("written");
    let arguments = ["replay", "--policy", "other.toml", "--format", "json"];
    let found = json(&segue(dir.path(), &arguments));
    let queues = found["queues"].as_array().expect("a list");
    let of = |name: &str, member: &str| {
        let queue = queues.iter().find(|queue| queue["name"] == name);
        queue.map_or(Value::Null, |queue| queue[member].clone())
    };
    assert_eq!(
        (of("support", "removed"), of("retention", "added")),
        (1.into(), 1.into()),
        "{found}"
    );
}

#[test]
fn the_recorded_rules_reach_the_recorded_decisions_and_others_are_found_out() {
    let rules = policy();
    let stories = morning(&rules, two_hours_ago());
    let dir = kept(&stories, &rules);
    let output = segue(dir.path(), &["replay", "--verify", "--format", "json"]);
    let verified = json(&output);
    assert_eq!(
        (&verified["decisions"], &verified["same"]),
        (&10.into(), &10.into()),
        "{verified}"
    );
    // Under the name of the rules that decided lie rules that make an exception of every person.
    let mut forged = Policy::clone(&rules);
    forged.phrases.not_wants.push(PhraseRule {
        language: "en".to_owned(),
        phrase: "person".to_owned(),
    });
    forged.phrases.recompile();
    let dir = kept(&stories, &forged);
    let output = segue(dir.path(), &["replay", "--verify", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let verified: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&verified["decisions"], &verified["same"]),
        (&10.into(), &7.into())
    );
    assert_eq!(verified["differences"].as_array().map(Vec::len), Some(3));
    assert_eq!(verified["differences"][0]["found"], Value::Null);
}

#[test]
fn looking_back_changes_nothing_and_needs_data() {
    let rules = policy();
    let dir = kept(&morning(&rules, two_hours_ago()), &rules);
    let first = said(&segue(dir.path(), &["report", "--format", "csv"]));
    let second = said(&segue(dir.path(), &["report", "--format", "csv"]));
    assert_eq!(first, second);
    let empty = tempfile::tempdir().expect("a folder");
    let none = segue(empty.path(), &["report"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&none.stderr).contains("no data of Segue"));
    drop(open(empty.path()));
    let text = said(&segue(empty.path(), &["report"]));
    assert!(text.contains("No customer wrote"), "{text}");
    assert_eq!(said(&segue(empty.path(), &["export"])), "");
}

#[test]
fn long_trails_and_many_conversations_are_read_whole() {
    let rules = policy();
    let began = two_hours_ago();
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    for n in 0..600 {
        let mut story = Story::of(&format!("customer {n}"), &rules, began);
        let messages = if n == 0 { 100 } else { 1 };
        for _ in 0..messages {
            // nothing that could be asked again: the third time would be an offer
            story = story.says("ok").after(SECOND);
        }
        let (tell, told) = sync_channel(1);
        let done = move |answer| tell.send(answer).expect("the test listens");
        store.submit(vec![story.turn()], store.generation(), Box::new(done));
        told.recv().expect("an answer").expect("a commit");
        if n == 300 {
            store.settle().expect("applied");
        }
    }
    let (mut customers, mut entries, mut steps) = (0, 0, 0);
    let read = source::each(
        &store,
        None,
        Timestamp::ZERO,
        |told| {
            customers += 1;
            let numbers: Vec<_> = told.entries.iter().map(|entry| entry.n).collect();
            assert_eq!(numbers, Vec::from_iter(0..numbers.len() as u64));
            entries += numbers.len();
            Ok(())
        },
        |_| steps += 1,
    );
    let read = read.expect("readable");
    assert_eq!((customers, read.passed, read.unreadable), (600, 600, 0));
    assert_eq!(entries, 600 * 6 + 99 * 5);
    assert!(steps > 10, "{steps} pages");
}

#[test]
fn words_that_were_taken_back_are_no_reply() {
    let stories = morning(&policy(), Timestamp::from_millis(1_795_000_000_000));
    let ana = &stories["ana"];
    let check = |state: MessageState, replies: u32, replied_after_ms: Option<u64>| {
        let mut entries = ana.entries.clone();
        for entry in &mut entries {
            if let Fact::Settled {
                class, state: is, ..
            } = &mut entry.fact
                && *class == Class::Human
            {
                *is = state;
            }
        }
        let facts = Facts::of(&ana.conversation);
        let record = fold(facts.clone(), &entries, Timestamp::ZERO, ana.now);
        let told = source::Told {
            facts,
            entries,
            more: false,
        };
        let exported = segue::learning::export::line(told, ana.now).turns;
        let mut exported = exported.iter().filter(|turn| turn.role == "human");
        assert!(
            exported.all(|turn| turn.unsent == (replies == 0)),
            "{state}"
        );
        let first = &record.handoffs[0];
        assert_eq!(
            (first.replies, first.replied_after_ms(), first.said.len()),
            (replies, replied_after_ms, replies as usize),
            "{state}"
        );
    };
    check(MessageState::Sent, 1, Some(90_000));
    check(MessageState::Parked, 1, Some(90_000));
    check(MessageState::Suppressed, 0, None);
    check(MessageState::Failed, 0, None);
}
