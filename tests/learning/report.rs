//! `report` and `export`: figures that add up, and no word of who the customer is.

use segue::clock::Timestamp;
use segue::conversation::trail::Fact;
use segue::conversation::words::{Class, MessageState};
use segue::learning::source::Facts;
use segue::learning::{fold, source};
use serde_json::Value;

use crate::stories::{morning, policy};
use crate::{json, kept, said, segue, two_hours_ago};

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
