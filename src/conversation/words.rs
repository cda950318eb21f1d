//! The closed vocabularies: the words that API, metrics, trail and pages share.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// All of them, in the order of their metric labels.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The one spelling.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Its place in [`Self::ALL`].
            pub const fn index(self) -> usize {
                self as usize
            }

            /// The word, read.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Who speaks next.
    ModeName {
        /// The model, or the offline answerer.
        Ai = "ai",
        /// Nobody: a person is promised.
        Waiting = "waiting",
        /// The agent who claimed it.
        Human = "human",
        /// Nobody: the episode is over.
        Closed = "closed",
    }
}

words! {
    /// Why a handoff was asked for.
    Reason {
        /// The customer asked for a person.
        UserRequest = "user_request",
        /// A configured phrase.
        Keyword = "keyword",
        /// A topic the AI must not handle.
        OutOfScope = "out_of_scope",
        /// A sensitive matter.
        Sensitive = "sensitive",
        /// Urgency.
        Urgent = "urgent",
        /// The customer is upset.
        Sentiment = "sentiment",
        /// The same question again and again.
        Repetition = "repetition",
        /// Several vague answers.
        Deflection = "deflection",
        /// A valuable inquiry.
        HighValue = "high_value",
        /// The model is not sure.
        LowConfidence = "low_confidence",
        /// There was no answer to give.
        NoAnswer = "no_answer",
        /// A guardrail held the answer back.
        Guardrail = "guardrail",
        /// The model called its escalation tool.
        ToolCall = "tool_call",
        /// The model took too long.
        ModelTimeout = "model_timeout",
        /// The model failed.
        ModelFailure = "model_failure",
        /// A person on our side asked for it.
        Operator = "operator",
        /// A rule of the house (the AI is switched off, a fault, …).
        Policy = "policy",
        /// Another system asked for it.
        External = "external",
    }
}

words! {
    /// How a handoff ended; exactly one for each.
    Settlement {
        /// A person took it.
        Claimed = "claimed",
        /// The customer left first.
        Abandoned = "abandoned",
        /// Nobody came in time, and the customer was told.
        TimedOut = "timed_out",
        /// Handed back or resolved while waiting.
        Cancelled = "cancelled",
        /// It could not be carried out.
        Failed = "failed",
    }
}

words! {
    /// How an episode ended; exactly one for each.
    Outcome {
        /// The AI settled it.
        AiResolved = "ai_resolved",
        /// A person settled it.
        HumanResolved = "human_resolved",
        /// The customer fell silent with the AI.
        AbandonedAi = "abandoned_ai",
        /// The customer left while waiting for a person.
        AbandonedQueue = "abandoned_queue",
        /// It ended by the clock while a person held it.
        Expired = "expired",
        /// It could not go on.
        Failed = "failed",
    }
}

words! {
    /// What kind of thing is being said to the customer. One gate checks it at release.
    Class {
        /// An answer of the model.
        Ai = "ai",
        /// A person's words.
        Human = "human",
        /// "A person will help you."
        Ack = "ack",
        /// A sign that somebody is still at it.
        Progress = "progress",
        /// A reminder before closing.
        Reminder = "reminder",
        /// A question about how it went.
        Survey = "survey",
        /// Something went wrong on our side.
        Error = "error",
        /// We are closed.
        AfterHours = "after_hours",
        /// Who joined, who left.
        System = "system",
    }
}

words! {
    /// Where an outbound message stands.
    MessageState {
        /// Decided, not yet released.
        Pending = "pending",
        /// Released, outcome not known yet.
        InFlight = "in_flight",
        /// The provider took it.
        Sent = "sent",
        /// It is on the customer's device.
        Delivered = "delivered",
        /// The customer opened it.
        Read = "read",
        /// It will not arrive.
        Failed = "failed",
        /// Held back: what it rested on had changed.
        Suppressed = "suppressed",
        /// Its outcome is unknown; it may arrive twice.
        InDoubt = "in_doubt",
        /// The channel takes no free text now: kept until the customer writes.
        Parked = "parked",
    }
}

words! {
    /// Who caused a change of owner.
    By {
        /// A person on our side.
        Agent = "agent",
        /// The customer.
        Customer = "customer",
        /// A clock.
        Timeout = "timeout",
        /// An outside desk.
        Desk = "desk",
        /// A rule.
        Policy = "policy",
        /// The AI.
        Ai = "ai",
    }
}

words! {
    /// A reviewer's word on a handoff.
    Verdict {
        /// It was needed.
        Justified = "justified",
        /// It was not.
        Unnecessary = "unnecessary",
        /// There should have been one and was not.
        Missed = "missed",
    }
}

words! {
    /// A clock of a service level.
    SlaClock {
        /// Requested to claimed.
        Claim = "claim",
        /// Requested to the first human word.
        FirstResponse = "first_response",
        /// A customer's message to the next human word.
        NextResponse = "next_response",
        /// Opened to resolved.
        Resolution = "resolution",
    }
}

words! {
    /// What somebody may do.
    Role {
        /// Watches; never acts.
        Observer = "observer",
        /// Answers customers.
        Agent = "agent",
        /// Reassigns, reviews, whispers.
        Lead = "lead",
        /// Also manages people and switches.
        Admin = "admin",
    }
}

words! {
    /// How the conversation returns to the AI after a person.
    HandbackPolicy {
        /// Only by an explicit act of the agent.
        Explicit = "explicit",
        /// When the outside desk closes its ticket.
        DeskClose = "desk_close",
        /// By a signal or by the clock.
        SignalOrTimer = "signal_or_timer",
        /// The clock asks the agent, and reverts once confirmed.
        AskAfterSilence = "ask_after_silence",
        /// Never: a person follows through.
        Never = "never",
    }
}

words! {
    /// Why a call to the model gave no answer; also the metric label `outcome` of the call.
    ModelFault {
        /// Too slow.
        Timeout = "timeout",
        /// Too many calls.
        RateLimited = "rate_limited",
        /// The key was refused.
        Auth = "auth",
        /// The request was refused.
        BadRequest = "bad_request",
        /// The provider failed, or could not be reached.
        ServerError = "server_error",
        /// Nobody wanted the answer any more.
        Cancelled = "cancelled",
        /// The provider's filter held the answer back.
        Filtered = "filtered",
    }
}

impl ModelFault {
    /// Whether the same call, made again or on another model, may succeed.
    pub const fn may_retry(self) -> bool {
        match self {
            Self::Timeout | Self::RateLimited | Self::ServerError => true,
            Self::Auth | Self::BadRequest | Self::Cancelled | Self::Filtered => false,
        }
    }
}
