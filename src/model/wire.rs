//! What the two wire formats have in common: the words of an answer, the tools, and the meaning of a refusal.
//!
//! The HTTP status decides what a refusal means; the provider's own words only refine it, because compatible servers
//! invent their own (a gateway answers 429 with `throttling_error`). Of those words only short codes are kept: messages
//! of providers quote the request, and the request quotes the customer. Pure; nothing here calls anybody.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::leads::Leads;
use super::settings::TokenField;
use crate::conversation::words::ModelFault;
use crate::secret::Secret;
use crate::triage::ASSESS;

/// The most text of one answer, in bytes; a longer one is given up.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The most tools one answer may call.
pub const TOOL_CALLS_MAX: usize = 16;
/// The longest code of a provider that is kept.
const CODE_BYTES_MAX: usize = 64;

/// The tool that fetches a person.
pub const ESCALATE: &str = "escalate";
/// The tool with which the model says that it does not know.
pub const NOT_SURE: &str = "not_sure";
/// The reasons that the escalation tool offers; `verdict` maps them to ours.
pub const ESCALATE_REASONS: [&str; 7] = [
    "user_asked",
    "low_confidence",
    "out_of_scope",
    "policy",
    "sensitive",
    "urgent",
    "error",
];

/// An answer as the provider gave it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reply {
    /// Its text, all of it.
    pub text: String,
    /// The tools it called.
    pub tools: Vec<ToolCall>,
    /// Why it ended.
    pub finish: Finish,
    /// What it cost, as far as the provider said.
    pub tokens: Tokens,
}

/// One call of a tool.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ToolCall {
    /// Which.
    pub name: String,
    /// Its arguments as JSON text, exactly as they came.
    pub arguments: String,
}

/// Why an answer ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Finish {
    /// It was all said.
    #[default]
    Complete,
    /// The limit of tokens cut it.
    Length,
    /// The provider's filter held it back, or the model refused.
    Filtered,
    /// A reason this version does not know.
    Other,
}

/// Tokens, as a provider counts them. Zero: it did not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tokens {
    /// Read, cached ones included.
    pub input: u64,
    /// Of those, from the cache.
    pub cached: u64,
    /// Written.
    pub output: u64,
}

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

/// Which API is spoken, with what it needs to be told apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// Anthropic's Messages; the version header.
    Anthropic {
        /// The value of `anthropic-version`.
        version: String,
    },
    /// OpenAI's Chat Completions.
    OpenAi {
        /// The name of the token limit.
        limit: TokenField,
    },
}

impl Dialect {
    /// The full address of a call, from the configured base.
    pub fn url(&self, base: Option<&str>) -> String {
        let (own, path) = match self {
            Self::Anthropic { .. } => ("https://api.anthropic.com", "/v1/messages"),
            Self::OpenAi { .. } => ("https://api.openai.com/v1", "/chat/completions"),
        };
        format!("{}{path}", base.unwrap_or(own).trim_end_matches('/'))
    }

    /// The headers of a call besides the content type. The key is only in here.
    pub fn headers(&self, key: Option<&Secret>) -> Vec<(&'static str, String)> {
        let mut headers = match self {
            Self::Anthropic { version } => vec![("anthropic-version", version.clone())],
            Self::OpenAi { .. } => Vec::new(),
        };
        if let Some(key) = key {
            headers.push(match self {
                Self::Anthropic { .. } => ("x-api-key", key.expose().to_owned()),
                Self::OpenAi { .. } => ("authorization", format!("Bearer {}", key.expose())),
            });
        }
        headers
    }
}

/// The tools that are offered with a question: name, what it is for, the schema of its arguments. `assess`: that tool too,
/// with the classes of leads that it may name.
pub fn tools(assess: Option<&Leads>) -> Vec<(&'static str, &'static str, Value)> {
    let mut tools = vec![
        (
            ESCALATE,
            "Hands the conversation to a person. Call it when the customer asks for one, when the matter is outside \
             what you may handle, or when you cannot help. The customer is told by the system, not by you.",
            json!({
                "type": "object",
                "properties": {
                    "reason": {"type": "string", "enum": ESCALATE_REASONS},
                    "summary": {"type": "string", "description": "One or two sentences for the person who takes over."},
                },
                "required": ["reason", "summary"],
            }),
        ),
        (
            NOT_SURE,
            "Says that the given information does not answer the customer's question. Call it instead of guessing.",
            json!({
                "type": "object",
                "properties": {"question": {"type": "string", "description": "What could not be answered."}},
                "required": ["question"],
            }),
        ),
    ];
    if let Some(leads) = assess {
        tools.push(assessing(leads));
    }
    tools
}

fn assessing(leads: &Leads) -> (&'static str, &'static str, Value) {
    (
        ASSESS,
        "Says what you make of the customer's message and of your own answer to it. Nobody but the system reads it.",
        json!({
            "type": "object",
            "properties": {
                "intent": {"type": "string", "description": "What the customer wants, in one or two words."},
                "sentiment": {"type": "string", "enum": ["negative", "neutral", "positive"]},
                "sensitive": {"type": "boolean", "description": "Whether the matter is a sensitive one."},
                "confidence": {"type": "integer", "minimum": 0, "maximum": 100,
                               "description": "How sure you are of your answer, in percent."},
                "lead_class": leads.class(),
                "category": leads.category(),
            },
            "required": ["intent", "sentiment", "sensitive", "confidence"],
        }),
    )
}

/// A request's body as JSON; `bytes` is about how long its texts are.
pub fn written(body: &impl Serialize, bytes: usize) -> String {
    // Escapes, names and the tools come on top.
    let mut json = Vec::with_capacity(bytes + bytes / 8 + 2_048);
    serde_json::to_writer(&mut json, body).expect("plain data with text keys is always JSON");
    String::from_utf8(json).expect("JSON is UTF-8")
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

/// Adds to the text of an answer within its bound.
pub(super) fn append(text: &mut String, more: &str) -> Result<(), Refused> {
    if text.len() + more.len() > ANSWER_BYTES_MAX {
        return Err(Refused::garbled("the answer is too long"));
    }
    text.push_str(more);
    Ok(())
}

/// A number of a JSON object, zero if it is missing or odd.
pub(super) fn number(value: &Value, path: &str) -> u64 {
    value.pointer(path).and_then(Value::as_u64).unwrap_or(0)
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

    #[test]
    fn base_addresses_and_headers_are_the_providers() {
        let anthropic = Dialect::Anthropic {
            version: "v".to_owned(),
        };
        let openai = Dialect::OpenAi {
            limit: TokenField::default(),
        };
        assert_eq!(anthropic.url(None), "https://api.anthropic.com/v1/messages");
        assert_eq!(anthropic.url(Some("http://h:1/")), "http://h:1/v1/messages");
        assert_eq!(
            openai.url(Some("http://h:1/v1")),
            "http://h:1/v1/chat/completions"
        );
        let key = Secret::from("k");
        assert_eq!(
            anthropic.headers(Some(&key)),
            [
                ("anthropic-version", "v".to_owned()),
                ("x-api-key", "k".to_owned())
            ]
        );
        assert_eq!(
            openai.headers(Some(&key)),
            [("authorization", "Bearer k".to_owned())]
        );
        assert_eq!(openai.headers(None), []);
    }
}
