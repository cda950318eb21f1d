//! What stands in `dashboards/`: the dashboards against Grafana's linter and our catalogue, the rules against their
//! tests and the runbook, the compose file against what it mounts. Needs nothing installed; what promtool alone can say
//! is asked where it is, and skipped visibly elsewhere.

#[path = "dashboards/alarms.rs"]
mod alarms;
#[path = "dashboards/compose.rs"]
mod compose;
#[path = "dashboards/lint.rs"]
mod lint;
#[path = "dashboards/promql.rs"]
mod promql;
#[path = "dashboards/runbook.rs"]
mod runbook;
#[path = "dashboards/same.rs"]
mod same;
#[path = "dashboards/seen.rs"]
mod seen;
#[path = "dashboards/told.rs"]
mod told;
#[path = "dashboards/tools.rs"]
mod tools;
#[path = "dashboards/yaml.rs"]
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use promql::Expr;
use segue::metrics::{FAMILIES, Family, Kind, ON_SIGHT, PROCESS};
use serde_json::Value;

const DASHBOARDS: [&str; 3] = ["handoffs", "gateway", "capacity"];
/// What Prometheus itself knows of every target.
const OF_PROMETHEUS: [&str; 3] = ["up", "scrape_duration_seconds", "scrape_samples_scraped"];

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("dashboards")
        .join(file)
}

fn text(file: &str) -> String {
    fs::read_to_string(here(file)).unwrap_or_else(|why| panic!("{file}: {why}"))
}

fn dashboard(name: &str) -> Value {
    serde_json::from_str(&text(&format!("{name}.json")))
        .unwrap_or_else(|why| panic!("{name}: {why}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The rules of a file, alerting or recording.
fn rules(file: &str) -> Vec<Value> {
    let document = yaml::read(&here(file));
    let groups = list(&document["groups"]).iter();
    groups
        .flat_map(|group| list(&group["rules"]).to_vec())
        .collect()
}

fn alerts() -> BTreeMap<String, Value> {
    let all = rules("rules/alerts.yaml").into_iter();
    all.map(|rule| (word(&rule["alert"]).to_owned(), rule))
        .collect()
}

/// Every expression there is, and where it stands.
fn expressions() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        for panel in lint::panels(&dashboard) {
            for expr in lint::expressions(panel) {
                all.push((
                    format!("{name}: {}", word(&panel["title"])),
                    expr.to_owned(),
                ));
            }
        }
        for one in list(&dashboard["annotations"]["list"]) {
            if let Some(expr) = one["expr"].as_str() {
                all.push((format!("{name}: {}", one["name"]), expr.to_owned()));
            }
        }
        for one in list(&dashboard["templating"]["list"]) {
            let query = one["query"]["query"].as_str().unwrap_or_default();
            let inner = query.trim_start_matches("label_values(").rsplit_once(", ");
            if let Some((series, _)) = inner {
                all.push((
                    format!("{name}: ${}", word(&one["name"])),
                    series.to_owned(),
                ));
            }
        }
    }
    for rule in rules("rules/recording.yaml")
        .iter()
        .chain(&rules("rules/alerts.yaml"))
    {
        let name = rule["alert"].as_str().or(rule["record"].as_str());
        all.push((
            name.expect("a name").to_owned(),
            word(&rule["expr"]).to_owned(),
        ));
    }
    all
}

fn read(place: &str, expr: &str) -> Expr {
    promql::parse(expr).unwrap_or_else(|why| panic!("{place}: {why}: {expr}"))
}

fn families() -> impl Iterator<Item = &'static Family> {
    FAMILIES.iter().chain(ON_SIGHT).chain(PROCESS)
}

/// The family a series belongs to, if it is one of ours.
fn family(series: &str) -> Option<&'static Family> {
    let of_histogram = |family: &&Family| {
        let end = series.strip_prefix(family.name);
        matches!(family.kind, Kind::Histogram(_))
            && matches!(end, Some("_bucket" | "_sum" | "_count"))
    };
    families()
        .find(|family| family.name == series && !matches!(family.kind, Kind::Histogram(_)))
        .or_else(|| families().find(of_histogram))
}

#[test]
fn the_dashboards_keep_all_rules_of_the_linter() {
    for name in DASHBOARDS {
        let faults = lint::faults(&dashboard(name));
        assert!(faults.is_empty(), "{name}: {faults:#?}");
    }
}

/// Spoils one place of a good dashboard; exactly that rule must notice.
fn check_notices(rule: &str, pointer: &str, spoilt: Value) {
    let mut dashboard = dashboard("handoffs");
    let place = dashboard.pointer_mut(pointer);
    *place.unwrap_or_else(|| panic!("nothing at {pointer}")) = spoilt;
    let faults = lint::faults(&dashboard);
    let noticed = faults
        .iter()
        .any(|fault| fault.starts_with(&format!("{rule}:")));
    assert!(noticed, "{rule} was not noticed: {faults:?}");
}

