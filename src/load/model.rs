//! The built-in model: speaks OpenAI's Chat Completions and names in every answer the messages that it is for. Pure.
//!
//! Those are the marks in what the customer wrote since the model's own last answer, so an answer tells exactly which
//! messages reached it. Whole or as a stream, as it is asked.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::customers::{marks, naming};

/// How it fails.
pub const FAILURE: &str =
    r#"{"error":{"message":"made to fail","type":"server_error","code":"overloaded"}}"#;
/// The most marks that one answer names: a text message holds 1,600 characters.
const NAMED_MAX: usize = 100;

/// Answers a request.
pub fn answer(body: &[u8]) -> Response {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = text(&asked);
    let name = asked["model"].as_str().unwrap_or("built-in");
    if asked["stream"] == json!(true) {
        let (delta, end) = (json!({"content": text}), json!({}));
        let body = format!(
            "{}{}data: [DONE]\n\n",
            chunk(name, &delta, &Value::Null),
            chunk(name, &end, &json!("stop"))
        );
        return ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response();
    }
    let message = json!({"role": "assistant", "content": text});
    axum::Json(json!({
        "id": "load", "object": "chat.completion", "model": name,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 400, "completion_tokens": 30, "total_tokens": 430},
    }))
    .into_response()
}

fn chunk(name: &str, delta: &Value, finish: &Value) -> String {
    let chunk = json!({"id": "load", "object": "chat.completion.chunk", "model": name,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    format!("data: {chunk}\n\n")
}

fn text(asked: &Value) -> String {
    let messages = asked["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let since = messages
        .iter()
        .rposition(|message| message["role"] == "assistant")
        .map_or(0, |at| at + 1);
    let mut named: Vec<u64> = messages[since..]
        .iter()
        .filter(|message| message["role"] == "user")
        .filter_map(|message| message["content"].as_str())
        .flat_map(marks)
        .collect();
    named.drain(..named.len().saturating_sub(NAMED_MAX));
    format!(
        "Thank you for asking. Your order left on Monday. ({})",
        naming(&named)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_what_was_asked_since_the_last_one() {
        let asked = json!({"messages": [
            {"role": "system", "content": "zq1"},
            {"role": "user", "content": "Where? zq2"},
            {"role": "assistant", "content": "(zq2)"},
            {"role": "user", "content": "And? zq3\nPlease. zq4"},
        ]});
        assert_eq!(marks(&text(&asked)).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(marks(&text(&json!({}))).count(), 0);
        let many: String = (0..500).map(|n| format!("zq{n} ")).collect();
        let asked = json!({"messages": [{"role": "user", "content": many}]});
        let named = text(&asked);
        assert_eq!(marks(&named).last(), Some(499));
        assert!(named.len() < 1_600);
    }
}
