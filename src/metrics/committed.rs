//! From the committed trail to the counters: the only place where a fact is counted.
//!
//! Most facts count for themselves. Four need their company in the same commit: a lapse that is followed by a handback
//! is one stretch, not two; a transfer counts as one after a claim when it asked for its own handoff just before; a
//! handoff is a fallback of the AI when an answer of the model stands before it; and the watch over "one voice" follows
//! claims (see `duel.rs`). What a fact does not say of its handoff is kept by `stretches.rs`.

use super::Metrics;
use super::labels::{Dropped, Fallback};
use super::stretches::Counts;
use super::values::Doubt;
use crate::conversation::message::{FailureCause, Medium};
use crate::conversation::trail::{Entry, Fact};
use crate::conversation::words::{Class, MessageState};
use crate::ids::{ConversationId, HandoffId};

/// What has been seen so far in one commit.
#[derive(Default)]
struct Company {
    answered: bool,
    lapsed: bool,
    requested: Option<HandoffId>,
}

impl Metrics {
    /// Counts the new entries of one committed turn. Call it once for every turn, in commit order, after the commit is
    /// durable; not during recovery.
    pub fn committed(&self, conversation: ConversationId, medium: Medium, entries: &[Entry]) {
        let mut company = Company::default();
        for entry in entries {
            self.count(medium, &entry.fact, &mut company);
            if let Fact::CustomerWrote { .. } = entry.fact {
                self.peak.wrote(entry.at);
            }
            self.steps.count(medium, &entry.fact, entries);
        }
        let counts = Counts {
            queues: &self.queues,
            steps: &self.steps,
            medium,
        };
        self.stretches.committed(conversation, entries, counts);
        let duels = self.duels.committed(conversation, entries);
        if duels > 0 {
            self.ai.dual_replies(duels);
        }
    }

    fn count(&self, medium: Medium, fact: &Fact, company: &mut Company) {
        match fact {
            Fact::Opened { by, reopened, .. } => self.funnel.opened(medium, *by, *reopened),
            Fact::CustomerWrote { body, .. } => self.channels.wrote(medium, body),
            Fact::HumanWrote {
                first_response_ms,
                reply_ms,
                ..
            } => self
                .funnel
                .human_wrote(medium, *first_response_ms, *reply_ms),
            Fact::ModelAnswered { .. }
            | Fact::ModelFailed { .. }
            | Fact::AskCancelled { .. }
            | Fact::DraftKept { .. } => self.count_model(fact, company),
            Fact::HandoffRequested { .. }
            | Fact::HandoffSettled { .. }
            | Fact::Claimed { .. }
            | Fact::Transferred { .. }
            | Fact::HandedBack { .. }
            | Fact::LeaseLapsed { .. } => self.count_handoff(medium, fact, company),
            Fact::GhostDeclared { cause, .. } => self.funnel.ghost(medium, (*cause).into()),
            Fact::SlaEvaluated { clock, met } => self.funnel.sla(medium, *clock, *met),
            Fact::Closed {
                outcome, held_ms, ..
            } => {
                self.funnel.closed(medium, *outcome);
                if let Some(held_ms) = held_ms {
                    self.funnel.held(medium, *held_ms);
                }
            }
            Fact::Settled {
                class,
                state,
                code,
                cause,
                after_ms,
                ..
            } => self.count_settled(medium, *class, *state, code, *cause, *after_ms),
            Fact::Reviewed { verdict, .. } => self.funnel.reviewed(*verdict),
            // Counted when settled, answered or claimed, or among the steps; or nobody's figure. The tests hold the
            // reasons one by one.
            Fact::AiWrote { .. }
            | Fact::SystemWrote { .. }
            | Fact::NoteWritten { .. }
            | Fact::ModelAsked { .. }
            | Fact::AskedIfDone { .. }
            | Fact::Kept { .. }
            | Fact::LadderStepped { .. }
            | Fact::Edited { .. }
            | Fact::EventParked { .. }
            | Fact::CustomerChanged { .. }
            | Fact::RuleFired { .. }
            | Fact::OfferMade { .. }
            | Fact::OfferAnswered { .. }
            | Fact::FilesAdded { .. }
            | Fact::ApprovalAsked { .. }
            | Fact::ApprovalDecided { .. } => {}
        }
    }

