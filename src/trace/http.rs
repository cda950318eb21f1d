//! What spans say of calls to other systems, and what those are told of spans (W3C Trace Context).

use axum::http::{HeaderMap, HeaderValue};
use opentelemetry::trace::SpanContext;
use tracing::Span;

use super::Cause;

/// The header that carries a span's id.
pub const TRACEPARENT: &str = "traceparent";

/// Tells whoever is called in which span that happens. `tracestate` stays here: it is between others.
pub fn carry(headers: &mut HeaderMap) {
    if !super::is_on() {
        return;
    }
    if let Some(context) = Cause::here().context()
        && let Ok(value) = HeaderValue::try_from(traceparent(context))
    {
        headers.insert(TRACEPARENT, value);
    }
}

fn traceparent(context: &SpanContext) -> String {
    format!(
        "00-{}-{}-{:02x}",
        context.trace_id(),
        context.span_id(),
        context.trace_flags().to_u8()
    )
}

/// The span in which this is called goes to `host`, with its port if it was written.
pub fn called(host: &str) {
    if !super::is_on() {
        return;
    }
    let span = Span::current();
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            span.record("server.address", name);
            if let Ok(port) = port.parse::<u16>() {
                span.record("server.port", i64::from(port));
            }
        }
        Some(_) | None => {
            span.record("server.address", host);
        }
    }
}

/// What the span in which this is called was answered.
pub fn status(status: u16) {
    if super::is_on() {
        Span::current().record("http.response.status_code", i64::from(status));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};

    #[test]
    fn a_span_is_named_as_the_standard_says() {
        let context = SpanContext::new(
            TraceId::from(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
            SpanId::from(0x00f0_67aa_0ba9_02b7),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        );
        assert_eq!(
            traceparent(&context),
            "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
        );
    }

    #[test]
    fn nobody_is_told_anything_while_nothing_is_exported() {
        let mut headers = HeaderMap::new();
        carry(&mut headers);
        assert!(headers.is_empty());
    }
}
