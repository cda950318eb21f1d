//! What a model says of its own answer, where it is asked to: intent, mood, sensitivity, confidence, class of the lead.
//!
//! It comes as the arguments of a tool that the model calls beside its answer. Whatever is missing or odd counts as not
//! said: an answer is never worse for an assessment that cannot be read. It decides nothing; the rules weigh it. Pure.

use serde::Deserialize;

/// The tool by which a model assesses its answer.
pub const ASSESS: &str = "assess";
/// The longest word that is kept, in bytes: classes and categories are words of the house.
pub const WORD_BYTES_MAX: usize = 64;

/// What the model said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Assessment {
    /// What the customer wants, in a word or two.
    pub intent: Option<String>,
    /// How the customer feels.
    pub sentiment: Option<Mood>,
    /// The matter is a sensitive one.
    pub sensitive: Option<bool>,
    /// How sure the model is of its answer, in percent.
    pub confidence: Option<u8>,
    /// The class of the lead (`HOT`, …), in a word of the house.
    pub lead_class: Option<String>,
    /// The product category it is about, in a word of the house.
    pub category: Option<String>,
}

/// How a customer feels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mood {
    /// Displeased.
    Negative,
    /// Neither.
    Neutral,
    /// Pleased.
    Positive,
}

impl Assessment {
    /// That of an answer with these calls: name and arguments as JSON text. Nothing said where none can be read.
    pub fn of(tools: &[(String, String)]) -> Self {
        let call = tools.iter().find(|(name, _)| name == ASSESS);
        let said = call.and_then(|(_, arguments)| {
            let value: serde_json::Value = serde_json::from_str(arguments).ok()?;
            Some(Self::read(&value))
        });
        said.unwrap_or_default()
    }

    /// Field by field, so that one odd value costs only itself.
    fn read(value: &serde_json::Value) -> Self {
        let word = |key: &str| {
            let text = value.get(key)?.as_str()?.trim();
            (!text.is_empty() && text.len() <= WORD_BYTES_MAX).then(|| text.to_owned())
        };
        let mood = || serde_json::from_value(value.get("sentiment")?.clone()).ok();
        let percent = || u8::try_from(value.get("confidence")?.as_u64()?).ok();
        Self {
            intent: word("intent"),
            sentiment: mood(),
            sensitive: value.get("sensitive").and_then(serde_json::Value::as_bool),
            confidence: percent().filter(|percent| *percent <= 100),
            lead_class: word("lead_class"),
            category: word("category"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &str, want: &Assessment) {
        let tools = [
            ("look_up".to_owned(), "{}".to_owned()),
            (ASSESS.to_owned(), arguments.to_owned()),
        ];
        assert_eq!(Assessment::of(&tools), *want, "{arguments}");
    }

    #[test]
    fn an_assessment_is_read_field_by_field() {
        let whole = Assessment {
            intent: Some("buy".to_owned()),
            sentiment: Some(Mood::Negative),
            sensitive: Some(true),
            confidence: Some(40),
            lead_class: Some("HOT".to_owned()),
            category: None,
        };
        check(
            r#"{"intent": "buy", "sentiment": "negative", "sensitive": true, "confidence": 40, "lead_class": "HOT"}"#,
            &whole,
        );
        let odd = r#"{"intent": 7, "sentiment": "cross", "sensitive": "yes", "confidence": 400, "category": "lamps"}"#;
        let category = Some("lamps".to_owned());
        check(
            odd,
            &Assessment {
                category,
                ..Assessment::default()
            },
        );
        for broken in ["", "[]", "{", "null"] {
            check(broken, &Assessment::default());
        }
        assert_eq!(Assessment::of(&[]), Assessment::default());
    }
}
