//! Playing a story: time is virtual, the provider and the model do what the story says, deadlines ring when due.

use std::collections::BTreeMap;
use std::time::Duration;

use segue::clock::Timestamp;
use segue::conversation::decision::{Decision, Perform};
use segue::conversation::event::Event;
use segue::conversation::line::crowd::{Crowd, Waiter};
use segue::conversation::message::{
    Attempt, Body, Customer, FailureCause, Inbound, Medium, Report, ReportState,
};
use segue::conversation::policy::Policy;
use segue::conversation::question::{self, Grounds, ModelAnswer, ModelFailure, ModelVerdict};
use segue::conversation::trail::{Entry, Fact, Usage};
use segue::conversation::words::{ModeName, ModelFault, Reason, Role};
use segue::conversation::{Conversation, Present};
use segue::ids::{AskId, ConversationId, EffectId, IdHash};
use segue::triage::ASSESS;

use crate::acts::{act, attempt, number};
use crate::script::{self, Line, Script, Step, time};
use crate::tell::{self, BEGIN};

/// What the provider does with whatever is sent.
#[derive(Clone)]
enum Provider {
    Accepts,
    Silent,
    Does(Attempt),
}

struct World {
    conversation: Conversation,
    policy: Policy,
    medium: Medium,
    trail: Vec<Entry>,
    provider: Provider,
    /// Sends whose outcome the provider still owes.
    waiting: Vec<EffectId>,
    last_effect: Option<EffectId>,
    last_ask: Option<AskId>,
    asked: BTreeMap<AskId, u32>,
    inbound: u32,
    last_inbound: Option<Inbound>,
    mode: ModeName,
    lines: Vec<String>,
    /// What the model's answers are to rest on, and what it says of them.
    passages: Option<Vec<String>>,
    assesses: Option<String>,
}

pub fn play(script: &Script) -> Result<Vec<Line>, String> {
    let customer = customer();
    let id = ConversationId::derive(&[7; 32], "web", &customer.address);
    let policy = script.policy.clone();
    let queue = policy.default_queue.clone();
    let conversation = Conversation::new(
        id,
        "web".into(),
        script.medium,
        customer,
        String::new(),
        queue,
    );
    let mut world = World {
        conversation,
        policy,
        medium: script.medium,
        trail: Vec::new(),
        provider: Provider::Accepts,
        waiting: Vec::new(),
        last_effect: None,
        last_ask: None,
        asked: BTreeMap::new(),
        inbound: 0,
        last_inbound: None,
        mode: ModeName::Closed,
        lines: Vec::new(),
        passages: None,
        assesses: None,
    };
    let mut told = Vec::new();
    let mut now = Duration::ZERO;
    for step in &script.steps {
        if step.at < now {
            return Err(format!("line {}: time runs backwards", step.line));
        }
        now = step.at;
        if step.what != "oversleeps" {
            world.ring_until(step.at, &mut told)?;
        }
        told.extend(step.written.iter().map(|text| Line {
            text: text.clone(),
            happened: false,
        }));
        world
            .step(step)
            .map_err(|fault| format!("line {}: {fault}", step.line))?;
        world.tell(&mut told);
    }
    told.extend(script.rest.iter().map(|text| Line {
        text: text.clone(),
        happened: false,
    }));
    Ok(told)
}

/// `Ana(2) Lea:lead(0)`: who is there, with how much to do.
fn present(text: &str) -> Result<Vec<Present>, String> {
    let people = text.split_whitespace().enumerate().map(|(at, word)| {
        let (name, load) = word
            .trim_end_matches(')')
            .split_once('(')
            .unwrap_or((word, "0"));
        let leads = name.ends_with(":lead");
        Ok(Present {
            leads,
            agent: name.trim_end_matches(":lead").into(),
            load: load.parse().map_err(|_| format!("{word}?"))?,
            last_given: Timestamp::from_millis(i64::try_from(at).unwrap_or_default()),
        })
    });
    people.collect()
}

