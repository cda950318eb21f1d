//! The spans that a collector was sent, read from OTLP's protobuf.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

/// A span, in texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// What it is called.
    pub name: String,
    /// Its trace, in hex.
    pub trace: String,
    /// Itself, in hex.
    pub id: String,
    /// What it comes from, in hex; empty: nothing.
    pub parent: String,
    /// 1 internal, 2 server, 3 client.
    pub kind: i32,
    /// When it began and ended, in nanoseconds since 1970.
    pub times: (u64, u64),
    /// Whether it ended in a fault.
    pub failed: bool,
    /// What it says.
    pub says: BTreeMap<String, String>,
    /// The spans it is linked to, in hex.
    pub links: Vec<String>,
}

impl Seen {
    /// One thing it says; empty: it does not.
    pub fn says(&self, what: &str) -> &str {
        self.says.get(what).map_or("", String::as_str)
    }
}

/// All spans of these bodies, and what their resources say.
pub fn read<'a>(bodies: impl Iterator<Item = &'a [u8]>) -> (Vec<Seen>, BTreeMap<String, String>) {
    let (mut seen, mut resource) = (Vec::new(), BTreeMap::new());
    for body in bodies {
        let request = ExportTraceServiceRequest::decode(body).expect("OTLP");
        for group in request.resource_spans {
            resource.extend(texts(
                group.resource.map_or_else(Vec::new, |of| of.attributes),
            ));
            let spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
            seen.extend(spans.map(one));
        }
    }
    (seen, resource)
}

fn one(span: Span) -> Seen {
    Seen {
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        kind: span.kind,
        times: (span.start_time_unix_nano, span.end_time_unix_nano),
        failed: span.status.is_some_and(|status| status.code == 2),
        says: texts(span.attributes),
        links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
        name: span.name,
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |one: KeyValue| (one.key, one.value.map_or_else(String::new, text));
    attributes.into_iter().map(text).collect()
}

fn text(value: AnyValue) -> String {
    match value.value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BoolValue(is)) => is.to_string(),
        Some(Value::ArrayValue(array)) => {
            let texts: Vec<_> = array.values.into_iter().map(text).collect();
            format!("[{}]", texts.join(","))
        }
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
