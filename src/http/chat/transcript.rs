//! From the trail to what a customer sees. Pure: entries in, messages out, in the order of their release.
//!
//! A customer's message is seen as soon as it stands on the trail. One of ours is seen once a later entry says that it
//! was really released (sent, delivered or read), and it takes its place there: what is still pending, was held back or
//! failed is never shown, nor are notes, drafts and everything else that is ours alone. A browser resumes after the
//! number of the last *release* it has shown, so nothing decided earlier and released later is ever missed.

use std::collections::{BTreeMap, VecDeque};

use super::files as media;
use super::protocol::{Choice, Message, SentFile, Speaker};
use super::taken::own_id;
use crate::conversation::message::Body;
use crate::conversation::trail::{Entry, Fact};
use crate::conversation::words::{Class, MessageState};
use crate::ids::EffectId;

/// Released messages that are remembered: more than the conversation itself remembers for reports.
const SHOWN_MAX: usize = 32;

/// Reads a trail onwards from some entry.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// Written and not yet released; bounded by what a conversation may owe.
    pending: BTreeMap<EffectId, Message>,
    /// The files of the message that comes next.
    files: Vec<SentFile>,
    /// The last that were released: what is reported of them later is found here, and nothing is read for it.
    shown: VecDeque<EffectId>,
}

/// What an entry means to whoever looks on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Seen {
    /// Nothing.
    Nothing,
    /// A message was released.
    Message(Message),
    /// A message was released that was written before the first entry read: look for it further back with
    /// [`Transcript::look_back`].
    Earlier(EffectId),
    /// The AI began to think.
    Asked,
    /// Somebody else answers from here on.
    OwnerChanged,
}

/// What looking further back brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LookedBack {
    /// This is it.
    Found(Message),
    /// It had been released before: it was shown.
    Shown,
    /// It is not among these entries: further back.
    NotHere,
}

impl Transcript {
    /// The next entry.
    pub fn read(&mut self, entry: &Entry) -> Seen {
        if let Some((effect, message)) = written(entry) {
            let files = std::mem::take(&mut self.files);
            self.pending.insert(effect, Message { files, ..message });
            return Seen::Nothing;
        }
        self.files = files_of(entry);
        match &entry.fact {
            Fact::CustomerWrote { id, body, .. } => Seen::Message(customer(entry, id, body)),
            Fact::Settled { effect, state, .. } => self.settled(*effect, *state, entry),
            Fact::ModelAsked { .. } => Seen::Asked,
            Fact::Opened { .. }
            | Fact::HandoffRequested { .. }
            | Fact::HandoffSettled { .. }
            | Fact::Claimed { .. }
            | Fact::Transferred { .. }
            | Fact::HandedBack { .. }
            | Fact::LeaseLapsed { .. }
            | Fact::EventParked { .. }
            | Fact::Closed { .. } => Seen::OwnerChanged,
            Fact::AiWrote { .. }
            | Fact::HumanWrote { .. }
            | Fact::SystemWrote { .. }
            | Fact::NoteWritten { .. }
            | Fact::ModelAnswered { .. }
            | Fact::ModelFailed { .. }
            | Fact::AskCancelled { .. }
            | Fact::DraftKept { .. }
            | Fact::AskedIfDone { .. }
            | Fact::Kept { .. }
            | Fact::LadderStepped { .. }
            | Fact::GhostDeclared { .. }
            | Fact::SlaEvaluated { .. }
            | Fact::Reviewed { .. }
            | Fact::Edited { .. }
            | Fact::CustomerChanged { .. }
            | Fact::RuleFired { .. }
            | Fact::OfferMade { .. }
            | Fact::OfferAnswered { .. }
            | Fact::FilesAdded { .. }
            | Fact::ApprovalAsked { .. }
            | Fact::ApprovalDecided { .. } => Seen::Nothing,
        }
    }

    fn settled(&mut self, effect: EffectId, state: MessageState, entry: &Entry) -> Seen {
        match state {
            MessageState::Sent | MessageState::Delivered | MessageState::Read => {
                if self.shown.contains(&effect) {
                    return Seen::Nothing;
                }
                if self.shown.len() >= SHOWN_MAX {
                    self.shown.pop_front();
                }
                self.shown.push_back(effect);
                match self.pending.remove(&effect) {
                    Some(message) => Seen::Message(released(message, entry)),
                    None => Seen::Earlier(effect),
                }
            }
            MessageState::Failed | MessageState::Suppressed => {
                self.pending.remove(&effect);
                Seen::Nothing
            }
            MessageState::Pending
            | MessageState::InFlight
            | MessageState::InDoubt
            | MessageState::Parked => Seen::Nothing,
        }
    }