fn customer() -> Customer {
    Customer {
        address: "+15005550006".into(),
        name: None,
        language: None,
    }
}

impl World {
    /// Everything that is due before `until`.
    fn ring_until(&mut self, until: Duration, told: &mut Vec<Line>) -> Result<(), String> {
        let mut spins = 0;
        while let Some(due) = self.conversation.due()
            && due <= BEGIN + until
        {
            let before = self.conversation.rev();
            self.decide(Event::DeadlinePassed, due);
            spins = if self.conversation.rev() == before {
                spins + 1
            } else {
                0
            };
            if spins > 3 {
                return Err(format!("due at {due:?} and nothing is done about it"));
            }
            if !self.lines.is_empty() {
                told.push(Line {
                    text: format!("+{}  clock", time(due.since(BEGIN))),
                    happened: true,
                });
                self.tell(told);
            }
        }
        Ok(())
    }

    fn tell(&mut self, told: &mut Vec<Line>) {
        for line in self.lines.drain(..) {
            told.push(Line {
                text: format!("     -> {line}"),
                happened: true,
            });
        }
    }

    fn decide(&mut self, event: Event, now: Timestamp) {
        let decision = self.conversation.decide(event, now, &self.policy);
        self.follow(decision, now);
    }

    /// Tells a decision and performs it.
    fn follow(&mut self, decision: Decision, now: Timestamp) {
        self.lines.extend(tell::answer(&decision.answer));
        for entry in &decision.entries {
            if let Fact::ModelAsked { ask, messages } = &entry.fact {
                self.asked.insert(*ask, *messages);
            }
            if let Fact::AiWrote {
                effect,
                text,
                partial: false,
                ..
            } = &entry.fact
                && self.conversation.common().outbox.find(*effect).is_none()
            {
                self.lines.push(format!("streamed ai: \"{text}\""));
            }
            self.lines.extend(tell::fact(entry));
        }
        self.trail.extend(decision.entries);
        let mode = self.conversation.mode().name();
        if mode != self.mode {
            self.lines.push(format!("mode {mode}"));
            self.mode = mode;
        }
        for perform in decision.perform {
            match perform {
                Perform::Send(effect) => self.send(effect, now),
                Perform::Ask { ask, stream } => {
                    self.last_ask = Some(ask);
                    let messages = self.asked.get(&ask).copied().unwrap_or_default();
                    let how = if stream.is_some() { ", streaming" } else { "" };
                    let many = if messages == 1 { "" } else { "s" };
                    self.lines.push(format!(
                        "asks the model #{ask} ({messages} message{many}{how})"
                    ));
                }
            }
        }
    }

