//! Rules as data: what a house may write, and what is bundled.
//!
//! A rule names a topic by phrases per language, what keeps it from firing, and what follows. The bundled ones stand in
//! `data/rules.toml` (what customers say) and `data/answers.toml` (what an answer of the model must not say).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::conversation::words::Reason;

/// The rules about what customers say.
const RULES: &str = include_str!("data/rules.toml");
/// The rules about what an answer must not say.
const ANSWERS: &str = include_str!("data/answers.toml");

/// When a rule is looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A topic the AI must not handle: before the explicit request.
    Scope,
    /// Any other trigger: after it.
    Keyword,
    /// About what the model answered.
    Answer,
}

/// What a finding leads to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing by itself; it is counted and weighed.
    Signal,
    /// "Shall I connect you with a person?"
    Offer,
    /// A person takes over.
    Handoff,
}

impl Action {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Offer => "offer",
            Self::Handoff => "handoff",
        }
    }
}

/// How soon a person should look; queues add their own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// In its turn.
    #[default]
    Normal,
    /// Before the others.
    High,
    /// At once.
    Urgent,
}

impl Priority {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    /// On the scale of conversations, 0 to 255.
    pub const fn value(self) -> u8 {
        match self {
            Self::Normal => 0,
            Self::High => 100,
            Self::Urgent => 200,
        }
    }
}

/// One rule.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// Its name, in the trail and in reports.
    pub name: String,
    /// When it is looked at.
    pub kind: Kind,
    /// What follows.
    pub action: Action,
    /// The reason of the handoff.
    pub reason: Reason,
    /// The queue it names, if it names one.
    #[serde(default)]
    pub queue: Option<String>,
    /// How soon.
    #[serde(default)]
    pub priority: Priority,
    /// It is only noted; nothing follows.
    #[serde(default)]
    pub observe_only: bool,
    /// Fires only when more money than this is named, in whole units of any currency; not at the amount itself.
    #[serde(default)]
    pub min_amount: Option<u64>,
    /// Phrases, by language: `a|b` for either, `a?` optional, `^` and `$` for the ends of a thought.
    pub any: BTreeMap<String, Vec<String>>,
    /// Phrases that, anywhere in the message, keep it from firing.
    #[serde(default)]
    pub unless: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct File {
    rule: Vec<RuleSpec>,
}

/// The bundled rules.
///
/// # Panics
/// When the bundled data is wrong, which its test shows.
pub fn bundled() -> Vec<RuleSpec> {
    [RULES, ANSWERS]
        .into_iter()
        .flat_map(|text| {
            let file: File = toml::from_str(text).expect("the bundled rules are tested");
            file.rule
        })
        .collect()
}

/// From which values on something follows, and how much each sign of displeasure weighs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// The same question, so many times, is an offer.
    pub repeated: u8,
    /// So many deflecting answers are an offer; twice as many a handoff.
    pub deflections: u8,
    /// Displeasure (0 to 100) from which it is an offer.
    pub displeasure_offer: u8,
    /// Displeasure from which it is a handoff; 101: never, the default, until reviews support it.
    pub displeasure_handoff: u8,
    /// So many pieces, seats or guests are a valuable inquiry.
    pub quantity: u64,
    /// Such an amount of money, in whole units, is a valuable deal.
    pub deal: u64,
    /// Confidence of the model, per thousand, below which a person is asked.
    pub confidence: u16,
    /// Share of an answer, per thousand, that must stand in what was retrieved.
    pub grounding: u16,
    /// So many vague answers in a row are an offer.
    pub vague: u8,
    /// Classes of leads that always go to people.
    pub lead_classes: Vec<String>,
    /// Product categories those are limited to; none: all.
    pub lead_categories: Vec<String>,
    /// The queue of valuable inquiries and leads.
    pub value_queue: Option<String>,
    /// What follows when nothing relevant was found for a question that was answered all the same. Only counted, like a
    /// vague answer, unless the house says otherwise: much is answered well from the instructions of the model alone.
    pub no_chunks: Action,
}

/// What a class of the model's assessment leads to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassSpec {
    /// The queue it goes to, if it names one.
    pub queue: Option<String>,
    /// How soon.
    pub priority: Priority,
    /// Product categories it is limited to; none: all.
    pub categories: Vec<String>,
    /// What it means, in words for the model; none: its name says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub means: Option<String>,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            repeated: 3,
            deflections: 2,
            displeasure_offer: 70,
            displeasure_handoff: 101,
            quantity: 100,
            deal: 10_000,
            confidence: 350,
            grounding: 250,
            vague: 2,
            lead_classes: vec!["HOT".to_owned()],
            lead_categories: Vec::new(),
            value_queue: None,
            no_chunks: Action::Signal,
        }
    }
}

/// The rules of a house: the bundled ones as it changed them, and its own.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Spec {
    /// The rules.
    pub rules: Vec<RuleSpec>,
    /// The numbers.
    pub thresholds: Thresholds,
    /// Classes of leads that go to people, by their name; none: those of the thresholds.
    #[serde(default)]
    pub classes: BTreeMap<String, ClassSpec>,
    /// The languages whose rules are on, as primary subtags; none: all that are bundled.
    #[serde(default)]
    pub languages: BTreeSet<String>,
    /// Rules about numbers ([`NUMBERED`]) that are switched off.
    #[serde(default)]
    pub off: BTreeSet<String>,
    /// Rules about numbers that only observe.
    #[serde(default)]
    pub observed: BTreeSet<String>,
}

/// The rules that follow from numbers and not from phrases: they have thresholds, and are no list to add to.
pub const NUMBERED: [&str; 5] = [
    "context.repeated",
    "context.deflected",
    "context.displeasure",
    "value.quantity",
    "value.deal",
];

impl Default for Spec {
    fn default() -> Self {
        Self {
            rules: bundled(),
            thresholds: Thresholds::default(),
            classes: BTreeMap::new(),
            languages: BTreeSet::new(),
            off: BTreeSet::new(),
            observed: BTreeSet::new(),
        }
    }
}

impl Spec {
    /// For the first week: everything that is an offer hands off, and smaller signs are offers. A baseline to review.
    pub fn broad() -> Self {
        let mut spec = Self::default();
        for rule in &mut spec.rules {
            if rule.action == Action::Offer {
                rule.action = Action::Handoff;
            }
        }
        spec.thresholds = Thresholds {
            repeated: 2,
            deflections: 1,
            displeasure_offer: 40,
            displeasure_handoff: 75,
            quantity: 20,
            deal: 1_000,
            confidence: 500,
            grounding: 350,
            vague: 1,
            ..spec.thresholds
        };
        spec
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::lexicon::LANGUAGES;

    #[test]
    fn every_bundled_rule_speaks_every_language() {
        let rules = bundled();
        assert!(rules.len() >= 14, "{}", rules.len());
        for rule in &rules {
            for language in LANGUAGES {
                let phrases = rule.any.get(language).map_or(0, Vec::len);
                assert!(phrases > 0, "{}: {language}", rule.name);
            }
        }
    }

    #[test]
    fn the_broad_preset_offers_nothing_that_it_could_hand_off() {
        let broad = Spec::broad();
        assert!(broad.rules.iter().all(|rule| rule.action != Action::Offer));
        assert!(broad.thresholds.displeasure_handoff <= 100);
    }
}
