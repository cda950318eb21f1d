//! The catalogue against what is really exported, and every fact against the figures it moves.

#[path = "metrics/catalogue.rs"]
mod catalogue;
#[path = "metrics/facts.rs"]
mod facts;
#[path = "metrics/handoffs.rs"]
mod handoffs;
#[path = "metrics/messages.rs"]
mod messages;
#[path = "metrics/says.rs"]
mod says;
#[path = "metrics/standing.rs"]
mod standing;
#[path = "metrics/whole.rs"]
mod whole;

use std::collections::BTreeMap;

use says::opened;
use segue::clock::Timestamp;
use segue::conversation::message::Medium;
use segue::conversation::trail::{Entry, Fact};
use segue::conversation::words::By;
use segue::ids::ConversationId;
use segue::metrics::{Figures, Metrics, ModelLabel, Names};

const ID: ConversationId = ConversationId::from_bytes([9; 16]);

/// Series, as `name{a="b"}` with the labels in order, and their values.
type Series = BTreeMap<String, f64>;

fn names() -> Names {
    let model = |provider: &str, model: &str| ModelLabel {
        provider: provider.to_owned(),
        model: model.to_owned(),
    };
    Names {
        queues: vec!["general".to_owned(), "sales".to_owned()],
        models: vec![model("openai", "gpt-x"), model("anthropic", "claude-x")],
    }
}

fn fresh() -> Metrics {
    Metrics::new(&names())
}

fn series(text: &str) -> Series {
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (key, value) = line.rsplit_once(' ').expect("a series has a value");
            (sorted(key), value.parse().expect("a value is a number"))
        })
        .collect()
}

/// The key with its labels in alphabetical order. No label value in these tests holds a comma.
fn sorted(key: &str) -> String {
    let Some((name, labels)) = key.split_once('{') else {
        return key.to_owned();
    };
    let mut labels: Vec<&str> = labels.trim_end_matches('}').split(',').collect();
    labels.sort_unstable();
    format!("{name}{{{}}}", labels.join(","))
}

fn at(n: u64, fact: Fact) -> Entry {
    Entry {
        n,
        at: Timestamp::ZERO,
        policy: 0,
        rules: 1,
        fact,
    }
}

fn commit(metrics: &Metrics, facts: &[Fact]) {
    let entries: Vec<Entry> = (0..)
        .zip(facts.iter().cloned())
        .map(|(n, fact)| at(n, fact))
        .collect();
    metrics.committed(ID, Medium::Sms, &entries);
}

/// The series that `facts` move and by how much, buckets left out.
fn moved(commits: &[&[Fact]]) -> BTreeMap<String, f64> {
    let metrics = fresh();
    for facts in commits {
        commit(&metrics, facts);
    }
    let mut all = series(&metrics.render(&Figures::default()));
    all.retain(|key, value| {
        *value != 0.0
            && !key.contains("_bucket")
            && !key.starts_with("process_")
            && !key.starts_with("segue_build_info")
            && !key.starts_with("segue_queue_open")
    });
    all
}

fn check_moves(facts: &[Fact], wanted: &[(&str, f64)]) {
    let wanted: BTreeMap<String, f64> = wanted.iter().map(|(k, v)| (sorted(k), *v)).collect();
    assert_eq!(moved(&[facts]), wanted, "{facts:?}");
}

#[test]
fn two_runtimes_in_one_process_do_not_see_each_other() {
    let (one, other) = (fresh(), fresh());
    commit(&one, &[opened(By::Customer, false)]);
    let key = "segue_conversations_opened_total{channel=\"sms\"}";
    assert_eq!(series(&one.render(&Figures::default()))[key], 1.0);
    assert_eq!(series(&other.render(&Figures::default()))[key], 0.0);
}
