//! What the operator decides about the model: who answers, where, how long, how much, at what price.
//!
//! Plain values with sensible defaults; nothing here reads a file or checks the network. The key never shows in
//! `Debug`. What cannot work is refused by [`super::Service::new`], not here.

use std::time::Duration;

use super::guard::TAG_DEFAULT;
use crate::secret::Secret;

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Provider {
    /// Nobody outside: sentences out of the knowledge base.
    #[default]
    Offline,
    /// The Messages API of Anthropic, or a server that speaks it.
    Anthropic,
    /// The Chat Completions API of OpenAI, or a server that speaks it.
    OpenAi,
}

/// Under which name the limit of an answer travels to an OpenAI-like server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TokenField {
    /// `max_completion_tokens`: what OpenAI asks for; its reasoning models refuse the other.
    #[default]
    MaxCompletionTokens,
    /// `max_tokens`: the older name, the only one that many compatible servers know.
    MaxTokens,
}

/// What tokens cost, in millionths of a US dollar for a million tokens (3 USD per million is 3,000,000).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Prices {
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
    /// Tokens read from the provider's cache. Writing to the cache is charged as [`Prices::input`] here.
    pub cached: u64,
}

/// Everything about one model, and what to do when it fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelSettings {
    /// Who answers.
    pub provider: Provider,
    /// The model's name at the provider. It is also what [`crate::conversation::question::ModelAnswer`] names.
    pub name: String,
    /// The provider's key; a local server often wants none.
    pub api_key: Option<Secret>,
    /// The part of the address before the API's own path; `None` for the provider's own address.
    pub base_url: Option<String>,
    /// The longest an answer may take in all: waiting for a slot, retries and fallback included. Only the first model's counts.
    pub timeout: Duration,
    /// The most calls to this model at once; more wait.
    pub max_concurrent: usize,
    /// The longest answer, in tokens.
    pub max_tokens: u32,
    /// What it costs.
    pub prices: Prices,
    /// Who is asked instead, in this order. Their own fallbacks, prompts and knowledge settings are not read.
    pub fallback: Vec<ModelSettings>,
    /// The operator's words to the model; `None` for a plain default. The rules of the house are always added.
    pub system_prompt: Option<String>,
    /// The word with which a model without tools asks for a person; empty for none.
    pub handoff_tag: String,
    /// The most chunks of the knowledge base given to the model with a question.
    pub top_k: usize,
    /// The least score of a chunk, in thousandths.
    pub min_score: u32,
    /// Answers should rest on what the knowledge base has: they are held against it.
    pub grounded: bool,
    /// The model is asked to assess each answer by a tool of its own.
    pub assess: bool,
    /// The `anthropic-version` header.
    pub api_version: String,
    /// How the limit of an answer is named to an OpenAI-like server.
    pub token_field: TokenField,
    /// How long the offline answerer waits before it answers; for demonstrations and tests.
    pub offline_delay: Duration,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            provider: Provider::Offline,
            name: "offline".to_owned(),
            api_key: None,
            base_url: None,
            timeout: Duration::from_secs(30),
            max_concurrent: 64,
            max_tokens: 1_024,
            prices: Prices::default(),
            fallback: Vec::new(),
            system_prompt: None,
            handoff_tag: TAG_DEFAULT.to_owned(),
            top_k: 4,
            min_score: 350,
            grounded: false,
            assess: false,
            api_version: "2026-10-21".to_owned(),
            token_field: TokenField::default(),
            offline_delay: Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_never_shows() {
        let settings = ModelSettings {
            api_key: Some("sk-secret".into()),
            ..ModelSettings::default()
        };
        let shown = format!("{settings:?}");
        assert!(
            shown.contains("Some(<secret>)") && !shown.contains("sk-secret"),
            "{shown}"
        );
    }
}
