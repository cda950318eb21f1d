//! Why a step of a conversation went as it did, in one sentence for each thing that was decided.
//!
//! Told from what was written down then; nothing is computed anew, and nothing that a customer wrote is repeated here
//! beyond what a rule fired on.

use super::causes::{cancel_cause, failure_cause};
use crate::conversation::trail::{Entry, Fact, GhostCause};
use crate::conversation::words::{By, Class, MessageState, ModeName};
use crate::conversation::{AI_OFF, PASSED_ON};

/// The most sentences of one step.
const SENTENCES_MAX: usize = 12;

/// Why, of a step that `cause` came in with.
pub(super) fn because(step: &[Entry], cause: &Entry) -> String {
    let mut told: Vec<String> = Vec::new();
    for entry in step {
        if let Some(sentence) = sentence(&entry.fact, step)
            && !told.contains(&sentence)
        {
            told.push(sentence);
        }
    }
    if let Fact::CustomerWrote { owner, .. } = &cause.fact
        && let Some(silent) = silent(*owner, step)
    {
        told.insert(0, silent.to_owned());
    }
    let more = told.len().saturating_sub(SENTENCES_MAX);
    told.truncate(SENTENCES_MAX);
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    if told.is_empty() {
        told.extend(step.iter().find_map(|entry| said(&entry.fact)));
    }
    if told.is_empty() {
        "nothing followed from it".to_owned()
    } else {
        told.join("; ")
    }
}

/// What Segue itself said, where nothing else explains the step.
fn said(fact: &Fact) -> Option<String> {
    if let Fact::SystemWrote { class, .. } = fact {
        Some(format!("the customer is sent a message of class `{class}`"))
    } else {
        None
    }
}

/// Why the AI says nothing, or why it is asked, when the customer writes and nothing else explains it.
fn silent(owner: ModeName, step: &[Entry]) -> Option<&'static str> {
    let has = |wanted: fn(&Fact) -> bool| step.iter().any(|entry| wanted(&entry.fact));
    let decided = has(|fact| {
        matches!(
            fact,
            Fact::HandoffRequested { .. } | Fact::OfferMade { .. } | Fact::HandedBack { .. }
        )
    });
    let asked = has(|fact| matches!(fact, Fact::ModelAsked { .. }));
    if decided {
        return None;
    }
    match owner {
        ModeName::Human => Some("a person has the conversation, so the AI says nothing"),
        ModeName::Waiting if asked => {
            Some("a person is promised, and the queue lets the AI keep the customer company")
        }
        ModeName::Waiting => Some(
            "a person is promised and has not come yet; the AI speaks only if the queue lets it",
        ),
        ModeName::Ai if asked => Some("no rule asked for a person, so the model was asked"),
        ModeName::Ai => Some("the message was gathered with others before the model is asked"),
        ModeName::Closed => Some("the episode was over; the message opened the next one"),
    }
}

/// What one fact says of the why; none where another fact of the step says it.
fn sentence(fact: &Fact, step: &[Entry]) -> Option<String> {
    match fact {
        Fact::CustomerWrote { .. } | Fact::SystemWrote { .. } | Fact::ModelAsked { .. } => {
            asked_alone(fact, step)
        }
        Fact::Opened { by, reopened, .. } => opened(*by, *reopened),
        Fact::AiWrote { .. }
        | Fact::ModelAnswered { .. }
        | Fact::ModelFailed { .. }
        | Fact::AskCancelled { .. }
        | Fact::DraftKept { .. } => model(fact),
        Fact::RuleFired { .. } | Fact::OfferMade { .. } | Fact::OfferAnswered { .. } => rule(fact),
        Fact::HandoffRequested { .. }
        | Fact::HandoffSettled { .. }
        | Fact::LadderStepped { .. }
        | Fact::GhostDeclared { .. }
        | Fact::SlaEvaluated { .. } => handoff(fact),
        Fact::Claimed { .. }
        | Fact::Transferred { .. }
        | Fact::HandedBack { .. }
        | Fact::AskedIfDone { .. }
        | Fact::Kept { .. }
        | Fact::LeaseLapsed { .. }
        | Fact::Closed { .. } => owner(fact),
        Fact::Settled {
            class,
            state,
            code,
            cause,
            attempts,
            ..
        } => {
            let cause = cause.map(failure_cause);
            Some(settled(*class, *state, (code, cause), *attempts))
        }
        Fact::HumanWrote { agent, .. } => Some(format!("`{agent}` wrote to the customer")),
        Fact::FilesAdded { files, .. } => Some(format!("with {} files", files.len())),
        Fact::NoteWritten { agent, .. } => Some(format!(
            "`{agent}` left a note; the customer does not see it"
        )),
        Fact::ApprovalAsked { agent, .. } => Some(format!("`{agent}` asked one of us to decide")),
        Fact::ApprovalDecided {
            agent, approved, ..
        } => {
            let word = if *approved { "approved" } else { "declined" };
            Some(format!("`{agent}` {word} what was asked"))
        }
        Fact::Reviewed { agent, verdict, .. } => Some(format!("`{agent}` judged it {verdict}")),
        Fact::Edited { agent, change } => Some(format!("`{agent}` changed {change}")),
        Fact::EventParked { event, parked } => Some(format!(
            "`{event}` could not be decided: it is parked as {parked} for people"
        )),
        Fact::CustomerChanged { .. } => {
            Some("the channel told more of who the customer is".to_owned())
        }
    }
}

