//! Reading a story: its head (comments and rules), its steps, and the lines that tell what came of them.

use std::path::Path;
use std::time::Duration;

use segue::config::{Config, Environment};
use segue::conversation::message::Medium;
use segue::conversation::policy::{LoopBreaker, OnLapse, Policy, QueuePolicy, Rung, RungAction};
use segue::conversation::routes::Assignment;
use segue::conversation::words::{HandbackPolicy, Outcome, Reason};
use segue::ids::QueueName;
use segue::triage::Settings;
use segue::triage::specs::{Action, ClassSpec, Kind, Priority, RuleSpec, Spec};

/// One line of a story as it is told.
#[derive(Clone, Debug)]
pub struct Line {
    pub text: String,
    /// It tells what happened, and not what somebody did.
    pub happened: bool,
}

/// Something that somebody does at some time.
#[derive(Clone, Debug)]
pub struct Step {
    pub line: usize,
    pub at: Duration,
    pub what: String,
    /// Comments, blank lines and rules before it, and the step as written.
    pub written: Vec<String>,
}

/// A whole story.
pub struct Script {
    pub policy: Policy,
    pub medium: Medium,
    pub steps: Vec<Step>,
    /// Comments after the last step.
    pub rest: Vec<String>,
}

impl Script {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut script = Self {
            policy: Policy::default(),
            medium: Medium::Http,
            steps: Vec::new(),
            rest: Vec::new(),
        };
        let mut rules = Vec::new();
        let mut spec = Spec::default();
        for (at, line) in text.lines().enumerate() {
            let fault = |why: String| format!("line {}: {why}", at + 1);
            let words = line.trim();
            if words.starts_with("->") {
                continue;
            }
            if let Some(rest) = words.strip_prefix('+') {
                let (time, what) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                let what = what.trim();
                if what == "clock" {
                    continue;
                }
                let mut written = std::mem::take(&mut script.rest);
                written.push(line.to_owned());
                script.steps.push(Step {
                    line: at + 1,
                    at: duration(time).map_err(fault)?,
                    what: what.to_owned(),
                    written,
                });
                continue;
            }
            script.rest.push(line.to_owned());
            if let Some(medium) = words.strip_prefix("medium:") {
                let medium = medium.trim();
                script.medium = Medium::ALL
                    .into_iter()
                    .find(|one| one.as_str() == medium)
                    .ok_or_else(|| fault(format!("no medium {medium}")))?;
            } else if let Some(calendar) = words.strip_prefix("calendar ") {
                let (name, keys) = calendar.split_once(':').ok_or("a calendar needs a colon")?;
                let section = format!("[calendars]\n{name} = {{ {keys} }}\n");
                let config = Config::parse("story", &section, Path::new(""), &nothing());
                let config = config.map_err(|faults| fault(faults.to_string()))?;
                script.policy.calendars.extend(config.calendars);
            } else if words.starts_with("policy") {
                rules.push((at + 1, words.to_owned()));
            } else if let Some(rule) = words.strip_prefix("triage ") {
                triage(&mut spec, rule).map_err(fault)?;
            } else if !words.is_empty() && !words.starts_with('#') {
                return Err(fault(format!("neither a step nor a rule: {words}")));
            }
        }
        script.lay_channel();
        for (line, rule) in rules {
            apply(&mut script.policy, &rule).map_err(|why| format!("line {line}: {why}"))?;
        }
        script.policy.triage = Settings::of(spec);
        script.policy = script.policy.clone().sealed();
        Ok(script)
    }

    fn lay_channel(&mut self) {
        let support = QueueName::from("support");
        let channel = segue::conversation::policy::ChannelPolicy::of(self.medium, support);
        self.policy.channels.insert("web".into(), channel);
    }
}

