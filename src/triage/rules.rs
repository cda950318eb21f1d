//! The decision before the model: topic scope, then an explicit request, then the other triggers.
//!
//! [`Rules`] is compiled once from a [`Spec`]; [`Rules::before_model`] reads one message. Every finding names its rule,
//! reason, words and language; a rule that only observes is found and decides nothing. Pure: no clock, no I/O.

use std::collections::{BTreeMap, BTreeSet};

use super::amounts;
use super::asks;
use super::classes::{DET, HELP, I, LINK, MODAL, NEG, SOFT, TALK, WANT};
use super::gist::{Gist, Hashes};
use super::lexicon::{LANGUAGES, Lexicon, Meaning, tongue};
use super::phrases::{Match, Phrases};
use super::reading::Reading;
use super::signals::{self, Signals};
use super::specs::{Action, ClassSpec, Kind, Priority, RuleSpec, Spec, Thresholds};
use super::worth;
use crate::conversation::words::Reason;

/// The name of the explicit request among the rules.
pub const EXPLICIT: &str = "explicit";
/// The name of the rule about several deflecting answers.
pub(super) const DEFLECTED: &str = "context.deflected";

/// The rules of a house, ready to be used.
pub struct Rules {
    pub(super) lexicon: Lexicon,
    pub(super) rules: Vec<RuleSpec>,
    pub(super) thresholds: Thresholds,
    pub(super) classes: BTreeMap<String, ClassSpec>,
    pub(super) off: BTreeSet<String>,
    pub(super) observed: BTreeSet<String>,
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rules({})", self.rules.len())
    }
}

/// What is known besides the message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The conversation's language, where it is known.
    pub language: Option<&'a str>,
    /// What the customer's earlier messages since the last handback were about, those that were answered.
    pub recent: &'a [Gist],
    /// How often the AI deflected, or answered vaguely, since then.
    pub deflections: u8,
}

/// Something that a rule found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// When it was looked at; what follows from numbers counts as a keyword.
    pub kind: Kind,
    /// The reason of the handoff it leads to.
    pub reason: Reason,
    /// The words it fired on, normalised; before them the amount, where the rule looked at one: `EUR 2500: refund`.
    pub matched: String,
    /// Their language.
    pub language: &'static str,
    /// What follows.
    pub action: Action,
    /// The queue it names.
    pub queue: Option<String>,
    /// How soon.
    pub priority: Priority,
    /// It is noted and decides nothing.
    pub observe_only: bool,
}

/// What was found in one message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Triage {
    /// In the order of precedence.
    pub findings: Vec<Finding>,
    /// How it sounds.
    pub signals: Signals,
}

impl Triage {
    /// The finding that decides: the first handoff in order, else the first offer. `None`: the model may answer.
    pub fn decision(&self) -> Option<&Finding> {
        let first = |action: Action| {
            self.findings
                .iter()
                .find(|finding| finding.action == action && !finding.observe_only)
        };
        first(Action::Handoff).or_else(|| first(Action::Offer))
    }

    /// With what the house itself says of asking for a person in `text`. The request then bears the name that the trail
    /// gives it, and stands where the order wants it: behind the topics out of scope.
    pub fn in_house(mut self, phrases: &Phrases, text: &str, language: Option<&str>) -> Self {
        let request = |finding: &Finding| finding.reason == Reason::UserRequest;
        let heard = self.findings.iter().position(request);
        let heard = heard.map(|at| self.findings.remove(at));
        let known = heard.as_ref().map_or("", |finding| finding.language);
        let heard = heard.map(|finding| Match {
            rule: match finding.rule.strip_prefix(EXPLICIT) {
                Some(rule) => format!("{known}:{}", rule.trim_start_matches('.')),
                None => finding.rule,
            },
            matched: finding.matched,
        });
        let Some(found) = phrases.judge(text, language, heard) else {
            return self;
        };
        let scope = |finding: &&Finding| finding.kind == Kind::Scope;
        let place = self.findings.iter().take_while(scope).count();
        // A rule of the request begins with its language; a house may have phrases in one that is not bundled.
        let of = found.rule.split(':').next();
        let spoken = LANGUAGES.into_iter().find(|language| of == Some(*language));
        let finding = Finding {
            rule: found.rule,
            kind: Kind::Keyword,
            reason: Reason::UserRequest,
            matched: found.matched,
            language: spoken.unwrap_or_default(),
            action: Action::Handoff,
            queue: None,
            priority: Priority::Normal,
            observe_only: false,
        };
        self.findings.insert(place, finding);
        self
    }
}