/// A question that nothing came in with: a row of messages has ended.
fn asked_alone(fact: &Fact, step: &[Entry]) -> Option<String> {
    let Fact::ModelAsked { messages, .. } = fact else {
        return None;
    };
    let wrote = |entry: &Entry| matches!(entry.fact, Fact::CustomerWrote { .. });
    if step.iter().any(wrote) {
        return None;
    }
    Some(format!(
        "the customer has not written for a moment, so the model was asked about {messages} at once"
    ))
}

fn opened(by: By, reopened: bool) -> Option<String> {
    match (by, reopened) {
        (By::Agent | By::Desk, _) => Some("our own side began the episode".to_owned()),
        (_, true) => Some("the customer came back soon enough to go on".to_owned()),
        (By::Customer | By::Timeout | By::Policy | By::Ai, false) => None,
    }
}

fn model(fact: &Fact) -> Option<String> {
    if let Fact::AiWrote {
        sources, partial, ..
    } = fact
    {
        let cut = if *partial { ", cut off" } else { "" };
        let rests = match sources.len() {
            0 => "nothing of the knowledge base".to_owned(),
            n => format!("{n} pieces of the knowledge base"),
        };
        Some(format!(
            "the answer goes out{cut}: nothing held it back, it rests on {rests}"
        ))
    } else if let Fact::ModelAnswered {
        model, confidence, ..
    } = fact
    {
        let sure = confidence.map_or(String::new(), |sure| format!(", {sure} % sure"));
        Some(format!("`{model}` answered{sure}"))
    } else if let Fact::ModelFailed { fault, took_ms, .. } = fact {
        Some(format!(
            "no answer of the model after {took_ms} ms: {fault}"
        ))
    } else if let Fact::AskCancelled { cause, .. } = fact {
        let cause = cancel_cause(*cause);
        Some(format!("the question to the model was withdrawn: {cause}"))
    } else if let Fact::DraftKept { .. } = fact {
        let kept = "the answer came too late to be sent: it is kept as a draft for the person";
        Some(kept.to_owned())
    } else {
        None
    }
}

fn rule(fact: &Fact) -> Option<String> {
    if let Fact::RuleFired {
        rule,
        reason,
        action,
        observed,
        ..
    } = fact
    {
        let upshot = if *observed {
            "only observes".to_owned()
        } else {
            format!("leads to `{}`", action.as_str())
        };
        Some(format!("rule `{rule}` fired ({reason}) and {upshot}"))
    } else if let Fact::OfferMade { rule, reason, .. } = fact {
        Some(format!(
            "a person was offered: rule `{rule}`, reason `{reason}`"
        ))
    } else if let Fact::OfferAnswered { accepted, rule, .. } = fact {
        let said = if *accepted { "took" } else { "declined" };
        Some(format!(
            "the customer {said} the offer that `{rule}` led to"
        ))
    } else {
        None
    }
}

