//! OpenAI's Chat Completions, and the many servers that speak it more or less: request out, answer in.
//!
//! Facts from the API reference at platform.openai.com; and from the compatible servers (Ollama, vLLM, llama.cpp, gateways) what must be
//! borne: tool arguments as an object, missing ids, `content` null or in parts, no `usage`, `finish_reason` "stop" beside
//! tool calls, no `[DONE]`, comments, an error object inside a stream. Pure: bytes in, words out.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::leads::Leads;
use super::prompt::Prompt;
use super::refusal::{Refused, refused_in_stream};
use super::settings::TokenField;
use super::sse::Event;
use super::wire::{
    Finish, Reply, TOOL_CALLS_MAX, Tokens, ToolCall, append, number, tools, written,
};

/// The body of a call, as JSON.
pub fn request(
    prompt: &Prompt,
    model: &str,
    max_tokens: u32,
    limit: TokenField,
    stream: bool,
) -> String {
    let (max_completion_tokens, max_tokens) = match limit {
        TokenField::MaxCompletionTokens => (Some(max_tokens), None),
        TokenField::MaxTokens => (None, Some(max_tokens)),
    };
    // The system prompt is by far the longest part: it is written straight into the body and never put together.
    let system = Message {
        role: "system",
        content: Content::System(&prompt.stable, &prompt.varying),
    };
    let said = prompt.turns.iter().map(|turn| Message {
        role: turn.speaker.role(),
        content: Content::Said(&turn.text),
    });
    let body = Body {
        model,
        max_completion_tokens,
        max_tokens,
        messages: std::iter::once(system).chain(said).collect(),
        tools: offered(prompt),
        stream,
        stream_options: stream.then_some(StreamOptions {
            include_usage: true,
        }),
    };
    written(&body, prompt.bytes())
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    messages: Vec<Message<'a>>,
    tools: Cow<'a, [Value]>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Content<'a>,
}

enum Content<'a> {
    /// What is the same for everybody, and what is not.
    System(&'a str, &'a str),
    Said(&'a str),
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::System(stable, varying) => to.collect_str(&format_args!("{stable}\n\n{varying}")),
            Self::Said(text) => to.serialize_str(text),
        }
    }
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
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
        .map(|(name, description, schema)| {
            json!({"type": "function", "function": {"name": name, "description": description, "parameters": schema}})
        })
        .collect()
}

/// Reads a whole answer.
///
/// # Errors
/// [`Refused`] if the body is not an answer.
pub fn read(body: &[u8]) -> Result<Reply, Refused> {
    let body: Value =
        serde_json::from_slice(body).map_err(|_| Refused::garbled("the answer is not json"))?;
    if body.get("error").is_some_and(|error| !error.is_null()) {
        return Err(refused_in_stream(&body));
    }
    let choice = body
        .pointer("/choices/0")
        .ok_or_else(|| Refused::garbled("the answer has no choice"))?;
    let message = choice
        .get("message")
        .ok_or_else(|| Refused::garbled("the answer has no message"))?;
    let mut reply = Reply {
        finish: finish(choice.get("finish_reason").and_then(Value::as_str)),
        tokens: tokens(&body, Tokens::default()),
        ..Reply::default()
    };
    append(&mut reply.text, &content(message.get("content")))?;
    if message
        .get("refusal")
        .and_then(Value::as_str)
        .is_some_and(|text| !text.is_empty())
    {
        reply.finish = Finish::Filtered;
    }
    for call in message
        .get("tool_calls")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .take(TOOL_CALLS_MAX)
    {
        let function = call.get("function").unwrap_or(&Value::Null);
        reply.tools.push(ToolCall {
            name: name_of(function).to_owned(),
            arguments: or_empty_object(fragment(function)),
        });
    }
    Ok(reply)
}

/// Text, null, or a list of parts.
fn content(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part.get("text")?.as_str())
            .collect(),
        Some(_) | None => String::new(),
    }
}

