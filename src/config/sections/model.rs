//! `[model]` and `[knowledge]`: who answers, and from what.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::reader::{Reader, Section};
use super::super::values;
use crate::conversation::policy::ModelPolicy;
use crate::secret::Secret;

/// `[model]`.
#[derive(Clone, PartialEq, Debug)]
pub struct ModelSection {
    /// Whose API.
    pub provider: Provider,
    /// The model's name there; empty for the offline answerer.
    pub name: String,
    /// The API key. An OpenAI-compatible server of one's own may need none.
    pub api_key: Option<Secret>,
    /// The part of the URL before the API's own path; empty for the offline answerer.
    pub base_url: String,
    /// When the customer is told to wait, and when the question is given up.
    pub patience: ModelPolicy,
    /// The most calls at once.
    pub max_concurrent: usize,
    /// Models of the same provider that are tried next, in this order.
    pub fallback: Vec<String>,
    /// In place of the bundled instructions.
    pub system_prompt: Option<String>,
    /// A word by which the model asks for a person, for prompts that cannot use tools.
    pub handoff_tag: Option<String>,
    /// The model is asked to assess each answer: intent, mood, sensitivity, confidence, class of the lead.
    pub assess: bool,
    /// What tokens cost, by model name: that of [`Self::name`] and of those in [`Self::fallback`] that were given one.
    /// A model that is not here costs nothing, as far as Segue knows.
    pub prices: BTreeMap<String, ModelPrices>,
}

/// What a model's tokens cost, in millionths of a US dollar for a million tokens (`3.0` in the file is 3,000,000).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ModelPrices {
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
    /// Tokens read from the provider's cache; as much as `input` where it is not written.
    pub cached: u64,
}

/// Whose API answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Provider {
    /// None: answers come from the knowledge base, without a model and without a network.
    Offline,
    /// Anthropic's Messages API.
    Anthropic,
    /// OpenAI's Chat Completions API, and everything that speaks it.
    Openai,
}

impl Provider {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
        }
    }

    const fn base_url(self) -> &'static str {
        match self {
            Self::Offline => "",
            Self::Anthropic => "https://api.anthropic.com",
            Self::Openai => "https://api.openai.com/v1",
        }
    }
}

impl Default for ModelSection {
    fn default() -> Self {
        Self {
            provider: Provider::Offline,
            name: String::new(),
            api_key: None,
            base_url: String::new(),
            patience: ModelPolicy::default(),
            max_concurrent: 64,
            fallback: Vec::new(),
            system_prompt: None,
            handoff_tag: None,
            assess: false,
            prices: BTreeMap::new(),
        }
    }
}

/// The highest price that is believed, in US dollars for a million tokens.
const PRICE_MAX: f64 = 10_000.0;
/// Keys that the contract names and this version does not support.
const LATER: &[&str] = &["max_cost_per_day", "max_cost_per_conversation"];

impl ModelSection {
    pub(in crate::config) fn read(reader: &mut Reader<'_>, mut section: Section<'_>) -> Self {
        let default = Self::default();
        let providers = [Provider::Offline, Provider::Anthropic, Provider::Openai];
        let written = section.word(reader, "provider", &providers.map(|p| (p.as_str(), p)));
        let provider = written.unwrap_or(Provider::Offline);
        let misspelt = written.is_none() && section.has("provider");
        let fallback = section.texts(reader, "fallback").unwrap_or_default();
        let fallback: Vec<String> = fallback.into_iter().map(|spot| spot.value).collect();
        let name = section
            .text(reader, "name")
            .map_or_else(String::new, |spot| spot.value);
        let read = Self {
            provider,
            prices: prices(reader, &mut section, &name, &fallback),
            name,
            api_key: section.secret(reader, "api_key"),
            base_url: section
                .parsed(reader, "base_url", values::url)
                .map_or_else(|| provider.base_url().to_owned(), |spot| spot.value),
            patience: patience(reader, &mut section),
            max_concurrent: section
                .size(reader, "max_concurrent", 1..=10_000)
                .unwrap_or(default.max_concurrent),
            fallback,
            system_prompt: prompt(reader, &mut section),
            handoff_tag: section
                .parsed(reader, "handoff_tag", tag)
                .map(|spot| spot.value),
            assess: section.boolean(reader, "assess").unwrap_or(false),
        };
        match provider {
            // Nobody knows which was meant, so nothing is missing or too much.
            Provider::Offline if misspelt => {}
            Provider::Offline => {
                for key in [
                    "name", "api_key", "base_url", "fallback", "prices", "assess",
                ] {
                    if section.has(key) {
                        let what = format!("`model.{key}` is set, but the provider is \"offline\"");
                        reader.fault(
                            &section.place(key),
                            what,
                            "set provider = \"anthropic\" or \"openai\", or remove the key",
                        );
                    }
                }
            }
            Provider::Anthropic | Provider::Openai => {
                section.missing(reader, "name", "name the model, as the provider does");
                // a server of one's own that speaks OpenAI's API often has no keys
                if provider == Provider::Anthropic || !section.has("base_url") {
                    section.missing(
                        reader,
                        "api_key",
                        "api_key = { env = \"NAME_OF_A_VARIABLE\" }",
                    );
                }
            }
        }
        section.finish(reader, LATER);
        read
    }
}