    /// Looks through the entries right `before` that release (or before those looked through last), which come in the
    /// order of the trail, for the message it speaks of. A later report on a message that was shown finds its release.
    /// The first of them, unless it begins the trail, only tells the files of the second.
    pub fn look_back(effect: EffectId, release: &Entry, before: &[Entry]) -> LookedBack {
        let known = |at: usize| at > 0 || before[at].n == 0;
        for (at, entry) in before.iter().enumerate().rev().filter(|(at, _)| known(*at)) {
            if is_release(entry, effect) {
                return LookedBack::Shown;
            }
            if let Some((found, message)) = written(entry)
                && found == effect
            {
                let files = match at {
                    0 => Vec::new(),
                    at => files_of(&before[at - 1]),
                };
                return LookedBack::Found(released(Message { files, ..message }, release));
            }
        }
        LookedBack::NotHere
    }
}

/// A message of ours takes its place where it was released.
fn released(message: Message, release: &Entry) -> Message {
    Message {
        entry: release.n,
        at: release.at.rfc3339(),
        ..message
    }
}

fn is_release(entry: &Entry, of: EffectId) -> bool {
    let Fact::Settled { effect, state, .. } = &entry.fact else {
        return false;
    };
    match state {
        MessageState::Sent | MessageState::Delivered | MessageState::Read => *effect == of,
        MessageState::Pending
        | MessageState::InFlight
        | MessageState::InDoubt
        | MessageState::Failed
        | MessageState::Suppressed
        | MessageState::Parked => false,
    }
}

/// The files of the message in the next entry, if this one tells them.
fn files_of(entry: &Entry) -> Vec<SentFile> {
    let Fact::FilesAdded { files, .. } = &entry.fact else {
        return Vec::new();
    };
    files.iter().filter_map(media::kept).collect()
}

/// What one of us wrote to the customer, if this entry is that.
fn written(entry: &Entry) -> Option<(EffectId, Message)> {
    let blank = |effect: EffectId, from: Speaker, text: &str| Message {
        entry: entry.n,
        from,
        name: None,
        text: text.to_owned(),
        choices: Vec::new(),
        files: Vec::new(),
        at: entry.at.rfc3339(),
        id: None,
        effect: Some(effect.0),
        partial: false,
    };
    if let Fact::AiWrote {
        effect,
        text,
        partial,
        ..
    } = &entry.fact
    {
        return Some((
            *effect,
            Message {
                partial: *partial,
                ..blank(*effect, Speaker::Ai, text)
            },
        ));
    }
    if let Fact::HumanWrote {
        effect,
        agent,
        text,
        ..
    } = &entry.fact
    {
        let name = Some(agent.as_str().to_owned());
        return Some((
            *effect,
            Message {
                name,
                ..blank(*effect, Speaker::Human, text)
            },
        ));
    }
    if let Fact::SystemWrote {
        effect,
        class,
        text,
        choices,
    } = &entry.fact
    {
        let choices = choices
            .iter()
            .map(|(id, title)| Choice {
                id: id.clone(),
                title: title.clone(),
            })
            .collect();
        return Some((
            *effect,
            Message {
                choices,
                ..blank(*effect, speaker(*class), text)
            },
        ));
    }
    None
}

/// Who the customer is told speaks.
const fn speaker(class: Class) -> Speaker {
    match class {
        Class::Ai => Speaker::Ai,
        Class::Human => Speaker::Human,
        Class::Ack
        | Class::Progress
        | Class::Reminder
        | Class::Survey
        | Class::Error
        | Class::AfterHours
        | Class::System => Speaker::System,
    }
}

fn customer(entry: &Entry, id: &str, body: &Body) -> Message {
    let mut files = Vec::new();
    let text = match body {
        Body::Text(text) => text.clone(),
        Body::Choice { title, .. } => title.clone(),
        Body::Media {
            caption,
            attachments,
        } if attachments.iter().all(|one| media::kept(one).is_some()) => {
            files.extend(attachments.iter().filter_map(media::kept));
            caption.clone()
        }
        // None of these comes in through a browser today; a merged thread may hold them.
        Body::Media {
            caption,
            attachments,
        } => format!("{caption} [{}]", attachments.len())
            .trim()
            .to_owned(),
        Body::Location {
            latitude,
            longitude,
            label,
        } => format!("{label} {latitude}, {longitude}").trim().to_owned(),
        Body::Unknown(kind) => format!("[{kind}]"),
    };
    Message {
        entry: entry.n,
        from: Speaker::You,
        name: None,
        text,
        choices: Vec::new(),
        files,
        at: entry.at.rfc3339(),
        id: Some(own_id(id).to_owned()),
        effect: None,
        partial: false,
    }
}
