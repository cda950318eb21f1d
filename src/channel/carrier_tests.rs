//! The carrier against servers on this machine that behave badly.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::Method;
use axum::response::Redirect;
use axum::routing::post;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::channel::circuit::FAILURES_MAX;
use crate::channel::twilio::{Sender, Twilio, TwilioSettings};

fn twilio() -> Twilio {
    Twilio::new(TwilioSettings {
        name: "wa".into(),
        account_sid: "AC1".into(),
        auth_tokens: vec!["12345".into()],
        shared_keys: Vec::new(),
        sender: Sender::From("+1500".into()),
        public_url: "https://h.example".into(),
        status_path: None,
        api_base_url: None,
    })
}

fn carrier() -> Carrier {
    let timeouts = Timeouts {
        connect: Duration::from_millis(200),
        total: Duration::from_millis(400),
    };
    Carrier::new(timeouts, 2).expect("a client")
}

fn call(base: &str, path: &str) -> Call {
    Call {
        method: Method::POST,
        url: format!("{base}{path}"),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"Body=hi"),
    }
}

/// A provider with one route for each way to behave, and a count of the calls it took.
async fn provider() -> (String, Arc<AtomicUsize>) {
    const CREATED: &str = r#"{"sid":"SM1"}"#;
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let app = Router::new()
        .route(
            "/created",
            post(|| async { (StatusCode::CREATED, CREATED) }),
        )
        .route(
            "/slow",
            post(|| async {
                tokio::time::sleep(Duration::from_secs(5)).await;
                CREATED
            }),
        )
        .route(
            "/busy",
            post(|| async {
                let body = r#"{"code":20429}"#;
                (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3")], body)
            }),
        )
        .route("/broken", post(|| async { StatusCode::BAD_GATEWAY }))
        .route("/away", post(|| async { Redirect::temporary("/created") }))
        .route("/huge", post(|| async { vec![b' '; 8 * 1024 * 1024] }))
        .route(
            "/huge-refusal",
            post(|| async { (StatusCode::BAD_REQUEST, vec![b'x'; 8 * 1024 * 1024]) }),
        )
        .layer(axum::middleware::map_request(
            move |request: axum::extract::Request| {
                count.fetch_add(1, Ordering::SeqCst);
                std::future::ready(request)
            },
        ));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (base, taken)
}

/// A server that reads a request, writes `answer` and hangs up.
async fn hangs_up_after(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _read = stream.read(&mut request).await;
            let _written = stream.write_all(answer.as_bytes()).await;
        }
    });
    base
}

/// A port that nobody listens on.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

async fn check(base: &str, path: &str, expected: Attempt) {
    let attempt = carrier().carry(&twilio(), &[call(base, path)]).await;
    assert_eq!(attempt, expected, "{path}");
}

async fn check_unknown(base: &str, path: &str, detail: &str) {
    let attempt = carrier().carry(&twilio(), &[call(base, path)]).await;
    let Attempt::Unknown { detail: seen } = attempt else {
        panic!("{path}: {attempt:?}");
    };
    assert!(seen.contains(detail), "{path}: {seen}");
    assert!(!seen.contains("127.0.0.1"), "no URL in {seen}");
}

fn accepted() -> Attempt {
    Attempt::Accepted {
        provider_id: "SM1".into(),
    }
}

#[tokio::test]
async fn an_answer_is_read_by_the_channel() {
    let (base, _) = provider().await;
    check(&base, "/created", accepted()).await;
    let busy = rejected("20429", FailureCause::RateLimited, Retry::After(3_000));
    check(&base, "/busy", busy).await;
}

