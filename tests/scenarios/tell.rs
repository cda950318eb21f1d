//! What happened, in the words of a story.

use std::time::Duration;

use segue::clock::Timestamp;
use segue::conversation::decision::Answer;
use segue::conversation::question::Line;
use segue::conversation::trail::{CancelCause, Entry, Fact, GhostCause};
use segue::conversation::words::MessageState;
use segue::triage::specs::Action;

use crate::script::time;

/// When every story begins: Monday, 5 January 2026, 09:00 UTC.
pub const BEGIN: Timestamp = Timestamp::from_millis(1_767_603_600_000);

/// The longest quotation that is written out.
const QUOTED_MAX: usize = 56;

/// Cuts a long quotation at a word.
pub fn shorten(line: &str) -> String {
    let Some((before, quoted)) = line.split_once('"') else {
        return line.to_owned();
    };
    let Some(quoted) = quoted.strip_suffix('"') else {
        return line.to_owned();
    };
    if quoted.chars().count() <= QUOTED_MAX {
        return line.to_owned();
    }
    let short: String = quoted.chars().take(QUOTED_MAX - 6).collect();
    let end = short.rfind(' ').unwrap_or(short.len());
    format!("{before}\"{}…\"", &short[..end])
}

fn since(at: Timestamp) -> String {
    time(at.since(BEGIN))
}

fn ms(millis: u64) -> String {
    time(Duration::from_millis(millis))
}

/// What the one who acted was told; nothing where it simply was done.
pub fn answer(answer: &Answer) -> Option<String> {
    Some(match answer {
        Answer::Accepted | Answer::Wrote { .. } | Answer::Parked { .. } | Answer::Asked { .. } => {
            return None;
        }
        Answer::Duplicate => "duplicate".to_owned(),
        Answer::Ignored => "ignored".to_owned(),
        Answer::Claimed {
            epoch, in_flight, ..
        } => {
            let mut text = format!("has it, epoch {epoch}");
            for (_, under_way) in in_flight {
                text.push_str(&format!(", already on its way: \"{under_way}\""));
            }
            text
        }
        Answer::Refused(refusal) => format!("refused: {refusal}"),
    })
}

/// One line of the trail; nothing where the story tells it otherwise, or it goes without saying.
pub fn fact(entry: &Entry) -> Option<String> {
    let told = handoff(&entry.fact)
        .or_else(|| who_has_it(&entry.fact))
        .or_else(|| of_the_model(&entry.fact))
        .or_else(|| of_the_clocks(&entry.fact))
        .or_else(|| of_the_rules(&entry.fact))
        .or_else(|| of_the_rest(&entry.fact))?;
    Some(format!("trail: {told}"))
}

fn handoff(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::HandoffRequested {
            handoff,
            reason,
            rule,
            queue,
            repeat,
            deadline,
            ..
        } => {
            // the wording of phrases belongs to another room
            let rule = if rule.contains(':') { "phrase" } else { rule };
            let again = if *repeat { ", again" } else { "" };
            let until = since(*deadline);
            format!(
                "handoff {handoff} requested, reason {reason} ({rule}){again}, queue {queue}, until +{until}"
            )
        }
        Fact::HandoffSettled {
            handoff,
            outcome,
            waited_ms,
        } => format!("handoff {handoff} {outcome} after {}", ms(*waited_ms)),
        _ => return None,
    })
}

#[expect(clippy::too_many_lines, reason = "a table: one arm for each fact")]
fn who_has_it(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::Opened {
            episode,
            by,
            reopened,
        } => {
            let how = if *reopened { "reopened" } else { "opened" };
            format!("episode {episode} {how} by {by}")
        }
        Fact::Claimed {
            agent,
            handoff,
            epoch,
            from,
            in_flight,
            ..
        } => {
            let mut text = format!("{agent} has it, epoch {epoch}");
            if let Some(handoff) = handoff {
                text.push_str(&format!(", handoff {handoff}"));
            }
            if let Some(from) = from {
                text.push_str(&format!(", taken from {from}"));
            }
            if !in_flight.is_empty() {
                text.push_str(&format!(", {} of the AI on its way", in_flight.len()));
            }
            text
        }
        Fact::Transferred {
            agent,
            queue,
            to,
            handoff,
            epoch,
            ..
        } => {
            let who = agent.as_ref().map_or("a rule", |agent| agent.as_str());
            let to = to.as_ref().map_or(String::new(), |to| format!(" for {to}"));
            format!("{who} moved handoff {handoff} to {queue}{to}, epoch {epoch}")
        }
        Fact::HandedBack {
            by,
            agent,
            note,
            epoch,
            held_ms,
        } => {
            let who = agent.as_ref().map_or("nobody", |agent| agent.as_str());
            let note = if note.is_empty() {
                String::new()
            } else {
                format!(", note \"{note}\"")
            };
            format!(
                "handed back by {by}, {who} had it {}, epoch {epoch}{note}",
                ms(*held_ms)
            )
        }
        Fact::Closed {
            outcome, by, note, ..
        } => {
            let note = if note.is_empty() {
                String::new()
            } else {
                format!(", note \"{note}\"")
            };
            format!("closed as {outcome} by {by}{note}")
        }
        _ => return None,
    })
}

