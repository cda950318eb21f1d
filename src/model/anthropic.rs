//! Anthropic's Messages API: our question into its request, its answer (whole or as events) into a [`Reply`].
//!
//! Facts from the API reference at platform.claude.com, version 2026-10-21: `temperature`, `top_p` and `top_k` are refused, so
//! none is ever sent; roles must alternate and begin with `user`; text may stand before a tool call in the same message;
//! an `error` event may come after HTTP 200; tool input comes as fragments of JSON text; kinds of events, blocks and
//! stop reasons are open lists. Pure: bytes in, words out.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Value, json};

use super::leads::Leads;
use super::prompt::Prompt;
use super::refusal::{Refused, refused_in_stream};
use super::sse::Event;
use super::wire::{
    Finish, Reply, TOOL_CALLS_MAX, Tokens, ToolCall, append, number, tools, written,
};

/// The body of a call, as JSON. The part of the prompt that is the same for every customer is marked for the provider's
/// cache.
pub fn request(prompt: &Prompt, model: &str, max_tokens: u32, stream: bool) -> String {
    let said = prompt.turns.iter().map(|turn| Message {
        role: turn.speaker.role(),
        content: &turn.text,
    });
    let body = Body {
        model,
        max_tokens,
        system: [
            System {
                kind: "text",
                text: &prompt.stable,
                cache_control: Some(CacheControl { kind: "ephemeral" }),
            },
            System {
                kind: "text",
                text: &prompt.varying,
                cache_control: None,
            },
        ],
        messages: said.collect(),
        tools: offered(prompt),
        stream,
    };
    written(&body, prompt.bytes())
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    system: [System<'a>; 2],
    messages: Vec<Message<'a>>,
    tools: Cow<'a, [Value]>,
    stream: bool,
}

#[derive(Serialize)]
struct System<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Serialize)]
struct CacheControl {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

/// Those of a question that is not assessed: the same for everybody.
static TOOLS: LazyLock<Vec<Value>> = LazyLock::new(|| spelled(None));

fn offered(prompt: &Prompt) -> Cow<'static, [Value]> {
    match &prompt.assess {
        None => Cow::Borrowed(&TOOLS),
        leads => Cow::Owned(spelled(leads.as_ref())),
    }
}

fn spelled(assess: Option<&Leads>) -> Vec<Value> {
    tools(assess)
        .into_iter()
        .map(|(name, description, schema)| json!({"name": name, "description": description, "input_schema": schema}))
        .collect()
}

/// Reads a whole answer.
///
/// # Errors
/// [`Refused`] if the body is not an answer.
pub fn read(body: &[u8]) -> Result<Reply, Refused> {
    let body: Value =
        serde_json::from_slice(body).map_err(|_| Refused::garbled("the answer is not json"))?;
    if body.get("type").and_then(Value::as_str) == Some("error") {
        return Err(refused_in_stream(&body));
    }
    let blocks = body.get("content").and_then(Value::as_array);
    let blocks = blocks.ok_or_else(|| Refused::garbled("the answer has no content"))?;
    let mut reply = Reply {
        finish: finish(body.get("stop_reason").and_then(Value::as_str)),
        tokens: tokens(&body, Tokens::default()),
        ..Reply::default()
    };
    for block in blocks {
        match block.get("type").and_then(Value::as_str) {
            Some("text") => append(&mut reply.text, text_of(block, "text"))?,
            Some("tool_use") if reply.tools.len() < TOOL_CALLS_MAX => reply.tools.push(ToolCall {
                name: text_of(block, "name").to_owned(),
                arguments: arguments(block.get("input")),
            }),
            Some(_) | None => {} // thinking and kinds to come
        }
    }
    Ok(reply)
}

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Tool arguments as JSON text: an object here, text in some compatible servers.
fn arguments(input: Option<&Value>) -> String {
    match input {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "{}".to_owned(),
        Some(other) => other.to_string(),
    }
}

fn finish(reason: Option<&str>) -> Finish {
    match reason {
        Some("end_turn" | "stop_sequence" | "tool_use") | None => Finish::Complete,
        Some("max_tokens" | "model_context_window_exceeded") => Finish::Length,
        Some("refusal") => Finish::Filtered,
        Some(_) => Finish::Other,
    }
}

