//! Every expression against the catalogue: it names what is exported, its selectors can find something, and every family
//! is looked at by somebody.

use std::collections::{BTreeMap, BTreeSet};

use segue::metrics::{Figures, Metrics, ModelLabel, Names};

use crate::promql::{Expr, Selector};
use crate::{OF_PROMETHEUS, expressions, families, family, read, rules, word};

#[test]
fn every_expression_names_what_is_exported_with_labels_it_has() {
    let recorded: BTreeSet<String> = rules("rules/recording.yaml")
        .iter()
        .map(|rule| word(&rule["record"]).to_owned())
        .collect();
    for (place, expr) in expressions() {
        let tree = read(&place, &expr);
        for (selector, _) in tree.selectors() {
            let name = selector.name.as_str();
            if recorded.contains(name) || OF_PROMETHEUS.contains(&name) {
                continue;
            }
            let family =
                family(name).unwrap_or_else(|| panic!("{place}: nothing is called {name}"));
            for (label, ..) in &selector.matchers {
                let has = family.labels.contains(&label.as_str())
                    || ["job", "instance"].contains(&label.as_str());
                assert!(has, "{place}: {name} has no {label}");
                assert_ne!(
                    label, "le",
                    "{place}: Prometheus 3 writes its values in another way"
                );
            }
        }
        tree.walk(&mut |part, _| {
            let Expr::Aggregate {
                labels, arguments, ..
            } = part
            else {
                return;
            };
            for (selector, _) in arguments.iter().flat_map(Expr::selectors) {
                let Some(family) = family(&selector.name) else {
                    continue;
                };
                let known = |label: &str| {
                    family.labels.contains(&label)
                        || ["job", "instance"].contains(&label)
                        || (label == "le" && selector.name.ends_with("_bucket"))
                };
                let unknown: Vec<_> = labels.iter().filter(|label| !known(label)).collect();
                assert!(
                    unknown.is_empty(),
                    "{place}: {} has no {unknown:?}",
                    selector.name
                );
            }
        });
    }
}

/// The series of a fresh scrape, each as its name and its labels.
fn exported() -> Vec<(String, BTreeMap<String, String>)> {
    let model = ModelLabel {
        provider: "openai".to_owned(),
        model: "gpt-x".to_owned(),
    };
    let metrics = Metrics::new(&Names {
        queues: vec!["support".to_owned()],
        models: vec![model],
    });
    let scrape = metrics.render(&Figures::default());
    let lines = scrape
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, _) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let labels = labels
                .trim_end_matches('}')
                .split("\",")
                .filter(|one| !one.is_empty());
            let labels = labels.map(|one| {
                let (label, value) = one.split_once("=\"").expect("label and value");
                (label.to_owned(), value.trim_end_matches('"').to_owned())
            });
            (name.to_owned(), labels.collect())
        })
        .collect()
}

/// Whether a matcher on one of our own words can hold; variables and what is configured always can.
fn can_hold(
    labels: &BTreeMap<String, String>,
    (label, operator, value): &(String, String, String),
) -> bool {
    let is = labels.get(label).map_or("", String::as_str);
    if value.starts_with('$')
        || ["job", "instance", "queue", "provider", "model"].contains(&label.as_str())
    {
        return true;
    }
    let listed = value.split('|').any(|one| one == is);
    match operator.as_str() {
        "=" | "=~" => listed,
        _not => !listed,
    }
}

#[test]
fn every_selector_can_find_something() {
    let exported = exported();
    for (place, expr) in expressions() {
        for (selector, _) in read(&place, &expr).selectors() {
            let Selector { name, matchers, .. } = selector;
            if !exported.iter().any(|(one, _)| one == name) {
                continue; // On sight, recorded, or of Prometheus: the test above knows its name.
            }
            let found = exported.iter().any(|(one, labels)| {
                one == name && matchers.iter().all(|matcher| can_hold(labels, matcher))
            });
            assert!(found, "{place}: {selector:?}");
            // And each word of a list is one that exists: a misspelt one would only find less.
            for (label, _, value) in matchers
                .iter()
                .filter(|(_, _, value)| !value.starts_with('$'))
            {
                for one in value.split('|') {
                    let exists = |(name_of, labels): &(String, BTreeMap<String, String>)| {
                        name_of == name && labels.get(label).is_some_and(|is| is == one)
                    };
                    let configured = ["job", "instance"].contains(&label.as_str());
                    assert!(
                        configured || exported.iter().any(exists),
                        "{place}: {name} never has {label}={one}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_family_is_seen_by_somebody() {
    let mut seen = BTreeSet::new();
    for (place, expr) in expressions() {
        for (selector, _) in read(&place, &expr).selectors() {
            seen.extend(family(&selector.name).map(|family| family.name));
        }
    }
    let unseen: Vec<&str> = families()
        .map(|family| family.name)
        .filter(|name| !seen.contains(name))
        .collect();
    assert!(
        unseen.is_empty(),
        "on no dashboard and in no rule: {unseen:?}"
    );
}

#[test]
fn every_recorded_series_is_used() {
    let all = expressions();
    for rule in rules("rules/recording.yaml") {
        let name = word(&rule["record"]);
        let used = all.iter().any(|(place, expr)| {
            place != name
                && read(place, expr)
                    .selectors()
                    .iter()
                    .any(|(selector, _)| selector.name == name)
        });
        // The handoff rate by channel is there for those who alert on their own numbers.
        assert!(
            used || name == "job_channel:segue_handoff_rate:ratio_rate1h"
                || name == "job_channel:segue_ingress_seconds:p99_rate5m",
            "{name}"
        );
    }
}