fn of_the_model(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::AiWrote {
            text,
            partial: true,
            ..
        } => format!("the AI was cut off after \"{text}\""),
        Fact::ModelFailed { ask, fault, .. } => format!("question {ask} failed: {fault}"),
        Fact::AskCancelled { ask, cause } => {
            let cause = match cause {
                CancelCause::Superseded => "superseded",
                CancelCause::Ownership => "a person took over",
                CancelCause::Handoff => "handoff",
                CancelCause::Closed => "closed",
            };
            format!("question {ask} withdrawn: {cause}")
        }
        Fact::DraftKept { ask, text, usage } => {
            format!(
                "draft of question {ask} kept, cost {}: \"{text}\"",
                usage.cost_micros
            )
        }
        _ => return None,
    })
}

fn of_the_clocks(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::AskedIfDone { agent, answer_by } => {
            format!(
                "{agent} asked \"are you done?\", answer by +{}",
                since(*answer_by)
            )
        }
        Fact::Kept { agent } => format!("{agent} keeps it"),
        Fact::LeaseLapsed { agent, held_ms } => {
            format!("{agent} has lost it after {}", ms(*held_ms))
        }
        Fact::LadderStepped {
            step,
            action,
            deadline,
            ..
        } => format!(
            "ladder step {step}: {action}, next at +{}",
            since(*deadline)
        ),
        Fact::GhostDeclared { handoff, cause } => {
            let cause = match cause {
                GhostCause::NeverClaimed => "never claimed",
                GhostCause::ClaimedSilent => "claimed and silent",
                GhostCause::RoutingFailed => "routing failed",
            };
            format!("ghost: handoff {handoff} {cause}")
        }
        Fact::SlaEvaluated { clock, met } => {
            format!(
                "service level {clock} {}",
                if *met { "met" } else { "missed" }
            )
        }
        Fact::HumanWrote {
            first_response_ms,
            reply_ms,
            ..
        } => {
            let clock =
                |what: &str, of: &Option<u64>| of.map(|of| format!("{what} after {}", ms(of)));
            let clocks: Vec<_> = [
                clock("first human word", first_response_ms),
                clock("answer", reply_ms),
            ]
            .into_iter()
            .flatten()
            .collect();
            if clocks.is_empty() {
                return None;
            }
            clocks.join(", ")
        }
        _ => return None,
    })
}

fn of_the_rest(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::Settled {
            effect,
            class,
            state,
            code,
            ..
        } => match state {
            MessageState::Sent => return None,
            MessageState::Pending
            | MessageState::InFlight
            | MessageState::Delivered
            | MessageState::Read
            | MessageState::Failed
            | MessageState::Suppressed
            | MessageState::InDoubt
            | MessageState::Parked => {
                let why = if code.is_empty() {
                    String::new()
                } else {
                    format!(" ({code})")
                };
                format!("{class} #{effect} {state}{why}")
            }
        },
        Fact::NoteWritten { agent, text } => format!("{agent} notes \"{text}\""),
        Fact::Reviewed {
            handoff,
            verdict,
            agent,
        } => {
            let what = handoff.map_or("the conversation".to_owned(), |n| format!("handoff {n}"));
            format!("{agent} finds {what} {verdict}")
        }
        Fact::Edited { agent, change } => format!("{agent} changed {change}"),
        Fact::ApprovalAsked {
            agent,
            question,
            amount,
        } => format!("{agent} asks for approval \"{question}\" of \"{amount}\""),
        Fact::ApprovalDecided {
            approval,
            agent,
            approved,
            note,
            ..
        } => {
            let word = if *approved { "approves" } else { "declines" };
            format!("{agent} {word} #{approval} \"{note}\"")
        }
        Fact::EventParked { event, parked } => format!("{event} parked as {parked}"),
        Fact::CustomerChanged { customer } => match customer.language.as_deref() {
            // nearly every story is in English
            Some("en") => return None,
            language => format!("customer speaks {}", language.unwrap_or("nothing known")),
        },
        _ => return None,
    })
}

fn of_the_rules(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::RuleFired {
            rule,
            reason,
            matched,
            action,
            observed,
            ..
        } => match (action, observed) {
            (_, true) => format!(
                "{rule} would have led to {} ({reason}): {matched}",
                action.as_str()
            ),
            (Action::Signal, false) => format!("{rule} counted: {matched}"),
            // what it led to says it
            (Action::Offer | Action::Handoff, false) => return None,
        },
        Fact::OfferMade {
            rule,
            reason,
            matched,
            queue,
            ..
        } => {
            let queue = queue
                .as_ref()
                .map_or(String::new(), |queue| format!(", queue {queue}"));
            format!("a person is offered, reason {reason} ({rule}): {matched}{queue}")
        }
        Fact::OfferAnswered {
            accepted,
            rule,
            matched,
        } => {
            let how = if *accepted { "accepted" } else { "declined" };
            format!("offer ({rule}) {how}: {matched}")
        }
        _ => return None,
    })
}

/// What the model sees, a line each.
pub fn seen_by_the_model(line: &Line) -> String {
    match line {
        Line::Customer(text) => format!("customer: \"{text}\""),
        Line::Ai(text) => format!("ai: \"{text}\""),
        Line::AiCutOff(text) => format!("ai, cut off: \"{text}\""),
        Line::Human { agent, text } => format!("{agent}: \"{text}\""),
        Line::System(text) => format!("system: \"{text}\""),
        Line::HandoffRequested { reason } => format!("a person was asked for ({reason})"),
        Line::HumanStretchBegan { agent } => format!("{agent} took over"),
        Line::HumanStretchEnded { agent, by, note } => {
            let who = agent.as_deref().unwrap_or("nobody");
            format!("the stretch of {who} ended by {by}, note \"{note}\"")
        }
        Line::EpisodeEnded => "(closed)".to_owned(),
        Line::Note(text) => format!("note: \"{text}\""),
    }
}
