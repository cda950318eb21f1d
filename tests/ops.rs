//! The operations listener, asked as Prometheus, a load balancer and a person would.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use segue::http::ops::{Conditions, Ops, Readiness, router};
use segue::metrics::{AgentState, Complaint, Figures, Metrics, Names, QueueFigure, Sight, Slow};
use tower::ServiceExt;

const GOOD: Conditions = Conditions {
    recovered: true,
    store_writable: true,
    accepting: true,
    not_draining: true,
};

struct Seen(Conditions);

impl Readiness for Seen {
    fn conditions(&self) -> Conditions {
        self.0
    }
}

impl Sight for Seen {
    fn figures(&self) -> Figures {
        Figures {
            queues: vec![QueueFigure {
                queue: "<script>alert('x')</script>".into(),
                waiting: 3,
                oldest: Duration::from_secs(61),
                open: true,
            }],
            agents: vec![("sales".into(), AgentState::Away, 1)],
            ..Figures::default()
        }
    }

    fn slowest(&self) -> Vec<Slow> {
        vec![Slow {
            conversation: "c0123".to_owned(),
            event: "customer_wrote",
            at: "2026-01-01T00:00:00.000Z".to_owned(),
            total_ms: 812,
            waited_ms: 800,
            decided_ms: 1,
        }]
    }

    fn complaints(&self) -> Vec<Complaint> {
        vec![Complaint {
            at: "2026-01-01T00:00:00.000Z".to_owned(),
            level: "error",
            target: "segue::store".to_owned(),
            text: "no room <b>on</b> the disk conversation=c0456 code=7".to_owned(),
        }]
    }
}

struct Got {
    status: StatusCode,
    kind: String,
    body: String,
}

async fn ask(conditions: Conditions, method: &str, path: &str) -> Got {
    ask_for(conditions, method, path, "*/*").await
}

async fn ask_for(conditions: Conditions, method: &str, path: &str, accept: &str) -> Got {
    let ops = Ops {
        metrics: Arc::new(Metrics::new(&Names::default())),
        sight: Arc::new(Seen(conditions)),
        readiness: Arc::new(Seen(conditions)),
    };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("accept", accept)
        .body(Body::empty())
        .expect("a request");
    let response = router(ops)
        .oneshot(request)
        .await
        .expect("a router always answers");
    let kind = response
        .headers()
        .get("content-type")
        .map_or("", |kind| kind.to_str().expect("text"));
    let (status, kind) = (response.status(), kind.to_owned());
    let bytes = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    Got {
        status,
        kind,
        body: String::from_utf8(bytes.to_vec()).expect("text"),
    }
}

async fn check(path: &str, status: StatusCode, kind: &str, holds: &str) {
    let got = ask(GOOD, "GET", path).await;
    assert_eq!((got.status, got.kind.as_str()), (status, kind), "{path}");
    assert!(got.body.contains(holds), "{path}: {}", got.body);
}

#[tokio::test]
async fn every_route_answers_in_its_own_format() {
    let (text, html) = ("text/plain; charset=utf-8", "text/html; charset=utf-8");
    check(
        "/metrics",
        StatusCode::OK,
        "text/plain; version=0.0.4; charset=utf-8",
        "\nsegue_ready 1\n",
    )
    .await;
    check("/healthz", StatusCode::OK, text, "ok").await;
    check(
        "/readyz",
        StatusCode::OK,
        "application/json",
        "\"ready\":true",
    )
    .await;
    check("/", StatusCode::OK, html, "href=\"/metrics\"").await;
    check("/status", StatusCode::OK, html, "61 s").await;
    check("/elsewhere", StatusCode::NOT_FOUND, text, "nothing here").await;
}

async fn check_unready(conditions: Conditions, named: &str) {
    let got = ask(conditions, "GET", "/readyz").await;
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE, "{named}");
    let json: serde_json::Value = serde_json::from_str(&got.body).expect("JSON");
    assert_eq!(json["ready"], false);
    let no: Vec<&String> = json["conditions"]
        .as_object()
        .expect("named conditions")
        .iter()
        .filter(|(_, holds)| **holds == false)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(no, [named]);
    let scrape = ask(conditions, "GET", "/metrics").await;
    assert!(scrape.body.contains("\nsegue_ready 0\n"), "{named}");
}

#[tokio::test]
async fn each_condition_alone_makes_it_not_ready_and_is_named() {
    check_unready(
        Conditions {
            recovered: false,
            ..GOOD
        },
        "recovered",
    )
    .await;
    check_unready(
        Conditions {
            store_writable: false,
            ..GOOD
        },
        "store_writable",
    )
    .await;
    check_unready(
        Conditions {
            accepting: false,
            ..GOOD
        },
        "accepting",
    )
    .await;
    check_unready(
        Conditions {
            not_draining: false,
            ..GOOD
        },
        "not_draining",
    )
    .await;
}

#[tokio::test]
async fn a_name_cannot_break_out_of_the_status_page() {
    let got = ask(GOOD, "GET", "/status").await;
    assert!(!got.body.contains("<script"), "{}", got.body);
    assert!(
        got.body.contains("&lt;script&gt;alert(&#39;x&#39;)"),
        "{}",
        got.body
    );
}

#[tokio::test]
async fn nothing_here_can_be_changed() {
    for path in ["/metrics", "/readyz", "/status", "/"] {
        assert_eq!(
            ask(GOOD, "POST", path).await.status,
            StatusCode::METHOD_NOT_ALLOWED,
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_status_page_is_json_for_programs_and_html_for_people() {
    let got = ask_for(GOOD, "GET", "/status", "application/json").await;
    assert_eq!(
        (got.status, got.kind.as_str()),
        (StatusCode::OK, "application/json")
    );
    let status: serde_json::Value = serde_json::from_str(&got.body).expect("JSON");
    assert_eq!(status["ready"], true);
    assert_eq!(status["queues"][0]["waiting"], 3);
    assert_eq!(status["slowest"][0]["total_ms"], 812);
    assert_eq!(status["last_errors"][0]["level"], "error");
    let explain = |id: &str| format!("/api/v1/conversations/{id}/explain");
    assert_eq!(status["slowest"][0]["explain"], explain("c0123"));
    assert_eq!(status["last_errors"][0]["explain"], explain("c0456"));
    let browser = "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8";
    let got = ask_for(GOOD, "GET", "/status", browser).await;
    assert_eq!(got.kind, "text/html; charset=utf-8");
    for shown in [
        "c0123",
        "812 ms",
        "no room &lt;b&gt;on&lt;/b&gt; the disk",
        "/api/v1/conversations/c0123/explain",
        "/api/v1/conversations/c0456/explain",
        "handoff ledger (0 always)",
        "its commit was not named when it was built",
    ] {
        assert!(got.body.contains(shown), "{shown} is not in {}", got.body);
    }
}