/// The usage in `body`; what it does not say stays as it was. `input_tokens` leaves the cached ones out, ours has them in.
fn tokens(body: &Value, before: Tokens) -> Tokens {
    let cached = number(body, "/usage/cache_read_input_tokens");
    let input = number(body, "/usage/input_tokens")
        + number(body, "/usage/cache_creation_input_tokens")
        + cached;
    let keep = |new, old| if new == 0 { old } else { new };
    Tokens {
        input: keep(input, before.input),
        cached: keep(cached, before.cached),
        output: keep(number(body, "/usage/output_tokens"), before.output),
    }
}

/// An answer that comes as events.
#[derive(Debug, Default)]
pub struct Reader {
    reply: Reply,
    /// The block that is open, if it is a tool call.
    tool: Option<ToolCall>,
    stopped: bool,
}

impl Reader {
    /// Takes the next event; gives the text that it adds.
    ///
    /// # Errors
    /// [`Refused`] when the event is an error or cannot be read.
    pub fn take(&mut self, event: &Event) -> Result<String, Refused> {
        let body: Value = serde_json::from_str(&event.data)
            .map_err(|_| Refused::garbled("an event of the stream is not json"))?;
        let kind = body
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or(&event.name);
        match kind {
            "message_start" => {
                let message = body.get("message").unwrap_or(&Value::Null);
                self.reply.tokens = tokens(message, self.reply.tokens);
            }
            "content_block_start" => {
                return self.open(body.get("content_block").unwrap_or(&Value::Null));
            }
            "content_block_delta" => return self.add(body.get("delta").unwrap_or(&Value::Null)),
            "content_block_stop" => self.close(),
            "message_delta" => {
                if let Some(reason) = body.pointer("/delta/stop_reason").and_then(Value::as_str) {
                    self.reply.finish = finish(Some(reason));
                }
                self.reply.tokens = tokens(&body, self.reply.tokens);
            }
            "message_stop" => self.stopped = true,
            "error" => return Err(refused_in_stream(&body)),
            _ => {} // ping and kinds to come
        }
        Ok(String::new())
    }

    fn open(&mut self, block: &Value) -> Result<String, Refused> {
        self.close();
        match block.get("type").and_then(Value::as_str) {
            Some("tool_use") => {
                let given = arguments(block.get("input"));
                self.tool = Some(ToolCall {
                    name: text_of(block, "name").to_owned(),
                    arguments: if given == "{}" { String::new() } else { given },
                });
                Ok(String::new())
            }
            Some("text") => self.say(text_of(block, "text")),
            Some(_) | None => Ok(String::new()),
        }
    }

    fn add(&mut self, delta: &Value) -> Result<String, Refused> {
        match delta.get("type").and_then(Value::as_str) {
            Some("text_delta") => self.say(text_of(delta, "text")),
            Some("input_json_delta") => {
                if let Some(tool) = &mut self.tool {
                    append(&mut tool.arguments, text_of(delta, "partial_json"))?;
                }
                Ok(String::new())
            }
            Some(_) | None => Ok(String::new()),
        }
    }

    fn say(&mut self, text: &str) -> Result<String, Refused> {
        append(&mut self.reply.text, text)?;
        Ok(text.to_owned())
    }

    fn close(&mut self) {
        if let Some(mut tool) = self.tool.take() {
            if tool.arguments.is_empty() {
                tool.arguments.push_str("{}");
            }
            if self.reply.tools.len() < TOOL_CALLS_MAX {
                self.reply.tools.push(tool);
            }
        }
    }

    /// Whether the answer is complete: nothing that still comes is needed.
    pub fn is_done(&self) -> bool {
        self.stopped
    }

    /// What has come so far.
    pub fn so_far(&self) -> &Reply {
        &self.reply
    }

