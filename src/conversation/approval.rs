//! An approval: a question that one person of ours decides, while nobody waits for them.
//!
//! It is no handoff: whoever speaks goes on speaking, no clock runs and the customer is told nothing. What is asked and
//! what was decided are facts on the trail; the model reads both with its next question and tells the customer in its own
//! words. Which ones are open stands as the attribute [`OPEN`]: the numbers of the entries that asked. An approval is
//! decided once, whatever the mode is by then; it survives the end of an episode, because what was asked is still asked.
//! Who may decide is the caller's rule, not one of this room.

use super::Mode;
use super::common::{Common, Cx};
use super::decision::{Answer, Refusal};
use super::message::TEXT_BYTES_MAX;
use super::trail::Fact;
use super::words::ModeName;
use crate::ids::AgentName;

/// The attribute that says which approvals are open; nobody else may write it.
pub const OPEN: &str = "open_approvals";
/// The most that are open in one conversation: more than a person would read before deciding one.
pub const OPEN_MAX: usize = 8;
/// The longest question and the longest note, in bytes: the model reads them with every question that follows.
pub const WORDS_BYTES_MAX: usize = 2 * 1024;
/// The longest amount, in bytes: a number and a currency.
pub const AMOUNT_BYTES_MAX: usize = 64;

const _: () = assert!(WORDS_BYTES_MAX <= TEXT_BYTES_MAX, "as any other text");

/// The numbers of the entries that ask for what is not decided yet, oldest first.
pub fn open(common: &Common) -> Vec<u64> {
    let numbers = common.attributes.get(OPEN).map_or("", String::as_str);
    let numbers = numbers.split_whitespace();
    numbers.filter_map(|n| n.parse().ok()).collect()
}

fn keep(numbers: &[u64], cx: &mut Cx<'_>) {
    let attributes = &mut cx.common.attributes;
    if numbers.is_empty() {
        attributes.remove(OPEN);
        return;
    }
    let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    attributes.insert(OPEN.to_owned(), numbers.join(" "));
}

/// Somebody asks.
pub(super) fn ask(
    agent: &AgentName,
    (question, amount): (&str, &str),
    mode: &Mode,
    cx: &mut Cx<'_>,
) -> Answer {
    if mode.name() == ModeName::Closed {
        return Answer::Refused(Refusal::AlreadyClosed);
    }
    if question.trim().is_empty() {
        return Answer::Refused(Refusal::Empty);
    }
    for (text, max) in [(question, WORDS_BYTES_MAX), (amount, AMOUNT_BYTES_MAX)] {
        if text.len() > max {
            return Answer::Refused(Refusal::TooLong { max });
        }
    }
    let mut numbers = open(cx.common);
    if numbers.len() >= OPEN_MAX {
        return Answer::Refused(Refusal::ApprovalsFull { max: OPEN_MAX });
    }
    let n = cx.note(Fact::ApprovalAsked {
        agent: agent.clone(),
        question: question.trim().to_owned(),
        amount: amount.trim().to_owned(),
    });
    numbers.push(n);
    keep(&numbers, cx);
    Answer::Asked { approval: n }
}

/// What somebody says to an approval.
pub(super) struct Said<'a> {
    pub(super) approval: u64,
    pub(super) approved: bool,
    pub(super) note: &'a str,
    pub(super) question: &'a str,
}

/// Somebody decides.
pub(super) fn decide(agent: &AgentName, said: &Said<'_>, cx: &mut Cx<'_>) -> Answer {
    let mut numbers = open(cx.common);
    let Some(place) = numbers.iter().position(|n| *n == said.approval) else {
        return Answer::Refused(Refusal::NotOpen);
    };
    if said.note.len() > WORDS_BYTES_MAX {
        return Answer::Refused(Refusal::TooLong {
            max: WORDS_BYTES_MAX,
        });
    }
    numbers.remove(place);
    keep(&numbers, cx);
    cx.note(Fact::ApprovalDecided {
        approval: said.approval,
        agent: agent.clone(),
        approved: said.approved,
        note: said.note.trim().to_owned(),
        question: said.question.to_owned(),
    });
    Answer::Accepted
}

/// What the model reads of it; none for any other fact.
pub(super) fn for_the_model(fact: &Fact) -> Option<String> {
    if let Fact::ApprovalAsked {
        question, amount, ..
    } = fact
    {
        let amount = match amount.as_str() {
            "" => String::new(),
            amount => format!(" ({amount})"),
        };
        Some(format!(
            "A colleague was asked to decide: \"{question}\"{amount}. Until a decision stands below, nothing may be promised."
        ))
    } else if let Fact::ApprovalDecided {
        approved,
        note,
        question,
        ..
    } = fact
    {
        let word = if *approved { "approved" } else { "declined" };
        let note = match note.as_str() {
            "" => String::new(),
            note => format!(" Their note: {note}"),
        };
        Some(format!("A colleague has {word}: \"{question}\".{note}"))
    } else {
        None
    }
}
