//! `[triage]`: what customers say to ask for a person, which rules are in force, and the house's own.
//!
//! A table `[[triage.scope]]` with the name of a bundled rule changes that rule (queue, priority, more phrases, an
//! amount); with any other name it is a rule of the house. Thresholds of signs and values have their own small tables.
//! What is not written stays as it ships.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::super::fault::Place;
use super::super::reader::{Reader, Section, Spot, suggestion};
use super::super::values;
use super::phrases_file;
use super::signs::{classes, priority, queue, thresholds};
use crate::conversation::texts;
use crate::conversation::words::Reason;
use crate::ids::QueueName;
use crate::triage::phrases::{PhraseRule, Phrases, expand};
use crate::triage::specs::{Action, Kind, NUMBERED, Priority, RuleSpec, Spec};
use crate::triage::{SPOKEN, Settings};

/// The most phrases of one list and language.
const PHRASES_MAX: usize = 500;
/// The most rules of one's own.
const RULES_MAX: usize = 200;
/// The longest phrase of a rule, in words: a longer one would never be said.
const PHRASE_WORDS_MAX: usize = 12;
/// The language of phrases that count in any.
const ANY: &str = "any";
/// What `[triage]` says.
pub(in crate::config) struct Read {
    pub(in crate::config) phrases: Phrases,
    pub(in crate::config) settings: Settings,
    /// The file of further phrases, if one is named.
    pub(in crate::config) file: Option<PathBuf>,
}

/// Reads `[triage]`, and the file of phrases that it names. `queues`: those that exist.
pub(in crate::config) fn read(
    reader: &mut Reader<'_>,
    mut section: Section<'_>,
    queues: &[QueueName],
) -> Read {
    let mut phrases = Phrases::default();
    requests(reader, &mut section, &mut phrases);
    let mut spec = preset(reader, &mut section);
    spec.languages = languages(reader, &mut section);
    scopes(reader, &mut section, &mut spec, queues);
    let mut more = |reader: &mut Reader<'_>, own: &mut Section<'_>| {
        requests(reader, own, &mut phrases);
        scopes(reader, own, &mut spec, queues);
    };
    let file = phrases_file::read(reader, &mut section, &mut more);
    numbers(reader, &mut section, &mut spec, queues);
    section.finish(reader, &[]);
    let settings = match spec == Spec::default() {
        true => Settings::default(),
        false => Settings::of(spec),
    };
    Read {
        phrases,
        settings,
        file,
    }
}

/// What customers say to ask for a person, and what looks like it: `explicit` and `not_explicit`.
fn requests(reader: &mut Reader<'_>, section: &mut Section<'_>, phrases: &mut Phrases) {
    let lists = [
        ("explicit", &mut phrases.wants_person),
        ("not_explicit", &mut phrases.not_wants),
    ];
    for (key, phrases) in lists {
        for rule in list(reader, section, key) {
            // the same line in the configuration and in its file of phrases is one
            if !phrases.contains(&rule) {
                phrases.push(rule);
            }
        }
    }
}

/// `languages`: whose rules are on; empty: all.
fn languages(reader: &mut Reader<'_>, section: &mut Section<'_>) -> BTreeSet<String> {
    let hint = || format!("some of {}; leave the key out for all", SPOKEN.join(", "));
    let written = section.texts(reader, "languages");
    if written.as_ref().is_some_and(Vec::is_empty) {
        let what = format!("`{}` is empty", section.key("languages"));
        reader.fault(&section.place("languages"), what, hint());
    }
    let mut on = BTreeSet::new();
    for Spot { value, at } in written.unwrap_or_default() {
        let primary = texts::primary(&value);
        if SPOKEN.contains(&primary.as_str()) {
            on.insert(primary);
        } else {
            let what = format!("no rules are bundled for the language {value:?}");
            reader.fault(&at, what, hint());
        }
    }
    match on.len() == SPOKEN.len() {
        true => BTreeSet::new(),
        false => on,
    }
}

fn preset(reader: &mut Reader<'_>, section: &mut Section<'_>) -> Spec {
    let presets = [("default", false), ("broad", true)];
    match section.word(reader, "preset", &presets) {
        Some(true) => Spec::broad(),
        Some(false) | None => Spec::default(),
    }
}

