//! What promtool and amtool say, where they are; skipped visibly elsewhere.

use std::fs;
use std::io::{Write as _, stderr};
use std::process::Command;

use crate::{dashboard, expressions, here, lint};

/// Runs a tool of Prometheus; what it says, or what it says when it finds a fault; none where it is not installed.
fn tool(name: &str, arguments: &[&str]) -> Option<Result<String, String>> {
    let output = Command::new(name)
        .args(arguments)
        .current_dir(here(""))
        .output();
    let Ok(output) = output else {
        let required = std::env::var_os("SEGUE_PEERS").is_some_and(|wish| wish == "required");
        assert!(!required, "{name} is not installed");
        writeln!(
            stderr(),
            "SKIPPED: {name} {arguments:?}: it is not installed"
        )
        .expect("standard error is open");
        return None;
    };
    // What it remarks beside a good answer is no part of it.
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    let remarks = String::from_utf8_lossy(&output.stderr);
    Some(if output.status.success() {
        Ok(answer)
    } else {
        Err(answer + &remarks)
    })
}

fn check_promtool(arguments: &[&str]) {
    if let Some(Err(said)) = tool("promtool", arguments) {
        panic!("promtool {arguments:?}: {said}");
    }
}

/// Whom an alert with these labels reaches, as Alertmanager itself says.
fn check_goes_to(labels: &[&str], receiver: &str) {
    let mut arguments = vec!["config", "routes", "test", "--config.file=alertmanager.yml"];
    arguments.extend(labels);
    match tool("amtool", &arguments) {
        Some(Ok(said)) => assert_eq!(said.trim(), receiver, "{labels:?}"),
        Some(Err(said)) => panic!("{labels:?}: {said}"),
        None => {}
    }
}

#[test]
fn alertmanager_takes_its_configuration_and_sends_each_alert_where_it_should() {
    if let Some(Err(said)) = tool("amtool", &["check-config", "alertmanager.yml"]) {
        panic!("{said}");
    }
    check_goes_to(&["alertname=SegueDown", "severity=page"], "pager");
    check_goes_to(&["alertname=SegueParked", "severity=ticket"], "tickets");
    let watchdog = ["alertname=SegueWatchdog", "severity=none"];
    check_goes_to(&watchdog, "dead-mans-switch");
}

#[test]
fn prometheus_finds_no_fault_in_its_configuration_and_in_the_rules() {
    check_promtool(&["check", "config", "prometheus.yml"]);
}

#[test]
fn every_alert_fires_when_it_should_and_only_then() {
    let files = fs::read_dir(here("rules/tests")).expect("the tests of the rules");
    let mut files: Vec<String> = files
        .map(|file| {
            file.expect("an entry")
                .path()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    files.sort();
    let mut arguments = vec!["test", "rules"];
    arguments.extend(files.iter().map(String::as_str));
    check_promtool(&arguments);
}

/// What a panel shows of handoffs by yesterday's customers: three asked for a person each minute, three episodes ended
/// without, none was opened.
fn check_handoff_rate(title: &str, labels: &str) {
    let dashboard = dashboard("handoffs");
    let panel = lint::panels(&dashboard)
        .into_iter()
        .find(|panel| panel["title"] == title)
        .unwrap_or_else(|| panic!("no panel {title}"));
    let expr = lint::expressions(panel).next().expect("a target");
    let expr = expr.replace("$__rate_interval", "10m");
    let expr = expr.replace("$__range", "10m");
    let expr = ["job", "instance", "channel"]
        .iter()
        .fold(expr, |expr, name| expr.replace(&format!("${name}"), ".+"));
    let series = |name: &str, values: &str| {
        format!(
            "      - series: '{name}{{job=\"segue\",instance=\"a:9090\",channel=\"sms\"}}'\n        values: '{values}'\n"
        )
    };
    let written = format!(
        "evaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n{}{}{}{}    promql_expr_test:\n      \
         - expr: '{expr}'\n        eval_time: 30m\n        exp_samples: [{{labels: '{labels}', value: 0.5}}]\n",
        series("segue_conversations_opened_total", "100x40"),
        series("segue_conversations_eligible_total", "100x40"),
        series("segue_conversations_handed_off_total", "0+3x40"),
        series("segue_conversations_contained_total", "0+3x40"),
    );
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("rate.yaml");
    fs::write(&file, written).expect("it is written");
    check_promtool(&["test", "rules", &file.to_string_lossy()]);
}

#[test]
fn a_rate_of_handoffs_never_exceeds_the_whole() {
    check_handoff_rate("Handoff rate over time", r#"{channel="sms"}"#);
    check_handoff_rate("Handoff rate", "{}");
}

#[test]
fn prometheus_can_read_every_expression_of_the_dashboards() {
    let mut written = String::from("groups:\n  - name: panels\n    rules:\n");
    for (at, (_, expr)) in expressions().into_iter().enumerate() {
        let expr = expr
            .replace("$__rate_interval", "1m")
            .replace("$__range_s", "3600")
            .replace("$__range", "1h");
        written += &format!("      - record: panel:{at}\n        expr: >-\n          {expr}\n");
    }
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("panels.yaml");
    fs::write(&file, written).expect("it is written");
    check_promtool(&["check", "rules", &file.to_string_lossy()]);
}
