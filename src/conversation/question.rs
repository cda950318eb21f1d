//! What the model is asked and what it says: the words between the core and whatever answers.
//!
//! A [`Question`] is built from the last entries of the trail. The stretches in which a person spoke are in it
//! as structure, with an explicit end, so that an old request for a person is not taken for a new one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::approval;
use super::trail::{Entry, Fact, Source, Usage};
use super::words::{By, MessageState, ModelFault, Reason};
use crate::ids::{AskId, ConversationId, EffectId};
use crate::triage::Settings;

/// One question to the model: everything it may know of the conversation.
#[derive(Clone, PartialEq, Debug)]
pub struct Question {
    /// Whose.
    pub conversation: ConversationId,
    /// Which.
    pub ask: AskId,
    /// What was said, oldest first.
    pub lines: Vec<Line>,
    /// How many of the customer's last messages it asks; 0: all that no answer has followed.
    pub messages: u32,
    /// The customer's conversations on other channels, in words, if there are any.
    pub others: Option<Box<str>>,
    /// The customer's language, if known.
    pub language: Option<String>,
    /// The customer's name, if known.
    pub customer: Option<String>,
    /// What an answer must not say, sentence by sentence while it streams.
    pub rules: Settings,
}

/// One thing that was said or happened, as the model sees it.
#[derive(Clone, PartialEq, Debug)]
pub enum Line {
    /// The customer's words.
    Customer(String),
    /// The AI's own earlier words.
    Ai(String),
    /// What it had said when it was cut off: the question stands.
    AiCutOff(String),
    /// A person's words to the customer.
    Human {
        /// Who.
        agent: String,
        /// What.
        text: String,
    },
    /// The customer was told something by the system.
    System(String),
    /// A person was asked for.
    HandoffRequested {
        /// Why.
        reason: Reason,
    },
    /// A person took over.
    HumanStretchBegan {
        /// Who.
        agent: String,
    },
    /// The person's stretch is over: what they asked for before is settled.
    HumanStretchEnded {
        /// Who had it, if a person had.
        agent: Option<String>,
        /// Who ended it.
        by: By,
        /// What was resolved.
        note: String,
    },
    /// A private note of a person on our side.
    Note(String),
    /// The episode was closed: what came before is settled.
    EpisodeEnded,
}

/// The customer's words in `lines` that wait for an answer: what retrieval searches for. Of the last `messages` only, unless
/// that is 0.
pub fn asked(lines: &[Line], messages: u32) -> String {
    let most = match messages {
        0 => usize::MAX,
        messages => messages as usize,
    };
    let mut open: Vec<&str> = Vec::new();
    for line in lines.iter().rev() {
        match line {
            Line::Customer(text) if open.len() < most => open.push(text),
            Line::Customer(_) => break,
            Line::Ai(_) | Line::AiCutOff(_) | Line::Human { .. } | Line::EpisodeEnded => break,
            Line::System(_)
            | Line::HandoffRequested { .. }
            | Line::HumanStretchBegan { .. }
            | Line::HumanStretchEnded { .. }
            | Line::Note(_) => {}
        }
    }
    open.reverse();
    open.join("\n")
}

/// `lines`, with what is asked last: what the AI said between the messages that are asked stands before all of them. An
/// answer that was let finish while the customer wrote on answers none of those; one that broke off answers none wholly,
/// and the message that cut it off came before its end, so it would look answered by it.
pub fn arranged(mut lines: Vec<Line>, messages: u32) -> Vec<Line> {
    let wrote = |(_, line): &(usize, &Line)| matches!(line, Line::Customer(_));
    let theirs = lines.iter().enumerate().rev().filter(wrote);
    let Some((first, _)) = theirs.take(messages as usize).last() else {
        return lines;
    };
    let answers: Vec<Line> = lines
        .extract_if(first.., |line| {
            matches!(line, Line::Ai(_) | Line::AiCutOff(_))
        })
        .collect();
    lines.splice(first..first, answers);
    lines
}

/// The lines of `entries` that the model may see.
pub fn lines<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<Line> {
    let entries: Vec<&Entry> = entries.into_iter().collect();
    let unsaid = unsaid(entries.iter().copied());
    let seen = entries.into_iter().filter(|entry| said(entry, &unsaid));
    seen.filter_map(|entry| line(&entry.fact)).collect()
}