#[tokio::test]
async fn only_a_connection_that_was_not_made_is_surely_no_delivery() {
    let refused = rejected("connect", FailureCause::ProviderError, Retry::Soon);
    check(&nobody().await, "/", refused).await;
    let (base, _) = provider().await;
    check_unknown(&base, "/slow", "no answer within 400 ms").await;
    check_unknown(&hangs_up_after("").await, "/", "error sending request: ").await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_counts_by_its_status() {
    let half = "HTTP/1.1 201 Created\r\ncontent-length: 500\r\n\r\n{\"sid\":";
    check_unknown(&hangs_up_after(half).await, "/", "answer 201").await;
    let refusal = "HTTP/1.1 404 Not Found\r\ncontent-length: 500\r\n\r\n<html";
    let never = rejected("http_404", FailureCause::ProviderError, Retry::Never);
    check(&hangs_up_after(refusal).await, "/", never).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (base, taken) = provider().await;
    let refused = rejected("http_307", FailureCause::ProviderError, Retry::Never);
    check(&base, "/away", refused).await;
    assert_eq!(taken.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_huge_answer_is_read_to_the_limit() {
    let (base, _) = provider().await;
    check_unknown(&base, "/huge", "answer 200").await;
    let refused = rejected("http_400", FailureCause::ProviderError, Retry::Never);
    check(&base, "/huge-refusal", refused).await;
}

#[tokio::test]
async fn a_url_that_is_none_is_never_tried_again() {
    let refused = rejected("bad_request", FailureCause::Other, Retry::Never);
    check("http://", "", refused).await;
}

#[tokio::test]
async fn a_failure_stops_the_parts_and_says_what_was_sent() {
    let (base, taken) = provider().await;
    let paths = ["/created", "/busy", "/created"].map(|path| call(&base, path));
    let attempt = carrier().carry(&twilio(), &paths).await;
    let detail = "1 of 3 parts were accepted, then: 20429".to_owned();
    assert_eq!(attempt, Attempt::Unknown { detail });
    assert_eq!(taken.load(Ordering::SeqCst), 2);
    let paths = ["/created", "/created"].map(|path| call(&base, path));
    assert_eq!(carrier().carry(&twilio(), &paths).await, accepted());
}

#[tokio::test]
async fn it_makes_one_attempt_and_opens_the_circuit_of_a_host_that_is_down() {
    let (base, taken) = provider().await;
    let (carrier, twilio) = (carrier(), twilio());
    for _ in 0..FAILURES_MAX {
        let attempt = carrier.carry(&twilio, &[call(&base, "/broken")]).await;
        assert!(matches!(attempt, Attempt::Unknown { .. }), "{attempt:?}");
    }
    assert_eq!(carrier.circuit(&base), Circuit::Open);
    assert_eq!(carrier.troubled().len(), 1);
    let attempt = carrier.carry(&twilio, &[call(&base, "/created")]).await;
    let Attempt::Rejected {
        code,
        retry: Retry::After(ms),
        ..
    } = attempt
    else {
        panic!("{attempt:?}");
    };
    assert_eq!(code, "circuit_open");
    assert!((1..=10_000).contains(&ms), "{ms}");
    let five = usize::try_from(FAILURES_MAX).expect("a small number");
    assert_eq!(
        taken.load(Ordering::SeqCst),
        five,
        "one attempt each, none through the open circuit"
    );
}

#[tokio::test]
async fn slots_are_bounded_and_given_back() {
    let (base, taken) = provider().await;
    let carrier = carrier();
    let held = [carrier.slot(), carrier.slot()];
    assert!(held.iter().all(Result::is_ok));
    let attempt = carrier.carry(&twilio(), &[call(&base, "/created")]).await;
    assert_eq!(
        attempt,
        rejected("busy", FailureCause::RateLimited, Retry::Soon)
    );
    assert_eq!((carrier.free_slots(), taken.load(Ordering::SeqCst)), (0, 0));
    drop(held);
    assert_eq!(carrier.free_slots(), 2);
    assert_eq!(
        carrier.carry(&twilio(), &[call(&base, "/created")]).await,
        accepted()
    );
    assert_eq!(carrier.free_slots(), 2);
}

#[test]
fn a_circuit_is_kept_by_host_and_port() {
    for (url, expected) in [
        ("https://api.twilio.com/2010-04-01/x", "api.twilio.com"),
        ("http://user:pass@h.example:8080?x", "h.example:8080"),
        ("h.example", "h.example"),
    ] {
        assert_eq!(host(url), expected);
    }
}

#[tokio::test]
async fn the_parts_that_follow_a_takeover_stay_away() {
    let (base, taken) = provider().await;
    let calls = [
        call(&base, "/created"),
        call(&base, "/created"),
        call(&base, "/created"),
    ];
    let carrier = carrier();
    let slot = carrier.slot().expect("a free line");
    // The person takes over while the second part is on its way.
    let may_go_on = || taken.load(Ordering::SeqCst) < 2;
    let attempt = carrier.carry_in(slot, &twilio(), &calls, may_go_on).await;
    assert_eq!(taken.load(Ordering::SeqCst), 2);
    assert_eq!(
        attempt,
        rejected(CUT_SHORT, FailureCause::Other, Retry::Never)
    );
}

#[tokio::test]
async fn who_waits_too_long_for_a_line_has_surely_not_left() {
    let carrier = carrier();
    let _both = (carrier.slot(), carrier.slot());
    let waited = carrier.slot_within(Duration::from_millis(20)).await;
    assert!(waited.is_err());
}