#[test]
fn each_rule_of_the_linter_notices_what_it_is_there_for() {
    let target = "/panels/1/targets/0/expr";
    let good = r#"job=~"$job",instance=~"$instance""#;
    check_notices("uneditable-dashboard", "/editable", true.into());
    check_notices(
        "template-datasource",
        "/templating/list/0/label",
        "Source".into(),
    );
    check_notices("template-job", "/templating/list/1/allValue", ".*".into());
    check_notices(
        "template-instance",
        "/templating/list/2/multi",
        false.into(),
    );
    check_notices(
        "template-label-promql",
        "/templating/list/2/query/query",
        "label_values(up{, instance)".into(),
    );
    check_notices(
        "template-on-time-change-reload",
        "/templating/list/1/refresh",
        1.into(),
    );
    check_notices(
        "panel-datasource",
        "/panels/1/datasource/uid",
        "prometheus".into(),
    );
    check_notices(
        "panel-title-description",
        "/panels/1/description",
        "".into(),
    );
    check_notices(
        "panel-units",
        "/panels/1/fieldConfig/defaults/unit",
        "furlongs".into(),
    );
    check_notices(
        "panel-no-targets",
        "/panels/1/targets",
        Value::Array(Vec::new()),
    );
    check_notices(
        "target-logql",
        "/panels/1/targets/0/datasource/type",
        "loki".into(),
    );
    check_notices("target-logql-auto", target, "sum(x{} | json)".into());
    check_notices("target-promql", target, "sum(".into());
    check_notices(
        "target-rate-interval",
        target,
        format!("rate(x_total{{{good}}}[5m])").into(),
    );
    check_notices("target-job", target, r#"x{instance=~"$instance"}"#.into());
    check_notices("target-instance", target, r#"x{job=~"$job"}"#.into());
    check_notices(
        "target-counter-agg",
        target,
        format!("sum(x_total{{{good}}})").into(),
    );
}

#[test]
fn the_dashboards_are_whole() {
    let mut uids = BTreeSet::new();
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        assert_eq!(dashboard["schemaVersion"], 42, "{name}");
        assert_eq!(dashboard["uid"], format!("segue-{name}"));
        assert!(uids.insert(word(&dashboard["title"]).to_owned()), "{name}");
        let links: Vec<&str> = list(&dashboard["links"])
            .iter()
            .map(|link| word(&link["type"]))
            .collect();
        assert_eq!(
            links,
            ["dashboards", "link"],
            "{name}: to its siblings and to the runbook"
        );
        let mut ids = BTreeSet::new();
        let rows = list(&dashboard["panels"]);
        let open = rows.iter().filter(|panel| panel["type"] != "row").count();
        assert!(open <= 25, "{name}: {open} panels are open at once");
        let mut titles = BTreeSet::new();
        for panel in lint::panels(&dashboard)
            .into_iter()
            .chain(rows.iter().filter(|one| one["type"] == "row"))
        {
            let title = word(&panel["title"]);
            assert!(
                ids.insert(panel["id"].as_u64()),
                "{name}: {title}: its id stands twice"
            );
            assert!(
                titles.insert(title),
                "{name}: {title}: the title stands twice"
            );
            if panel["type"] == "stat" {
                assert!(
                    panel["fieldConfig"]["defaults"]["noValue"].is_string(),
                    "{name}: {title}: says nothing on nothing"
                );
            }
            let refs: BTreeSet<_> = list(&panel["targets"])
                .iter()
                .map(|target| target["refId"].to_string())
                .collect();
            assert_eq!(refs.len(), list(&panel["targets"]).len(), "{name}: {title}");
        }
    }
}

#[test]
fn every_description_tells_the_formula_and_what_to_do() {
    let mut faults = Vec::new();
    for name in DASHBOARDS {
        for panel in lint::panels(&dashboard(name)) {
            let (title, description) = (word(&panel["title"]), word(&panel["description"]));
            let found = told::faults(description, lint::expressions(panel));
            faults.extend(
                found
                    .into_iter()
                    .map(|fault| format!("{name}: {title}: {fault}")),
            );
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_two_panels_lie_on_each_other() {
    let side = |panel: &Value, side: &str| panel["gridPos"][side].as_u64().expect("a number");
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        let panels = lint::panels(&dashboard);
        for (at, a) in panels.iter().enumerate() {
            assert!(side(a, "x") + side(a, "w") <= 24, "{name}: {}", a["title"]);
            for b in &panels[at + 1..] {
                let beside = |near: &str, long: &str| {
                    side(a, near) + side(a, long) <= side(b, near)
                        || side(b, near) + side(b, long) <= side(a, near)
                };
                assert!(
                    beside("x", "w") || beside("y", "h"),
                    "{name}: {} and {}",
                    a["title"],
                    b["title"]
                );
            }
        }
    }
}

/// What is recorded, and from what.
fn recorded() -> BTreeMap<String, String> {
    let text = |value: &Value| word(value).to_owned();
    rules("rules/recording.yaml")
        .iter()
        .map(|rule| (text(&rule["record"]), text(&rule["expr"])))
        .collect()
}
