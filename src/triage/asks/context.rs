//! What stands around the words of a request, and whether it leaves it one: what lies between a verb and its person,
//! denials, owners, other people's verbs, compound nouns.

use super::super::classes::*;
use super::{CLEAR, Grammar};

/// The furthest a verb and its person may stand apart.
pub(super) const REACH_MAX: usize = 7;
/// How far before a verb a negation still denies it.
const DENIAL_MAX: usize = 6;

impl Grammar<'_> {
    /// "people", where nothing says that real ones are meant: "I talk to people all day".
    pub(super) fn crowd(&self, v: usize, p: usize) -> bool {
        let r = self.r;
        matches!(
            r.words.word(p),
            "people" | "ppl" | "folks" | "guys" | "mensen" | "leute" | "gente"
        ) && self.start(p) == p
            && !(v..p).any(|i| r.is(i, REAL))
    }

    /// "he told me to speak to …": another's advice.
    pub(super) fn advised(&self, v: usize) -> bool {
        let r = self.r;
        (v.saturating_sub(4)..v).any(|i| {
            let own = i.checked_sub(1).is_some_and(|before| r.is(before, I));
            !own && matches!(
                r.words.word(i),
                "told"
                    | "said"
                    | "says"
                    | "advised"
                    | "dijo"
                    | "disse"
                    | "dit"
                    | "sagte"
                    | "zei"
                    | "detto"
            )
        })
    }

    /// Whether a verb stands where a request puts it: at the beginning, or after wanting, asking or "to".
    pub(super) fn begins_or_follows(&self, v: usize) -> bool {
        self.r.begins_thought(v)
            || (v.saturating_sub(3)..v).any(|i| self.r.is(i, WANT | MODAL | HOW | I | NEGCAN))
            || v == 1 && self.r.is(0, ME)
    }

    /// Whether it is another's verb: "they talk to".
    pub(super) fn someone_elses(&self, v: usize) -> bool {
        let Some(before) = v.checked_sub(1) else {
            return false;
        };
        let r = self.r;
        r.bits[before] & OTHER != 0
            && r.bits[before] & (I | MODAL | ME) == 0
            && !(before.saturating_sub(2)..before).any(|i| r.is(i, MODAL | WANT))
    }

    /// A person before verb `v`, and whether the customer wants to.
    pub(super) fn behind(&self, v: usize) -> Option<(usize, bool)> {
        let r = self.r;
        let mut strangers = 0;
        for between in 0..REACH_MAX {
            let i = v.checked_sub(between + 1)?;
            if self.apart(i + 1) {
                return None;
            }
            if r.blocked[i] {
                return None;
            }
            if r.is(i, WHOM) && !r.is(i, LINK) {
                let link =
                    i > 0 && (i.saturating_sub(3)..i).any(|j| r.is(j, LINK)) && !r.is(i, DEPT);
                let wanted = (i.saturating_sub(6)..i)
                    .any(|j| r.is(j, WANT | MODAL | GIVE | GIVEME | HOW))
                    || (i + 1..v).any(|j| r.is(j, WANT | MODAL) && (between > 0))
                    || self.there_before(i)
                    || link && (i.saturating_sub(3)..=i).any(|j| r.begins_thought(j));
                let joined = link || self.verb_last() || (i + 1..v).any(|j| r.is(j, LINK | I));
                return Some((i, wanted && joined && !self.mine(i)));
            }
            if r.bits[i] & BLOCK != 0 {
                return None;
            }
            if r.bits[i] & (CLEAR | LINK | I | MODAL | HOW | OTHER | ME | WANT | BOT) == 0 {
                strangers += 1;
                if strangers > 1 {
                    return None;
                }
            }
        }
        None
    }

    /// Whether the message is in a language whose verbs come last.
    pub(super) const fn verb_last(&self) -> bool {
        self.r.tongues & 0b1101_0000 != 0
    }

    /// The first word of the span that ends with person `p`, or the person.
    pub(super) fn start(&self, p: usize) -> usize {
        let mut start = p;
        while start > 0 && self.r.joined[start - 1] && !self.apart(start) {
            start -= 1;
        }
        start
    }

    /// "my" stands before the person.
    pub(super) fn mine(&self, p: usize) -> bool {
        let start = self.start(p);
        (start.saturating_sub(2)..start).any(|i| {
            self.r.bits[i] & BLOCK != 0
                && !self.apart(i + 1)
                && self.r.bits[i] & (ME | DET | LINK) == 0
        })
    }

    /// The first word of `wanted` behind verb `v`, over at most `strangers` words of no meaning; and whether a "to" or
    /// "with" stands between.
    pub(super) fn ahead(
        &self,
        v: usize,
        wanted: Bits,
        clear: Bits,
        strangers: usize,
    ) -> Option<(usize, bool)> {
        let r = self.r;
        let mut link = false;
        let mut strange = 0;
        let mut passed = None;
        let mut steps = 0;
        for i in v + 1..r.bits.len() {
            // a span is one word
            steps += usize::from(!r.joined[i]);
            if steps > REACH_MAX || self.apart(i) || r.blocked[i] {
                return None;
            }
            let bits = r.bits[i];
            if bits & wanted != 0 {
                // "a real person": the adjective is a noun in other languages
                let next = i + 1 < r.bits.len() && !self.apart(i + 1) && r.is(i + 1, wanted);
                return Some((if next { i + 1 } else { i }, link));
            }
            let matter = i + 1 < r.bits.len() && r.is(i + 1, ME) && bits & DET == 0;
            // "discuss my account with an advisor"
            let about = !link
                && i + 2 < r.bits.len()
                && !self.apart(i + 1)
                && r.bits[i + 1] & (wanted | LINK | BLOCK) == 0
                && r.is(i + 2, LINK);
            if bits & BLOCK != 0 && about {
                passed = Some(i + 1);
                continue;
            }
            if passed == Some(i) {
                continue;
            }
            if bits & BLOCK != 0 && bits & clear == 0 {
                if matter && clear & ME != 0 {
                    continue;
                }
                return None;
            }
            link |= bits & LINK != 0;
            if bits & NEG != 0 {
                return None;
            }
            if bits & clear == 0 {
                if bits & (WHEN | CONNECT | GIVE | BOT) != 0 && bits & PLAIN == 0 {
                    return None;
                }
                strange += 1;
                if strange > strangers {
                    return None;
                }
            }
        }
        None
    }

    /// Whether what stands at `v` is denied: a negation before it that reaches it.
    pub(super) fn denied(&self, v: usize) -> bool {
        let r = self.r;
        let mut steps = 0;
        for i in (0..v).rev() {
            steps += usize::from(!r.joined[i]);
            if steps > DENIAL_MAX {
                return false;
            }
            if self.apart(i + 1) {
                return false;
            }
            let bits = r.bits[i];
            if bits & NEGCAN != 0 {
                return false;
            }
            if bits & NEG != 0 {
                let excused =
                    r.bits[i + 1] & (MODAL | OTHER) != 0 && i + 1 < v || i > 0 && r.is(i - 1, HOW);
                // "you are not helping get me a person": the denial ends with its verb
                let spent = i + 1 < v
                    && matches!(
                        r.words.word(i + 1),
                        "helping"
                            | "working"
                            | "understanding"
                            | "listening"
                            | "answering"
                            | "helpful"
                            | "good"
                    );
                let excused = excused || spent;
                return !excused;
            }
            let passes = LINK
                | SOFT
                | WANT
                | MODAL
                | TALK
                | TALKING
                | ME
                | CONNECT
                | DET
                | REAL
                | HELP
                | GIVE
                | REACH
                | AUX
                | CALL;
            if bits & I != 0 && bits & passes & !ME == 0 {
                // a subject: what stands before it is another thought, unless the negation follows it
                return false;
            }
            if bits & passes == 0 && bits & I == 0 {
                return false;
            }
        }
        false
    }

    /// Whether the word behind `p` leaves it a person. `strict`: an unknown word makes a compound, in English.
    pub(super) fn compound_ok(&self, p: usize, strict: bool) -> bool {
        let r = self.r;
        let next = p + 1;
        if next >= r.bits.len() || self.apart(next) {
            return true;
        }
        if r.words.tokens[next].hyphen || r.words.tokens[p].hyphen {
            return false;
        }
        let bits = r.bits[next];
        if bits & COMPOUND != 0 && bits & (SOFT | LINK) == 0 {
            return false;
        }
        let numeral = r.words.word(next).bytes().all(|b| b.is_ascii_digit());
        let pronoun = r.is(p, SOME) && !r.words.word(p).starts_with("per");
        if strict && bits == 0 && !pronoun && !numeral {
            let english = self
                .lexicon
                .entry(r.ids[p])
                .is_some_and(|entry| entry.tongues & 1 != 0);
            return !english;
        }
        true
    }
}
