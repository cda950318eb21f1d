//! A phrase, place by place: which words may stand in each, and what the whole of it means.
//!
//! Words are the numbers that the lexicon gave them. Nothing here reads a message.

use super::classes::Bits;
use super::lexicon::Tongues;

/// In a phrase, written `#`: a number, in digits or words, with its currency.
pub(super) const AMOUNT: u16 = u16::MAX - 1;

/// What a phrase means, wherever it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    /// Asks for a person.
    Ask,
    /// Looks like it and does not: its words do not count.
    Not,
    /// "I am a", "are you a": who is named next is not asked for.
    Identity,
    /// "Is there", "do you have".
    There,
    /// Several words that only together are what they are: "member of staff", "get back to".
    Span {
        /// What they are.
        class: Bits,
        /// Whose "my" does not make it somebody else's: "my account manager".
        ours: bool,
    },
    /// Fires (or, if `against`, keeps from firing) a rule.
    Rule {
        /// Which, as its maker numbered it.
        rule: u16,
        /// Whether it speaks against the rule.
        against: bool,
    },
}

/// One place in a phrase.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// The words that may stand in it, in ascending order.
    pub(super) words: Box<[u16]>,
    /// Whether it may stay empty.
    pub(super) optional: bool,
}

impl Slot {
    /// Whether an amount stands in it.
    pub(super) fn is_amount(&self) -> bool {
        *self.words == [AMOUNT]
    }
}

/// All words that stand in `slots`.
pub(super) fn words_of(slots: &[Slot]) -> impl Iterator<Item = u16> {
    let words = slots.iter().filter(|slot| !slot.is_amount());
    words.flat_map(|slot| slot.words.iter().copied())
}

/// A phrase, place by place.
#[derive(Clone, Debug)]
pub(super) struct Phrase {
    pub(super) slots: Box<[Slot]>,
    pub(super) meaning: Meaning,
    /// Only at its end.
    pub(super) ends: bool,
}

/// Where a phrase can begin, with what is cheap to look at before the phrase itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Start {
    /// Which phrase.
    pub(super) phrase: u16,
    /// At which of its places.
    pub(super) place: u8,
    /// Only at the beginning of a thought.
    pub(super) begins: bool,
    /// Its languages.
    pub(super) tongues: Tongues,
    /// The words that may follow, by the low bits of their numbers; all bits: any, or none.
    follow: u64,
}

impl Start {
    /// Begins phrase number `phrase`, of these `slots`, at `place`.
    pub(super) fn of(
        phrase: u16,
        place: u8,
        slots: &[Slot],
        begins: bool,
        tongues: Tongues,
    ) -> Self {
        let mut follow: u64 = 0;
        let mut later = slots.iter().skip(usize::from(place) + 1);
        loop {
            match later.next() {
                Some(slot) if !slot.is_amount() => {
                    follow |= slot.words.iter().fold(0, |bits, word| bits | bit(*word));
                    if !slot.optional {
                        break;
                    }
                }
                Some(_) | None => {
                    follow = u64::MAX;
                    break;
                }
            }
        }
        Self {
            phrase,
            place,
            begins,
            tongues,
            follow,
        }
    }

    /// Whether `next`, if any, may be the word behind it: a filter, not a proof.
    pub(super) fn may_go_on(&self, next: Option<u16>) -> bool {
        match next {
            Some(next) => self.follow & bit(next) != 0,
            None => self.follow == u64::MAX,
        }
    }
}

const fn bit(word: u16) -> u64 {
    1 << (word % 64)
}
