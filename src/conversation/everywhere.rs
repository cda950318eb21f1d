//! What people can do whatever the mode: note, review, edit, undo. None of it changes who speaks next.

use super::Mode;
use super::approval::{self, Said};
use super::common::Cx;
use super::decision::{Answer, Refusal};
use super::event::{Act, Edit};
use super::message::TEXT_BYTES_MAX;
use super::tongue::LanguageFrom;
use super::trail::Fact;
use super::undo;
use crate::ids::{AgentName, HandoffId};

/// Limits of what people may file a conversation under.
const TAGS_MAX: usize = 32;
const ATTRIBUTES_MAX: usize = 64;
const ATTRIBUTE_BYTES_MAX: usize = 8 * 1024;
const LABEL_BYTES_MAX: usize = 256;

/// What can be done whatever the mode.
pub(super) fn everywhere(
    agent: &AgentName,
    leads: bool,
    act: &Act,
    mode: &mut Mode,
    cx: &mut Cx<'_>,
) -> Option<Answer> {
    match act {
        Act::Note { text } if text.trim().is_empty() => Some(Answer::Refused(Refusal::Empty)),
        Act::Note { text } if text.len() > TEXT_BYTES_MAX => {
            Some(Answer::Refused(Refusal::TooLong {
                max: TEXT_BYTES_MAX,
            }))
        }
        Act::Note { text } => {
            cx.note(Fact::NoteWritten {
                agent: agent.clone(),
                text: text.clone(),
            });
            Some(Answer::Accepted)
        }
        Act::Resolve { note, .. } if note.len() > TEXT_BYTES_MAX => {
            Some(Answer::Refused(Refusal::TooLong {
                max: TEXT_BYTES_MAX,
            }))
        }
        Act::Review { .. } if !leads => Some(Answer::Refused(Refusal::NotAllowed)),
        Act::Review { handoff, verdict } => Some(reviewed(agent, *handoff, *verdict, cx)),
        Act::Edit(edit) => Some(edited(agent, edit, cx)),
        Act::Undo { effect } if undo::undo(*effect, mode, cx) => Some(Answer::Accepted),
        Act::Undo { .. } => Some(Answer::Refused(Refusal::NotPending)),
        Act::AskApproval { question, amount } => {
            Some(approval::ask(agent, (question, amount), mode, cx))
        }
        Act::Decide {
            approval,
            approved,
            note,
            question,
        } => {
            let said = Said {
                approval: *approval,
                approved: *approved,
                note,
                question,
            };
            Some(approval::decide(agent, &said, cx))
        }
        Act::Claim { .. }
        | Act::TakeOver { .. }
        | Act::Reply { .. }
        | Act::Typing
        | Act::Viewing
        | Act::Transfer { .. }
        | Act::HandBack { .. }
        | Act::Keep
        | Act::Resolve { .. }
        | Act::Escalate { .. }
        | Act::Snooze { .. }
        | Act::SendFiles { .. } => None,
    }
}

fn reviewed(
    agent: &AgentName,
    handoff: Option<HandoffId>,
    verdict: super::words::Verdict,
    cx: &mut Cx<'_>,
) -> Answer {
    let unknown = |id| id == HandoffId(0) || id >= cx.common.next_handoff;
    if handoff.is_some_and(unknown) {
        return Answer::Refused(Refusal::UnknownHandoff);
    }
    cx.note(Fact::Reviewed {
        handoff,
        verdict,
        agent: agent.clone(),
    });
    Answer::Accepted
}

fn edited(agent: &AgentName, edit: &Edit, cx: &mut Cx<'_>) -> Answer {
    if edit.attributes.iter().any(|(key, _)| key == approval::OPEN) {
        return Answer::Refused(Refusal::NotAllowed);
    }
    let long = |text: &String| text.len() > LABEL_BYTES_MAX;
    let tags_fit = edit
        .tags
        .as_ref()
        .is_none_or(|tags| tags.len() <= TAGS_MAX && !tags.iter().any(long));
    let long_attribute =
        |(key, value): &(String, Option<String>)| long(key) || value.as_ref().is_some_and(long);
    let names_fit =
        !edit.language.as_ref().is_some_and(long) && !edit.name.as_ref().is_some_and(long);
    let mut attributes = cx.common.attributes.clone();
    for (key, value) in &edit.attributes {
        match value {
            Some(value) => attributes.insert(key.clone(), value.clone()),
            None => attributes.remove(key),
        };
    }
    let bytes: usize = attributes.iter().map(|(k, v)| k.len() + v.len()).sum();
    let attributes_fit = attributes.len() <= ATTRIBUTES_MAX
        && bytes <= ATTRIBUTE_BYTES_MAX
        && !edit.attributes.iter().any(long_attribute);
    if !(tags_fit && attributes_fit && names_fit) {
        return Answer::Refused(Refusal::TooMuch);
    }
    let change = serde_json::to_string(edit).expect("an edit is plain data");
    cx.common.attributes = attributes;
    if let Some(tags) = &edit.tags {
        cx.common.tags = tags.iter().cloned().collect();
    }
    if let Some(priority) = edit.priority {
        cx.common.priority = priority;
    }
    if edit.language.is_some() {
        cx.common.customer.language.clone_from(&edit.language);
        cx.common.language_from = LanguageFrom::Agent;
    }
    if edit.name.is_some() {
        cx.common.customer.name.clone_from(&edit.name);
    }
    cx.note(Fact::Edited {
        agent: agent.clone(),
        change,
    });
    Answer::Accepted
}