    fn send(&mut self, effect: EffectId, now: Timestamp) {
        let Some(outgoing) = self.conversation.outgoing(effect, now, &self.policy) else {
            self.decide(Event::SendSuppressed { effect }, now);
            return;
        };
        let who = outgoing
            .agent
            .map_or(outgoing.class.to_string(), ToString::to_string);
        let doubt = if outgoing.in_doubt {
            " (may be a repetition)"
        } else {
            ""
        };
        self.lines
            .push(format!("says {who}{doubt}: \"{}\"", outgoing.text));
        self.last_effect = Some(effect);
        let attempt = match &self.provider {
            Provider::Accepts => Attempt::Accepted {
                provider_id: format!("SM{effect}"),
            },
            Provider::Does(attempt) => attempt.clone(),
            Provider::Silent => {
                self.waiting.push(effect);
                return;
            }
        };
        self.decide(Event::SendSettled { effect, attempt }, now);
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let now = BEGIN + step.at;
        let what = step.what.as_str();
        let (head, text) = match what.split_once(':') {
            Some((head, text)) => (head.trim(), text.trim()),
            None => (what, ""),
        };
        let words: Vec<&str> = head.split_whitespace().collect();
        match words.as_slice() {
            ["wait"] => {}
            ["customer", ..] => self.customer(&words[1..], text, now)?,
            ["model", ..] => self.model(&words[1..], text, now)?,
            ["stream", "stops"] => {
                let ask = self.last_ask.ok_or("nothing was asked")?;
                let emitted = text.to_owned();
                self.decide(Event::StreamStopped { ask, emitted }, now);
            }
            ["provider"] => self.provider(text, now)?,
            ["outcome", effect, ..] => {
                let effect = number(effect)?;
                let attempt = attempt(text)?;
                self.decide(Event::SendSettled { effect, attempt }, now);
            }
            ["report", rest @ ..] => self.report(rest, now)?,
            ["suppress", effect] => {
                let effect = number(effect)?;
                self.decide(Event::SendSuppressed { effect }, now);
            }
            ["ai", turned @ ("off" | "on")] => self.switch(*turned == "on", now),
            ["crash"] => self.crash(now)?,
            ["oversleeps"] => {
                self.crash(now)?;
                self.decide(Event::DeadlinePassed, now);
            }
            ["fault"] => {
                let event = text.to_owned();
                self.decide(Event::Faulted { event, parked: 7 }, now);
            }
            ["house", "revokes", agent] => {
                let agent = (*agent).into();
                self.decide(Event::OwnerGone { agent }, now);
            }
            ["house", "changes"] => {
                // As the shell does: handoffs under way keep the queues they began under.
                let (hash, queues) = (self.policy.hash, self.policy.all_queues());
                script::apply(&mut self.policy, &format!("policy: {text}"))?;
                self.policy.earlier.insert(hash, queues);
                self.policy = self.policy.clone().sealed();
            }
            ["house", "line"] => self.line(text)?,
            ["house", "rings"] => self.decide(Event::DeadlinePassed, now),
            ["house", "present"] => {
                let people = present(text)?;
                self.decide(Event::PeoplePresent { people }, now);
            }
            ["show", "question"] => self.show_question(),
            ["show", "case"] => self.show_case(),
            [agent, ..] if agent.starts_with(char::is_uppercase) => {
                self.agent(&words, text, now)?;
            }
            _ => return Err(format!("nobody knows how to: {what}")),
        }
        Ok(())
    }

    /// `3 ahead, pace 4m` or `nobody ahead`: how full the queue is.
    fn line(&mut self, text: &str) -> Result<(), String> {
        let (ahead, pace) = text
            .split_once(", pace ")
            .map_or((text, None), |(a, p)| (a, Some(p)));
        let ahead = ahead.trim_end_matches(" ahead").parse().unwrap_or(0);
        let one = |n: u8| {
            let id = ConversationId::from_bytes([n; 16]);
            let (priority, since) = (200, BEGIN);
            let waiter = Waiter {
                id,
                priority,
                since,
            };
            (id, waiter)
        };
        let crowd = Crowd {
            waiting: (0..ahead).map(one).collect(),
            pace: pace.map(script::duration).transpose()?,
        };
        self.policy.crowds = std::collections::BTreeMap::from([("support".into(), crowd)]).into();
        Ok(())
    }

    /// As the shell does: whoever has a question out is told.
    fn switch(&mut self, on: bool, now: Timestamp) {
        self.policy.switches.all = on;
        let asked = self.last_ask;
        if asked.is_some_and(|ask| self.conversation.may_stream(ask)) {
            self.decide(Event::SwitchTurned, now);
        }
    }

