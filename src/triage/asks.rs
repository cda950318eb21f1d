//! Whether a customer asks for a person: a grammar over classes of words.
//!
//! A request is a verb of wanting, speaking, connecting or reaching and, a few words on, a word for a person, with
//! nothing between that changes the matter; or a person who is to do something for the customer; or a thought that is
//! nothing but a word for a person; or a refusal of the machine. A request that is denied ("I don't want …"), done ("I
//! spoke to …" is no verb of ours), or about somebody else ("talk to my husband") is none.

use super::classes::*;
use super::lexicon::{Lexicon, Meaning};
use super::reading::Reading;

/// The furthest a verb and its person may stand apart.
const REACH_MAX: usize = 7;
/// How far before a verb a negation still denies it.
const DENIAL_MAX: usize = 6;
/// The longest thought that is nothing but a word for a person.
const BARE_MAX: usize = 8;
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
        .or_else(|| (0..reading.bits.len()).find_map(|i| r.at(i)))
        .or_else(|| r.bare())
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
            found = self.talk(i);
        }
        if found.is_none() && bits & CONNECT != 0 {
            found = self.connect(i);
        }
        if found.is_none() && bits & (GIVE | GIVEME) != 0 {
            found = self.give(i);
        }
        if found.is_none() && bits & WANT != 0 {
            found = self.want(i);
        }
        if found.is_none() && bits & REACH != 0 {
            found = self.reach(i);
        }
        if found.is_none() && bits & ANYBODY != 0 {
            found = self.person(i);
        }
        if found.is_none() && bits & (CALL | CALLME) != 0 {
            found = self.call(i);
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
                let later = hit.to + 1 < r.bits.len()
                    && !self.apart(hit.to + 1)
                    && r.bits[hit.to] & ME != 0
                    && r.bits[hit.to + 1] & WHEN != 0;
                (own || !self.denied(hit.from)) && !later
            })
            .and_then(|hit| ask("ask.phrase", hit.from, hit.to))
    }

    /// "talk to a person", "a person to talk to", "mit einem Menschen sprechen".
    fn talk(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        if !r.is(v, TALK) && v > 0 && r.bits[v - 1] & (OTHER | AUX) != 0 {
            return None;
        }
        if let Some((p, link)) = self.ahead(v, WHOM, CLEAR | LINK | ME, 2)
            && (link || self.begins_or_follows(v))
            && !self.someone_elses(v)
            && !self.denied(v)
            && self.compound_ok(p, false)
        {
            return ask("ask.talk", v, p);
        }
        if r.is(v + 1, LINK) && v + 2 < r.bits.len() && self.said_again(v) {
            return ask("ask.talk", v, v + 2);
        }
        let (p, wanted) = self.behind(v)?;
        (wanted && !self.denied(p) && !self.denied(v)).then_some(())?;
        ask("ask.talk", p, v)
    }

    /// "I spoke to an agent and need to speak to them again."
    fn said_again(&self, v: usize) -> bool {
        let r = self.r;
        matches!(r.words.word(v + 2), "them" | "him" | "her")
            && (0..v).any(|i| r.bits[i] & (PERSON | ROLE) != 0)
            && (v.saturating_sub(3)..v).any(|i| r.is(i, WANT | MODAL))
            && !self.denied(v)
    }

    /// Whether a verb stands where a request puts it: at the beginning, or after wanting, asking or "to".
    fn begins_or_follows(&self, v: usize) -> bool {
        self.r.begins_thought(v)
            || (v.saturating_sub(3)..v).any(|i| self.r.is(i, WANT | MODAL | HOW | I | NEGCAN))
            || v == 1 && self.r.is(0, ME)
    }

    /// Whether it is another's verb: "they talk to".
    fn someone_elses(&self, v: usize) -> bool {
        let Some(before) = v.checked_sub(1) else {
            return false;
        };
        let r = self.r;
        r.bits[before] & OTHER != 0
            && r.bits[before] & (I | MODAL | ME) == 0
            && !(before.saturating_sub(2)..before).any(|i| r.is(i, MODAL | WANT))
    }

    /// A person before verb `v`, and whether the customer wants to.
    fn behind(&self, v: usize) -> Option<(usize, bool)> {
        let r = self.r;
        let mut strangers = 0;
        let mut between = 0;
        for back in 1..=REACH_MAX {
            let i = v.checked_sub(back)?;
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
            between += 1;
        }
        None
    }

    /// Whether the message is in a language whose verbs come last.
    const fn verb_last(&self) -> bool {
        self.r.tongues & 0b1101_0000 != 0
    }

    /// "my" stands before the person.
    fn mine(&self, p: usize) -> bool {
        (p.saturating_sub(2)..p).any(|i| {
            self.r.bits[i] & BLOCK != 0
                && !self.apart(i + 1)
                && self.r.bits[i] & (ME | DET | LINK) == 0
        })
    }

    /// "connect me with a person", "connect me".
    fn connect(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        if self.verb_last()
            && let Some((p, wanted)) = self.behind(v)
            && wanted
            && (p.saturating_sub(3)..p).any(|i| r.is(i, LINK))
            && !self.denied(p)
        {
            return ask("ask.connect", p, v);
        }
        let (p, link) = self.ahead(v, WHOM, CLEAR | LINK | ME | OTHER, 1)?;
        // what is connected must be the customer, or the customer's matter
        let thing = (v + 1..p).take_while(|i| r.bits[*i] & LINK == 0).any(|i| {
            r.bits[i] & (CLEAR | ME | OTHER) == 0 && !(r.bits[i] & BLOCK != 0 && r.is(i + 1, ME))
        });
        let named = matches!(r.words.word(p), "team" | "department" | "dept");
        if thing || r.is(p, DEPT) && !named && (v + 1..p).any(|i| r.bits[i] == 0) {
            return None;
        }
        let me = (v + 1..p).any(|i| r.is(i, ME)) || v > 0 && r.is(v - 1, ME);
        let fits = link && (me || self.begins_or_follows(v)) || me && !r.is(p, DEPT);
        (fits && !self.denied(v) && self.compound_ok(p, false) && !self.someone_elses(v))
            .then_some(())?;
        ask("ask.connect", v, p)
    }

    /// "get me a person".
    fn give(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        let (p, _) = self.ahead(v, ANYBODY, CLEAR | ME | LINK | OTHER, 0)?;
        let close = (v.saturating_sub(3)..v).any(|i| r.is(i, MODAL));
        let hard = (v.saturating_sub(8)..v).any(|i| r.bits[i] & (HOW | NEGCAN) != 0);
        let alone = r.is(p, PERSON | ROLE) || r.ends_thought(p);
        let asked = (close || hard) && alone && r.bits[v] & CALL == 0;
        let me = asked
            || r.is(v, GIVEME)
            || (v + 1..p).any(|i| r.is(i, ME))
            || v > 0 && r.is(v - 1, ME)
            || r.begins_thought(v) && alone;
        let linked =
            (v + 1..p).any(|i| r.bits[i] & LINK != 0 && r.bits[i] & (DET | ME | REAL) == 0);
        (me && (!linked || r.tongues & 1 == 0 || r.is(v, GIVEME))
            && !self.denied(v)
            && self.compound_ok(p, true))
        .then_some(())?;
        ask("ask.give", v, p)
    }

    /// "I want a person", "I need help from a person".
    fn want(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        if self.verb_last()
            && v > 1
            && r.is(v - 1, ANYBODY)
            && !self.apart(v)
            && (v.saturating_sub(6)..v - 1).any(|i| r.is(i, AUX))
            && !(v.saturating_sub(6)..v - 1).any(|i| r.bits[i] & (NEG | BLOCK) != 0)
        {
            return ask("ask.want", v - 1, v);
        }
        let (p, _) = self.ahead(v, ANYBODY | DESK, CLEAR | HELP | LINK | ME | AUX, 0)?;
        if self.asked_whether(v) || self.denied(v) || !self.compound_ok(p, true) {
            return None;
        }
        let help = (v + 1..p).any(|i| r.is(i, HELP));
        let linked = (v + 1..p).any(|i| r.bits[i] & LINK != 0 && r.bits[i] & (DET | REAL) == 0);
        if linked && !help && r.tongues & 1 != 0 && r.tongues.count_ones() == 1 {
            return None;
        }
        let real = (v + 1..=p + 1).any(|i| r.is(i, REAL) && !r.is(i, PERSON));
        if r.is(p, SOME) && !real && !help && !self.some_fits(p) {
            return None;
        }
        ask("ask.want", v, p)
    }

    /// "someone" who is wanted: full stop, or to help.
    fn some_fits(&self, p: usize) -> bool {
        let r = self.r;
        if r.ends_thought(p) {
            return true;
        }
        (p + 1..=p + 4)
            .take_while(|i| !self.apart(*i))
            .any(|i| r.is(i, HELP | HELPME | TALK | REAL | CALL) || r.is(i, BOT))
    }

    /// "do I need an agent?" asks for advice, not for an agent.
    fn asked_whether(&self, v: usize) -> bool {
        let before = |n: usize| v.checked_sub(n).map(|i| self.r.words.word(i));
        matches!(before(2), Some("do" | "does" | "did" | "must" | "should"))
            || matches!(
                before(1),
                Some("you" | "does" | "do" | "did" | "they" | "he" | "she" | "who")
            )
    }

    /// "how do I reach a person".
    fn reach(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        let (p, _) = self.ahead(v, WHOM, CLEAR | LINK | ME, 0)?;
        let led = r.begins_thought(v)
            || (v.saturating_sub(4)..v)
                .any(|i| r.bits[i] & (HOW | WANT | MODAL | WHEN | NEGCAN) != 0);
        let open = r.is(p, PERSON | ROLE | DEPT | DESK)
            || (v.saturating_sub(4)..v).any(|i| r.bits[i] & (HOW | WANT | MODAL | NEGCAN) != 0)
            || (v + 1..p).any(|i| r.is(i, REAL));
        (led && open && !self.denied(v) && self.compound_ok(p, true)).then_some(())?;
        ask("ask.reach", v, p)
    }

    /// "can a person look at this", "is there a person".
    fn person(&self, p: usize) -> Option<Ask> {
        let r = self.r;
        if self.mine(p) || !self.compound_ok(p, true) {
            return None;
        }
        if self.there_before(p) && (r.ends_thought(p) || self.there_fits(p)) {
            return ask("ask.there", p, p);
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
    fn served(&self, p: usize, h: usize, me_before: bool) -> bool {
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

    fn there_before(&self, p: usize) -> bool {
        self.r.hits.iter().any(|hit| {
            hit.meaning == Meaning::There
                && hit.to < p
                && hit.to + 5 > p
                && (hit.to + 1..=p).all(|i| !self.apart(i))
                && (hit.to + 1..p).all(|i| self.r.is(i, CLEAR))
        })
    }

    fn there_fits(&self, p: usize) -> bool {
        let r = self.r;
        (p + 1..=p + 5).take_while(|i| !self.apart(*i)).any(|i| {
            r.is(i, HERE | TALK | TALKING | HELPME | REACH)
                || r.is(i, HELP)
                    && (i + 1 >= r.bits.len() || self.apart(i + 1) || r.is(i + 1, ME | SOFT))
        })
    }

    /// "call me", "can you call me back", "que me llamen".
    fn call(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        let near = |i: usize| r.is(i, ME) && i < r.bits.len();
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
            || (from.saturating_sub(5)..v).any(|i| r.is(i, MODAL | WANT));
        (led && open && !put_off && !self.denied(from) && !self.denied(v)).then_some(())?;
        ask("ask.call", from, to)
    }

    /// "I don't want a bot", "not a bot but a person", "stop this bot".
    fn bot(&self, b: usize) -> Option<Ask> {
        let r = self.r;
        let mut led = false;
        let mut refused = None;
        for back in 1..=REACH_MAX {
            let Some(i) = b.checked_sub(back) else { break };
            if self.apart(i + 1) {
                break;
            }
            let bits = r.bits[i];
            if bits & (NEG | FED) != 0 {
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
        let open = after >= r.bits.len() || self.apart(after) || r.bits[after] != 0;
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
    fn bare(&self) -> Option<Ask> {
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

    fn bare_within(&self, from: usize, to: usize) -> Option<Ask> {
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
            } else if bits & (REAL | ME & PLAIN) != 0 {
                sure |= person.is_some() || i < to;
            } else if bits & (CLEAR | HERE | I | WANT | NEG | BOT | TALK | MODAL) == 0 {
                return None;
            } else if bits & (NEG | BOT) != 0 && bits & SOFT == 0 {
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

    /// The first word of `wanted` behind verb `v`, over at most `strangers` words of no meaning; and whether a "to" or
    /// "with" stands between.
    fn ahead(
        &self,
        v: usize,
        wanted: Bits,
        clear: Bits,
        strangers: usize,
    ) -> Option<(usize, bool)> {
        let r = self.r;
        let mut link = false;
        let mut strange = 0;
        for i in v + 1..=v + REACH_MAX {
            if i >= r.bits.len() || self.apart(i) || r.blocked[i] {
                return None;
            }
            let bits = r.bits[i];
            if bits & wanted != 0 {
                // "a real person": the adjective is a noun in other languages
                let next = i + 1 < r.bits.len() && !self.apart(i + 1) && r.is(i + 1, wanted);
                return Some((if next { i + 1 } else { i }, link));
            }
            let matter = i + 1 < r.bits.len() && r.is(i + 1, ME) && bits & DET == 0;
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
    fn denied(&self, v: usize) -> bool {
        let r = self.r;
        for back in 1..=DENIAL_MAX {
            let Some(i) = v.checked_sub(back) else {
                return false;
            };
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
    fn compound_ok(&self, p: usize, strict: bool) -> bool {
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
        let pronoun = r.is(p, SOME) && !r.words.word(p).starts_with("per");
        if strict && bits == 0 && !pronoun {
            let english = self
                .lexicon
                .entry(r.ids[p])
                .is_some_and(|entry| entry.tongues & 1 != 0);
            return !english;
        }
        true
    }
}