fn handoff(fact: &Fact) -> Option<String> {
    if let Fact::HandoffRequested {
        reason,
        rule,
        queue,
        ..
    } = fact
    {
        let why = if rule == AI_OFF {
            ": the AI is switched off here"
        } else if PASSED_ON.contains(&rule.as_str()) {
            ": it goes on with a promise made before"
        } else {
            ""
        };
        Some(format!(
            "a person was asked for in `{queue}`: rule `{rule}`, reason `{reason}`{why}"
        ))
    } else if let Fact::HandoffSettled {
        outcome, waited_ms, ..
    } = fact
    {
        Some(format!("the wait ended after {waited_ms} ms: {outcome}"))
    } else if let Fact::LadderStepped {
        step,
        action,
        deadline,
        ..
    } = fact
    {
        let next = deadline.rfc3339();
        Some(format!(
            "nobody had come by the deadline: step {step}, {action}; the next is at {next}"
        ))
    } else if let Fact::GhostDeclared { cause, .. } = fact {
        let missing = match cause {
            GhostCause::NeverClaimed => "nobody claimed it in time",
            GhostCause::ClaimedSilent => "whoever claimed it said nothing in time",
            GhostCause::RoutingFailed => "it could not be routed",
        };
        Some(format!("the promise was not kept: {missing}"))
    } else if let Fact::SlaEvaluated { clock, met } = fact {
        let word = if *met { "was met" } else { "was missed" };
        Some(format!("the service level of `{clock}` {word}"))
    } else {
        None
    }
}

fn owner(fact: &Fact) -> Option<String> {
    if let Fact::Claimed {
        agent,
        handoff,
        from,
        ..
    } = fact
    {
        Some(match (from, handoff) {
            (Some(from), _) => format!("`{agent}` took it from `{from}`"),
            (None, Some(_)) => format!("`{agent}` took it: the AI says nothing from here on"),
            (None, None) => {
                format!("`{agent}` took it over unasked: the AI says nothing from here on")
            }
        })
    } else if let Fact::Transferred {
        agent, queue, to, ..
    } = fact
    {
        let by = agent.as_ref().map(|agent| format!("`{agent}` passed it"));
        Some(match (by, to) {
            (Some(by), Some(to)) => format!("{by} to `{to}` in `{queue}`"),
            (Some(by), None) => format!("{by} to `{queue}`"),
            (None, Some(to)) => format!("it was offered to `{to}`, who is there and has room"),
            (None, None) => format!("it is offered to nobody in particular, in `{queue}`"),
        })
    } else if let Fact::HandedBack { by, agent, .. } = fact {
        let whose = agent
            .as_ref()
            .map_or(String::new(), |agent| format!(" from `{agent}`"));
        let why = match by {
            By::Agent => "a person gave it back",
            By::Customer => "the customer sent the person away",
            By::Timeout => "the time for a person was over",
            By::Desk => "the desk closed it",
            By::Policy => "a rule of the house",
            By::Ai => "the AI took it up",
        };
        Some(format!("the AI has it again{whose}: {why}"))
    } else if let Fact::AskedIfDone { agent, answer_by } = fact {
        let by = answer_by.rfc3339();
        Some(format!(
            "`{agent}` was silent for long and was asked until {by} whether they are done"
        ))
    } else if let Fact::Kept { agent } = fact {
        Some(format!("`{agent}` showed that they are not done"))
    } else if let Fact::LeaseLapsed { agent, .. } = fact {
        Some(format!(
            "`{agent}` gave no sign of life, so it is theirs no more"
        ))
    } else if let Fact::Closed { outcome, by, .. } = fact {
        let why = match by {
            By::Agent => "a person ended it",
            By::Customer => "the customer ended it",
            By::Timeout => "nobody had written for long",
            By::Desk => "the desk closed it",
            By::Policy => "a rule of the house",
            By::Ai => "the AI settled it",
        };
        Some(format!("the episode is over ({outcome}): {why}"))
    } else {
        None
    }
}

