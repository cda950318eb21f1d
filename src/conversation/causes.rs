//! Why a question was withdrawn, and why a handoff was a ghost: words of the trail.
//!
//! New ones are added at the end: the order of variants is the wire format on disk.

use serde::{Deserialize, Serialize};

/// What overtook a question to the model.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CancelCause {
    /// The customer wrote more: the next question answers it all.
    Superseded,
    /// A person took the conversation.
    Ownership,
    /// A handoff was requested.
    Handoff,
    /// The episode ended.
    Closed,
}

/// What made a handoff a ghost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum GhostCause {
    /// Nobody claimed it.
    NeverClaimed,
    /// Somebody claimed it and said nothing.
    ClaimedSilent,
    /// It could not be routed.
    RoutingFailed,
}
