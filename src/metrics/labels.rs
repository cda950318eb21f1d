//! The label values: closed enums that are nobody else's words, and the bounded lists that come from the configuration.
//!
//! Words that the conversation already has (reasons, outcomes, classes …) are taken from there. A configured name
//! outside its list is folded to `other`; whoever folds counts it in `segue_label_overflows_total`.

use crate::conversation::trail::{CancelCause, GhostCause};
use crate::conversation::words::{Class, ModelFault, Reason};

/// The most queues that get a label of their own.
pub const QUEUES_MAX: usize = 32;
/// The most models that get a label of their own.
pub const MODELS_MAX: usize = 16;
/// The most providers that get a label of their own.
pub const PROVIDERS_MAX: usize = 8;
/// Where everything outside its list is folded to.
pub const OTHER: &str = "other";

macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// All of them, in the order of their handles.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value of the label.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

pub(super) use labels;

labels! {
    /// Whether an episode asks for a person for the first time.
    Asked {
        /// No earlier handoff stands in the episode.
        First = "first",
        /// One does.
        Repeat = "repeat",
    }
}

labels! {
    /// How a service level's clock stopped.
    SlaResult {
        /// In time.
        Met = "met",
        /// Its deadline passed.
        Breached = "breached",
    }
}

labels! {
    /// What made a handoff a ghost.
    Ghost {
        /// Nobody claimed it.
        NeverClaimed = "never_claimed",
        /// Somebody claimed it and said nothing.
        ClaimedSilent = "claimed_silent",
        /// It could not be routed.
        RoutingFailed = "routing_failed",
    }
}

impl From<GhostCause> for Ghost {
    fn from(cause: GhostCause) -> Self {
        match cause {
            GhostCause::NeverClaimed => Self::NeverClaimed,
            GhostCause::ClaimedSilent => Self::ClaimedSilent,
            GhostCause::RoutingFailed => Self::RoutingFailed,
        }
    }
}

labels! {
    /// What signed-in agents are doing.
    AgentState {
        /// Can take another conversation.
        Available = "available",
        /// Holds as many as they can.
        Busy = "busy",
        /// Takes none for now.
        Away = "away",
    }
}

labels! {
    /// Whether a place for a conversation is taken.
    SlotState {
        /// Taken.
        Used = "used",
        /// Not taken.
        Free = "free",
    }
}

labels! {
    /// How a question to the model ended.
    ModelOutcome {
        /// Answered.
        Ok = "ok",
        /// Too slow.
        Timeout = "timeout",
        /// Too many calls.
        RateLimited = "rate_limited",
        /// The key was refused.
        Auth = "auth",
        /// The request was refused.
        BadRequest = "bad_request",
        /// The provider failed.
        ServerError = "server_error",
        /// Nobody wanted the answer any more.
        Cancelled = "cancelled",
        /// The provider held the answer back.
        Filtered = "filtered",
    }
}

impl From<ModelFault> for ModelOutcome {
    fn from(fault: ModelFault) -> Self {
        match fault {
            ModelFault::Timeout => Self::Timeout,
            ModelFault::RateLimited => Self::RateLimited,
            ModelFault::Auth => Self::Auth,
            ModelFault::BadRequest => Self::BadRequest,
            ModelFault::ServerError => Self::ServerError,
            ModelFault::Cancelled => Self::Cancelled,
            ModelFault::Filtered => Self::Filtered,
        }
    }
}

labels! {
    /// What was read again.
    Reloaded {
        /// The configuration.
        Config = "config",
        /// The knowledge base.
        Knowledge = "knowledge",
    }
}

labels! {
    /// Which way tokens went.
    TokenKind {
        /// Read by the model.
        Input = "input",
        /// Written by it.
        Output = "output",
    }
}

labels! {
    /// Why the AI could not answer a turn.
    Fallback {
        /// It had nothing to say.
        NoAnswer = "no_answer",
        /// It was not sure.
        LowConfidence = "low_confidence",
        /// A guardrail, ours or the provider's, held the answer back.
        Guardrail = "guardrail",
        /// It took too long.
        Timeout = "timeout",
        /// It failed.
        Error = "error",
    }
}

impl Fallback {
    /// What a failed question is counted as.
    pub(super) const fn of_fault(fault: ModelFault) -> Self {
        match fault {
            ModelFault::Timeout => Self::Timeout,
            ModelFault::Filtered => Self::Guardrail,
            ModelFault::RateLimited
            | ModelFault::Auth
            | ModelFault::BadRequest
            | ModelFault::ServerError
            | ModelFault::Cancelled => Self::Error,
        }
    }

    /// What a handoff that an answer led to is counted as; none where the AI did answer, in its way.
    pub(super) const fn of_reason(reason: Reason) -> Option<Self> {
        match reason {
            Reason::NoAnswer => Some(Self::NoAnswer),
            Reason::LowConfidence => Some(Self::LowConfidence),
            Reason::Guardrail => Some(Self::Guardrail),
            Reason::ModelTimeout => Some(Self::Timeout),
            Reason::ModelFailure => Some(Self::Error),
            Reason::UserRequest
            | Reason::Keyword
            | Reason::OutOfScope
            | Reason::Sensitive
            | Reason::Urgent
            | Reason::Sentiment
            | Reason::Repetition
            | Reason::Deflection
            | Reason::HighValue
            | Reason::ToolCall
            | Reason::Operator
            | Reason::Policy
            | Reason::External => None,
        }
    }
}

