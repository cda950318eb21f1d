//! The spans: what each is called and says. Made here only, so that one look shows all that ever leaves.
//!
//! Model spans go by OpenTelemetry's conventions for generative AI (status: development). What they call content (prompts,
//! answers) is not among their fields.

use std::fmt::Display;
use std::time::Duration;

use axum::http::HeaderMap;
use opentelemetry::{Array, StringValue, Value};
use tracing::field::Empty;
use tracing::{Span, debug_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::{Cause, TARGET, is_on};

/// Names the span for whoever it is exported to, and says what it comes from. In a log line this would be noise.
fn begun(span: Span, name: impl FnOnce() -> String, kind: &str, cause: &Cause) -> Span {
    if is_on() && !span.is_disabled() {
        span.record("otel.name", name().as_str());
        span.record("otel.kind", kind);
        cause.lead_to(&span);
    }
    span
}

/// A webhook that proved who it is from, until its answer. `route` has the instance's name as a placeholder.
pub fn webhook(route: &'static str, instance: &str, channel: &str, headers: &HeaderMap) -> Span {
    let span = debug_span!(
        target: TARGET, parent: None, "webhook",
        instance, channel,
        "http.request.method" = "POST",
        "http.route" = route,
        "http.response.status_code" = Empty,
        "error.type" = Empty,
        "otel.name" = Empty, "otel.kind" = Empty, "otel.status_code" = Empty,
    );
    let cause = Cause::of_request(headers);
    begun(span, || format!("POST {route}"), "server", &cause)
}

/// What a webhook was answered.
pub fn answered(span: &Span, status: u16) {
    if span.is_disabled() {
        return;
    }
    span.record("http.response.status_code", i64::from(status));
    if status >= 500 {
        failed(span, &status.to_string());
    }
}

/// An event of a conversation, from its decision until that is durable. `waited`: in the mailbox, before.
pub fn event(
    conversation: &dyn Display,
    channel: &'static str,
    mode: &'static str,
    event: &'static str,
    waited: Duration,
    cause: &Cause,
) -> Span {
    let span = debug_span!(
        target: TARGET, parent: None, "event",
        %conversation, channel, mode, event,
        decision = Empty, then = Empty, facts = Empty,
        waited_ms = millis(waited),
        "otel.name" = Empty, "otel.kind" = Empty, "otel.status_code" = Empty,
    );
    begun(span, || format!("event {event}"), "internal", cause)
}

/// What became of an event: the answer's word, the mode afterwards, and the names of the new entries on the trail.
pub fn decided(
    span: &Span,
    decision: &'static str,
    then: &'static str,
    facts: impl Iterator<Item = &'static str>,
) {
    if span.is_disabled() {
        return;
    }
    span.record("decision", decision);
    span.record("then", then);
    let facts: Vec<&str> = facts.collect();
    if !facts.is_empty() {
        span.record("facts", facts.join(" ").as_str());
    }
}

/// A question to the AI: what is shown, what is found, and every attempt on every model.
pub fn answer(conversation: &dyn Display, channel: &'static str, ask: u64, cause: &Cause) -> Span {
    let span = debug_span!(
        target: TARGET, parent: None, "answer",
        %conversation, channel,
        ask = number(ask),
        outcome = Empty, model = Empty, first_shown_ms = Empty,
        "error.type" = Empty,
        "otel.name" = Empty, "otel.kind" = Empty, "otel.status_code" = Empty,
    );
    begun(span, || "answer".to_owned(), "internal", cause)
}

/// The first piece of an answer was shown to the customer, so long after the question.
pub fn first_shown(span: &Span, after: Duration) {
    span.record("first_shown_ms", millis(after));
}

/// The span in which this is called, for whoever ends it later; none while nothing is exported.
pub fn held() -> Span {
    if is_on() {
        Span::current()
    } else {
        Span::none()
    }
}

/// One attempt on one model, in the span of its question.
#[derive(Clone, Copy)]
pub struct Chat<'a> {
    /// Whose.
    pub conversation: &'a dyn Display,
    /// Whose API is spoken.
    pub provider: &'a str,
    /// The model.
    pub model: &'a str,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// The most that it may write; none: no such limit.
    pub max_tokens: Option<u32>,
}

