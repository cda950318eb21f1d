//! Requests that begin with a person, or with the machine: who is to help, who is there, who is to call, who is not to
//! answer; and the word for a person that stands alone.

use super::super::classes::*;
use super::super::lexicon::Meaning;
use super::context::REACH_MAX;
use super::{Ask, CLEAR, Grammar, ask};

/// The longest message in which a plain word for a person is enough.
const LIKELY_MAX: usize = 10;
/// The longest thought that is nothing but a word for a person.
const BARE_MAX: usize = 8;

impl Grammar<'_> {
    /// "can a person look at this", "is there a person".
    pub(super) fn person(&self, p: usize) -> Option<Ask> {
        let r = self.r;
        if self.mine(p) || !self.compound_ok(p, true) {
            return None;
        }
        if self.there_before(p) && (r.ends_thought(p) || self.there_fits(p)) {
            return ask("ask.there", p, p);
        }
        let served = (p.saturating_sub(3)..p).any(|i| r.is(i, HELP | CALL))
            && (p.saturating_sub(5)..p).any(|i| r.is(i, ME))
            && (p.saturating_sub(5)..p).any(|i| r.is(i, MODAL));
        if served && r.ends_thought(p) && !self.denied(p) {
            return ask("ask.serve", p, p);
        }
        let led = (p.saturating_sub(3)..p)
            .any(|i| r.is(i, MODAL | WANT | GIVE) && !(i + 1..p).any(|j| self.apart(j)))
            || self.verb_last() && (p + 1..p + 3).any(|i| !self.apart(i) && r.is(i, MODAL))
            || (p + 1..p + 3).any(|i| !self.apart(i) && r.is(i, MODAL) && !r.is(i, ME))
            || r.begins_thought(p);
        if !led || self.denied(p) {
            return None;
        }
        let mut h = p + 1;
        let mut me = false;
        while h < r.bits.len() && h <= p + 6 && !self.apart(h) {
            if r.bits[h] & (WHEN | NEG) != 0 && r.bits[h] & (HELP | ME) == 0 {
                return None;
            }
            me |= r.is(h, ME);
            if r.is(h, HELPME) || (r.is(h, HELP | CALL) && self.served(p, h, me)) {
                return ask("ask.serve", p, h);
            }
            if r.bits[h] & (CLEAR | ME | MODAL | LINK | OTHER | PLAIN) == 0 {
                return None;
            }
            h += 1;
        }
        None
    }

    /// Whether what person `p` is to do, at `h`, is done for the customer.
    pub(super) fn served(&self, p: usize, h: usize, me_before: bool) -> bool {
        let r = self.r;
        let me = me_before
            || (h + 1..=h + 3)
                .take_while(|i| !self.apart(*i))
                .any(|i| r.is(i, ME));
        let put_off = (h + 1..=h + 3)
            .take_while(|i| !self.apart(*i))
            .any(|i| r.bits[i] & WHEN != 0);
        if put_off {
            return false;
        }
        me || r.is(p, PERSON | ROLE) || r.ends_thought(h)
    }

    pub(super) fn there_before(&self, p: usize) -> bool {
        self.r.hits.iter().any(|hit| {
            hit.meaning == Meaning::There
                && hit.to < p
                && hit.to + 5 > p
                && (hit.to + 1..=p).all(|i| !self.apart(i))
                && (hit.to + 1..p).all(|i| self.r.is(i, CLEAR))
        })
    }

    pub(super) fn there_fits(&self, p: usize) -> bool {
        let r = self.r;
        (p + 1..=p + 5).take_while(|i| !self.apart(*i)).any(|i| {
            r.is(i, HERE | TALK | TALKING | HELPME | REACH)
                || r.is(i, HELP)
                    && (i + 1 >= r.bits.len() || self.apart(i + 1) || r.is(i + 1, ME | SOFT))
        })
    }

    /// "call me", "can you call me back", "que me llamen".
    pub(super) fn call(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        let near = |i: usize| {
            i < r.bits.len()
                && r.is(i, ME)
                && matches!(
                    r.words.word(i),
                    "me" | "us"
                        | "mich"
                        | "mir"
                        | "uns"
                        | "mij"
                        | "ons"
                        | "my"
                        | "nos"
                        | "mi"
                        | "ci"
                        | "moi"
                        | "m"
                        | "nous"
                        | "mim"
                )
        };
        let me = if r.is(v, CALLME) {
            Some(v)
        } else {
            [v + 1, v + 2]
                .into_iter()
                .find(|i| near(*i) && !self.apart(*i) && !self.apart(v + 1))
                .or_else(|| {
                    let before = |n: usize| v.checked_sub(n).filter(|i| near(*i));
                    before(1).or_else(|| before(2)).or_else(|| before(3))
                })
        }?;
        let (from, to) = (me.min(v), me.max(v));
        let put_off = (to + 1..=to + 3)
            .take_while(|i| !self.apart(*i))
            .any(|i| r.bits[i] & WHEN != 0);
        let after = to + 1;
        let open = r.ends_thought(to)
            || !self.apart(after) && r.bits[after] & (SOFT | LINK) != 0 && r.bits[after] & DET == 0;
        let led = r.is(v, CALLME)
            || r.begins_thought(from)
            || (from.saturating_sub(5)..v).any(|i| {
                let between = CLEAR | ME | OTHER | ANYBODY | LINK | I;
                r.is(i, MODAL | WANT) && (i + 1..from).all(|j| r.bits[j] & between != 0)
            });
        (led && open && !put_off && !self.denied(from) && !self.denied(v)).then_some(())?;
        ask("ask.call", from, to)
    }

    /// "I don't want a bot", "not a bot but a person", "stop this bot".
    pub(super) fn bot(&self, b: usize) -> Option<Ask> {
        let r = self.r;
        let mut led = false;
        let mut refused = None;
        for back in 1..=REACH_MAX {
            let Some(i) = b.checked_sub(back) else { break };
            if self.apart(i + 1) {
                break;
            }
            let bits = r.bits[i];
            if bits & (NEG | FED | NEGCAN) != 0 {
                refused = Some(i);
                led |= bits & FED != 0 || r.begins_thought(i);
            } else if bits & (TALK | TALKING | WANT) != 0 {
                led = true;
            } else if bits
                & (CLEAR | LINK | ME | HELP | I | AUX | MODAL | BOT | PLAIN | OTHER | NEGCAN)
                == 0
            {
                break;
            }
        }
        let after = b + 1;
        let open = after >= r.bits.len()
            || self.apart(after)
            || r.bits[after] != 0 && (r.bits[after] & LINK == 0 || r.bits[after] & SOFT != 0);
        if let Some(from) = refused
            && led
            && open
            && !r.words.tokens[b].hyphen
        {
            return ask("ask.refuse_bot", from, b);
        }
        let refused = refused.is_some()
            || (b + 1..=b + 3)
                .take_while(|i| *i < r.bits.len())
                .any(|i| r.is(i, FED | NEG));
        refused.then_some(())?;
        let near = (b.saturating_sub(8)..b + 9)
            .filter(|i| *i < r.bits.len())
            .find(|i| {
                let person = r.is(*i, PERSON | SOME) && !r.is(*i, BOT);
                person && !self.mine(*i) && self.compound_ok(*i, true)
            })?;
        ask("ask.not_bot", near.min(b), near.max(b))
    }

    /// A thought that is nothing but a word for a person.
    pub(super) fn bare(&self) -> Option<Ask> {
        let r = self.r;
        let count = r.bits.len();
        let mut from = 0;
        while from < count {
            let mut to = from;
            while to + 1 < count && !self.apart(to + 1) {
                to += 1;
            }
            if let Some(found) = self.bare_within(from, to) {
                return Some(found);
            }
            from = to + 1;
        }
        None
    }

    pub(super) fn bare_within(&self, from: usize, to: usize) -> Option<Ask> {
        let r = self.r;
        let whole = from == 0 && to + 1 == r.bits.len();
        let mut person = None;
        let mut sure = false;
        let mut content = 0;
        for i in from..=to {
            if r.blocked[i] || r.words.tokens[i].hyphen {
                return None;
            }
            let bits = r.bits[i];
            if bits & (PERSON | ROLE | DESK) != 0 {
                person = person.or(Some(i));
                sure |= bits & PERSON != 0 || whole;
                content += 1;
            } else if bits & SOME != 0 {
                person = person.or(Some(i));
                sure |= whole;
                content += 1;
            } else if bits & DEPT != 0 && r.is(i + 1, PERSON) {
                content += 1;
            } else if whole && r.words.word(i) == "only" && !r.is(i.max(1) - 1, I) {
            } else if bits & (REAL | ME & PLAIN) != 0 {
                sure |= person.is_some() || i < to;
            } else if bits & (CLEAR | HERE | I | WANT | TALK | MODAL) == 0
                || bits & (NEG | BOT) != 0 && bits & SOFT == 0
            {
                return None;
            }
        }
        let person = person?;
        if to - from >= BARE_MAX || content > 4 || !sure || self.mine(person) {
            return None;
        }
        // a word that had to be corrected must be long enough to be no other
        if r.slipped[person] && r.words.word(person).len() < 4 {
            return None;
        }
        ask("ask.bare", from, to)
    }

    /// A short message with a plain word for a person in it and nothing that says it is about anything else.
    pub(super) fn likely(&self) -> Option<Ask> {
        let r = self.r;
        let count = r.bits.len();
        if count > LIKELY_MAX || r.blocked.contains(&true) {
            return None;
        }
        let strange = r.bits.iter().filter(|bits| **bits == 0).count();
        let elsewhere = r.bits.iter().any(|bits| {
            bits & (BLOCK | COMPOUND | WHEN) != 0 && bits & (SOFT | ME | LINK | WANT | DET) == 0
        });
        if strange > usize::from(count > 3) || elsewhere {
            return None;
        }
        let p = (0..count).find(|i| {
            let real = *i > 0 && r.is(i - 1, REAL);
            let named = i.checked_sub(1).is_some_and(|before| {
                matches!(
                    r.words.word(before),
                    "the" | "your" | "ur" | "these" | "those"
                )
            });
            (r.is(*i, PERSON) || real && r.is(*i, SOME)) && !r.slipped[*i] && !named
        })?;
        let asked = r.bits.iter().enumerate().any(|(i, bits)| {
            bits & (WANT | CONNECT | GIVE | TALK) != 0 && i < p
                || matches!(
                    r.words.word(i),
                    "please"
                        | "pls"
                        | "plz"
                        | "asap"
                        | "now"
                        | "favor"
                        | "svp"
                        | "bitte"
                        | "aub"
                        | "graag"
                        | "asb"
                        | "ya"
                        | "urgent"
                )
        });
        let told = (0..p).any(|i| r.bits[i] & (AUX | HOW) != 0 && !r.is(i, WANT | SOFT | LINK));
        if !asked || told {
            return None;
        }
        let fits = !self.mine(p) && !self.denied(p) && self.compound_ok(p, true);
        let subject = r.is(p + 1, AUX | MODAL) && !self.apart(p + 1);
        (fits && !subject).then_some(())?;
        ask("ask.likely", p, p)
    }
}
