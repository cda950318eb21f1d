//! Requests that begin with a person: who is to help, who is there, who is to call; and the word for a person that
//! stands alone.

use super::super::classes::*;
use super::super::lexicon::Meaning;
use super::{Ask, CLEAR, Grammar, ask};

/// The longest message in which a plain word for a person is enough.
const LIKELY_MAX: usize = 10;
/// The longest thought that is nothing but a word for a person.
const BARE_MAX: usize = 8;
/// The longest thought in which a courtesy is enough beside "someone".
const POLITE_MAX: usize = 4;
/// How far behind a person stands what the person is to do.
const SERVE_MAX: usize = 8;

impl Grammar<'_> {
    /// "can a person look at this", "is there a person".
    pub(super) fn person(&self, p: usize) -> Option<Ask> {
        let r = self.r;
        let start = self.start(p);
        if self.mine(p) || !self.compound_ok(p, true) {
            return None;
        }
        let desk = r.bits[p] & ANYBODY == 0;
        // "is there somebody real": the adjective behind the noun
        let ends = r.ends_thought(p) || r.is(p + 1, REAL) && r.ends_thought(p + 1);
        if !desk && self.there_before(p) && (ends || self.there_fits(p)) {
            return ask("ask.there", p, p);
        }
        if let Some(found) = self.available(p) {
            return Some(found);
        }
        let served = !desk
            && (start.saturating_sub(3)..start).any(|i| r.is(i, HELP | CALL) && !self.let_me(i))
            && (start.saturating_sub(5)..start).any(|i| r.is(i, ME))
            && (start.saturating_sub(5)..start).any(|i| r.is(i, MODAL));
        if served && r.ends_thought(p) && !self.denied(p) {
            return ask("ask.serve", p, p);
        }
        let led = (start.saturating_sub(3)..start).any(|i| {
            (r.is(i, MODAL | WANT | GIVE) || self.tells(i))
                && !(i + 1..start).any(|j| self.apart(j))
        }) || self.verb_last()
            && (p + 1..p + 3).any(|i| !self.apart(i) && r.is(i, MODAL))
            || (p + 1..p + 3).any(|i| !self.apart(i) && r.is(i, MODAL) && !r.is(i, ME))
            || p + 1 < r.bits.len()
                && !self.apart(p + 1)
                && matches!(
                    r.words.word(p + 1),
                    "must" | "should" | "needs" | "has" | "better" | "ought"
                )
            || r.begins_thought(start);
        let told = (start.saturating_sub(3)..start)
            .any(|i| r.begins_thought(i) && (r.is(i, MODAL | GIVE) || self.tells(i)));
        if !led || self.denied(p) || desk && !told {
            return None;
        }
        if self.crowd(start.saturating_sub(1), p) {
            return None;
        }
        let mut h = p + 1;
        let mut me = false;
        let mut place = false;
        while h < r.bits.len() && h <= p + SERVE_MAX && !self.apart(h) {
            if r.bits[h] & (WHEN | NEG) != 0 && r.bits[h] & (HELP | ME) == 0 {
                return None;
            }
            me |= r.is(h, ME);
            let to_me = r.is(h, TALK) && r.is(h + 1, LINK) && r.is(h + 2, ME);
            let serves = r.is(h, HELP | CALL) && self.served(p, h, me);
            // a department serves only who asks: "can support help me"
            let asked = !desk || me || (h + 1..=h + 3).any(|i| r.is(i, ME));
            if to_me || r.is(h, HELPME) || serves && asked {
                return ask("ask.serve", p, h);
            }
            if r.bits[h] & (CLEAR | ME | MODAL | LINK | OTHER | PLAIN) == 0 {
                // "someone in the office": where the person is changes nothing, once
                let led = |back: usize| h > p + back && r.is(h - back, LINK);
                let at = led(1) || led(2) && r.is(h - 1, DET | OTHER);
                if place || !at || r.bits[h] & !DEPT != 0 {
                    return None;
                }
                place = true;
            }
            h += 1;
        }
        None
    }

    /// "ask", "tell": what the machine is to do with a person.
    fn tells(&self, i: usize) -> bool {
        matches!(self.r.words.word(i), "ask" | "tell" | "make" | "let")
    }

    /// Whether what person `p` is to do, at `h`, is done for the customer.
    pub(super) fn served(&self, p: usize, h: usize, me_before: bool) -> bool {
        let r = self.r;
        let me = me_before
            || (h + 1..=h + 3)
                .take_while(|i| !self.apart(*i))
                .any(|i| r.is(i, ME));
        if self.put_off(h) {
            return false;
        }
        // "can someone jump in here"
        let after = (h + 1..r.bits.len()).find(|i| !r.is(*i, SOFT) && !self.apart(*i));
        let here = after.is_some_and(|i| self.said(i) == "here" && r.ends_thought(i));
        me || r.is(p, PERSON | ROLE) || r.ends_thought(h) || here
    }

    pub(super) fn there_before(&self, p: usize) -> bool {
        self.r.hits.iter().any(|hit| {
            hit.meaning == Meaning::There
                && hit.to < p
                && hit.to + 5 > p
                && (hit.to + 1..=p).all(|i| !self.apart(i))
                && (hit.to + 1..p).all(|i| self.r.is(i, CLEAR | ANYBODY))
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
        // "three of us will be meeting": a noun of calling
        if self.said(v) == "meeting" {
            return None;
        }
        let near = |i: usize| {
            i < r.bits.len()
                && r.is(i, ME)
                && !(i > 0 && r.words.word(i - 1) == "the")
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
        let after = to + 1;
        let open = r.ends_thought(to)
            || !self.apart(after) && r.bits[after] & (SOFT | LINK) != 0 && r.bits[after] & DET == 0;
        let led = r.is(v, CALLME)
            || r.begins_thought(from)
            || (from.saturating_sub(5)..v).any(|i| {
                let between = CLEAR | ME | OTHER | ANYBODY | LINK | I;
                r.is(i, MODAL | WANT) && (i + 1..from).all(|j| r.bits[j] & between != 0)
            });
        (led && open && !self.put_off(to) && !self.denied(from) && !self.denied(v)).then_some(())?;
        ask("ask.call", from, to)
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

    /// "hey dude", "hola chico": whom a greeting is for.
    fn hailed(&self, i: usize) -> bool {
        i > 0
            && matches!(
                self.said(i),
                "dude"
                    | "guy"
                    | "man"
                    | "lady"
                    | "people"
                    | "folks"
                    | "peeps"
                    | "chico"
                    | "chica"
                    | "senor"
                    | "senora"
            )
            && matches!(
                self.said(i - 1),
                "hey"
                    | "hi"
                    | "hello"
                    | "yo"
                    | "sup"
                    | "hola"
                    | "morning"
                    | "thanks"
                    | "tu"
                    | "sorry"
            )
    }

    /// The small words of "and thank you", "thanks in advance".
    fn thanks(&self, i: usize) -> bool {
        let thanked = |i: usize| matches!(self.said(i), "thank" | "thanks" | "thx" | "ty");
        match self.said(i) {
            "and" | "n" => self.r.is(i + 1, SOFT),
            "you" | "u" => i > 0 && thanked(i - 1),
            "in" => self.said(i + 1) == "advance",
            "advance" => i > 0 && self.said(i - 1) == "in",
            _ => false,
        }
    }

    /// A word that only one who asks for something says.
    fn polite(&self, i: usize) -> bool {
        matches!(
            self.r.words.word(i),
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
                sure |= whole && !self.hailed(i);
                content += 1;
            } else if bits & DEPT != 0 && r.is(i + 1, PERSON) {
                content += 1;
            } else if whole && r.words.word(i) == "only" && !r.is(i.max(1) - 1, I) {
            } else if bits & (REAL | ME & PLAIN) != 0 {
                sure |= person.is_some() || i < to;
            } else if self.thanks(i) {
            } else if bits & (CLEAR | HERE | I | WANT | TALK | MODAL) == 0
                || bits & (NEG | BOT) != 0 && bits & SOFT == 0
            {
                return None;
            }
        }
        let person = person?;
        // "not you. a person."
        sure |= from > 0
            && to - from < POLITE_MAX
            && r.bits[..from]
                .iter()
                .any(|bits| bits & (NEG | FED | BOT) != 0);
        sure |= to - from < POLITE_MAX && (from..=to).any(|i| self.polite(i));
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
        let asked =
            r.bits.iter().enumerate().any(|(i, bits)| {
                bits & (WANT | CONNECT | GIVE | TALK) != 0 && i < p || self.polite(i)
            });
        // "can I bring a person": what the customer wants to do
        let mine = (1..p).any(|i| {
            r.is(i, I) && r.is(i - 1, MODAL) && r.is(i + 1, GIVE | BLOCK) && !r.is(i + 1, WANT)
        });
        let mine = mine || (0..p).any(|i| self.thanked(i));
        let told = (0..p).any(|i| r.bits[i] & (AUX | HOW) != 0 && !r.is(i, WANT | SOFT | LINK));
        if !asked || told || mine {
            return None;
        }
        let fits = !self.mine(p) && !self.denied(p) && self.compound_ok(p, true);
        let subject = r.is(p + 1, AUX | MODAL) && !self.apart(p + 1);
        (fits && !subject).then_some(())?;
        ask("ask.likely", p, p)
    }
}