fn name_of(function: &Value) -> &str {
    function
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Arguments as they should be (text) or as some servers send them (an object).
fn fragment(function: &Value) -> String {
    match function.get("arguments") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

fn or_empty_object(arguments: String) -> String {
    if arguments.is_empty() {
        "{}".to_owned()
    } else {
        arguments
    }
}

fn finish(reason: Option<&str>) -> Finish {
    match reason {
        Some("stop" | "tool_calls" | "function_call") | None => Finish::Complete,
        Some("length") => Finish::Length,
        Some("content_filter") => Finish::Filtered,
        Some(_) => Finish::Other,
    }
}

fn tokens(body: &Value, before: Tokens) -> Tokens {
    if !body.get("usage").is_some_and(Value::is_object) {
        return before;
    }
    Tokens {
        input: number(body, "/usage/prompt_tokens"),
        cached: number(body, "/usage/prompt_tokens_details/cached_tokens"),
        output: number(body, "/usage/completion_tokens"),
    }
}

/// An answer that comes in chunks.
#[derive(Debug, Default)]
pub struct Reader {
    reply: Reply,
    /// The `index` of each tool call begun, in the order of `reply.tools`.
    indexes: Vec<u64>,
    finished: bool,
    done: bool,
}

impl Reader {
    /// Takes the next event; gives the text that it adds.
    ///
    /// # Errors
    /// [`Refused`] when the event is an error or cannot be read.
    pub fn take(&mut self, event: &Event) -> Result<String, Refused> {
        if event.data.trim() == "[DONE]" {
            self.done = true;
            return Ok(String::new());
        }
        let body: Value = serde_json::from_str(&event.data)
            .map_err(|_| Refused::garbled("an event of the stream is not json"))?;
        if event.name == "error" || body.get("error").is_some_and(|error| !error.is_null()) {
            return Err(refused_in_stream(&body));
        }
        self.reply.tokens = tokens(&body, self.reply.tokens);
        let Some(choice) = body.pointer("/choices/0") else {
            return Ok(String::new());
        };
        let delta = choice.get("delta").unwrap_or(&Value::Null);
        for call in delta
            .get("tool_calls")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            self.tool(call)?;
        }
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
            self.finished = true;
            // a refusal that was streamed before stays one
            if self.reply.finish != Finish::Filtered {
                self.reply.finish = finish(Some(reason));
            }
        }
        if delta
            .get("refusal")
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
        {
            self.reply.finish = Finish::Filtered;
        }
        let text = content(delta.get("content"));
        append(&mut self.reply.text, &text)?;
        Ok(text)
    }

    /// One fragment of a tool call. Without an `index`, a name begins a new call and anything else belongs to the last.
    fn tool(&mut self, call: &Value) -> Result<(), Refused> {
        let function = call.get("function").unwrap_or(&Value::Null);
        let name = name_of(function);
        let known = match call.get("index").and_then(Value::as_u64) {
            Some(index) => self.indexes.iter().position(|&known| known == index),
            None if name.is_empty() => self.reply.tools.len().checked_sub(1),
            None => None,
        };
        let at = match known {
            Some(at) => at,
            None if self.reply.tools.len() == TOOL_CALLS_MAX => return Ok(()),
            None => {
                let next = u64::try_from(self.indexes.len()).unwrap_or(u64::MAX);
                self.indexes
                    .push(call.get("index").and_then(Value::as_u64).unwrap_or(next));
                self.reply.tools.push(ToolCall::default());
                self.reply.tools.len() - 1
            }
        };
        let tool = &mut self.reply.tools[at];
        if tool.name.is_empty() {
            name.clone_into(&mut tool.name);
        }
        append(&mut tool.arguments, &fragment(function))
    }

    /// Whether the answer is complete: nothing that still comes is needed.
    pub fn is_done(&self) -> bool {
        self.done
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
        if !self.finished && !self.done {
            return Err(Refused::garbled("the stream ended before the answer"));
        }
        for tool in &mut self.reply.tools {
            tool.arguments = or_empty_object(std::mem::take(&mut tool.arguments));
        }
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

    fn stream(text: &str) -> (String, Result<Reply, Refused>) {
        let (mut reader, mut decoder) = (Reader::default(), Decoder::new());
        let mut events = decoder.feed(text.as_bytes()).expect("short");
        events.extend(decoder.finish().expect("short"));
        let mut said = String::new();
        for event in events {
            match reader.take(&event) {
                Ok(delta) => said.push_str(&delta),
                Err(refused) => return (said, Err(refused)),
            }
        }
        (said, reader.finish())
    }

    fn tool(name: &str, arguments: &str) -> ToolCall {
        ToolCall {
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        }
    }

    #[test]
    fn the_request_names_the_limit_as_configured() {
        let prompt = Prompt {
            stable: "S".into(),
            varying: "V".to_owned(),
            turns: vec![Turn {
                speaker: Speaker::User,
                text: "hi".to_owned(),
            }],
            assess: None,
        };
        let asked = |limit, stream| -> Value {
            serde_json::from_str(&request(&prompt, "gpt", 100, limit, stream)).expect("JSON")
        };
        let body = asked(TokenField::MaxCompletionTokens, true);
        assert_eq!(body["max_completion_tokens"], 100);
        assert!(body.get("max_tokens").is_none());
        assert_eq!(body["stream_options"]["include_usage"], true);
        assert_eq!(
            body["messages"][0],
            json!({"role": "system", "content": "S\n\nV"})
        );
        assert_eq!(body["tools"][1]["function"]["name"], "not_sure");
        let body = asked(TokenField::MaxTokens, false);
        assert_eq!(body["max_tokens"], 100);
        assert!(
            body.get("max_completion_tokens").is_none() && body.get("stream_options").is_none()
        );
    }

    #[test]
    fn a_whole_answer_is_read() {
        let reply = read(payload!("openai_text.json").as_bytes()).expect("an answer");
        assert_eq!(reply.text, "We are open until 20:00.");
        assert_eq!(
            reply.tokens,
            Tokens {
                input: 1_520,
                cached: 1_408,
                output: 9
            }
        );
    }

    #[test]
    fn tool_calls_are_read_as_text_or_object_and_whatever_the_finish_reason() {
        let reply = read(payload!("openai_tool.json").as_bytes()).expect("an answer");
        assert_eq!((reply.text.as_str(), reply.finish), ("", Finish::Complete));
        assert_eq!(
            reply.tools,
            [
                tool("escalate", "{\"reason\":\"user_asked\",\"summary\":\"x\"}"),
                tool("not_sure", r#"{"question":"y"}"#),
                tool("escalate", "{}"),
            ]
        );
        assert_eq!(reply.tokens, Tokens::default());
    }

    #[test]
    fn odd_whole_answers_do_not_break_the_reader() {
        let one = |message: &str, finish: &str| {
            read(
                format!(r#"{{"choices":[{{"message":{message},"finish_reason":{finish}}}]}}"#)
                    .as_bytes(),
            )
            .map(|reply| (reply.text, reply.finish))
        };
        let parts = r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"reasoning_content":"…"}"#;
        assert_eq!(
            one(parts, "\"stop\""),
            Ok(("ab".to_owned(), Finish::Complete))
        );
        assert_eq!(
            one(r#"{"content":null,"refusal":"no"}"#, "\"stop\""),
            Ok((String::new(), Finish::Filtered))
        );
        assert_eq!(
            one(r#"{"content":""}"#, "\"content_filter\""),
            Ok((String::new(), Finish::Filtered))
        );
        assert_eq!(
            one(r#"{"content":"a"}"#, "\"length\""),
            Ok(("a".to_owned(), Finish::Length))
        );
        assert_eq!(
            one(r#"{"content":"a"}"#, "\"new\""),
            Ok(("a".to_owned(), Finish::Other))
        );
        assert_eq!(
            one(r#"{"content":"a"}"#, "null"),
            Ok(("a".to_owned(), Finish::Complete))
        );
        for garbage in [
            "",
            "[]",
            "{}",
            "<html>",
            r#"{"choices":[]}"#,
            r#"{"choices":[{}]}"#,
        ] {
            assert_eq!(
                read(garbage.as_bytes()).map_err(|r| r.fault),
                Err(ModelFault::ServerError),
                "{garbage}"
            );
        }
    }

    #[test]
    fn a_stream_gives_the_text_as_it_comes() {
        let (said, reply) = stream(payload!("openai_text.sse"));
        let reply = reply.expect("complete");
        assert_eq!(said, "¡Hola! Abrimos a las 10:00.");
        assert_eq!(reply.text, said);
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
    fn tool_calls_are_put_together_from_their_fragments() {
        let (said, reply) = stream(payload!("openai_tool.sse"));
        let reply = reply.expect("complete");
        assert_eq!(said, "");
        assert_eq!(
            reply.tools,
            [
                tool("escalate", r#"{"reason":"policy","summary":"s"}"#),
                tool("not_sure", r#"{"question":"q"}"#)
            ]
        );
    }

    #[test]
    fn an_untidy_stream_without_indexes_ids_usage_or_done_is_read() {
        let (said, reply) = stream(payload!("openai_untidy.sse"));
        let reply = reply.expect("complete");
        assert_eq!(said, "Ok.");
        assert_eq!(reply.tools, [tool("escalate", r#"{"reason":"urgent"}"#)]);
        assert_eq!(reply.finish, Finish::Complete);
    }

    #[test]
    fn an_error_after_200_and_a_cut_are_refusals() {
        let cut = "data: {\"choices\":[{\"delta\":{\"content\":\"We are\"}}]}\n\n";
        let (said, reply) = stream(cut);
        assert_eq!(
            (said.as_str(), reply.map_err(|r| r.fault)),
            ("We are", Err(ModelFault::ServerError))
        );
        let error = format!("{cut}data: {{\"error\":{{\"message\":\"x\",\"code\":429}}}}\n\n");
        assert_eq!(
            stream(&error).1.map_err(|r| r.fault),
            Err(ModelFault::RateLimited)
        );
        let torn = format!("{cut}data: {{\"choices\":[{{\"del");
        assert_eq!(
            stream(&torn).1.map_err(|r| r.fault),
            Err(ModelFault::ServerError)
        );
    }
}
