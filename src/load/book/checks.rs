//! What a run found out about the server's promises, and about its people: counts, nothing else.

/// What was found out about correctness, and about people.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, serde::Serialize)]
pub struct Checks {
    /// Acknowledged, owed by the AI, and never answered.
    pub lost: u64,
    /// Requests for a person that were acknowledged and never seen by the agents.
    pub lost_handoffs: u64,
    /// Messages that a provider took twice.
    pub duplicates: u64,
    /// Messages that a provider took twice because the server was killed before it could write down the first time.
    pub repeated_after_kill: u64,
    /// Messages of the AI that came after a claim.
    pub ai_after_claim: u64,
    /// Messages that people owed an answer to at the end.
    pub left_to_people: u64,
    /// Unanswered messages too many to be followed.
    pub not_followed: u64,
}

impl Checks {
    /// Whether a promise of the server was broken.
    pub fn broken(&self) -> bool {
        self.lost + self.lost_handoffs + self.duplicates + self.ai_after_claim > 0
    }
}

/// What people did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, serde::Serialize)]
pub struct People {
    /// Messages that asked for a person and were acknowledged.
    pub asked_for: u64,
    /// Conversations that came to stand on the list of those who wait.
    pub tickets: u64,
    /// Claimed by our agents.
    pub claimed: u64,
    /// Claims refused because somebody had it, or nobody waited any more.
    pub conflicts: u64,
    /// Replies of our agents that reached a provider.
    pub replies: u64,
    /// Given back to the AI.
    pub handed_back: u64,
    /// Resolved.
    pub resolved: u64,
    /// Claimed by somebody who then went away without a word, as told.
    pub vanished: u64,
    /// Calls of the agents that were repeated because they were not answered, or answered with 5xx.
    pub again: u64,
    /// Calls of the agents that failed.
    pub errors: u64,
}
