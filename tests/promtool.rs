//! Prometheus' own checker over a scrape, where it is installed; elsewhere this says so and proves nothing.

mod peers {
    pub mod skip;
}

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use segue::conversation::message::Medium;
use segue::metrics::{Figures, Metrics, ModelLabel, Names, OutboxFigure, TokioFigure};

use peers::skip::skipped;

#[test]
fn promtool_finds_no_fault_in_a_scrape() {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        return skipped("promtool check metrics", "it is not installed");
    };
    let metrics = Metrics::new(&Names {
        queues: vec!["with \"quotes\", and \\ and\nlines".to_owned()],
        models: vec![ModelLabel {
            provider: "openai".to_owned(),
            model: "gpt-x".to_owned(),
        }],
    });
    metrics.ingress(Medium::Sms, Duration::from_millis(3));
    let figures = Figures {
        ledger_imbalance: Some(0),
        slots: Some(Vec::new()),
        disk_free_bytes: Some(1),
        tokio: Some(TokioFigure::default()),
        outbox: Some(vec![OutboxFigure {
            medium: Medium::Sms,
            depth: 1,
            in_doubt: 0,
            parked: 0,
            oldest: Duration::ZERO,
        }]),
        ..Figures::default()
    };
    let scrape = metrics.render(&figures);
    let mut stdin = promtool.stdin.take().expect("it was piped");
    stdin.write_all(scrape.as_bytes()).expect("promtool reads");
    drop(stdin);
    let done = promtool.wait_with_output().expect("promtool ends");
    let said = [done.stdout, done.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(done.status.success() && said.trim().is_empty(), "{said}");
}
