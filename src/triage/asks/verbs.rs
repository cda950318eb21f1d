//! Requests that begin with a verb: talking, connecting, giving, wanting, reaching.

use super::super::classes::*;
use super::{Ask, CLEAR, Grammar, ask};

/// How many words of not knowing may stand before a verb of reaching.
const WONDER_MAX: usize = 8;

impl Grammar<'_> {
    /// "talk to a person", "a person to talk to", "mit einem Menschen sprechen".
    pub(super) fn talk(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        if !r.is(v, TALK) && v > 0 && r.bits[v - 1] & (OTHER | AUX) != 0 || self.no_talk(v) {
            return None;
        }
        if let Some((p, link)) = self.ahead(v, WHOM, CLEAR | LINK | ME, 2)
            && (link || r.is(v, TALK) && self.begins_or_follows(v))
            && !self.someone_elses(v)
            && !self.denied(v)
            && !self.crowd(v, p)
            && !self.advised(v)
            && self.compound_ok(p, false)
        {
            return ask("ask.talk", v, p);
        }
        if r.is(v + 1, LINK) && v + 2 < r.bits.len() && self.said_again(v) {
            return ask("ask.talk", v, v + 2);
        }
        let (p, wanted) = self.behind(v)?;
        (wanted && !self.denied(p) && !self.denied(v) && !self.done_to(p)).then_some(())?;
        ask("ask.talk", p, v)
    }

    /// "tell me about …" is said to us; "which chat services" is a noun.
    fn no_talk(&self, v: usize) -> bool {
        let noun = v > 0 && matches!(self.said(v - 1), "what" | "which" | "whose");
        matches!(self.said(v), "tell" | "telling") && self.r.is(v + 1, ME) || noun
    }

    /// "I spoke to an agent and need to speak to them again."
    pub(super) fn said_again(&self, v: usize) -> bool {
        let r = self.r;
        matches!(r.words.word(v + 2), "them" | "him" | "her")
            && (0..v).any(|i| r.bits[i] & (PERSON | ROLE) != 0)
            && (v.saturating_sub(3)..v).any(|i| r.is(i, WANT | MODAL))
            && !self.denied(v)
    }

    /// "connect me with a person", "connect me".
    pub(super) fn connect(&self, v: usize) -> Option<Ask> {
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
        let shown = matches!(r.words.word(v), "lead" | "guide" | "point");
        if shown && r.bits[p] & ANYBODY == 0 {
            return None;
        }
        let thing = (v + 1..p).take_while(|i| r.bits[*i] & LINK == 0).any(|i| {
            r.bits[i] & (CLEAR | ME | OTHER) == 0 && !(r.bits[i] & BLOCK != 0 && r.is(i + 1, ME))
        });
        let named = matches!(r.words.word(p), "team" | "department" | "dept");
        if self.visited(v, p) || self.own_deed(v) || self.thanked(v) {
            return None;
        }
        if thing || r.is(p, DEPT) && !named && (v + 1..p).any(|i| r.bits[i] == 0) {
            return None;
        }
        let me = (v + 1..p).any(|i| r.is(i, ME)) || v > 0 && r.is(v - 1, ME);
        let else_ = p + 1 < r.bits.len() && r.words.word(p + 1) == "else";
        if self.crowd(v, p) || else_ && r.words.word(v + 1) != "me" {
            return None;
        }
        let fits = link && (me || self.begins_or_follows(v)) || me && !r.is(p, DEPT);
        (fits && !self.denied(v) && self.compound_ok(p, false) && !self.someone_elses(v))
            .then_some(())?;
        ask("ask.connect", v, p)
    }

    /// "get me a person".
    pub(super) fn give(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        let (p, _) = self.ahead(v, ANYBODY, CLEAR | ME | LINK | OTHER | I | DEPT, 0)?;
        let close = (v.saturating_sub(3)..v).any(|i| r.is(i, MODAL));
        let hard = (v.saturating_sub(8)..v).any(|i| r.bits[i] & (HOW | NEGCAN) != 0);
        let alone = r.is(p, PERSON | ROLE)
            || r.ends_thought(p)
            || self.some_fits(p)
            || (v + 1..p).any(|i| r.is(i, REAL))
            || self.placed(p);
        let gets = matches!(
            r.words.word(v),
            "get"
                | "have"
                | "find"
                | "avere"
                | "avoir"
                | "haben"
                | "krijgen"
                | "hebben"
                | "kry"
                | "chamar"
        );
        let asked = (close || hard) && alone && gets;
        let me = asked
            || r.is(v, GIVEME)
            || (v + 1..p).any(|i| r.is(i, ME))
            || v > 0 && r.is(v - 1, ME)
            || p + 2 < r.bits.len()
                && r.words.word(p + 1) == "for"
                && matches!(r.words.word(p + 2), "me" | "us")
            || (r.begins_thought(v) || r.bits[v - 1] & BOT != 0) && alone;
        let linked =
            (v + 1..p).any(|i| r.bits[i] & LINK != 0 && r.bits[i] & (DET | ME | REAL) == 0);
        (me && !self.own_deed(v)
            && !self.crowd(v, p)
            && (!linked || r.tongues & 1 == 0 || r.is(v, GIVEME))
            && !self.denied(v)
            && self.compound_ok(p, true))
        .then_some(())?;
        ask("ask.give", v, p)
    }

    /// "I want a person", "I need help from a person".
    pub(super) fn want(&self, v: usize) -> Option<Ask> {
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
        let (p, _) = self.ahead(v, ANYBODY | DESK, CLEAR | HELP | LINK | ME | AUX | DEPT, 0)?;
        // "other species like humans": a likeness, no liking
        let likeness = r.tongues & 1 != 0
            && self.said(v) == "like"
            && !(v.saturating_sub(3)..v).any(|i| r.is(i, I | MODAL) || self.said(i) == "wud");
        if likeness || self.asked_whether(v) || self.denied(v) || !self.compound_ok(p, true) {
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
    pub(super) fn some_fits(&self, p: usize) -> bool {
        let r = self.r;
        let else_ = self.said(p + 1) == "else" && !self.apart(p + 1) && r.ends_thought(p + 1);
        if r.ends_thought(p) || else_ {
            return true;
        }
        // "somebody from head office"
        let from = matches!(
            r.words.word(p + 1),
            "from" | "at" | "in" | "de" | "aus" | "da" | "van"
        );
        let within = |i: &usize| !self.apart(*i);
        if from {
            let house = |i: usize| {
                r.is(i, DEPT | DESK | ROLE)
                    || matches!(
                        r.words.word(i),
                        "company" | "side" | "end" | "place" | "hotel" | "bank" | "restaurant"
                    )
            };
            return (p + 2..=p + 4).take_while(within).any(house);
        }
        if matches!(r.words.word(p + 1), "about" | "regarding" | "concerning") {
            return true;
        }
        let who = matches!(r.words.word(p + 1), "who" | "that") && !self.apart(p + 2);
        if who
            && matches!(
                r.words.word(p + 2),
                "knows" | "understands" | "actually" | "really" | "speaks" | "listens" | "cares"
            )
        {
            return true;
        }
        let decides = p + 3 < r.bits.len()
            && matches!(
                r.words.word(p + 3),
                "make"
                    | "authorize"
                    | "authorise"
                    | "approve"
                    | "decide"
                    | "override"
                    | "access"
                    | "explain"
                    | "actually"
            );
        if who && decides && r.is(p + 2, MODAL) {
            return true;
        }
        r.words.word(p + 1) != "by"
            && (p + 1..=p + 4)
                .take_while(within)
                .any(|i| r.is(i, HELP | HELPME | TALK | REAL | CALL) || r.is(i, BOT))
    }

    /// "can I transfer my ticket", "can I bring": what the customer wants to do.
    fn own_deed(&self, v: usize) -> bool {
        let r = self.r;
        let object =
            |i: usize| i < r.bits.len() && r.bits[i] & BLOCK != 0 || r.words.word(v) == "bring";
        v > 1 && r.is(v - 1, I) && r.is(v - 2, MODAL) && object(v + 1)
    }

    /// "thanks for connecting me".
    pub(super) fn thanked(&self, v: usize) -> bool {
        let r = self.r;
        v > 1
            && r.words.word(v - 1) == "for"
            && (v.saturating_sub(4)..v)
                .any(|i| matches!(r.words.word(i), "thanks" | "thank" | "thx" | "ty"))
    }

    /// Whether a place is meant that one goes to: "how do I get to your office".
    fn visited(&self, v: usize, p: usize) -> bool {
        let r = self.r;
        let front = p > 0 && matches!(self.said(p - 1), "front" | "information" | "info");
        let place = matches!(
            r.words.word(p),
            "office" | "branch" | "store" | "shop" | "reception"
        ) || front && self.said(p) == "desk";
        let person = (v + 1..p).any(|i| r.is(i, ANYBODY));
        let called = r.words.word(v).starts_with("cont") || (p + 1..p + 4).any(|i| r.is(i, CALL));
        place && !person && r.is(p, DEPT) && r.is(v, REACH | GIVE) && !called
            || place
                && matches!(
                    r.words.word(v),
                    "get" | "go" | "take" | "move" | "send" | "bring"
                )
                && r.words.word(v + 1) != "me"
    }

    /// "do I need an agent?" asks for advice, not for an agent.
    pub(super) fn asked_whether(&self, v: usize) -> bool {
        let before = |n: usize| v.checked_sub(n).map(|i| self.r.words.word(i));
        matches!(before(2), Some("do" | "does" | "did" | "must" | "should"))
            || matches!(
                before(1),
                Some("you" | "does" | "do" | "did" | "they" | "he" | "she" | "who")
            )
    }

    /// "how do I reach a person".
    pub(super) fn reach(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        let (p, _) = self.ahead(v, WHOM, CLEAR | LINK | ME | I | OTHER, 0)?;
        let led = r.begins_thought(v)
            || (v.saturating_sub(4)..v)
                .any(|i| r.bits[i] & (HOW | WANT | MODAL | WHEN | NEGCAN) != 0)
            || self.bound(v)
            || self.wonders(v);
        // "email the manager the invoice": a thing to be sent
        let sent = matches!(r.words.word(v), "email" | "message") && !r.ends_thought(p);
        if sent && r.is(p + 1, DET | BLOCK) && !self.apart(p + 1)
            || r.is(p, SOME) && !self.some_fits(p) && !(v + 1..p).any(|i| r.is(i, REAL))
            || r.is(p, DEPT) && r.words.word(v) == "find"
            || self.visited(v, p)
        {
            return None;
        }
        let helped = v > 1 && r.is(v - 1, ME) && r.is(v - 2, HELP)
            || v > 0 && matches!(self.said(v - 1), "help" | "assistance")
            || v > 1
                && self.said(v - 1) == "to"
                && (v.saturating_sub(3)..v - 1).any(|i| self.said(i) == "help");
        let led = led || helped;
        let open = r.is(p, PERSON | ROLE | DEPT | DESK)
            || helped
            || self.bound(v)
            || self.wonders(v)
            || r.begins_thought(v) && r.ends_thought(p) && r.words.word(v) != "find"
            || (v.saturating_sub(4)..v).any(|i| r.bits[i] & (HOW | WANT | MODAL | NEGCAN) != 0)
            || (v + 1..p).any(|i| r.is(i, REAL));
        (led && open && !self.denied(v) && self.compound_ok(p, true)).then_some(())?;
        ask("ask.reach", v, p)
    }

    /// "how do I call customer service", "help me ring the help desk": a desk that is called, not a doctor.
    pub(super) fn dialled(&self, v: usize) -> Option<Ask> {
        let found = self.reach(v)?;
        let desk = matches!(
            self.said(found.to),
            "service" | "services" | "support" | "care" | "assistance" | "helpdesk" | "hotline"
        );
        let reception = self.said(found.to) == "reception" && self.r.ends_thought(found.to);
        let named = desk && (self.start(found.to) < found.to || self.r.is(found.to, DESK));
        (named || reception).then_some(found)
    }

    /// "I have to contact an agent", "I have got to", "I try to".
    fn bound(&self, v: usize) -> bool {
        let own = |i: usize| matches!(self.said(i), "i" | "we" | "ive" | "weve");
        let must = |i: usize| matches!(self.said(i), "have" | "got" | "gotta" | "need" | "try");
        if self.r.tongues & 1 == 0 || v < 3 || self.said(v - 1) != "to" || !must(v - 2) {
            return false;
        }
        let first = v - 2 - usize::from(v > 3 && self.said(v - 3) == "have");
        let subject = first - 1;
        own(subject) && (subject == 0 || !self.r.is(subject - 1, AUX | MODAL | WHEN))
    }

    /// "I don't know what I have to do to contact an agent".
    fn wonders(&self, v: usize) -> bool {
        (v.saturating_sub(WONDER_MAX)..v)
            .rev()
            .take_while(|i| !self.apart(i + 1))
            .any(|i| {
                i > 0
                    && matches!(self.said(i), "how" | "what" | "where" | "who")
                    && matches!(
                        self.said(i - 1),
                        "know" | "idea" | "clue" | "figure" | "unsure" | "sure" | "out" | "find"
                    )
            })
    }
}
