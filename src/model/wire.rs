//! What the two wire formats have in common: the words of an answer, the tools, where a call goes and with which headers.
//!
//! What a refusal means is told by [`refusal`](super::refusal). Pure; nothing here calls anybody.

use serde::Serialize;
use serde_json::{Value, json};

use super::leads::Leads;
use super::refusal::Refused;
use super::settings::TokenField;
use crate::secret::Secret;
use crate::triage::ASSESS;

/// The most text of one answer, in bytes; a longer one is given up.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The most tools one answer may call.
pub const TOOL_CALLS_MAX: usize = 16;

/// The tool that fetches a person.
pub const ESCALATE: &str = "escalate";
/// The tool with which the model says that it does not know.
pub const NOT_SURE: &str = "not_sure";
/// The reasons that the escalation tool offers; `verdict` maps them to ours.
pub const ESCALATE_REASONS: [&str; 7] = [
    "user_asked",
    "low_confidence",
    "out_of_scope",
    "policy",
    "sensitive",
    "urgent",
    "error",
];

/// An answer as the provider gave it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reply {
    /// Its text, all of it.
    pub text: String,
    /// The tools it called.
    pub tools: Vec<ToolCall>,
    /// Why it ended.
    pub finish: Finish,
    /// What it cost, as far as the provider said.
    pub tokens: Tokens,
}

/// One call of a tool.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ToolCall {
    /// Which.
    pub name: String,
    /// Its arguments as JSON text, exactly as they came.
    pub arguments: String,
}

/// Why an answer ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Finish {
    /// It was all said.
    #[default]
    Complete,
    /// The limit of tokens cut it.
    Length,
    /// The provider's filter held it back, or the model refused.
    Filtered,
    /// A reason this version does not know.
    Other,
}

/// Tokens, as a provider counts them. Zero: it did not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tokens {
    /// Read, cached ones included.
    pub input: u64,
    /// Of those, from the cache.
    pub cached: u64,
    /// Written.
    pub output: u64,
}

/// Which API is spoken, with what it needs to be told apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// Anthropic's Messages; the version header.
    Anthropic {
        /// The value of `anthropic-version`.
        version: String,
    },
    /// OpenAI's Chat Completions.
    OpenAi {
        /// The name of the token limit.
        limit: TokenField,
    },
}

impl Dialect {
    /// The full address of a call, from the configured base.
    pub fn url(&self, base: Option<&str>) -> String {
        let (own, path) = match self {
            Self::Anthropic { .. } => ("https://api.anthropic.com", "/v1/messages"),
            Self::OpenAi { .. } => ("https://api.openai.com/v1", "/chat/completions"),
        };
        format!("{}{path}", base.unwrap_or(own).trim_end_matches('/'))
    }

    /// The headers of a call besides the content type. The key is only in here.
    pub fn headers(&self, key: Option<&Secret>) -> Vec<(&'static str, String)> {
        let mut headers = match self {
            Self::Anthropic { version } => vec![("anthropic-version", version.clone())],
            Self::OpenAi { .. } => Vec::new(),
        };
        if let Some(key) = key {
            headers.push(match self {
                Self::Anthropic { .. } => ("x-api-key", key.expose().to_owned()),
                Self::OpenAi { .. } => ("authorization", format!("Bearer {}", key.expose())),
            });
        }
        headers
    }
}

/// The tools that are offered with a question: name, what it is for, the schema of its arguments. `assess`: that tool too,
/// with the classes of leads that it may name.
pub fn tools(assess: Option<&Leads>) -> Vec<(&'static str, &'static str, Value)> {
    let mut tools = vec![
        (
            ESCALATE,
            "Hands the conversation to a person. Call it when the customer asks for one, when the matter is outside \
             what you may handle, or when you cannot help. The customer is told by the system, not by you.",
            json!({
                "type": "object",
                "properties": {
                    "reason": {"type": "string", "enum": ESCALATE_REASONS},
                    "summary": {"type": "string", "description": "One or two sentences for the person who takes over."},
                },
                "required": ["reason", "summary"],
            }),
        ),
        (
            NOT_SURE,
            "Says that the given information does not answer the customer's question. Call it instead of guessing.",
            json!({
                "type": "object",
                "properties": {"question": {"type": "string", "description": "What could not be answered."}},
                "required": ["question"],
            }),
        ),
    ];
    if let Some(leads) = assess {
        tools.push(assessing(leads));
    }
    tools
}

fn assessing(leads: &Leads) -> (&'static str, &'static str, Value) {
    (
        ASSESS,
        "Says what you make of the customer's message and of your own answer to it. Nobody but the system reads it.",
        json!({
            "type": "object",
            "properties": {
                "intent": {"type": "string", "description": "What the customer wants, in one or two words."},
                "sentiment": {"type": "string", "enum": ["negative", "neutral", "positive"]},
                "sensitive": {"type": "boolean", "description": "Whether the matter is a sensitive one."},
                "confidence": {"type": "integer", "minimum": 0, "maximum": 100,
                               "description": "How sure you are of your answer, in percent."},
                "lead_class": leads.class(),
                "category": leads.category(),
            },
            "required": ["intent", "sentiment", "sensitive", "confidence"],
        }),
    )
}

/// A request's body as JSON; `bytes` is about how long its texts are.
pub fn written(body: &impl Serialize, bytes: usize) -> String {
    // Escapes, names and the tools come on top.
    let mut json = Vec::with_capacity(bytes + bytes / 8 + 2_048);
    serde_json::to_writer(&mut json, body).expect("plain data with text keys is always JSON");
    String::from_utf8(json).expect("JSON is UTF-8")
}

/// Adds to the text of an answer within its bound.
pub(super) fn append(text: &mut String, more: &str) -> Result<(), Refused> {
    if text.len() + more.len() > ANSWER_BYTES_MAX {
        return Err(Refused::garbled("the answer is too long"));
    }
    text.push_str(more);
    Ok(())
}

/// A number of a JSON object, zero if it is missing or odd.
pub(super) fn number(value: &Value, path: &str) -> u64 {
    value.pointer(path).and_then(Value::as_u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_addresses_and_headers_are_the_providers() {
        let anthropic = Dialect::Anthropic {
            version: "v".to_owned(),
        };
        let openai = Dialect::OpenAi {
            limit: TokenField::default(),
        };
        assert_eq!(anthropic.url(None), "https://api.anthropic.com/v1/messages");
        assert_eq!(anthropic.url(Some("http://h:1/")), "http://h:1/v1/messages");
        assert_eq!(
            openai.url(Some("http://h:1/v1")),
            "http://h:1/v1/chat/completions"
        );
        let key = Secret::from("k");
        assert_eq!(
            anthropic.headers(Some(&key)),
            [
                ("anthropic-version", "v".to_owned()),
                ("x-api-key", "k".to_owned())
            ]
        );
        assert_eq!(
            openai.headers(Some(&key)),
            [("authorization", "Bearer k".to_owned())]
        );
        assert_eq!(openai.headers(None), []);
    }
}
