//! What a head keeps of opening hours and routing.

use serde::{Deserialize, Serialize};

use super::looping::Been;
use super::survey::Survey;
use crate::clock::Timestamp;
use crate::ids::{AgentName, HandoffId};

/// What is kept.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Routing {
    /// The opening that the customer was last told: they hear of each gap once.
    pub(super) told_until: Option<Timestamp>,
    /// When the doors close on the wait, if they do before its next step.
    pub(super) closes_at: Option<Timestamp>,
    /// Until when the offer to one person stands; none: no offer, or one that a person made.
    pub(super) offered_until: Option<Timestamp>,
    /// Who had this customer last.
    pub(super) last_agent: Option<AgentName>,
    /// Who let this need of the customer lapse, the last one last.
    pub(super) lapsed: Vec<AgentName>,
    /// The policy that the handoff began under.
    pub(super) pinned: Option<u64>,
    /// The handoff under which something instead of waiting was offered.
    pub(super) alternatives: Option<HandoffId>,
    /// The question how it went, while an answer counts as one.
    pub(super) survey: Option<Survey>,
    /// The queues that its handoffs waited in, the last one last.
    pub(super) been: Vec<Been>,
}
