//! More label values: the steps around a handoff, what becomes of messages and offers, how the machinery stands.
//!
//! As in `labels.rs`: closed enums, each the order of its handles, each spelled once.

use super::labels::labels;

labels! {
    /// How a person came to have a conversation without answering a handoff.
    TakenOver {
        /// Nobody had asked for a person.
        Unasked = "unasked",
        /// Another person had it.
        Forced = "forced",
    }
}

labels! {
    /// What was done when a waiting handoff's deadline passed.
    LadderAction {
        /// The team was told again.
        Notify = "notify",
        /// Another queue got it.
        Transfer = "transfer",
        /// Somebody else was asked.
        Reassign = "reassign",
        /// A lead was asked.
        Lead = "lead",
        /// Nobody came, and the wait goes on.
        WaitOn = "wait_on",
        /// Anything else.
        Other = "other",
    }
}

impl LadderAction {
    /// The trail's word for it.
    pub(super) fn of_word(word: &str) -> Self {
        let mut known = Self::ALL.iter().copied();
        known
            .find(|one| one.as_str() == word)
            .unwrap_or(Self::Other)
    }
}

labels! {
    /// What a customer says to the offer of a person.
    OfferAnswer {
        /// Yes.
        Accepted = "accepted",
        /// No.
        Refused = "refused",
    }
}

labels! {
    /// How an offer of a waiting conversation to one person ended.
    AgentOffer {
        /// They took it.
        Accepted = "accepted",
        /// Another person did.
        Taken = "taken",
        /// They did not answer in time, or went.
        Lapsed = "lapsed",
        /// The wait ended, or a person moved it.
        Void = "void",
    }
}

labels! {
    /// What was done about a message whose delivery nobody knows.
    Doubt {
        /// It was sent once more.
        Repeated = "repeated",
        /// It was left so.
        GivenUp = "given_up",
        /// It was a stream that was cut off.
        StreamLost = "stream_lost",
    }
}

impl Doubt {
    /// From what the trail says of a message in doubt.
    pub(super) fn of_code(code: &str) -> Self {
        let mut known = Self::ALL.iter().copied();
        known
            .find(|one| one.as_str() == code)
            .unwrap_or(Self::GivenUp)
    }
}

labels! {
    /// Why something is parked for people.
    ParkCause {
        /// A signed webhook that nobody understands.
        Unparsed = "unparsed",
        /// Its conversation cannot be read.
        Unreadable = "unreadable",
        /// Deciding it panicked.
        Panicked = "panicked",
        /// Its conversation has grown past all bounds.
        TooLarge = "too_large",
    }
}

labels! {
    /// A circuit that is not closed.
    CircuitState {
        /// Calls are held back.
        Open = "open",
        /// One call is tried.
        HalfOpen = "half_open",
    }
}

labels! {
    /// What a switch of the AI is for.
    OffScope {
        /// Everything.
        All = "all",
        /// A channel.
        Channel = "channel",
        /// A queue.
        Queue = "queue",
    }
}

labels! {
    /// How bad a logged line is.
    LogLevel {
        /// Something is broken.
        Error = "error",
        /// Something is not as it should be.
        Warn = "warn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trails_words_find_their_labels_and_strange_ones_are_folded() {
        assert_eq!(LadderAction::of_word("wait_on"), LadderAction::WaitOn);
        assert_eq!(LadderAction::of_word("dance"), LadderAction::Other);
        assert_eq!(Doubt::of_code("repeated"), Doubt::Repeated);
        assert_eq!(Doubt::of_code("stream_lost"), Doubt::StreamLost);
        assert_eq!(Doubt::of_code("unknown"), Doubt::GivenUp);
    }
}

labels! {
    /// Why a span was not exported.
    SpanLoss {
        /// The collector did not take it.
        Failed = "failed",
        /// Too many waited already.
        Full = "full",
    }
}
