//! What a thought says that only holds the words of a request: a report, a question about what was or will be, another's
//! wish, a question whether one must.
//!
//! English only: the frames are made of its little words. A thought in which the customer begins anew ("…, I want",
//! "let me", "please") is none. Nothing here hears a request.

use super::super::classes::*;
use super::{Ask, Grammar};

/// The bit of English among the languages.
const ENGLISH: u8 = 1;
/// How far behind a person the verb stands that says what the person did.
const DEED_MAX: usize = 6;
/// How far before a request the verb of another's wish stands.
const WISH_MAX: usize = 4;

impl Grammar<'_> {
    /// Whether the thought around `found` is no request for all its words.
    pub(super) fn framed(&self, found: &Ask) -> bool {
        if self.r.tongues & ENGLISH == 0 {
            return false;
        }
        let from = self.start(found.from);
        let begin = self.thought(from);
        if self.reported(begin, from) {
            return true;
        }
        if (begin + 1..from).any(|i| self.anew(i)) {
            return false;
        }
        self.asks_what_was(begin, from)
            || self.asks_whether(begin, from)
            || self.asks_when(begin, found)
            || self.asks_how_much(begin, found)
            || self.aside(begin, found)
            || self.others_talk(begin, found.to)
            || self.others_wish(begin, from, found.to)
            || self.hired(from, found.to)
            || self.deed(begin, from, found.to)
    }

    /// Word `i`, or nothing.
    pub(super) fn said(&self, i: usize) -> &str {
        match i < self.r.bits.len() {
            true => self.r.words.word(i),
            false => "",
        }
    }

    /// The first word that is no courtesy of the thought that word `at` stands in.
    fn thought(&self, at: usize) -> usize {
        let mut begin = at;
        while begin > 0 && !self.apart(begin) {
            begin -= 1;
        }
        let courtesy = |i: usize| {
            self.r.is(i, SOFT) || matches!(self.said(i), "and" | "but" | "or" | "because")
        };
        while begin < at && courtesy(begin) {
            begin += 1;
        }
        begin
    }

    /// Whether the customer begins anew at word `i`: "I want", "let me", "please", "get me".
    fn anew(&self, i: usize) -> bool {
        let next =
            |bits| self.r.is(i + 1, bits) || self.r.is(i + 2, bits) && self.r.is(i + 1, SOFT);
        match self.said(i) {
            "please" | "pls" | "plz" | "lemme" | "gimme" | "id" | "wanna" => true,
            "let" | "get" | "give" | "put" | "connect" | "transfer" => next(ME),
            "i" | "we" => next(WANT | MODAL | NEGCAN) && !self.r.is(i - 1, AUX | MODAL),
            "can" | "could" | "may" => next(I | OTHER | SOME),
            "not" | "never" | "isnt" | "wont" | "cant" => true,
            _ => false,
        }
    }

    /// "was my claim read by a human", "why was I transferred", "has anyone looked".
    fn asks_what_was(&self, begin: usize, from: usize) -> bool {
        let verb = begin
            + usize::from(matches!(
                self.said(begin),
                "why" | "when" | "where" | "how" | "who"
            ));
        let past = matches!(self.said(verb), "was" | "were" | "did" | "has" | "had");
        let subject =
            self.r.bits.get(verb + 1).is_some_and(|bits| {
                bits & (I | OTHER | DET | BLOCK | WHOM) != 0 && bits & SOFT == 0
            });
        let open = matches!(
            self.said(verb + 2),
            "supposed" | "promised" | "hoping" | "told"
        );
        past && verb <= from && subject && !open
    }

    /// "do I have to talk to anyone to cancel", "must I call".
    fn asks_whether(&self, begin: usize, from: usize) -> bool {
        let must = matches!(self.said(begin), "must" | "should");
        let duty = matches!(self.said(begin + 2), "have" | "need" | "gotta");
        let asked = must || matches!(self.said(begin), "do" | "does" | "will" | "would") && duty;
        asked
            && begin < from
            && matches!(
                self.said(begin + 1),
                "i" | "we" | "one" | "people" | "they" | "customers" | "he" | "she" | "it"
            )
    }

    /// "when will someone look at my ticket": asks for the time; "what is a live agent": for the word.
    fn asks_when(&self, begin: usize, found: &Ask) -> bool {
        let is = |i: usize| {
            matches!(
                self.said(i),
                "will" | "does" | "do" | "is" | "are" | "can" | "would"
            )
        };
        let anyone = (found.from..=found.to).all(|i| !self.r.is(i, PERSON | ROLE | REAL));
        let a = |i: usize| matches!(self.said(i), "a" | "an") && found.from <= i + 2;
        match self.said(begin) {
            "when" | "where" => {
                let known = self.said(begin) == "when"
                    && matches!(self.said(begin + 2), "the" | "my" | "your" | "ur");
                is(begin + 1) && (anyone || known) && !self.r.is(begin + 2, I)
            }
            "what" => is(begin + 1) && a(begin + 2),
            "whats" => a(begin + 1),
            _ => false,
        }
    }

    /// "how many people", "how much is an hour with a therapist", "which agent", "is it normal that people".
    fn asks_how_much(&self, begin: usize, found: &Ask) -> bool {
        let anyone = (found.from..=found.to).any(|i| self.r.bits[i] & ANYBODY != 0);
        let next = self.said(begin + 1);
        match self.said(begin) {
            "how" => {
                let measure = matches!(
                    next,
                    "much"
                        | "old"
                        | "tall"
                        | "far"
                        | "big"
                        | "loud"
                        | "safe"
                        | "good"
                        | "human"
                        | "real"
                        | "expensive"
                );
                measure || next == "many" && self.said(begin + 2) != "times"
            }
            "which" => {
                !self.r.is(begin + 1, PRESS | OTHER)
                    && !self.r.is(begin + 2, MODAL | AUX)
                    && !matches!(next, "one" | "of" | "way" | "department")
            }
            "is" | "are" if matches!(next, "the" | "a") && !anyone => true,
            "is" => {
                next == "it"
                    && matches!(
                        self.said(begin + 2),
                        "normal" | "legal" | "safe" | "allowed" | "true" | "common" | "rude"
                    )
            }
            _ => false,
        }
    }

    /// "when I talk to the nurse": a clause about the time of something else.
    fn aside(&self, begin: usize, found: &Ask) -> bool {
        let verb = found.from;
        verb > begin + 1
            && self.r.is(verb, TALK | CONNECT | REACH | CALL)
            && matches!(self.said(verb - 1), "i" | "we" | "you" | "they")
            && matches!(
                self.said(verb - 2),
                "when" | "while" | "before" | "after" | "until" | "whenever" | "once" | "as"
            )
    }

    /// "can the tenant speak to the landlord": another's conversation, with nobody of ours.
    fn others_talk(&self, begin: usize, to: usize) -> bool {
        let modal = matches!(
            self.said(begin),
            "can" | "could" | "may" | "do" | "does" | "will" | "would" | "should"
        );
        let subject = begin + 1;
        let own = self.r.is(
            subject,
            I | ME | OTHER | SOME | PERSON | ROLE | DESK | SOFT | NEG,
        ) || matches!(
            self.said(subject),
            "someone" | "somebody" | "anyone" | "one" | "your" | "ur" | "a" | "an"
        );
        modal
            && subject < to
            && !own
            && self.r.bits[to] & ANYBODY == 0
            && self.r.bits[to] & (CALL | ME | HELPME) == 0
            && self.r.bits[to] & DEPT != 0
    }

    /// "the site says someone will contact me", "I got a mail that an agent will call".
    fn reported(&self, begin: usize, from: usize) -> bool {
        (begin..from).any(|i| {
            let own =
                i > 0 && matches!(self.said(i - 1), "i" | "ive" | "like" | "already" | "just");
            let says = matches!(
                self.said(i),
                "says"
                    | "said"
                    | "states"
                    | "stated"
                    | "tells"
                    | "told"
                    | "claims"
                    | "wrote"
                    | "writes"
                    | "mentions"
            );
            let message = matches!(
                self.said(i),
                "mail"
                    | "email"
                    | "letter"
                    | "message"
                    | "sms"
                    | "note"
                    | "notice"
                    | "confirmation"
            ) && self.said(i + 1) == "that";
            (says && !own || message) && !(i + 3..from).any(|later| self.anew(later))
        })
    }

    /// "the mechanic wants to talk about the price", "our customers ask for a human".
    fn others_wish(&self, begin: usize, from: usize, to: usize) -> bool {
        (from.saturating_sub(WISH_MAX).max(begin + 1)..=to.min(from + 2)).any(|k| {
            let wish = matches!(
                self.said(k),
                "wants"
                    | "needs"
                    | "asks"
                    | "tries"
                    | "likes"
                    | "will"
                    | "would"
                    | "should"
                    | "must"
                    | "wanted"
                    | "asked"
            );
            let subject = self.r.bits[k - 1];
            let noun = subject & (I | ME | WANT | PERSON | SOME | ROLE | MODAL | HOW | BOT) == 0;
            let the = k > 1
                && matches!(
                    self.said(k - 2),
                    "the" | "our" | "his" | "her" | "their" | "these" | "those" | "some" | "a"
                );
            let third = wish && noun && the && k - 2 >= begin;
            let crowd = matches!(
                self.said(k - 1),
                "customers"
                    | "visitors"
                    | "clients"
                    | "users"
                    | "guests"
                    | "members"
                    | "tenants"
                    | "residents"
                    | "patients"
                    | "students"
                    | "buyers"
                    | "sellers"
                    | "shoppers"
                    | "callers"
                    | "passengers"
                    | "everyone"
                    | "kids"
            ) && k > begin;
            let many = self.r.is(k, WANT | TALK | MODAL | AUX)
                || matches!(self.said(k), "ask" | "always" | "often" | "keep" | "who");
            third || crowd && many
        })
    }

    /// "someone from the bank called me", "an agent will call tomorrow": what somebody did or will do.
    fn deed(&self, begin: usize, from: usize, to: usize) -> bool {
        if (begin..from).any(|i| {
            self.r.is(
                i,
                MODAL | WANT | GIVE | CONNECT | TALK | REACH | NEG | NEGCAN | HOW,
            )
        }) {
            return false;
        }
        let Some(person) = (from..=to).find(|i| self.r.bits[*i] & ANYBODY != 0) else {
            return false;
        };
        let will = |i: usize| {
            matches!(self.said(i), "will" | "would" | "may" | "might") && !self.r.is(i + 1, DET)
        };
        let behind = (person + 1..=person + DEED_MAX).take_while(|i| !self.apart(*i));
        for i in behind {
            if will(i) || is_past(self.said(i)) {
                return self.said(i + 1) != "be" && self.said(i + 1) != "do";
            }
            let place =
                self.r.is(i, LINK | DET | DEPT | OTHER | SOFT | REAL) || self.r.bits[i] == 0;
            if !place || self.r.is(i, HELP | CALL) {
                return false;
            }
        }
        false
    }
}

/// Whether an English word says what somebody did, and is no adjective that a request ends with.
fn is_past(word: &str) -> bool {
    let irregular = matches!(
        word,
        "told"
            | "said"
            | "rang"
            | "came"
            | "took"
            | "wrote"
            | "left"
            | "sent"
            | "gave"
            | "was"
            | "were"
            | "did"
            | "had"
            | "made"
            | "stole"
            | "broke"
            | "went"
            | "spoke"
            | "sold"
            | "put"
            | "got"
            | "found"
            | "keeps"
            | "is"
    );
    let open = matches!(
        word,
        "needed"
            | "required"
            | "wanted"
            | "requested"
            | "qualified"
            | "experienced"
            | "trained"
            | "certified"
            | "interested"
            | "skilled"
            | "need"
            | "speed"
            | "involved"
            | "based"
            | "indeed"
            | "preferred"
            | "desired"
    );
    irregular || word.len() > 4 && word.ends_with("ed") && !open
}
