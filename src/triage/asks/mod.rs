//! Whether a customer asks for a person: a grammar over classes of words.
//!
//! A request is a verb of wanting, speaking, connecting or reaching and, a few words on, a word for a person, with
//! nothing between that changes the matter; or a person who is to do something for the customer; or a thought that is
//! nothing but a word for a person; or a refusal of the machine. A request that is denied ("I don't want …"), done ("I
//! spoke to …" is no verb of ours), or about somebody else ("talk to my husband") is none.

mod context;
mod errands;
mod frames;
mod machine;
mod named;
mod people;
mod turns;
mod verbs;

use super::classes::*;
use super::lexicon::{Lexicon, Meaning};
use super::reading::Reading;

/// Leaves what it stands between as it is.
const CLEAR: Bits = DET | REAL | SOFT;

/// A request, and where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ask {
    pub(super) rule: &'static str,
    pub(super) from: usize,
    pub(super) to: usize,
}

const fn ask(rule: &'static str, from: usize, to: usize) -> Option<Ask> {
    Some(Ask { rule, from, to })
}

/// The first request in the message.
pub(super) fn find(reading: &Reading, lexicon: &Lexicon) -> Option<Ask> {
    if !reading.may_ask() {
        return None;
    }
    let r = Grammar {
        r: reading,
        lexicon,
    };
    r.phrase()
        .or_else(|| (0..reading.bits.len()).find_map(|i| r.at(i).filter(|found| !r.framed(found))))
        .or_else(|| r.bare())
        .or_else(|| r.likely().filter(|found| !r.framed(found)))
}

struct Grammar<'a> {
    r: &'a Reading,
    lexicon: &'a Lexicon,
}

impl Grammar<'_> {
    fn at(&self, i: usize) -> Option<Ask> {
        let bits = self.r.bits[i];
        if self.r.blocked[i] || bits == 0 {
            return None;
        }
        let mut found = None;
        if bits & (TALK | TALKING) != 0 {
            found = self.talk(i).or_else(|| self.stranger(i));
        }
        if found.is_none() && bits & CONNECT != 0 {
            found = self.connect(i).or_else(|| self.put_through(i));
        }
        if found.is_none() && bits & (GIVE | GIVEME) != 0 {
            found = self.give(i).or_else(|| self.described(i));
        }
        if found.is_none() && bits & WANT != 0 {
            found = self.want(i).or_else(|| self.described(i));
        }
        if found.is_none() && bits & REACH != 0 {
            found = self.reach(i).or_else(|| self.bidden(i));
        }
        if found.is_none() && bits & WHOM != 0 {
            found = self.person(i);
        }
        if found.is_none() && bits & (CALL | CALLME) != 0 {
            found = self
                .call(i)
                .or_else(|| self.appointment(i))
                .or_else(|| self.bidden(i))
                .or_else(|| self.dialled(i));
        }
        if found.is_none() && bits & PRESS != 0 {
            found = self.press(i);
        }
        if found.is_none() && bits & LINK != 0 {
            found = self.asked_for(i);
        }
        if found.is_none() && bits & BOT != 0 {
            found = self.bot(i);
        }
        found
    }

    fn apart(&self, i: usize) -> bool {
        self.r.words.tokens.get(i).is_none_or(|t| t.apart)
    }

    /// A written-out request.
    fn phrase(&self) -> Option<Ask> {
        let r = self.r;
        r.hits
            .iter()
            .filter(|hit| hit.meaning == Meaning::Ask)
            .find(|hit| {
                let denies = |i: usize| r.bits[i] & (NEG | FED | NEGCAN) != 0;
                let own = (hit.from..=hit.to).any(denies);
                let later = r.bits[hit.to] & (ME | CALL) != 0 && self.put_off(hit.to);
                let noun = r.bits[hit.to] & (ANYBODY | CALL) != 0 && r.words.word(hit.to) != "dial";
                let named = !noun || self.compound_ok(hit.to, true);
                let first = hit.from;
                let whether = r.bits[first] & WANT != 0 && self.asked_whether(first);
                let own_ask = first > 0
                    && r.words.word(first) == "ask"
                    && matches!(r.words.word(first - 1), "i" | "ill" | "will" | "me" | "us");
                let object = r.bits[hit.from] & ANYBODY != 0 && self.done_to(hit.from);
                (own || !self.denied(hit.from))
                    && !later
                    && named
                    && !object
                    && !whether
                    && !own_ask
                    && !self.framed(&Ask {
                        rule: "",
                        from: hit.from,
                        to: hit.to,
                    })
            })
            .and_then(|hit| ask("ask.phrase", hit.from, hit.to))
    }
}