labels! {
    /// Why an answer of the AI was dropped.
    Dropped {
        /// A person has the conversation, or was asked for.
        Ownership = "ownership",
        /// The episode or the epoch it belonged to is over.
        StaleEpoch = "stale_epoch",
        /// The customer wrote more: the next question answers it all.
        Superseded = "superseded",
    }
}

impl From<CancelCause> for Dropped {
    fn from(cause: CancelCause) -> Self {
        match cause {
            CancelCause::Superseded => Self::Superseded,
            CancelCause::Ownership | CancelCause::Handoff => Self::Ownership,
            CancelCause::Closed => Self::StaleEpoch,
        }
    }
}

impl Dropped {
    /// The gate's word for holding a message back, if it is one of these.
    pub(super) fn of_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == code)
    }
}

labels! {
    /// What came in from a channel.
    InboundKind {
        /// Words.
        Text = "text",
        /// Files.
        Media = "media",
        /// A button or list choice.
        Interactive = "interactive",
        /// A report on something that we sent.
        Status = "status",
        /// Anything else.
        Other = "other",
    }
}

labels! {
    /// Who speaks in an outbound message.
    Sender {
        /// The AI.
        Ai = "ai",
        /// A person.
        Human = "human",
        /// Segue itself.
        System = "system",
    }
}

impl From<Class> for Sender {
    fn from(class: Class) -> Self {
        match class {
            Class::Ai => Self::Ai,
            Class::Human => Self::Human,
            Class::Ack
            | Class::Progress
            | Class::Reminder
            | Class::Survey
            | Class::Error
            | Class::AfterHours
            | Class::System => Self::System,
        }
    }
}

labels! {
    /// Why a webhook was refused.
    WebhookRefusal {
        /// Its signature or token is wrong or missing.
        Signature = "signature",
        /// It cannot be understood, or is too large.
        Malformed = "malformed",
        /// Too much is under way, or the store does not take it.
        Overload = "overload",
        /// No such channel, or nothing it knows.
        Unknown = "unknown",
    }
}

labels! {
    /// Which of the configured rates was exceeded.
    RateLimit {
        /// That of a network address.
        PerAddress = "per_address",
        /// That of a customer.
        PerCustomer = "per_customer",
        /// That of a token.
        PerToken = "per_token",
        /// That of sign-ins from where too many failed.
        SignIn = "sign_in",
    }
}

labels! {
    /// Where a conversation came into memory from.
    Source {
        /// It began.
        New = "new",
        /// It was read from disk.
        Rehydrated = "rehydrated",
    }
}

labels! {
    /// Why a conversation left memory.
    Passivation {
        /// Nothing happened in it.
        Idle = "idle",
        /// Memory was short.
        Memory = "memory",
        /// The process stops.
        Shutdown = "shutdown",
    }
}

labels! {
    /// Why an event was refused before a mailbox.
    MailboxRefusal {
        /// Too much is under way, in this conversation or altogether.
        Full = "full",
        /// The process stops.
        Closed = "closed",
        /// It waited too long for a place.
        Deadline = "deadline",
    }
}

labels! {
    /// Why a group could not be committed.
    CommitFault {
        /// Writing or syncing failed.
        Io = "io",
        /// The disk or the tail is full.
        Full = "full",
        /// What is on disk cannot be read.
        Corrupt = "corrupt",
        /// It took too long.
        Timeout = "timeout",
    }
}

/// What the configuration bounds: the names that get labels of their own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Names {
    /// The queues, the most important first: past [`QUEUES_MAX`] they share `other`.
    pub queues: Vec<String>,
    /// The models, the primary one first: past [`MODELS_MAX`] they share `other`.
    pub models: Vec<ModelLabel>,
}

/// A configured model and who provides it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelLabel {
    /// The provider's word in the configuration.
    pub provider: String,
    /// The model's name, as answers carry it.
    pub model: String,
}

/// Whether `answered` is `configured` itself or a dated snapshot of it: providers answer to `name` as `name-20250929`
/// or `name-2024-07-18`.
pub(super) fn is_model(configured: &str, answered: &str) -> bool {
    let Some(rest) = answered.strip_prefix(configured) else {
        return false;
    };
    rest.is_empty()
        || (rest.starts_with('-') && rest.bytes().all(|b| b == b'-' || b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(configured: &str, answered: &str, same: bool) {
        assert_eq!(
            is_model(configured, answered),
            same,
            "{configured} {answered}"
        );
    }

    #[test]
    fn a_dated_snapshot_is_the_model_it_was_asked_as_and_a_sibling_is_not() {
        check("gpt-4o", "gpt-4o", true);
        check("gpt-4o", "gpt-4o-2024-08-06", true);
        check("claude-x", "claude-x-20250929", true);
        check("gpt-4o", "gpt-4o-mini-2024-07-18", false);
        check("gpt-4o", "gpt-4o1", false);
        check("gpt-4o-mini", "gpt-4o", false);
    }

    #[test]
    fn the_gates_word_is_the_label_where_the_catalogue_has_it() {
        assert_eq!(Dropped::of_code("ownership"), Some(Dropped::Ownership));
        assert_eq!(Dropped::of_code("late"), None);
    }
}
