//! What it means that a provider gave no answer.
//!
//! The HTTP status decides what a refusal means; the provider's own words only refine it, because compatible servers
//! invent their own (a gateway answers 429 with `throttling_error`). Of those words only short codes are kept: messages
//! of providers quote the request, and the request quotes the customer. Pure.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::conversation::words::ModelFault;

/// The longest code of a provider that is kept.
const CODE_BYTES_MAX: usize = 64;

/// The provider gave no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// What kind of failure.
    pub fault: ModelFault,
    /// Whether the same call may succeed soon.
    pub retry: bool,
    /// How long the provider asked to wait.
    pub after: Option<Duration>,
    /// Status and code, for the log; never a message.
    pub detail: String,
}

impl Refused {
    /// A failure that only its kind says something about.
    pub fn new(fault: ModelFault, detail: impl Into<String>) -> Self {
        Self {
            fault,
            retry: fault.may_retry(),
            after: None,
            detail: detail.into(),
        }
    }

    /// The provider sent something that this version cannot read, or stopped in the middle.
    pub fn garbled(detail: &str) -> Self {
        Self::new(ModelFault::ServerError, detail)
    }
}

/// What an HTTP answer other than 200 means.
pub fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Refused {
    let code = serde_json::from_slice(body)
        .map(|body: Value| code_of(&body))
        .unwrap_or_default();
    let fault = fault_of(status);
    let spent = ["enforced_spend_limit_reached", "insufficient_quota"].contains(&code.as_str());
    let forbidden = headers
        .get("x-should-retry")
        .is_some_and(|value| value.as_bytes() == b"false");
    Refused {
        fault,
        retry: fault.may_retry() && !spent && !forbidden,
        after: retry_after(headers),
        detail: format!("http {} {code}", status.as_u16())
            .trim_end()
            .to_owned(),
    }
}

fn fault_of(status: StatusCode) -> ModelFault {
    match status.as_u16() {
        429 => ModelFault::RateLimited,
        401..=403 => ModelFault::Auth,
        // a request that took too long to arrive, or met another one: the same call may succeed
        408 | 409 => ModelFault::ServerError,
        500.. => ModelFault::ServerError,
        _ => ModelFault::BadRequest,
    }
}

/// What an error that came inside a stream means: by a status in it if there is one, else by its type.
pub fn refused_in_stream(body: &Value) -> Refused {
    let code = code_of(body);
    let error = body.get("error").unwrap_or(body);
    let status = error
        .get("code")
        .or_else(|| error.get("status"))
        .and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()))
        .and_then(|code| StatusCode::from_u16(u16::try_from(code).ok()?).ok());
    let fault = match (status, error.get("type").and_then(Value::as_str)) {
        (Some(status), _) => fault_of(status),
        (None, Some("rate_limit_error" | "rate_limit_exceeded")) => ModelFault::RateLimited,
        (None, Some("authentication_error" | "permission_error" | "billing_error")) => {
            ModelFault::Auth
        }
        (None, Some("invalid_request_error" | "not_found_error" | "request_too_large")) => {
            ModelFault::BadRequest
        }
        (None, Some(_) | None) => ModelFault::ServerError,
    };
    Refused::new(fault, format!("error in the stream {code}").trim_end())
}

/// The most telling short code of a provider's error, if it looks like a code.
fn code_of(body: &Value) -> String {
    let error = body.get("error").unwrap_or(body);
    [
        error.pointer("/details/error_code"),
        error.get("code"),
        error.get("type"),
    ]
    .into_iter()
    .flatten()
    .filter_map(Value::as_str)
    .find(|code| is_code(code))
    .unwrap_or_default()
    .to_owned()
}

fn is_code(text: &str) -> bool {
    (1..=CODE_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte)
        })
}

