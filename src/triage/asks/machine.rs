//! Requests that refuse the machine: "I don't want a bot", "turn off the bot", "not a bot but a person".

use super::super::classes::*;
use super::context::REACH_MAX;
use super::{Ask, CLEAR, Grammar, ask};

/// Words that may follow the machine without making it another thing: "bot mode".
const TRAILS: [&str; 16] = [
    "mode",
    "chat",
    "thing",
    "menu",
    "option",
    "crap",
    "shit",
    "nonsense",
    "bs",
    "loop",
    "reply",
    "replies",
    "answers",
    "responses",
    "messages",
    "stuff",
];

/// What one tells somebody.
const TOLD: [&str; 15] = [
    "share",
    "sharing",
    "give",
    "giving",
    "discuss",
    "discussing",
    "tell",
    "telling",
    "send",
    "sending",
    "provide",
    "providing",
    "type",
    "typing",
    "explain",
];
/// What is said of talking to a machine.
const JUDGED: [&str; 12] = [
    "useless",
    "pointless",
    "waste",
    "stupid",
    "annoying",
    "frustrating",
    "ridiculous",
    "hopeless",
    "helping",
    "working",
    "absurd",
    "horrible",
];
/// How far before the machine the verb of telling stands.
const TOLD_MAX: usize = 9;
/// How far before the verb of telling the refusal stands.
const UNWILLING_MAX: usize = 6;

impl Grammar<'_> {
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
                let bidden = i > 0 && r.words.word(i - 1) == "do" && r.begins_thought(i - 1);
                led |= bits & FED != 0 || bidden || r.begins_thought(i);
            } else if bits & (TALK | TALKING | WANT) != 0 {
                led = true;
            } else if matches!(self.said(i), "going" | "gonna" | "about") {
            } else if bits
                & (CLEAR | LINK | ME | HELP | I | AUX | MODAL | BOT | PLAIN | OTHER | NEGCAN)
                == 0
            {
                break;
            }
        }
        if refused.is_some_and(|from| self.told_off(from, b)) {
            return None;
        }
        if let Some(from) = refused
            && led
            && self.machine_ends(b)
            && !r.words.tokens[b].hyphen
            && !self.appliance(from, b)
        {
            return ask("ask.refuse_bot", from, b);
        }
        if let Some(from) = self.kept_from(b) {
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

    /// "I don't want to share my details with a bot", "talking to robots is useless": from where.
    fn kept_from(&self, b: usize) -> Option<usize> {
        let r = self.r;
        let inside = |i: &usize| !self.apart(*i + 1);
        let back = || (b.saturating_sub(TOLD_MAX)..b).rev().take_while(inside);
        let with = back().take(3).find(|i| {
            matches!(self.said(*i), "to" | "with")
                && (i + 1..b).all(|k| r.is(k, CLEAR | BOT) || self.said(k) == "this")
        })?;
        if r.tongues & 1 == 0 || !self.machine_ends(b) {
            return None;
        }
        let told = back().find(|i| *i < with && TOLD.contains(&self.said(*i)));
        let unwilling = |from: usize| {
            (from.saturating_sub(UNWILLING_MAX)..from)
                .rev()
                .take_while(inside)
                .find(|i| {
                    r.bits[*i] & (NEG | NEGCAN | FED) != 0
                        || matches!(self.said(*i), "uncomfortable" | "uneasy" | "hesitant")
                })
        };
        let kept = told.and_then(unwilling);
        kept.or_else(|| {
            let talked = with.checked_sub(1).filter(|i| r.is(*i, TALK | TALKING))?;
            let judged = matches!(self.said(b + 1), "is" | "isnt" | "was" | "wont")
                && (b + 2..b + 5).any(|i| JUDGED.contains(&self.said(i)));
            judged.then_some(talked)
        })
    }

    /// Whether no conversation is refused: "you can stop talking, robot", "the stupid machine swallowed my card".
    fn told_off(&self, from: usize, b: usize) -> bool {
        let called = self.said(from) == "stop"
            && self.r.is(from + 1, TALKING)
            && !(from + 1..b).any(|i| self.r.is(i, LINK));
        let thing = matches!(self.said(b), "machine" | "machines");
        let did = (b + 1..b + 3).any(|i| {
            matches!(
                self.said(i),
                "swallowed"
                    | "ate"
                    | "took"
                    | "kept"
                    | "retained"
                    | "stole"
                    | "charged"
                    | "gave"
                    | "broke"
                    | "leaks"
                    | "stopped"
                    | "didnt"
                    | "wouldnt"
            )
        });
        // "not bad for a bot"
        let praised = self.said(from) == "not" && self.said(from + 1) == "bad";
        called || thing && did || praised
    }

    /// Whether nothing behind the machine makes it another thing.
    fn machine_ends(&self, b: usize) -> bool {
        let r = self.r;
        let after = b + 1;
        // "I don't trust a machine with this"
        let trusted = self.said(after) == "with" && r.is(after + 1, ME | BLOCK);
        after >= r.bits.len()
            || self.apart(after)
            || trusted
            || TRAILS.contains(&r.words.word(after))
            || r.bits[after] != 0 && (r.bits[after] & LINK == 0 || r.bits[after] & SOFT != 0)
    }

    /// Whether the customer asks how to stop a thing that was bought: "how do I stop the robot when it is stuck".
    fn appliance(&self, from: usize, b: usize) -> bool {
        let r = self.r;
        let spoken_to = (from..b).any(|i| r.is(i, TALK | TALKING));
        let how = (from.saturating_sub(5)..from).any(|i| r.is(i, HOW | MODAL)) || r.is(b + 1, WHEN);
        how && !spoken_to
            && r.bits[from] & FED != 0
            && matches!(
                r.words.word(b),
                "robot"
                    | "robots"
                    | "machine"
                    | "machines"
                    | "computer"
                    | "computers"
                    | "program"
                    | "recording"
            )
    }
}
