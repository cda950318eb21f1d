//! The names of facts: what logs, spans and the API call them. Added to, never renamed.

use super::trail::Fact;

impl Fact {
    /// Its name in snake_case.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::CustomerWrote { .. } => "customer_wrote",
            Self::AiWrote { .. } => "ai_wrote",
            Self::HumanWrote { .. } => "human_wrote",
            Self::SystemWrote { .. } => "system_wrote",
            Self::NoteWritten { .. } => "note_written",
            Self::ModelAsked { .. } => "model_asked",
            Self::ModelAnswered { .. } => "model_answered",
            Self::ModelFailed { .. } => "model_failed",
            Self::AskCancelled { .. } => "ask_cancelled",
            Self::DraftKept { .. } => "draft_kept",
            Self::HandoffRequested { .. } => "handoff_requested",
            Self::HandoffSettled { .. } => "handoff_settled",
            Self::Claimed { .. } => "claimed",
            Self::Transferred { .. } => "transferred",
            Self::HandedBack { .. } => "handed_back",
            Self::AskedIfDone { .. } => "asked_if_done",
            Self::Kept { .. } => "kept",
            Self::LeaseLapsed { .. } => "lease_lapsed",
            Self::LadderStepped { .. } => "ladder_stepped",
            Self::GhostDeclared { .. } => "ghost_declared",
            Self::SlaEvaluated { .. } => "sla_evaluated",
            Self::Closed { .. } => "closed",
            Self::Settled { .. } => "settled",
            Self::Reviewed { .. } => "reviewed",
            Self::Edited { .. } => "edited",
            Self::EventParked { .. } => "event_parked",
            Self::CustomerChanged { .. } => "customer_changed",
            Self::RuleFired { .. } => "rule_fired",
            Self::OfferMade { .. } => "offer_made",
            Self::OfferAnswered { .. } => "offer_answered",
            Self::FilesAdded { .. } => "files_added",
            Self::ApprovalAsked { .. } => "approval_asked",
            Self::ApprovalDecided { .. } => "approval_decided",
        }
    }
}