impl Rules {
    /// Compiles `spec`. Takes tens of milliseconds.
    pub fn compile(spec: Spec) -> Self {
        let mut lexicon = Lexicon::bundled();
        for (number, rule) in (0_u16..).zip(&spec.rules) {
            for (against, phrases) in [(false, &rule.any), (true, &rule.unless)] {
                for (language, phrases) in phrases {
                    // a language that is not bundled: its phrases count in any
                    let tongues = tongue(language).unwrap_or(u8::MAX);
                    let meaning = Meaning::Rule {
                        rule: number,
                        against,
                    };
                    for phrase in phrases {
                        lexicon.phrase(phrase, tongues, meaning);
                    }
                }
            }
        }
        lexicon.seal();
        lexicon.only(&spec.languages);
        Self {
            lexicon,
            off: spec.off,
            observed: spec.observed,
            rules: spec.rules,
            thresholds: spec.thresholds,
            classes: spec.classes,
        }
    }

    /// Reads `text` before the model does.
    pub fn before_model(&self, text: &str, context: &Context<'_>) -> Triage {
        let reading = Reading::of(&self.lexicon, text, context.language);
        let numbered = (0..reading.ids.len()).any(|i| amounts::is_number(reading.words.word(i)));
        let numbers = if numbered {
            amounts::numbers(text)
        } else {
            Vec::new()
        };
        let mut signals = Signals {
            sentiment: signals::sentiment(&reading, &self.lexicon),
            caps: signals::caps(&reading),
            repeated: repeated(&reading, &self.lexicon, context),
            ..Signals::of_numbers(&numbers)
        };
        let mut findings = self.fired(&reading, Kind::Scope, &signals);
        if let Some(ask) = asks::find(&reading, &self.lexicon) {
            findings.push(Finding {
                rule: format!("{EXPLICIT}.{}", ask.rule),
                ..self.finding(
                    &reading,
                    Reason::UserRequest,
                    Action::Handoff,
                    ask.from,
                    ask.to,
                )
            });
        }
        findings.extend(self.fired(&reading, Kind::Keyword, &signals));
        signals.urgent = findings.iter().any(|f| f.reason == Reason::Urgent);
        signals.sensitive = findings.iter().any(|f| f.reason == Reason::Sensitive);
        signals.displeasure = signals::displeasure(&signals, context.deflections);
        self.by_numbers(&reading, &signals, context, &mut findings);
        Triage { findings, signals }
    }

