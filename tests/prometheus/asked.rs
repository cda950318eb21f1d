//! What is asked of Prometheus: every expression of every panel and rule, with its names filled in.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{RANGE, yaml};

/// What is asked of Prometheus: where it stands, and how.
pub struct Asked {
    pub place: String,
    pub legend: String,
    pub expr: String,
}

pub fn dashboard(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("dashboards/{name}.json"));
    serde_json::from_str(&fs::read_to_string(file).expect("a dashboard")).expect("JSON")
}

pub fn panels(dashboard: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        match panel["type"] == "row" {
            true => found.extend(panel["panels"].as_array().into_iter().flatten()),
            false => found.push(panel),
        }
    }
    found
}

/// Every target of every panel, and every rule with what it is recorded from written out.
pub fn everything_asked() -> Vec<Asked> {
    let mut all = Vec::new();
    for name in ["handoffs", "gateway", "capacity"] {
        let dashboard = dashboard(name);
        for panel in panels(&dashboard) {
            for target in panel["targets"].as_array().expect("targets") {
                all.push(Asked {
                    place: format!("{name} / {}", panel["title"].as_str().expect("a title")),
                    legend: target["legendFormat"]
                        .as_str()
                        .expect("a legend")
                        .to_owned(),
                    expr: target["expr"].as_str().expect("an expression").to_owned(),
                });
            }
        }
    }
    let file = |name: &str| {
        yaml::read(
            &Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("dashboards/rules")
                .join(name),
        )
    };
    let rules = |document: &Value| -> Vec<Value> {
        let groups = document["groups"].as_array().expect("groups").iter();
        groups
            .flat_map(|group| group["rules"].as_array().expect("rules").clone())
            .collect()
    };
    let text = |value: &'_ Value| value.as_str().expect("a text").to_owned();
    let recorded = rules(&file("recording.yaml"));
    for rule in recorded.iter().chain(&rules(&file("alerts.yaml"))) {
        let mut expr = rule["expr"].as_str().expect("an expression").to_owned();
        for one in &recorded {
            let (name, inner) = (text(&one["record"]), text(&one["expr"]));
            let name = name.as_str();
            expr = expr.replace(name, &format!("({inner})"));
        }
        let name = rule["alert"].as_str().or(rule["record"].as_str());
        all.push(Asked {
            place: "rules".to_owned(),
            legend: name.expect("a name").to_owned(),
            expr,
        });
    }
    all
}

/// The expression with everything of Grafana filled in, and looking at one job only.
pub fn filled(expr: &str, job: &str) -> String {
    let expr = expr
        .replace("$__range_s", &RANGE.to_string())
        .replace("$__range", &format!("{RANGE}s"))
        .replace("$__rate_interval", &format!("{RANGE}s"))
        .replace("job=\"segue\"", &format!("job=\"{job}\""))
        .replace("$job", job);
    ["instance", "channel", "queue"]
        .iter()
        .fold(expr, |expr, name| expr.replace(&format!("${name}"), ".+"))
}

/// Whether an age is asked for, and not how often something happened.
pub fn is_age(expr: &str) -> bool {
    ["oldest_wait", "oldest_age", "lag_seconds"]
        .iter()
        .any(|part| expr.contains(part))
}