    /// What a question to the model came to.
    fn count_model(&self, fact: &Fact, company: &mut Company) {
        if let Fact::ModelAnswered {
            model,
            usage,
            took_ms,
            ..
        } = fact
        {
            company.answered = true;
            self.ai.answered(model, *usage, *took_ms);
        } else if let Fact::ModelFailed {
            fault,
            took_ms,
            usage,
            ..
        } = fact
        {
            self.ai.failed(*fault, *took_ms);
            self.ai.draft(*usage);
        } else if let Fact::AskCancelled { cause, .. } = fact {
            self.ai.dropped((*cause).into());
        } else if let Fact::DraftKept { usage, .. } = fact {
            self.ai.draft(*usage);
        }
    }

    /// A step of a handoff.
    fn count_handoff(&self, medium: Medium, fact: &Fact, company: &mut Company) {
        if let Fact::HandoffRequested {
            handoff,
            reason,
            repeat,
            since_open_ms,
            ..
        } = fact
        {
            company.requested = Some(*handoff);
            self.funnel
                .requested(medium, *reason, *repeat, *since_open_ms);
            // A handoff that is passed on keeps its first reason; only one that an answer led to is a fallback now.
            if let (true, Some(cause)) = (company.answered, Fallback::of_reason(*reason)) {
                self.ai.fell_back(cause);
            }
        } else if let Fact::HandoffSettled {
            outcome, waited_ms, ..
        } = fact
        {
            self.funnel.settled(medium, *outcome, *waited_ms);
        } else if let Fact::Claimed { from, held_ms, .. } = fact {
            if from.is_some() {
                self.funnel.held(medium, *held_ms);
            }
        } else if let Fact::Transferred {
            handoff, held_ms, ..
        } = fact
        {
            if let Some(held_ms) = held_ms {
                self.funnel.held(medium, *held_ms);
            }
            // Passed on while it waited, a handoff keeps its number; a person who passes it on asks for a new one.
            if company.requested == Some(*handoff) {
                self.funnel.transferred(medium);
            }
        } else if let Fact::HandedBack {
            by, agent, held_ms, ..
        } = fact
        {
            self.funnel.handed_back(medium, *by);
            if agent.is_some() && !company.lapsed {
                self.funnel.held(medium, *held_ms);
            }
        } else if let Fact::LeaseLapsed { held_ms, .. } = fact {
            company.lapsed = true;
            self.funnel.held(medium, *held_ms);
        }
    }

    /// An outbound message moved on.
    fn count_settled(
        &self,
        medium: Medium,
        class: Class,
        state: MessageState,
        code: &str,
        cause: Option<FailureCause>,
        after_ms: u64,
    ) {
        match state {
            MessageState::Sent => {
                self.channels.sent(medium, class.into());
                if class == Class::Ack {
                    self.funnel.acknowledged(medium, after_ms);
                }
            }
            MessageState::Delivered => self.channels.delivered(medium),
            MessageState::Read => self.channels.opened(medium),
            MessageState::Failed => {
                let cause = cause.unwrap_or(FailureCause::Other);
                self.channels.gave_up(medium, cause);
            }
            // With a cause it was given up in doubt; without one it is about to be repeated.
            MessageState::InDoubt => {
                self.channels.in_doubt(medium, Doubt::of_code(code));
                if let Some(cause) = cause {
                    self.channels.gave_up(medium, cause);
                }
            }
            MessageState::Suppressed => {
                self.channels.suppressed(class);
                if let (Class::Ai, Some(cause)) = (class, Dropped::of_code(code)) {
                    self.ai.dropped(cause);
                }
            }
            MessageState::Pending | MessageState::InFlight | MessageState::Parked => {}
        }
    }
}
