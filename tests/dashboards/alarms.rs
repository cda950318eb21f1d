//! The alerts against their tests, their sections of the runbook and the panels that show what they judge.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::promql::Expr;
use crate::{
    DASHBOARDS, alerts, dashboard, family, here, lint, list, read, recorded, runbook, same, text,
    word, yaml,
};

/// The heading's anchor as renderers of Markdown make it.
fn sections() -> Vec<String> {
    text("RUNBOOK.md")
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_alert_has_its_section_and_every_section_its_alert() {
    let sections = sections();
    let names: BTreeSet<String> = sections.iter().cloned().collect();
    assert_eq!(names.len(), sections.len(), "a section stands twice");
    assert_eq!(names, alerts().into_keys().collect());
    for (name, alert) in alerts() {
        assert!(
            ["page", "ticket", "none"].contains(&word(&alert["labels"]["severity"])),
            "{name}"
        );
        for part in ["summary", "description"] {
            assert!(!word(&alert["annotations"][part]).is_empty(), "{name}");
        }
        let anchor = format!("/RUNBOOK.md#{}", name.to_lowercase());
        assert!(
            word(&alert["annotations"]["runbook_url"]).ends_with(&anchor),
            "{name}"
        );
    }
}

/// What Prometheus reckons of a counter's increase is seldom whole: nobody had 8.199 messages.
#[test]
fn what_is_counted_is_said_in_whole_numbers() {
    for (name, alert) in alerts() {
        let said = word(&alert["annotations"]["description"]);
        let counted = word(&alert["expr"]).contains("increase(");
        assert!(
            !counted || !said.contains("$value | humanize }}"),
            "{name}: {said}"
        );
    }
}

#[test]
fn the_runbook_names_nothing_that_is_not_there() {
    let source = runbook::source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let text = text("RUNBOOK.md");
    let mut faults = Vec::new();
    for named in runbook::between(&text, '`') {
        let is_family = |name: &str| family(name).is_some();
        if let Some(why) = runbook::missing(named, &source, &here(""), is_family) {
            faults.push(format!("`{named}`: {why}"));
        }
    }
    let mut known: BTreeSet<String> = alerts().into_keys().collect();
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        known.insert(word(&dashboard["title"]).to_owned());
        let all = lint::panels(&dashboard).into_iter();
        for panel in all.chain(list(&dashboard["panels"])) {
            known.insert(word(&panel["title"]).to_owned());
        }
    }
    for named in runbook::between(&text, '*') {
        // A word in small letters is only stressed.
        let stressed = named.chars().all(char::is_lowercase);
        if !stressed && !known.contains(named) {
            faults.push(format!("*{named}*: no panel, row, board or alert"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The numbers of the tests of an alert: how often it must fire, and how often it must not.
fn tested() -> BTreeMap<String, (usize, usize)> {
    let mut tested = BTreeMap::<String, (usize, usize)>::new();
    let files = fs::read_dir(here("rules/tests")).expect("the tests of the rules");
    for file in files {
        let document = yaml::read(&file.expect("an entry").path());
        for test in list(&document["tests"]) {
            for check in list(&test["alert_rule_test"]) {
                let (fires, silent) = tested
                    .entry(word(&check["alertname"]).to_owned())
                    .or_default();
                if list(&check["exp_alerts"]).is_empty() {
                    *silent += 1;
                } else {
                    *fires += 1;
                }
            }
        }
    }
    tested
}

#[test]
fn every_alert_is_tested_to_fire_and_to_be_silent_without_traffic() {
    let tested = tested();
    let known: BTreeSet<String> = alerts().into_keys().collect();
    assert_eq!(known, tested.keys().cloned().collect());
    let quiet = yaml::read(&here("rules/tests/quiet.yaml"));
    for (name, (fires, silent)) in tested {
        assert!(fires > 0, "{name} is never seen to fire");
        if name == "SegueWatchdog" {
            continue; // It always fires; that is what it is for.
        }
        assert!(silent > 0, "{name} is never seen to be silent");
        for test in list(&quiet["tests"]) {
            let checks = list(&test["alert_rule_test"]);
            let none = |check: &&Value| {
                word(&check["alertname"]) == name && list(&check["exp_alerts"]).is_empty()
            };
            assert!(
                checks.iter().any(|check| none(&check)),
                "{name}: {}",
                test["name"]
            );
        }
    }
}

/// The names of what an alert looks at in the end: what it is recorded from, not the record.
fn looked_at(expr: &str, recorded: &BTreeMap<String, String>) -> BTreeSet<String> {
    let tree = read("a rule", expr);
    let mut names = BTreeSet::new();
    for (selector, _) in tree.selectors() {
        match recorded.get(&selector.name) {
            Some(inner) => names.extend(looked_at(inner, recorded)),
            None => {
                names.insert(selector.name.clone());
            }
        }
    }
    names
}

#[test]
fn silence_without_traffic_is_no_want_of_series() {
    let recorded = recorded();
    let quiet = yaml::read(&here("rules/tests/quiet.yaml"));
    for test in list(&quiet["tests"]) {
        let given: BTreeSet<&str> = list(&test["input_series"])
            .iter()
            .map(|series| {
                let series = word(&series["series"]);
                series.split_once('{').map_or(series, |(name, _)| name)
            })
            .collect();
        for (name, alert) in alerts() {
            let looked_at = looked_at(word(&alert["expr"]), &recorded);
            let missing: Vec<_> = looked_at
                .iter()
                .filter(|one| !given.contains(one.as_str()))
                .collect();
            assert!(missing.is_empty(), "{}: {name}: {missing:?}", test["name"]);
        }
    }
}

/// What comparisons with a number an alert makes: the numbers, products reckoned out.
fn thresholds(expr: &Expr) -> Vec<f64> {
    let mut found = Vec::new();
    expr.walk(&mut |part, _| {
        if let Expr::Binary { operator, sides } = part
            && ["<", ">", "<=", ">=", "==", "!="].contains(&operator.as_str())
        {
            found.extend(same::number(&sides.1));
        }
    });
    found
}

/// The alerts that a description names behind `introduction`.
fn named(description: &str, introduction: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in description.split(introduction).skip(1) {
        let sentence = part.split('.').next().unwrap_or_default();
        names.extend(sentence.split(", ").map(|name| name.trim().to_owned()));
    }
    names
}

#[test]
fn the_red_lines_of_the_panels_are_the_thresholds_of_the_alerts() {
    let (alerts, mut shown) = (alerts(), BTreeSet::new());
    for name in DASHBOARDS {
        for panel in lint::panels(&dashboard(name)) {
            let (title, description) = (word(&panel["title"]), word(&panel["description"]));
            let steps = list(&panel["fieldConfig"]["defaults"]["thresholds"]["steps"]);
            let steps: Vec<f64> = steps
                .iter()
                .filter_map(|step| step["value"].as_f64())
                .collect();
            let links = panel["links"].to_string();
            for alert in named(description, "Alert: ") {
                let rule = alerts
                    .get(&alert)
                    .unwrap_or_else(|| panic!("{name}: {title}: no {alert}"));
                let numbers = thresholds(&read(&alert, word(&rule["expr"])));
                // A share that is good is drawn the other way round; above none is from one on.
                let drawn = |number: &f64| {
                    steps.iter().any(|step| {
                        let same = |it: f64| (step - it).abs() < 1e-9;
                        same(*number) || same(1.0 - number) || (*number == 0.0 && same(1.0))
                    })
                };
                assert!(
                    numbers.iter().any(drawn),
                    "{name}: {title}: {alert} is at {numbers:?}, drawn is {steps:?}"
                );
                assert!(
                    links.contains(&format!("${{runbook}}#{}", alert.to_lowercase())),
                    "{name}: {title}: no way to the runbook"
                );
                shown.insert(alert);
            }
            for alert in named(description, "See also: ") {
                assert!(alerts.contains_key(&alert), "{name}: {title}: no {alert}");
                shown.insert(alert);
            }
        }
    }
    let nowhere: Vec<_> = alerts
        .keys()
        .filter(|name| !shown.contains(*name))
        .collect();
    assert!(nowhere.is_empty(), "no panel leads to {nowhere:?}");
}

#[test]
fn a_figure_in_an_alerts_colours_is_what_the_alert_judges() {
    let (alerts, recorded) = (alerts(), recorded());
    let mut seen = 0;
    for name in DASHBOARDS {
        for panel in lint::panels(&dashboard(name)) {
            if panel["type"] != "stat" {
                continue;
            }
            let title = word(&panel["title"]);
            let shown: Vec<Expr> = lint::expressions(panel)
                .map(|expr| read(title, expr))
                .collect();
            let steps = list(&panel["fieldConfig"]["defaults"]["thresholds"]["steps"]);
            for alert in named(word(&panel["description"]), "Alert: ") {
                let expr = word(&alerts[&alert]["expr"]);
                let (judged, limit) = same::judged(expr, &recorded)
                    .unwrap_or_else(|| panic!("{alert} compares with no number"));
                assert!(
                    shown.iter().any(|one| same::shows(one, &judged, limit)),
                    "{name}: {title} shows something else than {alert} judges"
                );
                // Above none, and being none, is drawn at one.
                let limit = if limit == 0.0 { 1.0 } else { limit };
                let drawn = steps
                    .iter()
                    .any(|step| step["value"].as_f64() == Some(limit));
                assert!(drawn, "{name}: {title}: no colour changes at {limit}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 15, "{seen} figures have an alert");
}

#[test]
fn every_burn_rate_can_be_reached() {
    // The share of breaches never exceeds 1: a factor of at least 1 / budget could not fire.
    let mut seen = 0;
    for (name, alert) in alerts() {
        let tree = read(&name, word(&alert["expr"]));
        tree.walk(&mut |part, _| {
            let Expr::Binary { operator, sides } = part else {
                return;
            };
            let Expr::Selector(selector) = &sides.0 else {
                return;
            };
            if operator == ">" && selector.name.starts_with("job:segue_sla_error:") {
                let limit = thresholds(part)[0];
                assert!(limit < 1.0, "{name}: {limit} can never be exceeded");
                seen += 1;
            }
        });
    }
    assert_eq!(seen, 4, "two alerts with two windows each");
}
