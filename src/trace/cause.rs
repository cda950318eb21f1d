//! Which span something comes from.
//!
//! It travels with events, questions and sends in place of the span itself: whoever holds a span keeps it from ending,
//! and an answer that takes ten seconds would make the webhook that led to it ten seconds long.

use axum::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// See the head of this file. Nothing while no spans are exported. Cheap to clone, and a word long.
#[derive(Clone, Debug, Default)]
pub struct Cause(Option<Box<SpanContext>>);

impl Cause {
    /// The span in which this is called.
    pub fn here() -> Self {
        if super::is_on() {
            Self::of(&Span::current())
        } else {
            Self::default()
        }
    }

    /// That span.
    pub fn of(span: &Span) -> Self {
        if !super::is_on() || span.is_disabled() {
            return Self::default();
        }
        Self::of_context(&span.context())
    }

    /// What a request says that it comes from (W3C `traceparent` and `tracestate`); nothing where that is not to be
    /// continued, or is unreadable. Ask only for requests that have proved who they are from: whoever is believed
    /// decides what is recorded.
    pub(super) fn of_request(headers: &HeaderMap) -> Self {
        if !super::is_on() || !super::continues() {
            return Self::default();
        }
        let propagator = TraceContextPropagator::new();
        Self::of_context(&propagator.extract_with_context(&Context::new(), &Carried(headers)))
    }

    fn of_context(context: &Context) -> Self {
        let span = context.span();
        let found = span.span_context();
        Self(found.is_valid().then(|| Box::new(found.clone())))
    }

    /// The span's id, if there is one.
    pub(super) fn context(&self) -> Option<&SpanContext> {
        self.0.as_deref()
    }

    /// Makes `span` one that comes from this.
    pub(super) fn lead_to(&self, span: &Span) {
        if let Some(context) = &self.0 {
            let parent = Context::new().with_remote_span_context(SpanContext::clone(context));
            // A span that has begun already keeps what it has: none has, here.
            let _ = span.set_parent(parent);
        }
    }
}

struct Carried<'a>(&'a HeaderMap);

impl Extractor for Carried<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}