/// See [`Chat`].
pub fn chat(call: Chat<'_>) -> Span {
    let Chat {
        conversation,
        provider,
        model,
        stream,
        max_tokens,
    } = call;
    let span = debug_span!(
        target: TARGET, "chat",
        "gen_ai.operation.name" = "chat",
        "gen_ai.provider.name" = provider,
        "gen_ai.request.model" = model,
        "gen_ai.request.stream" = stream,
        "gen_ai.request.max_tokens" = max_tokens.map(i64::from),
        "gen_ai.conversation.id" = %conversation,
        "gen_ai.response.time_to_first_chunk" = Empty,
        "gen_ai.usage.input_tokens" = Empty,
        "gen_ai.usage.cache_read.input_tokens" = Empty,
        "gen_ai.usage.output_tokens" = Empty,
        "server.address" = Empty, "server.port" = Empty,
        "http.response.status_code" = Empty,
        "error.type" = Empty,
        "otel.name" = Empty, "otel.kind" = Empty, "otel.status_code" = Empty,
    );
    let kind = if max_tokens.is_some() {
        "client"
    } else {
        "internal"
    };
    begun(span, || format!("chat {model}"), kind, &Cause::default())
}

/// Tokens of one attempt.
#[derive(Clone, Copy)]
pub struct Spent {
    /// Read, those from the cache included.
    pub input: u64,
    /// Of those, from the cache.
    pub cached: u64,
    /// Written.
    pub output: u64,
}

/// What an attempt cost.
pub fn spent(span: &Span, spent: Spent) {
    span.record("gen_ai.usage.input_tokens", number(spent.input));
    span.record("gen_ai.usage.output_tokens", number(spent.output));
    if spent.cached > 0 {
        span.record("gen_ai.usage.cache_read.input_tokens", number(spent.cached));
    }
}

/// The first piece of a streamed answer came, so long after the attempt began. In its span.
pub fn first_chunk(after: Duration) {
    if is_on() {
        Span::current().record("gen_ai.response.time_to_first_chunk", after.as_secs_f64());
    }
}

/// Why a model stopped writing, in the conventions' words. In the attempt's span.
pub fn finished(reason: &'static str) {
    if is_on() {
        let reasons = vec![StringValue::from(reason)];
        let reasons = Value::Array(Array::String(reasons));
        Span::current().set_attribute("gen_ai.response.finish_reasons", reasons);
    }
}

/// One attempt to send one message.
#[derive(Clone, Copy)]
pub struct Sending<'a> {
    /// Whose conversation.
    pub conversation: &'a dyn Display,
    /// The medium.
    pub channel: &'static str,
    /// What kind of message.
    pub class: &'static str,
    /// Which message.
    pub message: u64,
    /// The how-manyth attempt, from 1.
    pub attempt: u16,
}

/// See [`Sending`]: from its release until its outcome is known.
pub fn send(sending: Sending<'_>, cause: &Cause) -> Span {
    let Sending {
        conversation,
        channel,
        class,
        message,
        attempt,
    } = sending;
    let span = debug_span!(
        target: TARGET, parent: None, "send",
        %conversation, channel, class, attempt,
        message_id = number(message),
        outcome = Empty,
        "server.address" = Empty, "server.port" = Empty,
        "http.response.status_code" = Empty,
        "error.type" = Empty,
        "otel.name" = Empty, "otel.kind" = Empty, "otel.status_code" = Empty,
    );
    begun(span, || format!("send {channel}"), "client", cause)
}

/// How a question or a send ended, in a word.
pub fn ended(span: &Span, outcome: &str) {
    span.record("outcome", outcome);
}

/// It failed; `kind` is a word or a code, never a message.
pub fn failed(span: &Span, kind: &str) {
    if !span.is_disabled() {
        span.record("error.type", kind);
        span.record("otel.status_code", "ERROR");
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// OpenTelemetry's numbers are signed.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