    /// The rules of `kind` that fire, in their order; each once.
    pub(super) fn fired(&self, reading: &Reading, kind: Kind, signals: &Signals) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        let mut hits: Vec<(u16, usize, usize)> = Vec::new();
        for hit in &reading.hits {
            let Meaning::Rule {
                rule,
                against: false,
            } = hit.meaning
            else {
                continue;
            };
            let guessed = hit.from == hit.to && reading.slipped[hit.from];
            if hits.iter().any(|(known, ..)| *known == rule)
                || is_denied(reading, hit.from)
                || guessed && !self.is_at_home(reading, hit.from, rule)
            {
                continue;
            }
            hits.push((rule, hit.from, hit.to));
        }
        hits.sort_unstable();
        for (number, from, to) in hits {
            let Some(rule) = self
                .rules
                .get(usize::from(number))
                .filter(|r| r.kind == kind)
            else {
                continue;
            };
            let against = reading.hits.iter().any(|hit| {
                hit.meaning
                    == Meaning::Rule {
                        rule: number,
                        against: true,
                    }
            });
            let numbered = || (from..=to).any(|i| amounts::is_number(reading.words.word(i)));
            let sum = rule.min_amount;
            let enough = sum.is_none_or(|sum| signals.exceed(sum, numbered));
            if against || !enough {
                continue;
            }
            let found = self.finding(reading, rule.reason, rule.action, from, to);
            findings.push(Finding {
                rule: rule.name.clone(),
                matched: match rule.min_amount {
                    Some(_) => signals.with_amount(&found.matched),
                    None => found.matched,
                },
                kind: rule.kind,
                queue: rule.queue.clone(),
                priority: rule.priority,
                observe_only: rule.observe_only,
                ..found
            });
        }
        findings
    }

    /// Whether a word that had to be corrected stands among words of its own language: `decode` is no misspelt `décédé`
    /// in an English message.
    ///
    /// In two or three words all others must be of its language, and only an offer may follow.
    fn is_at_home(&self, reading: &Reading, at: usize, rule: u16) -> bool {
        let tongues = |i: usize| {
            let entry = self.lexicon.entry(reading.ids[i]);
            entry.map_or(0, |entry| entry.tongues)
        };
        let own = tongues(at);
        let count = reading.ids.len();
        let kin = (0..count)
            .filter(|i| !reading.slipped[*i] && tongues(*i) & own != 0)
            .count();
        let rule = self.rules.get(usize::from(rule));
        let mild = rule.is_some_and(|rule| rule.action == Action::Offer);
        kin >= 3 && kin * 2 >= count || mild && kin > 0 && kin + 1 == count
    }

    pub(super) fn finding(
        &self,
        reading: &Reading,
        reason: Reason,
        action: Action,
        from: usize,
        to: usize,
    ) -> Finding {
        Finding {
            rule: String::new(),
            kind: Kind::Keyword,
            reason,
            matched: reading.words.span(from, to),
            language: reading.language(from, &self.lexicon),
            action,
            queue: None,
            priority: Priority::Normal,
            observe_only: false,
        }
    }

    /// What follows from numbers alone: repetition, deflection, displeasure, value.
    fn by_numbers(
        &self,
        reading: &Reading,
        signals: &Signals,
        context: &Context<'_>,
        findings: &mut Vec<Finding>,
    ) {
        let limits = &self.thresholds;
        let mut add = |rule: &str, reason: Reason, action: Action, matched: String| {
            if self.off.contains(rule) {
                return;
            }
            findings.push(Finding {
                rule: rule.to_owned(),
                matched,
                observe_only: self.observed.contains(rule),
                ..self.finding(reading, reason, action, 0, 0)
            });
        };
        if limits.repeated > 0 && signals.repeated >= limits.repeated.max(2) {
            let times = format!("asked {} times", signals.repeated);
            add("context.repeated", Reason::Repetition, Action::Offer, times);
        }
        if limits.deflections > 0 && context.deflections >= limits.deflections {
            let twice = limits.deflections.saturating_mul(2);
            let action = if context.deflections >= twice {
                Action::Handoff
            } else {
                Action::Offer
            };
            let times = format!("deflected {} times", context.deflections);
            add(DEFLECTED, Reason::Deflection, action, times);
        }
        if signals.displeasure >= limits.displeasure_offer {
            let hand_off = signals.displeasure >= limits.displeasure_handoff;
            let action = if hand_off {
                Action::Handoff
            } else {
                Action::Offer
            };
            let how = format!("displeasure {}", signals.displeasure);
            add("context.displeasure", Reason::Sentiment, action, how);
        }
        let queue = limits.value_queue.clone();
        let counted = !self.off.contains("value.quantity");
        let large = counted && signals.quantity.is_some_and(|n| n >= limits.quantity);
        let dear = signals.amount.is_some_and(|n| n / 100 >= limits.deal)
            && !worth::is_of_a_limit(reading);
        let what = match (large, dear) {
            (true, _) => Some(("value.quantity", signals.quantity)),
            (false, true) => Some(("value.deal", None)),
            (false, false) => None,
        };
        if let Some((rule, number)) = what {
            let number = number.map_or_else(String::new, |number| number.to_string());
            add(rule, Reason::HighValue, Action::Handoff, number);
        }
        for finding in findings
            .iter_mut()
            .filter(|f| f.reason == Reason::HighValue)
        {
            finding.priority = finding.priority.max(Priority::High);
            finding.queue = finding.queue.take().or_else(|| queue.clone());
            finding.matched = signals.with_amount(&finding.matched);
        }
    }
}

/// How often this was asked, this time included.
fn repeated(reading: &Reading, lexicon: &Lexicon, context: &Context<'_>) -> u8 {
    if context.recent.is_empty() {
        return 1;
    }
    let hashes = Hashes::of(reading, lexicon);
    let recent = context.recent.iter();
    let before = recent.filter(|one| hashes.same(one)).count();
    u8::try_from(before + 1).unwrap_or(u8::MAX)
}

/// Whether a negation right before word `at` denies what begins there: "no refund", "I don't want a lawyer".
fn is_denied(reading: &Reading, at: usize) -> bool {
    for back in 1..=4 {
        let Some(i) = at.checked_sub(back) else {
            return false;
        };
        if reading.words.tokens[i + 1].apart {
            return false;
        }
        let bits = reading.bits[i];
        if bits & NEG != 0 {
            return true;
        }
        if bits & (WANT | TALK | LINK | MODAL | SOFT | DET | HELP) == 0 || bits & I != 0 {
            return false;
        }
    }
    false
}