/// `triage scope NAME [queue=Q priority=P above=N offer observe]: phrase, phrase`, `triage class NAME [queue=Q priority=P]`,
/// `triage limits key=value …`.
fn triage(spec: &mut Spec, rule: &str) -> Result<(), String> {
    let (head, phrases) = rule.split_once(':').unwrap_or((rule, ""));
    let words: Vec<&str> = head.split_whitespace().collect();
    let of = |key: &str| {
        words
            .iter()
            .find_map(|word| word.strip_prefix(key)?.strip_prefix('=').map(str::to_owned))
    };
    let number =
        |key: &str| of(key).map(|text| text.parse::<u64>().map_err(|_| format!("{key}=number")));
    let priority = match of("priority").as_deref() {
        Some("urgent") => Priority::Urgent,
        Some("high") => Priority::High,
        _ => Priority::Normal,
    };
    let queue = of("queue");
    match words.as_slice() {
        ["scope", name, ..] => {
            let phrases = phrases.split(',').map(|phrase| phrase.trim().to_owned());
            spec.rules.push(RuleSpec {
                name: (*name).to_owned(),
                kind: Kind::Scope,
                action: if words.contains(&"offer") {
                    Action::Offer
                } else {
                    Action::Handoff
                },
                reason: segue::conversation::words::Reason::OutOfScope,
                queue,
                priority,
                observe_only: words.contains(&"observe"),
                min_amount: number("above").transpose()?,
                any: [("any".to_owned(), phrases.collect())].into(),
                unless: std::collections::BTreeMap::new(),
            });
        }
        ["class", name, ..] => {
            let class = ClassSpec {
                queue,
                priority,
                ..ClassSpec::default()
            };
            spec.classes.insert((*name).to_owned(), class);
        }
        ["limits", ..] => {
            let small = |key: &str| {
                number(key)
                    .transpose()
                    .map(|found| found.and_then(|n| u8::try_from(n).ok()))
            };
            let limits = &mut spec.thresholds;
            limits.repeated = small("repeated")?.unwrap_or(limits.repeated);
            limits.vague = small("vague")?.unwrap_or(limits.vague);
            if of("nothing_found").as_deref() == Some("handoff") {
                limits.no_chunks = Action::Handoff;
            }
        }
        _ => return Err(format!("no such rule: {rule}")),
    }
    Ok(())
}

fn nothing() -> Environment {
    std::iter::empty::<(&str, &str)>().collect()
}

/// `policy: key=value …` for the queue `support`, `policy NAME: …` for another one.
pub fn apply(policy: &mut Policy, rule: &str) -> Result<(), String> {
    let (head, rules) = rule.split_once(':').ok_or("a rule needs a colon")?;
    let name = head.trim_start_matches("policy").trim();
    let name = QueueName::from(if name.is_empty() { "support" } else { name });
    for rule in rules.split_whitespace() {
        let (key, value) = rule.split_once('=').unwrap_or((rule, "yes"));
        if !whole_house(policy, key, value)? {
            let queue = policy.queues.entry(name.clone()).or_default();
            for_queue(queue, key, value)?;
        }
    }
    policy.queues.entry(name).or_default();
    Ok(())
}

