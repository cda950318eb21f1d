//! Taking back what a person wrote and what has surely not left; and what it means that words reached nobody.
//!
//! An answer of the AI stops the customer's wait in the same way, and gives it back in the same way where it fails for
//! good or may not leave any more.
//!
//! A person's words stop clocks when they are written: the customer's wait, the first human word, the next one. Taken
//! back before they left, or given up, they have answered nobody, and the clocks go on as if they had never been written
//! ([`Stopped`] remembers how they stood). Another word of a person that may still arrive inherits the memory; whatever
//! else answers the customer ends it. What the clocks have counted by then stays on the trail: a clock that
//! goes on is counted again when it is stopped again.

use serde::{Deserialize, Serialize};

use super::Mode;
use super::common::Cx;
use super::human::Human;
use super::outbox::{LINE_MAX, Owed, OwedState, Sent};
use super::parked::{self, Parked};
use super::release::strike;
use super::words::{Class, MessageState, ModeName};
use crate::clock::Timestamp;
use crate::ids::{EffectId, HandoffId};

/// How the clocks stood that a person's words have stopped.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stopped {
    /// Since when the customer had waited for an answer, if they had.
    waiting_since: Option<Timestamp>,
    /// Who had answered before.
    last_word: Option<ModeName>,
    /// The handoff whose clocks these are.
    handoff: Option<HandoffId>,
    /// They were the first human word.
    first: bool,
    /// The clock to the first human word, if it ran.
    first_due: Option<Timestamp>,
    /// The clock to the next human word, if it ran.
    next_due: Option<Timestamp>,
}

impl Stopped {
    /// What words of the person who has it would stop now.
    pub(super) fn by_words_of(human: &Human, cx: &Cx<'_>) -> Self {
        let running = |due: Option<Timestamp>| due.filter(|due| *due > cx.now);
        Self {
            waiting_since: cx.common.episode.waiting_since,
            last_word: cx.common.episode.last_word,
            handoff: human.handoff().map(|handoff| handoff.id),
            first: !human.clocks.spoke,
            first_due: running(human.clocks.first_due),
            next_due: running(human.clocks.next_due),
        }
    }

    /// What an answer of the AI would stop now: no clock of a person runs on it.
    fn by_answer(cx: &Cx<'_>) -> Self {
        Self {
            waiting_since: cx.common.episode.waiting_since,
            last_word: cx.common.episode.last_word,
            handoff: None,
            first: false,
            first_due: None,
            next_due: None,
        }
    }

    /// The same, with what words before these had stopped.
    fn after(self, earlier: Self) -> Self {
        let same = self.handoff == earlier.handoff;
        let clocks = |theirs: Option<Timestamp>| theirs.filter(|_| same);
        Self {
            waiting_since: earliest(earlier.waiting_since, self.waiting_since),
            last_word: earlier.last_word,
            handoff: self.handoff,
            first: self.first || (same && earlier.first),
            first_due: earliest(clocks(earlier.first_due), self.first_due),
            next_due: earliest(clocks(earlier.next_due), self.next_due),
        }
    }