/// The messages among `entries` that were held back, taken back or never arrived: the customer does not know them.
pub fn unsaid<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> BTreeSet<EffectId> {
    let of = |entry: &Entry| {
        if let Fact::Settled {
            effect,
            state: MessageState::Suppressed | MessageState::Failed,
            ..
        } = entry.fact
        {
            Some(effect)
        } else {
            None
        }
    };
    entries.into_iter().filter_map(of).collect()
}

/// Whether what `entry` says, if it says anything, was not unsaid.
pub fn said(entry: &Entry, unsaid: &BTreeSet<EffectId>) -> bool {
    if let Fact::AiWrote { effect, .. }
    | Fact::HumanWrote { effect, .. }
    | Fact::SystemWrote { effect, .. } = &entry.fact
    {
        return !unsaid.contains(effect);
    }
    true
}

/// What the model may see of a fact; none for most.
pub fn line(fact: &Fact) -> Option<Line> {
    Some(match fact {
        Fact::CustomerWrote { body, .. } => Line::Customer(body.text().to_owned()),
        Fact::AiWrote {
            text,
            partial: true,
            ..
        } => Line::AiCutOff(text.clone()),
        Fact::AiWrote { text, .. } => Line::Ai(text.clone()),
        Fact::HumanWrote { agent, text, .. } => Line::Human {
            agent: agent.as_str().to_owned(),
            text: text.clone(),
        },
        Fact::SystemWrote { text, .. } => Line::System(text.clone()),
        Fact::NoteWritten { text, .. } => Line::Note(text.clone()),
        Fact::ApprovalAsked { .. } | Fact::ApprovalDecided { .. } => {
            Line::Note(approval::for_the_model(fact)?)
        }
        Fact::Closed { .. } => Line::EpisodeEnded,
        Fact::HandoffRequested { reason, .. } => Line::HandoffRequested { reason: *reason },
        Fact::Claimed { agent, .. } => Line::HumanStretchBegan {
            agent: agent.as_str().to_owned(),
        },
        Fact::HandedBack {
            by, agent, note, ..
        } => Line::HumanStretchEnded {
            agent: agent.as_ref().map(|agent| agent.as_str().to_owned()),
            by: *by,
            note: note.clone(),
        },
        Fact::Opened { .. }
        | Fact::ModelAsked { .. }
        | Fact::ModelAnswered { .. }
        | Fact::ModelFailed { .. }
        | Fact::AskCancelled { .. }
        | Fact::DraftKept { .. }
        | Fact::HandoffSettled { .. }
        | Fact::Transferred { .. }
        | Fact::AskedIfDone { .. }
        | Fact::Kept { .. }
        | Fact::LeaseLapsed { .. }
        | Fact::LadderStepped { .. }
        | Fact::GhostDeclared { .. }
        | Fact::SlaEvaluated { .. }
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

/// What the model answered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ModelAnswer {
    /// The text for the customer. Empty when the verdict is not [`ModelVerdict::Reply`].
    pub text: String,
    /// What it means.
    pub verdict: ModelVerdict,
    /// The model that answered.
    pub model: String,
    /// What it cost.
    pub usage: Usage,
    /// Milliseconds it took.
    pub took_ms: u64,
    /// The tools it called: name and arguments as JSON text.
    pub tools: Vec<(String, String)>,
    /// The retrieved chunks it was given.
    pub sources: Vec<Source>,
    /// How sure it said it was, in percent, if it said so.
    pub confidence: Option<u8>,
    /// What it was to rest on, where that can be held against it.
    #[serde(default)]
    pub grounds: Option<Grounds>,
}

/// What an answer was to rest on. Never stored: the trail names the chunks.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Grounds {
    /// The customer's words that it answers.
    pub asked: String,
    /// The texts of the chunks it was given; empty: nothing relevant was found.
    pub passages: Vec<String>,
    /// What else the model was shown and may repeat: the part of the prompt that is the same for every question, and what
    /// people and the AI said in this conversation.
    pub given: String,
}

/// What an answer of the model means.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum ModelVerdict {
    /// Send the text.
    Reply,
    /// Fetch a person; the text is not sent.
    Escalate {
        /// Why.
        reason: Reason,
        /// The model's own words for the person, never for the customer.
        summary: String,
    },
}