/// `retry-after-ms`, else `retry-after` in seconds. A date is not read: it would need the provider's clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| -> Option<f64> {
        let value: f64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
        (0.0..=86_400_000.0).contains(&value).then_some(value)
    };
    number("retry-after-ms")
        .map(|millis| millis / 1_000.0)
        .or_else(|| number("retry-after"))
        .map(Duration::from_secs_f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        status: u16,
        headers: &[(&'static str, &str)],
        body: &str,
        want: (ModelFault, bool, Option<u64>, &str),
    ) {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    axum::http::HeaderName::from_static(name),
                    value.parse().expect("a value"),
                )
            })
            .collect();
        let status = StatusCode::from_u16(status).expect("a status");
        let got = refused(status, &headers, body.as_bytes());
        let after = got
            .after
            .map(|after| u64::try_from(after.as_millis()).expect("small"));
        assert_eq!(
            (got.fault, got.retry, after, got.detail.as_str()),
            want,
            "{body}"
        );
    }

    #[test]
    fn the_status_decides_what_a_refusal_means() {
        use ModelFault::{RateLimited, ServerError};
        let overloaded =
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        check(
            529,
            &[],
            overloaded,
            (ServerError, true, None, "http 529 overloaded_error"),
        );
        check(
            429,
            &[("retry-after", "7")],
            "{}",
            (RateLimited, true, Some(7_000), "http 429"),
        );
        check(
            429,
            &[("retry-after-ms", "250"), ("retry-after", "7")],
            "",
            (RateLimited, true, Some(250), "http 429"),
        );
        check(
            429,
            &[("retry-after", "Sat, 21 Nov 2026 09:00:00 GMT")],
            "",
            (RateLimited, true, None, "http 429"),
        );
        let gateway = r#"{"error":{"message":"litellm.RateLimitError: Jane Roe +34600","type":"throttling_error","param":null,"code":"429"}}"#;
        check(429, &[], gateway, (RateLimited, true, None, "http 429 429"));
        let quota =
            r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota","message":"x"}}"#;
        check(
            429,
            &[],
            quota,
            (RateLimited, false, None, "http 429 insufficient_quota"),
        );
        let cap = r#"{"error":{"type":"rate_limit_error","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
        check(
            429,
            &[],
            cap,
            (
                RateLimited,
                false,
                None,
                "http 429 enforced_spend_limit_reached",
            ),
        );
    }

    #[test]
    fn statuses_alone_are_enough() {
        use ModelFault::{Auth, BadRequest, ServerError};
        for status in [401, 402, 403] {
            check(
                status,
                &[],
                "",
                (Auth, false, None, &format!("http {status}")),
            );
        }
        for status in [301, 400, 404, 413, 422] {
            check(
                status,
                &[],
                "",
                (BadRequest, false, None, &format!("http {status}")),
            );
        }
        for status in [408, 409, 500, 502, 504] {
            check(
                status,
                &[],
                "<html>",
                (ServerError, true, None, &format!("http {status}")),
            );
        }
        check(
            500,
            &[("x-should-retry", "false")],
            "",
            (ServerError, false, None, "http 500"),
        );
    }

    #[test]
    fn a_message_never_reaches_the_detail() {
        let body =
            r#"{"error":{"type":"Bad thing: my number is 600123456","message":"600123456"}}"#;
        check(
            400,
            &[],
            body,
            (ModelFault::BadRequest, false, None, "http 400"),
        );
    }

    #[test]
    fn an_error_inside_a_stream_is_understood() {
        use ModelFault::{Auth, RateLimited, ServerError};
        let fault =
            |text: &str| refused_in_stream(&serde_json::from_str(text).expect("json")).fault;
        assert_eq!(
            fault(r#"{"type":"error","error":{"type":"overloaded_error"}}"#),
            ServerError
        );
        assert_eq!(
            fault(r#"{"type":"error","error":{"type":"rate_limit_error"}}"#),
            RateLimited
        );
        assert_eq!(fault(r#"{"error":{"code":"401","message":"x"}}"#), Auth);
        assert_eq!(fault(r#"{"error":{"code":503}}"#), ServerError);
        assert_eq!(fault(r#"{"error":"boom"}"#), ServerError);
    }
}
