//! The way from the status page to the explanation of a conversation, which the public listener gives to whoever signs in.
//!
//! It names routes and never what they answer: the operations listener asks nobody who they are.

use serde::Serialize;
use serde_json::{Value, json};

/// Where the agent API, on the public listener, tells why each decision about a conversation was made.
pub(super) fn explain(conversation: &str) -> String {
    format!("/api/v1/conversations/{conversation}/explain")
}

/// The same for a logged line, where it names its conversation.
pub(super) fn explain_line(text: &str) -> Option<String> {
    let (_, named) = text.split_once("conversation=")?;
    let id = named.trim_start_matches('"');
    let id = id
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
        .next()
        .filter(|id| !id.is_empty())?;
    Some(explain(id))
}

/// As JSON, with the way to the explanation where there is one.
pub(super) fn explained(what: impl Serialize, explain: Option<String>) -> Value {
    let mut value = json!(what);
    value["explain"] = json!(explain);
    value
}