    fn customer(&mut self, words: &[&str], text: &str, now: Timestamp) -> Result<(), String> {
        let seen_before = words == ["again", "(stored)"];
        let inbound = match words {
            ["again"] | ["again", "(stored)"] => {
                self.last_inbound.clone().ok_or("no message to repeat")?
            }
            [] | ["presses"] => {
                self.inbound += 1;
                let body = if words.is_empty() {
                    Body::Text(text.to_owned())
                } else {
                    // the button is that of the last message with buttons, or any other
                    let mut written = self.trail.iter().rev().flat_map(|entry| match &entry.fact {
                        Fact::SystemWrote { choices, .. } => choices.as_slice(),
                        _ => &[],
                    });
                    let button = written.find(|(_, title)| title == text);
                    Body::Choice {
                        id: button.map_or("choice".into(), |(id, _)| id.clone()),
                        title: text.to_owned(),
                    }
                };
                Inbound {
                    channel: "web".into(),
                    medium: self.medium,
                    from: customer(),
                    to: String::new(),
                    id: format!("in{}", self.inbound),
                    sent_at: None,
                    body,
                }
            }
            _ => return Err(format!("customer {}?", words.join(" "))),
        };
        self.last_inbound = Some(inbound.clone());
        self.decide(
            Event::CustomerWrote {
                inbound,
                seen_before,
            },
            now,
        );
        Ok(())
    }

    /// `finds: passage`, `finds nothing`, `assesses: {…}`: for the answers to come.
    fn prepares(&mut self, words: &[&str], text: &str) -> bool {
        match words {
            ["finds", "nothing"] => self.passages = Some(Vec::new()),
            ["finds"] => self.passages = Some(vec![text.to_owned()]),
            ["assesses"] => self.assesses = Some(text.to_owned()),
            _ => return false,
        }
        true
    }

    /// `answers [#n]`, `escalates (reason) [#n]`, `fails [#n]`.
    fn model(&mut self, words: &[&str], text: &str, now: Timestamp) -> Result<(), String> {
        if self.prepares(words, text) {
            return Ok(());
        }
        let named = words.iter().find(|word| word.starts_with('#'));
        let ask = match named {
            Some(word) => AskId(number(word)?.0),
            None => self.last_ask.ok_or("nothing was asked")?,
        };
        let usage = Usage {
            input: 900,
            cached: 0,
            output: 40,
            cost_micros: 3_300,
        };
        let asked = self
            .last_inbound
            .as_ref()
            .map_or("", |inbound| inbound.body.text());
        let grounds = self.passages.clone().map(|passages| Grounds {
            asked: asked.to_owned(),
            passages,
            given: String::new(),
        });
        let said: Vec<_> = self
            .assesses
            .take()
            .map(|said| (ASSESS.to_owned(), said))
            .into_iter()
            .collect();
        let answer = |text: &str, verdict| ModelAnswer {
            text: text.to_owned(),
            verdict,
            model: "sample".into(),
            usage,
            took_ms: 1_200,
            tools: said.clone(),
            sources: Vec::new(),
            confidence: None,
            grounds: grounds.clone(),
        };
        let event = match words.first() {
            Some(&"answers") => Event::ModelAnswered {
                ask,
                answer: answer(text, ModelVerdict::Reply),
            },
            Some(&"escalates") => {
                let reason = words
                    .iter()
                    .find_map(|word| Reason::parse(word.trim_matches(['(', ')'])))
                    .ok_or("model escalates (reason): summary")?;
                let summary = text.to_owned();
                Event::ModelAnswered {
                    ask,
                    answer: answer("", ModelVerdict::Escalate { reason, summary }),
                }
            }
            Some(&"fails") => Event::ModelFailed {
                ask,
                failure: ModelFailure {
                    fault: ModelFault::parse(text).ok_or("no such fault")?,
                    took_ms: 1_200,
                    partial: String::new(),
                    usage,
                    detail: String::new(),
                },
            },
            _ => return Err("model answers, escalates or fails".into()),
        };
        self.decide(event, now);
        Ok(())
    }

    fn provider(&mut self, text: &str, now: Timestamp) -> Result<(), String> {
        self.provider = match text {
            "accepts" => Provider::Accepts,
            "silent" => Provider::Silent,
            _ => Provider::Does(attempt(text)?),
        };
        if matches!(self.provider, Provider::Accepts) {
            for effect in std::mem::take(&mut self.waiting) {
                let attempt = attempt("accepts")?;
                self.decide(Event::SendSettled { effect, attempt }, now);
            }
        }
        Ok(())
    }

