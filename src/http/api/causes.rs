//! The words of the API for causes: why a question was withdrawn, a handoff became a ghost, a delivery failed.
//!
//! Closed lists, one word each; a word never changes once it was out.

use crate::conversation::message::FailureCause;
use crate::conversation::trail::{CancelCause, GhostCause};

/// What overtook a question.
pub(super) const fn cancel_cause(cause: CancelCause) -> &'static str {
    match cause {
        CancelCause::Superseded => "superseded",
        CancelCause::Ownership => "ownership",
        CancelCause::Handoff => "handoff",
        CancelCause::Closed => "closed",
    }
}

/// What made a handoff a ghost.
pub(super) const fn ghost_cause(cause: GhostCause) -> &'static str {
    match cause {
        GhostCause::NeverClaimed => "never_claimed",
        GhostCause::ClaimedSilent => "claimed_silent",
        GhostCause::RoutingFailed => "routing_failed",
    }
}

/// Why a delivery failed.
pub(super) const fn failure_cause(cause: FailureCause) -> &'static str {
    match cause {
        FailureCause::WindowClosed => "window_closed",
        FailureCause::RateLimited => "rate_limited",
        FailureCause::InvalidRecipient => "invalid_recipient",
        FailureCause::ProviderError => "provider_error",
        FailureCause::Timeout => "timeout",
        FailureCause::Blocked => "blocked",
        FailureCause::Other => "other",
    }
}