/// What became of a message, and why.
fn settled(
    class: Class,
    state: MessageState,
    (code, cause): (&str, Option<&'static str>),
    attempts: u16,
) -> String {
    match state {
        MessageState::Suppressed => format!("the {class} message was held back: {}", held(code)),
        MessageState::InDoubt => match code {
            "repeated" => {
                format!("nobody knows whether the {class} message arrived: it is sent once more")
            }
            "stream_lost" => {
                format!(
                    "the {class} message was being streamed when the process ended: it is in doubt"
                )
            }
            _ => format!("nobody knows whether the {class} message arrived: it is left in doubt"),
        },
        MessageState::Parked => format!(
            "the {class} message is kept until the customer writes: {}",
            held(code)
        ),
        MessageState::Pending if code == "window_open" => {
            format!("the customer wrote: the {class} message that was kept leaves")
        }
        MessageState::Failed if code == "parked_expired" => {
            format!(
                "the customer did not write again: the {class} message that was kept is given up"
            )
        }
        MessageState::Failed => {
            let cause = cause.unwrap_or("other");
            format!("the {class} message was given up after {attempts} attempts: {cause} ({code})")
        }
        MessageState::Pending
        | MessageState::InFlight
        | MessageState::Sent
        | MessageState::Delivered
        | MessageState::Read => format!("the {class} message is {state}"),
    }
}

/// The gate's word in a sentence.
fn held(code: &str) -> String {
    let known = match code {
        "ownership" => "what it rested on had changed hands",
        "ai_off" => "the AI was switched off",
        "late" => "it was no longer worth sending",
        "claimed" => "the wait that it speaks of was over",
        "window_closed" => {
            "the channel takes no free text so long after the customer's last message"
        }
        "line_full" => "too many messages were waiting to be sent",
        "undone" => "whoever wrote it took it back",
        "elsewhere" => "it was written elsewhere",
        other => return other.to_owned(),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::conversation::message::Body;
    use crate::conversation::words::{ModelFault, Reason};
    use crate::ids::{AskId, EffectId, HandoffId};

    fn step(facts: Vec<Fact>) -> Vec<Entry> {
        (0..)
            .zip(facts)
            .map(|(n, fact)| Entry {
                n,
                at: Timestamp::ZERO,
                policy: 1,
                rules: 1,
                fact,
            })
            .collect()
    }

    fn check(facts: Vec<Fact>, wanted: &str) {
        let step = step(facts);
        let told = because(&step, &step[0]);
        assert!(told.contains(wanted), "`{told}` does not say `{wanted}`");
    }

    fn wrote(owner: ModeName) -> Fact {
        Fact::CustomerWrote {
            id: "m".into(),
            body: Body::Text("hi".into()),
            owner,
        }
    }

    fn asked() -> Fact {
        Fact::ModelAsked {
            ask: AskId(1),
            messages: 2,
        }
    }

    fn requested(rule: &str) -> Fact {
        Fact::HandoffRequested {
            handoff: HandoffId(1),
            reason: Reason::Policy,
            rule: rule.into(),
            matched: String::new(),
            queue: "support".into(),
            repeat: false,
            deadline: Timestamp::ZERO,
            since_open_ms: 0,
        }
    }

    #[test]
    fn silence_of_the_ai_has_a_reason_in_every_mode() {
        check(
            vec![wrote(ModeName::Human)],
            "a person has the conversation",
        );
        check(vec![wrote(ModeName::Waiting)], "has not come yet");
        check(
            vec![wrote(ModeName::Waiting), asked()],
            "keep the customer company",
        );
        check(vec![wrote(ModeName::Ai)], "gathered with others");
        check(vec![wrote(ModeName::Closed)], "opened the next one");
        check(
            vec![wrote(ModeName::Ai), requested("ai.off")],
            "the AI is switched off here",
        );
    }

    #[test]
    fn a_question_is_explained_by_the_words_or_by_the_pause_after_them() {
        check(vec![wrote(ModeName::Ai), asked()], "so the model was asked");
        check(vec![asked()], "has not written for a moment");
    }

    #[test]
    fn a_message_that_did_not_leave_says_why() {
        let settled = |state, code: &str| Fact::Settled {
            effect: EffectId(1),
            class: Class::Ai,
            state,
            provider_id: String::new(),
            code: code.into(),
            cause: None,
            attempts: 3,
            after_ms: 5,
        };
        check(
            vec![settled(MessageState::Suppressed, "ownership")],
            "the ai message was held back: what it rested on had changed hands",
        );
        check(
            vec![settled(MessageState::Suppressed, "new_word")],
            "new_word",
        );
        check(
            vec![settled(MessageState::Failed, "63016")],
            "given up after 3 attempts: other (63016)",
        );
        check(
            vec![settled(MessageState::InDoubt, "repeated")],
            "it is sent once more",
        );
    }

    #[test]
    fn several_things_decided_at_once_are_all_told() {
        let failed = Fact::ModelFailed {
            ask: AskId(1),
            fault: ModelFault::Timeout,
            took_ms: 8_000,
            usage: crate::conversation::trail::Usage::default(),
        };
        let facts = vec![failed, requested("model.failed")];
        check(
            facts.clone(),
            "no answer of the model after 8000 ms: timeout",
        );
        check(facts, "rule `model.failed`");
    }
}