fn patience(reader: &mut Reader<'_>, section: &mut Section<'_>) -> ModelPolicy {
    let default = ModelPolicy::default();
    let timeout = section
        .millis(reader, "timeout_ms", 100..=600_000)
        .unwrap_or(default.timeout);
    let usual = default.soft_timeout.min(timeout / 2);
    let soft_timeout = section
        .millis(reader, "soft_timeout_ms", 50..=600_000)
        .unwrap_or(usual);
    if soft_timeout >= timeout {
        let hint =
            "the customer is told to wait after `soft_timeout_ms`, so it must be the shorter one";
        let at = section.place("soft_timeout_ms");
        reader.fault(
            &at,
            "`model.soft_timeout_ms` is not below `model.timeout_ms`",
            hint,
        );
    }
    ModelPolicy {
        soft_timeout,
        timeout,
    }
}

/// `prices` is that of the main model, `[model.prices_of.NAME]` that of a fallback.
fn prices(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    name: &str,
    fallback: &[String],
) -> BTreeMap<String, ModelPrices> {
    let mut prices = BTreeMap::new();
    if section.has("prices") {
        let main = section.child(reader, "prices");
        prices.extend(price(reader, main).map(|price| (name.to_owned(), price)));
    }
    let mut of = section.child(reader, "prices_of");
    for model in of.keys() {
        let own = of.child(reader, model);
        if !fallback.iter().any(|name| name == model) {
            let what = format!("`{}`: `{model}` is not among the fallback models", own.name);
            let hint = "the main model's prices are model.prices; a fallback is named as in model.fallback";
            reader.fault(&own.at, what, hint);
        }
        prices.extend(price(reader, own).map(|price| (model.to_owned(), price)));
    }
    of.finish(reader, &[]);
    prices
}

fn price(reader: &mut Reader<'_>, mut section: Section<'_>) -> Option<ModelPrices> {
    let mut dollars = |key| {
        let number = section.number(reader, key, 0.0..=PRICE_MAX)?;
        // at most ten thousand million, and not below zero
        Some((number * 1e6).round() as u64)
    };
    let (input, output, cached) = (dollars("input"), dollars("output"), dollars("cached"));
    for key in ["input", "output"] {
        section.missing(reader, key, "US dollars for a million tokens, such as 3.0");
    }
    section.finish(reader, &[]);
    Some(ModelPrices {
        input: input?,
        output: output?,
        cached: cached.or(input)?,
    })
}

fn prompt(reader: &mut Reader<'_>, section: &mut Section<'_>) -> Option<String> {
    let text = section.text(reader, "system_prompt");
    let file = section.text(reader, "system_prompt_file");
    match (text, file) {
        (Some(_), Some(file)) => {
            let what = "`model.system_prompt` and `model.system_prompt_file` are both set";
            reader.fault(&file.at, what, "keep one of them");
            None
        }
        (Some(text), None) => Some(text.value),
        (None, Some(file)) => {
            let path = reader.path(&file.value, &file.at);
            reader.file(&path, &file.at)
        }
        (None, None) => None,
    }
}

fn tag(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if (2..=40).contains(&text.len()) && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err("one word of 2 to 40 letters, such as \"ESCALAR\"; the brackets are ours")
}

/// `[knowledge]`: the texts that answers rest on.
#[derive(Clone, PartialEq, Debug)]
pub struct KnowledgeSection {
    /// The directory of Markdown files; `None`: the bundled sample for the offline answerer, nothing for a model.
    pub dir: Option<PathBuf>,
    /// How many passages an answer may rest on.
    pub top_k: usize,
    /// The least score that counts as found, in thousandths of the best that is possible.
    pub min_score: u32,
}

impl Default for KnowledgeSection {
    fn default() -> Self {
        Self {
            dir: None,
            top_k: 4,
            min_score: 350,
        }
    }
}

impl KnowledgeSection {
    pub(in crate::config) fn read(reader: &mut Reader<'_>, mut section: Section<'_>) -> Self {
        let default = Self::default();
        let dir = section.text(reader, "dir").map(|spot| {
            let path = reader.path(&spot.value, &spot.at);
            if !path.is_dir() {
                let what = format!("`knowledge.dir` is no directory: `{}`", path.display());
                reader.fault(
                    &spot.at,
                    what,
                    "make it and put Markdown files there; `segue init` writes a sample",
                );
            }
            path
        });
        let read = Self {
            dir,
            top_k: section
                .size(reader, "top_k", 1..=50)
                .unwrap_or(default.top_k),
            min_score: section
                .integer(reader, "min_score", 0..=1_000)
                .and_then(|score| u32::try_from(score).ok())
                .unwrap_or(default.min_score),
        };
        section.finish(reader, &[]);
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_one_word() {
        assert!(tag("ESCALAR").is_ok());
        for wrong in ["[ESCALAR]", "A", "two words", ""] {
            assert!(tag(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_default_is_patient_enough() {
        let patience = ModelSection::default().patience;
        assert!(patience.soft_timeout < patience.timeout);
        assert_eq!(patience.timeout, std::time::Duration::from_secs(30));
    }
}