    /// The clocks go on, which words of `whose` had stopped.
    fn give_back(self, whose: ModeName, mode: &mut Mode, cx: &mut Cx<'_>) {
        let episode = &mut cx.common.episode;
        episode.waiting_since = earliest(self.waiting_since, episode.waiting_since);
        if episode.last_word == Some(whose) {
            episode.last_word = self.last_word;
        }
        match mode {
            Mode::Human(human) if human.handoff().map(|one| one.id) == self.handoff => {
                let clocks = &mut human.clocks;
                clocks.spoke &= !self.first;
                clocks.first_due = earliest(self.first_due, clocks.first_due);
                // What was written meanwhile falls under the clock of the first word again.
                let next_due = earliest(self.next_due, clocks.next_due);
                clocks.next_due = next_due.filter(|_| clocks.spoke);
            }
            Mode::Human(_) | Mode::Ai(_) | Mode::Waiting(_) | Mode::Closed(_) => {}
        }
    }
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// A person takes back what a person wrote and what has surely not left. Whether there was such a message.
pub(super) fn undo(effect: EffectId, mode: &mut Mode, cx: &mut Cx<'_>) -> bool {
    let pending = |owed: &Owed| {
        owed.effect == effect
            && owed.class == Class::Human
            && !owed.in_doubt
            && matches!(owed.state, OwedState::Pending { .. })
    };
    let (undone, why) = (MessageState::Suppressed, "undone");
    let outbox = &mut cx.common.outbox;
    if let Some(place) = outbox.owed.iter().position(pending) {
        let owed = outbox.owed[place].clone();
        strike(cx, place, undone, why, None);
        answered_nobody((effect, owed.class), owed.stopped, mode, cx);
        return true;
    }
    let kept = outbox.parked.iter().position(|one| pending(&one.owed));
    let Some(Parked { owed, .. }) = kept.and_then(|place| outbox.parked.remove(place)) else {
        return false;
    };
    parked::leave(&owed, undone, why, cx);
    answered_nobody((effect, owed.class), owed.stopped, mode, cx);
    true
}

/// The words `owed` were given up. Unless they may have arrived all the same, the customer has not been answered; whoever
/// has blocked us waits for nobody.
pub(super) fn never_arrived(owed: Owed, mode: &mut Mode, cx: &mut Cx<'_>) {
    if !owed.in_doubt && !cx.common.unreachable {
        answered_nobody((owed.effect, owed.class), owed.stopped, mode, cx);
    }
}

/// Whether a message of `class` answers the customer. What the AI says under a `handoff` is company only.
pub(super) fn answers(class: Class, handoff: Option<HandoffId>) -> bool {
    match class {
        Class::Human => true,
        Class::Ai => handoff.is_none(),
        Class::Ack
        | Class::Progress
        | Class::Reminder
        | Class::Survey
        | Class::Error
        | Class::AfterHours
        | Class::System => false,
    }
}

/// The words `effect`, which stopped this, have reached nobody: the next answer answers in their stead, or the clocks go
/// on.
pub(super) fn answered_nobody(
    (effect, class): (EffectId, Class),
    stopped: Option<Stopped>,
    mode: &mut Mode,
    cx: &mut Cx<'_>,
) {
    let Some(stopped) = stopped else { return };
    let outbox = &mut cx.common.outbox;
    let may_arrive = |sent: &&Sent| {
        let lost = matches!(
            sent.state,
            MessageState::Failed | MessageState::Suppressed | MessageState::Parked
        );
        // Of the AI's only what can still be told of: what was shown while it was written remembers nothing.
        let its = answers(sent.class, sent.handoff) && sent.stopped.is_some();
        (sent.class == Class::Human || its) && !lost && sent.effect > effect
    };
    let taken = outbox
        .sent
        .iter()
        .filter(may_arrive)
        .map(|sent| sent.effect);
    let taken = taken.min();
    let waits = |owed: &&Owed| owed.effect > effect && owed.stopped.is_some();
    let waits = outbox.all().filter(waits).map(|owed| owed.effect).min();
    let Some(next) = taken.into_iter().chain(waits).min() else {
        let whose = match class {
            Class::Ai => ModeName::Ai,
            Class::Human
            | Class::Ack
            | Class::Progress
            | Class::Reminder
            | Class::Survey
            | Class::Error
            | Class::AfterHours
            | Class::System => ModeName::Human,
        };
        return stopped.give_back(whose, mode, cx);
    };
    let sent = outbox.sent.iter_mut().find(|sent| sent.effect == next);
    let of_it = match sent {
        Some(sent) => Some(&mut sent.stopped),
        None => outbox
            .all_mut()
            .find(|owed| owed.effect == next)
            .map(|owed| &mut owed.stopped),
    };
    // None: it has arrived, and was the answer.
    if let Some(theirs) = of_it {
        *theirs = theirs.take().map(|theirs| theirs.after(stopped));
    }
}

/// The AI has answered: who waits, waits from `since` on, for an answer to what they wrote meanwhile. Nothing of a person
/// is given back any more. An answer that stands in the line remembers what it stopped; one that was shown while it was
/// written has arrived.
pub(super) fn answered_by_ai(since: Option<Timestamp>, cx: &mut Cx<'_>) {
    let stopped = Stopped::by_answer(cx);
    let (now, outbox) = (cx.now, &mut cx.common.outbox);
    for owed in outbox.all_mut().filter(|owed| owed.class == Class::Human) {
        owed.stopped = None;
    }
    let sent = outbox.sent.iter_mut();
    for sent in sent.filter(|sent| sent.class == Class::Human) {
        sent.stopped = None;
    }
    let its = |owed: &&mut Owed| {
        owed.class == Class::Ai
            && owed.handoff.is_none()
            && owed.attempts == 0
            && owed.decided_at == now
    };
    if let Some(owed) = outbox.owed.back_mut().filter(its) {
        owed.stopped = Some(stopped);
    } else if outbox.owed.len() >= LINE_MAX {
        // There was no room for it: nobody was answered.
        return;
    }
    cx.common.episode.waiting_since = since;
}

/// Something else has answered the customer, or ended the episode: nothing is given back any more.
pub(super) fn answered_otherwise(cx: &mut Cx<'_>) {
    for owed in cx.common.outbox.all_mut() {
        owed.stopped = None;
    }
    for sent in &mut cx.common.outbox.sent {
        sent.stopped = None;
    }
}

/// The words `effect` have left: what was written before them has been answered by them.
pub(super) fn answered_by(effect: EffectId, cx: &mut Cx<'_>) {
    let earlier = |owed: &&mut Owed| owed.effect < effect;
    for owed in cx.common.outbox.all_mut().filter(earlier) {
        owed.stopped = None;
    }
}