/// The thresholds and classes, and the rules that are `off` or only `observe`d.
fn numbers(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    spec: &mut Spec,
    queues: &[QueueName],
) {
    thresholds(reader, section, &mut spec.thresholds, queues);
    spec.classes = classes(reader, section, queues);
    let names = spec.rules.iter().map(|rule| rule.name.clone());
    let names: Vec<String> = names.chain(NUMBERED.map(str::to_owned)).collect();
    let mut listed = |key: &str| -> Vec<Spot<String>> {
        let mut found = section.texts(reader, key).unwrap_or_default();
        found.retain(|text| {
            let known = names.contains(&text.value);
            if !known {
                let what = format!("there is no rule {:?}", text.value);
                let near = suggestion(&text.value, names.iter().map(String::as_str));
                reader.fault(&text.at, what, format!("{near}one of {}", names.join(", ")));
            }
            known
        });
        found
    };
    let (off, observe) = (listed("off"), listed("observe"));
    let in_both = |one: &&Spot<String>| off.iter().any(|other| other.value == one.value);
    for Spot { value, at } in observe.iter().filter(in_both) {
        let what = format!("the rule {value:?} is off, and is to observe as well");
        reader.fault(at, what, "keep it in one of `off` and `observe`");
    }
    let named = |list: Vec<Spot<String>>| list.into_iter().map(|spot| spot.value).collect();
    let (off, observe): (BTreeSet<String>, BTreeSet<String>) = (named(off), named(observe));
    spec.rules.retain(|rule| !off.contains(&rule.name));
    for rule in &mut spec.rules {
        rule.observe_only |= observe.contains(&rule.name);
    }
    let numbered = |names: BTreeSet<String>| {
        let names = names.into_iter();
        names
            .filter(|name| NUMBERED.contains(&name.as_str()))
            .collect()
    };
    (spec.off, spec.observed) = (numbered(off), numbered(observe));
}

/// `[[triage.scope]]`, one after the other; each name once.
fn scopes(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    spec: &mut Spec,
    queues: &[QueueName],
) {
    let tables = section.tables(reader, "scope").unwrap_or_default();
    if tables.len() > RULES_MAX {
        let what = format!("`triage.scope` has {} rules", tables.len());
        reader.fault(
            &section.place("scope"),
            what,
            format!("at most {RULES_MAX}"),
        );
    }
    let mut seen: Vec<String> = Vec::new();
    for mut own in tables {
        let hint = "small letters, digits, `.`, `-` and `_`, such as \"scope.warranty\"";
        own.missing(reader, "name", hint);
        let name = own.parsed(reader, "name", |text| rule_name(text).ok_or(hint));
        let Some(Spot { value: name, at }) = name else {
            // the other keys are read all the same, for their faults
            scope(reader, &mut own, &mut bare(String::new()), queues);
            own.finish(reader, &[]);
            continue;
        };
        if seen.contains(&name) {
            reader.fault(
                &at,
                format!("the rule is there twice: {name:?}"),
                "keep one of the two",
            );
        }
        let shipped = spec.rules.iter().position(|rule| rule.name == name);
        let mut rule = match shipped {
            Some(place) => spec.rules[place].clone(),
            None => bare(name.clone()),
        };
        scope(reader, &mut own, &mut rule, queues);
        let silent = rule.any.values().all(Vec::is_empty);
        if silent && !own.has("phrases") && !own.has("words") {
            let what = format!("the rule {name:?} has no phrases, and none ships under that name");
            reader.fault(
                &at,
                what,
                "add phrases = { en = [\"…\"] } or words = [\"…\"]",
            );
        }
        own.finish(reader, &[]);
        seen.push(name);
        match shipped {
            Some(place) => spec.rules[place] = rule,
            None => spec.rules.push(rule),
        }
    }
}

/// A rule of the house before its keys are read.
fn bare(name: String) -> RuleSpec {
    RuleSpec {
        name,
        kind: Kind::Scope,
        action: Action::Handoff,
        reason: Reason::OutOfScope,
        queue: None,
        priority: Priority::Normal,
        observe_only: false,
        min_amount: None,
        any: BTreeMap::new(),
        unless: BTreeMap::new(),
    }
}

