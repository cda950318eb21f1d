//! Requests by a turn of phrase: who is free, which button to press, a call to be arranged, somebody to be brought in.

use super::super::classes::*;
use super::{Ask, CLEAR, Grammar, ask};

/// Verbs and questions between a button and the person it is for.
const STEPS: Bits =
    CLEAR | LINK | ME | I | AUX | HOW | TALK | REACH | GIVE | CONNECT | PLAIN | PRESS | MODAL;

impl Grammar<'_> {
    /// "is an advisor free", "are any agents around", "any colleague available to talk".
    pub(super) fn available(&self, p: usize) -> Option<Ask> {
        let r = self.r;
        let start = self.start(p);
        let first = (start.saturating_sub(4)..start)
            .rev()
            .take_while(|i| !self.apart(i + 1))
            .find(|i| !r.is(*i, CLEAR) || r.words.word(*i) == "any")?;
        let asked = matches!(
            r.words.word(first),
            "is" | "are" | "r" | "isnt" | "arent" | "any"
        );
        let h = (p + 1..p + 4).find(|i| !r.is(*i, SOFT | REAL) || r.is(*i, HERE))?;
        if r.bits[p] & ANYBODY == 0
            && matches!(
                r.words.word(p),
                "office" | "branch" | "store" | "shop" | "service"
            )
        {
            return None;
        }
        let begins = r.begins_thought(first)
            || r.words.word(first) == "any"
                && first > 0
                && matches!(r.words.word(first - 1), "is" | "are");
        if !asked || !begins || self.apart(h) || !r.is(h, HERE) {
            return None;
        }
        let fits = r.ends_thought(h)
            || (h + 1..h + 4)
                .take_while(|i| !self.apart(*i))
                .any(|i| r.is(i, TALK | HELP | HELPME));
        fits.then_some(())?;
        ask("ask.available", first, h)
    }

    /// "which button do I press for a human", "what do I type to get an agent".
    pub(super) fn press(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        let (p, link) = self.ahead(v, ANYBODY, STEPS, 1)?;
        let pushes = matches!(r.words.word(v), "press" | "push" | "dial" | "hit" | "click");
        let led = pushes && r.begins_thought(v)
            || (v.saturating_sub(5)..v).any(|i| r.is(i, HOW))
            || v > 0 && r.words.word(v - 1) == "which";
        let fits = r.is(p, PERSON | ROLE) || r.ends_thought(p);
        (led && link && fits && !self.denied(v) && !self.mine(p) && self.compound_ok(p, true))
            .then_some(())?;
        ask("ask.press", v, p)
    }

    /// "set up a call with one of your consultants".
    pub(super) fn appointment(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        let (p, _) = self.ahead(v, WHOM, CLEAR | LINK, 0)?;
        let with = (v + 1..p).any(|i| matches!(r.words.word(i), "with" | "w" | "from" | "by"));
        let led = (v.saturating_sub(6)..v).any(|i| {
            r.is(i, MODAL | WANT | HOW)
                || matches!(
                    r.words.word(i),
                    "arrange" | "schedule" | "book" | "organise" | "organize" | "request" | "setup"
                )
        });
        let led = led || v > 1 && matches!(r.words.word(v - 2), "over" | "on" | "by");
        (with && led && !self.denied(v) && self.compound_ok(p, true)).then_some(())?;
        ask("ask.appointment", v, p)
    }

    /// "I keep asking for a supervisor", "still waiting for an advisor".
    pub(super) fn asked_for(&self, link: usize) -> Option<Ask> {
        let r = self.r;
        if r.words.word(link) != "for" || link == 0 {
            return None;
        }
        let verb = r.words.word(link - 1);
        let asks = matches!(
            verb,
            "ask" | "asked" | "asking" | "begging" | "begged" | "beg" | "pleading" | "shouting"
        );
        let waits = matches!(
            verb,
            "wait" | "waited" | "waiting" | "holding" | "hold" | "queue" | "line"
        );
        let (p, _) = self.ahead(link, WHOM, CLEAR, 0)?;
        // "ask for reservations": a thing, not those who do it
        let thing = matches!(
            self.said(self.start(p)),
            "reservations" | "bookings" | "returns" | "refunds" | "cancellations" | "repairs"
        );
        if asks && thing && r.bits[p] & ANYBODY == 0 {
            return None;
        }
        let fits = asks
            || waits
                && (r.is(p, PERSON | ROLE)
                    || self.some_fits(p) && r.is(p, SOME) && !r.ends_thought(p));
        (fits
            && !self.done_by_others(link - 1)
            && !self.denied(link - 1)
            && !self.mine(p)
            && self.compound_ok(p, true))
        .then_some(())?;
        ask("ask.asked_for", link - 1, p)
    }

    /// "he is asking for": somebody else does.
    fn done_by_others(&self, v: usize) -> bool {
        (v.saturating_sub(3)..v)
            .any(|i| self.r.bits[i] & OTHER != 0 && self.r.bits[i] & (I | ME) == 0)
    }

    /// Whether person `p` is brought into the conversation: "put someone on", "get a human in here".
    pub(super) fn placed(&self, p: usize) -> bool {
        let r = self.r;
        // "someone else on the line"
        let next = p + 1 + usize::from(self.said(p + 1) == "else");
        next < r.bits.len()
            && !self.apart(next)
            && matches!(
                r.words.word(next),
                "on" | "in" | "over" | "here" | "online" | "involved" | "into"
            )
            && (r.ends_thought(next)
                || !self.apart(next + 1)
                    && matches!(
                        r.words.word(next + 1),
                        "here" | "the" | "this" | "line" | "chat" | "on" | "there"
                    ))
    }

    /// Whether what ends at `to` is put off to another time: "call me when it ships". "When someone is free" is not.
    pub(super) fn put_off(&self, to: usize) -> bool {
        let r = self.r;
        let Some(when) = (to + 1..=to + 3)
            .take_while(|i| !self.apart(*i))
            .find(|i| r.bits[*i] & WHEN != 0)
        else {
            return false;
        };
        let said = |i: usize| if self.apart(i) { "" } else { r.words.word(i) };
        // "for once", "if possible", "when you can", "before I lose it": no other time
        let idle = match (said(when), said(when + 1)) {
            ("once", _) => matches!(r.words.word(when - 1), "for" | "at"),
            ("before", next) => next == "i",
            (_, "possible" | "convenient" | "thats" | "necessary") => true,
            (_, "you" | "u") => matches!(said(when + 2), "can" | "could" | "get" | "have" | "dont"),
            _ => false,
        };
        !idle && !(when + 1..when + 4).any(|i| r.is(i, ANYBODY))
    }

    /// Whether something is done to the person at `p`: "remove a person from the group".
    pub(super) fn done_to(&self, p: usize) -> bool {
        let r = self.r;
        (p.saturating_sub(2)..p)
            .rev()
            .take_while(|i| !self.apart(i + 1))
            .any(|i| {
                matches!(
                    r.words.word(i),
                    "remove"
                        | "delete"
                        | "add"
                        | "kick"
                        | "ban"
                        | "block"
                        | "unblock"
                        | "report"
                        | "invite"
                        | "tag"
                        | "follow"
                        | "unfollow"
                        | "gift"
                        | "mute"
                )
            })
    }

    /// "let me check": the customer is about to do it.
    pub(super) fn let_me(&self, v: usize) -> bool {
        let r = self.r;
        v > 1
            && matches!(r.words.word(v - 1), "me" | "us")
            && matches!(r.words.word(v - 2), "let" | "lets")
            || v > 0 && r.words.word(v - 1) == "lemme"
    }
}