fn whole_house(policy: &mut Policy, key: &str, value: &str) -> Result<bool, String> {
    let channel = policy
        .channels
        .get_mut(&segue::ids::ChannelName::from("web"))
        .ok_or("no channel")?;
    match key {
        "soft" => policy.model.soft_timeout = duration(value)?,
        "timeout" => policy.model.timeout = duration(value)?,
        "burst" => {
            let (quiet, max) = value.split_once('/').ok_or("burst=quiet/max")?;
            channel.burst.quiet = duration(quiet)?;
            channel.burst.max = duration(max)?;
        }
        "streams" => channel.streams = yes(value)?,
        "language" => channel.language = Some(value.to_owned()),
        "channel_idle_close" => channel.windows.idle_close = Some(duration(value)?),
        "channel_claim_within" => channel.windows.claim_within = Some(duration(value)?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn for_queue(queue: &mut QueuePolicy, key: &str, value: &str) -> Result<(), String> {
    match key {
        "claim_within" => queue.claim_within = duration(value)?,
        "first_response_within" => queue.first_response_within = duration(value)?,
        "next_response_within" => queue.next_response_within = duration(value)?,
        "resolve_within" => queue.resolve_within = Some(duration(value)?),
        "handback_policy" => {
            queue.handback_policy = HandbackPolicy::parse(value).ok_or("no such policy")?;
        }
        "lease" => queue.lease = duration(value)?,
        "agent_silence" => queue.agent_silence = duration(value)?,
        "answer_within" => queue.answer_within = duration(value)?,
        "on_lapse" => {
            queue.on_lapse = match value {
                "requeue" => OnLapse::Requeue,
                "hand_back" => OnLapse::HandBack,
                "close" => OnLapse::Close,
                _ => return Err(format!("on_lapse={value}?")),
            }
        }
        "idle_close" => queue.idle_close = duration(value)?,
        "remind_after" => queue.remind_after = Some(duration(value)?),
        "mention_person" => {
            queue.mention_person = value.parse().map_err(|_| "mention_person=number")?
        }
        "parked_for" => queue.parked_for = duration(value)?,
        "reopen_within" => queue.reopen_within = duration(value)?,
        "ai_while_waiting" => queue.ai_while_waiting = yes(value)?,
        "assignment" => {
            queue.assignment = match value {
                "claim" => Assignment::Claim,
                "round_robin" => Assignment::RoundRobin,
                "least_loaded" => Assignment::LeastLoaded,
                _ => return Err(format!("assignment={value}?")),
            }
        }
        "tell" => {
            queue.tell.position = value.contains("position");
            queue.tell.estimate = value.contains("estimate");
        }
        "alternatives_after" => queue.tell.alternatives_after = Some(duration(value)?),
        "survey" => {
            let outcome = Outcome::parse(value).ok_or("no such outcome")?;
            queue.survey.insert(outcome);
        }
        "offer_for" => queue.offer_for = duration(value)?,
        "pin_attribute" => queue.pin.attribute = Some(value.to_owned()),
        "pin_last_agent" => queue.pin.last_agent = yes(value)?,
        "hours" => queue.hours = Some(value.into()),
        "ai_after_hours" => queue.ai_after_hours = yes(value)?,
        "customer_may_end" => queue.customer_may_end = yes(value)?,
        "priority" => queue.priority = value.parse().map_err(|_| "priority=number")?,
        "loop_breaker" => {
            let (handoffs, within) = value.split_once('/').ok_or("loop_breaker=n/time")?;
            queue.loop_breaker = Some(LoopBreaker {
                handoffs: handoffs.parse().map_err(|_| "loop_breaker=n/time")?,
                within: duration(within)?,
            });
        }
        "ladder" => queue.ladder = value.split(',').map(rung).collect::<Result<_, _>>()?,
        _ => return for_match(queue, key, value),
    }
    Ok(())
}

fn for_match(queue: &mut QueuePolicy, key: &str, value: &str) -> Result<(), String> {
    match key {
        "match_reason" => {
            let reason = Reason::parse(value).ok_or("no such reason")?;
            let matches = queue.matches.get_or_insert_default();
            matches.reasons.insert(reason);
        }
        "match_language" => {
            let matches = queue.matches.get_or_insert_default();
            matches.languages.insert(value.to_owned());
        }
        "match_value" => {
            let whole: u64 = value.parse().map_err(|_| "match_value=number")?;
            let matches = queue.matches.get_or_insert_default();
            matches.value_from = Some(whole * 100);
        }
        _ => return Err(format!("no rule {key}")),
    }
    Ok(())
}

/// `notify@5m`, `reassign@5m`, `lead@5m`, `transfer:sales@5m`, `apologise@10m`.
fn rung(text: &str) -> Result<Rung, String> {
    let (action, after) = text.split_once('@').ok_or("a rung is action@time")?;
    let action = match action {
        "notify" => RungAction::Notify,
        "reassign" => RungAction::Reassign,
        "lead" => RungAction::Lead,
        "apologise" => RungAction::Apologise,
        _ => match action.strip_prefix("transfer:") {
            Some(queue) => RungAction::Transfer(queue.into()),
            None => return Err(format!("no action {action}")),
        },
    };
    Ok(Rung {
        after: duration(after)?,
        action,
    })
}

fn yes(value: &str) -> Result<bool, String> {
    match value {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("yes or no, not {value}")),
    }
}

/// `1d2h3m4s5ms`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let number: u64 = rest[..digits]
            .parse()
            .map_err(|_| format!("no time: {text}"))?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        total += Duration::from_millis(match &rest[..letters] {
            "ms" => number,
            "s" => number * 1_000,
            "m" => number * 60_000,
            "h" => number * 3_600_000,
            "d" => number * 86_400_000,
            unit => return Err(format!("no unit {unit} in {text}")),
        });
        rest = &rest[letters..];
    }
    Ok(total)
}

/// The same, written.
pub fn time(of: Duration) -> String {
    let millis = of.as_millis();
    let mut out = String::new();
    for (unit, size, until) in [
        ("d", 86_400_000, u128::MAX),
        ("h", 3_600_000, 24),
        ("m", 60_000, 60),
        ("s", 1_000, 60),
        ("ms", 1, 1_000),
    ] {
        let count = millis / size % until;
        if count > 0 {
            out.push_str(&format!("{count}{unit}"));
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}
