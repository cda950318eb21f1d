//! A real Prometheus, started on a configuration of its own, and what it answers.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use segue::clock::monotonic;
use serde_json::Value;

/// The longest anything here may take to start: other tests run beside it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that is killed when it is dropped.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone, if it fails.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The labels of a sample without those that say where it came from, and its value.
pub type Samples = BTreeMap<BTreeMap<String, String>, f64>;

/// A running Prometheus.
pub struct Prometheus {
    _process: Process,
    client: reqwest::Client,
    url: String,
}

/// A port that is free now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Asks `url` until it answers 2xx.
pub async fn wait_for(client: &reqwest::Client, url: &str) {
    let until = monotonic() + PATIENCE;
    loop {
        let answer = client.get(url).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        assert!(monotonic() < until, "{url} does not answer");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

impl Prometheus {
    /// Starts it in `dir`, looking once a second at these: job and port.
    pub async fn start(dir: &Path, client: reqwest::Client, targets: &[(&str, u16)]) -> Self {
        let mut text =
            String::from("global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n");
        for (job, port) in targets {
            text += &format!(
                "  - job_name: {job}\n    static_configs:\n      - targets: [\"127.0.0.1:{port}\"]\n"
            );
        }
        fs::write(dir.join("prometheus.yml"), text).expect("written");
        let port = free_port();
        let log = File::create(dir.join("prometheus.log")).expect("a log");
        let process = Command::new("prometheus")
            .arg(format!(
                "--config.file={}",
                dir.join("prometheus.yml").display()
            ))
            .arg(format!(
                "--storage.tsdb.path={}",
                dir.join("tsdb").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .spawn()
            .expect("it is installed: its version was asked");
        let process = Process(process);
        let url = format!("http://127.0.0.1:{port}");
        wait_for(&client, &format!("{url}/-/ready")).await;
        Self {
            _process: process,
            client,
            url,
        }
    }

    async fn ask(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let form: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = self.client.post(format!("{}{path}", self.url));
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let answer = request.send().await.expect("Prometheus answers");
        let text = answer.text().await.expect("a body");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(answer["status"], "success", "{fields:?}: {answer}");
        answer["data"]["result"].clone()
    }

    /// An expression at a moment (seconds since 1970; none: now).
    pub async fn query(&self, expr: &str, at: Option<f64>) -> Samples {
        let at = at.map(|at| format!("{at:.3}"));
        let mut fields = vec![("query", expr)];
        fields.extend(at.as_deref().map(|at| ("time", at)));
        let result = self.ask("/api/v1/query", &fields).await;
        let samples = result.as_array().expect("a vector").iter();
        samples
            .map(|sample| (labels(&sample["metric"]), number(&sample["value"][1])))
            .collect()
    }

    /// An expression over time, as Prometheus writes it.
    pub async fn range(&self, expr: &str, (from, to): (f64, f64)) -> Value {
        let (start, end) = (format!("{from:.3}"), format!("{to:.3}"));
        self.ask(
            "/api/v1/query_range",
            &[
                ("query", expr),
                ("start", &start),
                ("end", &end),
                ("step", "1"),
            ],
        )
        .await
    }

    /// The moment of the newest scrape of `job` after now: what is asked at that moment needs no guessing in between.
    pub async fn next_scrape(&self, job: &str) -> f64 {
        let newest = format!("max(timestamp(up{{job=\"{job}\"}}))");
        let stamp = async || {
            self.query(&newest, None)
                .await
                .into_values()
                .next()
                .unwrap_or(0.0)
        };
        let (before, until) = (stamp().await, monotonic() + PATIENCE);
        // The first one may have begun before now.
        let mut seen = before;
        for _ in 0..2 {
            let last = seen;
            while seen <= last {
                assert!(monotonic() < until, "{job} is not scraped");
                tokio::time::sleep(Duration::from_millis(100)).await;
                seen = stamp().await;
            }
        }
        seen
    }
}

fn number(value: &Value) -> f64 {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("a number")
}

fn labels(metric: &Value) -> BTreeMap<String, String> {
    let all = metric.as_object().expect("labels").iter();
    all.filter(|(label, _)| !["job", "instance", "__name__"].contains(&label.as_str()))
        .map(|(label, value)| (label.clone(), value.as_str().expect("a text").to_owned()))
        .collect()
}