/// The model gave no answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ModelFailure {
    /// Why.
    pub fault: ModelFault,
    /// Milliseconds it took to fail.
    pub took_ms: u64,
    /// What had been said before it failed or was cancelled, for a private draft.
    pub partial: String,
    /// What it cost all the same.
    pub usage: Usage,
    /// What was seen, for the log; never customer text.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::words::Class;

    fn customer(text: &str) -> Line {
        Line::Customer(text.to_owned())
    }

    fn ai(text: &str) -> Line {
        Line::Ai(text.to_owned())
    }

    #[test]
    fn what_was_held_back_taken_back_or_never_arrived_was_not_said() {
        let effect = EffectId(4);
        let wrote = [
            Fact::HumanWrote {
                effect,
                agent: "Ana".into(),
                text: "You owe us 400".to_owned(),
                first_response_ms: None,
                reply_ms: None,
            },
            Fact::AiWrote {
                effect,
                ask: AskId(1),
                text: "It is free.".to_owned(),
                sources: Vec::new(),
                partial: false,
            },
            Fact::SystemWrote {
                effect,
                class: Class::Ack,
                text: "A person will take over.".to_owned(),
                choices: Vec::new(),
            },
        ];
        let trail = |wrote: &Fact, state: MessageState| -> Vec<Entry> {
            let settled = Fact::Settled {
                effect,
                class: Class::Human,
                state,
                provider_id: String::new(),
                code: String::new(),
                cause: None,
                attempts: 0,
                after_ms: 0,
            };
            let entry = |(n, fact)| Entry {
                n,
                at: crate::clock::Timestamp::ZERO,
                policy: 0,
                rules: 0,
                fact,
            };
            (0..).zip([wrote.clone(), settled]).map(entry).collect()
        };
        let check = |state, said: usize| {
            for fact in &wrote {
                assert_eq!(lines(&trail(fact, state)).len(), said, "{state}: {fact:?}");
            }
        };
        check(MessageState::Sent, 1);
        check(MessageState::InDoubt, 1);
        check(MessageState::Parked, 1);
        check(MessageState::Suppressed, 0);
        check(MessageState::Failed, 0);
    }

    #[test]
    fn an_answer_let_finish_stands_before_what_it_does_not_answer() {
        let lines = vec![customer("a"), customer("b"), customer("c"), ai("to a")];
        let check = |messages, order: [Line; 4]| {
            assert_eq!(arranged(lines.clone(), messages), order, "{messages}");
        };
        check(2, [customer("a"), ai("to a"), customer("b"), customer("c")]);
        check(1, [customer("a"), customer("b"), ai("to a"), customer("c")]);
        check(0, [customer("a"), customer("b"), customer("c"), ai("to a")]);
        check(9, [ai("to a"), customer("a"), customer("b"), customer("c")]);
    }

    #[test]
    fn it_stands_there_though_the_customer_wrote_on_after_it() {
        let lines = ["a", "b"].map(customer).into_iter();
        let lines: Vec<Line> = lines.chain([ai("to a"), customer("c")]).collect();
        let shown = arranged(lines, 2);
        assert_eq!(
            shown,
            [customer("a"), ai("to a"), customer("b"), customer("c")]
        );
    }

    #[test]
    fn what_broke_off_answers_none_of_what_is_asked_again() {
        let cut_off = || Line::AiCutOff("half an ans".to_owned());
        // "b" is what cut it off.
        let [a, b, c] = ["a", "b", "c"].map(customer);
        let lines = vec![a.clone(), b.clone(), cut_off(), c.clone()];
        let shown = arranged(lines, 3);
        assert_eq!(shown, [cut_off(), a, b, c]);
        assert_eq!(asked(&shown, 3), "a\nb\nc");
        assert_eq!(arranged(Vec::new(), 2), Vec::new());
    }

    #[test]
    fn only_the_messages_that_are_asked_are_looked_up() {
        let lines = [
            ai("hello"),
            customer("cancel it"),
            customer("when do you open"),
        ];
        assert_eq!(asked(&lines, 1), "when do you open");
        assert_eq!(asked(&lines, 2), "cancel it\nwhen do you open");
        assert_eq!(asked(&lines, 7), asked(&lines, 0));
    }
}
