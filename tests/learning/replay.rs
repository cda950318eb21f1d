//! `replay`: what other rules would have done, and that the recorded ones come to the recorded decisions.

use std::collections::BTreeMap;
use std::sync::Arc;

use segue::conversation::policy::{PhraseRule, Policy};
use serde_json::Value;

use crate::stories::{MINUTE, Says, Story, morning, policy};
use crate::{json, kept, said, segue, two_hours_ago};

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