/// The keys of one `[[triage.scope]]`, into `rule`.
fn scope(
    reader: &mut Reader<'_>,
    own: &mut Section<'_>,
    rule: &mut RuleSpec,
    queues: &[QueueName],
) {
    for (language, phrases) in worded(reader, own, "phrases") {
        rule.any.entry(language).or_default().extend(phrases);
    }
    let words = own.texts(reader, "words").unwrap_or_default();
    let words = usable(reader, words);
    if !words.is_empty() {
        rule.any.entry(ANY.to_owned()).or_default().extend(words);
    }
    for (language, phrases) in worded(reader, own, "unless") {
        rule.unless.entry(language).or_default().extend(phrases);
    }
    let amount = own.integer(reader, "above", 1..=1_000_000_000);
    rule.min_amount = amount.map_or(rule.min_amount, |amount| u64::try_from(amount).ok());
    rule.queue = queue(reader, own, queues).or_else(|| rule.queue.take());
    rule.priority = priority(reader, own).unwrap_or(rule.priority);
    let actions = [("handoff", Action::Handoff), ("offer", Action::Offer)];
    rule.action = own.word(reader, "action", &actions).unwrap_or(rule.action);
    let reasons = [
        Reason::OutOfScope,
        Reason::Keyword,
        Reason::Sensitive,
        Reason::Urgent,
        Reason::HighValue,
    ];
    let words = reasons.map(|reason| (reason.as_str(), reason));
    rule.reason = own.word(reader, "reason", &words).unwrap_or(rule.reason);
    let observe = own.boolean(reader, "observe");
    rule.observe_only = observe.unwrap_or(rule.observe_only);
}

fn rule_name(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    let named = (2..=64).contains(&text.len()) && text.chars().all(plain);
    // the core's own rules are no lists of phrases
    let own = [
        "answer.",
        "context.",
        "value.",
        "model.",
        "explicit.",
        "button.",
    ];
    let taken = own.iter().any(|own| text.starts_with(own)) && text != "value.enterprise";
    (named && !taken).then(|| text.to_owned())
}

/// `{ en = ["…"], any = ["…"] }`: phrases by language.
fn worded(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    key: &str,
) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    let mut by_language = section.child(reader, key);
    for written in by_language.keys() {
        let texts = by_language.texts(reader, written).unwrap_or_default();
        let language = match written {
            ANY => ANY.to_owned(),
            _ => match values::spoken(written) {
                Ok(language) => language,
                Err(_) => {
                    let what = format!("`{}` is no language", by_language.key(written));
                    let hint = format!("{key} = {{ en = [\"…\"], any = [\"…\"] }}");
                    reader.fault(&by_language.place(written), what, hint);
                    continue;
                }
            },
        };
        too_many(reader, &by_language.place(written), texts.len());
        all.insert(language, usable(reader, texts));
    }
    by_language.finish(reader, &[]);
    all
}

/// Those of `texts` that can be used as phrases of a rule.
fn usable(reader: &mut Reader<'_>, texts: Vec<Spot<String>>) -> Vec<String> {
    let mut phrases: Vec<String> = Vec::new();
    for Spot { value, at } in texts {
        let hint = "write words; `a|b` for either, `a?` for an optional one, `^` and `$` for the ends of a thought";
        let words: Vec<&str> = value.split_whitespace().collect();
        if let Err(fault) = expand(value.trim_matches(['^', '$'])) {
            reader.fault(&at, format!("{fault}: {value:?}"), hint);
        } else if words.len() > PHRASE_WORDS_MAX {
            let what = format!("the phrase has {} words: {value:?}", words.len());
            reader.fault(&at, what, format!("at most {PHRASE_WORDS_MAX}"));
        } else if words.iter().all(|word| word.ends_with('?')) {
            let what = format!("every word of the phrase is optional: {value:?}");
            reader.fault(&at, what, "leave one without its `?`");
        } else {
            phrases.push(value);
        }
    }
    phrases
}

fn too_many(reader: &mut Reader<'_>, at: &Place, count: usize) {
    if count > PHRASES_MAX {
        let what = format!("the list has {count} phrases");
        reader.fault(at, what, format!("at most {PHRASES_MAX}"));
    }
}

fn list(reader: &mut Reader<'_>, section: &mut Section<'_>, key: &str) -> Vec<PhraseRule> {
    let mut rules: Vec<PhraseRule> = Vec::new();
    let mut by_language = section.child(reader, key);
    for written in by_language.keys() {
        let texts = by_language.texts(reader, written).unwrap_or_default();
        let at = by_language.place(written);
        let Ok(language) = values::spoken(written) else {
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
                language: language.clone(),
                phrase: text.value,
            };
            if let Err(fault) = expand(&rule.phrase) {
                let hint = "write words; `a|b` for either, `a?` for an optional one";
                reader.fault(&text.at, format!("{fault}: {:?}", rule.phrase), hint);
            } else if rule.phrase.split_whitespace().all(|w| w.ends_with('?')) {
                let what = format!("every word of the phrase is optional: {:?}", rule.phrase);
                reader.fault(&text.at, what, "leave one without its `?`");
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
