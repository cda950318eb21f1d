//! The span of a handoff, from the promise of a person until it is settled.
//!
//! It outlives every request, process and span around it, so it is made when it ends, with the time that the trail says
//! it began. It is a trace of its own, linked to the event that promised and to the one that settled. What promised is
//! remembered by the conversation's keeper only: after a restart or a long sleep that link and the reason are missing.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Link, Span as _, Tracer as _};
use opentelemetry::{Context, KeyValue};

use super::{Cause, export};

/// A person was promised, and where.
#[derive(Clone, Debug)]
pub struct Promised {
    /// Which handoff.
    pub handoff: u64,
    /// Why.
    pub reason: &'static str,
    /// In which queue.
    pub queue: String,
    /// The event.
    pub cause: Cause,
}

/// A handoff ended.
#[derive(Clone, Copy)]
pub struct Settled<'a> {
    /// Whose.
    pub conversation: &'a dyn std::fmt::Display,
    /// The medium.
    pub channel: &'static str,
    /// Which.
    pub handoff: u64,
    /// How.
    pub outcome: &'static str,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// How long after its beginning.
    pub waited: Duration,
}

impl Settled<'_> {
    /// Tells of it. `promised`: the same handoff, if it is remembered.
    pub fn tell(self, promised: Option<&Promised>, cause: &Cause) {
        let Some(tracer) = export::tracer() else {
            return;
        };
        let end = SystemTime::UNIX_EPOCH + Duration::from_millis(self.at.max(0).unsigned_abs());
        let start = end.checked_sub(self.waited).unwrap_or(end);
        let mut attributes = vec![
            KeyValue::new("conversation", self.conversation.to_string()),
            KeyValue::new("channel", self.channel),
            KeyValue::new("handoff.id", self.handoff.to_string()),
            KeyValue::new("handoff.outcome", self.outcome),
        ];
        if let Some(promised) = promised {
            attributes.push(KeyValue::new("handoff.reason", promised.reason));
            attributes.push(KeyValue::new("handoff.queue", promised.queue.clone()));
        }
        let links = [promised.map(|promised| &promised.cause), Some(cause)]
            .into_iter()
            .flatten()
            .filter_map(Cause::context)
            .map(|context| Link::with_context(context.clone()));
        let builder = tracer
            .span_builder("handoff.episode")
            .with_start_time(start)
            .with_attributes(attributes)
            .with_links(links.collect());
        let mut span = tracer.build_with_context(builder, &Context::new());
        span.end_with_timestamp(end);
    }
}
