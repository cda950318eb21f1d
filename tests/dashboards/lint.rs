//! The 17 rules of Grafana's dashboard-linter (as of June 2026), written anew: no build of it is needed.
//!
//! Each fault is told as `rule: panel: what`. The rules for Loki hold when nothing asks Loki.

use serde_json::Value;

use crate::promql::{self, Expr};

/// The units of Grafana that these dashboards use; a new one is looked up in Grafana's list before it is added here.
const UNITS: &[&str] = &[
    "bytes",
    "currencyUSD",
    "dateTimeFromNow",
    "mps",
    "none",
    "ops",
    "percentunit",
    "reqps",
    "s",
    "short",
];

/// All panels that show something, those in collapsed rows too.
pub fn panels(dashboard: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().into_iter().flatten() {
        if panel["type"] == "row" {
            found.extend(panel["panels"].as_array().into_iter().flatten());
        } else {
            found.push(panel);
        }
    }
    found
}

/// The expressions of a panel.
pub fn expressions(panel: &Value) -> impl Iterator<Item = &str> {
    let targets = panel["targets"].as_array().into_iter().flatten();
    targets.map(|target| target["expr"].as_str().unwrap_or_default())
}

/// Everything that the rules find.
pub fn faults(dashboard: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if dashboard["editable"] != false {
        faults.push("uneditable-dashboard: it can be edited".to_owned());
    }
    templates(dashboard, &mut faults);
    for panel in panels(dashboard) {
        let title = panel["title"].as_str().unwrap_or_default();
        let mut fault = |rule: &str, what: &str| faults.push(format!("{rule}: {title}: {what}"));
        check_panel(panel, &mut fault);
        for target in panel["targets"].as_array().into_iter().flatten() {
            check_target(target, &mut fault);
        }
    }
    faults
}

fn template<'a>(dashboard: &'a Value, name: &str) -> &'a Value {
    let list = dashboard["templating"]["list"].as_array();
    let found = list.into_iter().flatten().find(|one| one["name"] == name);
    found.unwrap_or(&Value::Null)
}

fn templates(dashboard: &Value, faults: &mut Vec<String>) {
    let source = template(dashboard, "datasource");
    if source["type"] != "datasource"
        || source["query"] != "prometheus"
        || source["label"] != "Data source"
    {
        faults.push("template-datasource: none called datasource, labelled Data source".to_owned());
    }
    for (rule, name, label) in [
        ("template-job", "job", "Job"),
        ("template-instance", "instance", "Instance"),
    ] {
        let one = template(dashboard, name);
        let good = one["type"] == "query"
            && one["label"] == label
            && one["multi"] == true
            && one["allValue"] == ".+"
            && from_variable(&one["datasource"]);
        if !good {
            faults.push(format!("{rule}: {one}"));
        }
    }
    let list = dashboard["templating"]["list"].as_array();
    for one in list.into_iter().flatten() {
        if one["type"] != "query" {
            continue;
        }
        if one["refresh"] != 2 {
            faults.push(format!("template-on-time-change-reload: {}", one["name"]));
        }
        let query = one["query"]["query"].as_str().unwrap_or_default();
        let inner = query
            .strip_prefix("label_values(")
            .and_then(|rest| rest.strip_suffix(')'))
            .and_then(|rest| rest.rsplit_once(", "));
        if inner.is_none_or(|(series, _)| promql::parse(series).is_err()) {
            faults.push(format!("template-label-promql: {query}"));
        }
    }
}

fn from_variable(source: &Value) -> bool {
    source["uid"] == "${datasource}" || source["uid"] == "$datasource"
}

fn check_panel(panel: &Value, fault: &mut impl FnMut(&str, &str)) {
    if !from_variable(&panel["datasource"]) {
        fault("panel-datasource", "it names a data source of its own");
    }
    for field in ["title", "description"] {
        if panel[field].as_str().is_none_or(str::is_empty) {
            fault("panel-title-description", field);
        }
    }
    let unit = panel["fieldConfig"]["defaults"]["unit"].as_str();
    let unit = match panel["type"].as_str() {
        Some("heatmap") => panel["options"]["yAxis"]["unit"].as_str(),
        _ => unit,
    };
    if !unit.is_some_and(|unit| UNITS.contains(&unit)) {
        fault("panel-units", unit.unwrap_or("none at all"));
    }
    if panel["targets"].as_array().is_none_or(Vec::is_empty) {
        fault("panel-no-targets", "it asks for nothing");
    }
}

fn check_target(target: &Value, fault: &mut impl FnMut(&str, &str)) {
    if target["datasource"]["type"] != "prometheus" {
        fault("target-logql", "it asks something else than Prometheus");
    }
    if !from_variable(&target["datasource"]) {
        fault(
            "panel-datasource",
            "a target names a data source of its own",
        );
    }
    let text = target["expr"].as_str().unwrap_or_default();
    if text.contains("$__auto") || text.contains("| ") {
        fault("target-logql-auto", text);
    }
    let expr = match promql::parse(text) {
        Ok(expr) => expr,
        Err(why) => return fault("target-promql", &format!("{why}: {text}")),
    };
    for (selector, within) in expr.selectors() {
        for (rule, label) in [("target-job", "job"), ("target-instance", "instance")] {
            if !selector.has(label, "=~", &format!("${label}")) {
                fault(rule, text);
            }
        }
        let name = selector.name.as_str();
        // The parts of our histograms count, too; the linter itself looks at `_total` only.
        let parts = ["_bucket", "_sum", "_count"];
        let part = name.starts_with("segue_") && parts.iter().any(|end| name.ends_with(end));
        let counted = matches!(within, Some("rate" | "irate" | "increase"));
        if (name.ends_with("_total") || part) && !counted {
            fault("target-counter-agg", text);
        }
    }
    expr.walk(&mut |expr, around| {
        if let (Expr::Selector(selector), Some(&("rate" | "irate"))) = (expr, around.last())
            && selector.range.as_deref() != Some("$__rate_interval")
        {
            fault("target-rate-interval", text);
        }
    });
}
