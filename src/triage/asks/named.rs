//! Requests for somebody whose trade or name is no word of ours: "talk to one of your chefs", "may I speak to Mrs Field",
//! "could the registrar ring me", "I need a patient human".
//!
//! English only, and only where all around the unknown word speaks for a request: the customer's own wish or a question
//! to us, a verb of speaking or calling, and the end of the thought. Nobody is guessed behind "the" or "my".

use super::super::classes::*;
use super::{Ask, Grammar, ask};

/// The bit of English among the languages.
const ENGLISH: u8 = 1;
/// How many words may stand between the question and the call it asks for.
const SUBJECT_MAX: usize = 6;
/// Whose call is about something that is under way, not about the conversation.
const CARRIERS: [&str; 16] = [
    "driver", "courier", "carrier", "delivery", "postman", "app", "system", "alarm", "taxi", "cab",
    "mover", "movers", "rider", "host", "seller", "other",
];
/// Places and trades of a business where somebody answers: "I'd like to speak to the gym".
const PLACES: [&str; 19] = [
    "chef",
    "cook",
    "waiter",
    "bartender",
    "porter",
    "butler",
    "valet",
    "restaurant",
    "gym",
    "spa",
    "bar",
    "kitchen",
    "hotel",
    "concierge",
    "housekeeping",
    "pharmacy",
    "clinic",
    "salon",
    "warehouse",
];
/// Names of trades that more often are those of substances, machines and other people's people.
const AMBIGUOUS: [&str; 10] = [
    "agent",
    "agents",
    "operator",
    "operators",
    "officer",
    "attendant",
    "rep",
    "reps",
    "clerk",
    "assistant",
];

impl Grammar<'_> {
    /// "can I talk to one of your chefs", "I'd like to speak with Ana please".
    pub(super) fn stranger(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        let led = (v.saturating_sub(3)..v).any(|i| r.is(i, WANT | MODAL))
            && (v.saturating_sub(6)..v).any(|i| r.is(i, I | ME));
        // "continue with Mastercard" goes on with a thing
        let goes_on = matches!(self.said(v), "continue" | "proceed" | "finish" | "settle");
        let bidden = r.begins_thought(v) && matches!(self.said(v), "speak" | "talk");
        let to = v + 1;
        let link = matches!(self.said(to), "to" | "with" | "2" | "w" | "wit");
        if r.tongues & ENGLISH == 0
            || goes_on
            || !led && !bidden
            || !link
            || self.apart(to)
            || self.denied(v)
            || self.someone_elses(v)
        {
            return None;
        }
        let first = to + 1;
        let place = self.said(first) == "the" && PLACES.contains(&self.said(first + 1));
        if place && self.place_ends(first + 1) {
            return ask("ask.talk", v, first + 1);
        }
        if !led {
            return None;
        }
        let (noun, named) = match self.said(first) {
            "a" | "an" | "your" | "ur" => (first + 1, false),
            "one"
                if self.said(first + 1) == "of"
                    && matches!(self.said(first + 2), "your" | "ur" | "the") =>
            {
                (first + 3, false)
            }
            "mr" | "mrs" | "ms" | "miss" | "dr" | "sister" | "father" => {
                return ask("ask.talk", v, first);
            }
            _ => (first, true),
        };
        let unknown =
            |i: usize| i < r.bits.len() && !self.apart(i) && r.bits[i] == 0 && !r.blocked[i];
        if !unknown(noun) || named && self.said(noun).ends_with('s') {
            return None;
        }
        let last = if !named && unknown(noun + 1) {
            noun + 1
        } else {
            noun
        };
        let on = !self.apart(last + 1) && matches!(self.said(last + 1), "from" | "in");
        (self.place_ends(last) || on).then_some(())?;
        ask("ask.talk", v, last)
    }

    /// "transfer me to the gym", "put us through to housekeeping".
    pub(super) fn put_through(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        let through = matches!(self.said(v + 2), "through" | "thru" | "over");
        let verb = match self.said(v) {
            "connect" | "transfer" | "forward" => true,
            "put" | "patch" => through,
            _ => false,
        };
        let to = v + 2 + usize::from(through);
        let place = to + 1 + usize::from(matches!(self.said(to + 1), "the" | "your"));
        let fits = r.tongues & ENGLISH != 0
            && verb
            && matches!(self.said(v + 1), "me" | "us")
            && matches!(self.said(to), "to" | "with")
            && PLACES.contains(&self.said(place))
            && !(v + 1..=place).any(|i| self.apart(i))
            && self.place_ends(place)
            && !self.denied(v)
            && !self.someone_elses(v);
        fits.then_some(())?;
        ask("ask.connect", v, place)
    }

    /// Whether a place or a trade ends with word `last`, or goes on with what it is about.
    fn place_ends(&self, last: usize) -> bool {
        let on = matches!(
            self.said(last + 1),
            "about" | "regarding" | "please" | "pls"
        );
        self.r.ends_thought(last) || on && !self.apart(last + 1)
    }

    /// "could the registrar ring me", "please have the workshop call us back".
    pub(super) fn bidden(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        let me = v + 1;
        let call = matches!(
            self.said(v),
            "call" | "ring" | "phone" | "contact" | "telephone"
        );
        if r.tongues & ENGLISH == 0
            || !call
            || !matches!(self.said(me), "me" | "us")
            || self.apart(me)
            || self.put_off(me)
        {
            return None;
        }
        let begin = (v.saturating_sub(SUBJECT_MAX + 1)..v)
            .rev()
            .take_while(|i| !self.apart(i + 1))
            .find(|i| {
                matches!(
                    self.said(*i),
                    "can" | "could" | "would" | "might" | "have" | "ask" | "tell" | "get"
                ) && r.begins_thought(*i)
            })?;
        let subject = begin + 1..v;
        let plain = subject.clone().all(|i| {
            r.bits[i] & (WHEN | NEG | NEGCAN | I) == 0
                && !CARRIERS.contains(&self.said(i))
                && !r.blocked[i]
        });
        let next = me + 1;
        let open = r.ends_thought(me)
            || !self.apart(next)
                && (r.is(next, SOFT | LINK) || self.said(next) == "about")
                && !r.is(next, DET);
        (!subject.is_empty() && plain && open).then_some(())?;
        ask("ask.call", begin, me)
    }

    /// "I need a patient human", "get me a knowledgeable person".
    pub(super) fn described(&self, v: usize) -> Option<Ask> {
        let r = self.r;
        let a = [v + 1, v + 2]
            .into_iter()
            .find(|i| matches!(self.said(*i), "a" | "an"))?;
        let (word, p) = (a + 1, a + 2);
        let between = a == v + 1 || r.is(v + 1, ME | LINK);
        let unknown =
            r.bits.get(word).is_some_and(|bits| *bits == 0) && !self.apart(word) && !self.apart(p);
        let person = r.is(p, PERSON) || self.said(p) == "person";
        let own = r.is(v, GIVE | GIVEME) && (a == v + 2 && r.is(v + 1, ME) || r.is(v, GIVEME))
            || r.is(v, WANT);
        let fits = r.tongues & ENGLISH != 0
            && between
            && unknown
            && person
            && own
            && !r.words.tokens[p].hyphen
            && !AMBIGUOUS.contains(&self.said(p))
            && (r.ends_thought(p) || self.said(p + 1) == "who" || r.is(p + 1, LINK))
            && !self.asked_whether(v)
            && !self.denied(v);
        fits.then_some(())?;
        ask("ask.want", v, p)
    }
}