    /// `[#n] delivered`, `[#n] failed code`, `[#n] blocked`.
    fn report(&mut self, words: &[&str], now: Timestamp) -> Result<(), String> {
        let (effect, words) = match words {
            [effect, rest @ ..] if effect.starts_with('#') => (number(effect)?, rest),
            _ => (self.last_effect.ok_or("nothing was sent")?, words),
        };
        let (state, failure) = match words.first() {
            Some(&"sent") => (ReportState::Sent, None),
            Some(&"delivered") => (ReportState::Delivered, None),
            Some(&"read") => (ReportState::Read, None),
            Some(&"failed") if words.get(1) == Some(&"63016") => {
                (ReportState::Failed, Some(FailureCause::WindowClosed))
            }
            Some(&"failed") => (ReportState::Failed, Some(FailureCause::ProviderError)),
            Some(&"blocked") => (ReportState::Failed, Some(FailureCause::Blocked)),
            _ => return Err("report sent, delivered, read, failed or blocked".into()),
        };
        // Each try has a number of the provider's own.
        let later = words.ends_with(&["later", "try"]);
        let number = if later { ".2" } else { "" };
        let report = Report {
            effect: Some((self.conversation.common().id, effect)),
            provider_id: format!("SM{effect}{number}"),
            state,
            code: words.get(1).map(|code| (*code).to_owned()),
            failure,
        };
        self.decide(Event::Reported(report), now);
        Ok(())
    }

    /// The process dies and comes back with what is on disk; nothing that was under way has an outcome.
    fn crash(&mut self, now: Timestamp) -> Result<(), String> {
        let bytes = self.conversation.encode();
        let mut woken = Conversation::decode(&bytes).map_err(|fault| fault.to_string())?;
        let owed = woken.owed_entries();
        let entries = self.trail.iter().filter(|entry| owed.contains(&entry.n));
        woken.restore_texts(entries.cloned());
        if woken != self.conversation {
            return Err("what was woken is not what was put to sleep".into());
        }
        self.conversation = woken;
        self.waiting.clear();
        self.decide(Event::Revived { began_at: now }, now);
        Ok(())
    }

    fn show_question(&mut self) {
        let window = self.policy.window_entries;
        let from = self.trail.len().saturating_sub(window);
        let lines = question::lines(&self.trail[from..]);
        for line in question::arranged(lines, self.conversation.messages_asked()) {
            self.lines.push(tell::seen_by_the_model(&line));
        }
    }

    fn show_case(&mut self) {
        let common = self.conversation.common();
        let waits = common.episode.waiting_since;
        self.lines.push(format!(
            "queue {}, priority {}, unread {}, epoch {}, customer waits since {}, tags {:?}",
            common.queue,
            common.priority,
            common.unread,
            common.epoch,
            waits.map_or("-".to_owned(), |at| format!("+{}", time(at.since(BEGIN)))),
            common.tags,
        ));
    }

    fn agent(&mut self, words: &[&str], text: &str, now: Timestamp) -> Result<(), String> {
        let mut words = words.to_vec();
        let agent = words.remove(0).into();
        let role = match words.first().map(|word| word.trim_matches(['(', ')'])) {
            Some(word) if word != words[0] => {
                words.remove(0);
                Role::parse(word).ok_or("no such role")?
            }
            Some(_) | None => Role::Agent,
        };
        let key = match words.iter().position(|word| *word == "[key") {
            Some(place) => {
                let key = words.get(place + 1).ok_or("[key NAME]")?.to_owned();
                words.truncate(place);
                let body = format!("{words:?} {text}");
                Some((IdHash::of(key), IdHash::of(&body)))
            }
            None => None,
        };
        let act = act(&words, text)?;
        self.decide(
            Event::Acted {
                agent,
                role,
                act,
                key,
            },
            now,
        );
        Ok(())
    }
}
