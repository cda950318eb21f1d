//! `[triage]` and `[messages]`: what customers say, and what they are told.

use super::super::reader::{Reader, Section};
use super::super::values;
use crate::conversation::texts::{self, TextKey, Texts};
use crate::triage::Settings;
use crate::triage::phrases::{PhraseRule, Phrases, expand};
use crate::triage::specs::Spec;

/// The most phrases of one list and language.
const PHRASES_MAX: usize = 500;
/// Keys that the contract names and this version does not support.
const LATER: &[&str] = &[
    "languages",
    "phrases_file",
    "scope",
    "sentiment",
    "repetition",
    "value",
    "classes",
];

/// Reads `[triage]`: the phrases of the house, and which of the bundled rules are in force.
pub(in crate::config) fn triage(
    reader: &mut Reader<'_>,
    mut section: Section<'_>,
) -> (Phrases, Settings) {
    let mut phrases = Phrases::default();
    phrases
        .wants_person
        .extend(list(reader, &mut section, "explicit"));
    phrases
        .not_wants
        .extend(list(reader, &mut section, "not_explicit"));
    let settings = rules(reader, &mut section);
    section.finish(reader, LATER);
    (phrases, settings)
}

/// `preset`, and the rules that are `off` or only `observe`d.
fn rules(reader: &mut Reader<'_>, section: &mut Section<'_>) -> Settings {
    let preset = section.text(reader, "preset");
    let mut spec = match preset.as_ref().map(|text| text.value.as_str()) {
        Some("broad") => Spec::broad(),
        Some("default") | None => Spec::default(),
        Some(other) => {
            let at = &preset.as_ref().expect("it was read").at;
            let what = format!("there is no preset {other:?}");
            reader.fault(at, what, "write \"default\", or \"broad\" for a first week");
            Spec::default()
        }
    };
    let names: Vec<String> = spec.rules.iter().map(|rule| rule.name.clone()).collect();
    let mut listed = |key: &str| -> Vec<String> {
        let mut found = Vec::new();
        for text in section.texts(reader, key).unwrap_or_default() {
            if names.contains(&text.value) {
                found.push(text.value);
            } else {
                let what = format!("there is no rule {:?}", text.value);
                reader.fault(&text.at, what, format!("one of {}", names.join(", ")));
            }
        }
        found
    };
    let (off, observe) = (listed("off"), listed("observe"));
    if preset.is_none() && off.is_empty() && observe.is_empty() {
        return Settings::default();
    }
    spec.rules.retain(|rule| !off.contains(&rule.name));
    for rule in &mut spec.rules {
        rule.observe_only |= observe.contains(&rule.name);
    }
    Settings::of(spec)
}

fn list(reader: &mut Reader<'_>, section: &mut Section<'_>, key: &str) -> Vec<PhraseRule> {
    let mut rules: Vec<PhraseRule> = Vec::new();
    let mut by_language = section.child(reader, key);
    for written in by_language.keys() {
        let texts = by_language.texts(reader, written).unwrap_or_default();
        let at = by_language.place(written);
        let Ok(tag) = values::language(written) else {
            reader.fault(
                &at,
                format!("`{}` is no language", by_language.key(written)),
                format!("{key} = {{ en = [\"…\"], es = [\"…\"] }}"),
            );
            continue;
        };
        if texts.len() > PHRASES_MAX {
            reader.fault(
                &at,
                format!("`{}` has {} phrases", by_language.key(written), texts.len()),
                format!("at most {PHRASES_MAX}"),
            );
        }
        for text in texts {
            let rule = PhraseRule {
                language: texts::primary(&tag),
                phrase: text.value,
            };
            if let Err(fault) = expand(&rule.phrase) {
                let hint = "write words; `a|b` for either, `a?` for an optional one";
                reader.fault(&text.at, format!("{fault}: {:?}", rule.phrase), hint);
            } else if rules.contains(&rule) {
                reader.fault(
                    &text.at,
                    format!("the phrase is there twice: {:?}", rule.phrase),
                    "keep one of the two",
                );
            } else {
                rules.push(rule);
            }
        }
    }
    by_language.finish(reader, &[]);
    rules
}

/// Reads `[messages.LANGUAGE]`: texts in place of the bundled ones.
pub(in crate::config) fn messages(reader: &mut Reader<'_>, mut section: Section<'_>) -> Texts {
    let mut texts = Texts::default();
    for written in section.keys() {
        let mut own = section.child(reader, written);
        let Ok(language) = values::language(written) else {
            reader.fault(
                &own.at,
                format!("`{}` is no language", own.name),
                "write sections like [messages.en] or [messages.es]",
            );
            continue;
        };
        for key in TextKey::ALL {
            if let Some(text) = own.text(reader, key.as_str())
                && let Err(fault) = texts.set(&language, *key, &text.value)
            {
                let allowed: Vec<String> = key
                    .placeholders()
                    .iter()
                    .map(|p| format!("{{{}}}", p.as_str()))
                    .collect();
                let hint = match allowed.is_empty() {
                    true => {
                        "this text takes no placeholders; write {{ and }} for braces".to_owned()
                    }
                    false => format!(
                        "this text takes {}; write {{{{ and }}}} for braces",
                        allowed.join(", ")
                    ),
                };
                reader.fault(
                    &text.at,
                    format!("`{}`: {fault}", own.key(key.as_str())),
                    hint,
                );
            }
        }
        own.finish(reader, &[]);
    }
    texts
}