    /// The stream has ended.
    ///
    /// # Errors
    /// [`Refused`] if it ended before the answer did.
    pub fn finish(mut self) -> Result<Reply, Refused> {
        if !self.stopped {
            return Err(Refused::garbled("the stream ended before the answer"));
        }
        self.close();
        Ok(self.reply)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sse::Decoder;
    use super::super::turns::{Speaker, Turn};
    use super::*;
    use crate::conversation::words::ModelFault;

    macro_rules! payload {
        ($name:literal) => {
            include_str!(concat!("../../tests/payloads/model/", $name))
        };
    }

    fn stream(text: &str) -> (Vec<String>, Result<Reply, Refused>) {
        let (mut reader, mut decoder) = (Reader::default(), Decoder::new());
        let mut deltas = Vec::new();
        for event in decoder.feed(text.as_bytes()).expect("short") {
            match reader.take(&event) {
                Ok(delta) => deltas.push(delta),
                Err(refused) => return (deltas, Err(refused)),
            }
        }
        deltas.retain(|delta| !delta.is_empty());
        (deltas, reader.finish())
    }

    fn tool(name: &str, arguments: &str) -> ToolCall {
        ToolCall {
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        }
    }

    #[test]
    fn the_request_alternates_carries_tools_and_no_sampling() {
        let prompt = Prompt {
            stable: "S".into(),
            varying: "V".to_owned(),
            turns: vec![Turn {
                speaker: Speaker::User,
                text: "hi".to_owned(),
            }],
            assess: None,
        };
        let body = request(&prompt, "claude-haiku-5-5", 100, true);
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(body["system"][0]["cache_control"]["type"], "ephemeral");
        assert_eq!(body["messages"], json!([{"role": "user", "content": "hi"}]));
        assert_eq!(body["tools"][0]["name"], "escalate");
        assert_eq!(body["tools"][1]["name"], "not_sure");
        for refused in ["temperature", "top_p", "top_k"] {
            assert!(body.get(refused).is_none(), "{refused}");
        }
    }

    #[test]
    fn a_whole_answer_is_read() {
        let reply = read(payload!("anthropic_text.json").as_bytes()).expect("an answer");
        assert_eq!(reply.text, "We are open until 20:00.");
        assert_eq!(
            reply.tokens,
            Tokens {
                input: 1_520,
                cached: 1_400,
                output: 9
            }
        );
        assert_eq!(reply.finish, Finish::Complete);
    }

    #[test]
    fn text_before_a_tool_call_and_thinking_are_kept_apart() {
        let reply = read(payload!("anthropic_tool.json").as_bytes()).expect("an answer");
        assert_eq!(reply.text, "Let me look.");
        assert_eq!(
            reply.tools,
            [tool(
                "escalate",
                r#"{"reason":"user_asked","summary":"wants a person"}"#
            )]
        );
    }

    #[test]
    fn odd_whole_answers_do_not_break_the_reader() {
        let finish = |reason: &str| {
            read(format!(r#"{{"content":[],"stop_reason":{reason}}}"#).as_bytes()).map(|r| r.finish)
        };
        assert_eq!(finish("\"refusal\""), Ok(Finish::Filtered));
        assert_eq!(finish("\"max_tokens\""), Ok(Finish::Length));
        assert_eq!(finish("\"pause_turn\""), Ok(Finish::Other));
        assert_eq!(finish("null"), Ok(Finish::Complete));
        for garbage in ["", "[]", "{}", "<html>", r#"{"content":"x"}"#] {
            assert_eq!(
                read(garbage.as_bytes()).map_err(|r| r.fault),
                Err(ModelFault::ServerError),
                "{garbage}"
            );
        }
        let error = r#"{"type":"error","error":{"type":"authentication_error","message":"x"}}"#;
        assert_eq!(
            read(error.as_bytes()).map_err(|r| r.fault),
            Err(ModelFault::Auth)
        );
    }

    #[test]
    fn a_stream_gives_the_text_as_it_comes() {
        let (deltas, reply) = stream(payload!("anthropic_text.sse"));
        let reply = reply.expect("complete");
        assert_eq!(deltas, ["¡Hola! ", "Abrimos a las ", "10:00."]);
        assert_eq!(reply.text, deltas.concat());
        assert_eq!(
            reply.tokens,
            Tokens {
                input: 25,
                cached: 0,
                output: 15
            }
        );
    }

    #[test]
    fn a_tool_call_is_put_together_from_its_fragments() {
        let (_, reply) = stream(payload!("anthropic_tool.sse"));
        let reply = reply.expect("complete");
        assert_eq!(reply.text, "Okay.");
        assert_eq!(
            reply.tools,
            [
                tool(
                    "escalate",
                    r#"{"reason": "out_of_scope", "summary": "legal"}"#
                ),
                tool("not_sure", "{}")
            ]
        );
    }

    #[test]
    fn an_error_after_200_is_a_refusal_and_what_came_before_is_known() {
        let (deltas, reply) = stream(payload!("anthropic_error.sse"));
        assert_eq!(deltas.concat(), "We are ");
        assert_eq!(
            reply.map_err(|refused| refused.detail),
            Err("error in the stream overloaded_error".to_owned())
        );
    }

    #[test]
    fn a_stream_cut_anywhere_before_its_end_is_a_refusal() {
        let whole = payload!("anthropic_text.sse");
        let end = whole.find("event: message_stop").expect("it ends");
        for cut in (0..end).filter(|&cut| whole.is_char_boundary(cut)) {
            assert!(stream(&whole[..cut]).1.is_err(), "{cut}");
        }
    }
}
