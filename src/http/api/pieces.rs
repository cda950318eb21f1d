//! The parts of a trail entry as JSON: bodies, files, sources, usage. Their names are a contract, as those of the facts.

use serde_json::{Value, json};

use crate::conversation::message::{Attachment, Body};
use crate::conversation::trail::{Source, Usage};

pub(super) fn body(body: &Body) -> Value {
    match body {
        Body::Text(_) => json!({"kind": "text"}),
        Body::Choice { id, title } => json!({"kind": "choice", "id": id, "title": title}),
        Body::Media {
            caption,
            attachments,
        } => {
            json!({"kind": "media", "caption": caption, "attachments": self::attachments(attachments)})
        }
        Body::Location {
            latitude,
            longitude,
            label,
        } => {
            json!({"kind": "location", "latitude": latitude, "longitude": longitude, "label": label})
        }
        Body::Unknown(of) => json!({"kind": "unknown", "of": of}),
    }
}

pub(super) fn attachments(files: &[Attachment]) -> Vec<Value> {
    let file = |Attachment { url, content_type }: &Attachment| json!({"url": url, "content_type": content_type});
    files.iter().map(file).collect()
}

pub(super) fn sources(sources: &[Source]) -> Vec<Value> {
    sources
        .iter()
        .map(|source| json!({"chunk": source.chunk, "score": f64::from(source.score) / 1_000.0}))
        .collect()
}

pub(super) fn usage(usage: Usage) -> Value {
    json!({"input": usage.input, "cached": usage.cached, "output": usage.output, "cost_micros": usage.cost_micros})
}

/// An edit is kept as JSON text; a nested object reads better than a text within a text.
pub(super) fn edit(change: &str) -> Value {
    serde_json::from_str(change).unwrap_or_else(|_| json!(change))
}
