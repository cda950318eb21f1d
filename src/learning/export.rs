//! One conversation as a line for training: who said what, on what it rested, what people thought of it.
//!
//! Left out is who the customer is: no address, no name, no provider's ids; the conversation's id is a keyed hash that
//! leads nowhere outside this store. What customers *wrote* is in it word for word, so the file is as confidential as
//! the conversations themselves.

use serde::Serialize;

use super::fold::fold;
use super::shown::Shown;
use super::source::Told;
use crate::clock::Timestamp;
use crate::conversation::question;
use crate::conversation::trail::{Entry, Fact, Source};
use crate::conversation::words::{Class, Outcome, Verdict};

/// One line.
#[derive(Serialize, Debug)]
pub struct Line {
    /// Which conversation.
    pub conversation: String,
    /// The channel.
    pub channel: String,
    /// The medium.
    pub medium: &'static str,
    /// The customer's language, where it is known.
    pub language: Option<String>,
    /// What people filed it under.
    pub tags: Vec<String>,
    /// The newest verdict on the conversation as a whole.
    pub verdict: Option<Verdict>,
    /// How its last episode ended; none while one is open.
    pub outcome: Option<Outcome>,
    /// What was said, oldest first.
    pub turns: Vec<Turn>,
    /// Its handoffs, each with its verdict.
    pub handoffs: Vec<Shown>,
}

/// One thing that was said or noted.
#[derive(Serialize, Debug)]
pub struct Turn {
    /// Its number on the trail.
    pub n: u64,
    /// When.
    pub at: String,
    /// `customer`, `ai`, `human`, `system`, `note` (private), `draft` (of the AI, never sent), or `handoff`.
    pub role: &'static str,
    /// What. Of a handoff: the words it fired on.
    pub text: String,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What kind of message Segue wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// The rule of a handoff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The handoff's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handoff: Option<String>,
    /// What an answer of the AI rests on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// Whether an answer was cut off.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Whether it was held back, taken back or never arrived: the customer does not know it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unsent: bool,
}

/// The line of a conversation.
pub fn line(told: Told, now: Timestamp) -> Line {
    let Told { facts, entries, .. } = told;
    let unsaid = question::unsaid(&entries);
    let turns = entries.iter().filter_map(|entry| {
        let unsent = !question::said(entry, &unsaid);
        Some(Turn {
            unsent,
            ..turn(entry)?
        })
    });
    let turns: Vec<Turn> = turns.collect();
    let record = fold(facts, &entries, Timestamp::ZERO, now);
    let facts = &record.facts;
    Line {
        conversation: facts.id.to_string(),
        channel: facts.channel.to_string(),
        medium: facts.medium.as_str(),
        language: facts.language.clone(),
        tags: facts.tags.clone(),
        verdict: record.verdict.as_ref().map(|given| given.verdict),
        outcome: entries.iter().rev().find_map(outcome).flatten(),
        turns,
        handoffs: record
            .handoffs
            .iter()
            .map(|handoff| Shown::of(facts, handoff))
            .collect(),
    }
}

/// The outcome, where the episode's end is found before its beginning.
fn outcome(entry: &Entry) -> Option<Option<Outcome>> {
    if let Fact::Closed { outcome, .. } = &entry.fact {
        Some(Some(*outcome))
    } else {
        matches!(entry.fact, Fact::Opened { .. }).then_some(None)
    }
}

/// A turn of which only the words are known.
fn said(entry: &Entry, role: &'static str, text: &str) -> Turn {
    Turn {
        n: entry.n,
        at: entry.at.rfc3339(),
        role,
        text: text.to_owned(),
        agent: None,
        class: None,
        rule: None,
        handoff: None,
        sources: Vec::new(),
        partial: false,
        unsent: false,
    }
}

/// What was asked, or what was decided.
fn approval(entry: &Entry) -> Option<Turn> {
    let (agent, role, text) = if let Fact::ApprovalAsked {
        agent, question, ..
    } = &entry.fact
    {
        (agent, "approval", question)
    } else if let Fact::ApprovalDecided {
        agent,
        approved,
        note,
        ..
    } = &entry.fact
    {
        (agent, if *approved { "approved" } else { "declined" }, note)
    } else {
        return None;
    };
    Some(Turn {
        agent: Some(agent.to_string()),
        ..said(entry, role, text)
    })
}

fn turn(entry: &Entry) -> Option<Turn> {
    let said = |role, text: &str| said(entry, role, text);
    Some(match &entry.fact {
        Fact::CustomerWrote { body, .. } => said("customer", body.text()),
        Fact::AiWrote {
            text,
            sources,
            partial,
            ..
        } => Turn {
            sources: sources.clone(),
            partial: *partial,
            ..said("ai", text)
        },
        Fact::HumanWrote { agent, text, .. } => Turn {
            agent: Some(agent.to_string()),
            ..said("human", text)
        },
        Fact::SystemWrote { class, text, .. } => Turn {
            class: Some(*class),
            ..said("system", text)
        },
        Fact::NoteWritten { agent, text } => Turn {
            agent: Some(agent.to_string()),
            ..said("note", text)
        },
        Fact::ApprovalAsked { .. } | Fact::ApprovalDecided { .. } => approval(entry)?,
        Fact::DraftKept { text, .. } if !text.is_empty() => said("draft", text),
        Fact::HandoffRequested {
            handoff,
            rule,
            matched,
            ..
        } => Turn {
            rule: Some(rule.clone()),
            handoff: Some(handoff.to_string()),
            ..said("handoff", matched)
        },
        Fact::Opened { .. }
        | Fact::DraftKept { .. }
        | Fact::ModelAsked { .. }
        | Fact::ModelAnswered { .. }
        | Fact::ModelFailed { .. }
        | Fact::AskCancelled { .. }
        | Fact::HandoffSettled { .. }
        | Fact::Claimed { .. }
        | Fact::Transferred { .. }
        | Fact::HandedBack { .. }
        | Fact::AskedIfDone { .. }
        | Fact::Kept { .. }
        | Fact::LeaseLapsed { .. }
        | Fact::LadderStepped { .. }
        | Fact::GhostDeclared { .. }
        | Fact::SlaEvaluated { .. }
        | Fact::Closed { .. }
        | Fact::Settled { .. }
        | Fact::Reviewed { .. }
        | Fact::Edited { .. }
        | Fact::EventParked { .. }
        | Fact::CustomerChanged { .. }
        | Fact::RuleFired { .. }
        | Fact::OfferMade { .. }
        | Fact::OfferAnswered { .. }
        | Fact::FilesAdded { .. } => return None,
    })
}
