//! Work that somebody is wanted for: a roof to be mended, a car to be looked at. The customer asks for a service, not for
//! one of us in the conversation.
//!
//! English only, like the other frames, and only for a nameless "someone"; nothing here hears a request.

use super::super::classes::*;
use super::Grammar;

/// How far behind "someone" the thing stands that is to be worked on.
const ERRAND_MAX: usize = 7;
/// How far behind "someone" the help stands that is work for hands.
const HAND_MAX: usize = 4;
/// Work for hands.
const HANDS: [&str; 10] = [
    "carry",
    "lift",
    "move",
    "unload",
    "load",
    "unpack",
    "push",
    "park",
    "jumpstart",
    "clean",
];
/// What the work is, wherever the thing stands.
const WORK: [&str; 18] = [
    "fix", "repair", "clean", "paint", "install", "build", "move", "carry", "cut", "cook", "drive",
    "feed", "check", "look", "inspect", "deal", "mow", "walk",
];
/// Work on what is named right behind it: words that are also said of an account or a case are not here.
const TRADE: [&str; 13] = [
    "fix", "repair", "clean", "paint", "install", "build", "move", "carry", "cut", "cook", "drive",
    "feed", "check",
];
/// Things that people own and have worked on.
const THINGS: [&str; 24] = [
    "car",
    "cars",
    "engine",
    "truck",
    "brakes",
    "tires",
    "tyres",
    "bike",
    "roof",
    "sink",
    "toilet",
    "boiler",
    "fridge",
    "dishwasher",
    "lawn",
    "garden",
    "dog",
    "cat",
    "house",
    "kitchen",
    "bathroom",
    "windows",
    "piano",
    "furnace",
];
/// What makes of such a thing a matter of ours: "my car insurance".
const MATTERS: [&str; 14] = [
    "insurance",
    "loan",
    "lease",
    "rental",
    "hire",
    "booking",
    "reservation",
    "payment",
    "policy",
    "order",
    "claim",
    "account",
    "finance",
    "warranty",
];

impl Grammar<'_> {
    /// "I need someone to fix my roof", "find someone to look at my car": a service that is bought.
    pub(super) fn hired(&self, from: usize, to: usize) -> bool {
        let Some(p) = (from..=to).find(|i| self.r.is(*i, SOME)) else {
            return false;
        };
        let sent = matches!(self.said(from), "send" | "dispatch") && self.said(p + 1) == "to";
        if sent && !self.r.is(p + 2, TALK | CALL | REACH) && self.said(p + 2) != "help" {
            return true;
        }
        let thing = p + 4 < self.r.bits.len() && self.r.bits[p + 4] == 0;
        let bought = self.said(p + 1) == "to"
            && TRADE.contains(&self.said(p + 2))
            && thing
            && !self.apart(p + 4)
            && self.r.is(p + 3, DET | BLOCK);
        bought || self.errand(p) || self.lent_hand(p)
    }

    /// "can someone help me carry the boxes", "someone to help us move".
    fn lent_hand(&self, p: usize) -> bool {
        (p + 1..p + HAND_MAX).any(|i| {
            self.said(i) == "help"
                && matches!(self.said(i + 1), "me" | "us")
                && (i + 2..i + 4).any(|k| HANDS.contains(&self.said(k)) && !self.apart(k))
        })
    }

    /// "someone to look at my car", "someone who can deal with the engine light".
    fn errand(&self, p: usize) -> bool {
        let led = matches!(self.said(p + 1), "to" | "who" | "that");
        let works = (p + 2..p + 5).any(|i| WORK.contains(&self.said(i)));
        led && works
            && (p + 3..=p + ERRAND_MAX + 1)
                .take_while(|i| !self.apart(*i))
                .any(|i| {
                    let ours = MATTERS.contains(&self.said(i + 1)) && !self.apart(i + 1);
                    THINGS.contains(&self.said(i)) && !ours
                })
    }
}
